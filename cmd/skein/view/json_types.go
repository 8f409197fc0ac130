package view

import (
	"time"

	"github.com/skeindb/skein/engine"
	"github.com/skeindb/skein/orchestrator/plan"
	"github.com/skeindb/skein/orchestrator/rollout"
)

// The keys of the documents that commands print. docs/cli.md describes them; times are UTC, and arrays are never null.
type (
	// ReportDocument is a report: the last line of a stream, and the first part of `rollout show --json`.
	ReportDocument struct {
		Rollout   string               `json:"rollout"` // "" = of a rehearsal, which is not stored
		Type      plan.Kind            `json:"type"`
		Target    string               `json:"target"`
		State     rollout.State        `json:"state"`
		Reason    string               `json:"reason"`
		Exit      int                  `json:"exit"`
		Counts    map[plan.Outcome]int `json:"counts"` // has each outcome that can be final
		Failed    []FailedTenant       `json:"failed"`
		Uncertain []FailedTenant       `json:"uncertain"`
		Notices   []NoticeKind         `json:"notices"`
		Next      string               `json:"next"` // the command that continues it; "" = none
		Running   []RunningTenant      `json:"running,omitempty"`
		Rehearsal *RehearsalResult     `json:"rehearsal,omitempty"`
	}

	// FailedTenant is a tenant that failed, and why.
	FailedTenant struct {
		Tenant    string         `json:"tenant"`
		Revision  string         `json:"revision"`
		File      string         `json:"file"`
		Line      int            `json:"line"`
		Statement string         `json:"statement"`
		Class     engine.Class   `json:"class"`
		SQLState  string         `json:"sqlstate"`
		Error     string         `json:"error"`
		Hint      string         `json:"hint"`
		Cause     string         `json:"cause"` // equal where tenants failed for the same reason
		Context   string         `json:"context,omitempty"`
		Notices   []ServerNotice `json:"notices"`
	}

	// ServerNotice is a NOTICE or WARNING of a server.
	ServerNotice struct {
		Severity string `json:"severity"`
		SQLState string `json:"sqlstate"`
		Message  string `json:"message"`
		Cause    string `json:"cause"`
		Revision string `json:"revision"`
		File     string `json:"file"`
		Line     int    `json:"line"`
	}

	// NoticeKind is an example of notices that are the same, with the number of their tenants.
	NoticeKind struct {
		ServerNotice
		Tenants  int      `json:"tenants"`
		Examples []string `json:"examples"` // ids
	}

	// RunningTenant is a tenant that is being migrated.
	RunningTenant struct {
		Tenant   string        `json:"tenant"`
		Since    time.Time     `json:"since"`
		Attempt  int           `json:"attempt"`
		WaitsFor []LockSession `json:"waits_for"`
	}

	// TenantWait is a tenant that waits for other sessions.
	TenantWait struct {
		Tenant   string        `json:"tenant"`
		WaitsFor []LockSession `json:"waits_for"`
	}

	// LockSession is a session that a tenant waits for.
	LockSession struct {
		PID         uint32 `json:"pid"` // 0 = a prepared transaction
		Application string `json:"application"`
		User        string `json:"user"`
		State       string `json:"state"`
		AgeMS       int64  `json:"age_ms"`
		Query       string `json:"query"` // without values
	}

	// RehearsalResult is what only the report of a rehearsal has.
	RehearsalResult struct {
		Planned int               `json:"planned"` // tenants of the plan, rehearsed or not
		Locks   []RehearsedLock   `json:"locks"`
		Untried []UntriedRevision `json:"untried"`
	}

	// RehearsedLock is a lock that tenants took in a rehearsal.
	RehearsedLock struct {
		Object    string  `json:"object"`
		Mode      string  `json:"mode"`
		LongestMS float64 `json:"longest_ms"`
		Tenant    string  `json:"tenant"` // that held it longest
		Tenants   int     `json:"tenants"`
	}

	// UntriedRevision is a revision that a rehearsal could not try.
	UntriedRevision struct {
		Revision string `json:"revision"`
		Why      string `json:"why"`
	}

	// RolloutDocument is `rollout show --json`.
	RolloutDocument struct {
		ReportDocument
		Waves []WaveDocument  `json:"waves"`
		Audit []AuditDocument `json:"audit"`
	}

	// WaveDocument is a wave of a rollout.
	WaveDocument struct {
		Name    string               `json:"name"`
		Planned int                  `json:"planned"`
		State   string               `json:"state"` // as of [WaveState]
		Counts  map[plan.Outcome]int `json:"counts"`
		Joined  int                  `json:"joined"`
		Gate    *GateDocument        `json:"gate"` // null until it is asked
	}

	// GateDocument is the evidence of a gate.
	GateDocument struct {
		Verdict  plan.Verdict     `json:"verdict"`
		Reason   string           `json:"reason"`
		Bake     string           `json:"bake"`
		Closed   *time.Time       `json:"closed"`
		Until    *time.Time       `json:"until"`
		Approval bool             `json:"approval"`
		Waiting  bool             `json:"waiting"`
		Approved *CommandDocument `json:"approved"`
		Checks   []CheckDocument  `json:"checks"`
	}

	// CheckDocument is a check of a gate with its last measure.
	CheckDocument struct {
		Name     string       `json:"name"`
		Verdict  plan.Verdict `json:"verdict"`
		Evidence string       `json:"evidence"`
		Tenants  []string     `json:"tenants"`
		Passes   int          `json:"passes"`
		Failures int          `json:"failures"`
		Unknown  int          `json:"unknown"`
		At       *time.Time   `json:"at"`
	}

	// CommandDocument is a command of an operator.
	CommandDocument struct {
		Command int64          `json:"command"` // its number in the rollout
		Action  rollout.Action `json:"action"`
		Wave    string         `json:"wave"`
		Tenants []string       `json:"tenants"`
		Reason  string         `json:"reason"`
		User    string         `json:"user"`
		Host    string         `json:"host"`
		At      time.Time      `json:"at"`
	}

	// AuditDocument is an entry of `rollout audit --json`.
	AuditDocument struct {
		CommandDocument
		Rollout string     `json:"rollout"`
		Taken   *time.Time `json:"taken"`   // null until it is acknowledged or refused, as the next
		Refused *string    `json:"refused"` // "" = it was acknowledged
	}

	// ErrorDocument is what a command prints instead of its document when it fails.
	ErrorDocument struct {
		Error  Problem   `json:"error"`
		Errors []Problem `json:"errors,omitempty"` // all, where there are several
	}

	// Problem is one error as it is shown: apart are what to do and where it is.
	Problem struct {
		Message string `json:"message"`
		Hint    string `json:"hint"`
		File    string `json:"file"`
		Line    int    `json:"line"`
		Col     int    `json:"col"`
	}
)
