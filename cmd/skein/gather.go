package main

import (
	"context"
	"errors"
	"fmt"
	"sync/atomic"

	"github.com/skeindb/skein/orchestrator/plan"
	"github.com/skeindb/skein/tenant"
	"github.com/skeindb/skein/tenant/discover"
)

// scope says who is looked for when the sources are asked.
type scope struct {
	guards tenant.Guards
	chosen tenant.Selector // sources that list no tenant of it are not asked
	plan   *plan.Plan      // on behalf of which it is; nil = of none
	away   bool            // the tenants of the plan stand in for those of a source that cannot be reached
}

// gather asks the sources who the tenants are. Whole says that no source was left out.
func (f *fleet) gather(ctx context.Context, s scope) (tenants []tenant.Tenant, whole bool, err error) {
	var catalog discover.Catalog
	var registry discover.Registry
	if f.pg != nil {
		catalog, registry = f.pg, f.pg
	}
	sources, err := f.project.Sources(ctx, catalog, registry, s.chosen)
	if err != nil {
		return nil, false, err
	}
	var left atomic.Bool
	for i := range sources {
		sources[i] = &watched{Source: sources[i], scope: s, left: &left}
	}
	tenants, warnings, err := tenant.Gather(ctx, sources, s.guards)
	f.warn(warnings)
	f.know(tenants)
	return tenants, !left.Load(), err
}

// scopeOf is who is looked for on behalf of a plan.
func (f *fleet) scopeOf(p *plan.Plan) (scope, error) {
	chosen, err := parseSelectors(p.Selectors)
	return scope{guards: f.guards(p.FleetSize), chosen: chosen, plan: p, away: true}, err
}

// watched is a source that tells when it was left out. Tenants of a plan are never missing because their source cannot
// be reached: the plan's stand in for it, so that a survey decides of each, or it is an error.
type watched struct {
	tenant.Source
	scope scope
	left  *atomic.Bool
}

// List implements [tenant.Source].
func (w *watched) List(ctx context.Context) ([]tenant.Tenant, []string, error) {
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
		return known, append(warnings, fmt.Sprintf("it cannot be asked, and has the tenants that the rollout planned: %v", err)), nil
	case w.scope.away, ok && len(known) == 0: // the rollout has no tenant of it
		w.left.Store(true)
		return nil, warnings, &tenant.LeftOut{Reason: fmt.Sprintf("its tenants are left out: %v", err), Err: err}
	}
	return nil, warnings, err
}
