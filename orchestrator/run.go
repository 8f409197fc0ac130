package orchestrator

import (
	"context"
	"errors"
	"fmt"
	"slices"

	"github.com/skeindb/skein/orchestrator/control"
	"github.com/skeindb/skein/orchestrator/plan"
	"github.com/skeindb/skein/orchestrator/rollout"
	"github.com/skeindb/skein/orchestrator/run"
	"github.com/skeindb/skein/tenant"
)

// Run takes the fleet's lock, carries out a plan that [Orchestrator.Plan] made a moment ago, and returns what came of it.
// Each tenant is asked under its own lock whether it still stands where the plan begins; one that does not is planned again.
// The plan of a rollback first waits for what dead runs of the rollout have left at work.
//
// The report is nil when nothing could be begun: then no tenant was touched. Failed tenants are in the report and no error, and
// so is a run that was halted or cancelled: see [rollout.Report.End]. An error beside a report means that the store does not
// have all of its facts. Tenants that are being changed are cancelled only when ctx ends; Config.Drain lets them finish.
func (o *Orchestrator) Run(ctx context.Context, p *plan.Runnable) (*rollout.Report, error) {
	if p == nil {
		return nil, errors.New("orchestrator: there is no plan to run; Plan makes one")
	}
	policy, err := policyFor(o.cfg.Policy, p.Kind, p.Canary)
	if err != nil {
		return nil, err
	}
	w := work{plan: p, engine: o.engineFor(p.Stored()), policy: policy, rules: o.rules(false)}
	return o.locked(ctx, p.Rollout, func(lease rollout.Lease) (*rollout.Report, error) {
		if err := o.awaitRolledBack(ctx, p.Kind, p.Of); err != nil {
			return nil, err
		}
		return o.first(ctx, lease, w)
	})
}

// Apply takes the fleet's lock, plans a change, and carries it out: [Orchestrator.Plan] and [Orchestrator.Run] in one, with no
// other rollout between the two.
func (o *Orchestrator) Apply(ctx context.Context, c Change) (*rollout.Report, error) {
	p, err := o.prepare(c)
	if err != nil {
		return nil, err
	}
	c.ID = p.ID
	return o.locked(ctx, c.ID, func(lease rollout.Lease) (*rollout.Report, error) {
		if c.Kind == plan.KindRollback && len(c.Targets) == 1 {
			if err := o.awaitRolledBack(ctx, c.Kind, c.Targets[0]); err != nil {
				return nil, err
			}
		}
		w, err := o.planned(ctx, c)
		if err != nil {
			return nil, err
		}
		return o.first(ctx, lease, w)
	})
}

// Rollback takes back what a rollout upgraded: [Orchestrator.Apply] of [RollbackOf].
func (o *Orchestrator) Rollback(ctx context.Context, id string) (*rollout.Report, error) {
	return o.Apply(ctx, RollbackOf(id))
}

// locked calls work with the fleet's lock.
func (o *Orchestrator) locked(ctx context.Context, id string, work func(rollout.Lease) (*rollout.Report, error)) (report *rollout.Report, err error) {
	err = o.control.Locked(ctx, id, func(lease rollout.Lease) error {
		report, err = work(lease)
		return err
	})
	return report, err
}

// awaitRolledBack waits for what dead runs of the rollout that is rolled back have left at work.
func (o *Orchestrator) awaitRolledBack(ctx context.Context, kind plan.Kind, of string) error {
	if kind != plan.KindRollback {
		return nil
	}
	stored, err := o.control.Load(ctx, of)
	if err != nil {
		return err
	}
	return o.awaitOrphans(ctx, stored.Plan)
}

// first makes the first run of a rollout.
func (o *Orchestrator) first(ctx context.Context, lease rollout.Lease, w work) (*rollout.Report, error) {
	if w.plan.Kind == plan.KindRollback {
		if err := o.noteRollback(ctx, w.plan.Stored()); err != nil {
			return nil, err
		}
	}
	if o.cfg.KeepDowngrades {
		w.plan.KeepDowngrades(w.engine.Graph())
	}
	return o.run(ctx, w, run.Config{Lease: lease})
}

// noteRollback writes into the log of the rollout that is rolled back who did so, and by which rollout.
func (o *Orchestrator) noteRollback(ctx context.Context, p *plan.Plan) error {
	by := "by rollout " + p.Rollout
	if p.Tag != "" {
		by = fmt.Sprintf("%s (%s)", p.Tag, by)
	}
	asked := o.control.Command(p.Of, control.Request{Action: rollout.ActionRollback, By: control.By{Reason: by}})
	if _, err := o.cfg.Store.Send(ctx, asked); err != nil {
		return err
	}
	_, err := o.control.Apply(ctx, p.Of) // no process runs it: the lock is ours
	return err
}

// run carries work out. cfg has what is not of every run: Lease, Earlier, Command.
func (o *Orchestrator) run(ctx context.Context, w work, cfg run.Config) (*rollout.Report, error) {
	cfg.Plan, cfg.Policy, cfg.Options, cfg.Store = w.plan, w.policy, w.rules, o.cfg.Store
	cfg.Engine, cfg.Graph, cfg.Querier, cfg.Surveyor = w.engine, w.engine.Graph(), w.engine, w.engine
	cfg.NoWait = o.cfg.NoWait
	if !w.plan.Partial { // a run for some tenants has nothing to do with the others
		cfg.Screener = w.engine
		if err := o.follow(&cfg); err != nil {
			return nil, err
		}
	}
	cfg.Observers = o.observers(Beginning{Plan: w.plan.Stored(), Earlier: cfg.Earlier})
	o.equip(&cfg)
	return run.Run(ctx, cfg)
}

// equip adds what each run has of the configuration, a rehearsal too.
func (o *Orchestrator) equip(cfg *run.Config) {
	cfg.Holder, cfg.Drain, cfg.Data = o.cfg.Holder, o.cfg.Drain, o.cfg.Data
	cfg.Holder.Rollout = cfg.Plan.Rollout
	if o.cfg.Servers != nil {
		cfg.Prober, cfg.Watcher = o.cfg.Servers, o.cfg.Servers
	}
}

// follow lets a run see how the fleet changes while it runs.
func (o *Orchestrator) follow(cfg *run.Config) (err error) {
	p := cfg.Plan.Stored()
	sc, err := o.scopeOf(p)
	if err != nil {
		return err
	}
	list := func(away bool) func(context.Context) ([]tenant.Tenant, error) {
		sc := sc
		sc.away = away
		return func(ctx context.Context) ([]tenant.Tenant, error) {
			tenants, _, err := o.gather(ctx, sc)
			return tenants, err
		}
	}
	cfg.Discover, cfg.DiscoverAway = list(false), list(true)
	if slices.Contains([]plan.Kind{plan.KindUpgrade, plan.KindDowngrade}, p.Kind) {
		cfg.Joins, err = joins(p)
	}
	return err
}
