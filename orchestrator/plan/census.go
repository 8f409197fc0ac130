package plan

import (
	"github.com/skeindb/skein/engine"
	"github.com/skeindb/skein/tenant"
)

// census is who is in the fleet, and where they stand.
type census struct {
	tenants   []tenant.Tenant
	standings []engine.Standing // of tenants
	at        map[string]int    // places in tenants, by id
}

func newCensus(tenants []tenant.Tenant, standings []engine.Standing) *census {
	c := &census{tenants: tenants, standings: standings, at: make(map[string]int, len(tenants))}
	for i, t := range tenants {
		c.at[t.ID] = i
	}
	return c
}

// facts is what a survey read of a tenant, for selectors.
func (c *census) facts(id string) (heads []string, state engine.State) {
	i, ok := c.at[id]
	if !ok {
		return nil, ""
	}
	return c.standings[i].Heads, c.standings[i].State
}

// matching returns the places of the tenants that a selector means, in their order.
func (c *census) matching(s tenant.Selector) []int {
	if s.IsZero() {
		places := make([]int, len(c.tenants))
		for i := range places {
			places[i] = i
		}
		return places
	}
	selected := s.Filter(c.tenants, c.facts)
	places := make([]int, len(selected))
	for i := range selected {
		places[i] = c.at[selected[i].ID]
	}
	return places
}
