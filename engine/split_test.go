package engine

import (
	"testing"
)

// unready is what a revision fails with that needs what the revisions before it did to be committed.
func unready(id string) *Error {
	return &Error{Class: Revision, SQLState: "55P04", Revision: id, Message: "unsafe use of new value", Uncommitted: true}
}

func TestChainIsSplitWhereTheServerDemandsIt(t *testing.T) {
	t.Parallel()
	for name, test := range map[string]struct {
		turns []turn
		want  expect
	}{
		"once": {
			turns: []turn{{err: unready("c3")}},
			want:  expect{done: "a1 b2 c3 d4", stands: "a1 b2 c3 d4", calls: "open, apply a1+b2+c3+d4, apply a1+b2 c3+d4, close"},
		},
		"twice": {
			turns: []turn{{err: unready("c3")}, {parts: 1, err: unready("d4")}},
			want:  expect{done: "a1 b2 c3 d4", stands: "a1 b2 c3 d4", calls: "open, apply a1+b2+c3+d4, apply a1+b2 c3+d4, apply c3 d4, close"},
		},
		"not where the revision begins its transaction": {
			turns: []turn{{err: unready("c3")}, {parts: 1, err: unready("c3")}},
			want:  expect{class: Revision, done: "a1 b2", stands: "a1 b2", calls: "open, apply a1+b2+c3+d4, apply a1+b2 c3+d4, close"},
		},
		"not before the first": {
			turns: []turn{{err: unready("a1")}},
			want:  expect{class: Revision, calls: "open, apply a1+b2+c3+d4, close"},
		},
	} {
		t.Run(name, func(t *testing.T) {
			t.Parallel()
			f := newFake(t)
			f.turns = test.turns
			e := New(f, line(t, "a1", "b2", "c3", "d4"), Config{})
			job := f.job(e)
			result, err := f.upgrade(t.Context(), e, job)
			f.expect(result, err, test.want)
			if n := len(job.Plan.Parts); n != 1 {
				t.Errorf("the plan, which other tenants share, has %d parts now", n)
			}
		})
	}
}

// The same job continues after an error behind a border that only the call before knew of, and others of its plan know
// of it, too.
func TestSplitHoldsForThePlan(t *testing.T) {
	t.Parallel()
	f := newFake(t)
	f.turns = []turn{{err: unready("c3")}, {parts: 1, err: &Error{Class: Busy, Message: "busy"}}}
	e := New(f, line(t, "a1", "b2", "c3"), Config{})
	job := f.job(e)
	if _, err := f.upgrade(t.Context(), e, job); classOf(err) != Busy || f.standing() != "a1 b2" {
		t.Fatalf("stands at %s: %v", f.standing(), err)
	}
	f.log = nil
	result, err := f.upgrade(t.Context(), e, job)
	f.expect(result, err, expect{done: "c3", stands: "a1 b2 c3", settled: true, calls: "open, apply a1+b2 c3, settle, apply c3, close"})

	other := newFake(t)
	f.rows, f.mark, f.log, f.ours = other.rows, other.mark, nil, nil
	result, err = f.upgrade(t.Context(), e, job)
	f.expect(result, err, expect{done: "a1 b2 c3", stands: "a1 b2 c3", calls: "open, apply a1+b2 c3, close"})
}
