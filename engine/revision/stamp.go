package revision

// Stamp returns the applied set, in graph order, of a tenant that stands at from (ids of heads; none =
// base) after it is declared to be at targets, without anything being run. The rules are Alembic's,
// stated for applied sets instead of one row a head:
//
//   - a target replaces the heads it is related to, above or below, over both kinds of edges; heads of
//     unrelated branches stay; all ancestors of what remains count as applied
//   - `base` removes everything, `LABEL@base` the heads related to LABEL
//   - of several targets each replaces what it is related to, and all of them hold afterwards
//   - `+N`, `-N` count from where the tenant stands, as in [Graph.Path]
//
// Errors are [*TargetError].
func (g *Graph) Stamp(from []string, targets []string) (applied []string, err error) {
	places, err := g.known(from)
	if err != nil {
		return nil, err
	}
	heads := g.maximal(g.set(places...))
	gone, stamped := g.set(), g.set()
	for _, text := range targets {
		t, err := parseTarget(text)
		if err != nil {
			return nil, err
		}
		to, related, err := g.stampTarget(heads, t)
		if err != nil {
			return nil, err
		}
		stamped = stamped.or(g.set(to...))
		gone = gone.or(related)
	}
	after := g.set(heads...).without(gone).or(stamped)
	return g.ids(g.ancestors(after.places()...).places()), nil
}

// stampTarget returns the revisions that one target stands for, and those whose heads it replaces.
func (g *Graph) stampTarget(heads []int, t target) (to []int, related set, err error) {
	switch {
	case !t.relative:
		to, err = g.absolute(t)
	case t.symbol != "" || t.steps > 0:
		to, err = g.upgradeTargets(heads, g.ancestors(heads...), t)
	default:
		var floor floor
		if floor, err = g.downgradeTarget(heads, g.ancestors(heads...), t); floor.place != base {
			to = []int{floor.place}
		}
	}
	if err != nil {
		return nil, nil, err
	}
	if len(to) > 0 {
		return to, g.ancestors(to...).or(g.descendants(to...)), nil
	}
	if t.label == "" {
		return nil, g.ancestors(g.realHeads()...), nil // base: everything
	}
	i, err := g.named(t, t.label, nil)
	return nil, g.ancestors(i).or(g.descendants(i)), err
}
