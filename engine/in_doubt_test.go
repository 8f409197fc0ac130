package engine

import (
	"errors"
	"slices"
	"strings"
	"testing"
	"time"
)

var errCut = &Error{Class: Uncertain, SQLState: "57P01", Message: "the connection was cut"}

// another returns what another session does: it puts these ids into the version table, or takes those
// with a - in front out of it.
func another(ids ...string) func(*fake) {
	return func(f *fake) {
		f.mark.HasTable = true
		for _, id := range ids {
			if gone, down := strings.CutPrefix(id, "-"); down {
				delete(f.rows, gone)
			} else {
				f.rows[id] = ""
			}
		}
	}
}

// Of a chain of four transactions the call of Apply hears that two are committed, and then no more.
func TestUncertainCommitIsSettled(t *testing.T) {
	t.Parallel()
	const first, all = "open, apply a1 b2 c3 d4", "a1 b2 c3 d4"
	for name, test := range map[string]struct {
		hidden int
		asking []error
		open   []error       // of the first and of the second connection
		then   func(f *fake) // what another session did before it is asked
		want   expect
	}{
		"not committed: it continues": {
			want: expect{done: all, stands: all, calls: first + ", close, open, settle, apply c3 d4, close"},
		},
		"one more was committed: it continues after that": {
			hidden: 1,
			want:   expect{done: all, stands: all, calls: first + ", close, open, settle, apply d4, close"},
		},
		"all were committed: done": {
			hidden: 2,
			want:   expect{done: all, stands: all, calls: first + ", close, open, settle, close"},
		},
		"the lock is not free": {
			hidden: 2, asking: []error{&Error{Class: Busy}},
			want: expect{class: Busy, done: "a1 b2", stands: all, calls: first + ", close, open, settle, close"},
		},
		"the connection is lost while it is asked": {
			asking: []error{&Error{Class: Connection}},
			want:   expect{class: Connection, done: "a1 b2", stands: "a1 b2", calls: first + ", close, open, settle, close"},
		},
		"the server is gone": {
			open: []error{nil, &Error{Class: Connection}},
			want: expect{class: Connection, done: "a1 b2", stands: "a1 b2", calls: first + ", close, open"},
		},
		"the tenant is gone": {
			asking: []error{&Error{Class: Gone}},
			want:   expect{class: Gone, done: "a1 b2", stands: "a1 b2", calls: first + ", close, open, settle, close"},
		},
		"another session left it elsewhere": {
			then: another("zz"),
			want: expect{class: Stale, done: "a1 b2", stands: "a1 b2 zz", calls: first + ", close, open, settle, close"},
		},
		"another session took it back": {
			then: another("-b2"),
			want: expect{class: Stale, done: "a1 b2", stands: "a1", calls: first + ", close, open, settle, close"},
		},
		"it was made again": {
			then: func(f *fake) { f.mark.SchemaOID++ },
			want: expect{class: Gone, done: "a1 b2", stands: "a1 b2", calls: first + ", close, open, settle, close"},
		},
	} {
		t.Run(name, func(t *testing.T) {
			t.Parallel()
			f := newFake(t)
			f.turns, f.asking, f.opening = []turn{{parts: 2, hidden: test.hidden, err: errCut}}, test.asking, test.open
			f.then = test.then
			e := New(f, line(t, "a1", "b2", "c3", "d4"), Config{Mode: PerRevision})
			result, err := f.upgrade(t.Context(), e, f.job(e))
			test.want.settled = true
			f.expect(result, err, test.want)
			if asked := test.want.class != Busy && test.want.class != Connection; result.InDoubt == asked {
				t.Errorf("known: %v, and it was asked: %v", !result.InDoubt, asked)
			}
		})
	}
}

func TestUncertainCommitOutsideIsSettled(t *testing.T) {
	t.Parallel()
	const first = "open, apply a1, outside b2, close, open, settle"
	for hidden, calls := range []string{first + ", outside b2, apply c3, close", first + ", apply c3, close"} {
		f := newFake(t)
		f.turns = []turn{{}, {hidden: hidden, err: errCut}}
		e := New(f, line(t, "a1", "b2 no-transaction", "c3"), Config{})
		result, err := f.upgrade(t.Context(), e, f.job(e))
		f.expect(result, err, expect{done: "a1 b2 c3", stands: "a1 b2 c3", settled: true, calls: calls})
	}
}

// What was not handed to the session that was cut cannot be its doing.
func TestOnlyWhatWasSentCanBeOurs(t *testing.T) {
	t.Parallel()
	f := newFake(t)
	f.turns = []turn{{hidden: 1, err: errCut}}
	f.then = another("b2", "c3")
	e := New(f, line(t, "a1", "b2 no-transaction", "c3"), Config{})
	result, err := f.upgrade(t.Context(), e, f.job(e))
	f.expect(result, err, expect{done: "a1", stands: "a1 b2 c3", settled: true, calls: "open, apply a1, close, open, settle, close"})
}

func TestStampOfWhatIsThereIsRepeatedAfterAnUncertainCommit(t *testing.T) {
	t.Parallel()
	for hidden := range 2 { // that the rows are those of today cannot be seen in the ids
		f := newFake(t)
		f.rows["a1"] = "old"
		e := New(f, line(t, "a1"), Config{})
		job := f.job(e)
		job.Plan = NewStamp(e.Graph(), job.Standing.Applied, []string{"a1"})
		f.turns = []turn{{hidden: hidden, err: errCut}}
		result, err := f.upgrade(t.Context(), e, job)
		f.expect(result, err, expect{done: "a1 a1", stands: "a1", settled: true, calls: "open, apply a1+a1, close, open, settle, apply a1+a1, close"})
		if f.rows["a1"] != e.Graph().Get("a1").Checksum() {
			t.Errorf("hidden %d: the row has the checksum %q", hidden, f.rows["a1"])
		}
	}
}

func TestStalePlanIsSettledUnderTheLock(t *testing.T) {
	t.Parallel()
	const first = "open, apply a1 b2 c3, settle"
	for name, test := range map[string]struct {
		meanwhile func(*fake)
		want      expect
		message   string // a part of the error's
	}{
		"another session finished: done, and nothing of it is ours": {
			meanwhile: another("a1", "b2", "c3"),
			want:      expect{stands: "a1 b2 c3", calls: first + ", close"},
		},
		"another session is half way: it continues": {
			meanwhile: another("a1", "b2"),
			want:      expect{done: "c3", stands: "a1 b2 c3", calls: first + ", apply c3, close"},
		},
		"only the version table was made: it continues": {
			meanwhile: another(),
			want:      expect{done: "a1 b2 c3", stands: "a1 b2 c3", calls: first + ", apply a1 b2 c3, close"},
		},
		"elsewhere": {
			meanwhile: another("b2", "zz"),
			want:      expect{class: Stale, stands: "b2 zz", calls: first + ", close"},
			message:   "applied are [b2 zz], planned from []",
		},
		"made again": {
			meanwhile: func(f *fake) { f.mark.SchemaOID++ },
			want:      expect{class: Gone, calls: first + ", close"},
			message:   "eu1/app/acme is no longer the schema that was surveyed",
		},
	} {
		t.Run(name, func(t *testing.T) {
			t.Parallel()
			f := newFake(t)
			f.turns = []turn{{meanwhile: test.meanwhile}}
			e := New(f, line(t, "a1", "b2", "c3"), Config{Mode: PerRevision})
			job := f.job(e)
			job.Location = Location{Dialect: "postgres", Server: "eu1", Database: "app", Schema: "acme"}
			result, err := f.upgrade(t.Context(), e, job)
			test.want.settled = true
			f.expect(result, err, test.want)
			if bad, ok := errors.AsType[*Error](err); ok && (!strings.Contains(bad.Message, test.message) || bad.Hint() == "") {
				t.Errorf("message %q, hint %q; want %q and a hint", bad.Message, bad.Hint(), test.message)
			}
		})
	}
}

// A tenant whose rows were all taken away is somewhere, too.
func TestStalePlanOfAnEmptiedTenant(t *testing.T) {
	t.Parallel()
	f := newFake(t, "a1")
	f.turns = []turn{{meanwhile: another("-a1")}}
	e := New(f, line(t, "a1", "b2"), Config{})
	result, err := f.upgrade(t.Context(), e, f.job(e))
	f.expect(result, err, expect{class: Stale, settled: true, calls: "open, apply b2, settle, close"})
	if want := "applied are [], planned from [a1]"; err != nil && !strings.Contains(err.Error(), want) {
		t.Errorf("the error is %q, want %q in it", err, want)
	}
}

// What another session did in the middle of our plan is not ours; what we did before is.
func TestDoneIsOnlyWhatThisCallCommitted(t *testing.T) {
	t.Parallel()
	f := newFake(t)
	f.turns = []turn{{}, {meanwhile: another("b2")}}
	e := New(f, line(t, "a1", "b2 no-transaction", "c3"), Config{})
	result, err := f.upgrade(t.Context(), e, f.job(e))
	f.expect(result, err, expect{done: "a1 c3", stands: "a1 b2 c3", settled: true, calls: "open, apply a1, outside b2, settle, apply c3, close"})
}

func TestSettlingIsBounded(t *testing.T) {
	t.Parallel()
	round := ", close, open, settle, apply a1"
	stale := &Error{Class: Stale, Message: "someone is quick"}
	for name, test := range map[string]struct {
		cause *Error
		times int
		want  expect
	}{
		"three times uncertain": {errCut, 3, expect{done: "a1", stands: "a1", calls: "open, apply a1" + strings.Repeat(round, 3) + ", close"}},
		"four times uncertain":  {errCut, 4, expect{class: Connection, calls: "open, apply a1" + strings.Repeat(round, 3) + ", close"}},
		"three times overtaken": {stale, 3, expect{done: "a1", stands: "a1", calls: "open, apply a1" + strings.Repeat(", settle, apply a1", 3) + ", close"}},
		"four times overtaken":  {stale, 4, expect{class: Stale, calls: "open, apply a1" + strings.Repeat(", settle, apply a1", 3) + ", close"}},
	} {
		t.Run(name, func(t *testing.T) {
			t.Parallel()
			f := newFake(t)
			f.turns = slices.Repeat([]turn{{err: test.cause}}, test.times)
			e := New(f, line(t, "a1"), Config{})
			result, err := f.upgrade(t.Context(), e, f.job(e))
			test.want.settled = true
			f.expect(result, err, test.want)
			if err != nil && (!errors.Is(err, test.cause) || !strings.Contains(err.Error(), test.cause.Message)) {
				t.Errorf("the error %q does not tell its cause %q", err, test.cause)
			}
		})
	}
}

func TestSettleHasItsBound(t *testing.T) {
	t.Parallel()
	f := newFake(t)
	f.turns = []turn{{err: errCut}}
	e := New(f, line(t, "a1"), Config{ResolveTimeout: time.Hour})
	if _, err := f.upgrade(t.Context(), e, f.job(e)); err != nil {
		t.Fatal(err)
	}
	if left := time.Until(f.bound); left < 59*time.Minute || left > time.Hour {
		t.Errorf("Settle is given %s, want an hour", left)
	}
}
