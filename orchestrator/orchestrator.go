package orchestrator

import (
	"context"
	"errors"
	"fmt"
	"sync"

	"github.com/skeindb/skein/engine"
	"github.com/skeindb/skein/orchestrator/control"
	"github.com/skeindb/skein/orchestrator/plan"
	"github.com/skeindb/skein/orchestrator/rollout"
	"github.com/skeindb/skein/orchestrator/run"
	"github.com/skeindb/skein/orchestrator/store"
	"github.com/skeindb/skein/tenant"
)

// Config says which fleet is migrated, how, and where that is remembered. Fleet, Engine and Sources are required.
type Config struct {
	Fleet  string         // its name: the key of its lock and of its rollouts in the store
	Engine *engine.Engine // has the revisions, what shares a transaction, and whether changed revisions are allowed

	// Sources list the tenants. They are asked when a rollout is planned, before each of its waves, and before its end.
	Sources []tenant.Source
	// SourcesFor is called in place of Sources, with the selector of the tenants that are wanted: what lists none of them
	// need not be asked. Nil = Sources.
	SourcesFor func(context.Context, tenant.Selector) ([]tenant.Source, error)
	Guards     tenant.Guards // refuse a fleet that is suspiciously small; Known is filled in from the store

	Store  control.Store // remembers rollouts and has the fleet's lock; default: in memory, for as long as the Orchestrator lives
	Policy plan.Policy   // waves, gates, limits, retries; the zero value is the default of each

	KeepDowngrades bool           // upgrades keep the downgrade sections of what they apply in the store, for a rollback without the files
	Settings       []plan.Setting // what else decides what happens, stored with plans; see [plan.Plan.Differences]

	Data    func(tenant.Tenant) any // what templates see of a tenant; nil = nothing
	Servers Servers                 // of a dialect that has servers: *postgres.DB; nil for files

	// Register makes a server known that tenants of a stored plan bring along and no configuration has; nil = such servers are
	// known as soon as the sources list their tenants.
	Register func(server string) error

	Observers []rollout.Observer                 // shown what happens in each run
	Begin     func(Beginning) []rollout.Observer // returns more observers, which need to know what begins; nil = there are none
	Warn      func(message string)               // called with what people should know and what stops nothing, one at a time; nil = dropped
	Waiting   func(message string)               // called with what a rollout waits for before it can begin; nil = Warn

	Listed func([]tenant.Tenant) // called with the tenants that the sources list, each time they were asked, whichever of them are selected; nil = not called

	Holder    rollout.Holder  // who runs this: host, process, user; default: this process
	Drain     <-chan struct{} // closed: runs dispatch no more tenants and let the running ones finish; nil = never
	NoWait    bool            // end a run where it would wait for an approval
	Terminate bool            // end what a dead run left at work on the servers, in place of waiting for it
}

// Beginning is what is about to be shown to observers.
type Beginning struct {
	Plan      *plan.Plan
	Earlier   []rollout.Event // facts of the rollout's earlier runs; nil for a first run
	Rehearsal *Rehearsal      // of a rehearsal: filled while it runs, complete when [Orchestrator.Rehearse] returns; nil = it is none
	NoRun     bool            // no run begins: commands are handled for a rollout that no process runs
}

// Servers is what an Orchestrator asks of database servers beside the tenants on them.
type Servers interface {
	run.Prober
	run.Watcher

	// ServerNames returns the servers of the configuration.
	ServerNames() []string
	// Know notes who the tenants are, all of them.
	Know(tenants []engine.Location)
	// Backends lists the sessions of an application on a server that are at work, without those of this process.
	Backends(ctx context.Context, server, application string) ([]engine.Backend, error)
	// Terminate ends a session. One that is gone already is no error.
	Terminate(ctx context.Context, server string, pid uint32) error
	// Sessionless returns the first server on which a revision outside a transaction cannot run, since only a pooler is
	// known in front of it; "" = there is none.
	Sessionless() string
}

// Orchestrator plans, runs and steers the rollouts of a fleet. It is safe for concurrent use, but runs of one fleet exclude
// each other: the second is a *[rollout.LockedError].
type Orchestrator struct {
	cfg     Config
	control *control.Controller
}

// New checks cfg and returns an Orchestrator. It does no I/O.
func New(cfg Config) (*Orchestrator, error) {
	switch {
	case cfg.Fleet == "":
		return nil, errors.New("orchestrator: the fleet has no name")
	case cfg.Engine == nil:
		return nil, errors.New("orchestrator: there is no engine")
	case cfg.SourcesFor == nil && len(cfg.Sources) == 0:
		return nil, errors.New("orchestrator: no source lists tenants")
	}
	if err := cfg.Policy.Check(); err != nil {
		return nil, fmt.Errorf("orchestrator: %w", err)
	}
	if cfg.Store == nil {
		cfg.Store = store.NewMemory()
	}
	cfg.Warn = serial(cfg.Warn)
	if cfg.Waiting == nil {
		cfg.Waiting = cfg.Warn
	}
	if cfg.Holder == (rollout.Holder{}) {
		cfg.Holder = control.ThisProcess()
	}
	o := &Orchestrator{cfg: cfg}
	o.control = control.New(control.Config{
		Fleet: cfg.Fleet, Store: cfg.Store, Holder: cfg.Holder, Warn: cfg.Warn,
		Observe: func(p *plan.Plan, before []rollout.Event) []rollout.Observer {
			return o.observers(Beginning{Plan: p, Earlier: before, NoRun: true})
		},
	})
	return o, nil
}

// observers are those of the configuration, and those that are made for what begins.
func (o *Orchestrator) observers(b Beginning) []rollout.Observer {
	var all []rollout.Observer
	if !b.NoRun && b.Rehearsal == nil {
		all = append(all, o.cfg.Observers...)
	}
	if o.cfg.Begin != nil {
		all = append(all, o.cfg.Begin(b)...)
	}
	return all
}

// Application returns the application_name under which the connections of a rollout are opened, so that a later run finds
// what a dead one left behind on a server: [postgres.Config.Application].
func Application(rolloutID string) string { return "skein/" + rolloutID }

// serial is a function that is called one at a time; nil does nothing.
func serial(warn func(string)) func(string) {
	if warn == nil {
		return func(string) {}
	}
	var mu sync.Mutex
	return func(message string) {
		mu.Lock()
		defer mu.Unlock()
		warn(message)
	}
}
