package revision

import "fmt"

func (g *Graph) upgrade(heads []int, applied set, t target) (set, error) {
	targets, err := g.upgradeTargets(heads, applied, t)
	if err != nil {
		return nil, err
	}
	if maximal := g.maximal(g.set(targets...)); len(maximal) < len(targets) {
		// Only LABEL@heads gets here: a head by `revises` that another of the heads depends on.
		ids := g.ids(maximal)
		return nil, targetError(t, ReasonAmbiguous, ids, "upgrade to "+list(ids)+", which brings the others along",
			"%s: of the heads %s some depend on others", t.text, list(g.ids(targets)))
	}
	return g.ancestors(targets...).without(applied), nil
}

func (g *Graph) upgradeTargets(heads []int, applied set, t target) ([]int, error) {
	switch {
	case !t.relative:
		return g.absolute(t)
	case t.symbol != "":
		i, err := g.fromSymbol(t)
		if err != nil || i == base {
			return nil, err
		}
		return []int{i}, nil
	case t.steps <= 0:
		return nil, targetError(t, ReasonRange, nil, "an upgrade goes up, to +N; `downgrade` goes down", "%s is not above where the tenant stands", t.text)
	}
	branch, err := g.branch(t)
	if err != nil {
		return nil, err
	}
	start, err := g.upgradeStart(heads, applied, t, branch)
	if err != nil {
		return nil, err
	}
	i, left, err := g.walkUp(t, start, t.steps, branch)
	if err != nil {
		return nil, err
	}
	if left > 0 {
		return nil, g.walkedOff(t, i, left)
	}
	return []int{i}, nil
}

// upgradeStart finds where +N and LABEL@+N count from: the head; of several the one in the branch; else
// the applied tip of the branch, below heads elsewhere; else base.
func (g *Graph) upgradeStart(heads []int, applied set, t target, branch set) (int, error) {
	start := heads
	if branch != nil {
		if start = keep(heads, branch); len(start) == 0 {
			start = g.tips(g.set(keep(applied.places(), branch)...))
		}
	}
	switch len(start) {
	case 0:
		return base, nil
	case 1:
		return start[0], nil
	}
	ids := g.ids(start)
	advice := fmt.Sprintf("say LABEL@+%d, or name the revision", t.steps)
	if t.label != "" {
		advice = fmt.Sprintf("say %s@+%d, or name the revision", ids[0], t.steps)
	}
	return 0, targetError(t, ReasonAmbiguous, ids, advice, "%s: the tenant stands at %d heads%s: %s", t.text, len(ids), t.within(), list(ids))
}

// tips returns the members of s that are neither parent nor dependency of another.
func (g *Graph) tips(s set) []int {
	below := g.set()
	for _, i := range s.places() {
		mark(below, g.nodes[i].parents)
		mark(below, g.nodes[i].deps)
	}
	return s.without(below).places()
}
