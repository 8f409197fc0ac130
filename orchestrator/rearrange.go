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

// Resumption says how a rollout is taken up again.
type Resumption struct {
	Options
	Only []string // ids of the tenants to take up; nil = all
}

// StalePlanError says that a rollout cannot be taken up again, since the revisions are not those that it
// was planned with.
type StalePlanError struct {
	Rollout  string
	Revision string
	File     string // "" when the revision vanished
	Message  string
}

func (e *StalePlanError) Error() string {
	return fmt.Sprintf("rollout %s cannot be resumed: %s", e.Rollout, e.Message)
}

// Hint says what to do about it.
func (e *StalePlanError) Hint() string {
	return "restore the revision, or let it be and plan afresh: tenants that are done will be left alone"
}

// Rearrange makes the plan for taking a rollout up again: all tenants of the stored plan that are not
// where it wanted them, save those that were skipped. stored and events are as Store.Load returned them;
// tenants is the fleet as it is known now (see [Plan.Pick]) and standings[i] where tenants[i] stands.
//
// The survey is the truth. A tenant that the store calls done but which is not goes again; one that is
// there is Unchanged, unless the store has it as done already; one that is no longer in the fleet is Gone.
// What is left of a way are those of its steps which are not yet taken; new revisions are not added.
// A revision of the plan that changed or vanished is a [*StalePlanError].
func Rearrange(stored *Plan, events []Event, tenants []tenant.Tenant, standings []engine.Standing, g *revision.Graph, how Resumption) (*Plan, error) {
	if len(tenants) != len(standings) {
		return nil, fmt.Errorf("%d tenants, but %d standings", len(tenants), len(standings))
	}
	then, err := graphOf(stored, g)
	if err != nil {
		return nil, err
	}
	a := &rearranger{stored: stored, graph: then, options: how.Options.withDefaults(), only: how.Only}
	for _, e := range events {
		a.report.Apply(e)
	}
	if err := a.knows(how.Only); err != nil {
		return nil, err
	}
	return a.plan(tenants, standings, g)
}

// graphOf returns the graph that the plan was made with: of what is in g now, only what was there then.
func graphOf(p *Plan, g *revision.Graph) (*revision.Graph, error) {
	stale := func(id, file, message string) error {
		return &StalePlanError{Rollout: p.Rollout, Revision: id, File: file, Message: message}
	}
	for _, c := range p.Cohorts {
		for i, id := range c.Steps {
			r := g.Get(id)
			switch {
			case i < len(c.Sums) && c.Sums[i] == "": // a stamp takes the row away, whatever the graph says
			case r == nil:
				return nil, stale(id, "", fmt.Sprintf("revision %s of its plan is no longer there", id))
			case i < len(c.Sums) && c.Sums[i] != sumOf(engine.Step{Revision: r, Direction: p.direction(), Stamp: p.Kind == Stamp}):
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
		return nil, stale("", "", "the revisions that it was planned with hang together no more: "+err.Error())
	}
	return then, nil
}

func (p *Plan) direction() revision.Direction {
	if p.Kind == Downgrade {
		return revision.Down
	}
	return revision.Up
}

// rearranger plans one rollout anew.
type rearranger struct {
	stored  *Plan
	graph   *revision.Graph // as it was when the plan was made
	options Options
	only    []string
	report  Report
}

// knows checks that the tenants asked for are part of the rollout.
func (a *rearranger) knows(only []string) error {
	if len(only) == 0 {
		return nil
	}
	in := map[string]bool{}
	for _, w := range a.stored.Waves {
		for _, item := range w.Items {
			in[item.Tenant.ID] = true
		}
	}
	for _, id := range only {
		if !in[id] {
			return fmt.Errorf("tenant %s is not part of rollout %s", id, a.stored.Rollout)
		}
	}
	return nil
}

func (a *rearranger) plan(tenants []tenant.Tenant, standings []engine.Standing, g *revision.Graph) (*Plan, error) {
	now := make(map[string]int, len(tenants))
	for i, t := range tenants {
		now[t.ID] = i
	}
	p := *a.stored
	p.Cohorts, p.Waves = nil, nil
	gone := -1
	for _, wave := range a.stored.Waves {
		// Those who are there go through gather with the place of their old cohort as their mark.
		fresh := Wave{Name: wave.Name, Planned: wave.Planned, Items: []Item{}}
		var (
			who   []tenant.Tenant
			where []engine.Standing
			marks []int
		)
		for _, item := range wave.Items {
			i, there := now[item.Tenant.ID]
			switch {
			case a.leave(item, there):
			case !there:
				if gone < 0 {
					gone = len(p.Cohorts)
					p.Cohorts = append(p.Cohorts, Cohort{State: engine.Missing, From: []string{}, To: []string{}, Steps: []string{}, Sums: []string{}, Gone: true})
				}
				p.Cohorts[gone].Count++
				fresh.Items = append(fresh.Items, Item{Tenant: item.Tenant, Cohort: gone})
			default:
				who, where, marks = append(who, tenants[i]), append(where, standings[i]), append(marks, item.Cohort)
			}
		}
		groups, of := gather(where, who, marks)
		first := len(p.Cohorts)
		for _, group := range groups {
			c, err := a.cohort(group, g)
			if err != nil {
				return nil, err
			}
			p.Cohorts = append(p.Cohorts, c)
		}
		for i := range who {
			if c := &p.Cohorts[first+of[i]]; a.recorded(who[i].ID, c) {
				c.Count--
				continue
			}
			fresh.Items = append(fresh.Items, Item{Tenant: who[i], Cohort: first + of[i], Standing: where[i]})
		}
		p.Waves = append(p.Waves, fresh)
	}
	return &p, nil
}

// leave reports whether the tenant is none of this run's business.
func (a *rearranger) leave(item Item, there bool) bool {
	outcome := a.report.Outcome(item.Tenant.ID)
	switch {
	case a.only != nil && !slices.Contains(a.only, item.Tenant.ID):
		return true
	case outcome == Skipped:
		return true
	}
	return outcome == Gone && !there
}

// recorded reports whether the store has it already that the tenant, of which nothing is left to do, is
// where it was wanted.
func (a *rearranger) recorded(id string, c *Cohort) bool {
	outcome := a.report.Outcome(id)
	return (outcome == Done || outcome == Unchanged) && len(c.Steps) == 0 && c.Refused == nil && c.Skipped == ""
}

// there reports whether a tenant with that applied set is where its cohort was to go. What somebody else
// has put on top since does not count.
func (a *rearranger) there(old *Cohort, applied []string) bool {
	for i, id := range old.Steps {
		has := slices.Contains(applied, id)
		if has == (a.stored.direction() == revision.Down || i < len(old.Sums) && old.Sums[i] == "") {
			return false
		}
	}
	for _, id := range old.To {
		if !slices.Contains(applied, id) {
			return false
		}
	}
	return true
}

// cohort decides what is left to do for tenants of one old cohort that stand at one place.
func (a *rearranger) cohort(gr group, g *revision.Graph) (Cohort, error) {
	s := gr.standing
	old := &a.stored.Cohorts[gr.mark]
	c := Cohort{State: s.State, From: orEmpty(s.Heads), To: orEmpty(s.Heads), Steps: []string{}, Sums: []string{}, Count: gr.count}
	if old.Skipped != "" {
		c.Skipped = old.Skipped
		return c, nil
	}
	applied := s.Applied.IDs()
	if old.Refused == nil && s.Err == nil && a.there(old, applied) {
		return c, nil
	}
	if c.Refused = refusal(g, &s, a.stored.Kind, a.options); c.Refused != nil {
		return c, nil
	}
	if old.Refused != nil { // it had no way; now it can be found
		way := &way{graph: a.graph, kind: a.stored.Kind, targets: strings.Fields(a.stored.Target), options: a.options}
		return a.late(way, gr)
	}
	if a.stored.Kind == Stamp {
		want, err := a.graph.Closure(old.To)
		if err != nil {
			return c, err
		}
		c.To = old.To
		c.take(engine.NewStamp(a.graph, s.Applied, want))
		return c, nil
	}
	rest, after := a.rest(old, applied)
	if _, gaps := g.Check(after); len(gaps) > 0 || len(rest) == 0 {
		c.Refused = elsewhere(&s, old)
		return c, nil
	}
	c.To = g.HeadsOf(after)
	c.steps(g, s.Applied, a.stored.direction(), rest, a.options.Mode)
	return c, nil
}

// late plans tenants that could not be read, or were otherwise refused, when the rollout was planned.
func (a *rearranger) late(w *way, gr group) (Cohort, error) {
	c, err := w.cohort(gr)
	if err == nil {
		return c, nil
	}
	var target *revision.TargetError
	if !errors.As(err, &target) {
		return c, err
	}
	c.To = c.From
	c.Refused = &Failure{Class: engine.Stale, Message: target.Message, Hint: target.Advice}
	return c, nil
}

// rest returns the steps that are left, and what will be applied after them.
func (a *rearranger) rest(old *Cohort, applied []string) (rest, after []string) {
	after = slices.Clone(applied)
	down := a.stored.direction() == revision.Down
	for _, id := range old.Steps {
		at := slices.Index(after, id)
		switch {
		case down && at >= 0:
			rest, after = append(rest, id), slices.Delete(after, at, at+1)
		case !down && at < 0:
			rest, after = append(rest, id), append(after, id)
		}
	}
	return rest, after
}

// elsewhere refuses tenants from which the plan's way leads nowhere: restored from an older backup, or
// changed by somebody else.
func elsewhere(s *engine.Standing, old *Cohort) *Failure {
	return &Failure{
		Class: engine.Stale,
		Message: fmt.Sprintf("the tenant stands at [%s], from where the plan, which began at [%s], does not lead to [%s]",
			strings.Join(s.Heads, " "), strings.Join(old.From, " "), strings.Join(old.To, " ")),
		Hint: "the tenant was restored or changed by somebody else; a fresh plan will take it from there",
	}
}
