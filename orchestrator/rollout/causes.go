package rollout

import (
	"cmp"
	"slices"

	"github.com/skeindb/skein/engine"
	"github.com/skeindb/skein/orchestrator/plan"
)

// Cause is failures that differ only in the tenant: one class and SQLSTATE, one statement of one revision, and the same
// fields of the server's error (table, column, type, constraint, routine, and the lines of functions that ran). The
// server's message is not compared: it quotes values of rows and names of the tenant.
type Cause struct {
	Class    engine.Class
	SQLState string
	Revision string
	File     string
	Line     int
	Message  string       // of Example, without values of rows and, if the message is skein's, without what differs between tenants
	Example  plan.Failure // of the first tenant in Tenants
	Count    int          // tenants
	Tenants  []string     // up to five of them, by id
}

const examples = 5

// Causes groups the failed tenants, and those that are uncertain, by what went wrong, the most frequent first.
func (r *Report) Causes() []Cause {
	place := map[string]int{}
	causes := []Cause{}
	for _, t := range slices.Concat(r.Failed(), r.Uncertain()) {
		f := t.Failure
		key := f.Key(t.Tenant)
		i, ok := place[key]
		if !ok {
			i = len(causes)
			place[key] = i
			causes = append(causes, Cause{
				Class: f.Class, SQLState: f.SQLState, Revision: f.Revision, File: f.File, Line: f.Line,
				Message: f.Common(t.Tenant), Example: *f,
			})
		}
		causes[i].Count++
		if len(causes[i].Tenants) < examples {
			causes[i].Tenants = append(causes[i].Tenants, t.Tenant)
		}
	}
	slices.SortStableFunc(causes, func(a, b Cause) int { return cmp.Compare(b.Count, a.Count) })
	return causes
}
