package main

import (
	"context"
	"errors"
	"fmt"
	"sync"

	"github.com/spf13/cobra"

	"github.com/skeindb/skein/config"
	"github.com/skeindb/skein/engine"
	"github.com/skeindb/skein/engine/postgres"
	"github.com/skeindb/skein/engine/revision"
	"github.com/skeindb/skein/engine/sqlite"
	"github.com/skeindb/skein/orchestrator/plan"
	"github.com/skeindb/skein/orchestrator/run"
	"github.com/skeindb/skein/tenant"
)

// fleet is a project with its databases at hand: what every command needs that reads or changes tenants.
type fleet struct {
	app     *app
	project *config.Project
	graph   *revision.Graph
	pg      *postgres.DB // nil for SQLite
	engine  *engine.Engine
	close   func() error

	mu   sync.Mutex
	told map[string]bool            // guarded by mu: warnings of sources, which are asked again at each wave
	ids  map[engine.Location]string // guarded by mu: of the tenants that were last gathered
}

// open reads config and revisions and makes the engine. It connects to nothing. application is what the
// servers' pg_stat_activity shows.
func (a *app) open(ctx context.Context, application string, overrides map[string]string, tune func(*engine.Config)) (*fleet, error) {
	p, err := a.project(config.Options{Overrides: overrides})
	if err != nil {
		return nil, err
	}
	g, err := a.graph(p)
	if err != nil {
		return nil, err
	}
	f := &fleet{app: a, project: p, graph: g}
	var db engine.Database
	if p.Dialect() == revision.SQLite {
		lite, err := sqlite.New(p.SQLite())
		if err != nil {
			return nil, err
		}
		db, f.close = lite, lite.Close
	} else {
		servers, err := p.Postgres(ctx, application)
		if err != nil {
			return nil, err
		}
		pg, err := postgres.New(servers)
		if err != nil {
			return nil, err
		}
		db, f.pg, f.close = pg, pg, pg.Close
	}
	cfg := p.Engine
	cfg.Tool = "skein " + toolVersion()
	if tune != nil {
		tune(&cfg)
	}
	f.engine = engine.New(db, g, cfg)
	return f, nil
}

// guards are those of the config. known is how many tenants there were in the last rollout; 0 = unknown.
func (f *fleet) guards(known int) tenant.Guards {
	g := f.project.Guards
	g.Known = known
	return g
}

// warn tells each warning once.
func (f *fleet) warn(warnings []string) {
	f.mu.Lock()
	defer f.mu.Unlock()
	for _, w := range warnings {
		if f.told[w] {
			continue
		}
		if f.told == nil {
			f.told = map[string]bool{}
		}
		f.told[w] = true
		f.app.note("skein: warning: %s", w)
	}
}

// surveyed are tenants and where they stand.
type surveyed []plan.Member

// survey chooses tenants by the selectors and reads where they stand. A selector on heads or state needs
// everybody's standing first. whole says that tenants are the whole fleet.
func (f *fleet) survey(ctx context.Context, tenants []tenant.Tenant, whole bool, chosen tenant.Selector) (s surveyed, err error) {
	if whole {
		for _, note := range chosen.Unmatched(tenants) {
			f.app.note("skein: warning: %s", note)
		}
	}
	if !chosen.NeedsSurvey() {
		picked, err := pick(chosen, len(tenants), whole, func(i int) *tenant.Tenant { return &tenants[i] }, nil)
		if err != nil {
			return nil, err
		}
		tenants = at(tenants, picked)
	}
	s = run.Survey(ctx, f.engine, tenants)
	if err := ctx.Err(); err != nil {
		return nil, err
	}
	if chosen.NeedsSurvey() {
		return s.filter(chosen, whole)
	}
	return s, nil
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

// pick returns the numbers of those of n tenants that are chosen. None is an error: a command that does nothing looks like one
// that did its work. whole says that tenants are the whole fleet.
func pick(chosen tenant.Selector, n int, whole bool, tenantAt func(i int) *tenant.Tenant, facts func(i int) tenant.Facts) ([]int, error) {
	picked := chosen.Pick(n, tenantAt, facts)
	if len(picked) == 0 {
		hint := "`skein tenants` lists them with their labels"
		if whole {
			hint = fmt.Sprintf("the fleet has %d; %s", n, hint)
		}
		return nil, &usageError{fmt.Sprintf("no tenant matches %q", chosen.String()), hint}
	}
	return picked, nil
}

// at returns the elements at some places.
func at[T any](all []T, places []int) []T {
	some := make([]T, len(places))
	for n, i := range places {
		some[n] = all[i]
	}
	return some
}

func (s surveyed) filter(chosen tenant.Selector, whole bool) (surveyed, error) {
	picked, err := pick(chosen, len(s), whole, func(i int) *tenant.Tenant { return &s[i].Tenant }, func(i int) tenant.Facts {
		return tenant.Facts{Heads: s[i].Standing.Heads, State: s[i].Standing.State}
	})
	if err != nil {
		return nil, err
	}
	return at(s, picked), nil
}

// look is what the reading commands do: open, gather, survey, close.
func (a *app) look(ctx context.Context, selectors []string) (f *fleet, s surveyed, err error) {
	opened, err := a.open(ctx, "skein", nil, nil)
	if err != nil {
		return nil, s, err
	}
	defer func() { err = errors.Join(err, opened.close()) }()
	f = opened
	chosen, err := parseSelectors(selectors)
	if err != nil {
		return nil, s, err
	}
	tenants, whole, err := f.gather(ctx, scope{guards: f.guards(0), chosen: chosen})
	if err != nil {
		return nil, s, unreached(err)
	}
	s, err = f.survey(ctx, tenants, whole, chosen)
	return f, s, err
}

// selectorFlag adds -t to a command that touches tenants.
func selectorFlag(cmd *cobra.Command) *[]string {
	return cmd.Flags().StringArrayP("tenants", "t", nil, "only tenants that match `SELECTOR`, such as tier=gold,region in (eu,us); repeatable, all must match")
}

// read returns the exit code of a reading command: 2 when some tenant could not be read.
func (s surveyed) read() error {
	for i := range s {
		if s[i].Standing.State == engine.Unreachable {
			return exitCode(exitFailed)
		}
	}
	return nil
}

func tenantsOf(s surveyed) []tenant.Tenant {
	tenants := make([]tenant.Tenant, len(s))
	for i := range s {
		tenants[i] = s[i].Tenant
	}
	return tenants
}
