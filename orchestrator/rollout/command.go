package rollout

import (
	"time"
)

// Command is what an operator asked of a rollout, and at the same time its line in the audit log. Commands are
// appended to the store by whatever process the operator is at, and are never changed; a running rollout
// polls for them. What came of one is in the facts: see [Commanded].
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

// Action is what an operator can ask.
type Action string

// Asked of a rollout that may be running.
const (
	ActionPause   Action = "pause"   // begin no more tenants, let the running ones finish, and stop until somebody resumes
	ActionApprove Action = "approve" // open the closed gate of the wave, as soon as all else holds
	ActionAbort   Action = "abort"   // as pause, but for good
	ActionSkip    Action = "skip"    // leave tenants alone that are not under work
)

// Only for the record: each is a run of its own, which asks nothing of another process.
const (
	ActionResume   Action = "resume"
	ActionRetry    Action = "retry"
	ActionRollback Action = "rollback"
)

// Asked is the reason of a run that ends by the command.
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

// Who names the operator.
func (c *Command) Who() string {
	if c.Host == "" {
		return c.User
	}
	return c.User + " on " + c.Host
}
