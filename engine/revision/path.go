package revision

import (
	"fmt"
	"slices"
)

// Path is what an upgrade or a downgrade runs, and where that leads.
type Path struct {
	Direction Direction
	From      []string // where the tenant stands: no id descends from another; empty = base
	Steps     []string // revisions in the order they run; graph order for Up, its exact reverse for Down
	Heads     []string // where the tenant then stands
}

// Path returns the path from where a tenant stands to target. from are ids of heads, none = base; those of which another
// one descends are dropped. The path says which steps there are; [Graph.Irreversible] says whether those of a downgrade can
// be undone.
//
// With A for from and all its ancestors over both kinds of edges, the steps are
//
//   - up to T: T and all its ancestors, less A
//   - down to T: of A what descends, over both kinds of edges, from the revisions that revise T. What T
//     depends on stays, and so does what depends on T alone
//   - down to base: A
//   - down to LABEL@T: the same, starting only with those children of T that lead to LABEL, when T has
//     several; LABEL@base likewise with bases
//
// The rules are Alembic's, as are relative targets and errors. All errors are [*TargetError]. Two things differ: `-N` from
// several heads is an error, where Alembic goes by the order of rows; and where Alembic fails an assertion (ID+N beyond
// the graph, LABEL@-N if nothing of LABEL is applied) there is an error with advice.
func (g *Graph) Path(dir Direction, from []string, target string) (*Path, error) {
	if dir != Up && dir != Down {
		return nil, fmt.Errorf("revision: no direction %q", dir)
	}
	t, err := parseTarget(target)
	if err != nil {
		return nil, err
	}
	places, err := g.known(from)
	if err != nil {
		return nil, err
	}
	heads := g.maximal(g.set(places...))
	applied := g.ancestors(heads...)
	run := g.upgrade
	if dir == Down {
		run = g.downgrade
	}
	steps, err := run(heads, applied, t)
	if err != nil {
		return nil, err
	}
	after := applied.or(steps)
	if dir == Down {
		after = applied.without(steps)
	}
	p := &Path{Direction: dir, From: g.ids(heads), Steps: g.ids(steps.places()), Heads: g.ids(g.maximal(after))}
	if dir == Down {
		slices.Reverse(p.Steps)
	}
	return p, nil
}

// Irreversible returns an error that names the steps of a downgrade that have no downgrade section, and their files; nil
// if there are none. Revisions without an upgrade section count as reversible. The result is a typed nil: compare it
// before it is assigned to an error.
func (g *Graph) Irreversible(p *Path) *TargetError {
	if p.Direction != Down {
		return nil
	}
	var ids, named []string
	for _, id := range p.Steps {
		r := g.Get(id)
		if r == nil || r.Upgrade == nil || r.Downgrade != nil {
			continue
		}
		ids = append(ids, id)
		if r.File != "" {
			id += " (" + r.File + ")"
		}
		named = append(named, id)
	}
	if len(ids) == 0 {
		return nil
	}
	return &TargetError{
		Reason: ReasonOneWay, Matches: ids,
		Message: "the way down has no downgrade section in " + list(named),
		Advice:  "write the section, or choose a target above; an empty section is a step that does nothing",
	}
}
