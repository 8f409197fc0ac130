package main

import (
	"context"
	"fmt"
	"slices"

	"github.com/skeindb/skein/cmd/skein/view"
	"github.com/skeindb/skein/orchestrator/plan"
	"github.com/skeindb/skein/orchestrator/rollout"
)

// wanted says which rollout is meant where none is named, and what is said when there is none.
type wanted struct {
	first  rollout.State              // one that stands so goes before all others; "" = none does
	states []rollout.State            // of the store; nil = any
	also   func(rollout.Summary) bool // must hold as well; nil = nothing
	latest bool                       // one that another came after, which counts, must be named: see overtakes
	none   string
}

func (w wanted) fits(s rollout.Summary) bool {
	return (w.states == nil || slices.Contains(w.states, s.State)) && (w.also == nil || w.also(s))
}

// rank puts the rollouts that go first before the others.
func (w wanted) rank(s rollout.Summary) int {
	if w.first != "" && s.State == w.first {
		return 0
	}
	return 1
}

// overtakes reports whether a rollout puts those before it out of mind: who names none hardly means one of them. So it
// is with one that changed tenants, and with one that was given up: to say that twice does not mean two.
func overtakes(s rollout.Summary) bool {
	switch s.Kind {
	case plan.KindUpgrade, plan.KindDowngrade, plan.KindRollback:
		return s.State == rollout.StateAborted || s.Counts[plan.OutcomeDone] > 0
	}
	return false
}

// rolloutID is the one named, else the latest rollout that fits.
func (f *fleet) rolloutID(ctx context.Context, store rollout.Store, named string, want wanted) (string, error) {
	if named != "" {
		return named, nil
	}
	all, err := store.List(ctx, f.project.Fleet, 0)
	if err != nil {
		return "", err
	}
	if len(all) == 0 {
		return "", &usageError{fmt.Sprintf("the fleet %s has no rollout yet", f.project.Fleet), "`skein upgrade` makes one"}
	}
	id, err := want.pick(all)
	if err == nil && id != all[0].ID {
		f.app.note("skein: warning: rollout %s is not the latest: %s came after it", id, all[0].ID)
	}
	return id, err
}

// approvable is the latest rollout that waits for an approval, whatever stopped it since: one that a process runs, or that
// waits in the store, before those that were paused, halted or interrupted while they waited and that no other rollout
// has overtaken.
func (f *fleet) approvable(ctx context.Context, store rollout.Store) (string, error) {
	want := steerable(rollout.ActionApprove)
	all, err := store.List(ctx, f.project.Fleet, 0)
	if err != nil {
		return "", err
	}
	if !slices.ContainsFunc(all, func(s rollout.Summary) bool { return s.State == want.first }) {
		for _, s := range all {
			if s.State != rollout.StateFinished && s.State != rollout.StateAborted {
				r, err := f.load(ctx, store, s.ID)
				if err != nil {
					return "", err
				}
				if waiting(r.report) != "" && !r.report.TakenBack {
					return s.ID, nil
				}
			}
			if overtakes(s) {
				break
			}
		}
	}
	return f.rolloutID(ctx, store, "", want)
}

// pick finds the rollout that is meant among all of the fleet, of which there are some, the latest first.
func (w wanted) pick(all []rollout.Summary) (id string, err error) {
	sorted := slices.Clone(all)
	slices.SortStableFunc(sorted, func(a, b rollout.Summary) int { return w.rank(a) - w.rank(b) })
	at := slices.IndexFunc(sorted, w.fits)
	if at < 0 {
		return "", &usageError{fmt.Sprintf("%s; the latest, %s, is %s", w.none, all[0].ID, all[0].State), "`skein rollout list` shows them"}
	}
	id = sorted[at].ID
	if !w.latest {
		return id, nil
	}
	for _, s := range all {
		if s.ID == id {
			break
		}
		if s.Kind == plan.KindRollback && s.Target == id && s.State == rollout.StateFinished {
			return "", &usageError{fmt.Sprintf("rollout %s was taken back by %s", id, s.ID), "`skein upgrade` begins a new one"}
		}
		if overtakes(s) {
			return "", &usageError{
				fmt.Sprintf("the latest rollout that fits is %s, but %s came after it: %s", id, s.ID, described(s)), "name the ID if it is meant",
			}
		}
	}
	return id, nil
}

// described is what a rollout did, in words: "a rollback that changed 3 tenants".
func described(s rollout.Summary) string {
	what := "a " + string(s.Kind)
	if s.Kind == plan.KindUpgrade {
		what = "an upgrade"
	}
	if s.State == rollout.StateAborted {
		return what + " that was aborted"
	}
	return what + " that changed " + view.Count(s.Counts[plan.OutcomeDone], "tenant")
}
