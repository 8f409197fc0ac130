package plan

import (
	"context"
	"time"

	"github.com/skeindb/skein/engine"
	"github.com/skeindb/skein/tenant"
)

// Gate is what must hold after a wave before the next one begins: checks that pass while the wave bakes, and
// then somebody's word. The zero value is an open gate.
//
// The bake is counted from when the last tenant of the wave was upgraded, in whichever run, by the clock on the wall,
// also while no process watches: the tenants are in use meanwhile. Each check is measured at once, then every Interval
// until the bake is over, and its last measure must be a pass: one that does not pass when the bake is over is measured
// on, until it does or reaches a limit. A check that fails halts the rollout; one that cannot tell pauses it. When the
// rollout is taken up again the gate is asked afresh.
//
// A gate does not open by itself where no tenant of its wave stands where it should, see [WaveSpec.AllowEmpty], unless
// nothing is to be done behind it. Tenants that are dropped, renamed, made again or restored while it is closed are not asked any more.
type Gate struct {
	Bake     time.Duration // how long the wave is watched; 0 = only until each check has passed once
	Checks   []Check       // measured side by side
	Approval bool          // somebody must approve, after the checks
}

// IsZero reports whether the gate is open.
func (g *Gate) IsZero() bool { return g.Bake <= 0 && len(g.Checks) == 0 && !g.Approval }

// Check is a question that is asked again and again while a gate is closed.
//
// Each measure is a fact, but for one that passes and says the same as the one before it: such are stored once a
// minute, so that a long bake does not fill the store with good news.
type Check struct {
	Name         string        // unique in its gate, shown and stored
	Meter        Meter         // asks it
	Interval     time.Duration // between the end of one measure and the beginning of the next; default 30 s
	Timeout      time.Duration // of one measure, which then says nothing; default 10 s
	Failures     int           // measures that may fail without failing the gate; default 0
	Inconclusive int           // measures in a row that may say nothing without pausing the rollout; default 3; negative = none
}

// Meter takes one measure. It is called from one goroutine at a time. An error of its own, such as a
// server that does not answer, is a Measure that is [VerdictInconclusive]; when ctx ends it returns.
type Meter interface {
	Measure(ctx context.Context, subject Subject) Measure
}

// Subject is what a measure is about.
type Subject struct {
	Rollout string
	Fleet   string
	Target  string
	Wave    string
	Tenants []tenant.Tenant // those of the wave that stand where the rollout wanted them, sorted by id
	Asker   Querier         // of RunConfig; nil when there is none
}

// Querier puts a query to tenants; *engine.Engine is one.
type Querier interface {
	QueryEach(ctx context.Context, targets []engine.Location, query string) []engine.QueryResult
}

// Measure is one answer of a check.
type Measure struct {
	Verdict  Verdict
	Evidence string   // one line for people and the record: what was seen
	Redacted string   // Evidence without what may be values of rows; "" = it has none
	Tenants  []string // ids of those that did not pass, at most ten
}

// Verdict is what a measure or a gate says.
type Verdict string

const (
	VerdictPass         Verdict = "pass"         // go on
	VerdictFail         Verdict = "fail"         // halt
	VerdictInconclusive Verdict = "inconclusive" // nobody knows: pause
)

// GatePlan is a gate as a plan has it: what must hold, without how it is asked.
type GatePlan struct {
	Bake     time.Duration `json:"bake"`     // nanoseconds
	Checks   []string      `json:"checks"`   // names
	Approval bool          `json:"approval"` // whether somebody must approve
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

// WithDefaults puts the documented default into each field that is zero.
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
