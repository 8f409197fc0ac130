package plan

import (
	"errors"
	"fmt"
	"slices"

	"github.com/skeindb/skein/engine"
	"github.com/skeindb/skein/engine/revision"
	"github.com/skeindb/skein/engine/text"
)

// NewRollback plans to take down what a rollout applied: of each tenant only the revisions whose rows name that
// rollout, in the reverse order of its waves. current is the stored plan as its rollout has changed it, touched the
// tenants that the rollout may have changed (true = it did), req.Rollout is the id of the new rollout; now is the whole fleet, with the rollout of
// each row, as engine.Engine.SurveyRollout reads it.
// The kind, the targets and the policy of req are ignored, and so are pins.
//
// The rows decide, whatever the store has recorded: what was taken down, stamped, restored or recreated since is not the
// rollout's any more, and a tenant that was renamed is found by its rows, with a note. The store only decides which
// unreadable tenants the rollout may have changed.
//
// A tenant that cannot be read although the rollout may have changed it is refused, and so is one that has other revisions
// on top of what is to be taken down. One that is no longer in the fleet is left out, with a note. A revision
// without a downgrade section, or whose file is missing, makes an [*Error], unless partial
// is set: then the tenants that cannot be taken down completely are skipped. A revision that [Plan.WithKept] added to g is
// taken down by what was kept, with a note. Nothing to take back is an error, too.
func NewRollback(current *Plan, touched map[string]bool, now []Member, g *revision.Graph, req Options, partial bool) (*Runnable, error) {
	switch {
	case req.Rollout == "" || req.Rollout == current.Rollout:
		return nil, errors.New("the rollback needs an id of its own")
	case current.Kind != KindUpgrade:
		return nil, notUpgrade(current)
	}
	b := &rollback{
		of: current, dispatched: touched, partial: partial,
		down: rollbackSteps{of: current.Rollout, graph: g, options: req.Rules.WithDefaults()},
	}
	b.choose(now)
	p := &Plan{
		Rollout: req.Rollout, Fleet: req.Fleet, Kind: KindRollback, Target: current.Rollout, Of: current.Rollout,
		Graph: g.Sum(), Revisions: ids(g.All()), Tag: req.Tag, FleetSize: req.FleetSize, Created: req.Created, Notes: b.notes(),
	}
	if err := b.plan(p); err != nil {
		return nil, err
	}
	p.carry(current, g)
	return &Runnable{p}, nil
}

// rollback is a rollback that is being planned.
type rollback struct {
	of         *Plan // what is taken back, amended
	dispatched map[string]bool
	partial    bool
	down       rollbackSteps

	waves   []Wave // reversed; the cohort of an item is its place in members
	members []Member
	gone    []string // ids of changed tenants that are no longer in the fleet
	without []string // ids of changed tenants that have nothing of the rollout any more
	renamed []string // ids of tenants that the rollout does not name, and yet changed
	unread  []string // ids of tenants that the rollout does not name, and that could not be read
}

// choose finds the tenants that have revisions of the rollout, and unreadable ones that it may have changed.
func (b *rollback) choose(now []Member) {
	all, named := newFleet(now), b.of.names()
	others := slices.DeleteFunc(slices.Clone(now), func(m Member) bool { return named[m.Tenant.ID] })
	for _, wave := range slices.Backward(b.of.Waves) {
		back := Wave{Name: wave.Name}
		for _, item := range wave.Items {
			b.named(&back, item.Tenant.ID, all[item.Tenant.ID])
		}
		for i := range others { // they are in the first wave
			b.unnamed(&back, &others[i])
		}
		others = nil
		if back.Planned = len(back.Items); back.Planned > 0 {
			b.waves = append(b.waves, back)
		}
	}
}

// halfApplied reports whether an upgrade was cut off in a no-transaction section: the rollout may have begun it.
func halfApplied(s *engine.Standing) bool {
	return slices.ContainsFunc(s.HalfDone(), func(c engine.CutOff) bool { return c.Direction == revision.Up })
}

// named adds a tenant of the rollout if it is part of the rollback; m is nil when it is not in the fleet.
func (b *rollback) named(back *Wave, id string, m *Member) {
	changed, touched := b.dispatched[id]
	switch {
	case m == nil && changed:
		b.gone = append(b.gone, id)
	case m == nil:
	case (unreadable(&m.Standing) || halfApplied(&m.Standing)) && touched, b.down.has(&m.Standing):
		b.add(back, m)
	case changed && !unreadable(&m.Standing):
		b.without = append(b.without, id)
	}
}

// unnamed adds a tenant that the rollout does not name if it has its revisions: it was renamed since, or copied.
func (b *rollback) unnamed(back *Wave, m *Member) {
	switch {
	case unreadable(&m.Standing):
		b.unread = append(b.unread, m.Tenant.ID)
	case b.down.has(&m.Standing):
		b.renamed = append(b.renamed, m.Tenant.ID)
		b.add(back, m)
	}
}

func (b *rollback) add(back *Wave, m *Member) {
	standing := b.down.assessed(m.Standing)
	back.Items = append(back.Items, Item{Tenant: m.Tenant, Cohort: len(b.members), Standing: standing})
	b.members = append(b.members, Member{Tenant: m.Tenant, Standing: standing})
}

// plan makes the cohorts and waves of p.
func (b *rollback) plan(p *Plan) error {
	oneWay, blocked := &irreversible{graph: b.down.graph}, &blocked{}
	groups, of := groupByStanding(b.members, nil)
	for _, gr := range groups {
		c, without := b.down.cohort(gr)
		switch {
		case c.Action != ActionRefuse || unreadable(&gr.standing): // it may answer in the run, or in a resumed one
		case len(without) > 0:
			oneWay.add(without, gr)
			c.skip("cannot be taken back: " + c.Failure.Message)
		default:
			blocked.add(c.Failure, gr)
			c.skip("cannot be taken back: " + c.Failure.Message)
		}
		p.Cohorts = append(p.Cohorts, c)
	}
	for _, wave := range b.waves {
		for i := range wave.Items {
			wave.Items[i].Cohort = of[wave.Items[i].Cohort]
		}
		p.Waves = append(p.Waves, wave)
	}
	others := p.Changes()
	switch {
	case len(b.members) == 0:
		return b.nothing()
	case oneWay.tenants > 0 && (!b.partial || others == 0):
		return oneWay.err(b.of.Rollout, others)
	case blocked.tenants > 0 && (!b.partial || others == 0):
		return blocked.err(b.of.Rollout, others)
	}
	return nil
}

// nothing is the error when no tenant that could be read has revisions of the rollout.
func (b *rollback) nothing() error {
	if n := len(b.unread); n > 0 {
		return fmt.Errorf("there is nothing to take back from the tenants that could be read: none has anything that rollout %s applied; %s could not be read: %s",
			b.of.Rollout, text.Count(n, "tenant"), text.Some(b.unread, 5))
	}
	return fmt.Errorf("there is nothing to take back: no tenant has anything that rollout %s applied", b.of.Rollout)
}

// notes returns what people have to look after themselves.
func (b *rollback) notes() []string {
	var notes []string
	if n := len(b.renamed); n > 0 {
		notes = append(notes, fmt.Sprintf("%s that rollout %s does not name %s revisions that it applied, renamed or copied since, and will be taken along: %s",
			text.Count(n, "tenant"), b.of.Rollout, text.Plural(n, "has", "have"), text.Some(b.renamed, 5)))
	}
	if n := len(b.without); n > 0 {
		notes = append(notes, fmt.Sprintf("%s that rollout %s changed %s nothing of it any more, taken down, stamped, restored or made again since, and will be left alone: %s",
			text.Count(n, "tenant"), b.of.Rollout, text.Plural(n, "has", "have"), text.Some(b.without, 5)))
	}
	if n := len(b.gone); n > 0 {
		notes = append(notes, fmt.Sprintf("%s that rollout %s changed %s no longer in the fleet: %s", text.Count(n, "tenant"), b.of.Rollout, text.Plural(n, "is", "are"), text.Some(b.gone, 5)))
		if n := len(b.unread); n > 0 { // one of them may be one of those under another name
			notes = append(notes, fmt.Sprintf("%s that rollout %s does not name could not be read, so that it is not known whether it has revisions of it: %s",
				text.Count(n, "tenant"), b.of.Rollout, text.Some(b.unread, 5)))
		}
	}
	return notes
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
