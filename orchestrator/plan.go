package orchestrator

import (
	"context"
	"fmt"
	"strings"
	"time"

	"github.com/skeindb/skein/engine"
	"github.com/skeindb/skein/engine/revision"
	"github.com/skeindb/skein/orchestrator/plan"
	"github.com/skeindb/skein/orchestrator/rollout"
	"github.com/skeindb/skein/orchestrator/run"
)

// Plan asks who the tenants are and where they stand, and decides what a change does with each. Nothing is touched, nothing
// is stored, and no lock is taken. Tenants that cannot be changed are refused in the plan; the error is about the change as
// a whole, such as a target that means nothing, or a fleet that is suspiciously small.
func (o *Orchestrator) Plan(ctx context.Context, c Change) (*plan.Runnable, error) {
	work, err := o.planned(ctx, c)
	if err != nil {
		return nil, err
	}
	return work.plan, nil
}

// work is a plan with all that is needed to run it.
type work struct {
	plan   *plan.Runnable
	engine *engine.Engine // along the graph of the plan
	policy plan.Policy
	rules  plan.Rules
}

func (o *Orchestrator) planned(ctx context.Context, c Change) (work, error) {
	p, err := o.prepare(c)
	if err != nil {
		return work{}, err
	}
	w := work{engine: o.cfg.Engine, policy: p.policy, rules: o.rules(p.Purge)}
	if p.Kind == plan.KindRollback {
		w.plan, w.engine, err = o.planRollback(ctx, &p, w.rules)
	} else {
		w.plan, err = o.planChange(ctx, &p, w.rules)
	}
	if err != nil {
		return work{}, err
	}
	if err := o.screen(ctx, w.engine, w.plan); err != nil {
		return work{}, err
	}
	if p.Same != nil {
		if diffs := p.Same.Differences(w.plan.Stored()); len(diffs) > 0 {
			return work{}, &ChangedError{diffs}
		}
	}
	return w, nil
}

// rules are those that the engine was made with.
func (o *Orchestrator) rules(purge bool) plan.Rules {
	return plan.Rules{Mode: o.cfg.Engine.Mode(), AllowChanged: o.cfg.Engine.AllowChanged(), Purge: purge}
}

func (o *Orchestrator) planChange(ctx context.Context, c *prepared, rules plan.Rules) (*plan.Runnable, error) {
	known, err := o.knownTenants(ctx)
	if err != nil {
		return nil, err
	}
	chosen, err := parseSelectors(c.Selectors)
	if err != nil {
		return nil, err
	}
	guards := o.cfg.Guards
	guards.Known = known
	members, size, err := o.survey(ctx, scope{guards: guards, chosen: chosen})
	if err != nil {
		return nil, err
	}
	opts := plan.Options{
		Rollout: c.ID, Fleet: o.cfg.Fleet, Kind: c.Kind, Targets: c.Targets, Tag: c.Tag, Created: time.Now(),
		Policy: c.policy, Only: c.Only, Selectors: c.Selectors, Canary: c.Canary, Rules: rules,
		Settings: o.cfg.Settings, FleetSize: size,
	}
	if c.policy.NeedsSizes() {
		run.SetSizes(ctx, o.cfg.Engine, members)
	}
	p, err := plan.New(members, o.cfg.Engine.Graph(), opts)
	if err != nil {
		return nil, err
	}
	return p, c.covers(p.Stored())
}

// knownTenants is how many tenants the fleet had at the last rollout that saw all of it; 0 = there was none.
func (o *Orchestrator) knownTenants(ctx context.Context) (int, error) {
	last, err := o.cfg.Store.List(ctx, o.cfg.Fleet, 100)
	for _, s := range last {
		if s.FleetSize > 0 {
			return s.FleetSize, err
		}
	}
	return 0, err
}

// screen refuses tenants in which their plan must not run, and a plan that cannot be carried out.
func (o *Orchestrator) screen(ctx context.Context, e *engine.Engine, p *plan.Runnable) error {
	run.Screen(ctx, e, p, o.cfg.Data)
	if err := ctx.Err(); err != nil {
		return err
	}
	return o.needsSession(e, p.Stored())
}

// needsSession refuses a plan that these connections cannot carry out: a revision outside a transaction needs a session of
// its own, which a transaction pooler does not give.
func (o *Orchestrator) needsSession(e *engine.Engine, p *plan.Plan) error {
	if o.cfg.Servers == nil || p.Kind == plan.KindStamp {
		return nil
	}
	outside, dir := "", p.Direction()
	for _, c := range p.Cohorts {
		for _, id := range c.Steps {
			if r := e.Graph().Get(id); r != nil && r.Section(dir) != nil && r.Section(dir).Options.NoTransaction {
				outside = id
			}
		}
	}
	if outside == "" {
		return nil
	}
	server := o.cfg.Servers.Sessionless()
	if server == "" {
		return nil
	}
	return &ChangeError{
		fmt.Sprintf("revision %s runs outside a transaction, but server %s is reached through a pooler", outside, server),
		fmt.Sprintf("set servers.%s.direct_url to a URL past the pooler", server),
	}
}

// planRollback asks the tenants of a rollout where they stand, and plans to take it back.
func (o *Orchestrator) planRollback(ctx context.Context, c *prepared, rules plan.Rules) (*plan.Runnable, *engine.Engine, error) {
	if len(c.Targets) != 1 {
		return nil, nil, &ChangeError{"a rollback takes back one rollout", ""}
	}
	stored, err := o.control.Load(ctx, c.Targets[0])
	if err != nil {
		return nil, nil, err
	}
	eng := o.engineFor(stored.Plan)
	sc, err := o.scopeOf(stored.Plan)
	if err != nil {
		return nil, nil, err
	}
	tenants, whole, err := o.gather(ctx, sc)
	if err != nil {
		return nil, nil, err
	}
	opts := plan.Options{
		Rollout: c.ID, Fleet: o.cfg.Fleet, Kind: plan.KindRollback, Targets: c.Targets, Created: time.Now(), Policy: o.cfg.Policy, Tag: c.Tag, Rules: rules,
	}
	if whole {
		opts.FleetSize = len(tenants)
	}
	where := run.LocateRollback(ctx, eng, stored.Plan, tenants)
	if err := o.located(ctx, &where); err != nil {
		return nil, nil, err
	}
	p, err := plan.NewRollback(stored.Plan, rollout.Touched(stored.Events), where.Members, eng.Graph(), opts, c.Partial)
	return p, eng, err
}

// located warns of the tenants that the sources no longer list.
func (o *Orchestrator) located(ctx context.Context, where *run.Located) error {
	if err := ctx.Err(); err != nil {
		return err
	}
	if len(where.Unlisted) > 0 {
		o.cfg.Warn(run.UnlistedWarning(where.Unlisted))
	}
	return nil
}

// engineFor adds to the revisions those whose files are missing, and of which a rollout kept the downgrade sections. Where
// they do not fit, each tenant that needs one of them is refused for the missing file.
func (o *Orchestrator) engineFor(p *plan.Plan) *engine.Engine {
	eng := o.cfg.Engine
	graph, err := p.WithKept(eng.Graph(), dialectOf(p))
	if err != nil {
		o.cfg.Warn("the downgrade sections that rollout " + p.Rollout + " kept cannot be used: " + err.Error())
		return eng
	}
	if graph != eng.Graph() {
		return eng.With(graph)
	}
	return eng
}

// because ends a sentence with reasons, a line each; "" when there are none.
func because(reasons []string) string {
	if len(reasons) == 0 {
		return ""
	}
	return ":\n" + strings.Join(reasons, "\n")
}

// dialectOf is that of a plan's tenants.
func dialectOf(p *plan.Plan) revision.Dialect {
	for _, t := range p.Planned() {
		return t.Location.Dialect
	}
	return revision.Postgres
}
