package engine

import (
	"errors"
	"strings"
	"testing"

	"github.com/google/go-cmp/cmp"

	"github.com/skeindb/skein/engine/revision"
)

func TestCutOffSectionsAreJudged(t *testing.T) {
	t.Parallel()
	g := fork(t)
	for name, test := range map[string]struct {
		applied []string
		cut     CutOff
		want    State
		says    string
	}{
		"half applied":                               {[]string{"a1", "b2"}, CutOff{"c3", revision.Up}, Behind, ""},
		"half applied, and then stamped":             {[]string{"a1", "b2", "c3", "x9"}, CutOff{"c3", revision.Up}, Current, ""},
		"half applied, of another graph":             {[]string{"a1"}, CutOff{"zz", revision.Up}, Unknown, "is not among the revisions here"},
		"half applied on what is not there any more": {[]string{"a1"}, CutOff{"c3", revision.Up}, Unknown, "not applied any more: b2"},
		"half taken down":                            {[]string{"a1", "b2", "c3", "x9"}, CutOff{"c3", revision.Down}, Unknown, "revision c3 is half taken down"},
		"half taken down, and then stamped":          {[]string{"a1", "b2"}, CutOff{"c3", revision.Down}, Behind, ""},
	} {
		s := Standing{Applied: applied(test.applied...), CutOff: []CutOff{test.cut}}
		newAssessor(g).assess(&s)
		if s.State != test.want || (s.Err == nil) != (test.says == "") || s.Err != nil && !strings.Contains(s.Err.Error(), test.says) {
			t.Errorf("%s: %s, %v, want %s, %q", name, s.State, s.Err, test.want, test.says)
		}
	}
}

// TestCutOffSectionsBlockAPlanBeforeAnythingIsOpened, as far as a survey saw them.
func TestCutOffSectionsBlockAPlanBeforeAnythingIsOpened(t *testing.T) {
	t.Parallel()
	g := line(t, "a1", "b2", "c3")
	steps := func(ids ...string) (revs []*revision.Revision) {
		for _, id := range ids {
			revs = append(revs, g.Get(id))
		}
		return revs
	}
	up, down := CutOff{"c3", revision.Up}, CutOff{"b2", revision.Down}
	for name, test := range map[string]struct {
		cut     CutOff
		plan    func(a *Applied) *Plan
		blocked bool
	}{
		"an upgrade continues":             {up, func(a *Applied) *Plan { return NewPlan(a, revision.Up, steps("c3"), PerTenant) }, false},
		"nothing goes down below it":       {up, func(a *Applied) *Plan { return NewPlan(a, revision.Down, steps("b2"), PerTenant) }, true},
		"a downgrade continues":            {down, func(a *Applied) *Plan { return NewPlan(a, revision.Down, steps("b2", "a1"), PerRevision) }, false},
		"nothing comes on top":             {down, func(a *Applied) *Plan { return NewPlan(a, revision.Up, steps("c3"), PerTenant) }, true},
		"a stamp may forget":               {up, func(a *Applied) *Plan { return NewStamp(g, a, nil) }, false},
		"a stamp may say that it is there": {down, func(a *Applied) *Plan { return NewStamp(g, a, []string{"a1", "b2", "c3"}, down) }, false},
	} {
		t.Run(name, func(t *testing.T) {
			t.Parallel()
			f := newFake(t, "a1", "b2")
			e := New(f, g, Config{})
			job := Job{Standing: Standing{Applied: f.applied(), CutOff: []CutOff{test.cut}, SchemaID: f.mark}, Plan: test.plan(f.applied()), Attempt: 1}
			_, err := e.Apply(t.Context(), job)
			got, _ := errors.AsType[*Error](err)
			if blocked := got != nil && got.Class == Revision && got.Revision == test.cut.Revision && got.Hint() != ""; blocked != test.blocked || !blocked && err != nil {
				t.Errorf("blocked: %v, want %v (%v)", blocked, test.blocked, err)
			}
			if test.blocked && len(f.log) > 0 {
				t.Errorf("the tenant was asked: %v", f.log)
			}
		})
	}
}

func TestStampWritesTheRowOfWhatIsHalfTakenDownAnew(t *testing.T) {
	t.Parallel()
	p := NewStamp(fork(t), applied("a1", "b2"), []string{"a1", "b2"}, CutOff{"b2", revision.Down}, CutOff{"c3", revision.Up})
	if diff := cmp.Diff([]string{"a1 b2 > -*b2 +*b2 > a1 b2"}, drawing(p)); diff != "" {
		t.Errorf("parts (-want +got):\n%s", diff)
	}
}

// TestSplitKeepsWhoseRowsGo: each part of a rollback is checked by the rows, also behind a border that was found later.
func TestSplitKeepsWhoseRowsGo(t *testing.T) {
	t.Parallel()
	f := newFake(t, "a1", "b2", "c3")
	f.turns = []turn{{err: unready("b2")}}
	g := line(t, "a1", "b2", "c3")
	e := New(f, g, Config{})
	job := f.job(e)
	job.Plan = NewPlan(f.applied(), revision.Down, []*revision.Revision{g.Get("c3"), g.Get("b2")}, PerTenant)
	job.Plan.Of = "r1"
	_, _ = e.Apply(t.Context(), job)
	if len(f.works) < 2 || len(f.works[1].Parts) != 2 {
		t.Fatalf("the plan was not split: %v", f.log)
	}
	for i, work := range f.works {
		if work.Of != "r1" {
			t.Errorf("call %d takes down the rows of %q, want those of r1", i+1, work.Of)
		}
	}
}
