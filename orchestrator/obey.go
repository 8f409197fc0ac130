package orchestrator

import (
	"fmt"
	"slices"

	"github.com/skeindb/skein/engine"
)

// obey takes in a command. Before says that it was asked before this run began. The process may be killed between
// any two facts: so tenants are skipped before the command counts as taken in, for to skip them twice is harmless,
// an approval is part of the fact, and an abort that was taken in is carried out by the next run.
func (r *runner) obey(c Command, before bool) {
	switch c.Action {
	case ActionPause:
		refused := r.cannotStop(StatePaused)
		if before {
			refused = "it was asked before this run began, which is to go on"
		}
		if r.record(c, refused) {
			r.stop(StatePaused, c.asked())
		}
	case ActionAbort:
		if r.record(c, r.cannotStop(StateAborted)) {
			r.stop(StateAborted, c.asked())
		}
	case ActionApprove:
		r.record(c, r.report.cannotApprove(c.Wave))
	case ActionSkip:
		refused := r.cannotSkip(c.Tenants)
		if refused == "" {
			for _, id := range c.Tenants {
				r.skip(id, c.skipped())
			}
		}
		r.record(c, refused)
	case ActionResume, ActionRetry, ActionRollback: // for the record only
		r.record(c, "")
	default:
		r.record(c, c.unknown())
	}
}

// record makes a command a fact, for somebody waits for it, and reports whether it counts.
func (r *runner) record(c Command, refused string) bool {
	r.emitNow(Commanded{Command: c, Refused: refused})
	return refused == ""
}

// cannotStop says why a stop comes too late; "" when it does not.
func (r *runner) cannotStop(state State) string {
	if state.weight() > r.halt.state.weight() {
		return ""
	}
	return fmt.Sprintf("the run ends already: %s", r.halt.reason)
}

// who names the operator.
func (c *Command) who() string {
	if c.Host == "" {
		return c.User
	}
	return c.User + " on " + c.Host
}

// because ends a sentence with the reason given.
func (c *Command) because() string {
	if c.Reason == "" {
		return ""
	}
	return ": " + c.Reason
}

// asked is the reason of a run that ends by the command.
func (c *Command) asked() string { return c.who() + " asked for it" + c.because() }

// skipped is the reason of a tenant that the command skips.
func (c *Command) skipped() string { return "skipped by " + c.who() + c.because() }

func (c *Command) unknown() string {
	return fmt.Sprintf("%q is nothing that can be asked of a rollout", c.Action)
}

// cannotSkip says why tenants cannot be skipped; "" when all of them can. Either all are or none.
func (r *runner) cannotSkip(ids []string) string {
	if len(ids) == 0 {
		return "it names no tenant"
	}
	for _, id := range ids {
		w, _ := r.Plan.find(id)
		if w > r.at {
			continue // its wave is still to come
		}
		switch outcome := r.report.Outcome(id); outcome {
		case Pending, Retrying, Deferred:
			if w < 0 {
				return fmt.Sprintf("tenant %s is not part of this run", id)
			}
		case Running:
			return fmt.Sprintf("tenant %s is under work", id)
		default:
			if refused := unskippable(id, outcome); refused != "" {
				return refused
			}
		}
	}
	return ""
}

// unskippable says why a tenant that has come to an end cannot be skipped; "" when it can.
func unskippable(id string, o Outcome) string {
	switch o {
	case Done, Unchanged:
		return fmt.Sprintf("tenant %s is done", id)
	case Gone:
		return fmt.Sprintf("tenant %s is not there any more", id)
	}
	return ""
}

// skip leaves a tenant alone from now on. One that failed does not count as failed any more, though the budget of
// its wave still does.
func (r *runner) skip(id, reason string) {
	if t := r.task(id); t >= 0 && !r.wave.tasks[t].ended {
		f := r.ending(t, Skipped, nil, engine.Result{})
		f.Reason = reason
		r.wave.drop(t)
		r.finish(t, f)
		return
	}
	if r.report.Outcome(id) == Skipped {
		return
	}
	f := r.report.skipping(id, reason)
	if w, i := r.Plan.find(id); w > r.at {
		spec := &r.Plan.Waves[w]
		f.at(spec.Name, r.Plan.Cohorts[spec.Items[i].Cohort].From)
		r.Plan.Waves = slices.Clone(r.Plan.Waves) // the plan of the caller shares them
		r.Plan.Waves[w].Items = slices.Delete(slices.Clone(spec.Items), i, i+1)
	}
	r.emit(f)
}

// unskipped leaves out those that an operator has skipped since they were planned.
func (r *runner) unskipped(items []Item) []Item {
	left := make([]Item, 0, len(items))
	for _, item := range items {
		if r.report.Outcome(item.Tenant.ID) != Skipped {
			left = append(left, item)
		}
	}
	return left
}

// skipping is the fact that a tenant is skipped, with what is known of it: as far as it got, it stays.
func (r *Report) skipping(id, reason string) TenantFinished {
	f := TenantFinished{Tenant: id, Outcome: Skipped, Reason: reason}
	if i, ok := r.tenants[id]; ok {
		t := r.tenant(i)
		f.Wave, f.From, f.To, f.Steps = t.Wave, t.From, t.To, t.Steps
	}
	return f
}

// at says of a tenant that is skipped before its turn where it stands.
func (f *TenantFinished) at(wave string, heads []string) {
	f.Wave, f.To = wave, heads
	if f.From == nil {
		f.From = heads
	}
}

// find returns the place of a tenant in the plan; -1 when it has none.
func (p *Plan) find(id string) (wave, item int) {
	for w := range p.Waves {
		if i := indexOf(p.Waves[w].Items, id); i >= 0 {
			return w, i
		}
	}
	return -1, -1
}

// task returns the place of a tenant in the wave under way; -1 when it has none.
func (r *runner) task(id string) int32 {
	if r.wave == nil {
		return -1
	}
	return int32(indexOf(r.wave.items, id))
}

func indexOf(items []Item, id string) int {
	return slices.IndexFunc(items, func(i Item) bool { return i.Tenant.ID == id })
}
