package plan

import (
	"fmt"

	"github.com/skeindb/skein/engine/revision"
	"github.com/skeindb/skein/engine/text"
)

// Transactions returns the steps of the cohort as they commit: each list is one transaction, or one revision outside of
// any. Nil when nothing is to be done, and in a loaded plan.
func (c *Cohort) Transactions() [][]string {
	if c.plan == nil {
		return nil
	}
	all := make([][]string, len(c.plan.Parts))
	for i := range c.plan.Parts {
		all[i] = c.plan.Parts[i].IDs()
	}
	return all
}

// borders returns a note on the revisions that have a transaction of their own although their options do not ask for it.
func borders(cohorts []Cohort, g *revision.Graph, dir revision.Direction) []string {
	separate := map[string]bool{}
	for i := range cohorts {
		parts := cohorts[i].Transactions()
		for _, part := range parts {
			if len(parts) == 1 || len(part) != 1 {
				continue
			}
			if r := g.Get(part[0]); r != nil && r.Section(dir) != nil && isBorder(r.Section(dir)) {
				separate[r.ID] = true
			}
		}
	}
	var found []string
	for _, r := range g.All() {
		if separate[r.ID] {
			found = append(found, r.ID)
		}
	}
	switch len(found) {
	case 0:
		return nil
	case 1:
		return []string{fmt.Sprintf("revision %s adds a value to an enum, which can be used once it is committed: it has a transaction of its own in the chain", found[0])}
	}
	return []string{fmt.Sprintf("revisions %s add a value to an enum, which can be used once it is committed: each has a transaction of its own in the chain", text.Some(found, 5))}
}

func isBorder(s *revision.Section) bool {
	o := s.Options
	return s.AddsEnumValue && !o.OwnTransaction && !o.NoTransaction && o.Isolation == ""
}
