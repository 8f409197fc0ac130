package engine

import (
	"context"
	"errors"
	"fmt"
	"testing"

	"github.com/google/go-cmp/cmp"
	"github.com/google/go-cmp/cmp/cmpopts"

	"github.com/skeindb/skein/engine/revision"
)

// fork is a graph of two branches: a1 ← b2 ← c3, a1 ← x9.
func fork(t *testing.T) *revision.Graph {
	t.Helper()
	section := func(id string) *revision.Section { return &revision.Section{Raw: "-- upgrade\n" + id} }
	g, err := revision.NewGraph([]*revision.Revision{
		{ID: "a1", Upgrade: section("a1")},
		{ID: "b2", Revises: []string{"a1"}, Upgrade: section("b2")},
		{ID: "c3", Revises: []string{"b2"}, Upgrade: section("c3")},
		{ID: "x9", Revises: []string{"a1"}, Upgrade: section("x9")},
	})
	if err != nil {
		t.Fatal(err)
	}
	return g
}

func TestStandingsAreJudged(t *testing.T) {
	t.Parallel()
	g := fork(t)
	broken := errors.New("broken")
	sum := func(id string) string { return g.Get(id).Checksum() }
	for name, test := range map[string]struct{ in, want Standing }{
		"could not be read": {Standing{Err: broken}, Standing{State: Unreachable, Err: broken}},
		"could not be read, whatever is applied": {
			Standing{Err: broken, Applied: applied("zz")}, Standing{State: Unreachable, Err: broken},
		},
		"the dialect says missing": {Standing{State: Missing, Err: broken}, Standing{State: Missing, Err: broken}},
		"the dialect says unknown": {Standing{State: Unknown, Err: broken}, Standing{State: Unknown, Err: broken}},
		"no table":                 {Standing{}, Standing{State: Empty}},
		"an empty table":           {Standing{Applied: applied()}, Standing{State: Empty}},
		"behind":                   {Standing{Applied: applied("a1", "b2")}, Standing{State: Behind, Heads: []string{"b2"}}},
		"behind in one branch":     {Standing{Applied: applied("a1", "x9")}, Standing{State: Behind, Heads: []string{"x9"}}},
		"current":                  {Standing{Applied: applied("a1", "b2", "c3", "x9")}, Standing{State: Current, Heads: []string{"c3", "x9"}}},
		"ahead of all": {
			Standing{Applied: applied("a1", "b2", "c3", "x9", "zz")}, Standing{State: Ahead, Heads: []string{"c3", "x9", "zz"}},
		},
		"ahead of a known part, the unknown last": {
			Standing{Applied: applied("a1", "b2", "Z1", "00")}, Standing{State: Ahead, Heads: []string{"b2", "00", "Z1"}},
		},
		"nothing but unknown": {Standing{Applied: applied("zz")}, Standing{State: Ahead, Heads: []string{"zz"}}},
		"a gap": {
			Standing{Applied: applied("a1", "c3")},
			Standing{State: Unknown, Heads: []string{"c3"}, Err: &Error{Class: Stale, Message: "revision c3 is applied, but b2, which it builds on, is not"}},
		},
		"the first of several gaps, with all it lacks; before ahead": {
			Standing{Applied: applied("c3", "x9", "zz")},
			Standing{State: Unknown, Heads: []string{"c3", "x9", "zz"}, Err: &Error{Class: Stale, Message: "revision c3 is applied, but a1, b2, which it builds on, is not"}},
		},
		"changed, in graph order; no checksum and the unknown are taken at their word": {
			Standing{Applied: &Applied{Rows: []Row{{"a1", "old", ""}, {"b2", "", ""}, {"c3", "old", ""}, {"x9", sum("x9"), ""}, {"zz", "old", ""}}}},
			Standing{State: Ahead, Heads: []string{"c3", "x9", "zz"}, Changed: []string{"a1", "c3"}},
		},
		"checksums that hold": {
			Standing{Applied: &Applied{Rows: []Row{{"a1", sum("a1"), ""}}}}, Standing{State: Behind, Heads: []string{"a1"}},
		},
	} {
		t.Run(name, func(t *testing.T) {
			t.Parallel()
			got := test.in
			newAssessor(g).assess(&got)
			ignore := cmpopts.IgnoreFields(Standing{}, "Applied")
			same := cmp.Comparer(func(a, b error) bool { return classOf(a) == classOf(b) && fmt.Sprint(a) == fmt.Sprint(b) })
			if diff := cmp.Diff(test.want, got, ignore, same, cmpopts.EquateEmpty()); diff != "" {
				t.Errorf("standing (-want +got):\n%s", diff)
			}
		})
	}
}

func TestChangedIsInGraphOrder(t *testing.T) {
	t.Parallel()
	s := Standing{Applied: &Applied{Rows: []Row{{"a1", "old", ""}, {"b2", "old", ""}}}}
	newAssessor(line(t, "b2", "a1")).assess(&s)
	if diff := cmp.Diff([]string{"b2", "a1"}, s.Changed); diff != "" {
		t.Errorf("changed (-want +got):\n%s", diff)
	}
}

func TestGraphWithoutRevisionsHasOnlyEmptyTenants(t *testing.T) {
	t.Parallel()
	g, err := revision.NewGraph(nil)
	if err != nil {
		t.Fatal(err)
	}
	var s Standing
	if newAssessor(g).assess(&s); s.State != Empty {
		t.Errorf("the tenant is %s, want empty", s.State)
	}
}

func TestJudgeThinksOnceACohort(t *testing.T) {
	t.Parallel()
	shared, other := applied("a1", "c3"), applied("a1", "c3")
	j := newAssessor(fork(t))
	standings := []Standing{{Applied: shared}, {Applied: shared}, {Applied: other}}
	for i := range standings {
		j.assess(&standings[i])
	}
	if len(j.seen) != 2 {
		t.Errorf("it thought about %d cohorts, want 2", len(j.seen))
	}
	// What was thought once is shared; a verdict of its own has an error of its own.
	if standings[0].Err != standings[1].Err || &standings[0].Heads[0] != &standings[1].Heads[0] {
		t.Error("two tenants of one cohort have two verdicts")
	}
	if standings[0].Err == standings[2].Err {
		t.Error("another cohort has the same verdict")
	}
}

// surveyor answers a survey with given standings.
type surveyor struct {
	Database
	standings []Standing
}

func (s surveyor) Survey(context.Context, []Location, string) []Standing { return s.standings }

func TestSurveyKeepsOrderAndMarks(t *testing.T) {
	t.Parallel()
	gone := &Error{Class: Gone, Message: "gone"}
	e := New(surveyor{standings: []Standing{
		{Applied: applied("a1"), SchemaID: SchemaID{SchemaOID: 1, HasTable: true}},
		{State: Missing, Err: gone},
		{SchemaID: SchemaID{SchemaOID: 3}},
	}}, fork(t), Config{})
	want := []Standing{
		{State: Behind, Applied: applied("a1"), Heads: []string{"a1"}, SchemaID: SchemaID{SchemaOID: 1, HasTable: true}},
		{State: Missing, Err: gone},
		{State: Empty, SchemaID: SchemaID{SchemaOID: 3}},
	}
	got := e.Survey(t.Context(), make([]Location, 3))
	if diff := cmp.Diff(want, got, cmpopts.EquateEmpty(), cmpopts.EquateErrors()); diff != "" {
		t.Errorf("standings (-want +got):\n%s", diff)
	}
}
