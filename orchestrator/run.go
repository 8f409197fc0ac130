package orchestrator

import (
	"context"
	"errors"
	"fmt"
	"time"

	"github.com/skeindb/skein/engine"
	"github.com/skeindb/skein/engine/revision"
	"github.com/skeindb/skein/tenant"
)

// Upgrader changes one tenant; *engine.Engine is one. It is called from many goroutines at once, for one
// tenant never twice at a time.
type Upgrader interface {
	Upgrade(ctx context.Context, job engine.Job) (engine.Result, error)
}

// Prober finds out whether a server that went away is there again: a connection to database is opened
// and closed.
type Prober interface {
	Probe(ctx context.Context, server, database string) error
}

// Observer is shown what happens: each stored fact once it is durable, and the ticks between them. It is
// called from one goroutine; it may be slow, for the rollout does not wait for it, and it decides nothing.
type Observer interface {
	Observe(Event)
}

// RunConfig is what a run needs. Plan, Upgrader, Graph and Store are required.
type RunConfig struct {
	Plan     *Plan           // of Arrange; of Rearrange when Earlier is set
	Policy   Policy          // the zero value is the default
	Upgrader Upgrader        // must allow what the plan was made to allow: see Options
	Graph    *revision.Graph // of the plan; to say where a tenant stands that stopped half way
	Store    Store           // where the plan and the facts go

	Earlier   []Event                 // the rollout's facts so far, as Store.Load returned them, be it none; nil for a first run, which stores the plan
	Lease     Lease                   // the fleet's lock; when it is lost the run halts; nil = none to watch. The caller releases it
	Holder    Holder                  // who runs this: Host, PID and User are recorded
	Prober    Prober                  // nil: a server that went away is tried again with a tenant
	Observers []Observer              // shown what happens
	Stop      <-chan struct{}         // closed: dispatch no more and let the running tenants finish; nil = never
	Data      func(tenant.Tenant) any // what templates see; called by the tenant's worker; nil = nothing

	Options  Options // with which the plan was made
	Asker    Asker   // for gates that ask tenants; nil = such a gate cannot tell
	NoWait   bool    // end the run where it would wait for an approval
	Surveyor Surveyor
	// Discover lists the whole fleet anew, at each wave but a run's first, and before the end. A
	// *tenant.GuardError halts the rollout at once; other errors are borne for Policy.ServerPatience. Surveyor
	// must be set with it. Nil = the fleet does not move.
	Discover func(context.Context) ([]tenant.Tenant, error)
	// Joins reports whether a tenant that was not in the fleet before belongs to the rollout: it joins the last
	// wave. Nil = none does.
	Joins func(tenant.Tenant) bool
}

// Run carries a plan out and returns what came of it.
//
// A halt, for whatever reason, means that no more tenants are begun and that those under work may finish;
// only when ctx ends are they cancelled. The report is nil when nothing could be begun: then no tenant was
// touched. An error beside a report means that the store does not have all of its facts; the tenants and
// the report are right nevertheless, and a resume asks the tenants.
func Run(ctx context.Context, cfg RunConfig) (*Report, error) {
	if err := cfg.check(); err != nil {
		return nil, err
	}
	report := &Report{}
	for _, e := range cfg.Earlier {
		report.Apply(e)
	}
	if cfg.Earlier == nil {
		if err := cfg.Store.Create(ctx, cfg.Plan); err != nil {
			return nil, fmt.Errorf("store the rollout: %w", err)
		}
	}
	cfg.Policy = cfg.Policy.withDefaults()
	audience := newAudience(cfg.Observers)
	r := &runner{
		RunConfig: cfg, ctx: ctx, report: report, seq: report.Seq,
		journal: newJournal(ctx, cfg.Store, audience), limits: newLimits(cfg.Plan.Cohorts),
		jobs: make(chan job), answers: make(chan answer, 64), probed: make(chan probe, 1),
	}
	r.all()
	err := r.journal.close()
	audience.close(ctx)
	return report, err
}

func (c *RunConfig) check() error {
	switch {
	case c.Plan == nil, c.Upgrader == nil, c.Graph == nil, c.Store == nil:
		return errors.New("a run needs a plan, an upgrader, a graph and a store")
	}
	for i := range c.Plan.Cohorts {
		if cohort := &c.Plan.Cohorts[i]; len(cohort.Steps) > 0 && cohort.plan == nil {
			return errors.New("a plan that was only loaded cannot be run: survey its tenants and rearrange it")
		}
	}
	return nil
}

// runner is one run. Its loop is the only writer of all that is here; workers and probes are goroutines
// of it that get values and send values.
type runner struct {
	RunConfig
	ctx     context.Context
	report  *Report
	seq     int64
	journal *journal
	limits  *limits
	wave    *wave
	halt    halt
	done    map[int32][]string // steps committed by tries that did not reach the end; by task

	workers   int
	jobs      chan job
	answers   chan answer
	probed    chan probe
	probes    int // under way
	probing   context.Context
	endProbes context.CancelFunc
}

// halt is why nothing more is begun; the zero value: nothing of the kind.
type halt struct {
	state  State
	reason string
}

// stop notes why nothing more is begun. What people asked for outweighs what happened; else the first
// reason stands.
func (r *runner) stop(state State, reason string) {
	if r.halt.state == "" || state == StateInterrupted && r.halt.state == StateHalted {
		if r.halt.reason != "" {
			reason += "; before that: " + r.halt.reason
		}
		r.halt = halt{state, reason}
	}
}

func (r *runner) all() {
	r.emit(r.opening())
	for i := range r.Plan.Waves {
		if r.runWave(&r.Plan.Waves[i]); r.halt.state != "" {
			break
		}
	}
	close(r.jobs)
	for ; r.workers > 0; r.workers-- {
		<-r.answers // each says good-bye
	}
	if r.halt.state == "" {
		r.halt.state = StateFinished
		if left := r.report.Left(); left > 0 { // of a run for some tenants only
			r.halt = halt{StateHalted, fmt.Sprintf("%d tenants are left, which were not part of this run", left)}
		}
	}
	r.emitNow(RolloutEnded{State: r.halt.state, Reason: r.halt.reason})
}

func (r *runner) opening() RolloutStarted {
	f := RolloutStarted{
		Run: r.report.Run + 1, Fleet: r.Plan.Fleet, Kind: r.Plan.Kind, Target: r.Plan.Target,
		Host: r.Holder.Host, PID: r.Holder.PID, User: r.Holder.User,
	}
	for i := range r.Plan.Waves {
		w := &r.Plan.Waves[i]
		f.Waves = append(f.Waves, WavePlanned{Name: w.Name, Tenants: w.Planned})
		f.Width = max(f.Width, r.width(w))
	}
	return f
}

// width is how many tenants of a wave are under work at once at its start.
func (r *runner) width(w *Wave) int {
	seen := map[string]bool{}
	width := 0
	for i := range w.Items {
		t := w.Items[i].Tenant.Target
		if !seen[t.Server] && len(r.Plan.Cohorts[w.Items[i].Cohort].Steps) > 0 {
			seen[t.Server] = true
			width += r.Policy.startWidth(t.Dialect)
		}
	}
	if most := r.Policy.Concurrency; most > 0 {
		width = min(width, most)
	}
	return width
}

// emit makes a fact known: numbered, folded, on its way into the store.
func (r *runner) emit(f Fact) { r.publish(f, false) }

// emitNow is emit for a fact that somebody waits for: it is committed at once.
func (r *runner) emitNow(f Fact) { r.publish(f, true) }

func (r *runner) publish(f Fact, urgent bool) {
	r.seq++
	e := Event{Rollout: r.Plan.Rollout, Seq: r.seq, Time: now(), Fact: f}
	r.report.Apply(e)
	r.journal.add(e, urgent)
}

// tick shows something that is not worth storing.
func (r *runner) tick(f Fact) {
	e := Event{Rollout: r.Plan.Rollout, Time: now(), Fact: f}
	r.report.Apply(e)
	if len(r.Observers) > 0 {
		r.journal.add(e, false)
	}
}

// now is the time as it is stored.
func now() time.Time { return time.Now().UTC().Truncate(time.Microsecond) }
