package plan

import (
	"errors"
	"fmt"
	"strings"

	"github.com/skeindb/skein/engine/text"
)

// ErrorReason classifies an [Error].
type ErrorReason string

const (
	ReasonPolicy       ErrorReason = "policy"       // the policy has a mistake
	ReasonTarget       ErrorReason = "target"       // the target leads nowhere for some tenants
	ReasonWave         ErrorReason = "wave"         // no wave has that name
	ReasonGate         ErrorReason = "gate"         // a gate of the plan is not in the policy any more
	ReasonStale        ErrorReason = "stale"        // revisions of the plan changed, or are missing
	ReasonAborted      ErrorReason = "aborted"      // an aborted rollout is not resumed
	ReasonRolledBack   ErrorReason = "rolled back"  // nor is one that was rolled back
	ReasonNotBegun     ErrorReason = "not begun"    // a tenant of a wave that has not begun is not retried
	ReasonIrreversible ErrorReason = "irreversible" // what is to be rolled back has no downgrade section
	ReasonBlocked      ErrorReason = "blocked"      // tenants stand so that they cannot be rolled back
	ReasonNotUpgrade   ErrorReason = "no upgrade"   // only an upgrade is rolled back
)

// Error says why a rollout cannot be planned, or not be planned again. Nothing was touched.
type Error struct {
	Reason  ErrorReason
	Rollout string // "" where there is none yet
	Message string
	Advice  string // what to do, "" = the message says all; names in backticks are methods of orchestrator.Orchestrator

	Tenants   int      // that it is about; 0 = the rollout as a whole
	Example   string   // id of one of them
	Others    int      // of a rollback: tenants that can be rolled back
	Revisions []string // ids, in the order of the graph
	Wave      string
	Err       error // of [ReasonTarget]: a *[revision.TargetError]
}

func (e *Error) Error() string { return e.Message }

// Hint says what to do about it; "" when the message says all.
func (e *Error) Hint() string { return e.Advice }

func (e *Error) Unwrap() error { return e.Err }

// Aborted is the error of an aborted rollout that was to be resumed. reason is in the operator's words, "" = none.
func Aborted(rollout string, kind Kind, reason string) *Error {
	e := &Error{
		Reason: ReasonAborted, Rollout: rollout, Message: fmt.Sprintf("rollout %s was aborted%s", rollout, text.Because(reason)),
		Advice: "`Upgrade` starts a new one; tenants that are done are not touched",
	}
	if kind == KindUpgrade {
		e.Advice += fmt.Sprintf("; or take back what it did, with `Rollback(%s)`", rollout)
	}
	return e
}

// noWave is the error of a name that no wave has.
func noWave(name string, waves []string) *Error {
	e := &Error{Reason: ReasonWave, Wave: name, Advice: text.DidYouMean(name, waves)}
	if len(waves) == 1 {
		e.Message = fmt.Sprintf("there is no wave %s; the only one is %s", name, waves[0])
	} else {
		e.Message = fmt.Sprintf("there is no wave %s; the waves are %s", name, strings.Join(waves, ", "))
	}
	return e
}

// nowhere is the error of a target that leads nowhere for a group.
func nowhere(gr standingGroup, heads []string, err error) *Error {
	at := "base"
	if len(heads) > 0 {
		at = strings.Join(heads, ", ")
	}
	who := fmt.Sprintf("tenant %s, which stands at %s", gr.example, at)
	if gr.count > 1 {
		who = fmt.Sprintf("%d tenants that stand at %s, for example %s", gr.count, at, gr.example)
	}
	return &Error{
		Reason: ReasonTarget, Message: fmt.Sprintf("%s: %v", who, err), Advice: hintOf(err), Tenants: gr.count, Example: gr.example, Err: err,
	}
}

// notUpgrade is the error of a rollback of what is no upgrade.
func notUpgrade(of *Plan) *Error {
	e := &Error{
		Reason: ReasonNotUpgrade, Rollout: of.Rollout, Message: fmt.Sprintf("rollout %s is a %s: only an upgrade can be rolled back", of.Rollout, of.Kind),
		Advice: "`Upgrade` brings the tenants up again",
	}
	if of.Kind == KindStamp {
		e.Advice = "`Stamp` records where the tenants were before"
	}
	return e
}

func hintOf(err error) string {
	if h, ok := errors.AsType[interface {
		error
		Hint() string
	}](err); ok {
		return h.Hint()
	}
	return ""
}
