package orchestrator

import (
	"errors"
	"fmt"
	"slices"
	"strings"

	"github.com/skeindb/skein/engine"
	"github.com/skeindb/skein/engine/revision"
	"github.com/skeindb/skein/tenant"
)

// ArrangeRollback plans to take down what a rollout upgraded: just its tenants that it changed, be it only in
// part, and of each just the revisions that it applied, in the reverse order of its waves. stored and events
// are as Store.Load returned them, req.Rollout is the id of the new rollout; tenants and standings are as in
// [Arrange], of [Plan.Pick]. Of req the kind, the targets and the policy do not count: pins neither.
//
// What a tenant's end recorded is believed. Where a run broke off, or lost a connection, all revisions count as
// the rollout's own that it had planned for the tenant, which lacked them then and has them now.
//
// A tenant that cannot be read, or has meanwhile something on top of what is to be taken down, is refused. One
// that is no longer in the fleet is left out, with a note. A revision without a downgrade section makes an
// [*IrreversibleError], unless partial is set: then the tenants that cannot be taken down whole are skipped.
// That there is nothing to take back is an error, too.
func ArrangeRollback(stored *Plan, events []Event, tenants []tenant.Tenant, standings []engine.Standing, g *revision.Graph, req Request, partial bool) (*Plan, error) {
	switch {
	case len(tenants) != len(standings):
		return nil, fmt.Errorf("%d tenants, but %d standings", len(tenants), len(standings))
	case req.Rollout == "" || req.Rollout == stored.Rollout:
		return nil, errors.New("the rollback needs an id of its own")
	case stored.Kind != Upgrade:
		return nil, &RollbackError{Rollout: stored.Rollout, Kind: stored.Kind}
	}
	u := &undoing{
		of: stored.Amend(events), deeds: deedsOf(events, g), graph: g, partial: partial, options: req.Options.withDefaults(),
	}
	u.choose(newCensus(tenants, standings))
	p := &Plan{
		Rollout: req.Rollout, Fleet: req.Fleet, Kind: Rollback, Target: stored.Rollout, Of: stored.Rollout,
		Graph: g.Sum(), Revisions: ids(g.All()), Tag: req.Tag, FleetSize: req.FleetSize, Created: req.Created, Notes: u.notes(),
	}
	if err := u.plan(p); err != nil {
		return nil, err
	}
	return p, nil
}

// undoing is a rollback that is being planned.
type undoing struct {
	of      *Plan // what is taken back, amended
	deeds   *deeds
	graph   *revision.Graph
	partial bool
	options Options

	waves  []Wave // reversed; the cohort of an item is its place in the lists below
	who    []tenant.Tenant
	where  []engine.Standing
	marks  []int // places in sets
	sets   [][]string
	gone   []string // ids of changed tenants that are no longer in the fleet
	unsure []string // ids of tenants of which nobody knows what was done to them

	blocked BlockedError
}

// choose finds the tenants that the rollout changed, and what of it each still has.
func (u *undoing) choose(now *census) {
	marks := map[string]int{}
	for _, wave := range slices.Backward(u.of.Waves) {
		back := Wave{Name: wave.Name}
		for _, item := range wave.Items {
			id := item.Tenant.ID
			did := u.deeds.of[id]
			if did == nil {
				continue
			}
			cohort := &u.of.Cohorts[item.Cohort]
			changed := did.applied
			if did.open {
				changed = slices.Concat(changed, cohort.Steps)
			}
			at, there := now.at[id]
			switch {
			case did.open && cohort.Refused != nil && there:
				u.unsure = append(u.unsure, id)
			case !there && len(did.applied) > 0:
				u.gone = append(u.gone, id)
			}
			if !there {
				continue
			}
			if s := &now.standings[at]; !unreadable(s) {
				changed = u.still(changed, s.Applied.IDs())
			}
			if len(changed) == 0 {
				continue
			}
			standing := now.standings[at]
			standing.Changed = both(standing.Changed, changed) // what else was edited is not touched
			key := strings.Join(changed, " ")
			mark, ok := marks[key]
			if !ok {
				mark = len(u.sets)
				marks[key], u.sets = mark, append(u.sets, changed)
			}
			back.Items = append(back.Items, Item{Tenant: now.tenants[at], Cohort: len(u.who), Standing: standing})
			u.who, u.where, u.marks = append(u.who, now.tenants[at]), append(u.where, standing), append(u.marks, mark)
		}
		if back.Planned = len(back.Items); back.Planned > 0 {
			u.waves = append(u.waves, back)
		}
	}
}

// still returns those of the changed revisions that are applied, in the order in which they are taken down.
func (u *undoing) still(changed, applied []string) []string {
	down := u.graph.Sort(slices.DeleteFunc(slices.Clone(changed), func(id string) bool { return !slices.Contains(applied, id) }))
	slices.Reverse(down)
	return slices.Compact(down)
}

// plan makes the cohorts and waves of p.
func (u *undoing) plan(p *Plan) error {
	oneWay := &IrreversibleError{Rollout: u.of.Rollout}
	groups, of := gather(u.where, u.who, u.marks)
	for _, gr := range groups {
		p.Cohorts = append(p.Cohorts, u.cohort(gr, oneWay))
	}
	for _, wave := range u.waves {
		for i := range wave.Items {
			wave.Items[i].Cohort = of[wave.Items[i].Cohort]
		}
		p.Waves = append(p.Waves, wave)
	}
	oneWay.Others = p.Changes()
	u.blocked.Rollout, u.blocked.Others = u.of.Rollout, oneWay.Others
	switch {
	case len(u.who) == 0:
		return fmt.Errorf("there is nothing to take back: no tenant has anything that rollout %s applied", u.of.Rollout)
	case oneWay.Tenants > 0 && (!u.partial || oneWay.Others == 0):
		return oneWay
	case u.blocked.Tenants > 0 && (!u.partial || oneWay.Others == 0):
		return &u.blocked
	}
	return nil
}

// cohort decides what is done with a group, and notes in oneWay what cannot be.
func (u *undoing) cohort(gr group, oneWay *IrreversibleError) Cohort {
	c, s := gr.cohort(), &gr.standing
	steps := u.sets[gr.mark]
	why := refusal(u.graph, s, Rollback, u.options)
	if why != nil && unreadable(s) { // it may answer when its turn comes, or on a resume
		c.Refused = why
		return c
	}
	after := walked(s.Applied.IDs(), revision.Down, steps)
	if _, gaps := u.graph.Check(after); why == nil && len(gaps) > 0 {
		why = onTop(gaps[0].Revision, gaps[0].Missing)
	}
	if why != nil {
		u.blocked.add(why, gr)
		c.Skipped = "cannot be taken back: " + why.Message
		return c
	}
	if err := u.graph.Irreversible(&revision.Path{Direction: revision.Down, Steps: steps}); err != nil {
		oneWay.add(u.graph, err.Matches, gr)
		c.Skipped = "cannot be taken back: revision " + strings.Join(err.Matches, ", ") + " has no downgrade section"
		return c
	}
	c.To = u.graph.HeadsOf(after)
	c.steps(u.graph, s.Applied, revision.Down, steps, u.options.Mode)
	return c
}

// notes says what people have to look after themselves.
func (u *undoing) notes() []string {
	var notes []string
	if n := len(u.gone); n > 0 {
		notes = append(notes, fmt.Sprintf("%s that rollout %s changed %s no longer in the fleet: %s", tenants(n), u.of.Rollout, isOrAre(n), some(u.gone)))
	}
	if n := len(u.unsure); n > 0 {
		notes = append(notes, fmt.Sprintf("%s could not be read when rollout %s was planned, and what it did there later is not recorded: look after %s",
			tenants(n), u.of.Rollout, some(u.unsure)))
	}
	return notes
}

// IrreversibleError says what of a rollout cannot be taken back.
type IrreversibleError struct {
	Rollout   string
	Revisions []string // without a downgrade section, in graph order
	Files     []string // of Revisions
	Tenants   int      // that would have to go down through one of them
	Others    int      // that can be taken down
	Example   string   // id of one of Tenants
}

func (e *IrreversibleError) Error() string {
	named := make([]string, len(e.Revisions))
	for i, id := range e.Revisions {
		if named[i] = id; e.Files[i] != "" {
			named[i] += " (" + e.Files[i] + ")"
		}
	}
	who := "tenant " + e.Example
	if e.Tenants > 1 {
		who = fmt.Sprintf("%d tenants, for example %s,", e.Tenants, e.Example)
	}
	return fmt.Sprintf("rollout %s cannot be taken back: %s would have to go down through %s, without a downgrade section",
		e.Rollout, who, strings.Join(named, ", "))
}

// Hint says what to do about it.
func (e *IrreversibleError) Hint() string {
	write := "write the section; an empty one is a step that does nothing"
	if e.Others == 0 {
		return write
	}
	return fmt.Sprintf("%s; or take back only the other %s, with --partial", write, tenants(e.Others))
}

// add notes a group that cannot be taken down through the revisions of those ids.
func (e *IrreversibleError) add(g *revision.Graph, ids []string, gr group) {
	if e.Example == "" {
		e.Example = gr.example
	}
	e.Tenants += gr.count
	e.Revisions = slices.Compact(g.Sort(slices.Concat(e.Revisions, ids)))
	e.Files = make([]string, len(e.Revisions))
	for i, id := range e.Revisions {
		e.Files[i] = g.Get(id).File
	}
}

// BlockedError says that tenants stand so that a rollout cannot be taken back there.
type BlockedError struct {
	Rollout string
	Tenants int
	Others  int     // that can be taken down
	Example string  // id of one of Tenants
	Failure Failure // of the first of them
}

func (e *BlockedError) Error() string {
	who := "tenant " + e.Example
	if e.Tenants > 1 {
		who = fmt.Sprintf("%d tenants, for example %s", e.Tenants, e.Example)
	}
	return fmt.Sprintf("rollout %s cannot be taken back from %s: %s", e.Rollout, who, e.Failure.Message)
}

// Hint says what to do about it.
func (e *BlockedError) Hint() string {
	hint := e.Failure.Hint
	if e.Failure.Class == engine.Checksum {
		hint = "restore the file, or go on nevertheless with --allow-changed"
	}
	if e.Others > 0 {
		hint += fmt.Sprintf("; or take back only the other %s, with --partial", tenants(e.Others))
	}
	return hint
}

// add notes a group that cannot be taken down.
func (e *BlockedError) add(why *Failure, gr group) {
	if e.Tenants == 0 {
		e.Example, e.Failure = gr.example, *why
	}
	e.Tenants += gr.count
}

// RollbackError says that a rollout is none that could be taken back.
type RollbackError struct {
	Rollout string
	Kind    Kind
}

func (e *RollbackError) Error() string {
	return fmt.Sprintf("rollout %s is a %s: only an upgrade can be rolled back", e.Rollout, e.Kind)
}

// Hint says what to do about it.
func (e *RollbackError) Hint() string {
	if e.Kind == Stamp {
		return "`skein stamp` records where the tenants were before"
	}
	return "`skein upgrade` brings the tenants up again"
}

// both returns those of ids that are among others as well; nil when none is.
func both(ids, others []string) []string {
	var in []string
	for _, id := range ids {
		if slices.Contains(others, id) {
			in = append(in, id)
		}
	}
	return in
}

// some lists ids for people: a few, and how many more.
func some(ids []string) string {
	const most = 5
	if len(ids) <= most {
		return strings.Join(ids, ", ")
	}
	return fmt.Sprintf("%s and %d more", strings.Join(ids[:most], ", "), len(ids)-most)
}
