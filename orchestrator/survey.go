package orchestrator

import (
	"context"
	"errors"
	"fmt"
	"sync/atomic"

	"github.com/skeindb/skein/engine"
	"github.com/skeindb/skein/orchestrator/plan"
	"github.com/skeindb/skein/orchestrator/run"
	"github.com/skeindb/skein/tenant"
)

// Tenants asks the sources who the tenants are, and returns those that match all selectors, by id. A selector on heads or
// state reads where they stand, too.
func (o *Orchestrator) Tenants(ctx context.Context, selectors ...string) ([]tenant.Tenant, error) {
	chosen, err := parseSelectors(selectors)
	if err != nil {
		return nil, err
	}
	if chosen.NeedsSurvey() {
		members, err := o.Survey(ctx, selectors...)
		tenants := make([]tenant.Tenant, len(members))
		for i := range members {
			tenants[i] = members[i].Tenant
		}
		return tenants, err
	}
	tenants, whole, err := o.gather(ctx, scope{chosen: chosen})
	if err != nil {
		return nil, err
	}
	return pickTenants(chosen, tenants, whole)
}

// Survey asks the sources who the tenants are, and those that match all selectors where they stand. Of a tenant that could
// not be read the Standing has an error. No tenant at all is an error, too.
func (o *Orchestrator) Survey(ctx context.Context, selectors ...string) ([]plan.Member, error) {
	chosen, err := parseSelectors(selectors)
	if err != nil {
		return nil, err
	}
	members, _, err := o.survey(ctx, scope{guards: o.cfg.Guards, chosen: chosen})
	return members, err
}

// survey gathers the tenants of a scope and reads where those stand that are chosen. A selector on heads or state needs the
// standing of all first. size is how many tenants the whole fleet has; 0 = sources were left out.
func (o *Orchestrator) survey(ctx context.Context, sc scope) (members []plan.Member, size int, err error) {
	tenants, whole, err := o.gather(ctx, sc)
	if err != nil {
		return nil, 0, err
	}
	if whole {
		size = len(tenants)
		for _, note := range sc.chosen.Unmatched(tenants) {
			o.cfg.Warn(note)
		}
	}
	if !sc.chosen.NeedsSurvey() {
		if tenants, err = pickTenants(sc.chosen, tenants, whole); err != nil {
			return nil, 0, err
		}
	}
	members = run.Survey(ctx, o.cfg.Engine, tenants)
	if err := ctx.Err(); err != nil {
		return nil, 0, err
	}
	if sc.chosen.NeedsSurvey() {
		members, err = pickMembers(sc.chosen, members, whole)
	}
	return members, size, err
}

func pickTenants(chosen tenant.Selector, tenants []tenant.Tenant, whole bool) ([]tenant.Tenant, error) {
	picked := chosen.Pick(len(tenants), func(i int) *tenant.Tenant { return &tenants[i] }, nil)
	return at(tenants, picked), noneChosen(chosen, len(picked), len(tenants), whole)
}

func pickMembers(chosen tenant.Selector, members []plan.Member, whole bool) ([]plan.Member, error) {
	picked := chosen.Pick(len(members), func(i int) *tenant.Tenant { return &members[i].Tenant }, func(i int) tenant.Facts {
		return tenant.Facts{Heads: members[i].Standing.Heads, State: members[i].Standing.State}
	})
	return at(members, picked), noneChosen(chosen, len(picked), len(members), whole)
}

// at returns the elements at some places.
func at[T any](all []T, places []int) []T {
	some := make([]T, len(places))
	for n, i := range places {
		some[n] = all[i]
	}
	return some
}

// noneChosen is an error when no tenant was picked of all: a command that does nothing looks like one that did its work. whole
// says that all is the whole fleet.
func noneChosen(chosen tenant.Selector, picked, all int, whole bool) error {
	if picked > 0 {
		return nil
	}
	hint := "`Tenants` lists them with their labels"
	if whole {
		hint = fmt.Sprintf("the fleet has %d; %s", all, hint)
	}
	return &ChangeError{fmt.Sprintf("no tenant matches %q", chosen.String()), hint}
}

func parseSelectors(texts []string) (tenant.Selector, error) {
	var all tenant.Selector
	for _, text := range texts {
		s, err := tenant.ParseSelector(text)
		if err != nil {
			return all, err
		}
		all = all.And(s)
	}
	return all, nil
}

// scope says who is looked for when the sources are asked.
type scope struct {
	guards tenant.Guards
	chosen tenant.Selector // sources that list no tenant of it are not asked
	plan   *plan.Plan      // on behalf of which it is; nil = of none
	away   bool            // the tenants of the plan stand in for those of a source that cannot be reached
}

// scopeOf is who is looked for on behalf of a plan.
func (o *Orchestrator) scopeOf(p *plan.Plan) (scope, error) {
	chosen, err := parseSelectors(p.Selectors)
	guards := o.cfg.Guards
	guards.Known = p.FleetSize
	return scope{guards: guards, chosen: chosen, plan: p, away: true}, err
}

// gather asks the sources who the tenants are. Whole says that no source was left out.
func (o *Orchestrator) gather(ctx context.Context, sc scope) (tenants []tenant.Tenant, whole bool, err error) {
	sources := o.cfg.Sources
	if o.cfg.SourcesFor != nil {
		if sources, err = o.cfg.SourcesFor(ctx, sc.chosen); err != nil {
			return nil, false, err
		}
	}
	var left atomic.Bool
	watched := make([]tenant.Source, len(sources))
	for i := range sources {
		watched[i] = &watchedSource{Source: sources[i], scope: sc, left: &left}
	}
	tenants, warnings, err := tenant.Gather(ctx, watched, sc.guards)
	for _, w := range warnings {
		o.cfg.Warn(w)
	}
	if len(tenants) > 0 {
		if o.cfg.Servers != nil {
			o.cfg.Servers.Know(locationsOf(tenants))
		}
		if o.cfg.Listed != nil {
			o.cfg.Listed(tenants)
		}
	}
	return tenants, !left.Load(), err
}

func locationsOf(tenants []tenant.Tenant) []engine.Location {
	all := make([]engine.Location, len(tenants))
	for i, t := range tenants {
		all[i] = t.Location
	}
	return all
}

// watchedSource notes when it was left out. Tenants of a plan are never missing because their source cannot be reached: the
// plan's stand in for it, so that a survey decides of each, or it is an error.
type watchedSource struct {
	tenant.Source
	scope scope
	left  *atomic.Bool
}

// List implements [tenant.Source].
func (w *watchedSource) List(ctx context.Context) ([]tenant.Tenant, []string, error) {
	tenants, warnings, err := w.Source.List(ctx)
	out, ok := errors.AsType[*tenant.LeftOut](err)
	if ok && out.Err != nil {
		err = out.Err
	}
	if w.scope.plan == nil || !tenant.Unreachable(err) {
		if ok {
			w.left.Store(true)
			err = out
		}
		return tenants, warnings, err
	}
	known := w.scope.plan.Listed(w.Name())
	switch {
	case w.scope.away && len(known) > 0:
		return known, append(warnings, fmt.Sprintf("it cannot be reached; the tenants that the rollout planned stand in: %v", err)), nil
	case w.scope.away, ok && len(known) == 0: // the rollout has no tenant of it
		w.left.Store(true)
		return nil, warnings, &tenant.LeftOut{Reason: fmt.Sprintf("its tenants are left out: %v", err), Err: err}
	}
	return nil, warnings, err
}
