package run

import (
	"fmt"

	"github.com/skeindb/skein/engine"
	"github.com/skeindb/skein/orchestrator/plan"
	"github.com/skeindb/skein/orchestrator/rollout"
)

// handleCommand takes in a command. Before says that it was asked before this run began. The process may be killed between
// any two facts: so tenants are skipped before the command counts as taken in, for to skip them twice is harmless,
// an approval is part of the fact, and an abort that was taken in is carried out by the next run.
func (r *runner) handleCommand(c rollout.Command, before bool) {
	switch c.Action {
	case rollout.ActionPause:
		refused := r.cannotStop(rollout.StatePaused)
		if before {
			refused = "it was asked before this run began, which is to go on"
		}
		if r.acknowledge(c, refused) {
			r.stop(rollout.StatePaused, c.Asked())
		}
	case rollout.ActionAbort:
		if r.acknowledge(c, r.cannotStop(rollout.StateAborted)) {
			r.stop(rollout.StateAborted, c.Asked())
		}
	case rollout.ActionApprove:
		r.acknowledge(c, r.report.CannotApprove(c.Wave))
	case rollout.ActionSkip:
		places := r.Plan.Positions()
		refused := r.cannotSkip(c.Tenants, places)
		if refused == "" {
			r.skip(c.Tenants, c.SkippedBy(), places)
		}
		r.acknowledge(c, refused)
	case rollout.ActionResume, rollout.ActionRetry, rollout.ActionRollback: // for the record only
		r.acknowledge(c, "")
	default:
		r.acknowledge(c, c.Unknown())
	}
}

// acknowledge makes a command a fact, for somebody waits for it, and reports whether it counts.
func (r *runner) acknowledge(c rollout.Command, refused string) bool {
	r.emitNow(rollout.Commanded{Command: c, Refused: refused})
	return refused == ""
}

// cannotStop says why a stop comes too late; "" when it does not.
func (r *runner) cannotStop(state rollout.State) string {
	if weight(state) > weight(r.halt.state) {
		return ""
	}
	return fmt.Sprintf("the run ends already: %s", r.halt.reason)
}

// cannotSkip says why tenants cannot be skipped; "" when all of them can. Either all are or none.
func (r *runner) cannotSkip(ids []string, places map[string]plan.Position) string {
	if len(ids) == 0 {
		return "it names no tenant"
	}
	for _, id := range ids {
		at, known := places[id]
		if known && at.Wave > r.reached {
			continue // its wave is still to come
		}
		switch outcome := r.report.Outcome(id); outcome {
		case plan.OutcomePending, plan.OutcomeRetrying, plan.OutcomeDeferred:
			if !known {
				return fmt.Sprintf("tenant %s is not part of this run", id)
			}
		case plan.OutcomeRunning:
			return fmt.Sprintf("tenant %s is under work", id)
		default:
			if refused := rollout.Unskippable(id, outcome); refused != "" {
				return refused
			}
		}
	}
	return ""
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
