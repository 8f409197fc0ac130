package control

import (
	"errors"
	"fmt"

	"github.com/skeindb/skein/engine/text"
	"github.com/skeindb/skein/orchestrator/plan"
	"github.com/skeindb/skein/orchestrator/rollout"
)

// Reason classifies an [Error].
type Reason string

const (
	NotFound     Reason = "not found"      // the store has no such rollout, or none that fits
	OtherFleet   Reason = "other fleet"    // the rollout belongs to another fleet
	Ambiguous    Reason = "ambiguous"      // the latest that fits was overtaken by another, so it must be named
	NotPossible  Reason = "not possible"   // the state of the rollout does not allow it
	NotRunning   Reason = "not running"    // no process runs it
	Refused      Reason = "refused"        // the process that runs it refused
	NothingToDo  Reason = "nothing to do"  // the tenants of a retry are where the rollout planned them
	UnknownNames Reason = "unknown tenant" // a tenant is not part of the rollout
)

// Error says why what was asked of a rollout cannot be carried out. Nothing was changed.
type Error struct {
	Reason  Reason
	Rollout string // "" when none was found
	Message string
	Advice  string // what to do, "" = the message says all; names in backticks are methods of orchestrator.Orchestrator
}

func (e *Error) Error() string { return e.Message }

// Is reports that an error of a rollout that is not there is [rollout.ErrNoRollout].
func (e *Error) Is(target error) bool {
	return e.Reason == NotFound && e.Rollout != "" && target == rollout.ErrNoRollout
}

// Hint says what to do about it; "" when the message says all.
func (e *Error) Hint() string { return e.Advice }

// asNotFound makes an [Error] of what a store says of an id that it does not have.
func asNotFound(err error, id string) error {
	if errors.Is(err, rollout.ErrNoRollout) {
		if id == "" {
			return &Error{NotFound, "", "no rollout is named", "`Find` returns the id of the latest that fits an action"}
		}
		return &Error{NotFound, id, fmt.Sprintf("there is no rollout %s", id), "`List` shows them"}
	}
	return err
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
	return what + " that changed " + text.Count(s.Counts[plan.OutcomeDone], "tenant")
}
