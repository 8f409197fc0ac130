package plan

import (
	"fmt"
	"slices"
	"strings"

	"github.com/skeindb/skein/engine"
	"github.com/skeindb/skein/engine/revision"
)

// rollbackSteps plans what a rollback does with tenants, by the rows of their version tables: see
// engine.Engine.SurveyRollout.
type rollbackSteps struct {
	of      string // the rollout that is taken back
	graph   *revision.Graph
	options Rules
}

// has reports whether the tenant has a revision that the rollout applied.
func (d *rollbackSteps) has(s *engine.Standing) bool { return len(s.Applied.Of(d.of)) > 0 }

// assessed is the standing for the rollback: edited files of revisions that stay do not matter.
func (d *rollbackSteps) assessed(s engine.Standing) engine.Standing {
	s.Changed = both(s.Changed, s.Applied.Of(d.of))
	return s
}

// cohort decides what is done with a group; without are those of its revisions that have no downgrade section, where the
// group is refused for that.
func (d *rollbackSteps) cohort(gr standingGroup) (c Cohort, without []string) {
	c = gr.cohort()
	s := &gr.standing
	steps := d.graph.Sort(s.Applied.Of(d.of))
	slices.Reverse(steps)
	if why := d.refusal(s); why != nil {
		c.refuse(why)
		return c, nil
	}
	after := applySteps(s.Applied.IDs(), revision.Down, steps)
	if _, gaps := d.graph.Check(after); len(gaps) > 0 {
		c.refuse(blockedFailure(gaps[0].Revision, gaps[0].Missing))
		return c, nil
	}
	if err := d.graph.Irreversible(&revision.Path{Direction: revision.Down, Steps: steps}); err != nil {
		c.refuse(&Failure{
			Class: engine.Stale, Revision: err.Matches[0], File: d.graph.Get(err.Matches[0]).File,
			Message: "revision " + strings.Join(err.Matches, ", ") + " has no downgrade section", Hint: err.Advice,
		})
		return c, err.Matches
	}
	c.To = d.graph.HeadsOf(after)
	c.steps(d.graph, s.Applied, revision.Down, steps, d.options.Mode)
	if c.plan != nil {
		c.plan.Of = d.of
	}
	return c, nil
}

// refusal returns why tenants that stand there cannot be rolled back; nil when they can.
func (d *rollbackSteps) refusal(s *engine.Standing) *Failure {
	if unreadable(s) {
		return UnreadableFailure(s, nil)
	}
	for _, id := range s.Applied.Of(d.of) {
		if d.graph.Get(id) == nil {
			return &Failure{
				Class: engine.Stale, Revision: id,
				Message: fmt.Sprintf("revision %s, which rollout %s applied, is not among the revisions here, so that its downgrade section is not known", id, d.of),
				Hint:    fmt.Sprintf("restore its file, %s_*.sql, for example from version control, then run the rollback again", id),
			}
		}
	}
	return refusal(d.graph, s, KindRollback, d.options)
}
