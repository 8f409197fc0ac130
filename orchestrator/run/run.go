package run

import (
	"context"
	"errors"
	"fmt"

	"github.com/skeindb/skein/engine"
	"github.com/skeindb/skein/engine/revision"
	"github.com/skeindb/skein/orchestrator/plan"
	"github.com/skeindb/skein/orchestrator/rollout"
	"github.com/skeindb/skein/tenant"
)

// Applier changes one tenant; *engine.Engine is one. It is called from many goroutines at once, for one
// tenant never twice at a time.
type Applier interface {
	Apply(ctx context.Context, job engine.Job) (engine.Result, error)
}

// Prober finds out whether a server that went away is there again: a connection to database is opened
// and closed.
type Prober interface {
	Probe(ctx context.Context, server, database string) error
}

// Store is where a run keeps its facts, and finds what operators ask of it; a [rollout.FullStore] is one.
type Store interface {
	rollout.Store
	rollout.Commands
}

// Config is what a run needs. Plan, Engine, Graph and Store are required.
type Config struct {
	Plan   *plan.Runnable  // of [plan.New] or [plan.NewRollback]; of [plan.Resume] when Earlier is set
	Policy plan.Policy     // the zero value is the default
	Engine Applier         // must allow what the plan was made to allow: see Options
	Graph  *revision.Graph // of the plan; to say where a tenant stands that stopped half way
	Store  Store           // where the plan and the facts go

	Earlier   []rollout.Event         // the rollout's facts so far, as Store.Load returned them, may be empty; nil for a first run, which stores the plan
	Lease     rollout.Lease           // the fleet's lock; when it is lost the run halts; nil = none to watch. The caller releases it
	Holder    rollout.Holder          // who runs this: Host, PID and User are recorded
	Prober    Prober                  // nil: a server that went away is tried again with a tenant
	Watcher   Watcher                 // nil: tenants being migrated are not watched from another connection
	Observers []rollout.Observer      // shown what happens
	Drain     <-chan struct{}         // closed: dispatch no more and let the running tenants finish; nil = never
	Data      func(tenant.Tenant) any // what templates see; called by the tenant's worker; nil = nothing

	Options  plan.Rules       // with which the plan was made
	Querier  plan.Querier     // for gates that query tenants; nil = such a gate is inconclusive
	NoWait   bool             // end the run where it would wait for an approval
	Command  *rollout.Command // what an operator asked that made this run, for the record: a resume, a retry or a rollback. It is stored, unless it has a number and so is stored already; nil = nothing to record
	Surveyor Surveyor         // where tenants of later waves, and those that join, stand; needed with Discover
	Screener Screener         // screens what is planned during the run, as [Screen] does with a plan; nil = it is not screened

	// Discover lists the whole fleet again, at each wave but a run's first, and before the end. A
	// *tenant.GuardError halts the rollout at once; other errors are tolerated for Policy.ServerPatience. Before the
	// end, when all is done, an error is only warned of. Surveyor must be set with it. Nil = the fleet does not move.
	Discover func(context.Context) ([]tenant.Tenant, error)
	// DiscoverAway is asked when Discover has failed for Policy.ServerPatience: it lists the fleet with the tenants that
	// the plan has on servers that cannot be reached. Nil, or where it fails too, the rollout halts.
	DiscoverAway func(context.Context) ([]tenant.Tenant, error)
	// Joins reports whether a tenant that was not in the fleet before belongs to the rollout: it joins the last
	// wave. Nil = none does.
	Joins func(tenant.Tenant) bool
}

// Run carries a plan out and returns what came of it.
//
// A halt, for whatever reason, means that no more tenants are begun and that those running may finish;
// only when ctx ends are they cancelled. The report is nil when nothing could be begun: then no tenant was
// touched. An error beside a report means that the store does not have all of its facts; the tenants and
// the report are right nevertheless, and a resume asks the tenants.
//
// After a wave comes its gate, see [plan.Gate]: whether there is one is decided by the plan, and what it checks by the
// present Policy. A run handles the commands that operators send by [rollout.Commands], within about a second. A resumed
// run first handles those that it finds at its start, except for a pause, which was meant for an earlier run.
func Run(ctx context.Context, cfg Config) (*rollout.Report, error) {
	report := &rollout.Report{}
	for _, e := range cfg.Earlier {
		report.Apply(e)
	}
	if err := cfg.check(report); err != nil {
		return nil, err
	}
	if cfg.Policy.HideValues {
		cfg.Plan = cfg.Plan.WithoutValues()
	}
	if cfg.Earlier == nil {
		if err := cfg.Store.Create(ctx, cfg.Plan.Stored()); err != nil {
			return nil, fmt.Errorf("store the rollout: %w", err)
		}
	}
	commands, err := cfg.commands(ctx, report)
	if err != nil {
		return nil, fmt.Errorf("the rollout's commands: %w", err)
	}
	cfg.Plan, cfg.Policy = cfg.Plan.Copy(), cfg.Policy.WithDefaults() // waves change while the fleet moves; the caller's plan does not
	audience := newAudience(cfg.Observers)
	r := &runner{
		Config: cfg, ctx: ctx, report: report, seq: report.Seq, journal: newJournal(ctx, cfg.Store, audience),
		jobs: make(chan job), answers: make(chan answer, 64), probed: make(chan probe, 1), observed: make(chan observation, 1),
		stopping: cfg.Drain, cancelled: ctx.Done(), begun: begun(cfg.Earlier), finished: report.State == rollout.StateFinished,
	}
	r.run(commands)
	err = r.journal.close()
	audience.close(ctx)
	return report, err
}

// begun are the tenants that may have been touched by runs which did not live, or could not, to say what became of them.
func begun(earlier []rollout.Event) map[string]bool {
	open := map[string]bool{}
	for _, e := range earlier {
		switch f := e.Fact.(type) {
		case rollout.TenantsDispatched:
			for _, id := range f.Tenants {
				open[id] = true
			}
		case rollout.TenantFinished:
			if f.Outcome != plan.OutcomeUncertain {
				delete(open, f.Tenant)
			}
		}
	}
	return open
}

// commands stores the run's own command, and returns those that are to be taken in at its start.
func (c *Config) commands(ctx context.Context, report *rollout.Report) ([]rollout.Command, error) {
	own := c.Command
	if own == nil && c.Earlier == nil {
		return nil, nil // no operator could know of it yet
	}
	if own != nil && own.Seq == 0 {
		if _, err := c.Store.Send(ctx, *own); err != nil {
			return nil, err
		}
	}
	return rollout.PendingCommands(ctx, c.Store, c.Plan.Rollout, report)
}

func (c *Config) check(earlier *rollout.Report) error {
	switch {
	case c.Plan == nil, c.Engine == nil, c.Graph == nil, c.Store == nil:
		return errors.New("a run needs a plan, an upgrader, a graph and a store")
	case c.Discover != nil && c.Surveyor == nil:
		return errors.New("a run that discovers tenants needs a surveyor to ask them where they stand")
	case earlier.State == rollout.StateAborted:
		return plan.Aborted(c.Plan.Rollout, c.Plan.Kind, earlier.Reason)
	}
	return c.checkGates(earlier)
}

// checkGates makes sure that what the plan promises to ask can be asked.
func (c *Config) checkGates(earlier *rollout.Report) error {
	for i := range c.Plan.Waves {
		w := &c.Plan.Waves[i]
		if !gatePending(c.Plan, w, earlier) {
			continue
		}
		if gate := c.Policy.GateOf(w.Name); gate == nil || gate.IsZero() {
			return noGate(c.Plan.Rollout, w.Name, gate == nil)
		}
	}
	return nil
}

// runner is one run. Its loop is the only writer of all that is here; workers, probes, meters and the like are
// goroutines of it that get values and send values.
type runner struct {
	Config
	ctx           context.Context
	report        *rollout.Report
	seq           int64
	journal       *journal
	poller        *commandPoller
	wave          *wave
	phase         phase
	reached       int             // index of the last wave of the plan that was begun; -1 = none
	gatesNotAsked []string        // waves whose gates had nothing to be asked about
	rounds        int             // of tenants that came late
	fleet         []tenant.Tenant // as it was listed last
	halt          halt
	done          map[int32][]string        // steps committed by tries that did not reach the end; by task
	notices       map[int32][]engine.Notice // of those tries
	streak        streak                    // failures of the fleet
	lost          bool                      // see [rollout.StoreLostError]
	finished      bool                      // the rollout had finished before: no tenant joins it any more
	begun         map[string]bool           // tenants that earlier runs named and did not end

	unlisted map[string]bool // tenants of which it was warned that no source lists them

	stopping  <-chan struct{} // Stop; nil once it was heard
	cancelled <-chan struct{} // of ctx; nil once it was heard

	workers   int
	jobs      chan job
	answers   chan answer
	probed    chan probe
	probes    int // under way
	observed  chan observation
	observing int // under way
	probing   context.Context
	endProbes context.CancelFunc
}

// halt is why nothing more is begun; the zero value: nothing of the kind.
type halt struct {
	state    rollout.State
	reason   string
	redacted string // reason without values of rows; "" = it has none
}

// stop notes why nothing more is begun. What people asked for outweighs what happened, and that it was for good
// outweighs all; else the first reason stands.
func (r *runner) stop(state rollout.State, reason string) { r.stopQuoting(state, reason, "") }

// stopQuoting is stop for a reason that quotes what others wrote; redacted is the reason without values of rows.
func (r *runner) stopQuoting(state rollout.State, reason, redacted string) {
	if !state.Outweighs(r.halt.state) {
		return
	}
	if r.halt.reason != "" {
		redacted = rollout.RedactedOr(redacted, reason) + "; before that: " + rollout.RedactedOr(r.halt.redacted, r.halt.reason)
		reason += "; before that: " + r.halt.reason
	}
	if redacted == reason {
		redacted = ""
	}
	r.halt = halt{state, reason, redacted}
}

func (r *runner) opening() rollout.Started {
	f := rollout.Opening(r.Plan.Stored(), r.report.Run+1, r.Holder)
	for i := range r.Plan.Waves {
		f.Width = max(f.Width, r.width(&r.Plan.Waves[i]))
	}
	return f
}

// width is how many tenants of a wave are running at once at its start.
func (r *runner) width(w *plan.Wave) int {
	seen := map[string]bool{}
	width := 0
	for i := range w.Items {
		t := w.Items[i].Tenant.Location
		if !seen[t.Server] && r.Plan.Cohorts[w.Items[i].Cohort].Action == plan.ActionMigrate {
			seen[t.Server] = true
			width += r.Policy.StartConcurrency(t.Dialect)
		}
	}
	if most := r.Policy.Concurrency; most > 0 {
		width = min(width, most)
	}
	if r.Policy.Tolerance == plan.ToleranceStrict && r.Policy.OnFailure == plan.OnFailureHalt {
		width = min(width, r.Policy.MaxFailures.Of(w.Planned)+1)
	}
	return width
}

// emit makes a fact known: numbered, folded, on its way into the store.
func (r *runner) emit(f rollout.Fact) { r.publish(f, false) }

// emitNow is emit for a fact that is waited for: it is committed at once.
func (r *runner) emitNow(f rollout.Fact) { r.publish(f, true) }

func (r *runner) publish(f rollout.Fact, urgent bool) {
	f = r.allowed(f)
	r.seq++
	e := rollout.Event{Rollout: r.Plan.Rollout, Seq: r.seq, Time: rollout.Now(), Fact: f}
	r.report.Apply(e)
	r.journal.add(e, urgent)
}

// tick shows something that is not worth storing.
func (r *runner) tick(f rollout.Fact) {
	e := rollout.Event{Rollout: r.Plan.Rollout, Time: rollout.Now(), Fact: r.allowed(f)}
	r.report.Apply(e)
	if len(r.Observers) > 0 {
		r.journal.add(e, false)
	}
}

// allowed is the fact as the policy allows it to be stored and shown.
func (r *runner) allowed(f rollout.Fact) rollout.Fact {
	if r.Policy.HideValues {
		return rollout.FactWithoutValues(f)
	}
	return f
}
