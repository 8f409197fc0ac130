package orchestrator

import (
	"cmp"
	"errors"
	"fmt"
	"slices"
	"strings"

	"github.com/skeindb/skein/engine"
	"github.com/skeindb/skein/engine/revision"
	"github.com/skeindb/skein/tenant"
)

// group is tenants that stand at the same place, before anybody has asked where they shall go.
type group struct {
	standing engine.Standing // of the first of them
	mark     int             // what the caller keeps apart, see gather
	count    int
	example  string
	key      string
}

// gather groups tenants by where they stand, the largest group first and those that could not be read
// last. of[i] is the group of standings[i]. Tenants with different marks are never in one group; nil = all
// are alike.
func gather(standings []engine.Standing, tenants []tenant.Tenant, marks []int) (groups []group, of []int) {
	// Equal tables share one *Applied, so that almost every tenant is found without building its key.
	type shared struct {
		applied *engine.Applied
		state   engine.State
		changed int
		mark    int
	}
	seen := map[shared]int{}
	named := map[string]int{}
	of = make([]int, len(standings))
	for i := range standings {
		s := &standings[i]
		mark := 0
		if marks != nil {
			mark = marks[i]
		}
		quick := shared{s.Applied, s.State, len(s.Changed), mark}
		at, ok := seen[quick]
		if !ok || s.Err != nil {
			key := groupKey(s, mark)
			if at, ok = named[key]; !ok {
				at = len(groups)
				named[key] = at
				groups = append(groups, group{standing: *s, mark: mark, example: tenants[i].ID, key: key})
			}
			seen[quick] = at
		}
		groups[at].count++
		of[i] = at
	}
	return sortGroups(groups, of)
}

func groupKey(s *engine.Standing, mark int) string {
	var b strings.Builder
	fmt.Fprintf(&b, "%s\x00%s\x00%s\x00%d", s.State, strings.Join(s.Applied.IDs(), " "), strings.Join(s.Changed, " "), mark)
	if s.Err != nil {
		f := failureOf(s.Err)
		fmt.Fprintf(&b, "\x00%s\x00%s\x00%s", f.Class, f.SQLState, normalise(f.Message))
	}
	return b.String()
}

func sortGroups(groups []group, of []int) ([]group, []int) {
	order := make([]int, len(groups))
	for i := range order {
		order[i] = i
	}
	slices.SortFunc(order, func(a, b int) int {
		x, y := &groups[a], &groups[b]
		return cmp.Or(
			compareBool(x.standing.Err != nil, y.standing.Err != nil),
			cmp.Compare(y.count, x.count),
			cmp.Compare(x.key, y.key),
		)
	})
	sorted := make([]group, len(groups))
	place := make([]int, len(groups))
	for to, from := range order {
		sorted[to] = groups[from]
		place[from] = to
	}
	for i := range of {
		of[i] = place[of[i]]
	}
	return sorted, of
}

func compareBool(a, b bool) int {
	switch {
	case a == b:
		return 0
	case b:
		return -1
	}
	return 1
}

// way finds where groups go.
type way struct {
	graph   *revision.Graph
	kind    Kind
	targets []string
	options Options
}

// cohort decides what is done with a group.
func (w *way) cohort(gr group) (Cohort, error) {
	s := gr.standing
	c := Cohort{State: s.State, From: orEmpty(s.Heads), To: orEmpty(s.Heads), Steps: []string{}, Sums: []string{}, Count: gr.count}
	if c.Refused = refusal(w.graph, &s, w.kind, w.options); c.Refused != nil {
		return c, nil
	}
	var err error
	switch w.kind {
	case Stamp:
		err = w.stamp(&c, &s)
	case Downgrade:
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
	case target.Reason == revision.ReasonNotApplied && w.kind == Downgrade:
		c.Skipped = "not applied"
		return c, nil
	case target.Reason == revision.ReasonUnknown, target.Reason == revision.ReasonSyntax, target.Reason == revision.ReasonBranch:
		return c, err // wrong for whomever
	}
	return c, &CohortError{Target: strings.Join(w.targets, " "), Heads: c.From, Tenants: gr.count, Example: gr.example, Err: err}
}

func (w *way) path(c *Cohort, s *engine.Standing, dir revision.Direction) error {
	p, err := w.graph.Path(dir, s.Heads, w.targets[0])
	if err != nil {
		return err
	}
	if oneWay := w.graph.Irreversible(p); oneWay != nil {
		return oneWay
	}
	c.To = p.Heads
	c.steps(w.graph, s.Applied, dir, p.Steps, w.options.Mode)
	return nil
}

// steps makes the cohort go through the revisions of those ids.
func (c *Cohort) steps(g *revision.Graph, applied *engine.Applied, dir revision.Direction, ids []string, mode engine.Mode) {
	revs := make([]*revision.Revision, len(ids))
	for i, id := range ids {
		revs[i] = g.Get(id)
	}
	if len(revs) == 0 {
		return
	}
	c.take(engine.NewPlan(applied, dir, revs, mode))
}

// take makes plan the cohort's way.
func (c *Cohort) take(plan *engine.Plan) {
	if plan.Len() == 0 {
		return
	}
	c.plan = plan
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
		return "" // the row goes, whatever the file says
	case s.Direction == revision.Down:
		return s.Revision.Downgrade.Checksum
	}
	return s.Revision.Checksum()
}

func (w *way) stamp(c *Cohort, s *engine.Standing) error {
	from := w.graph.HeadsOf(s.Applied.IDs())
	if w.options.Purge {
		from = nil
	}
	want, err := w.graph.Stamp(from, w.targets)
	if err != nil {
		return err
	}
	c.To = w.graph.HeadsOf(want)
	c.take(engine.NewStamp(w.graph, s.Applied, want))
	return nil
}

func orEmpty(s []string) []string {
	if s == nil {
		return []string{}
	}
	return s
}
