package revision

import (
	"slices"
	"strings"
)

// Graph is the set of all revisions and the edges between them: `revises`, which Alembic calls down_revision, and
// `depends_on`. Heads, bases, branches and labels follow the first kind only; the order in which revisions run follows
// both.
//
// Everything a Graph returns is in graph order: parents before children over both kinds of edges,
// ties by revision id (Kahn's algorithm). The order is a property of the graph, so that all tenants run
// the same revisions in the same order. Slices are never nil and belong to the caller.
//
// The zero value is not usable; [NewGraph] and [Load] make a Graph. A Graph is immutable and safe for concurrent use.
type Graph struct {
	nodes []node // in graph order; a node is named by its place here
	names names  // ids and labels
}

// node is a revision and its neighbours, by their places in Graph.nodes, ascending.
type node struct {
	rev        *Revision
	parents    []int    // revises
	deps       []int    // depends_on, resolved
	children   []int    // those that revise this one
	dependents []int    // whose deps name this one, unless they are children as well
	labels     []string // own and inherited, sorted
}

// All returns every revision in graph order.
func (g *Graph) All() []*Revision {
	revs := make([]*Revision, len(g.nodes))
	for i := range g.nodes {
		revs[i] = g.nodes[i].rev
	}
	return revs
}

// Len returns the number of revisions.
func (g *Graph) Len() int { return len(g.nodes) }

// Get returns the revision with exactly this id; nil if there is none. Labels and prefixes are for [Graph.Resolve].
func (g *Graph) Get(id string) *Revision {
	if i, ok := g.place(id); ok {
		return g.nodes[i].rev
	}
	return nil
}

// Heads returns the revisions that none revises: as `alembic heads` lists. One that another branch
// depends on is still a head; see [Graph.RealHeads].
func (g *Graph) Heads() []string { return g.ids(g.heads()) }

// RealHeads returns the revisions that none revises and none depends on. It is what the target `heads`
// stands for, and where a tenant stands that has applied everything.
func (g *Graph) RealHeads() []string { return g.ids(g.realHeads()) }

// Children returns the revisions that revise id; none if id is not in the graph.
func (g *Graph) Children(id string) []string {
	if i, ok := g.place(id); ok {
		return g.ids(g.nodes[i].children)
	}
	return []string{}
}

// DependsOn returns the ids that the depends_on of id stands for, labels and prefixes resolved; none if
// id is not in the graph.
func (g *Graph) DependsOn(id string) []string {
	if i, ok := g.place(id); ok {
		return g.ids(g.nodes[i].deps)
	}
	return []string{}
}

// Labels returns the branch labels that hold for id, sorted; none if id is not in the graph. As in
// Alembic a label holds for the revision that introduces it, for all that descend from it by `revises`,
// and for its ancestors as far down as the line has neither fork nor merge.
func (g *Graph) Labels(id string) []string {
	if i, ok := g.place(id); ok {
		return append([]string{}, g.nodes[i].labels...)
	}
	return []string{}
}

// Sort returns ids in graph order, repetitions included. Ids that are not in the graph come last, by
// their text.
func (g *Graph) Sort(ids []string) []string {
	type placed struct {
		id string
		at int
	}
	all := make([]placed, len(ids))
	for i, id := range ids {
		at, ok := g.place(id)
		if !ok {
			at = len(g.nodes)
		}
		all[i] = placed{id, at}
	}
	slices.SortFunc(all, func(a, b placed) int {
		if a.at != b.at {
			return a.at - b.at
		}
		return strings.Compare(a.id, b.id)
	})
	sorted := make([]string, len(all))
	for i, p := range all {
		sorted[i] = p.id
	}
	return sorted
}

// place returns where the revision with exactly this id stands in g.nodes.
func (g *Graph) place(id string) (int, bool) {
	i, ok := g.names.exact[id]
	if !ok || g.nodes[i].rev.ID != id { // id is a label
		return 0, false
	}
	return i, true
}

func (g *Graph) id(i int) string { return g.nodes[i].rev.ID }

func (g *Graph) ids(places []int) []string {
	ids := make([]string, len(places))
	for n, i := range places {
		ids[n] = g.id(i)
	}
	return ids
}

func (g *Graph) heads() []int {
	return g.where(func(n *node) bool { return len(n.children) == 0 })
}

func (g *Graph) realHeads() []int {
	return g.where(func(n *node) bool { return len(n.children)+len(n.dependents) == 0 })
}

// bases are the revisions that revise none; they may depend on others.
func (g *Graph) bases() []int {
	return g.where(func(n *node) bool { return len(n.parents) == 0 })
}

func (g *Graph) where(holds func(*node) bool) []int {
	var places []int
	for i := range g.nodes {
		if holds(&g.nodes[i]) {
			places = append(places, i)
		}
	}
	return places
}
