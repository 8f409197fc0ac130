package plan

import "slices"

// Change is what a running rollout changed in its plan: tenants of one wave that joined it, or that take another path.
type Change struct {
	Wave    string   `json:"wave"`
	Cohorts []Cohort `json:"cohorts"`
	Items   []Item   `json:"items"` // their Cohort is an index into Cohorts here

	Replanned bool `json:"-"` // the plan names the tenants already, and they take another path
}

// Amend returns the plan with the changes applied. The plan given stays as it is. A tenant that the plan names already is
// not added again, so that a plan can be amended several times as changes come in.
func (p *Plan) Amend(changes []Change) *Plan {
	amended := *p
	var named map[string]bool
	for i := range changes {
		c := &changes[i]
		if named == nil {
			named = p.names()
			amended.Cohorts = slices.Clone(p.Cohorts)
			for i := range amended.Waves {
				amended.own(i)
			}
		}
		if c.Replanned {
			amended.redirect(c)
		} else {
			amended.add(c, named)
		}
	}
	return &amended
}

// redirect gives the tenants of a change the paths that it has for them. The slices of the plan are its own.
func (p *Plan) redirect(f *Change) {
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

// add puts the tenants of a change into their wave. The slices of the plan are its own.
func (p *Plan) add(f *Change, named map[string]bool) {
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
