package orchestrator

import (
	"fmt"
	"slices"

	"github.com/skeindb/skein/engine"
)

// handleCommand takes in a command. Before says that it was asked before this run began. The process may be killed between
// any two facts: so tenants are skipped before the command counts as taken in, for to skip them twice is harmless,
// an approval is part of the fact, and an abort that was taken in is carried out by the next run.
func (r *runner) handleCommand(c Command, before bool) {
	switch c.Action {
	case ActionPause:
		refused := r.cannotStop(StatePaused)
		if before {
			refused = "it was asked before this run began, which is to go on"
		}
		if r.acknowledge(c, refused) {
			r.stop(StatePaused, c.asked())
		}
	case ActionAbort:
		if r.acknowledge(c, r.cannotStop(StateAborted)) {
			r.stop(StateAborted, c.asked())
		}
	case ActionApprove:
		r.acknowledge(c, r.report.cannotApprove(c.Wave))
	case ActionSkip:
		places := r.Plan.positions()
		refused := r.cannotSkip(c.Tenants, places)
		if refused == "" {
			r.skip(c.Tenants, c.skipped(), places)
		}
		r.acknowledge(c, refused)
	case ActionResume, ActionRetry, ActionRollback: // for the record only
		r.acknowledge(c, "")
	default:
		r.acknowledge(c, c.unknown())
	}
}

// acknowledge makes a command a fact, for somebody waits for it, and reports whether it counts.
func (r *runner) acknowledge(c Command, refused string) bool {
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
func (r *runner) cannotSkip(ids []string, places map[string]position) string {
	if len(ids) == 0 {
		return "it names no tenant"
	}
	for _, id := range ids {
		at, known := places[id]
		if known && at.wave > r.reached {
			continue // its wave is still to come
		}
		switch outcome := r.report.Outcome(id); outcome {
		case Pending, Retrying, Deferred:
			if !known {
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

// skip leaves tenants alone from now on. One that failed does not count as failed any more, though the budget of its
// wave still does.
func (r *runner) skip(ids []string, reason string, places map[string]position) {
	later := map[int]map[string]bool{} // by wave that is still to come
	for _, id := range ids {
		if t := r.task(id); t >= 0 && !r.wave.tasks[t].ended {
			f := r.ending(t, Skipped, nil, engine.Result{})
			f.Reason = reason
			r.wave.remove(t)
			r.finish(t, f)
			continue
		}
		if r.report.Outcome(id) == Skipped {
			continue
		}
		f := r.report.skipping(id, reason)
		if at, known := places[id]; known && at.wave > r.reached {
			spec := &r.Plan.Waves[at.wave]
			f.at(spec.Name, r.Plan.Cohorts[spec.Items[at.item].Cohort].From)
			if later[at.wave] == nil {
				later[at.wave] = map[string]bool{}
			}
			later[at.wave][id] = true
		}
		r.emit(f)
	}
	r.Plan.Waves = slices.Clone(r.Plan.Waves) // the plan of the caller shares them
	for w, gone := range later {
		items := slices.Clone(r.Plan.Waves[w].Items)
		r.Plan.Waves[w].Items = slices.DeleteFunc(items, func(i Item) bool { return gone[i.Tenant.ID] })
	}
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

// position is where a tenant stands in a plan: indexes.
type position struct{ wave, item int }

// positions are the places of the plan's tenants.
func (p *Plan) positions() map[string]position {
	all := make(map[string]position, p.Len())
	for w := range p.Waves {
		for i := range p.Waves[w].Items {
			all[p.Waves[w].Items[i].Tenant.ID] = position{w, i}
		}
	}
	return all
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
