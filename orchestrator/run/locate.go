package run

import (
	"context"
	"fmt"
	"slices"

	"github.com/skeindb/skein/engine"
	"github.com/skeindb/skein/engine/text"
	"github.com/skeindb/skein/orchestrator/plan"
	"github.com/skeindb/skein/orchestrator/rollout"
	"github.com/skeindb/skein/tenant"
)

// A source may forget tenants for a moment: a page of its API that is missing, a query on a replica that lags behind. Who
// is no longer listed is gone only if its schema, database or file is not there; else it keeps its place.

// Located are the tenants of a rollout that exist, or may exist where that is not known, and where they stand.
type Located struct {
	Members  []plan.Member // as the fleet has them now; those that it does not list, as they were planned
	Unlisted []string      // ids of those of Members that the fleet does not list
}

// Locate finds out which of the tenants planned, some or all of those of p, are there. fleet is what the sources list now. One that they do not list
// is asked for where it was planned, unless another tenant has that place now: then it was renamed. taken reports which
// tenants of the fleet that are not in planned count as such others.
func Locate(ctx context.Context, s Surveyor, p *plan.Plan, planned, fleet []tenant.Tenant, taken func(tenant.Tenant) bool) Located {
	mine := make(map[string]bool, len(planned))
	for _, t := range planned {
		mine[t.ID] = true
	}
	var there []tenant.Tenant
	listed, places := make(map[string]bool, len(planned)), map[engine.Location]bool{}
	for _, t := range fleet {
		switch {
		case mine[t.ID]:
			listed[t.ID] = true
			there = append(there, t)
			places[t.Location] = true
		case taken(t):
			places[t.Location] = true
		}
	}
	n := len(there)
	for _, t := range planned {
		if !listed[t.ID] && !places[t.Location] {
			there = append(there, t)
		}
	}
	if len(there) == 0 {
		return Located{}
	}
	w := Located{Members: SurveyFor(ctx, s, there, p)}
	w.keep(n)
	return w
}

// LocateRollback reads where the whole fleet stands, for [plan.NewRollback] of the rollout that is stored, and with it the
// tenants of that rollout, which is amended, that the fleet does not list and that are there all the same.
func LocateRollback(ctx context.Context, s Surveyor, stored *plan.Plan, fleet []tenant.Tenant) Located {
	listed := make(map[string]bool, len(fleet))
	for _, t := range fleet {
		listed[t.ID] = true
	}
	all := slices.Clone(fleet)
	for _, t := range stored.Planned() {
		if !listed[t.ID] {
			all = append(all, t)
		}
	}
	none := func(tenant.Tenant) bool { return false }
	return Locate(ctx, s, &plan.Plan{Kind: plan.KindRollback, Of: stored.Rollout}, all, fleet, none)
}

// keep leaves out those beyond the first n, which are not listed, that are not there.
func (w *Located) keep(n int) {
	at := n
	for _, m := range w.Members[n:] {
		if m.Standing.State == engine.Missing {
			continue
		}
		w.Unlisted = append(w.Unlisted, m.Tenant.ID)
		w.Members[at] = m
		at++
	}
	w.Members = w.Members[:at]
}

// UnlistedWarning says that tenants stay in a rollout although the sources do not list them.
func UnlistedWarning(ids []string) string {
	if len(ids) == 1 {
		return "1 tenant is no longer listed by the sources, but is not gone: it stays in the rollout: " + ids[0]
	}
	return fmt.Sprintf("%d tenants are no longer listed by the sources, but are not gone: they stay in the rollout: %s", len(ids), text.Some(ids, 5))
}

// locator prepares [Locate] for items of the run. What it returns reads nothing that the run changes meanwhile.
func (r *runner) locator(items []plan.Item, fleet []tenant.Tenant) func(context.Context) Located {
	known := map[string]bool{}
	for i := range r.Plan.Waves {
		for _, items := range [][]plan.Item{r.Plan.Waves[i].Items, r.Plan.Waves[i].Settled} {
			for _, item := range items {
				known[item.Tenant.ID] = true
			}
		}
	}
	planned, joinable := plan.TenantsOf(items), r.joinable()
	return func(ctx context.Context) Located {
		return Locate(ctx, r.Surveyor, r.Plan.Stored(), planned, fleet, func(t tenant.Tenant) bool {
			return known[t.ID] || joinable && r.Joins(t)
		})
	}
}

// warnUnlisted warns of tenants that are not listed any more, once of each.
func (r *runner) warnUnlisted(ids []string) {
	var fresh []string
	for _, id := range ids {
		if !r.unlisted[id] {
			fresh = append(fresh, id)
		}
	}
	if len(fresh) == 0 {
		return
	}
	if r.unlisted == nil {
		r.unlisted = map[string]bool{}
	}
	for _, id := range fresh {
		r.unlisted[id] = true
	}
	r.emit(rollout.Warned{Message: UnlistedWarning(fresh)})
}
