package plan

import (
	"runtime"
	"slices"
	"time"

	"github.com/skeindb/skein/engine/revision"
	"github.com/skeindb/skein/tenant"
)

// Policy is how carefully a fleet is changed. The zero value is the documented default of each field.
type Policy struct {
	Concurrency    int           // most tenants at once over the whole fleet; 0 = auto: what the servers can take
	PerServer      int           // most tenants at once on one server; default 16
	Retry          Retry         // of transient errors
	ServerPatience time.Duration // how long a server that is gone, restarting, full or frozen is probed without a break, and a fleet that cannot be listed is tried; default 5 min
	OnFailure      OnFailure     // default OnFailureHalt
	MaxFailures    Budget        // failures of a wave that do not halt the rollout; default none
	Tolerance      Tolerance     // whether running tenants may overshoot MaxFailures; default ToleranceSoft
	Systemic       int           // this many failures in a row with the same error halt at once; default 10; negative = never
	Waves          []WaveSpec    // in order; empty = one wave of all, named "all"
	HideValues     bool          // values of rows that servers and gates quote are neither stored nor shown; webhooks never get them
	Pins           []Pin         // tenants that are held back; the first that matches counts
}

// OnFailure is what a failed tenant means for the others.
type OnFailure string

const (
	OnFailureHalt     OnFailure = "halt"     // stop dispatching once failures exceed the budget, and drain
	OnFailureContinue OnFailure = "continue" // never halt for failures
)

// Tolerance is how exactly the budget is kept while several tenants run.
type Tolerance string

const (
	ToleranceSoft   Tolerance = "soft"   // the tenants that run when the budget is used up may fail, too
	ToleranceStrict Tolerance = "strict" // at most one more tenant runs than may fail: the budget is never exceeded by more than one
)

// WaveSpec is which tenants are migrated before the next wave, and what must hold after them. A tenant belongs to the first
// wave that takes it; those that none takes are a last wave, named "rest", or "rest-2" if that exists. A selector, with its
// sample and limit, applies to all tenants of the rollout; those that an earlier wave has are then left out.
type WaveSpec struct {
	Name    string          // not empty, unique
	Tenants tenant.Selector // the zero value means all that are left
	Size    Size            // how many of those, in the order of [tenant.HashOrder]; the zero value means all
	Order   Order           // in which the wave's tenants are migrated
	Gate    Gate

	// AllowEmpty opens the gate when no tenant of the wave stands at the target and none failed: the wave took none, or all
	// are frozen, skipped or gone. By default such a gate is inconclusive, or asks for its approval.
	AllowEmpty bool
}

// Order is the order within a wave: one of the constants, or "label:KEY" for the values of a label, in which
// numbers are compared as such: ring-2 comes before ring-10. Tenants without the label, or of unknown size, come
// last; those that are equal are in the order of [tenant.HashOrder].
type Order string

const (
	OrderByHash     Order = ""      // pseudo-random, the same every time, and even over servers
	OrderSmallFirst Order = "small" // by size: see [Member]
	OrderLargeFirst Order = "large" // the reverse
)

// Pin holds tenants back, for a reason and usually for a time. It either freezes or has a target. A rollback ignores pins: it
// touches only what its rollout has changed.
type Pin struct {
	Tenants tenant.Selector
	Freeze  bool      // they are skipped
	Target  string    // instead of the rollout's target, in an upgrade; tenants beyond it stay where they are
	Reason  string    // shown where the pin counts
	Until   time.Time // the pin ends here; zero = never
}

const (
	defaultPerServer = 16
	defaultPatience  = 5 * time.Minute

	// autoWidth is how many tenants run at once on a server at first unless the policy has a number: PostgreSQL's throughput
	// for DDL does not rise beyond 8 connections, on few cores. It grows from there while that makes it faster.
	autoWidth = 8

	// autoFiles is the same for SQLite files on few cores: some wait for the disk while others compute.
	autoFiles = 4

	defaultSystemic = 10
)

// WithDefaults sets each field that is zero to its documented default.
func (p Policy) WithDefaults() Policy {
	if p.PerServer <= 0 {
		p.PerServer = defaultPerServer
	}
	if p.ServerPatience <= 0 {
		p.ServerPatience = defaultPatience
	}
	if p.OnFailure == "" {
		p.OnFailure = OnFailureHalt
	}
	if p.Tolerance == "" {
		p.Tolerance = ToleranceSoft
	}
	if p.Systemic == 0 {
		p.Systemic = defaultSystemic
	}
	p.Retry = p.Retry.WithDefaults()
	return p
}

// NeedsSizes reports whether a wave is in the order of size, so that each [Member] needs its Size.
func (p Policy) NeedsSizes() bool {
	return slices.ContainsFunc(p.Waves, func(w WaveSpec) bool { return w.Order.sized() })
}

// StartConcurrency returns how many tenants run at once on a server at first. All SQLite files count as one server.
func (p Policy) StartConcurrency(d revision.Dialect) int {
	switch {
	case p.Concurrency > 0:
		return min(p.Concurrency, p.PerServer) // the policy says what the servers can take
	case d == revision.SQLite:
		return min(max(autoFiles, 2*runtime.GOMAXPROCS(0)), p.PerServer)
	}
	return min(autoWidth, p.PerServer)
}

// Breaks reports whether equal failures in a row halt the rollout or block a server.
func (p *Policy) Breaks() bool { return p.Systemic > 0 && p.OnFailure != OnFailureContinue }

// GateOf returns the gate of the wave of that name; nil when the policy has no such wave.
func (p *Policy) GateOf(wave string) *Gate {
	i := slices.IndexFunc(p.Waves, func(w WaveSpec) bool { return w.Name == wave })
	if i < 0 {
		return nil
	}
	return &p.Waves[i].Gate
}
