package orchestrator

import (
	"runtime"
	"time"

	"github.com/skeindb/skein/engine/revision"
)

// Policy says how carefully a fleet is changed. The zero value is the documented default of each field.
type Policy struct {
	Concurrency    int           // most tenants at once over the whole fleet; 0 = auto: what the servers bear
	PerServer      int           // most tenants at once on one server; default 16
	Retry          Retry         // of transient errors
	ServerPatience time.Duration // how long a server that is gone, restarting or full is probed; default 5 min
	OnFailure      OnFailure     // default Halt
	MaxFailures    Budget        // failures that are borne without halting; default none
	Waves          []WaveSpec    // in order; empty = one wave of all, named "all"
}

// OnFailure says what a failed tenant means for the others.
type OnFailure string

const (
	Halt     OnFailure = "halt"     // stop dispatching once failures exceed the budget, and drain
	Continue OnFailure = "continue" // never halt for failures
)

// WaveSpec is a group of tenants that goes before the next. Waves by selector, count and share, and the
// gates between them, come with the next step; today a policy has none and the plan one wave.
type WaveSpec struct {
	Name string
}

const (
	defaultPerServer = 16
	defaultPatience  = 5 * time.Minute

	// autoWidth is where a server begins when nobody says how wide it is: PostgreSQL's throughput for DDL
	// is flat from 8 connections on, on few cores. It grows from there where that makes it faster: see pace.
	autoWidth = 8

	// autoFiles is the same for SQLite's files on few cores: some wait for the disk while others think.
	autoFiles = 4
)

// withDefaults puts the documented default into each field that is zero.
func (p Policy) withDefaults() Policy {
	if p.PerServer <= 0 {
		p.PerServer = defaultPerServer
	}
	if p.ServerPatience <= 0 {
		p.ServerPatience = defaultPatience
	}
	if p.OnFailure == "" {
		p.OnFailure = Halt
	}
	p.Retry = p.Retry.withDefaults()
	return p
}

// startWidth is how many tenants at once a server is given at first. The files of SQLite count as one.
func (p Policy) startWidth(d revision.Dialect) int {
	switch {
	case p.Concurrency > 0:
		return min(p.Concurrency, p.PerServer) // somebody has said what the servers bear
	case d == revision.SQLite:
		return min(max(autoFiles, 2*runtime.GOMAXPROCS(0)), p.PerServer)
	}
	return min(autoWidth, p.PerServer)
}
