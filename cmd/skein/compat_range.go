package main

import (
	"slices"

	"github.com/skeindb/skein/engine"
	"github.com/skeindb/skein/engine/revision"
)

// fit says how a tenant lies to a range of revisions.
type fit string

const (
	inside     fit = "in"
	below      fit = "below"      // it lacks something of the lower end
	above      fit = "above"      // it has something beyond the upper end, such as a revision that the graph does not know
	unreadable fit = "unreadable" // where it stands could not be read, or makes no sense
)

// span is a range of revisions: what a tenant must have, and what it may have at most.
type span struct {
	graph *revision.Graph
	low   []string        // must be applied, or stand below what is
	high  map[string]bool // all that may be applied; nil = anything
}

// newSpan makes the range between two targets, which are resolved without a tenant. One that is "" is open.
func newSpan(g *revision.Graph, low, high string) (span, error) {
	s := span{graph: g}
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

// judge tells where a standing lies. A tenant that is at fault at both ends is above: no upgrade mends that.
func (s span) judge(st *engine.Standing) fit {
	if st.Err != nil || st.State == engine.Unreachable || st.State == engine.Missing || st.State == engine.Unknown {
		return unreadable
	}
	var known []string
	for _, id := range st.Applied.IDs() {
		if s.high != nil && !s.high[id] {
			return above
		}
		if s.graph.Get(id) != nil {
			known = append(known, id)
		}
	}
	have, err := s.graph.Closure(known)
	if err != nil { // all of them are in the graph
		return unreadable
	}
	for _, id := range s.low {
		if !slices.Contains(have, id) {
			return below
		}
	}
	return inside
}
