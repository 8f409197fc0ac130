package engine

import (
	"context"
	"errors"
	"strings"
	"testing"
	"time"

	"github.com/google/go-cmp/cmp"
	"github.com/google/go-cmp/cmp/cmpopts"

	"github.com/skeindb/skein/engine/revision"
)

// rehearsed is what one call of Rehearse has to come to.
type rehearsed struct {
	class          Class
	steps, untried string
	why            string // the beginning of Why
	calls          string
}

func (f *fake) rehearse(ctx context.Context, e *Engine, job Job, want rehearsed) (Rehearsal, error) {
	f.t.Helper()
	before := f.standing()
	f.log = nil
	r, err := e.Rehearse(ctx, job)
	got := rehearsed{classOf(err), strings.Join(r.Steps, " "), strings.Join(r.Untried, " "), r.Why, f.calls()}
	if want.why != "" && strings.HasPrefix(r.Why, want.why) {
		got.why = want.why
	}
	if diff := cmp.Diff(want, got, cmp.AllowUnexported(rehearsed{})); diff != "" {
		f.t.Errorf("rehearsal (-want +got):\n%s\n%v", diff, err)
	}
	if f.standing() != before {
		f.t.Errorf("the tenant stands at [%s], and stood at [%s]", f.standing(), before)
	}
	for i, s := range f.sessions {
		if s.closes != 1 {
			f.t.Errorf("session %d of %d was closed %d times", i+1, len(f.sessions), s.closes)
		}
	}
	return r, err
}

func TestRehearsalIsOneCallForTheWholeChain(t *testing.T) {
	t.Parallel()
	f := newFake(t)
	e := New(f, line(t, "a1", "b2 own-transaction", "c3"), Config{StatementTimeout: time.Minute, Tool: "test"})
	job := f.job(e)
	job.Rollout, job.Attempt = "r7", 2
	r, _ := f.rehearse(t.Context(), e, job, rehearsed{steps: "a1 b2 c3", calls: "open, rehearse a1 b2 c3, close"})
	if r.Duration != time.Second || len(r.Locks) != 1 {
		t.Errorf("what the session saw is lost: %+v", r)
	}
	want := []Work{{
		SchemaID: SchemaID{SchemaOID: 4711}, Parts: job.Plan.Parts,
		LockTimeout: 4 * time.Second, StatementTimeout: time.Minute, Rollout: "r7", Tool: "test",
	}}
	if diff := cmp.Diff(want, f.works, cmpopts.EquateEmpty(), cmpopts.IgnoreFields(Work{}, "Notice")); diff != "" {
		t.Errorf("work (-want +got):\n%s", diff)
	}
}

func TestRehearsalLeavesOutWhatIsOutsideAndAllAfterIt(t *testing.T) {
	t.Parallel()
	for name, test := range map[string]struct {
		chain []string
		turns []turn
		want  rehearsed
	}{
		"in the middle": {
			chain: []string{"a1", "b2", "c3 no-transaction", "d4", "e5 no-transaction"},
			want: rehearsed{
				steps: "a1 b2", untried: "c3 d4 e5", why: "revision c3 (c3_test.sql) runs outside a transaction",
				calls: "open, rehearse a1+b2, close",
			},
		},
		"at the beginning": {
			chain: []string{"a1 no-transaction", "b2"},
			want: rehearsed{
				untried: "a1 b2", why: "revision a1 (a1_test.sql) runs outside a transaction",
				calls: "open, settle, close",
			},
		},
		"after what needs a commit": {
			chain: []string{"a1", "b2 own-transaction", "c3", "d4 no-transaction"},
			turns: []turn{{hidden: 2}},
			want:  rehearsed{steps: "a1", untried: "b2 c3 d4", why: "the border", calls: "open, rehearse a1 b2 c3, close"},
		},
	} {
		t.Run(name, func(t *testing.T) {
			t.Parallel()
			f := newFake(t)
			f.turns = test.turns
			e := New(f, line(t, test.chain...), Config{})
			_, _ = f.rehearse(t.Context(), e, f.job(e), test.want)
		})
	}
}

func TestRehearsalOfNothingOpensNothing(t *testing.T) {
	t.Parallel()
	f := newFake(t, "a1")
	e := New(f, line(t, "a1"), Config{})
	_, _ = f.rehearse(t.Context(), e, f.job(e), rehearsed{})
}

func TestRehearsalThatFailsHasNoUntriedSteps(t *testing.T) {
	t.Parallel()
	f := newFake(t)
	f.turns = []turn{{parts: 1, err: &Error{Class: Data, Revision: "b2"}}}
	e := New(f, line(t, "a1", "b2 own-transaction", "c3 no-transaction"), Config{})
	r, _ := f.rehearse(t.Context(), e, f.job(e), rehearsed{class: Data, steps: "a1", calls: "open, rehearse a1 b2, close"})
	if len(r.Locks) != 1 {
		t.Errorf("what the session saw is lost: %+v", r)
	}
}

func TestRehearsalDoesNotSettle(t *testing.T) {
	t.Parallel()
	f := newFake(t)
	e := New(f, line(t, "a1", "b2"), Config{Mode: PerRevision})
	job := f.job(e)
	f.turns = []turn{{meanwhile: func(f *fake) { f.rows["a1"] = "" }}}
	_, err := e.Rehearse(t.Context(), job)
	if classOf(err) != Stale || f.calls() != "open, rehearse a1 b2, close" {
		t.Errorf("%s: %v", f.calls(), err)
	}
}

func TestRehearsalThatBeginsOutsideLooksAtTheTenant(t *testing.T) {
	t.Parallel()
	g := line(t, "a1 no-transaction", "b2")
	const asked = "open, settle, close"
	for name, test := range map[string]struct {
		meanwhile func(*fake)
		asking    []error
		opening   []error
		want      rehearsed
	}{
		"moved on":         {meanwhile: func(f *fake) { f.rows["a1"] = "" }, want: rehearsed{class: Stale, calls: asked}},
		"another schema":   {meanwhile: func(f *fake) { f.mark.SchemaOID = 1 }, want: rehearsed{class: Gone, calls: asked}},
		"locked":           {asking: []error{&Error{Class: Busy}}, want: rehearsed{class: Busy, calls: asked}},
		"cannot be opened": {opening: []error{&Error{Class: Capacity}}, want: rehearsed{class: Capacity, calls: "open"}},
	} {
		t.Run(name, func(t *testing.T) {
			t.Parallel()
			f := newFake(t)
			e := New(f, g, Config{})
			job := f.job(e)
			f.asking, f.opening = test.asking, test.opening
			if test.meanwhile != nil {
				test.meanwhile(f)
			}
			_, err := f.rehearse(t.Context(), e, job, test.want)
			if bad, ok := errors.AsType[*Error](err); !ok || test.want.class == Stale && (bad.Err != nil || bad.Hint() == "") {
				t.Errorf("%#v", err)
			}
		})
	}
}

func TestRehearsalThatBeginsOutsideWaitsAsLongAsAStatement(t *testing.T) {
	t.Parallel()
	for name, test := range map[string]struct {
		cfg  Config
		most time.Duration
	}{
		"lock_timeout": {Config{LockTimeout: time.Minute}, time.Minute},
		"without":      {Config{LockTimeout: -1, ResolveTimeout: time.Hour}, time.Hour},
	} {
		t.Run(name, func(t *testing.T) {
			t.Parallel()
			f := newFake(t)
			e := New(f, line(t, "a1 no-transaction"), test.cfg)
			job, start := f.job(e), time.Now()
			if _, err := e.Rehearse(t.Context(), job); err != nil {
				t.Fatal(err)
			}
			if f.bound.Before(start.Add(test.most)) || f.bound.After(time.Now().Add(test.most)) {
				t.Errorf("it may wait until %v", f.bound)
			}
		})
	}
}

func TestRehearsalRefusesWhatUpgradeRefuses(t *testing.T) {
	t.Parallel()
	f := newFake(t, "a1")
	f.rows["a1"] = "old"
	e := New(f, line(t, "a1", "b2"), Config{})
	job := f.job(e)
	_, _ = f.rehearse(t.Context(), e, job, rehearsed{class: Checksum})
	e = New(f, line(t, "a1", "b2"), Config{AllowChanged: true})
	_, _ = f.rehearse(t.Context(), e, job, rehearsed{steps: "b2", calls: "open, rehearse b2, close"})
}

func TestRehearsalOfADowngradeAndAStamp(t *testing.T) {
	t.Parallel()
	f := newFake(t, "a1", "b2")
	e := New(f, line(t, "a1", "b2"), Config{})
	job := f.job(e)
	job.Plan = NewPlan(f.applied(), revision.Down, steps(e.Graph(), "b2", "a1"), e.Mode())
	_, _ = f.rehearse(t.Context(), e, job, rehearsed{steps: "b2 a1", calls: "open, rehearse b2+a1, close"})
	f.sessions = nil
	job.Plan = NewStamp(e.Graph(), f.applied(), []string{"a1"})
	_, _ = f.rehearse(t.Context(), e, job, rehearsed{steps: "b2", calls: "open, rehearse b2, close"})
}
