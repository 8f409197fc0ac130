package revision

import "strings"

// Range returns the revisions of `history -r A:B`, both ends included, oldest first. Either side may be
// empty: base and heads. B and all its ancestors are listed, less the ancestors of A; if A is not base,
// only what descends from A by `revises`. `LABEL@base:` lists what the heads of LABEL bring.
//
// Relative ends work as in Alembic: `A:+N` counts from A, `-N:B` from B, `ID±N` from ID; what goes beyond
// the graph stops at its end. Errors are [*TargetError]; `current` is one.
func (g *Graph) Range(expr string) ([]string, error) {
	lowText, highText, ok := strings.Cut(expr, ":")
	if !ok {
		return nil, notTarget(expr, "a range is A:B, A: or :B")
	}
	low, err := rangeEnd(lowText, "base")
	if err != nil {
		return nil, err
	}
	high, err := rangeEnd(highText, "heads")
	if err != nil {
		return nil, err
	}
	bottom, top, err := g.rangeEnds(low, high)
	if err != nil {
		return nil, err
	}
	if low.label != "" {
		if top, err = g.carrying(low, top); err != nil {
			return nil, err
		}
	}
	listed := g.ancestors(top...)
	for _, i := range bottom {
		if !listed[i] {
			return nil, targetError(target{text: expr}, ReasonBranch, g.ids(top), "the lower end comes first, as in A:B with B above A",
				"%s is no ancestor of %s", g.id(i), list(g.ids(top)))
		}
	}
	if len(bottom) > 0 {
		listed = listed.without(g.ancestors(bottom...)).or(g.set(bottom...)).and(g.lineAbove(bottom...))
	}
	return g.ids(listed.places()), nil
}

func rangeEnd(text, otherwise string) (target, error) {
	if text = strings.TrimSpace(text); text == "" {
		text = otherwise
	}
	return parseTarget(text)
}

// rangeEnds resolves both ends, first the one that the other may count from.
func (g *Graph) rangeEnds(low, high target) (bottom, top []int, err error) {
	if low.relative && low.symbol == "" {
		if top, err = g.rangeTop(high, nil); err == nil {
			bottom, err = g.rangeBottom(low, top)
		}
		return bottom, top, err
	}
	if low.relative {
		var i int
		if i, err = g.fromSymbolOrEnd(low); i != base {
			bottom = []int{i}
		}
	} else {
		bottom, err = g.absolute(low)
	}
	if err != nil {
		return nil, nil, err
	}
	top, err = g.rangeTop(high, bottom)
	return bottom, top, err
}

func (g *Graph) rangeTop(t target, bottom []int) ([]int, error) {
	if !t.relative {
		return g.absolute(t)
	}
	var i int
	var err error
	switch {
	case t.symbol != "":
		i, err = g.fromSymbolOrEnd(t)
	case t.steps < 0:
		err = targetError(t, ReasonRange, nil, "the upper end is above the lower one: +N", "%s is below the lower end", t.text)
	default:
		heads := g.maximal(g.set(bottom...))
		var start int
		var branch set
		if branch, err = g.branch(t); err != nil {
			return nil, err
		}
		if start, err = g.upgradeStart(heads, g.ancestors(heads...), t, branch); err == nil {
			i, _, err = g.walkUp(t, start, t.steps, branch)
		}
	}
	if err != nil || i == base {
		return nil, err
	}
	return []int{i}, nil
}

// rangeBottom goes down from each revision of top. Base as one of the ends makes base the end.
func (g *Graph) rangeBottom(t target, top []int) ([]int, error) {
	if t.steps >= 0 {
		return nil, targetError(t, ReasonRange, nil, "the lower end is below the upper one: -N", "%s is above the upper end", t.text)
	}
	branch, err := g.branch(t)
	if err != nil {
		return nil, err
	}
	if branch != nil {
		top = keep(top, branch)
	}
	var bottom []int
	for _, i := range top {
		at, _, err := g.walkDown(t, i, -t.steps)
		switch {
		case err != nil:
			return nil, err
		case at == base:
			return nil, nil
		}
		bottom = append(bottom, at)
	}
	return bottom, nil
}

// carrying keeps the revisions that carry t's label, or are in its branch where it is an id.
func (g *Graph) carrying(t target, places []int) ([]int, error) {
	i, err := g.named(t, t.label, nil)
	if err != nil {
		return nil, err
	}
	if g.id(i) == t.label {
		return keep(places, g.lineAbove(i)), nil
	}
	return keep(places, g.carriers(i)), nil
}
