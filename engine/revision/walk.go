package revision

import "fmt"

// walkDown goes n steps down from i by `revises`, base being the last step. It returns where it stands
// and how many steps were left when it could go no further. At a merge it does not know which way to go.
func (g *Graph) walkDown(t target, i, n int) (at, left int, err error) {
	for ; n > 0 && i != base; n-- {
		switch parents := g.nodes[i].parents; len(parents) {
		case 0:
			i = base
		case 1:
			i = parents[0]
		default:
			ids := g.ids(parents)
			return 0, 0, targetError(t, ReasonAmbiguous, ids, "name the revision to stop at",
				"%s: the way down forks at %s, which merges %s", t.text, g.id(i), list(ids))
		}
	}
	return i, n, nil
}

// walkUp goes n steps up from i, or from base, by `revises`, within a branch if that is not nil. It
// returns like walkDown; at a fork it does not know which way to go.
func (g *Graph) walkUp(t target, i, n int, branch set) (at, left int, err error) {
	for ; n > 0; n-- {
		next := g.bases()
		if i != base {
			next = g.nodes[i].children
		}
		if branch != nil {
			next = keep(next, branch)
		}
		switch len(next) {
		case 0:
			return i, n, nil
		case 1:
			i = next[0]
		default:
			ids := g.ids(next)
			return 0, 0, targetError(t, ReasonAmbiguous, ids, "name the revision, or the branch as LABEL@+N",
				"%s: the way up forks above %s into %s", t.text, g.idOrBase(i), list(ids))
		}
	}
	return i, 0, nil
}

// fromSymbol walks a target like ID+N or LABEL@head-N. A walk off the graph is an error.
func (g *Graph) fromSymbol(t target) (int, error) {
	at, left, err := g.walkFromSymbol(t)
	if err == nil && left > 0 {
		return 0, g.walkedOff(t, at, left)
	}
	return at, err
}

// fromSymbolOrEnd is fromSymbol for the end of a range: a walk off the graph stops at its end.
func (g *Graph) fromSymbolOrEnd(t target) (int, error) {
	at, _, err := g.walkFromSymbol(t)
	return at, err
}

// walkFromSymbol returns how many steps were left where the walk came to the end of the graph.
func (g *Graph) walkFromSymbol(t target) (at, left int, err error) {
	start := t
	var branch set
	if t.steps > 0 {
		// LABEL@ID+N: the label says which way up; ID itself may be on the trunk, or anywhere.
		if branch, err = g.branch(t); err != nil {
			return 0, 0, err
		}
		start.label = ""
	}
	i, err := g.single(start)
	switch {
	case err != nil:
		return 0, 0, err
	case t.steps > 0:
		return g.walkUp(t, i, t.steps, branch)
	case i == base:
		return base, -t.steps, nil
	}
	return g.walkDown(t, i, -t.steps)
}

func (g *Graph) walkedOff(t target, at, left int) error {
	advice := "nothing is in that direction"
	if possible := abs(t.steps) - left; possible > 0 {
		advice = fmt.Sprintf("%d is the most that is possible", possible)
	}
	return targetError(t, ReasonRange, nil, advice, "%s goes %d beyond %s, where the graph%s ends", t.text, left, g.idOrBase(at), t.within())
}

func (g *Graph) idOrBase(i int) string {
	if i == base {
		return "base"
	}
	return g.id(i)
}

func abs(n int) int {
	if n < 0 {
		return -n
	}
	return n
}
