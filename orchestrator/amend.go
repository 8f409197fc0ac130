package orchestrator

import "slices"

// Amend returns the plan with the tenants that joined its rollout while it ran, or were sent another way, as the facts
// tell. The plan
// given stays as it is. A tenant that the plan names already is not added once more, so that a plan can be
// amended again as facts come in.
func (p *Plan) Amend(events []Event) *Plan {
	amended := *p
	var named map[string]bool
	for _, e := range events {
		joined, late := e.Fact.(TenantsJoined)
		other, anew := e.Fact.(TenantsReplanned)
		if !late && !anew {
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
		if late {
			amended.add(&joined, named)
		} else {
			amended.send(&other)
		}
	}
	return &amended
}

// send gives the tenants of a fact the ways that it has for them. The slices of the plan are its own.
func (p *Plan) send(f *TenantsReplanned) {
	w := slices.IndexFunc(p.Waves, func(w Wave) bool { return w.Name == f.Wave })
	if w < 0 {
		return
	}
	to := make(map[string]int, len(f.Items))
	for _, item := range f.Items {
		if item.Cohort >= 0 && item.Cohort < len(f.Cohorts) {
			to[item.Tenant.ID] = len(p.Cohorts) + item.Cohort
		}
	}
	for _, c := range f.Cohorts {
		c.Count = 0
		p.Cohorts = append(p.Cohorts, c)
	}
	for i := range p.Waves[w].Items {
		item := &p.Waves[w].Items[i]
		if cohort, ok := to[item.Tenant.ID]; ok {
			p.Cohorts[item.Cohort].Count--
			p.Cohorts[cohort].Count++
			item.Cohort = cohort
		}
	}
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
