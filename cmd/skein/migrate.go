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
	"github.com/skeindb/skein/config"
	"github.com/skeindb/skein/engine"
	"github.com/skeindb/skein/orchestrator"
	"github.com/skeindb/skein/orchestrator/plan"
	"github.com/skeindb/skein/orchestrator/rollout"
)

// What --rehearse takes.
const (
	rehearseAll    = "all"
	rehearseSample = "sample"
)

// change plans, asks, and runs one of upgrade, downgrade and stamp.
func (a *app) change(cmd *cobra.Command, c orchestrator.Change, flags *changeFlags) error {
	ctx := cmd.Context()
	c.ID = a.newID(ctx)
	if flags.rehearse != "" {
		c.ID = "rehearsal-" + c.ID // what others read who find the fleet locked; no rollout has such an id
	}
	return a.withFleet(cmd, c.ID, flags, func(f *fleet, _ rollout.FullStore) error {
		c, err := f.shaped(c, flags)
		if err != nil {
			return err
		}
		switch {
		case flags.rehearse != "":
			return f.rehearse(ctx, c, flags.rehearse == rehearseSample)
		case flags.dryRun || a.asks(c.Kind, flags):
			if over, err := f.preview(ctx, c, flags); over || err != nil {
				return err
			}
		}
		return f.apply(ctx, c, flags)
	})
}

// withFleet opens the project for a rollout of that id, and its store.
func (a *app) withFleet(cmd *cobra.Command, id string, flags *changeFlags, work func(*fleet, rollout.FullStore) error) (err error) {
	ctx := cmd.Context()
	f, err := a.open(ctx, orchestrator.Application(id), flags.overrides(cmd), func(cfg *engine.Config) {
		cfg.AllowChanged = flags.allowChanged
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
	if err := f.orchestrate(store, flags); err != nil {
		return err
	}
	defer f.closeHooks(ctx)
	return work(f, store)
}

// shaped puts into a change what the flags say, or the plan that they name.
func (f *fleet) shaped(c orchestrator.Change, flags *changeFlags) (orchestrator.Change, error) {
	c.Tag, c.Canary, c.Only = flags.tag, flags.canary, flags.wave
	if flags.selectors != nil {
		c.Selectors = *flags.selectors
	}
	if flags.file == "" {
		return c, nil
	}
	p, err := readPlan(flags.file, f.project.Fleet, c.Kind)
	c.Same = p
	return c, err
}

// plan makes a plan, and looks for extensions that lie in schemas of tenants.
func (f *fleet) plan(ctx context.Context, c orchestrator.Change, flags *changeFlags) (*plan.Plan, error) {
	p, err := f.Plan(ctx, c)
	f.lookForMisplaced()
	if err != nil {
		return nil, changedPlan(err, flags)
	}
	return p.Stored(), nil
}

// preview shows the plan: as all that is wanted, or to ask whether it shall be run.
func (f *fleet) preview(ctx context.Context, c orchestrator.Change, flags *changeFlags) (over bool, err error) {
	p, err := f.plan(ctx, c, flags)
	switch {
	case flags.dryRun && err != nil:
		return true, unreached(err)
	case err != nil:
		return true, err
	case flags.dryRun:
		return true, f.app.printPlan(p)
	}
	return false, f.app.confirm(p)
}

// apply runs a change and shows what came of it.
func (f *fleet) apply(ctx context.Context, c orchestrator.Change, flags *changeFlags) error {
	report, err := f.Apply(ctx, c)
	return f.finish(report, changedPlan(err, flags))
}

// rehearse rehearses a change and shows what came of it. What was not rehearsed to its end is a difference.
func (f *fleet) rehearse(ctx context.Context, c orchestrator.Change, sample bool) error {
	found, report, err := f.Rehearse(ctx, c, sample)
	good := exitDone
	if report != nil && !found.Whole() {
		good = exitDifference
	}
	return f.finishWith(good, report, err)
}

// asks reports whether a person is asked before tenants are changed.
func (a *app) asks(kind plan.Kind, flags *changeFlags) bool {
	return !flags.yes && (isTerminal(a.in) || kind == plan.KindDowngrade || kind == plan.KindRollback)
}

// confirm shows the plan and asks. Without a terminal, what removes things requires --yes.
func (a *app) confirm(plan *plan.Plan) error {
	if !isTerminal(a.in) {
		return &usageError{fmt.Sprintf("a %s without a terminal needs --yes", plan.Kind), "--dry-run shows the plan first"}
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
		return &usageError{"not confirmed; nothing was changed", ""}
	}
	return nil
}

// newID returns the id of a new rollout. Where the store cannot be read, whatever needs it next says why.
func (a *app) newID(ctx context.Context) string {
	id := plan.NewID(time.Now())
	p, err := a.project(config.Options{})
	if err != nil {
		return id
	}
	f := &fleet{app: a, project: p}
	store, err := f.openStore(ctx, false)
	if err != nil || store == nil {
		return id
	}
	defer func() { _ = store.Close() }()
	if next, err := f.control(store).NewID(ctx); err == nil {
		id = next
	}
	return id
}
