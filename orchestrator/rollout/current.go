package rollout

import (
	"github.com/skeindb/skein/orchestrator/plan"
)

// Current returns the plan of a rollout as it is now: the stored one with the tenants that joined since, or take another
// path. The stored plan is not changed.
func Current(stored *plan.Plan, events []Event) *plan.Plan {
	var changes []plan.Change
	for _, e := range events {
		switch f := e.Fact.(type) {
		case TenantsJoined:
			changes = append(changes, plan.Change(f))
		case TenantsReplanned:
			c := plan.Change(f)
			c.Replanned = true
			changes = append(changes, c)
		}
	}
	return stored.Amend(changes)
}

// HistoryOf returns what [plan.Resume] needs to know of a rollout.
func HistoryOf(events []Event) plan.History {
	var r Report
	h := plan.History{Began: map[string]bool{}}
	for _, e := range events {
		r.Apply(e)
		if f, ok := e.Fact.(WaveStarted); ok {
			h.Began[f.Wave] = true
		}
	}
	h.Aborted, h.RolledBack, h.Outcome = r.State == StateAborted, r.TakenBack, r.Outcome
	if h.Aborted {
		h.Reason = r.Reason
	}
	return h
}

// Touched returns the tenants that a rollout may have changed, by its facts; true = it did. A tenant that is not in it was
// never touched: tenants are named in the store before that.
func Touched(events []Event) map[string]bool {
	all := map[string]bool{}
	note := func(id string, changed bool) { all[id] = all[id] || changed }
	for _, e := range events {
		switch f := e.Fact.(type) {
		case TenantsDispatched:
			for _, id := range f.Tenants {
				note(id, false)
			}
		case TenantDeferred:
			note(f.Tenant, f.Steps > 0)
		case TenantFinished:
			if f.Outcome != plan.OutcomeSkipped && f.Outcome != plan.OutcomeGone {
				note(f.Tenant, f.Outcome == plan.OutcomeDone || f.Steps > 0)
			}
		}
	}
	return all
}
