package revision

// set marks nodes of a graph by their place. Since places are in graph order, one sweep up or down
// reaches all descendants or ancestors; nothing has to be remembered between queries.
type set []bool

func (g *Graph) set(places ...int) set {
	s := make(set, len(g.nodes))
	for _, i := range places {
		s[i] = true
	}
	return s
}

// places returns the members in graph order.
func (s set) places() []int {
	var places []int
	for i, in := range s {
		if in {
			places = append(places, i)
		}
	}
	return places
}

// and returns what is in both.
func (s set) and(other set) set {
	both := make(set, len(s))
	for i := range s {
		both[i] = s[i] && other[i]
	}
	return both
}

// or returns what is in either.
func (s set) or(other set) set {
	either := make(set, len(s))
	for i := range s {
		either[i] = s[i] || other[i]
	}
	return either
}

// without returns what is in s and not in other.
func (s set) without(other set) set {
	rest := make(set, len(s))
	for i := range s {
		rest[i] = s[i] && !other[i]
	}
	return rest
}

// ancestors returns places and all below them, over both kinds of edges.
func (g *Graph) ancestors(places ...int) set {
	s := g.set(places...)
	for i := len(s) - 1; i >= 0; i-- {
		if s[i] {
			mark(s, g.nodes[i].parents)
			mark(s, g.nodes[i].deps)
		}
	}
	return s
}

// descendants returns places and all above them, over both kinds of edges.
func (g *Graph) descendants(places ...int) set {
	s := g.set(places...)
	for i := range s {
		if s[i] {
			mark(s, g.nodes[i].children)
			mark(s, g.nodes[i].dependents)
		}
	}
	return s
}

// lineBelow returns places and all below them by `revises` alone.
func (g *Graph) lineBelow(places ...int) set {
	s := g.set(places...)
	for i := len(s) - 1; i >= 0; i-- {
		if s[i] {
			mark(s, g.nodes[i].parents)
		}
	}
	return s
}

// lineAbove returns places and all above them by `revises` alone.
func (g *Graph) lineAbove(places ...int) set {
	s := g.set(places...)
	for i := range s {
		if s[i] {
			mark(s, g.nodes[i].children)
		}
	}
	return s
}

// lineage returns what LABEL@ narrows to when i carries the label: its ancestors, itself and its
// descendants by `revises`.
func (g *Graph) lineage(i int) set { return g.lineBelow(i).or(g.lineAbove(i)) }

// maximal returns the members of s that no other member descends from, over both kinds of edges. The
// way from one member to another may lead through revisions outside s.
func (g *Graph) maximal(s set) []int {
	below := make(set, len(s))
	for i := len(s) - 1; i >= 0; i-- {
		if s[i] || below[i] {
			mark(below, g.nodes[i].parents)
			mark(below, g.nodes[i].deps)
		}
	}
	var places []int
	for i, in := range s {
		if in && !below[i] {
			places = append(places, i)
		}
	}
	return places
}

func mark(s set, places []int) {
	for _, i := range places {
		s[i] = true
	}
}

func keep(places []int, in set) []int {
	var kept []int
	for _, i := range places {
		if in[i] {
			kept = append(kept, i)
		}
	}
	return kept
}
