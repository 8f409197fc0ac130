package plan

// History is what planning a rollout again needs to know of its runs so far.
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

// Outcome is the state of a tenant in a rollout.
type Outcome string

const (
	OutcomePending   Outcome = "pending"   // not migrated yet
	OutcomeRunning   Outcome = "running"   // being migrated
	OutcomeRetrying  Outcome = "retrying"  // waits for another try
	OutcomeDeferred  Outcome = "deferred"  // comes again at the end of its wave
	OutcomeDone      Outcome = "done"      // it was changed and stands where planned
	OutcomeUnchanged Outcome = "unchanged" // it stood there already
	OutcomeFailed    Outcome = "failed"    // the last try failed, or it was refused
	OutcomeUncertain Outcome = "uncertain" // it is not known whether its last change was committed
	OutcomeSkipped   Outcome = "skipped"   // left alone on purpose
	OutcomeGone      Outcome = "gone"      // no longer there
)
