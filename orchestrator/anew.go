package orchestrator

import (
	"context"
	"fmt"
	"slices"

	"github.com/skeindb/skein/engine"
	"github.com/skeindb/skein/tenant"
)

// This file is about tenants that are not any more what was planned: dropped and made again under the same name,
// restored, changed by somebody else while the rollout runs.

// setAside puts a tenant aside for a look at where it stands now, and reports whether it did: once a wave, and where
// the fleet can be asked.
func (r *runner) setAside(t int32, f Failure) bool {
	if r.Discover == nil || r.second || r.halt.state != "" {
		return false
	}
	w := r.wave
	r.emit(TenantDeferred{Tenant: w.items[t].Tenant.ID, Attempt: int(w.tasks[t].attempt), Failure: f})
	w.astray = append(w.astray, w.items[t].Tenant.ID)
	w.tasks[t].ended = true
	w.left--
	delete(r.done, t)
	return true
}

// anew plans tenants of a wave by where they stand now, and returns them as they are then in the plan; false when
// the run is to stop.
func (r *runner) anew(at int, ids []string) ([]Item, bool) {
	fleet, ok := r.discover()
	if !ok {
		return nil, false
	}
	items, ok := r.planAnew(at, r.Plan.Waves[at].named(ids), fleet)
	if ok {
		r.replace(at, items)
	}
	return items, ok
}

// planAnew plans items of a wave by where they stand now, without touching the wave; false when the run is to stop.
func (r *runner) planAnew(at int, items []Item, fleet []tenant.Tenant) ([]Item, bool) {
	p := *r.Plan
	p.Waves = slices.Clone(p.Waves)
	p.Waves[at].Items = items
	there := p.Waves[at].pick(fleet)
	var standings []engine.Standing
	if !r.aside(func(ctx context.Context) { standings = Survey(ctx, r.Surveyor, there) }) {
		return nil, false
	}
	if err := replan(&p, at, there, standings, r.Graph, r.Options); err != nil {
		r.stop(StateHalted, fmt.Sprintf("tenants of wave %s changed, and cannot be planned anew: %v", p.Waves[at].Name, err))
		return nil, false
	}
	r.Plan.Cohorts = p.Cohorts
	return p.Waves[at].Items, true
}

// replace puts items into a wave in place of those of the same tenants.
func (r *runner) replace(at int, items []Item) {
	by := make(map[string]*Item, len(items))
	for i := range items {
		by[items[i].Tenant.ID] = &items[i]
	}
	r.Plan.Waves = slices.Clone(r.Plan.Waves)
	w := &r.Plan.Waves[at]
	w.Items = slices.Clone(w.Items)
	for i := range w.Items {
		if item := by[w.Items[i].Tenant.ID]; item != nil {
			w.Items[i] = *item
		}
	}
}

// named returns the items of those tenants.
func (w *Wave) named(ids []string) []Item {
	var items []Item
	for i := range w.Items {
		if slices.Contains(ids, w.Items[i].Tenant.ID) {
			items = append(items, w.Items[i])
		}
	}
	return items
}

// revisit takes up, before the end, tenants that were gone and are in the fleet again, and, where there were several
// waves, those that were done and have been made anew or restored since: a rollout that says of a tenant that it is
// done shall be right when it ends, and not only when it said so.
func (r *runner) revisit() {
	if !r.joinable() || r.workers == 0 || r.halt.state != "" {
		return
	}
	all := make([][]Item, len(r.Plan.Waves))
	n := 0
	for i := range r.Plan.Waves {
		for _, item := range r.Plan.Waves[i].Items {
			switch r.report.Outcome(item.Tenant.ID) {
			case Gone:
			case Done, Unchanged:
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
	if n == 0 || r.fleet == nil {
		return
	}
	for i := range all {
		items, ok := r.planAnew(i, all[i], r.fleet)
		if !ok {
			return
		}
		items = slices.DeleteFunc(items, func(item Item) bool {
			c := &r.Plan.Cohorts[item.Cohort]
			back := r.report.Outcome(item.Tenant.ID) == Gone && !c.Gone && c.Refused == nil
			return !back && len(c.Steps) == 0
		})
		if len(items) > 0 && r.halt.state == "" {
			r.replace(i, items)
			r.runWave(i, items)
		}
	}
}
