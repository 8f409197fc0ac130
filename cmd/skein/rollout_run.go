package main

import (
	"bufio"
	"context"
	"errors"
	"fmt"
	"path/filepath"
	"strconv"
	"strings"
	"time"

	"github.com/spf13/cobra"

	"github.com/skeindb/skein/cmd/skein/view"
	"github.com/skeindb/skein/engine"
	"github.com/skeindb/skein/orchestrator"
	"github.com/skeindb/skein/tenant"
)

// changeFlags are those of the commands that change tenants.
type changeFlags struct {
	selectors    *[]string
	concurrency  int
	perServer    int
	maxFailures  string
	allowChanged bool
	yes          bool
	dryRun       bool
	tag          string
}

func (c *changeFlags) add(cmd *cobra.Command) {
	c.selectors = selectorFlag(cmd)
	f := cmd.Flags()
	f.IntVar(&c.concurrency, "concurrency", 0, "most tenants at once over the fleet")
	f.IntVar(&c.perServer, "per-server", 0, "most tenants at once on one server")
	f.StringVar(&c.maxFailures, "max-failures", "", "failures that are borne without halting: `N or P%`")
	f.BoolVar(&c.allowChanged, "allow-changed", false, "go on where the body of an applied revision changed since")
	f.BoolVar(&c.yes, "yes", false, "do not ask")
	f.BoolVar(&c.dryRun, "dry-run", false, "show the plan and stop")
	f.StringVar(&c.tag, "tag", "", "a word for the record, such as a release")
}

// overrides are the flags that stand in for keys of the config.
func (c *changeFlags) overrides(cmd *cobra.Command) map[string]string {
	o := map[string]string{}
	if cmd.Flags().Changed("concurrency") {
		o["rollout.concurrency"] = strconv.Itoa(c.concurrency)
	}
	if cmd.Flags().Changed("per-server") {
		o["rollout.per_server"] = strconv.Itoa(c.perServer)
	}
	if cmd.Flags().Changed("max-failures") {
		o["rollout.max_failures"] = c.maxFailures
	}
	return o
}

// change is one of upgrade, downgrade and stamp: what it asks of the fleet.
type change struct {
	kind    orchestrator.Kind
	targets []string
	purge   bool
	flags   *changeFlags
}

// change plans, asks, and runs.
func (a *app) change(cmd *cobra.Command, c change) (err error) {
	ctx := cmd.Context()
	id := orchestrator.NewID(time.Now())
	f, err := a.open(ctx, "skein/"+id, c.flags.overrides(cmd), func(cfg *engine.Config) { cfg.AllowChanged = c.flags.allowChanged })
	if err != nil {
		return err
	}
	defer func() { err = errors.Join(err, f.close()) }()
	store, err := f.openStore(ctx, true)
	if err != nil {
		return err
	}
	defer func() { err = errors.Join(err, store.Close()) }()

	if c.flags.dryRun {
		plan, err := f.arrange(ctx, store, id, c)
		if err != nil {
			return err
		}
		return a.printPlan(plan)
	}
	if a.asks(c) {
		plan, err := f.arrange(ctx, store, id, c)
		if err != nil {
			return err
		}
		if err := a.confirm(plan); err != nil {
			return err
		}
	}
	return f.locked(ctx, store, id, func(lease orchestrator.Lease) error {
		plan, err := f.arrange(ctx, store, id, c)
		if err != nil {
			return err
		}
		return f.run(ctx, orchestrator.RunConfig{Plan: plan, Store: store, Lease: lease})
	})
}

// arrange gathers, surveys and plans. Nothing is touched.
func (f *fleet) arrange(ctx context.Context, store orchestrator.Store, id string, c change) (*orchestrator.Plan, error) {
	known, err := f.known(ctx, store)
	if err != nil {
		return nil, err
	}
	tenants, err := f.gather(ctx, f.guards(known))
	if err != nil {
		return nil, err
	}
	s, err := f.survey(ctx, tenants, *c.flags.selectors)
	if err != nil {
		return nil, err
	}
	plan, err := orchestrator.Arrange(s.tenants, s.standings, f.graph, orchestrator.Request{
		Rollout: id, Fleet: f.project.Fleet, Kind: c.kind, Targets: c.targets, Tag: c.flags.tag, Created: time.Now(),
		Policy: f.project.Policy, FleetSize: len(tenants),
		Options: orchestrator.Options{Mode: f.engine.Mode(), AllowChanged: c.flags.allowChanged, Purge: c.purge},
	})
	if err != nil {
		return nil, err
	}
	return plan, f.fits(plan)
}

// known is how many tenants the fleet had at its last rollout; 0 = there was none.
func (f *fleet) known(ctx context.Context, store orchestrator.Store) (int, error) {
	last, err := store.List(ctx, f.project.Fleet, 1)
	if err != nil || len(last) == 0 {
		return 0, err
	}
	return last[0].FleetSize, nil
}

// asks reports whether a person is asked before tenants are changed.
func (a *app) asks(c change) bool {
	return !c.flags.yes && (isTerminal(a.in) || c.kind == orchestrator.Downgrade)
}

// confirm shows the plan and asks. Where nobody can be asked, a downgrade wants --yes.
func (a *app) confirm(plan *orchestrator.Plan) error {
	if !isTerminal(a.in) {
		return &usageError{"a downgrade without a terminal needs --yes", "look at it first with --dry-run"}
	}
	if err := a.printPlan(plan); err != nil {
		return err
	}
	fmt.Fprintf(a.err, "\n%s %d tenants? [y/N] ", plan.Kind, plan.Changes())
	answer, _ := bufio.NewReader(a.in).ReadString('\n')
	if !strings.EqualFold(strings.TrimSpace(answer), "y") && !strings.EqualFold(strings.TrimSpace(answer), "yes") {
		return &usageError{"not confirmed, nothing was touched", ""}
	}
	return nil
}

// run works a plan and shows it; its error is the exit code, or why it could not be run.
func (f *fleet) run(ctx context.Context, cfg orchestrator.RunConfig) error {
	f.app.drains.Store(true)
	v := f.app.view(f.viewOptions(cfg.Earlier))
	cfg.Policy, cfg.Upgrader, cfg.Graph = f.project.Policy, f.engine, f.graph
	cfg.Holder, cfg.Observers, cfg.Stop = holder(cfg.Plan.Rollout), []orchestrator.Observer{v}, f.app.drain
	cfg.Data = func(t tenant.Tenant) any { return templateData{Tenant: templateTenantOf(t), X: f.project.Vars} }
	if f.pg != nil {
		cfg.Prober = f.pg
	}
	report, err := orchestrator.Run(ctx, cfg)
	if report == nil {
		return err
	}
	code := report.ExitCode()
	if err != nil && code == exitDone {
		code = exitHalted
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

func (f *fleet) viewOptions(earlier []orchestrator.Event) view.Options {
	return view.Options{
		Verbose: f.app.verbose, Quiet: f.app.quiet, Colour: f.app.colour(f.app.out),
		Folder: filepath.ToSlash(show(revisionsDir(f.project))), Earlier: earlier,
	}
}

// view chooses how the run is drawn.
func (a *app) view(o view.Options) view.View {
	switch {
	case a.stream != nil:
		return a.stream.Part()
	case a.json:
		return view.NewJSON(a.out, toolVersion(), o)
	case isTerminal(a.out) && !a.quiet:
		return view.NewBar(a.out, o)
	}
	return view.NewPlain(a.out, o)
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
	return templateTenant{t.ID, t.Target.Server, t.Target.Database, t.Target.Schema, t.Target.File, t.Labels}
}
