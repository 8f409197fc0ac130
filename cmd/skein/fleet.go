package main

import (
	"context"
	"errors"
	"os"
	"strings"
	"sync"

	"github.com/spf13/cobra"

	"github.com/skeindb/skein/cmd/skein/view"
	"github.com/skeindb/skein/config"
	"github.com/skeindb/skein/engine"
	"github.com/skeindb/skein/engine/postgres"
	"github.com/skeindb/skein/engine/revision"
	"github.com/skeindb/skein/engine/sqlite"
	"github.com/skeindb/skein/orchestrator"
	"github.com/skeindb/skein/orchestrator/control"
	"github.com/skeindb/skein/orchestrator/plan"
	"github.com/skeindb/skein/orchestrator/rollout"
	"github.com/skeindb/skein/tenant"
	"github.com/skeindb/skein/tenant/discover"
)

// fleet is a project with its databases at hand: what every command needs that reads or changes tenants.
type fleet struct {
	*orchestrator.Orchestrator // nil for commands that touch no tenant

	app     *app
	project *config.Project
	graph   *revision.Graph
	pg      *postgres.DB // nil for SQLite
	engine  *engine.Engine
	close   func() error

	view  view.View               // of the run that has begun
	later []func(context.Context) // what waits for webhooks, after the output

	mu     sync.Mutex
	warned map[string]bool            // guarded by mu: warnings of sources, which are asked again at each wave
	ids    map[engine.Location]string // guarded by mu: of the tenants that were last gathered
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
	return a.openWith(ctx, p, g, application, tune)
}

// openWith is open with a config and revisions that were read before.
func (a *app) openWith(ctx context.Context, p *config.Project, g *revision.Graph, application string, tune func(*engine.Config)) (*fleet, error) {
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

// orchestrate makes the orchestrator; store is nil for commands that only look, and flags are nil for those that have none.
func (f *fleet) orchestrate(store rollout.FullStore, flags *changeFlags) (err error) {
	cfg := orchestrator.Config{
		Fleet: f.project.Fleet, Engine: f.engine, SourcesFor: f.sources, Guards: f.project.Guards,
		Store: store, Policy: f.project.Policy, KeepDowngrades: f.project.State.KeepDowngrades, Settings: f.project.PlanSettings(),
		Data: f.data, Begin: f.begin, Drain: f.app.drain, Register: f.register,
		Listed: f.know, Warn: f.warn, Waiting: func(message string) { f.app.note("skein: %s", view.Commands(message)) },
	}
	if f.pg != nil {
		cfg.Servers = f.pg
	}
	if flags != nil {
		cfg.NoWait, cfg.Terminate = flags.noWait, flags.terminate
		if flags.allowChanged { // it stands for no key of the config
			cfg.Settings = append(cfg.Settings, plan.Setting{Key: "--allow-changed", Value: "true"})
		}
	}
	f.Orchestrator, err = orchestrator.New(cfg)
	return err
}

// sources are those of the config, as far as they may list tenants of the selector.
func (f *fleet) sources(ctx context.Context, chosen tenant.Selector) ([]tenant.Source, error) {
	var catalog discover.Catalog
	var registry discover.Registry
	if f.pg != nil {
		catalog, registry = f.pg, f.pg
	}
	return f.project.Sources(ctx, catalog, registry, chosen)
}

// register makes a server known that is named after the variable that has its URL.
func (f *fleet) register(server string) error {
	if url := os.Getenv(strings.TrimPrefix(server, "$")); url != "" {
		_, err := f.pg.Register(server, url)
		return err
	}
	return nil
}

// warn shows each warning once.
func (f *fleet) warn(message string) {
	f.mu.Lock()
	defer f.mu.Unlock()
	if f.warned[message] {
		return
	}
	if f.warned == nil {
		f.warned = map[string]bool{}
	}
	f.warned[message] = true
	f.app.note("skein: warning: %s", view.Commands(message))
}

// control is a hold on the rollouts of the project.
func (f *fleet) control(store rollout.FullStore) *control.Controller {
	return control.New(control.Config{
		Fleet: f.project.Fleet, Store: store, Warn: f.warn,
		Observe: func(p *plan.Plan, before []rollout.Event) []rollout.Observer {
			return f.begin(orchestrator.Beginning{Plan: p, Earlier: before, NoRun: true})
		},
	})
}

// look is what the reading commands do: open, gather, survey, close.
func (a *app) look(ctx context.Context, selectors []string) (f *fleet, s []plan.Member, err error) {
	opened, err := a.open(ctx, "skein", nil, nil)
	if err != nil {
		return nil, s, err
	}
	defer func() { err = errors.Join(err, opened.close()) }()
	f = opened
	if err := f.orchestrate(nil, nil); err != nil {
		return nil, s, err
	}
	s, err = f.Survey(ctx, selectors...)
	return f, s, unreached(err)
}

// selectorFlag adds -t to a command that touches tenants.
func selectorFlag(cmd *cobra.Command) *[]string {
	return cmd.Flags().StringArrayP("tenants", "t", nil, "only tenants that match `SELECTOR`, such as tier=gold,region in (eu,us); repeatable, all must match")
}

// readable returns the exit code of a reading command: 2 when some tenant could not be read.
func readable(members []plan.Member) error {
	for i := range members {
		if members[i].Standing.State == engine.Unreachable {
			return exitCode(exitFailed)
		}
	}
	return nil
}
