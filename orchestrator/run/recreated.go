package run

import (
	"context"
	"fmt"
	"slices"

	"github.com/skeindb/skein/orchestrator/plan"
	"github.com/skeindb/skein/orchestrator/rollout"
	"github.com/skeindb/skein/tenant"
)

// This file is about tenants that are no longer what was planned: dropped and recreated under the same name,
// restored, changed by another program while the rollout runs.

// deferForReplan puts a tenant aside for a look at where it stands now, and reports whether it did: once a wave, and where
// the fleet can be asked.
func (r *runner) deferForReplan(t int32, f plan.Failure) bool {
	if r.Discover == nil || r.phase == phaseReplanning || r.halt.state != "" {
		return false
	}
	w := r.wave
	r.emit(rollout.TenantDeferred{Tenant: w.items[t].Tenant.ID, Attempt: int(w.tasks[t].attempt), Failure: f, Steps: len(r.done[t])})
	w.recreated = append(w.recreated, w.items[t].Tenant.ID)
	w.tasks[t].ended = true
	w.left--
	delete(r.done, t)
	return true
}

// replanRecreated plans tenants of a wave by where they stand now, and returns them as they are then in the plan; false when
// the run is to stop.
func (r *runner) replanRecreated(at int, ids []string) ([]plan.Item, bool) {
	fleet, ok := r.discover()
	if !ok {
		return nil, false
	}
	before := r.Plan.Waves[at].ItemsOf(ids)
	items, ok := r.planRecreated(at, before, fleet)
	if ok {
		r.emitReplanned(at, before, items)
		r.Plan.Replace(at, items)
	}
	return items, ok
}

// planRecreated plans items of a wave by where they stand now, without touching the wave; false when the run is to stop.
func (r *runner) planRecreated(at int, items []plan.Item, fleet []tenant.Tenant) ([]plan.Item, bool) {
	p := r.Plan.Copy()
	p.SetItems(at, items)
	var there Located
	locate := r.locator(items, fleet)
	if !r.interruptible(func(ctx context.Context) { there = locate(ctx) }) {
		return nil, false
	}
	if err := plan.Replan(p, at, there.Members, r.Graph, r.Options); err != nil {
		r.stop(rollout.StateHalted, fmt.Sprintf("tenants of wave %s changed, and cannot be planned again: %v", p.Waves[at].Name, err))
		return nil, false
	}
	items, r.Plan.Cohorts = r.screen(p.Waves[at].Items, p.Cohorts)
	return items, true
}

// recheckFinished takes up, before the end, tenants that were gone and are in the fleet again, and, where there were several
// waves, those that were done and have been recreated or restored since: a tenant that the report calls done is
// done when the rollout ends, and not only when it was recorded.
func (r *runner) recheckFinished() {
	if r.Discover == nil || r.Plan.Partial || r.finished || r.workers == 0 || r.halt.state != "" ||
		r.Plan.Kind != plan.KindUpgrade && r.Plan.Kind != plan.KindDowngrade {
		return
	}
	all, n := r.finishedTenants()
	if n == 0 {
		return
	}
	if !r.joinable() { // else the fleet was just listed, for tenants that came late
		if fleet, ok := r.finalDiscovery(); ok {
			r.fleet = fleet
		}
	}
	if r.fleet == nil {
		return
	}
	for i := range all {
		items, ok := r.planRecreated(i, all[i], r.fleet)
		if !ok {
			return
		}
		items = slices.DeleteFunc(r.unskipped(items), func(item plan.Item) bool {
			c := &r.Plan.Cohorts[item.Cohort]
			back := r.report.Outcome(item.Tenant.ID) == plan.OutcomeGone && c.Action != plan.ActionGone && c.Action != plan.ActionRefuse
			return !back && c.Action != plan.ActionMigrate
		})
		if len(items) == 0 {
			continue
		}
		r.emitReplanned(i, all[i], items)
		r.Plan.Replace(i, items)
		if r.runWave(i, items); r.halt.state != "" {
			return
		}
	}
}

// finishedTenants are the items, by wave, of tenants that have ended and may have been recreated since, and how many
// there are.
func (r *runner) finishedTenants() (all [][]plan.Item, n int) {
	all = make([][]plan.Item, len(r.Plan.Waves))
	for i := range r.Plan.Waves {
		for _, items := range [][]plan.Item{r.Plan.Waves[i].Settled, r.Plan.Waves[i].Items} {
			for _, item := range items {
				switch r.report.Outcome(item.Tenant.ID) {
				case plan.OutcomeGone:
				case plan.OutcomeDone, plan.OutcomeUnchanged:
					if len(r.Plan.Waves) == 1 {
						continue
					}
				default:
					continue
				}
				all[i] = append(all[i], item)
				n++
			}
		}
	}
	return all, n
}

// emitReplanned makes it a fact that tenants go another way than the plan has for them: what a rollback, or a later
// run, has to know. before and after are the items of the same tenants, in any order.
func (r *runner) emitReplanned(at int, before, after []plan.Item) {
	was := make(map[string]int, len(before))
	for i := range before {
		was[before[i].Tenant.ID] = before[i].Cohort
	}
	f := rollout.TenantsReplanned{Wave: r.Plan.Waves[at].Name}
	to := map[int]int{}
	for _, item := range after {
		old, known := was[item.Tenant.ID]
		c := &r.Plan.Cohorts[item.Cohort]
		if !known || !slices.ContainsFunc(c.Steps, func(id string) bool { return !slices.Contains(r.Plan.Cohorts[old].Steps, id) }) {
			continue
		}
		place, listed := to[item.Cohort]
		if !listed {
			place = len(f.Cohorts)
			to[item.Cohort] = place
			f.Cohorts = append(f.Cohorts, *c)
			f.Cohorts[place].Count = 0
		}
		f.Cohorts[place].Count++
		f.Items = append(f.Items, plan.Item{Tenant: item.Tenant, Cohort: place})
	}
	if len(f.Items) > 0 {
		r.emit(f)
	}
}
