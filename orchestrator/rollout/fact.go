package rollout

import (
	"slices"
	"time"

	"github.com/skeindb/skein/engine"
	"github.com/skeindb/skein/orchestrator/plan"
)

// Event is one fact about a rollout, with its number and time. The [Report] is the fold of the events, and nothing else
// decides what is shown, stored or resumed.
type Event struct {
	Rollout string
	Seq     int64     // 1, 2, 3 … in a rollout; 0 for a tick, which is shown but not stored
	Time    time.Time // UTC, whole microseconds
	Fact    Fact
}

// Tick reports whether the event is only shown, and not stored.
func (e Event) Tick() bool { return e.Seq == 0 }

// Fact is what happened: one of the types of this file. [Encode] and [Decode] put them into text for stores.
type Fact interface {
	// Name is the name of the fact in stores. It never changes: newer programs read the stores of older ones.
	Name() string
}

// State is that of a rollout.
type State string

const (
	StateRunning     State = "running"     // a run has begun and not ended; its process may have died
	StatePaused      State = "paused"      // on request, or a gate was inconclusive
	StateWaiting     State = "waiting"     // for an approval
	StateHalted      State = "halted"      // too many failures, a gate that failed, a server that needs an operator
	StateInterrupted State = "interrupted" // by a signal, or cancelled
	StateFinished    State = "finished"    // all waves are through; tenants may have failed
	StateAborted     State = "aborted"     // on request, for good
)

type (
	// Started begins a run: the first, or a resumed one (Run 2, 3 …).
	Started struct {
		Run    int           `json:"run"`
		Fleet  string        `json:"fleet"`
		Kind   plan.Kind     `json:"kind"`
		Target string        `json:"target"`
		Waves  []WavePlanned `json:"waves,omitzero"`
		Host   string        `json:"host"`
		PID    int           `json:"pid"`
		User   string        `json:"user"`
		Width  int           `json:"width"` // tenants at once at the start
	}
	// WaveStarted begins a wave; maybe again, for tenants that joined late, are back, or were recreated.
	WaveStarted struct {
		Wave string `json:"wave"`
	}
	// TenantsDispatched names the tenants that may be touched from now on. It is durable before any is.
	TenantsDispatched struct {
		Tenants []string `json:"tenants,omitzero"`
	}
	// TenantStarted is a tick: a worker begins to migrate the tenant.
	TenantStarted struct {
		Tenant  string   `json:"tenant"`
		Attempt int      `json:"attempt"`
		From    []string `json:"from,omitzero"`
	}
	// TenantReturned is a try that does not count as an attempt: the server was full or went away, or the run was cancelled.
	// The tenant is pending again. It is a tick unless the tenant was in TenantsRunning.
	TenantReturned struct {
		Tenant  string       `json:"tenant"`
		Failure plan.Failure `json:"failure"`
	}
	// TenantRetrying: a try failed and another will follow after Wait.
	TenantRetrying struct {
		Tenant  string        `json:"tenant"`
		Attempt int           `json:"attempt"` // the one that failed
		Wait    time.Duration `json:"wait"`    // nanoseconds
		Failure plan.Failure  `json:"failure"`
	}
	// TenantDeferred: a lock was busy, or the tenant is not the one that was planned (stale, gone). It is tried again at the
	// end of its wave.
	TenantDeferred struct {
		Tenant  string       `json:"tenant"`
		Attempt int          `json:"attempt"` // the one that failed
		Failure plan.Failure `json:"failure"`
		Steps   int          `json:"steps,omitempty"` // committed in this run, if it is to be planned again
	}
	// TenantFinished is the end of a tenant in this run.
	TenantFinished struct {
		Tenant   string        `json:"tenant"`
		Wave     string        `json:"wave"`
		Outcome  plan.Outcome  `json:"outcome"` // Done, Unchanged, Failed, Uncertain, Skipped or Gone
		From     []string      `json:"from,omitzero"`
		To       []string      `json:"to,omitzero"`       // where it stands now, also when it failed on the way
		State    engine.State  `json:"state,omitempty"`   // of the survey, for tenants that were refused
		Steps    int           `json:"steps,omitempty"`   // committed in this run
		Attempt  int           `json:"attempt,omitempty"` // the last one; 0 = never touched
		Duration time.Duration `json:"duration,omitempty"`
		Failure  *plan.Failure `json:"failure,omitempty"` // of Failed, Uncertain and Gone
		Reason   string        `json:"reason,omitempty"`  // of Skipped
		Notices  []Notice      `json:"notices,omitzero"`  // the last that the server gave, at most 20
	}
	// TenantsRunning names tenants that have run for more than a second, for processes that read the store. As a tick it names
	// none and shows that the run continues.
	TenantsRunning struct {
		Tenants []string `json:"tenants,omitzero"`
	}
	// TenantsWaiting are all tenants of a server that wait for other sessions; it replaces the last such fact about the server.
	// As a tick it shows that they still wait.
	TenantsWaiting struct {
		Server string       `json:"server"`
		Waits  []TenantWait `json:"waits,omitzero"`
	}
	// ServerPaused: the server went away or is full; it is probed until ServerResumed.
	ServerPaused struct {
		Server   string       `json:"server"`
		Failure  plan.Failure `json:"failure"`
		Operator bool         `json:"operator,omitempty"` // not probed: nothing more happens there until the rollout is resumed
	}
	// ServerResumed: the server answers again.
	ServerResumed struct {
		Server string `json:"server"`
	}
	// WidthChanged: another number of tenants runs at once on a server from now on.
	WidthChanged struct {
		Server   string `json:"server"`
		Width    int    `json:"width"`
		Reason   string `json:"reason"`
		Redacted string `json:"redacted,omitempty"` // Reason without values of rows; "" = it has none; the same in other facts
	}
	// Warned is for people.
	Warned struct {
		Message  string `json:"message"`
		Redacted string `json:"redacted,omitempty"`
	}
	// TenantsJoined adds tenants to a wave that were not in the fleet when the rollout was planned.
	TenantsJoined plan.Change
	// TenantsReplanned gives tenants of a wave another path, since they stand elsewhere than when it was planned. It is a fact
	// if they then run revisions that were not on their path before.
	TenantsReplanned plan.Change
	// GateClosed: the wave is through, and its gate is measured from now on; again in each run until it passes.
	GateClosed struct {
		Wave     string    `json:"wave"`
		Until    time.Time `json:"until"` // end of the bake
		Checks   []string  `json:"checks,omitzero"`
		Approval bool      `json:"approval,omitempty"`
	}
	// GateMeasured is one measure of a check. Repeated passes are left out: see [plan.Check].
	GateMeasured struct {
		Wave     string        `json:"wave"`
		Check    string        `json:"check"`
		Verdict  plan.Verdict  `json:"verdict"`
		Evidence string        `json:"evidence,omitempty"`
		Redacted string        `json:"redacted,omitempty"`
		Tenants  []string      `json:"tenants,omitzero"` // some of those that did not pass
		Took     time.Duration `json:"took"`             // nanoseconds
	}
	// ApprovalAwaited: all else holds, and the rollout waits for an approval.
	ApprovalAwaited struct {
		Wave string `json:"wave"`
	}
	// GateSettled ends a gate. A gate that passed is not measured again in later runs.
	GateSettled struct {
		Wave     string       `json:"wave"`
		Verdict  plan.Verdict `json:"verdict"`
		Reason   string       `json:"reason,omitempty"` // why it did not pass; of a pass, who approved
		Redacted string       `json:"redacted,omitempty"`
	}
	// Commanded answers a command of an operator. Refused says why it was not carried out; "" = it was.
	Commanded struct {
		Command Command `json:"command"`
		Refused string  `json:"refused,omitempty"`
	}
	// WaveFinished: all tenants of the wave have ended. Its gate comes next.
	WaveFinished struct {
		Wave string `json:"wave"`
	}
	// Ended ends a run.
	Ended struct {
		State    State  `json:"state"`            // any but Running
		Reason   string `json:"reason,omitempty"` // "" when it just finished
		Redacted string `json:"redacted,omitempty"`
		Lost     bool   `json:"lost,omitempty"` // the store was lost meanwhile, see [StoreLostError]
	}
)

// TenantWait is a running tenant that waits for other sessions.
type TenantWait struct {
	Tenant string          `json:"tenant"`
	For    []engine.Holder `json:"for"` // up to three
}

// WavePlanned is a wave and how many tenants it has.
type WavePlanned struct {
	Name    string `json:"name"`
	Tenants int    `json:"tenants"`
}

// StandsAt sets where a tenant stands that is skipped before its turn.
func (f *TenantFinished) StandsAt(wave string, heads []string) {
	f.Wave, f.To = wave, heads
	if f.From == nil {
		f.From = heads
	}
}

// Opening returns the fact with which a run of the plan begins.
func Opening(p *plan.Plan, run int, by Holder) Started {
	f := Started{Run: run, Fleet: p.Fleet, Kind: p.Kind, Target: p.Target, Host: by.Host, PID: by.PID, User: by.User}
	for _, w := range p.Waves {
		f.Waves = append(f.Waves, WavePlanned{Name: w.Name, Tenants: w.Planned})
	}
	return f
}

// Unknown changes a failed tenant into an uncertain one: it is not known whether its last change was committed.
func (f *TenantFinished) Unknown() {
	f.Outcome, f.To = plan.OutcomeUncertain, nil
	if f.Failure != nil {
		why := *f.Failure
		why.Message = "it is not known whether the last change was committed: " + why.Message
		why.Hint = "once the server answers, resume the rollout: it asks the tenant where it stands"
		f.Failure = &why
	}
}

// Same reports whether both are the same tenant, waiting for the same sessions.
func (w TenantWait) Same(other TenantWait) bool {
	return w.Tenant == other.Tenant && slices.EqualFunc(w.For, other.For, func(a, b engine.Holder) bool { return a.PID == b.PID })
}
