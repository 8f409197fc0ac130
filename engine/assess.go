package engine

import (
	"fmt"
	"slices"
	"strings"

	"github.com/skeindb/skein/engine/revision"
)

// assessor compares applied sets with a graph. Tenants with equal sets share one *Applied, which it compares once.
type assessor struct {
	graph *revision.Graph
	seen  map[*Applied]Standing
}

func newAssessor(g *revision.Graph) *assessor {
	return &assessor{graph: g, seen: map[*Applied]Standing{}}
}

// assess fills State, Heads, Changed and Err from Applied.
func (j *assessor) assess(s *Standing) {
	if s.Err != nil {
		if s.State == "" {
			s.State = Unreachable
		}
		return
	}
	v, ok := j.seen[s.Applied]
	if !ok {
		v = j.assessment(s.Applied)
		j.seen[s.Applied] = v
	}
	s.State, s.Heads, s.Changed, s.Err = v.State, v.Heads, v.Changed, v.Err
	for _, c := range s.HalfDone() {
		if e := j.cutOff(c, s.Applied.IDs()); e != nil && s.Err == nil {
			s.State, s.Err = Unknown, e
		}
	}
}

// cutOff says why a half done section leaves open where the tenant stands; nil where it does not: what is half applied
// has no row, and the tenant is Behind.
func (j *assessor) cutOff(c CutOff, applied []string) *Error {
	if c.Direction == revision.Down {
		return c.Err()
	}
	if j.graph.Get(c.Revision) == nil {
		e := c.Err()
		e.Message += "; and it is not among the revisions here"
		e.Advice = "restore its file, then " + e.Advice
		return e
	}
	if _, gaps := j.graph.Check(append(applied, c.Revision)); len(gaps) > 0 {
		return c.without(gaps[0].Missing)
	}
	return nil
}

func (j *assessor) assessment(a *Applied) Standing {
	ids := a.IDs()
	unknown, gaps := j.graph.Check(ids)
	known := slices.DeleteFunc(slices.Clone(ids), func(id string) bool { return slices.Contains(unknown, id) })
	v := Standing{Heads: append(j.graph.HeadsOf(known), unknown...), Changed: j.changed(a)}
	switch {
	case len(gaps) > 0:
		v.State = Unknown
		v.Err = gapError(gaps[0])
	case len(unknown) > 0:
		v.State = Ahead
	case len(ids) == 0:
		v.State = Empty
	case len(ids) == j.graph.Len():
		v.State = Current
	default:
		v.State = Behind
	}
	return v
}

func gapError(g revision.Gap) *Error {
	return &Error{
		Class:   Stale,
		Message: fmt.Sprintf("revision %s is applied, but %s, which it builds on, is not", g.Revision, strings.Join(g.Missing, ", ")),
		Advice:  "the graph changed below an applied revision: restore the old revises, or apply the missing body by hand and stamp the tenant",
	}
}

// changed lists the applied revisions whose upgrade section is not the one that was applied. A row without a checksum
// (stamped by another tool) counts as unchanged.
func (j *assessor) changed(a *Applied) []string {
	if a == nil {
		return nil
	}
	var ids []string
	for _, row := range a.Rows {
		if r := j.graph.Get(row.Revision); r != nil && row.Checksum != "" && !r.Accepts(row.Checksum) {
			ids = append(ids, row.Revision)
		}
	}
	return j.graph.Sort(ids)
}
