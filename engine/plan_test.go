package engine

import (
	"strings"
	"testing"

	"github.com/google/go-cmp/cmp"

	"github.com/skeindb/skein/engine/revision"
)

// drawing is a plan as text: a line a part, "before > steps > after". A step is "+id" up and "-id" down,
// with a * when it is a stamp; a part outside any transaction has a ! in front.
func drawing(p *Plan) []string {
	lines := []string{}
	for _, part := range p.Parts {
		var steps []string
		for _, s := range part.Steps {
			text := "+"
			if s.Direction == revision.Down {
				text = "-"
			}
			if s.Stamp {
				text += "*"
			}
			steps = append(steps, text+s.Revision.ID)
		}
		line := strings.Join(part.Before, " ") + " > " + strings.Join(steps, " ") + " > " + strings.Join(part.After, " ")
		if part.NoTx {
			line = "!" + line
		}
		lines = append(lines, line)
	}
	return lines
}

// withSection changes the upgrade section of a revision.
func withSection(t *testing.T, g *revision.Graph, id string, change func(*revision.Section)) *revision.Graph {
	t.Helper()
	change(g.Get(id).Upgrade)
	return g
}

func TestPlanIsCutIntoParts(t *testing.T) {
	t.Parallel()
	plain := line(t, "a1", "b2", "c3")
	own := line(t, "a1", "b2", "c3 own-transaction", "d4", "e5")
	outside := line(t, "a1", "b2 no-transaction", "c3 no-transaction", "d4", "e5")
	for name, test := range map[string]struct {
		graph   *revision.Graph
		applied []string
		dir     revision.Direction
		steps   []string
		mode    Mode
		want    []string
	}{
		"a chain commits together": {
			graph: plain, want: []string{" > +a1 +b2 +c3 > a1 b2 c3"},
		},
		"mode revision: each by itself": {
			graph: plain, mode: PerRevision,
			want: []string{" > +a1 > a1", "a1 > +b2 > a1 b2", "a1 b2 > +c3 > a1 b2 c3"},
		},
		"what is applied already stands in Before": {
			graph: plain, applied: []string{"a1"}, steps: []string{"b2", "c3"},
			want: []string{"a1 > +b2 +c3 > a1 b2 c3"},
		},
		"ids that the graph does not know stay": {
			graph: plain, applied: []string{"a1", "zz"}, steps: []string{"b2"},
			want: []string{"a1 zz > +b2 > a1 b2 zz"},
		},
		"Before and After are sorted by bytes, not in graph order": {
			graph: line(t, "b", "a", "B"), mode: PerRevision,
			want: []string{" > +b > b", "b > +a > a b", "a b > +B > B a b"},
		},
		"own-transaction commits what came before and itself": {
			graph: own, want: []string{" > +a1 +b2 > a1 b2", "a1 b2 > +c3 > a1 b2 c3", "a1 b2 c3 > +d4 +e5 > a1 b2 c3 d4 e5"},
		},
		"a new enum value is committed before it is used, and what comes before it, too": {
			graph: withSection(t, line(t, "a1", "b2", "c3", "d4", "e5"), "c3", func(s *revision.Section) { s.AddsEnumValue = true }),
			want:  []string{" > +a1 +b2 > a1 b2", "a1 b2 > +c3 > a1 b2 c3", "a1 b2 c3 > +d4 +e5 > a1 b2 c3 d4 e5"},
		},
		"an isolation of its own is a transaction of its own": {
			graph: line(t, "a1", "b2 isolation=serializable", "c3"),
			want:  []string{" > +a1 > a1", "a1 > +b2 > a1 b2", "a1 b2 > +c3 > a1 b2 c3"},
		},
		"own-transaction first": {
			graph: own, applied: []string{"a1", "b2"}, steps: []string{"c3", "d4"},
			want: []string{"a1 b2 > +c3 > a1 b2 c3", "a1 b2 c3 > +d4 > a1 b2 c3 d4"},
		},
		"no-transaction is outside, each for itself": {
			graph: outside,
			want:  []string{" > +a1 > a1", "!a1 > +b2 > a1 b2", "!a1 b2 > +c3 > a1 b2 c3", "a1 b2 c3 > +d4 +e5 > a1 b2 c3 d4 e5"},
		},
		"no-transaction is outside in mode revision, too": {
			graph: outside, mode: PerRevision, applied: []string{"a1"}, steps: []string{"b2"},
			want: []string{"!a1 > +b2 > a1 b2"},
		},
		"down": {
			graph: plain, dir: revision.Down, applied: []string{"a1", "b2", "c3"}, steps: []string{"c3", "b2"},
			want: []string{"a1 b2 c3 > -c3 -b2 > a1"},
		},
		"down, cut by the options of the way down": {
			graph: outside, dir: revision.Down, applied: []string{"a1", "b2", "c3", "d4"}, steps: []string{"d4", "c3", "b2", "a1"},
			want: []string{"a1 b2 c3 d4 > -d4 > a1 b2 c3", "!a1 b2 c3 > -c3 > a1 b2", "!a1 b2 > -b2 > a1", "a1 > -a1 > "},
		},
	} {
		t.Run(name, func(t *testing.T) {
			t.Parallel()
			mode, dir := test.mode, test.dir
			if mode == "" {
				mode = PerTenant
			}
			if dir == "" {
				dir = revision.Up
			}
			p := NewPlan(applied(test.applied...), dir, steps(test.graph, test.steps...), mode)
			if diff := cmp.Diff(test.want, drawing(p)); diff != "" {
				t.Errorf("parts (-want +got):\n%s", diff)
			}
			if want := len(steps(test.graph, test.steps...)); p.Len() != want || p.Direction != dir || !p.bodies() {
				t.Errorf("%d steps %s, bodies: %v; want %d %s with bodies", p.Len(), p.Direction, p.bodies(), want, dir)
			}
		})
	}
}

func TestPlanLooksAtTheOptionsOfItsDirection(t *testing.T) {
	t.Parallel()
	r := &revision.Revision{
		ID:        "a1",
		Upgrade:   &revision.Section{Options: revision.Options{NoTransaction: true}},
		Downgrade: &revision.Section{},
	}
	if up := NewPlan(nil, revision.Up, []*revision.Revision{r}, PerTenant); !up.Parts[0].NoTx {
		t.Error("the way up is not outside a transaction")
	}
	if down := NewPlan(applied("a1"), revision.Down, []*revision.Revision{r}, PerTenant); down.Parts[0].NoTx {
		t.Error("the way down is outside a transaction")
	}
}

func TestPlanOfNothingIsEmpty(t *testing.T) {
	t.Parallel()
	p := NewPlan(applied("a1"), revision.Up, nil, PerTenant)
	if len(p.Parts) != 0 || p.Len() != 0 || p.bodies() {
		t.Errorf("%d parts, %d steps, bodies: %v", len(p.Parts), p.Len(), p.bodies())
	}
}

func TestPlanLeavesAppliedAlone(t *testing.T) {
	t.Parallel()
	g, have := line(t, "a1", "b2"), applied("b2", "a1")
	NewPlan(have, revision.Down, steps(g, "b2", "a1"), PerRevision)
	if diff := cmp.Diff(applied("a1", "b2"), have); diff != "" {
		t.Errorf("what is applied changed (-want +got):\n%s", diff)
	}
}

func TestStampMakesTheTableHoldWhatIsWanted(t *testing.T) {
	t.Parallel()
	g := line(t, "b2", "a1", "c3") // graph order is not that of the ids
	for name, test := range map[string]struct {
		applied *Applied
		want    []string
		parts   []string
	}{
		"from nothing, in graph order":    {nil, []string{"a1", "b2"}, []string{" > +*b2 +*a1 > a1 b2"}},
		"what is there stays":             {applied("b2"), []string{"b2", "a1"}, []string{"b2 > +*a1 > a1 b2"}},
		"what is not wanted goes":         {applied("a1", "b2", "c3"), []string{"b2"}, []string{"a1 b2 c3 > -*a1 -*c3 > b2"}},
		"unknown ids are removed":         {applied("b2", "zz"), []string{"b2", "a1"}, []string{"b2 zz > -*zz +*a1 > a1 b2"}},
		"everything goes":                 {applied("a1", "zz"), nil, []string{"a1 zz > -*a1 -*zz > "}},
		"nothing to do":                   {applied("a1", "b2"), []string{"b2", "a1"}, []string{}},
		"nothing wanted of an empty one":  {nil, nil, []string{}},
		"a row without checksum is taken": {applied("b2"), []string{"b2"}, []string{}},
		"a row of the body of today stays": {
			&Applied{Rows: []Row{{Revision: "b2", Checksum: g.Get("b2").Checksum()}}}, []string{"b2"}, []string{},
		},
		"a row of another body is written again": {
			&Applied{Rows: []Row{{Revision: "a1", Checksum: "old"}, {Revision: "b2", Checksum: "old"}}},
			[]string{"b2", "a1"},
			[]string{"a1 b2 > -*a1 -*b2 +*b2 +*a1 > a1 b2"},
		},
		"a row of another body that is not wanted goes": {
			&Applied{Rows: []Row{{Revision: "b2", Checksum: "old"}}}, nil, []string{"b2 > -*b2 > "},
		},
	} {
		t.Run(name, func(t *testing.T) {
			t.Parallel()
			p := NewStamp(g, test.applied, test.want)
			if diff := cmp.Diff(test.parts, drawing(p)); diff != "" {
				t.Errorf("parts (-want +got):\n%s", diff)
			}
			if p.bodies() {
				t.Error("a stamp runs bodies")
			}
		})
	}
}

func TestWorkHasNoStatementsForAStamp(t *testing.T) {
	t.Parallel()
	plain := &revision.Revision{ID: "a1", Upgrade: &revision.Section{Statements: []revision.Statement{{Text: "plain"}}}}
	rendered := &revision.Revision{ID: "b2", Upgrade: &revision.Section{Options: revision.Options{Template: true}}}
	work := Work{Bodies: map[*revision.Section][]revision.Statement{rendered.Upgrade: {{Text: "rendered"}}}}
	for _, test := range []struct {
		step Step
		want []revision.Statement
	}{
		{Step{Revision: plain, Direction: revision.Up}, []revision.Statement{{Text: "plain"}}},
		{Step{Revision: rendered, Direction: revision.Up}, []revision.Statement{{Text: "rendered"}}},
		{Step{Revision: plain, Direction: revision.Up, Stamp: true}, nil},
		{Step{Revision: plain, Direction: revision.Down, Stamp: true}, nil},
	} {
		if diff := cmp.Diff(test.want, work.Statements(test.step)); diff != "" {
			t.Errorf("%s %s, stamp %v (-want +got):\n%s", test.step.Direction, test.step.Revision.ID, test.step.Stamp, diff)
		}
	}
}
