package plan

import (
	"context"
	"time"

	"github.com/skeindb/skein/engine"
	"github.com/skeindb/skein/tenant"
)

// Gate is what must hold after a wave before the next one begins: checks that pass while the wave bakes, and then an
// approval. The zero value is an open gate.
//
// The bake is counted from when the last tenant of the wave was upgraded, in whichever run, by the wall clock, also while
// no process runs the rollout. Each check is measured at once, then every Interval until the bake is over, and its last
// measure must pass: a check that does not pass when the bake is over is measured again until it passes or reaches a
// limit. A check that fails halts the rollout; one that is inconclusive pauses it. A resumed rollout asks the gate again.
//
// A gate does not open by itself when no tenant of its wave stands at the target, see [WaveSpec.AllowEmpty], unless no
// later wave has work. Tenants that are dropped, renamed, recreated or restored while it is closed are not asked any more.
type Gate struct {
	Bake     time.Duration // how long the wave is watched; 0 = only until each check has passed once
	Checks   []Check       // measured side by side
	Approval bool          // it must be approved, after the checks
}

// IsZero reports whether the gate is open.
func (g *Gate) IsZero() bool { return g.Bake <= 0 && len(g.Checks) == 0 && !g.Approval }

// Check is measured repeatedly while a gate is closed.
//
// Each measure is a fact, except for one that passes with the same evidence as the one before: those are stored once a
// minute, so that a long bake does not fill the store.
type Check struct {
	Name         string        // unique in its gate, shown and stored
	Meter        Meter         // takes the measures
	Interval     time.Duration // between the end of one measure and the beginning of the next; default 30 s
	Timeout      time.Duration // of one measure, which is then inconclusive; default 10 s
	Failures     int           // measures that may fail without failing the gate; default 0
	Inconclusive int           // measures in a row that may be inconclusive without pausing the rollout; default 3; negative = none
}

// Meter takes one measure. It is called from one goroutine at a time, and returns when ctx ends. Its own errors, such as a
// server that does not answer, are measures with [VerdictInconclusive].
type Meter interface {
	Measure(ctx context.Context, subject Subject) Measure
}

// Subject is what a measure is about.
type Subject struct {
	Rollout string
	Fleet   string
	Target  string
	Wave    string
	Tenants []tenant.Tenant // those of the wave that stand at the target, sorted by id
	Asker   Querier         // of run.Config; nil when there is none
}

// Querier puts a query to tenants; *engine.Engine is one.
type Querier interface {
	QueryEach(ctx context.Context, targets []engine.Location, query string) []engine.QueryResult
}

// Measure is one answer of a check.
type Measure struct {
	Verdict  Verdict
	Evidence string   // one line: what was measured
	Redacted string   // Evidence without values of rows; "" = it has none
	Tenants  []string // ids of those that did not pass, at most ten
}

// Verdict is what a measure or a gate says.
type Verdict string

const (
	VerdictPass         Verdict = "pass"         // the gate opens
	VerdictFail         Verdict = "fail"         // the rollout halts
	VerdictInconclusive Verdict = "inconclusive" // the rollout pauses
)

// GatePlan is a gate in a plan: what must hold, without how it is measured.
type GatePlan struct {
	Bake     time.Duration `json:"bake"`     // nanoseconds
	Checks   []string      `json:"checks"`   // names
	Approval bool          `json:"approval"` // whether it must be approved
}

// plan returns the gate for a plan; nil when it is open.
func (g *Gate) plan() *GatePlan {
	if g.IsZero() {
		return nil
	}
	p := &GatePlan{Bake: g.Bake, Checks: []string{}, Approval: g.Approval}
	for _, c := range g.Checks {
		p.Checks = append(p.Checks, c.Name)
	}
	return p
}

// WithDefaults sets each field that is zero to its documented default.
func (c Check) WithDefaults() Check {
	if c.Interval <= 0 {
		c.Interval = defaultInterval
	}
	if c.Timeout <= 0 {
		c.Timeout = defaultTimeout
	}
	switch {
	case c.Inconclusive == 0:
		c.Inconclusive = defaultInconclusive
	case c.Inconclusive < 0:
		c.Inconclusive = 0
	}
	return c
}

const (
	defaultInterval     = 30 * time.Second
	defaultTimeout      = 10 * time.Second
	defaultInconclusive = 3
)
