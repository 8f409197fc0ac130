package orchestrator

import (
	"slices"

	"github.com/skeindb/skein/engine"
	"github.com/skeindb/skein/engine/revision"
)

// Fit says how a tenant lies to a [Range].
type Fit string

const (
	Inside     Fit = "in"         // it has what it must, and nothing beyond
	Below      Fit = "below"      // it lacks something of the lower end
	Above      Fit = "above"      // it has something beyond the upper end, such as a revision that the graph does not know
	Unreadable Fit = "unreadable" // where it stands could not be read, or makes no sense
)

// Range is a range of revisions: what a tenant must have, and what it may have at most.
type Range struct {
	graph *revision.Graph
	low   []string        // must be applied, or stand below what is
	high  map[string]bool // all that may be applied; nil = anything
}

// NewRange makes the range between two targets, which are resolved without a tenant. One that is "" is open.
func NewRange(g *revision.Graph, low, high string) (Range, error) {
	s := Range{graph: g}
	var err error
	if low != "" {
		if s.low, err = g.Resolve(low); err != nil {
			return s, err
		}
	}
	if high == "" {
		return s, nil
	}
	top, err := g.Resolve(high)
	if err != nil {
		return s, err
	}
	all, err := g.Closure(top)
	if err != nil {
		return s, err
	}
	s.high = map[string]bool{}
	for _, id := range all {
		s.high[id] = true
	}
	return s, nil
}

// Fit returns where a standing lies. A tenant that is outside both ends is above: no upgrade brings it into the range.
func (s Range) Fit(st *engine.Standing) Fit {
	if st.Err != nil || st.State == engine.Unreachable || st.State == engine.Missing || st.State == engine.Unknown {
		return Unreadable
	}
	var known []string
	for _, c := range st.HalfDone() { // an upgrade was cut off in it: objects of it are there
		if s.high != nil && !s.high[c.Revision] {
			return Above
		}
	}
	for _, id := range st.Applied.IDs() {
		if s.high != nil && !s.high[id] {
			return Above
		}
		if s.graph.Get(id) != nil {
			known = append(known, id)
		}
	}
	have, err := s.graph.Closure(known)
	if err != nil { // all of them are in the graph
		return Unreadable
	}
	for _, id := range s.low {
		if !slices.Contains(have, id) {
			return Below
		}
	}
	return Inside
}
