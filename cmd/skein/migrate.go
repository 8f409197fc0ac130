package main

import (
	"bufio"
	"context"
	"errors"
	"fmt"
	"strings"
	"time"

	"github.com/spf13/cobra"

	"github.com/skeindb/skein/cmd/skein/view"
	"github.com/skeindb/skein/engine"
	"github.com/skeindb/skein/orchestrator/plan"
	"github.com/skeindb/skein/orchestrator/rollout"
	"github.com/skeindb/skein/orchestrator/run"
	"github.com/skeindb/skein/tenant"
)

// change is one of upgrade, downgrade and stamp: what it asks of the fleet.
type change struct {
	kind    plan.Kind
	targets []string
	purge   bool
	flags   *changeFlags
}

// change plans, asks, and runs.
func (a *app) change(cmd *cobra.Command, c change) error {
	ctx := cmd.Context()
	id := a.newID(ctx)
	if c.flags.rehearse != "" {
		id = "rehearsal-" + id // what others are told who find the fleet held; no rollout has such an id
	}
	return a.withFleet(cmd, id, c.flags, func(f *fleet, store rollout.Store) error {
		shape, err := f.shape(c)
		if err != nil {
			return err
		}
		arrange := func() (*plan.Plan, error) { return f.arrange(ctx, store, id, shape) }
		if shape.from != nil {
			arrange = func() (*plan.Plan, error) { return f.again(ctx, store, id, shape) }
		}
		switch {
		case c.flags.rehearse != "":
			return f.rehearse(ctx, store, id, c.flags.rehearse, arrange)
		case c.flags.dryRun:
			plan, err := arrange()
			if err != nil {
				return unreached(err)
			}
			return a.printPlan(plan)
		case a.asks(c.kind, c.flags):
			plan, err := arrange()
			if err != nil {
				return err
			}
			if err := a.confirm(plan); err != nil {
				return err
			}
		}
		return f.locked(ctx, store, id, func(lease rollout.Lease) error {
			plan, err := arrange()
			if err != nil {
				return err
			}
			return f.run(ctx, run.Config{
				Plan: plan, Store: store, Lease: lease, Policy: shape.policy, Options: shape.options(f), NoWait: c.flags.noWait,
			})
		})
	})
}

// withFleet opens the project for a rollout of that id, and its store.
func (a *app) withFleet(cmd *cobra.Command, id string, flags *changeFlags, work func(*fleet, rollout.Store) error) (err error) {
	ctx := cmd.Context()
	f, err := a.open(ctx, "skein/"+id, flags.overrides(cmd), func(cfg *engine.Config) {
		cfg.AllowChanged = flags.allowChanged
		if flags.rehearse != "" {
			cfg.LockTimeout = briefly(cfg.LockTimeout)
		}
	})
	if err != nil {
		return err
	}
	defer func() { err = errors.Join(err, f.close()) }()
	store, err := f.openStore(ctx, true)
	if err != nil {
		return err
	}
	defer func() { err = errors.Join(err, store.Close()) }()
	return work(f, store)
}

// arrange gathers, surveys and plans. Nothing is touched.
func (f *fleet) arrange(ctx context.Context, store rollout.Store, id string, s shape) (*plan.Plan, error) {
	known, err := f.known(ctx, store)
	if err != nil {
		return nil, err
	}
	chosen, err := parseSelectors(s.selectors)
	if err != nil {
		return nil, err
	}
	tenants, whole, err := f.gather(ctx, scope{guards: f.guards(known), chosen: chosen})
	if err != nil {
		return nil, err
	}
	where, err := f.survey(ctx, tenants, whole, chosen)
	if err != nil {
		return nil, err
	}
	f.lookForMisplaced()
	req := plan.Options{
		Rollout: id, Fleet: f.project.Fleet, Kind: s.kind, Targets: s.targets, Tag: s.flags.tag, Created: time.Now(),
		Policy: s.policy, Only: s.wave, Selectors: s.selectors, Canary: s.canary, Rules: s.options(f),
		Settings: s.settings(f),
	}
	if whole {
		req.FleetSize = len(tenants)
	}
	if s.policy.NeedsSizes() {
		run.SetSizes(ctx, f.engine, where)
	}
	plan, err := plan.New(where, f.graph, req)
	if err != nil {
		return nil, err
	}
	if err := s.covers(plan); err != nil {
		return nil, err
	}
	return f.checked(ctx, plan)
}

// sizes are the sizes of tenants in bytes; -1 where they cannot be told.
func (f *fleet) sizes(ctx context.Context, tenants []tenant.Tenant) []int64 {
	targets := make([]engine.Location, 0, len(tenants))
	for _, t := range tenants {
		targets = append(targets, t.Location)
	}
	return f.engine.Sizes(ctx, targets)
}

// known is how many tenants the fleet had at the last rollout that saw all of it; 0 = there was none.
func (f *fleet) known(ctx context.Context, store rollout.Store) (int, error) {
	last, err := store.List(ctx, f.project.Fleet, 100)
	for _, s := range last {
		if s.FleetSize > 0 {
			return s.FleetSize, err
		}
	}
	return 0, err
}

// asks reports whether a person is asked before tenants are changed.
func (a *app) asks(kind plan.Kind, flags *changeFlags) bool {
	return !flags.yes && (isTerminal(a.in) || kind == plan.KindDowngrade || kind == plan.KindRollback)
}

// confirm shows the plan and asks. Where nobody can be asked, what takes things away wants --yes.
func (a *app) confirm(plan *plan.Plan) error {
	if !isTerminal(a.in) {
		return &usageError{fmt.Sprintf("a %s without a terminal needs --yes", plan.Kind), "look at it first with --dry-run"}
	}
	out := a.out
	if a.json {
		out = a.err // stdout is for the one stream
	}
	if err := writePlan(out, plan); err != nil {
		return err
	}
	fmt.Fprintf(a.err, "\n%s %s? [y/N] ", plan.Kind, view.Count(plan.Changes(), "tenant"))
	answer, _ := bufio.NewReader(a.in).ReadString('\n')
	if !strings.EqualFold(strings.TrimSpace(answer), "y") && !strings.EqualFold(strings.TrimSpace(answer), "yes") {
		return &usageError{"not confirmed, nothing was touched", ""}
	}
	return nil
}
