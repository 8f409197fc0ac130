package revision

import "fmt"

func (g *Graph) downgrade(heads []int, applied set, t target) (set, error) {
	to, err := g.downgradeTarget(heads, applied, t)
	if err != nil {
		return nil, err
	}
	roots, err := g.downgradeRoots(t, to)
	if err != nil {
		return nil, err
	}
	steps := g.descendants(roots...).and(applied)
	if to.place != base && len(steps.places()) == 0 && !g.set(heads...)[to.place] {
		return nil, g.notApplied(t, to.place, applied)
	}
	return steps, nil
}

// floor is where a downgrade goes, and the revision whose line it keeps to when the way up from there
// forks; base for any line.
type floor struct {
	place int
	line  int
}

func (g *Graph) downgradeTarget(heads []int, applied set, t target) (floor, error) {
	to := floor{place: base, line: base}
	var err error
	if t.label != "" {
		if to.line, err = g.named(t, t.label, nil); err != nil {
			return to, err
		}
	}
	switch {
	case !t.relative:
		to.place, err = g.downgradeSymbol(t)
		return to, err
	case t.symbol != "":
		to.place, err = g.fromSymbol(t)
		return to, err
	case t.steps >= 0:
		return to, targetError(t, ReasonRange, nil, "a downgrade goes down, to -N; `upgrade` goes up", "%s is not below where the tenant stands", t.text)
	}
	start, err := g.downgradeStart(heads, applied, t)
	if err != nil {
		return to, err
	}
	if t.label == "" {
		to.line = start
	}
	i, left, err := g.walkDown(t, start, -t.steps)
	if err == nil && left > 0 {
		err = g.walkedOff(t, i, left)
	}
	to.place = i
	return to, err
}

// downgradeSymbol resolves an absolute target of a downgrade. `head` and `heads` mean the whole graph,
// whatever the label, because Alembic looks at the label only to choose between lines.
func (g *Graph) downgradeSymbol(t target) (int, error) {
	heads := g.realHeads()
	switch t.symbol {
	case "head":
		heads = g.heads()
		fallthrough
	case "heads":
		if len(heads) > 1 {
			ids := g.ids(heads)
			return 0, targetError(t, ReasonAmbiguous, ids, "name the revision to go down to by its id",
				"%s: a downgrade goes to one revision, and the graph has %d heads: %s", t.text, len(ids), list(ids))
		}
		t.label = ""
	}
	return g.single(t)
}

// downgradeStart finds where -N and LABEL@-N count from: the head; of several the one in the branch; else
// the applied tip of the branch, below heads elsewhere.
func (g *Graph) downgradeStart(heads []int, applied set, t target) (int, error) {
	if t.label == "" {
		switch len(heads) {
		case 0:
			return 0, targetError(t, ReasonRange, nil, "nothing is applied", "%s: the tenant stands at base", t.text)
		case 1:
			return heads[0], nil
		}
		ids := g.ids(heads)
		return 0, targetError(t, ReasonAmbiguous, ids, fmt.Sprintf("say which branch goes down: LABEL@%d, or %s@%d", t.steps, ids[0], t.steps),
			"%s: the tenant stands at %d heads: %s", t.text, len(ids), list(ids))
	}
	branch, err := g.branch(t)
	if err != nil {
		return 0, err
	}
	start := keep(heads, branch)
	if len(start) == 0 {
		start = keep(g.lineTips(applied), branch)
	}
	switch len(start) {
	case 0:
		return 0, targetError(t, ReasonNotApplied, nil, "there is nothing to take back", "%s: nothing of branch %s is applied", t.text, t.label)
	case 1:
		return start[0], nil
	}
	ids := g.ids(start)
	return 0, targetError(t, ReasonAmbiguous, ids, fmt.Sprintf("say which goes down, as in %s@%d", ids[0], t.steps),
		"%s: the tenant stands at %d heads in branch %s: %s", t.text, len(ids), t.label, list(ids))
}

// lineTips returns the members of s that none of its members descends from by `revises`.
func (g *Graph) lineTips(s set) []int {
	below := g.set()
	for _, i := range s.places() {
		mark(below, g.nodes[i].parents)
	}
	return s.without(below).places()
}

// downgradeRoots returns the lowest revisions to take back: what revises the target, or the bases. A line
// narrows them only where there are several, as in Alembic.
func (g *Graph) downgradeRoots(t target, to floor) ([]int, error) {
	roots := g.bases()
	if to.place != base {
		roots = g.nodes[to.place].children
	}
	if to.line == base || len(roots) < 2 {
		return roots, nil
	}
	onLine := keep(roots, g.lineBelow(to.line))
	if len(onLine) > 0 {
		return onLine, nil
	}
	ids := g.ids(roots)
	at := g.idOrBase(to.place)
	return nil, targetError(t, ReasonAmbiguous, ids, fmt.Sprintf("say %s for all of them, or %s@%s for one", at, ids[0], at),
		"%s: above %s the branch %s forks into %s", t.text, at, t.label, list(ids))
}

func (g *Graph) notApplied(t target, to int, applied set) error {
	id := g.id(to)
	if !applied[to] {
		return targetError(t, ReasonNotApplied, nil, "`Current` shows where tenants stand; only what is applied can be gone down to",
			"%s is not applied", id)
	}
	return targetError(t, ReasonNotApplied, nil, "go down to a revision below it to take it back with what depends on it",
		"nothing above %s%s is applied, only what depends on it", id, t.within())
}
