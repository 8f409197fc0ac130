package engine

import (
	"fmt"
	"slices"
	"testing"

	"pgregory.net/rapid"

	"github.com/skeindb/skein/engine/revision"
)

// drawPlan makes a tenant somewhere on a line of revisions of any kind, and a plan to another place on it.
func drawPlan(t *rapid.T, f *fake) (*Engine, Job) {
	specs := make([]string, rapid.IntRange(1, 6).Draw(t, "revisions"))
	for i := range specs {
		options := rapid.SampledFrom([]string{"", "", " own-transaction", " no-transaction"}).Draw(t, "options")
		specs[i] = fmt.Sprint("r", len(specs)-i, options) // ids sorted against the graph
	}
	mode := rapid.SampledFrom([]Mode{PerTenant, PerRevision}).Draw(t, "mode")
	e := New(f, line(t, specs...), Config{Mode: mode})
	from, to := rapid.IntRange(0, len(specs)).Draw(t, "from"), rapid.IntRange(0, len(specs)).Draw(t, "to")
	all := e.Graph().All()
	for _, r := range all[:from] {
		f.rows[r.ID] = r.Checksum()
	}
	f.mark.HasTable = from > 0 || rapid.Bool().Draw(t, "version table")
	job := f.job(e)
	if to >= from {
		job.Plan = NewPlan(f.applied(), revision.Up, all[from:to], mode)
		return e, job
	}
	down := slices.Clone(all[to:from])
	slices.Reverse(down)
	job.Plan = NewPlan(f.applied(), revision.Down, down, mode)
	return e, job
}

// drawTurn makes one call of Apply go wrong somehow, or well, after another session has walked along the
// plan for a while.
func drawTurn(t *rapid.T, plan *Plan) turn {
	return turn{
		meanwhile: walker(plan, rapid.IntRange(0, 2).Draw(t, "walks")),
		parts:     rapid.IntRange(0, 2).Draw(t, "parts"),
		hidden:    rapid.IntRange(0, 3).Draw(t, "hidden"),
		err:       drawError(t, Uncertain, Uncertain, Transient, Stale, Busy, Data),
	}
}

// walker returns another session that does the next n parts of the plan.
func walker(plan *Plan, n int) func(*fake) {
	return func(f *fake) {
		for _, part := range plan.Parts {
			if n > 0 && slices.Equal(f.applied().IDs(), part.Before) {
				f.do(part)
				n--
			}
		}
	}
}

// drawError makes an error of one of the classes, or none.
func drawError(t *rapid.T, classes ...Class) error {
	class := rapid.SampledFrom(append(classes, "")).Draw(t, "class")
	if class == "" {
		return nil
	}
	return &Error{Class: class, Message: "drawn"}
}

func TestUpgradeProperties(t *testing.T) {
	t.Parallel()
	rapid.Check(t, func(t *rapid.T) {
		f := newFake(t)
		e, job := drawPlan(t, f)
		end := f.applied().IDs()
		places := []string{fmt.Sprint(end)}
		for _, part := range job.Plan.Parts {
			places, end = append(places, fmt.Sprint(part.After)), part.After
		}
		for range rapid.IntRange(0, 8).Draw(t, "turns") {
			f.turns = append(f.turns, drawTurn(t, job.Plan))
		}
		for range rapid.IntRange(0, 3).Draw(t, "questions") {
			f.asking = append(f.asking, drawError(t, Busy, Connection))
			f.opening = append(f.opening, drawError(t, Connection, Capacity))
		}
		for attempt := 1; ; attempt++ {
			trouble := len(f.turns) + len(f.asking) + len(f.opening)
			f.ours, job.Attempt = nil, attempt
			result, err := f.upgrade(t.Context(), e, job)
			if at := fmt.Sprint(f.applied().IDs()); !slices.Contains(places, at) {
				t.Fatalf("the tenant stands at %s, which is no place of the plan: %s", at, places)
			}
			checkDone(t, f, result, err)
			if err == nil {
				break
			}
			if trouble == 0 {
				t.Fatalf("it fails while all goes well: %v", err)
			}
		}
		if have := f.applied().IDs(); !slices.Equal(have, end) {
			t.Errorf("it says done, and the tenant stands at %v, want %v", have, end)
		}
	})
}

// checkDone: Done is what sessions of this call committed. It may lack the end of that, where the call could
// not ask after an uncertain commit; it never has more.
func checkDone(t *rapid.T, f *fake, result Result, err error) {
	known := len(result.Done) <= len(f.ours) && slices.Equal(result.Done, f.ours[:len(result.Done)])
	switch {
	case !known:
		t.Errorf("done are %v, committed were %v", result.Done, f.ours)
	case len(result.Done) == len(f.ours):
	case result.Resolved && (classOf(err) == Connection || classOf(err) == Capacity || classOf(err) == Busy):
	default:
		t.Errorf("done are %v, committed were %v, and no commit was in doubt: %v", result.Done, f.ours, err)
	}
}
