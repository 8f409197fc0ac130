package plan

import (
	"fmt"
	"slices"

	"github.com/skeindb/skein/engine"
	"github.com/skeindb/skein/engine/revision"
)

// ResumeOptions is how a rollout is resumed.
type ResumeOptions struct {
	Rules
	Only []string // ids of the tenants to plan; nil = all
}

// Resume plans another run of a rollout: all tenants of the stored plan, with those that joined it since, that are not at the
// target, except those that were skipped. current is the stored plan as its rollout has changed it; now are the members of
// the fleet as they are now: see [Plan.Pick].
//
// The survey decides. A tenant that the store has as done but that is not at the target is planned again; one that is there
// is unchanged, unless the store has it as done already: then it is in Wave.Settled; one that is no longer in the fleet is
// gone. Of a path, the steps that are not applied are left; new revisions are not added, and pins count as when the rollout
// was planned. Of a rollback, the revisions are left whose rows name the rollout that is rolled back: standings are those of
// engine.Engine.SurveyRollout.
//
// The error is an [*Error] when a revision of the plan changed or is missing, the rollout was aborted or rolled back, or the
// wave of a tenant of how.Only has not begun.
func Resume(current *Plan, history History, now []Member, g *revision.Graph, how ResumeOptions) (*Runnable, error) {
	a := &resumePlanner{stored: current, only: how.Only, history: history}
	switch {
	case history.Aborted:
		return nil, Aborted(current.Rollout, current.Kind, history.Reason)
	case history.RolledBack:
		return nil, &Error{
			Reason: ReasonRolledBack, Rollout: current.Rollout,
			Message: fmt.Sprintf("rollout %s was taken back: to resume it would do again what was undone", current.Rollout),
			Advice:  "`Upgrade` starts a new one",
		}
	}
	then, err := graphOf(a.stored, g)
	if err != nil {
		return nil, err
	}
	if err := a.knows(how.Only); err != nil {
		return nil, err
	}
	a.left = remainingPlanner{of: a.stored, then: then, now: g, options: how.Rules.WithDefaults()}
	return a.plan(newFleet(now))
}

// graphOf returns the graph that the plan was made with: what g has of its revisions.
func graphOf(p *Plan, g *revision.Graph) (*revision.Graph, error) {
	stale := func(id, file, message string) error {
		e := &Error{
			Reason: ReasonStale, Rollout: p.Rollout, Revisions: []string{id}, Message: fmt.Sprintf("rollout %s cannot be resumed: %s", p.Rollout, message),
			Advice: "restore the revision; or plan again without it",
		}
		if file != "" {
			e.Advice = "if no tenant has the revision yet, run `Upgrade`, which plans again; else restore the file, and put the change into a new revision"
		}
		return e
	}
	for _, c := range p.Cohorts {
		for i, id := range c.Steps {
			r := g.Get(id)
			switch {
			case i < len(c.Sums) && c.Sums[i] == "": // a stamp deletes the row, whatever the graph has
			case r == nil:
				return nil, stale(id, "", fmt.Sprintf("revision %s of its plan is no longer there", id))
			case p.Kind != KindStamp && r.Section(p.Direction()) == nil:
				return nil, stale(id, r.File, fmt.Sprintf("revision %s (%s) has no %sgrade section any more", id, r.File, p.Direction()))
			case i < len(c.Sums) && !accepts(engine.Step{Revision: r, Direction: p.Direction(), Stamp: p.Kind == KindStamp}, c.Sums[i]):
				return nil, stale(id, r.File, fmt.Sprintf("revision %s (%s) changed since it was planned", id, r.File))
			}
		}
	}
	if g.Sum() == p.Graph {
		return g, nil
	}
	revs := make([]*revision.Revision, 0, len(p.Revisions))
	for _, id := range p.Revisions {
		if r := g.Get(id); r != nil {
			revs = append(revs, r)
		}
	}
	then, err := revision.NewGraph(revs)
	if err != nil {
		return nil, stale("", "", "the revisions that it was planned with are no longer a graph: "+err.Error())
	}
	return then, nil
}

// resumePlanner plans one rollout again.
type resumePlanner struct {
	stored  *Plan // amended
	left    remainingPlanner
	only    []string
	history History
}

// knows checks that the tenants to plan are part of the rollout, and that their waves have begun.
func (a *resumePlanner) knows(only []string) error {
	if len(only) == 0 {
		return nil
	}
	places := a.stored.Positions()
	for _, id := range only {
		at, known := places[id]
		if !known {
			return fmt.Errorf("tenant %s is not part of rollout %s", id, a.stored.Rollout)
		}
		if wave := a.stored.Waves[at.Wave].Name; at.Wave > 0 && !a.history.Began[wave] {
			return &Error{
				Reason: ReasonNotBegun, Rollout: a.stored.Rollout, Tenants: 1, Example: id, Wave: wave,
				Message: fmt.Sprintf("tenant %s is not to be retried: its wave %s has not begun in rollout %s", id, wave, a.stored.Rollout),
				Advice:  "`Resume(" + a.stored.Rollout + ")` continues, wave by wave", // a retry would bypass the waves and gates before it
			}
		}
	}
	return nil
}

func (a *resumePlanner) plan(now fleet) (*Runnable, error) {
	p := *a.stored
	p.Cohorts, p.Waves, p.Partial = nil, nil, a.only != nil
	for _, wave := range a.stored.Waves {
		var mine []Item
		for _, item := range wave.Items {
			if !a.skip(item, now) {
				mine = append(mine, item)
			}
		}
		planned, err := a.left.items(mine, now, &p)
		if err != nil {
			return nil, err
		}
		wave.Items, wave.Settled = []Item{}, nil
		for _, item := range planned {
			if c := &p.Cohorts[item.Cohort]; a.recorded(item.Tenant.ID, c) {
				c.Count--
				wave.Settled = append(wave.Settled, item)
				continue
			}
			wave.Items = append(wave.Items, item)
		}
		p.Waves = append(p.Waves, wave)
	}
	return &Runnable{&p}, nil
}

// skip reports whether this run ignores the tenant.
func (a *resumePlanner) skip(item Item, now fleet) bool {
	if a.only != nil && !slices.Contains(a.only, item.Tenant.ID) {
		return true
	}
	switch a.history.outcome(item.Tenant.ID) {
	case OutcomeSkipped:
		return true
	case OutcomeGone:
		return now[item.Tenant.ID] == nil
	}
	return false
}

// recorded reports whether nothing is left to do in a tenant and the store has it as done already.
func (a *resumePlanner) recorded(id string, c *Cohort) bool {
	outcome := a.history.outcome(id)
	return (outcome == OutcomeDone || outcome == OutcomeUnchanged) && c.Action == ActionNone
}
