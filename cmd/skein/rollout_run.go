package main

import (
	"context"
	"path/filepath"
	"slices"

	"github.com/skeindb/skein/cmd/skein/view"
	"github.com/skeindb/skein/orchestrator/notify"
	"github.com/skeindb/skein/orchestrator/plan"
	"github.com/skeindb/skein/orchestrator/rollout"
	"github.com/skeindb/skein/orchestrator/run"
	"github.com/skeindb/skein/tenant"
)

// run works a plan under its policy and shows it; its error is the exit code, or why it could not be run.
func (f *fleet) run(ctx context.Context, cfg run.Config) error {
	if err := f.follow(&cfg); err != nil {
		return err
	}
	if cfg.Earlier == nil && f.project.State.KeepDowngrades {
		cfg.Plan.KeepDowngrades(f.graph)
	}
	o := f.viewOptions(cfg.Earlier)
	o.Gates = gatesOf(cfg.Plan)
	v := f.app.view(o)
	if cfg.Earlier == nil { // else they were told when it was planned
		for _, note := range notesOf(cfg.Plan) {
			v.Note(note)
		}
	}
	hooks := f.hooks(cfg.Earlier)
	cfg.Observers = []rollout.Observer{v, hooks}
	report, err := f.work(ctx, cfg)
	defer hooks.Close(ctx) // after the report: nobody waits for a hook to read it
	if report == nil {
		return err
	}
	return f.finish(v, report, err)
}

// hooks are the webhooks of the config, for a rollout of which so much is known.
func (f *fleet) hooks(earlier []rollout.Event) *notify.Notifier {
	return notify.New(f.project.Notify, notify.Config{
		Warn: func(message string) { f.app.note("skein: warning: %s", message) }, Earlier: earlier, Command: view.Command,
	})
}

// notesOf are what people should know before a plan is run: of a rollback also what cannot be taken back.
func notesOf(p *plan.Plan) []string {
	notes := slices.Clone(p.Notes)
	for _, c := range p.Cohorts {
		switch who := view.Count(c.Count, "tenant"); {
		case p.Kind != plan.KindRollback:
		case c.Skipped != "":
			notes = append(notes, who+": "+c.Skipped)
		case c.Refused != nil:
			notes = append(notes, who+": cannot be taken back: "+c.Refused.Message)
		}
	}
	return notes
}

// work runs a plan with this fleet's connections.
func (f *fleet) work(ctx context.Context, cfg run.Config) (*rollout.Report, error) {
	f.app.drains.Store(true)
	if cfg.Engine == nil {
		cfg.Engine = f.engine
	}
	cfg.Graph, cfg.Querier = f.graph, f.engine
	cfg.Holder, cfg.Drain = holder(cfg.Plan.Rollout), f.app.drain
	cfg.Data = f.data
	if f.pg != nil {
		cfg.Prober, cfg.Watcher = f.pg, f.pg
	}
	return run.Run(ctx, cfg)
}

// finish draws the report and returns the exit code. An error beside a report is about the store.
func (f *fleet) finish(v view.View, report *rollout.Report, err error) error {
	return f.finishWith(exitDone, v, report, err)
}

// finishWith is finish with an exit code for a report that calls for none.
func (f *fleet) finishWith(good int, v view.View, report *rollout.Report, err error) error {
	code := report.ExitCode()
	if err != nil && code == exitDone {
		code = exitHalted
	}
	if code == exitDone {
		code = good
	}
	v.Close(report, code)
	if err != nil {
		f.app.note("skein: %v", err)
	}
	if code == exitDone {
		return nil
	}
	return exitCode(code)
}

// follow lets the run see how the fleet changes while it goes on. A run for some tenants has nothing to do with the
// others.
func (f *fleet) follow(cfg *run.Config) (err error) {
	p := cfg.Plan
	cfg.Surveyor = f.engine
	if p.Partial {
		return nil
	}
	cfg.Screener = f.engine
	who, err := f.scopeOf(p)
	if err != nil {
		return err
	}
	list := func(away bool) func(context.Context) ([]tenant.Tenant, error) {
		who := who
		who.away = away
		return func(ctx context.Context) ([]tenant.Tenant, error) {
			tenants, _, err := f.gather(ctx, who)
			return tenants, err
		}
	}
	cfg.Discover, cfg.DiscoverAway = list(false), list(true)
	if slices.Contains([]plan.Kind{plan.KindUpgrade, plan.KindDowngrade}, p.Kind) {
		cfg.Joins, err = joins(p)
	}
	return err
}

func (f *fleet) viewOptions(earlier []rollout.Event) view.Options {
	return view.Options{
		Verbose: f.app.verbose, Quiet: f.app.quiet, Colour: f.app.colour(f.app.out),
		Folder: filepath.ToSlash(show(revisionsDir(f.project))), Earlier: earlier,
	}
}

// gatesOf are the gates of a plan in words, by wave. A run for some tenants asks none.
func gatesOf(p *plan.Plan) map[string]string {
	gates := map[string]string{}
	for _, w := range p.Waves {
		if text := view.Gate(w.Gate); text != "" && !p.Partial {
			gates[w.Name] = text
		}
	}
	return gates
}

// view chooses how the run is drawn.
func (a *app) view(o view.Options) view.View {
	switch {
	case a.stream != nil:
		return a.stream.Part()
	case a.json:
		a.lines = view.NewJSON(a.out, toolVersion(), o)
		return a.lines
	case isTerminal(a.out) && !a.quiet:
		return view.NewBar(a.out, o)
	}
	return view.NewPlain(a.out, o)
}

// data is what a body with the template option sees of a tenant.
func (f *fleet) data(t tenant.Tenant) any {
	return templateData{Tenant: templateTenantOf(t), X: f.project.Vars}
}

// templateData is what a body with the template option sees.
type templateData struct {
	Tenant templateTenant
	X      map[string]string // -x key=value
}

type templateTenant struct {
	ID, Server, Database, Schema, File string
	Labels                             map[string]string
}

func templateTenantOf(t tenant.Tenant) templateTenant {
	return templateTenant{t.ID, t.Location.Server, t.Location.Database, t.Location.Schema, t.Location.File, t.Labels}
}
