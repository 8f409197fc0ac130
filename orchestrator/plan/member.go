package plan

import (
	"slices"

	"github.com/skeindb/skein/engine"
	"github.com/skeindb/skein/tenant"
)

// Member is a tenant of the fleet and where a survey found it: what a plan is made of.
type Member struct {
	Tenant   tenant.Tenant
	Standing engine.Standing
	Size     int64 // bytes, about; -1 = not known, 0 = not asked. Waves in the order of size need it: see [Policy.NeedsSizes]
}

// facts is what a survey read of the member, for selectors.
func (m *Member) facts() tenant.Facts {
	return tenant.Facts{Heads: m.Standing.Heads, State: m.Standing.State}
}

// matching returns the places of the members that a selector selects, in their order.
func matching(members []Member, s tenant.Selector) []int {
	return s.Pick(len(members),
		func(i int) *tenant.Tenant { return &members[i].Tenant },
		func(i int) tenant.Facts { return members[i].facts() })
}

// sized reports whether the sizes of the members were asked for.
func sized(members []Member) bool {
	return len(members) == 0 || slices.ContainsFunc(members, func(m Member) bool { return m.Size != 0 })
}

func tenantsOf(members []Member) []tenant.Tenant {
	all := make([]tenant.Tenant, len(members))
	for i := range members {
		all[i] = members[i].Tenant
	}
	return all
}

// fleet is the members that there are now, by id.
type fleet map[string]*Member

func newFleet(members []Member) fleet {
	f := make(fleet, len(members))
	for i := range members {
		f[members[i].Tenant.ID] = &members[i]
	}
	return f
}
