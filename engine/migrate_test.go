package engine

import (
	"errors"
	"slices"
	"strings"
	"testing"

	"github.com/google/go-cmp/cmp"

	"github.com/skeindb/skein/engine/revision"
)

// onLine returns an engine over a1 ← b2 ← c3, and its tenant at which those ids are applied.
func onLine(t *testing.T, cfg Config, applied ...string) (*Engine, *fake) {
	f := newFake(t, applied...)
	return New(f, line(t, "a1", "b2", "c3"), cfg), f
}

func TestMigrateGoesWhereTheTargetLies(t *testing.T) {
	t.Parallel()
	for _, c := range []struct{ from, target, done, stands string }{
		{"", "heads", "a1 b2 c3", "a1 b2 c3"},
		{"a1", "head", "b2 c3", "a1 b2 c3"},
		{"", "b2", "a1 b2", "a1 b2"},
		{"a1", "+1", "b2", "a1 b2"},
		{"", "a1+1", "a1 b2", "a1 b2"},
		{"a1 b2 c3", "heads", "", "a1 b2 c3"},
		{"a1 b2", "b2", "", "a1 b2"},
		{"a1 b2 c3", "a1", "c3 b2", "a1"},
		{"a1 b2 c3", "base", "c3 b2 a1", ""},
		{"a1 b2 c3", "-1", "c3", "a1 b2"},
		{"a1 b2 c3", "c3-2", "c3 b2", "a1"},
		{"a1 b2 c3", "b2@-2", "c3 b2", "a1"},
		{"", "base", "", ""},
	} {
		t.Run(c.from+" to "+c.target, func(t *testing.T) {
			t.Parallel()
			e, f := onLine(t, Config{}, strings.Fields(c.from)...)
			result, err := e.Migrate(t.Context(), Location{}, c.target)
			if err != nil {
				t.Fatal(err)
			}
			if got := strings.Join(result.Done, " "); got != c.done || f.standing() != c.stands {
				t.Errorf("done [%s], stands at [%s], want [%s] and [%s]", got, f.standing(), c.done, c.stands)
			}
			if c.done == "" && len(f.log) > 0 {
				t.Errorf("there is nothing to do, and the calls are %s", f.calls())
			}
		})
	}
}

func TestMigrateSaysWhichTargetItCannotReach(t *testing.T) {
	t.Parallel()
	for _, c := range []struct {
		from, target string
		want         revision.Reason
	}{
		{"", "nonsense", revision.ReasonUnknown},
		{"", "a1:b2", revision.ReasonSyntax},
		{"a1", "+9", revision.ReasonRange},
		{"a1", "-9", revision.ReasonRange},
	} {
		e, f := onLine(t, Config{}, strings.Fields(c.from)...)
		_, err := e.Migrate(t.Context(), Location{}, c.target)
		target, ok := errors.AsType[*revision.TargetError](err)
		if !ok || target.Reason != c.want {
			t.Errorf("from [%s] to %s: %v, want the reason %s", c.from, c.target, err, c.want)
		}
		if f.calls() != "" {
			t.Errorf("from [%s] to %s: the calls are %s, want none", c.from, c.target, f.calls())
		}
	}
}

func TestMigrateReportsWhatItDidBeforeItFailed(t *testing.T) {
	t.Parallel()
	e, f := onLine(t, Config{Mode: PerRevision})
	f.turns = []turn{{parts: 2, err: &Error{Class: Data, Message: "no"}}}
	result, err := e.Migrate(t.Context(), Location{}, "heads")
	if classOf(err) != Data || !slices.Equal(result.Done, []string{"a1", "b2"}) {
		t.Errorf("done %v, error %v, want a1 and b2, and an error of class data", result.Done, err)
	}
}

func TestPlanGoesInOneDirectionOnly(t *testing.T) {
	t.Parallel()
	e, f := onLine(t, Config{}, "a1", "b2", "c3")
	s := e.Survey(t.Context(), make([]Location, 1))[0]
	up, err := e.Plan(s, revision.Up, "a1")
	if err != nil || up.Len() != 0 {
		t.Errorf("up to what is applied: %+v %v, want no steps", up, err)
	}
	down, err := e.Plan(s, revision.Down, "a1")
	if err != nil {
		t.Fatal(err)
	}
	want := NewPlan(f.applied(), revision.Down, steps(e.Graph(), "c3", "b2"), PerTenant)
	if diff := cmp.Diff(drawing(want), drawing(down)); diff != "" {
		t.Errorf("plan (-want +got):\n%s", diff)
	}
	if _, err := e.Plan(s, revision.Up, "-1"); err == nil {
		t.Error("an upgrade to -1 has a plan")
	}
}

func TestPlanRefusesWhatHasNoDowngradeSection(t *testing.T) {
	t.Parallel()
	g := line(t, "a1", "b2")
	g.Get("b2").Downgrade = nil
	f := newFake(t, "a1", "b2")
	e := New(f, g, Config{})
	for _, target := range []string{"a1", "base", "-1"} {
		_, err := e.Migrate(t.Context(), Location{}, target)
		if oneWay, ok := errors.AsType[*revision.TargetError](err); !ok || oneWay.Reason != revision.ReasonOneWay {
			t.Errorf("to %s: %v, want that b2 is irreversible", target, err)
		}
	}
	if f.calls() != "" {
		t.Errorf("the calls are %s, want none", f.calls())
	}
}

func TestPlanRefusesTenantsThatMustNotBeTouched(t *testing.T) {
	t.Parallel()
	e, _ := onLine(t, Config{})
	unread := &Error{Class: Connection, Message: "no way there"}
	half := func(dir revision.Direction) []CutOff { return []CutOff{{Revision: "b2", Direction: dir}} }
	for name, c := range map[string]struct {
		standing Standing
		up, down Class // "" = planned
	}{
		"unreachable":       {Standing{State: Unreachable, Err: unread}, Connection, Connection},
		"missing":           {Standing{State: Missing, Err: &Error{Class: Gone, Message: "dropped"}}, Gone, Gone},
		"never surveyed":    {Standing{}, Internal, Internal},
		"ahead":             {Standing{Applied: applied("a1", "z9")}, Stale, Stale},
		"a gap":             {Standing{Applied: applied("b2")}, Stale, Stale},
		"changed":           {Standing{Applied: applied("a1"), Changed: []string{"a1"}}, Checksum, Checksum},
		"half applied":      {Standing{Applied: applied("a1"), CutOff: half(revision.Up)}, "", Revision},
		"half taken down":   {Standing{Applied: applied("a1", "b2"), CutOff: half(revision.Down)}, Revision, ""},
		"settled by stamps": {Standing{Applied: applied("a1"), CutOff: half(revision.Down)}, "", ""},
		"well":              {Standing{Applied: applied("a1")}, "", ""},
	} {
		s := c.standing
		newAssessor(e.graph).assess(&s)
		s.Changed = c.standing.Changed
		if _, err := e.Plan(s, revision.Up, "heads"); classOf(err) != c.up || err != nil && c.up == "" {
			t.Errorf("%s, up: %v, want class %q", name, err, c.up)
		}
		if _, err := e.Plan(s, revision.Down, "base"); classOf(err) != c.down || err != nil && c.down == "" {
			t.Errorf("%s, down: %v, want class %q", name, err, c.down)
		}
	}
}

func TestMigrateFinishesWhatIsHalfTakenDown(t *testing.T) {
	t.Parallel()
	e, f := onLine(t, Config{}, "a1", "b2")
	s := Standing{Applied: f.applied(), CutOff: []CutOff{{Revision: "b2", Direction: revision.Down}}}
	newAssessor(e.graph).assess(&s)
	if plan, err := e.planEitherWay(&s, "a1"); err != nil || plan.Direction != revision.Down || plan.Len() != 1 {
		t.Errorf("%+v %v, want b2 down", plan, err)
	}
	for _, target := range []string{"heads", "b2"} {
		if _, err := e.planEitherWay(&s, target); classOf(err) != Revision {
			t.Errorf("to %s: %v, want that b2 is half taken down", target, err)
		}
	}
}

func TestPlanAcceptsChangedRevisionsWhereThatIsAllowed(t *testing.T) {
	t.Parallel()
	e, _ := onLine(t, Config{AllowChanged: true})
	s := Standing{State: Behind, Applied: applied("a1"), Changed: []string{"a1"}}
	if plan, err := e.Plan(s, revision.Up, "heads"); err != nil || plan.Len() != 2 {
		t.Errorf("%+v %v, want two steps", plan, err)
	}
}
