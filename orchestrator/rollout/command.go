package rollout

import (
	"time"
)

// Command is what an operator asks of a rollout, and its line in the audit log. The operator's process appends it to the
// store, where it never changes; a running rollout polls for it. The answer is a fact: see [Commanded].
type Command struct {
	Rollout string    `json:"rollout"`
	Seq     int64     `json:"seq"` // 1, 2, 3 … in its rollout; given by the store
	Action  Action    `json:"action"`
	Wave    string    `json:"wave,omitempty"`   // of an approval: the wave whose gate is approved
	Tenants []string  `json:"tenants,omitzero"` // ids, of skip and retry
	Reason  string    `json:"reason,omitempty"` // why, in the operator's words
	User    string    `json:"user"`
	Host    string    `json:"host"`
	At      time.Time `json:"at"` // UTC, whole microseconds
}

// Action is what an operator can ask of a rollout.
type Action string

// Asked of a rollout that may be running.
const (
	ActionPause   Action = "pause"   // dispatch no more tenants, let the running ones finish, and end the run; it can be resumed
	ActionApprove Action = "approve" // open the gate of the wave, as soon as its bake is over and its checks pass
	ActionAbort   Action = "abort"   // as pause, but for good
	ActionSkip    Action = "skip"    // leave tenants alone that are not being migrated
)

// Only for the record: each is a run of its own, and asks nothing of another process.
const (
	ActionResume   Action = "resume"
	ActionRetry    Action = "retry"
	ActionRollback Action = "rollback"
)

// Asked is the reason of a run that the command ends.
func (c *Command) Asked() string { return c.Who() + " asked for it" + c.Because() }

// Because ends a sentence with the reason given.
func (c *Command) Because() string {
	if c.Reason == "" {
		return ""
	}
	return ": " + c.Reason
}

// SkippedBy is the reason of a tenant that the command skips.
func (c *Command) SkippedBy() string { return "skipped by " + c.Who() + c.Because() }

// Who returns the operator, such as "eve on laptop".
func (c *Command) Who() string {
	if c.Host == "" {
		return c.User
	}
	return c.User + " on " + c.Host
}
