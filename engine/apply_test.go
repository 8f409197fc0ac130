package engine

import (
	"context"
	"errors"
	"strings"
	"testing"
	"testing/fstest"
	"time"

	"github.com/google/go-cmp/cmp"
	"github.com/google/go-cmp/cmp/cmpopts"

	"github.com/skeindb/skein/engine/revision"
)

// expect is the wanted outcome of one call of Apply.
type expect struct {
	class   Class // of the error; "" = none
	done    string
	stands  string
	calls   string
	settled bool
}

func (f *fake) expect(result Result, err error, want expect) {
	f.t.Helper()
	got := expect{classOf(err), strings.Join(result.Done, " "), f.standing(), f.calls(), result.Resolved}
	if err != nil && got.class == "" {
		f.t.Errorf("the error is %T %v, want an *Error", err, err)
	}
	if diff := cmp.Diff(want, got, cmp.AllowUnexported(expect{})); diff != "" {
		f.t.Errorf("apply (-want +got):\n%s\n%v", diff, err)
	}
}

func TestWholeChainIsOneCallOfApply(t *testing.T) {
	t.Parallel()
	f := newFake(t)
	e := New(f, line(t, "a1", "b2", "c3"), Config{StatementTimeout: time.Minute, Tool: "test"})
	job := f.job(e)
	job.Rollout = "r7"
	result, err := f.upgrade(t.Context(), e, job)
	f.expect(result, err, expect{done: "a1 b2 c3", stands: "a1 b2 c3", calls: "open, apply a1+b2+c3, close"})
	want := []Work{{
		SchemaID: SchemaID{SchemaOID: 4711}, Parts: job.Plan.Parts,
		LockTimeout: 2 * time.Second, StatementTimeout: time.Minute, Rollout: "r7", Tool: "test",
	}}
	if diff := cmp.Diff(want, f.works, cmpopts.EquateEmpty(), cmpopts.IgnoreFields(Work{}, "Notice")); diff != "" {
		t.Errorf("work (-want +got):\n%s", diff)
	}
	if result.Duration <= 0 {
		t.Errorf("it took %s", result.Duration)
	}
}

func TestPartsGoOutTogetherUpToTheNextOutside(t *testing.T) {
	t.Parallel()
	f := newFake(t)
	e := New(f, line(t, "a1", "b2 own-transaction", "c3 no-transaction", "d4 no-transaction", "e5", "f6"), Config{})
	result, err := f.upgrade(t.Context(), e, f.job(e))
	f.expect(result, err, expect{
		done: "a1 b2 c3 d4 e5 f6", stands: "a1 b2 c3 d4 e5 f6",
		calls: "open, apply a1 b2, outside c3, outside d4, apply e5+f6, close",
	})
	for i, work := range f.works {
		if made := i > 0; work.SchemaID != (SchemaID{SchemaOID: 4711, HasTable: made}) {
			t.Errorf("call %d has the mark %+v", i+1, work.SchemaID)
		}
	}
}

func TestDowngradeReportsWhatItTookBack(t *testing.T) {
	t.Parallel()
	f := newFake(t, "a1", "b2", "c3")
	e := New(f, line(t, "a1", "b2", "c3"), Config{Mode: PerRevision})
	job := f.job(e)
	job.Plan = NewPlan(f.applied(), revision.Down, steps(e.Graph(), "c3", "b2"), e.Mode())
	result, err := f.upgrade(t.Context(), e, job)
	f.expect(result, err, expect{done: "c3 b2", stands: "a1", calls: "open, apply c3 b2, close"})
}

func TestNothingToDoOpensNothing(t *testing.T) {
	t.Parallel()
	f := newFake(t, "a1")
	e := New(f, line(t, "a1"), Config{})
	result, err := f.upgrade(t.Context(), e, f.job(e))
	f.expect(result, err, expect{stands: "a1"})
}

func TestFailureKeepsWhatCameBefore(t *testing.T) {
	t.Parallel()
	for _, class := range []Class{Transient, Busy, Connection, Capacity, Server, Timeout, Gone, Data, Revision, Guard, Canceled, Internal} {
		t.Run(string(class), func(t *testing.T) {
			t.Parallel()
			broken := &Error{Class: class, Message: "broken", Revision: "c3"}
			f := newFake(t)
			f.turns = []turn{{parts: 2, err: broken}}
			e := New(f, line(t, "a1", "b2", "c3", "d4"), Config{Mode: PerRevision})
			job := f.job(e)
			result, err := f.upgrade(t.Context(), e, job)
			f.expect(result, err, expect{class: class, done: "a1 b2", stands: "a1 b2", calls: "open, apply a1 b2 c3 d4, close"})
			if !errors.Is(err, broken) {
				t.Errorf("the error is %v", err)
			}

			// The same job continues from there.
			f.log = nil
			result, err = f.upgrade(t.Context(), e, job)
			f.expect(result, err, expect{done: "c3 d4", stands: "a1 b2 c3 d4", settled: true, calls: "open, apply a1 b2 c3 d4, settle, apply c3 d4, close"})
		})
	}
}

func TestFailureOutsideKeepsWhatCameBefore(t *testing.T) {
	t.Parallel()
	f := newFake(t)
	f.turns = []turn{{}, {err: &Error{Class: Data}}}
	e := New(f, line(t, "a1", "b2 no-transaction", "c3"), Config{})
	result, err := f.upgrade(t.Context(), e, f.job(e))
	f.expect(result, err, expect{class: Data, done: "a1", stands: "a1", calls: "open, apply a1, outside b2, close"})
}

func TestTenantThatCannotBeOpened(t *testing.T) {
	t.Parallel()
	f := newFake(t)
	f.opening = []error{&Error{Class: Capacity}}
	e := New(f, line(t, "a1"), Config{})
	result, err := f.upgrade(t.Context(), e, f.job(e))
	f.expect(result, err, expect{class: Capacity, calls: "open"})
}

func TestCanceledContext(t *testing.T) {
	t.Parallel()
	g := line(t, "a1", "b2 no-transaction", "c3")
	for name, test := range map[string]struct {
		when   []turn // the context is cancelled in the last one
		asking bool   // no, while it is asked where it stands
		want   expect
	}{
		"before":             {want: expect{calls: "open"}},
		"in the first call":  {when: []turn{{}}, want: expect{calls: "open, apply a1, close"}},
		"in the second call": {when: []turn{{}, {}}, want: expect{done: "a1", stands: "a1", calls: "open, apply a1, outside b2, close"}},
		"while it is asked": {
			when: []turn{{err: errCut, hidden: 1}}, asking: true,
			want: expect{stands: "a1", settled: true, calls: "open, apply a1, close, open, settle, close"},
		},
	} {
		t.Run(name, func(t *testing.T) {
			t.Parallel()
			f := newFake(t)
			e := New(f, g, Config{})
			ctx, cancel := context.WithCancel(t.Context())
			defer cancel()
			f.turns = test.when
			switch n, end := len(f.turns), func(*fake) { cancel() }; {
			case test.asking:
				f.then = end
			case n > 0:
				f.turns[n-1].meanwhile = end
			default:
				cancel()
			}
			test.want.class = Canceled
			result, err := f.upgrade(ctx, e, f.job(e))
			f.expect(result, err, test.want)
		})
	}
}

func TestChangedChecksumIsRefused(t *testing.T) {
	t.Parallel()
	g := line(t, "a1", "b2", "c3")
	change := func(f *fake) { f.rows["a1"], f.rows["b2"] = "old", "old" }
	for name, test := range map[string]struct {
		cfg  Config
		plan func(*Applied) *Plan // nil = upgrade
		want expect
	}{
		"upgrade":   {want: expect{class: Checksum, stands: "a1 b2"}},
		"downgrade": {plan: func(a *Applied) *Plan { return NewPlan(a, revision.Down, steps(g, "b2"), PerTenant) }, want: expect{class: Checksum, stands: "a1 b2"}},
		"allowed":   {cfg: Config{AllowChanged: true}, want: expect{done: "c3", stands: "a1 b2 c3", calls: "open, apply c3, close"}},
		"a stamp accepts it": {
			plan: func(a *Applied) *Plan { return NewStamp(g, a, []string{"a1", "b2"}) },
			want: expect{done: "a1 b2 a1 b2", stands: "a1 b2", calls: "open, apply a1+b2+a1+b2, close"},
		},
	} {
		t.Run(name, func(t *testing.T) {
			t.Parallel()
			f := newFake(t, "a1", "b2")
			change(f)
			e := New(f, g, test.cfg)
			job := f.job(e)
			if test.plan != nil {
				job.Plan = test.plan(job.Standing.Applied)
			}
			result, err := f.upgrade(t.Context(), e, job)
			f.expect(result, err, test.want)
			if bad, ok := errors.AsType[*Error](err); ok && (bad.Revision != "a1" || bad.File != "a1_test.sql" || bad.Hint() == "") {
				t.Errorf("the error names %q in %q and advises %q", bad.Revision, bad.File, bad.Advice)
			}
			if name == "a stamp accepts it" && len(e.Survey(t.Context(), []Location{{}})[0].Changed) > 0 {
				t.Error("the rows still have the old checksums")
			}
		})
	}
}

func TestTemplatesAreRenderedBeforeAnythingIsOpened(t *testing.T) {
	t.Parallel()
	g, err := revision.Load(fstest.MapFS{"a1_t.sql": {Data: []byte("-- revision: a1\n-- revises: none\n\n-- upgrade: template\n" +
		"CREATE TABLE {{ ident .Table }} ();\nSELECT {{ raw .Value }};\n\n-- downgrade: template\nDROP TABLE {{ ident .Missing }};\n")}}, revision.Postgres)
	if err != nil {
		t.Fatal(err)
	}
	f := newFake(t)
	e := New(f, g, Config{})
	job := f.job(e)
	job.Data = map[string]any{"Table": "x"}
	result, err := f.upgrade(t.Context(), e, job)
	f.expect(result, err, expect{class: Revision})
	if bad, ok := errors.AsType[*Error](err); !ok || bad.Revision != "a1" || bad.File != "a1_t.sql" || bad.Line != 6 ||
		!strings.HasPrefix(bad.Message, "template: ") || bad.Hint() == "" {
		t.Errorf("the error has no place or hint: %#v", err)
	}

	job.Data = map[string]any{"Table": "x", "Value": 7}
	result, err = f.upgrade(t.Context(), e, job)
	f.expect(result, err, expect{done: "a1", stands: "a1", calls: "open, apply a1, close"})
	want := []revision.Statement{{Text: `CREATE TABLE "x" ()`, Line: 5, Col: 1}, {Text: "SELECT 7", Line: 6, Col: 1}}
	if diff := cmp.Diff(want, f.works[0].Statements(job.Plan.Parts[0].Steps[0])); diff != "" {
		t.Errorf("statements (-want +got):\n%s", diff)
	}

	f.log, job = nil, f.job(e)
	job.Plan = NewStamp(g, f.applied(), nil) // the way down cannot be rendered, and need not
	result, err = f.upgrade(t.Context(), e, job)
	f.expect(result, err, expect{done: "a1", calls: "open, apply a1, close"})
}
