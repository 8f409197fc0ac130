package revision

import (
	"fmt"
	"strings"
)

// Resolve returns the revisions that target stands for without a tenant: a set in graph order, which is
// empty for base. The rules are Alembic's (`alembic show`):
//
//   - `head` is the one revision that none revises, `heads` are those that also none depends on, and
//     `LABEL@head`, `LABEL@heads` those of the branch that none revises
//   - an id, a label, or the beginning of either if it is longer than three characters; after `LABEL@` it
//     has to be an ancestor or descendant of LABEL by `revises`
//   - `-N` and `LABEL@-N` go down from each head; what would be below base is left out
//
// Errors are [*TargetError]. `+N`, `ID+N`, `ID-N` and `current` are errors.
func (g *Graph) Resolve(target string) ([]string, error) {
	t, err := parseTarget(target)
	if err != nil {
		return nil, err
	}
	var places []int
	switch {
	case !t.relative:
		places, err = g.absolute(t)
	case t.symbol == "" && t.steps < 0:
		places, err = g.belowHeads(t)
	default:
		err = targetError(t, ReasonSyntax, nil, "only `upgrade`, `downgrade`, `path` and `history -r` count from a revision or from where a tenant stands",
			"%s names no revision by itself", t.text)
	}
	if err != nil {
		return nil, err
	}
	return g.ids(g.set(places...).places()), nil
}

// ParseFrom reads a text that says where a tenant stands: targets as for [Graph.Resolve], joined by commas; `base` and the
// empty text mean that nothing is applied. The result is in graph order, without revisions of which another one in it
// descends.
func (g *Graph) ParseFrom(s string) ([]string, error) {
	if strings.TrimSpace(s) == "" {
		return []string{}, nil
	}
	var all []string
	for word := range strings.SplitSeq(s, ",") {
		word = strings.TrimSpace(word)
		if t, err := parseTarget(word); err == nil && t.relative {
			return nil, notTarget(word, "say where the tenant stands by ids, prefixes or labels")
		}
		ids, err := g.Resolve(word)
		if err != nil {
			return nil, err
		}
		all = append(all, ids...)
	}
	return g.HeadsOf(all), nil
}

// absolute resolves a target that is not relative.
func (g *Graph) absolute(t target) ([]int, error) {
	branch, err := g.branch(t)
	if err != nil {
		return nil, err
	}
	switch t.symbol {
	case "base":
		return nil, nil
	case "heads":
		if branch == nil {
			return g.realHeads(), nil
		}
		return keep(g.heads(), branch), nil
	case "head":
		heads := g.heads()
		if branch != nil {
			heads = keep(heads, branch)
		}
		if len(heads) > 1 {
			return nil, g.severalHeads(t, heads)
		}
		return heads, nil
	}
	i, err := g.named(t, t.symbol, branch)
	if err != nil {
		return nil, err
	}
	return []int{i}, nil
}

// single resolves the symbol of a target where only one revision will do; -1 is base.
func (g *Graph) single(t target) (int, error) {
	places, err := g.absolute(t)
	switch {
	case err != nil:
		return 0, err
	case len(places) > 1:
		return 0, g.severalHeads(t, places)
	case len(places) == 0:
		return base, nil
	}
	return places[0], nil
}

// base stands for the place below all revisions.
const base = -1

// branch returns the lineage that t is limited to; nil when there is no limit.
func (g *Graph) branch(t target) (set, error) {
	if t.label == "" {
		return nil, nil
	}
	i, err := g.named(t, t.label, nil)
	if err != nil {
		return nil, err
	}
	return g.lineage(i), nil
}

// named finds a revision by id, label, or the beginning of either, within a branch if that is not nil.
func (g *Graph) named(t target, name string, branch set) (int, error) {
	i, ok := g.names.exact[name]
	if !ok {
		var err error
		if i, err = g.prefixed(t, name, branch); err != nil {
			return 0, err
		}
	}
	if branch != nil && !branch[i] {
		return 0, targetError(t, ReasonBranch, nil, fmt.Sprintf("leave out %s@, or name a revision of that branch", t.label),
			"%s is no member of branch %s", g.id(i), t.label)
	}
	return i, nil
}

func (g *Graph) prefixed(t target, prefix string, branch set) (int, error) {
	matches := g.set()
	for _, name := range g.names.prefixed(prefix) {
		matches[g.names.exact[name]] = true
	}
	if branch != nil {
		if inside := keep(matches.places(), branch); len(inside) > 0 {
			matches = g.set(inside...)
		}
	}
	switch found := matches.places(); len(found) {
	case 0:
		return 0, g.unknown(t.text, prefix)
	case 1:
		return found[0], nil
	default:
		ids := g.ids(found)
		return 0, targetError(t, ReasonAmbiguous, ids, "write more of it", "%s begins %d revisions: %s", prefix, len(ids), list(ids))
	}
}

// belowHeads resolves -N and LABEL@-N without a tenant.
func (g *Graph) belowHeads(t target) ([]int, error) {
	heads := g.realHeads()
	if t.label != "" {
		i, err := g.named(t, t.label, nil)
		if err != nil {
			return nil, err
		}
		heads = keep(heads, g.lineAbove(i))
	}
	var places []int
	for _, head := range heads {
		i, left, err := g.walkDown(t, head, -t.steps)
		if err != nil {
			return nil, err
		}
		if left == 0 && i != base {
			places = append(places, i)
		}
	}
	return places, nil
}

func (g *Graph) unknown(target, name string) error {
	e := &TargetError{Target: target, Reason: ReasonUnknown, Matches: []string{}, Message: fmt.Sprintf("there is no revision or branch %s", name)}
	switch near := g.names.nearest(name); {
	case near != "":
		e.Matches = []string{near}
		e.Advice = fmt.Sprintf("did you mean %s?", near)
	case len(g.nodes) == 0:
		e.Advice = "the graph has no revisions"
	default:
		e.Advice = "`History` lists all revisions, `Heads` those at the top"
	}
	return e
}

func (g *Graph) severalHeads(t target, heads []int) error {
	ids := g.ids(heads)
	advice := "say `heads` for all of them, LABEL@head or an id for one, or join them with `Merge(heads)`"
	if t.label != "" {
		advice = fmt.Sprintf("say %s@heads for all of them, an id for one, or join them with `Merge`", t.label)
	}
	return targetError(t, ReasonAmbiguous, ids, advice, "%s: there are %d heads%s: %s", t.text, len(ids), t.within(), list(ids))
}
