package revision

import "slices"

// Gap is an applied revision with ancestors that are not applied.
type Gap struct {
	Revision string
	Missing  []string // in graph order
}

// Closure returns ids and all their ancestors over both kinds of edges, in graph order: what is applied
// where the version table has one row a head, as Alembic's. An id that is not in the graph is a
// [*TargetError].
func (g *Graph) Closure(ids []string) ([]string, error) {
	places, err := g.known(ids)
	if err != nil {
		return nil, err
	}
	return g.ids(g.ancestors(places...).places()), nil
}

// HeadsOf returns the heads of an applied set: its members that no other member descends from, over
// both kinds of edges, in graph order. It is the invariant of Alembic's version table, one row a head.
// Ids that are not in the graph are left out; [Graph.Check] reports them.
func (g *Graph) HeadsOf(applied []string) []string {
	s, _ := g.applied(applied)
	return g.ids(g.maximal(s))
}

// Check compares an applied set with the graph. It returns the ids that are not in the graph, sorted,
// and the applied revisions some ancestor of which is not applied, in graph order; both empty when all
// is well.
func (g *Graph) Check(applied []string) (unknown []string, gaps []Gap) {
	s, unknown := g.applied(applied)
	gaps = []Gap{}
	closed := g.ancestors(s.places()...)
	missing := closed.without(s).places()
	if len(missing) == 0 {
		return unknown, gaps
	}
	// Only descendants of something missing can have a gap: in a healthy tenant there are none.
	for _, i := range g.descendants(missing...).and(s).places() {
		lacks := keep(missing, g.ancestors(i))
		gaps = append(gaps, Gap{Revision: g.id(i), Missing: g.ids(lacks)})
	}
	return unknown, gaps
}

// applied marks those of ids that the graph has, and returns the others.
func (g *Graph) applied(ids []string) (set, []string) {
	s, unknown := g.set(), []string{}
	for _, id := range ids {
		if i, ok := g.place(id); ok {
			s[i] = true
		} else {
			unknown = append(unknown, id)
		}
	}
	slices.Sort(unknown)
	return s, slices.Compact(unknown)
}

// known returns the places of ids, which have to be full ids of the graph.
func (g *Graph) known(ids []string) ([]int, error) {
	places := make([]int, len(ids))
	for n, id := range ids {
		i, ok := g.place(id)
		if ok {
			places[n] = i
			continue
		}
		if i, ok = g.names.exact[id]; ok {
			return nil, targetError(target{text: id}, ReasonUnknown, []string{g.id(i)}, "write "+g.id(i),
				"%s is a branch label, and a revision id is needed", id)
		}
		return nil, g.unknown(id, id)
	}
	return places, nil
}
