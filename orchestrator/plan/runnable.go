package plan

import "slices"

// Runnable is a plan that can be run: it has what each cohort runs, and where each tenant stood. Only [New], [Resume] and
// [NewRollback] make one. A [Plan] that a store or a file holds cannot be run: it is resumed, or planned again.
//
// The slices of a Runnable may be shared with copies of it; its methods change none of them in place.
type Runnable struct{ *stored }

// stored is the plan under a name that other packages cannot set.
type stored = Plan

// Stored returns the plan as stores and files hold it.
func (r *Runnable) Stored() *Plan { return r.stored }

// Copy returns a copy that can be changed by its methods while r stays as it is.
func (r *Runnable) Copy() *Runnable {
	p := *r.stored
	return &Runnable{&p}
}

// WithoutValues returns the plan without values of rows: see [Policy.HideValues].
func (r *Runnable) WithoutValues() *Runnable {
	after := r.Copy()
	after.Cohorts = CohortsWithoutValues(r.Cohorts)
	return after
}

// OneWave returns the plan with all tenants in one wave, without a gate.
func (r *Runnable) OneWave() *Runnable {
	all := Wave{Name: "all", Items: []Item{}}
	for _, w := range r.Waves {
		all.Items = append(all.Items, w.Items...)
	}
	all.Planned = len(all.Items)
	flat := r.Copy()
	flat.Waves = []Wave{all}
	return flat
}

// Keep leaves of a wave just those items that keep accepts, as if no others had been planned.
func (r *Runnable) Keep(wave int, keep func(Item) bool) {
	w := r.own(wave)
	r.Cohorts = slices.Clone(r.Cohorts)
	w.Items = slices.DeleteFunc(w.Items, func(item Item) bool {
		drop := !keep(item)
		if drop {
			r.Cohorts[item.Cohort].Count--
		}
		return drop
	})
	w.Planned = len(w.Items)
}

// SetItems gives a wave other items.
func (r *Runnable) SetItems(wave int, items []Item) { r.own(wave).Items = items }

// Drop takes tenants out of a wave. They still count as planned.
func (r *Runnable) Drop(wave int, ids map[string]bool) {
	w := r.own(wave)
	w.Items = slices.DeleteFunc(w.Items, func(i Item) bool { return ids[i.Tenant.ID] })
}

// Replace puts items into a wave in place of those of the same tenants, settled ones among them.
func (r *Runnable) Replace(wave int, items []Item) {
	by := make(map[string]*Item, len(items))
	for i := range items {
		by[items[i].Tenant.ID] = &items[i]
	}
	w := r.own(wave)
	for i := range w.Items {
		if item := by[w.Items[i].Tenant.ID]; item != nil {
			w.Items[i] = *item
			delete(by, item.Tenant.ID)
		}
	}
	w.Settled = slices.DeleteFunc(w.Settled, func(i Item) bool { return by[i.Tenant.ID] != nil })
	for i := range items {
		if by[items[i].Tenant.ID] != nil {
			w.Items = append(w.Items, items[i])
		}
	}
}

// Add adds late tenants to the last wave.
func (r *Runnable) Add(late Change) {
	first := len(r.Cohorts)
	r.Cohorts = slices.Concat(r.Cohorts, late.Cohorts)
	w := r.own(len(r.Waves) - 1)
	for _, item := range late.Items {
		item.Cohort += first
		w.Items = append(w.Items, item)
	}
	w.Planned += len(late.Items)
}

// own returns a wave whose slices are the plan's alone.
func (p *Plan) own(wave int) *Wave {
	p.Waves = slices.Clone(p.Waves)
	w := &p.Waves[wave]
	w.Items, w.Settled = slices.Clone(w.Items), slices.Clone(w.Settled)
	return w
}
