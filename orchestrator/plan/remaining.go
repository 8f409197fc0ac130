package plan

import (
	"errors"
	"fmt"
	"slices"
	"strings"

	"github.com/skeindb/skein/engine"
	"github.com/skeindb/skein/engine/revision"
)

// remainingPlanner plans tenants of a plan again: what is left of each one's path.
type remainingPlanner struct {
	of      *Plan
	then    *revision.Graph // of the plan, see graphOf
	now     *revision.Graph
	options Rules
	running bool // the rollout runs: a tenant that existed when it began and is missing now is gone
}

// items plans items of one wave again, in their order, and appends their cohorts to p.Cohorts.
func (m *remainingPlanner) items(items []Item, now fleet, p *Plan) ([]Item, error) {
	fresh := make([]Item, len(items))
	var (
		who     []int // places in items
		members []Member
		marks   []int // the old cohort: only its members came the same path
	)
	for i, item := range items {
		member := now[item.Tenant.ID]
		old := &m.of.Cohorts[item.Cohort]
		if member == nil || m.vanished(old, &member.Standing) {
			fresh[i] = Item{Tenant: item.Tenant, Cohort: p.gone(old)}
			continue
		}
		who, marks = append(who, i), append(marks, item.Cohort)
		members = append(members, *member)
		if m.of.Kind == KindRollback {
			last := &members[len(members)-1]
			last.Standing = m.down().assessed(last.Standing)
		}
	}
	groups, of := groupByStanding(members, marks)
	first := len(p.Cohorts)
	for _, group := range groups {
		c, err := m.cohort(group)
		if err != nil {
			return nil, err
		}
		p.Cohorts = append(p.Cohorts, c)
	}
	for k, i := range who {
		fresh[i] = Item{Tenant: members[k].Tenant, Cohort: first + of[k], Standing: members[k].Standing}
	}
	return fresh, nil
}

// vanished reports whether the schema or file of a planned tenant disappeared while the rollout runs, although the fleet
// still lists it.
func (m *remainingPlanner) vanished(old *Cohort, now *engine.Standing) bool {
	return m.running && old.Action != ActionRefuse && now.State == engine.Missing
}

// gone counts a tenant of an old cohort as one that is no longer in the fleet, and returns its cohort. It keeps the pin of
// the old one: the tenant may come back while the rollout runs.
func (p *Plan) gone(old *Cohort) int {
	at := slices.IndexFunc(p.Cohorts, func(c Cohort) bool {
		return c.Action == ActionGone && c.Reason == old.Reason && c.Target == old.Target
	})
	if at < 0 {
		at = len(p.Cohorts)
		p.Cohorts = append(p.Cohorts, Cohort{
			Action: ActionGone, State: engine.Missing, From: []string{}, To: []string{}, Steps: []string{}, Sums: []string{},
			Reason: old.Reason, Target: old.Target,
		})
	}
	p.Cohorts[at].Count++
	return at
}

// cohort decides what is left to do for tenants of one old cohort that stand at one place.
func (m *remainingPlanner) cohort(gr standingGroup) (Cohort, error) {
	s := gr.standing
	old := &m.of.Cohorts[gr.mark]
	c := gr.cohort()
	c.Target = old.Target
	if old.Reason != "" {
		c.skip(old.Reason)
		return c, nil
	}
	if m.of.Kind == KindRollback {
		return m.backOnPath(gr, old), nil
	}
	planned := old.Action == ActionMigrate || old.Action == ActionNone
	applied := s.Applied.IDs()
	if planned && s.Err == nil && m.atTarget(old, applied) {
		if c.was = old.was; len(old.Steps) > 0 {
			c.was = &fromTo{old.From, old.To}
		}
		return c, nil
	}
	if why := refusal(m.now, &s, m.of.Kind, m.options); why != nil {
		c.refuse(why)
		return c, nil
	}
	switch {
	case !planned: // it had no path; there may be one now
		way := &pathPlanner{graph: m.then, now: m.now, kind: m.of.Kind, targets: strings.Fields(m.of.Target), options: m.options}
		return way.planLate(gr, old.Target)
	case m.of.Kind == KindStamp:
		want, err := m.then.Closure(old.To)
		if err != nil {
			return c, err
		}
		c.To = old.To
		c.setPlan(engine.NewStamp(m.then, s.Applied, want, s.HalfDone()...))
		return c, nil
	}
	steps, after := m.remainingSteps(old, applied)
	if _, gaps := m.now.Check(after); len(gaps) > 0 || len(steps) == 0 {
		return m.offPath(gr, old)
	}
	c.To = m.now.HeadsOf(after)
	c.steps(m.now, s.Applied, m.of.Direction(), steps, m.options.Mode)
	return c, nil
}

// down is what a rollback does.
func (m *remainingPlanner) down() *rollbackSteps {
	return &rollbackSteps{of: m.of.Of, graph: m.now, options: m.options}
}

// backOnPath decides what is left to roll back of tenants of one old cohort: the revisions whose rows name the rollout,
// wherever the tenants stood when the rollback was planned.
func (m *remainingPlanner) backOnPath(gr standingGroup, old *Cohort) Cohort {
	down := m.down()
	if !unreadable(&gr.standing) && !down.has(&gr.standing) && len(gr.standing.HalfDone()) == 0 {
		c := gr.cohort()
		if len(old.Steps) > 0 && slices.Equal(c.From, old.To) {
			c.was = &fromTo{old.From, old.To}
		} else if len(old.Steps) == 0 {
			c.was = old.was
		}
		return c
	}
	c, _ := down.cohort(gr)
	return c
}

// offPath plans tenants that stand off the path of their old cohort: restored from a backup, recreated, or changed by
// something else. An upgrade to an absolute target plans them from where they stand, like late tenants. Anything else was
// decided for where they stood, and they are refused.
func (m *remainingPlanner) offPath(gr standingGroup, old *Cohort) (Cohort, error) {
	targets := strings.Fields(m.of.Target)
	if m.of.Kind == KindUpgrade && !slices.ContainsFunc(append(targets, old.Target), relative) {
		way := &pathPlanner{graph: m.then, now: m.now, kind: m.of.Kind, targets: targets, options: m.options}
		if c, err := way.planLate(gr, old.Target); err != nil || c.Action != ActionRefuse {
			return c, err
		}
	}
	c := gr.cohort()
	c.Target = old.Target
	c.refuse(movedFailure(&gr.standing, old))
	return c, nil
}

// relative reports whether a target counts steps from where a tenant stands.
func relative(target string) bool {
	_, own, branch := strings.Cut(target, "@")
	if !branch {
		own = target
	}
	return strings.HasPrefix(own, "+") || strings.HasPrefix(own, "-")
}

// atTarget reports whether a tenant with that applied set has reached the target of its cohort. Revisions that were applied
// on top since do not count.
func (m *remainingPlanner) atTarget(old *Cohort, applied []string) bool {
	for i, id := range old.Steps {
		has := slices.Contains(applied, id)
		if has == (m.of.Direction() == revision.Down || i < len(old.Sums) && old.Sums[i] == "") {
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

// remainingSteps returns the steps that are left, and what will be applied after them.
func (m *remainingPlanner) remainingSteps(old *Cohort, applied []string) (steps, after []string) {
	after = slices.Clone(applied)
	down := m.of.Direction() == revision.Down
	for _, id := range old.Steps {
		at := slices.Index(after, id)
		switch {
		case down && at >= 0:
			steps, after = append(steps, id), slices.Delete(after, at, at+1)
		case !down && at < 0:
			steps, after = append(steps, id), append(after, id)
		}
	}
	return steps, after
}

// planLate plans tenants that did not exist, or could not be read, when their rollout was planned. It is too late to reject
// the rollout, so those for which the target leads nowhere are refused. target is that of a pin; "" = that of the rollout.
func (w *pathPlanner) planLate(gr standingGroup, target string) (Cohort, error) {
	mine := *w
	if target != "" {
		mine.targets = []string{target}
	}
	c, err := mine.cohort(gr)
	c.Target = target
	if err == nil {
		return c, nil
	}
	var nowhere *revision.TargetError
	if !errors.As(err, &nowhere) {
		return c, err
	}
	c.To = c.From
	c.refuse(&Failure{Class: engine.Stale, Message: nowhere.Message, Hint: nowhere.Advice})
	return c, nil
}

// movedFailure is the failure of tenants that stand off the plan's path: restored from an older backup, or changed by
// something else.
func movedFailure(s *engine.Standing, old *Cohort) *Failure {
	return &Failure{
		Class: engine.Stale,
		Message: fmt.Sprintf("the tenant stands at [%s], from where the plan, which began at [%s], does not lead to [%s]",
			strings.Join(s.Heads, " "), strings.Join(old.From, " "), strings.Join(old.To, " ")),
		Hint: "the tenant was restored, or changed by something else; a new plan starts from there",
	}
}
