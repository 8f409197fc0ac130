package orchestrator

import "slices"

// Amend returns the plan with the tenants that joined its rollout while it ran, as the facts tell. The plan
// given stays as it is. A tenant that the plan names already is not added once more, so that a plan can be
// amended again as facts come in.
func (p *Plan) Amend(events []Event) *Plan {
	amended := *p
	var named map[string]bool
	for _, e := range events {
		f, ok := e.Fact.(TenantsJoined)
		if !ok {
			continue
		}
		if named == nil {
			named = p.names()
			amended.Cohorts = slices.Clone(p.Cohorts)
			amended.Waves = slices.Clone(p.Waves)
			for i := range amended.Waves {
				amended.Waves[i].Items = slices.Clone(amended.Waves[i].Items)
			}
		}
		amended.add(&f, named)
	}
	return &amended
}

// names are the ids of the plan's tenants.
func (p *Plan) names() map[string]bool {
	named := make(map[string]bool, p.Len())
	for _, w := range p.Waves {
		for _, item := range w.Items {
			named[item.Tenant.ID] = true
		}
	}
	return named
}

// add puts the tenants of a fact into their wave. The slices of the plan are its own.
func (p *Plan) add(f *TenantsJoined, named map[string]bool) {
	if !slices.ContainsFunc(f.Items, func(i Item) bool { return !named[i.Tenant.ID] }) {
		return
	}
	w := slices.IndexFunc(p.Waves, func(w Wave) bool { return w.Name == f.Wave })
	if w < 0 {
		w = len(p.Waves)
		p.Waves = append(p.Waves, Wave{Name: f.Wave, Items: []Item{}})
	}
	wave, first := &p.Waves[w], len(p.Cohorts)
	for _, c := range f.Cohorts {
		c.Count = 0 // those that are new are counted below
		p.Cohorts = append(p.Cohorts, c)
	}
	for _, item := range f.Items {
		if named[item.Tenant.ID] || item.Cohort < 0 || item.Cohort >= len(f.Cohorts) {
			continue
		}
		named[item.Tenant.ID] = true
		item.Cohort += first
		p.Cohorts[item.Cohort].Count++
		wave.Items = append(wave.Items, item)
		wave.Planned++
	}
}
