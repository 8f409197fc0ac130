package run

import (
	"github.com/skeindb/skein/engine"
	"github.com/skeindb/skein/orchestrator/plan"
	"github.com/skeindb/skein/orchestrator/rollout"
)

// handleCommand carries a command out, or refuses it. Those that are handled in phaseStarting were given before this run began. The process may
// be killed between any two facts: so tenants are skipped before the command counts as handled, for to skip them twice does
// no harm, an approval is part of the fact, and an abort that was handled is carried out by the next run.
func (r *runner) handleCommand(c rollout.Command) {
	live := rollout.Live{Early: r.phase == phaseStarting, Wave: r.reached, Ending: r.halt.state, Reason: r.halt.reason}
	refused := rollout.Admit(r.report, r.Plan.Stored(), &c, &live)
	if c.Action == rollout.ActionSkip && refused == "" {
		r.skip(c.Tenants, c.SkippedBy(), r.Plan.Positions())
	}
	r.emitNow(rollout.Commanded{Command: c, Refused: refused}) // at once: its sender waits
	switch {
	case refused != "":
	case c.Action == rollout.ActionPause:
		r.stop(rollout.StatePaused, c.Asked())
	case c.Action == rollout.ActionAbort:
		r.stop(rollout.StateAborted, c.Asked())
	}
}

// skip leaves tenants alone from now on. One that failed does not count as failed any more, though the budget of its
// wave still does.
func (r *runner) skip(ids []string, reason string, places map[string]plan.Position) {
	later := map[int]map[string]bool{} // by wave that is still to come
	for _, id := range ids {
		if t := r.task(id); t >= 0 && !r.wave.tasks[t].ended {
			f := r.ending(t, plan.OutcomeSkipped, nil, engine.Result{})
			f.Reason = reason
			r.wave.remove(t)
			r.finish(t, f)
			continue
		}
		if r.report.Outcome(id) == plan.OutcomeSkipped {
			continue
		}
		f := r.report.SkippedTenant(id, reason)
		if at, known := places[id]; known && at.Wave > r.reached {
			spec := &r.Plan.Waves[at.Wave]
			f.StandsAt(spec.Name, r.Plan.Cohorts[spec.Items[at.Item].Cohort].From)
			if later[at.Wave] == nil {
				later[at.Wave] = map[string]bool{}
			}
			later[at.Wave][id] = true
		}
		r.emit(f)
	}
	for w, ids := range later {
		r.Plan.Drop(w, ids)
	}
}

// unskipped leaves out those that an operator has skipped since they were planned.
func (r *runner) unskipped(items []plan.Item) []plan.Item {
	left := make([]plan.Item, 0, len(items))
	for _, item := range items {
		if r.report.Outcome(item.Tenant.ID) != plan.OutcomeSkipped {
			left = append(left, item)
		}
	}
	return left
}

// task returns the place of a tenant in the wave under way; -1 when it has none.
func (r *runner) task(id string) int32 {
	if r.wave == nil {
		return -1
	}
	return int32(plan.IndexOf(r.wave.items, id))
}
