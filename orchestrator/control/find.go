package control

import (
	"context"
	"fmt"
	"slices"

	"github.com/skeindb/skein/orchestrator/plan"
	"github.com/skeindb/skein/orchestrator/rollout"
)

// Find returns the id of the rollout that an action is meant for when none is named: the latest that fits. "" as the
// action is to look only: the latest of all. The error is an *[Error] when there is none, or when a later rollout makes it
// doubtful that this one is meant.
func (c *Controller) Find(ctx context.Context, action rollout.Action) (string, error) {
	all, err := c.cfg.Store.List(ctx, c.cfg.Fleet, 0)
	if err != nil {
		return "", err
	}
	if len(all) == 0 {
		return "", &Error{NotFound, "", fmt.Sprintf("the fleet %s has no rollout yet", c.cfg.Fleet), "`Upgrade` starts one"}
	}
	w := criteriaOf(action)
	if action == rollout.ActionApprove {
		if id, err := c.waitsForApproval(ctx, all, w); id != "" || err != nil {
			return id, err
		}
	}
	id, err := w.pick(all)
	if err != nil {
		return "", err
	}
	if id != all[0].ID {
		c.cfg.Warn(fmt.Sprintf("rollout %s is not the latest: %s came after it", id, all[0].ID))
	}
	if action == rollout.ActionRollback {
		return id, notRolledBack(all, id)
	}
	return id, nil
}

// criteria says which rollout is meant, and what is said when there is none.
type criteria struct {
	first   rollout.State              // one in this state goes before all others; "" = none does
	states  []rollout.State            // of the store; nil = any
	also    func(rollout.Summary) bool // must hold as well; nil = nothing
	current bool                       // one that was overtaken must be named: see overtakes
	none    string
}

func criteriaOf(action rollout.Action) criteria {
	switch action {
	case "":
		return criteria{}
	case rollout.ActionPause:
		return criteria{states: []rollout.State{rollout.StateRunning, rollout.StateWaiting}, none: "no rollout is running"}
	case rollout.ActionApprove:
		return criteria{
			first:  rollout.StateWaiting,
			states: []rollout.State{rollout.StateWaiting, rollout.StateRunning, rollout.StateInterrupted},
			none:   "no rollout waits for an approval",
		}
	case rollout.ActionAbort:
		return criteria{
			states: []rollout.State{
				rollout.StateRunning, rollout.StateWaiting, rollout.StatePaused,
				rollout.StateHalted, rollout.StateInterrupted,
			},
			current: true,
			none:    "no rollout is running or stopped",
		}
	case rollout.ActionRollback:
		// The latest upgrade, whatever became of it. What it has recorded does not say whether it changed anything: a killed
		// run may have. So it is never passed over for the one before, nor is one that was rolled back already.
		return criteria{
			also: func(s rollout.Summary) bool { return s.Kind == plan.KindUpgrade },
			none: "there is no upgrade to take back",
		}
	}
	return criteria{also: unfinished, current: true, none: "no rollout has anything left to do"}
}

// unfinished reports whether something may be left to do.
func unfinished(s rollout.Summary) bool {
	return s.State != rollout.StateAborted && (s.State != rollout.StateFinished || s.Counts[plan.OutcomeFailed]+s.Counts[plan.OutcomeUncertain] > 0)
}

func (w criteria) fits(s rollout.Summary) bool {
	return (w.states == nil || slices.Contains(w.states, s.State)) && (w.also == nil || w.also(s))
}

// rank puts the rollouts that go first before the others.
func (w criteria) rank(s rollout.Summary) int {
	if w.first != "" && s.State == w.first {
		return 0
	}
	return 1
}

// pick finds the rollout that is meant among all of the fleet, of which there are some, the latest first.
func (w criteria) pick(all []rollout.Summary) (id string, err error) {
	sorted := slices.Clone(all)
	slices.SortStableFunc(sorted, func(a, b rollout.Summary) int { return w.rank(a) - w.rank(b) })
	at := slices.IndexFunc(sorted, w.fits)
	if at < 0 {
		return "", &Error{NotFound, "", fmt.Sprintf("%s; the latest, %s, is %s", w.none, all[0].ID, all[0].State), "`List` shows them"}
	}
	id = sorted[at].ID
	if !w.current {
		return id, nil
	}
	for _, s := range all {
		if s.ID == id {
			break
		}
		if s.Kind == plan.KindRollback && s.Target == id && s.State == rollout.StateFinished {
			return "", &Error{NotPossible, id, fmt.Sprintf("rollout %s was taken back by %s", id, s.ID), "`Upgrade` starts a new one"}
		}
		if overtakes(s) {
			return "", &Error{
				Ambiguous, id, fmt.Sprintf("the latest rollout that fits is %s, but %s came after it: %s", id, s.ID, described(s)), "to act on it, give its ID",
			}
		}
	}
	return id, nil
}

// overtakes reports whether a rollout makes it doubtful that one before it is meant where none is named: one that changed
// tenants does, and so does one that was aborted, since to abort twice does not mean two.
func overtakes(s rollout.Summary) bool {
	switch s.Kind {
	case plan.KindUpgrade, plan.KindDowngrade, plan.KindRollback:
		return s.State == rollout.StateAborted || s.Counts[plan.OutcomeDone] > 0
	}
	return false
}

// waitsForApproval finds the latest rollout whose gate waits for an approval, also where something stopped it since and no
// other rollout has overtaken it; "" when one is in the state waiting, or when there is none.
func (c *Controller) waitsForApproval(ctx context.Context, all []rollout.Summary, w criteria) (string, error) {
	if slices.ContainsFunc(all, func(s rollout.Summary) bool { return s.State == w.first }) {
		return "", nil
	}
	for _, s := range all {
		if s.State != rollout.StateFinished && s.State != rollout.StateAborted {
			r, err := c.Load(ctx, s.ID)
			if err != nil {
				return "", err
			}
			if r.Waiting() != "" && !r.Report.TakenBack {
				return s.ID, nil
			}
		}
		if overtakes(s) {
			break
		}
	}
	return "", nil
}

// notRolledBack refuses a rollout that was rolled back already: to say it twice does not mean the one before.
func notRolledBack(all []rollout.Summary, id string) error {
	for _, s := range all {
		if s.Kind == plan.KindRollback && s.Target == id && s.State == rollout.StateFinished &&
			s.Counts[plan.OutcomeFailed]+s.Counts[plan.OutcomeUncertain]+s.Counts[plan.OutcomeSkipped] == 0 {
			return &Error{NotPossible, id, fmt.Sprintf("rollout %s was already taken back, by %s", id, s.ID), "name the ID of the rollout to take back"}
		}
	}
	return nil
}
