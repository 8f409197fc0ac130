package plan

// History is what is known of the runs of a rollout so far, as far as a plan to resume it needs it.
type History struct {
	Aborted    bool
	Reason     string                  // of the abort, in the operator's words; may be ""
	RolledBack bool                    // a later rollout took it back
	Began      map[string]bool         // by name: waves that began, in any run
	Outcome    func(id string) Outcome // of a tenant; nil = none has one
}

func (h *History) outcome(id string) Outcome {
	if h.Outcome == nil {
		return OutcomePending
	}
	return h.Outcome(id)
}

// Outcome is what has become of a tenant in a rollout.
type Outcome string

const (
	OutcomePending   Outcome = "pending"
	OutcomeRunning   Outcome = "running"
	OutcomeRetrying  Outcome = "retrying"
	OutcomeDeferred  Outcome = "deferred"
	OutcomeDone      Outcome = "done"      // it was changed and stands where planned
	OutcomeUnchanged Outcome = "unchanged" // it stood there already
	OutcomeFailed    Outcome = "failed"
	OutcomeUncertain Outcome = "uncertain" // it is not known whether its last change was committed
	OutcomeSkipped   Outcome = "skipped"   // left alone on purpose
	OutcomeGone      Outcome = "gone"      // no longer there
)
