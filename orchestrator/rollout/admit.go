package rollout

import (
	"fmt"

	"github.com/skeindb/skein/orchestrator/plan"
)

// Live is what only the process that runs a rollout knows of it.
type Live struct {
	Early  bool   // the command was given before this run began
	Wave   int    // index of the last wave that began; -1 = none
	Ending State  // in which the run is about to end; "" = it continues
	Reason string // why it is about to end
}

// Admit says why a command to a rollout is refused; "" = it is carried out. It is the rule both of the process that runs
// the rollout and, with live nil, of one that has the fleet's lock. p is the plan as the rollout has changed it, or as the run
// has it.
//
//	command   no process runs it                running
//	pause     refused                           unless it was given before this run, or the run is ending
//	abort     unless finished or aborted        unless the run is being aborted
//	approve   unless aborted; a closed gate of the wave that asks for an approval and did not fail
//	skip      unless aborted; each tenant is part of the rollout, not done, not gone, and not being migrated
//	resume, retry, rollback    always: they are for the record, each is a run of its own
func Admit(r *Report, p *plan.Plan, c *Command, live *Live) (refused string) {
	switch c.Action {
	case ActionPause:
		switch {
		case live == nil:
			return "no process runs the rollout"
		case live.Early:
			return "it was given before this run began"
		}
		return live.ends(StatePaused)
	case ActionAbort:
		switch {
		case live != nil:
			return live.ends(StateAborted)
		case r.State == StateAborted || r.State == StateFinished:
			return fmt.Sprintf("the rollout is %s already", r.State)
		}
		return ""
	case ActionApprove:
		if live == nil && r.State == StateAborted {
			return aborted
		}
		return r.CannotApprove(c.Wave)
	case ActionSkip:
		if live == nil && r.State == StateAborted {
			return aborted
		}
		return cannotSkip(r, p, c.Tenants, live)
	case ActionResume, ActionRetry, ActionRollback:
		return ""
	}
	return fmt.Sprintf("unknown action %q", c.Action)
}

const aborted = "the rollout was aborted"

// ends returns why a stop comes too late; "" when it does not.
func (l *Live) ends(s State) string {
	if s.Outweighs(l.Ending) {
		return ""
	}
	return "the run is ending already: " + l.Reason
}

// cannotSkip returns why tenants cannot be skipped; "" when all of them can. Tenants of a run that died are not being
// migrated any more.
func cannotSkip(r *Report, p *plan.Plan, ids []string, live *Live) string {
	if len(ids) == 0 {
		return "it names no tenant"
	}
	places := p.Positions()
	for _, id := range ids {
		at, known := places[id]
		if known && live != nil && at.Wave > live.Wave {
			continue // its wave is still to come
		}
		switch outcome := r.Outcome(id); {
		case !known && live == nil:
			return fmt.Sprintf("tenant %s is not part of the rollout", id)
		case outcome == plan.OutcomeRunning && live != nil:
			return fmt.Sprintf("tenant %s is being migrated", id)
		case !known && pending(outcome):
			return fmt.Sprintf("tenant %s is not part of this run", id)
		case outcome == plan.OutcomeDone, outcome == plan.OutcomeUnchanged:
			return fmt.Sprintf("tenant %s is done", id)
		case outcome == plan.OutcomeGone:
			return fmt.Sprintf("tenant %s is gone", id)
		}
	}
	return ""
}

func pending(o plan.Outcome) bool {
	return o == plan.OutcomePending || o == plan.OutcomeRetrying || o == plan.OutcomeDeferred
}

// Outweighs reports whether a run that is about to end in other ends in s instead: a request of people outweighs what
// happened, and an abort outweighs all.
func (s State) Outweighs(other State) bool { return s.weight() > other.weight() }

func (s State) weight() int {
	switch s {
	case "":
		return 0
	case StateAborted:
		return 3
	case StateInterrupted:
		return 2
	}
	return 1
}
