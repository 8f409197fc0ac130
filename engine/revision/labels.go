package revision

import "slices"

// spreadLabels gives each revision the labels that hold for it.
func (g *Graph) spreadLabels() {
	for i := range g.nodes {
		for _, label := range g.nodes[i].rev.Labels {
			for j, carries := range g.carriers(i) {
				if n := &g.nodes[j]; carries && !slices.Contains(n.labels, label) {
					n.labels = append(n.labels, label)
				}
			}
		}
	}
	for i := range g.nodes {
		slices.Sort(g.nodes[i].labels)
	}
}

// carriers returns the revisions for which a label of i holds: i, its descendants by `revises`, and below
// it the line down to the next fork or merge, which are not part of it. Alembic looks for that line from
// the branch's tip, so it reaches below i only if nothing forks or merges above i either.
func (g *Graph) carriers(i int) set {
	s := g.lineAbove(i)
	for j, in := range s {
		if in && !g.plain(j) {
			return s
		}
	}
	for len(g.nodes[i].parents) == 1 {
		i = g.nodes[i].parents[0]
		if !g.plain(i) {
			break
		}
		s[i] = true
	}
	return s
}

// plain says that i is neither fork, dependents counted, nor merge.
func (g *Graph) plain(i int) bool {
	n := &g.nodes[i]
	return len(n.children)+len(n.dependents) <= 1 && len(n.parents) <= 1
}
