package plan

import (
	"errors"
	"fmt"
	"slices"

	"github.com/skeindb/skein/engine"
	"github.com/skeindb/skein/engine/revision"
)

// pathPlanner finds the paths of groups to their targets.
type pathPlanner struct {
	graph   *revision.Graph // that resolves targets
	now     *revision.Graph // has all of graph, and revisions that were added after the plan
	kind    Kind
	targets []string
	options Rules
}

// planPinned decides what is done with a group that a pin may hold back.
func (w *pathPlanner) planPinned(gr standingGroup, pin *Pin) (Cohort, error) {
	switch {
	case pin == nil:
		return w.cohort(gr)
	case pin.Freeze:
		return pin.freeze(gr), nil
	}
	mine := *w
	mine.targets = []string{pin.Target}
	c, err := mine.cohort(gr)
	if err != nil {
		return c, fmt.Errorf("%s: %w", pin, err)
	}
	c.Target = pin.Target
	return c, nil
}

// cohort decides what is done with a group.
func (w *pathPlanner) cohort(gr standingGroup) (Cohort, error) {
	s := gr.standing
	c := gr.cohort()
	if why := refusal(w.now, &s, w.kind, w.options); why != nil {
		c.refuse(why)
		return c, nil
	}
	var err error
	switch w.kind {
	case KindStamp:
		err = w.stamp(&c, &s)
	case KindDowngrade:
		err = w.path(&c, &s, revision.Down)
	default:
		err = w.path(&c, &s, revision.Up)
	}
	var target *revision.TargetError
	switch {
	case err == nil:
		return c, nil
	case !errors.As(err, &target):
		return c, err
	case target.Reason == revision.ReasonNotApplied && w.kind == KindDowngrade:
		c.skip("not applied")
		return c, nil
	case target.Reason == revision.ReasonUnknown, target.Reason == revision.ReasonSyntax, target.Reason == revision.ReasonBranch:
		return c, err // wrong for all tenants
	}
	return c, nowhere(gr, c.From, err)
}

func (w *pathPlanner) path(c *Cohort, s *engine.Standing, dir revision.Direction) error {
	applied := s.Applied.IDs()
	p, err := w.graph.Path(dir, w.graph.HeadsOf(applied), w.targets[0])
	if err != nil {
		return err
	}
	if oneWay := w.graph.Irreversible(p); oneWay != nil {
		return oneWay
	}
	after := applySteps(applied, dir, p.Steps)
	if _, gaps := w.now.Check(after); len(gaps) > 0 && w.now != w.graph {
		c.refuse(blockedFailure(gaps[0].Revision, gaps[0].Missing))
		return nil
	}
	c.To = w.now.HeadsOf(after)
	c.steps(w.graph, s.Applied, dir, p.Steps, w.options.Mode)
	return nil
}

// applySteps returns what is applied after steps in a direction.
func applySteps(applied []string, dir revision.Direction, steps []string) []string {
	if dir == revision.Up {
		return slices.Concat(applied, steps)
	}
	return slices.DeleteFunc(slices.Clone(applied), func(id string) bool { return slices.Contains(steps, id) })
}

// steps plans the revisions of those ids for the cohort.
func (c *Cohort) steps(g *revision.Graph, applied *engine.Applied, dir revision.Direction, ids []string, mode engine.Mode) {
	revs := make([]*revision.Revision, len(ids))
	for i, id := range ids {
		revs[i] = g.Get(id)
	}
	if len(revs) == 0 {
		return
	}
	c.setPlan(engine.NewPlan(applied, dir, revs, mode))
}

// setPlan sets what the cohort runs, unless that is nothing.
func (c *Cohort) setPlan(plan *engine.Plan) {
	if plan.Len() == 0 {
		return
	}
	c.Action, c.plan = ActionMigrate, plan
	for _, part := range plan.Parts {
		for _, step := range part.Steps {
			c.Steps = append(c.Steps, step.Revision.ID)
			c.Sums = append(c.Sums, sumOf(step))
		}
	}
}

// sumOf identifies what a step runs, so that a later run can tell that the file changed.
func sumOf(s engine.Step) string {
	switch {
	case s.Stamp && s.Direction == revision.Down:
		return "" // the row is deleted, whatever the file has
	case s.Direction == revision.Down:
		return s.Revision.Downgrade.Checksum
	}
	return s.Revision.Checksum()
}

// accepts reports whether a checksum that an earlier run noted is that of the step.
func accepts(s engine.Step, sum string) bool {
	if s.Direction == revision.Down && !s.Stamp {
		return s.Revision.Downgrade.Accepts(sum)
	}
	return sum == sumOf(s) || s.Revision.Accepts(sum)
}

func (w *pathPlanner) stamp(c *Cohort, s *engine.Standing) error {
	from := w.graph.HeadsOf(s.Applied.IDs())
	if w.options.Purge {
		from = nil
	}
	want, err := w.graph.Stamp(from, w.targets)
	if err != nil {
		return err
	}
	c.To = w.graph.HeadsOf(want)
	c.setPlan(engine.NewStamp(w.graph, s.Applied, want, s.HalfDone()...))
	return nil
}
