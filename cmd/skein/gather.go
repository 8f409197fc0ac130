package main

import (
	"context"
	"errors"
	"fmt"
	"sync/atomic"

	"github.com/skeindb/skein/orchestrator"
	"github.com/skeindb/skein/tenant"
	"github.com/skeindb/skein/tenant/discover"
)

// scope says who is looked for when the sources are asked.
type scope struct {
	guards tenant.Guards
	chosen tenant.Selector    // sources that list nobody whom it means are not asked
	plan   *orchestrator.Plan // its tenants stand in for those of a source that cannot be reached; nil = none do
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
		sources[i] = &watched{Source: sources[i], plan: s.plan, left: &left}
	}
	tenants, warnings, err := tenant.Gather(ctx, sources, s.guards)
	f.warn(warnings)
	f.know(tenants)
	return tenants, !left.Load(), err
}

// scopeOf is who is looked for on behalf of a plan.
func (f *fleet) scopeOf(p *orchestrator.Plan) (scope, error) {
	chosen, err := parseSelectors(p.Selectors)
	return scope{guards: f.guards(p.FleetSize), chosen: chosen, plan: p}, err
}

// watched is a source that tells when it was left out. Where it cannot be reached, the tenants that the plan has of it
// stand in for it: what a survey says of each decides.
type watched struct {
	tenant.Source
	plan *orchestrator.Plan // may be nil
	left *atomic.Bool
}

// List implements [tenant.Source].
func (w *watched) List(ctx context.Context) ([]tenant.Tenant, []string, error) {
	tenants, warnings, err := w.Source.List(ctx)
	left, out := errors.AsType[*tenant.LeftOut](err)
	if w.plan != nil && (tenant.Unreachable(err) || out && left.Reason != "") {
		if known := w.plan.Listed(w.Name()); len(known) > 0 {
			return known, append(warnings, fmt.Sprintf("it could not be asked, and has the tenants that it had when the rollout was planned: %v", err)), nil
		}
	}
	if out {
		w.left.Store(true)
	}
	return tenants, warnings, err
}
