package plan

import (
	"runtime"
	"slices"
	"time"

	"github.com/skeindb/skein/engine/revision"
	"github.com/skeindb/skein/tenant"
)

// Policy says how carefully a fleet is changed. The zero value is the documented default of each field.
type Policy struct {
	Concurrency    int           // most tenants at once over the whole fleet; 0 = auto: what the servers bear
	PerServer      int           // most tenants at once on one server; default 16
	Retry          Retry         // of transient errors
	ServerPatience time.Duration // how long a server that is gone, restarting, full or frozen is probed, in one stretch, and a fleet that cannot be listed is asked for; default 5 min
	OnFailure      OnFailure     // default Halt
	MaxFailures    Budget        // failures of a wave that are borne without halting; default none
	Tolerance      Tolerance     // whether running tenants may overshoot MaxFailures; default Soft
	Systemic       int           // so many failures in a row with the same error halt at once; default 10; negative = never
	Waves          []WaveSpec    // in order; empty = one wave of all, named "all"
	HideValues     bool          // what servers and gates quote of rows is neither stored nor shown; webhooks never get it
	Pins           []Pin         // tenants that are held back; the first that matches counts
}

// OnFailure says what a failed tenant means for the others.
type OnFailure string

const (
	OnFailureHalt     OnFailure = "halt"     // stop dispatching once failures exceed the budget, and drain
	OnFailureContinue OnFailure = "continue" // never halt for failures
)

// Tolerance says how exactly the budget is kept while tenants are under work side by side.
type Tolerance string

const (
	ToleranceSoft   Tolerance = "soft"   // the tenants under work when the budget is used up may fail, too
	ToleranceStrict Tolerance = "strict" // no more tenants at once than may fail and one: the budget is never exceeded by more than one
)

// WaveSpec says which tenants go before the next wave, and what must hold after them. A tenant belongs to the
// first wave that takes it; those that none takes are a last wave, named "rest", or "rest-2" where there is one.
// A selector is asked of all tenants of the rollout, its sample and limit too, and those that an earlier wave has
// are then left out.
type WaveSpec struct {
	Name    string          // not empty, unique
	Tenants tenant.Selector // the zero value means all that are left
	Size    Size            // how many of those, in the order of [tenant.HashOrder]; the zero value means all
	Order   Order           // in which the wave's tenants are taken up
	Gate    Gate

	// AllowEmpty opens the gate where no tenant of the wave stands where it should and none failed: the wave took none, or
	// all are frozen, skipped or gone. By default such a gate is inconclusive, or asks for its approval.
	AllowEmpty bool
}

// Order is the order within a wave: one of the constants, or "label:KEY" for the values of a label, in which
// numbers are compared as such: ring-2 comes before ring-10. Tenants without the label, or of unknown size, come
// last; those that are equal are in the order of [tenant.HashOrder].
type Order string

const (
	OrderByHash     Order = ""      // as good as random, the same every time, and even over servers
	OrderSmallFirst Order = "small" // by the size that the database tells
	OrderLargeFirst Order = "large"
)

// Pin holds tenants back, for a reason and mostly for a time. It either freezes or has a target. A rollback, which
// touches only what its rollout has changed, knows no pins.
type Pin struct {
	Tenants tenant.Selector
	Freeze  bool      // they are skipped
	Target  string    // where they go instead of the rollout's target, in an upgrade; those beyond it stay where they are
	Reason  string    // shown wherever the pin counts
	Until   time.Time // the pin ends here; zero = never
}

const (
	defaultPerServer = 16
	defaultPatience  = 5 * time.Minute

	// autoWidth is where a server begins when nobody says how wide it is: PostgreSQL's throughput for DDL
	// is flat from 8 connections on, on few cores. It grows from there where that makes it faster: see pace.
	autoWidth = 8

	// autoFiles is the same for SQLite's files on few cores: some wait for the disk while others think.
	autoFiles = 4

	defaultSystemic = 10
)

// WithDefaults puts the documented default into each field that is zero.
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

// StartConcurrency is how many tenants at once a server is given at first. The files of SQLite count as one.
func (p Policy) StartConcurrency(d revision.Dialect) int {
	switch {
	case p.Concurrency > 0:
		return min(p.Concurrency, p.PerServer) // somebody has said what the servers bear
	case d == revision.SQLite:
		return min(max(autoFiles, 2*runtime.GOMAXPROCS(0)), p.PerServer)
	}
	return min(autoWidth, p.PerServer)
}

// Breaks reports whether failures that look alike stop anything.
func (p *Policy) Breaks() bool { return p.Systemic > 0 && p.OnFailure != OnFailureContinue }

// GateOf returns the gate of the wave of that name; nil when the policy has no such wave.
func (p *Policy) GateOf(wave string) *Gate {
	i := slices.IndexFunc(p.Waves, func(w WaveSpec) bool { return w.Name == wave })
	if i < 0 {
		return nil
	}
	return &p.Waves[i].Gate
}
