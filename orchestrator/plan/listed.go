package plan

import "github.com/skeindb/skein/tenant"

// Listed returns the tenants of the plan that came from a source, in the plan's order.
func (p *Plan) Listed(source string) []tenant.Tenant {
	var all []tenant.Tenant
	for i := range p.Waves {
		for _, items := range [][]Item{p.Waves[i].Items, p.Waves[i].Settled} {
			for k := range items {
				if items[k].Tenant.Source == source {
					all = append(all, items[k].Tenant)
				}
			}
		}
	}
	return all
}
