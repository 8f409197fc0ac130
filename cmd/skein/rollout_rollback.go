package main

import (
	"context"
	"fmt"
	"time"

	"github.com/spf13/cobra"

	"github.com/skeindb/skein/orchestrator/plan"
	"github.com/skeindb/skein/orchestrator/rollout"
	"github.com/skeindb/skein/orchestrator/run"
)

func (a *app) rolloutRollbackCommand() *cobra.Command {
	var flags changeFlags
	var partial bool
	cmd := &cobra.Command{
		Use:   "rollback [ID]",
		Short: "Take back what a rollout upgraded",
		Long: "Take back what a rollout upgraded: of each tenant just the revisions whose rows in its version table name the rollout,\n" +
			"in the reverse order of its waves and without gates. It is a rollout of its own. If something cannot be taken\n" +
			"back, it says what, and touches nothing, unless --partial is given, with which those tenants are skipped.\n" +
			"Without a terminal --yes is required.",
		Args:    cobra.MaximumNArgs(1),
		Example: "  skein rollout rollback --dry-run\n  skein rollout rollback 20261123-031500-k7qa --reason 'wrong default' --yes",
	}
	flags.addLimits(cmd)
	flags.addTerminate(cmd)
	flags.addReason(cmd)
	cmd.Flags().BoolVar(&flags.dryRun, "dry-run", false, "show the plan and stop")
	cmd.Flags().BoolVar(&partial, "partial", false, "skip tenants that cannot be taken back")
	cmd.RunE = func(cmd *cobra.Command, args []string) error {
		return a.rollback(cmd, first(args), &flags, partial)
	}
	return cmd
}

func (a *app) rollback(cmd *cobra.Command, named string, flags *changeFlags, partial bool) error {
	ctx := cmd.Context()
	of, err := a.upgraded(ctx, named)
	if err != nil {
		return err
	}
	id := a.newID(ctx)
	return a.withFleet(cmd, id, flags, func(f *fleet, store rollout.Store) error {
		req := plan.Options{
			Rollout: id, Fleet: f.project.Fleet, Kind: plan.KindRollback, Targets: []string{of}, Created: time.Now(), Policy: f.project.Policy, Tag: flags.reason,
			Rules: plan.Rules{Mode: f.engine.Mode(), AllowChanged: flags.allowChanged},
		}
		arrange := func() (*plan.Plan, error) { return f.arrangeRollback(ctx, store, of, req, partial) }
		if flags.dryRun || a.asks(plan.KindRollback, flags) {
			plan, err := arrange()
			switch {
			case flags.dryRun && err != nil:
				return unreached(err)
			case err != nil:
				return err
			case flags.dryRun:
				return a.printPlan(plan)
			}
			if err := a.confirm(plan); err != nil {
				return err
			}
		}
		return f.locked(ctx, store, id, func(lease rollout.Lease) error {
			stored, err := f.load(ctx, store, of)
			if err != nil {
				return err
			}
			if err := f.awaitOrphans(ctx, stored.plan, flags.terminate); err != nil {
				return err
			}
			plan, err := arrange()
			if err != nil {
				return err
			}
			if err := f.noteRollback(ctx, store, of, id, flags.reason); err != nil {
				return err
			}
			policy := f.project.Policy
			policy.Waves, policy.Pins = nil, nil // those of the rollout that is taken back, without their gates
			return f.run(ctx, run.Config{Plan: plan, Store: store, Lease: lease, Policy: policy, Options: req.Rules})
		})
	})
}

// arrangeRollback asks the tenants of a rollout where they stand, and plans to take it back.
func (f *fleet) arrangeRollback(ctx context.Context, store rollout.Store, of string, req plan.Options, partial bool) (*plan.Plan, error) {
	stored, err := f.load(ctx, store, of)
	if err != nil {
		return nil, err
	}
	f.useKept(stored.plan)
	who, err := f.scopeOf(stored.plan)
	if err != nil {
		return nil, err
	}
	tenants, whole, err := f.gather(ctx, who)
	if err != nil {
		return nil, err
	}
	if whole {
		req.FleetSize = len(tenants)
	}
	where := run.LocateRollback(ctx, f.engine, rollout.Current(stored.plan, stored.events), tenants)
	if err := ctx.Err(); err != nil {
		return nil, err
	}
	if len(where.Unlisted) > 0 {
		f.app.note("skein: warning: %s", run.UnlistedWarning(where.Unlisted))
	}
	plan, err := plan.NewRollback(rollout.Current(stored.plan, stored.events), rollout.Touched(stored.events), where.Members, f.graph, req, partial)
	if err != nil {
		return nil, err
	}
	return f.checked(ctx, plan)
}

// useKept adds to the revisions those whose files are missing, and of which a rollout kept the downgrade sections. Where
// they do not fit, each tenant that needs one of them is refused for the missing file.
func (f *fleet) useKept(p *plan.Plan) {
	graph, err := p.WithKept(f.graph, f.project.Dialect())
	if err != nil {
		f.warn([]string{"the downgrade sections that rollout " + p.Rollout + " kept cannot be used: " + err.Error()})
		return
	}
	if graph != f.graph {
		f.graph, f.engine = graph, f.engine.With(graph)
	}
}

// upgraded finds the rollout to take back: the one named, else the latest upgrade, whatever became of it. What it has
// recorded does not say whether it changed anything: a killed run may have. So it is never passed over for the one
// before, nor is one that was taken back already: who says it twice does not mean two.
func (a *app) upgraded(ctx context.Context, named string) (id string, err error) {
	err = a.withStore(ctx, func(f *fleet, store rollout.Store) error {
		all, err := store.List(ctx, f.project.Fleet, 0)
		if err != nil {
			return err
		}
		id, err = f.rolloutID(ctx, store, named, wanted{
			also: func(s rollout.Summary) bool { return s.Kind == plan.KindUpgrade },
			none: "there is no upgrade that could be taken back",
		})
		if err != nil || named != "" {
			return err
		}
		for _, s := range all {
			if s.Kind == plan.KindRollback && s.Target == id && s.State == rollout.StateFinished && s.Counts[plan.OutcomeFailed]+s.Counts[plan.OutcomeUncertain]+s.Counts[plan.OutcomeSkipped] == 0 {
				return &usageError{fmt.Sprintf("rollout %s was taken back already, by %s", id, s.ID), "name the ID of the rollout to take back"}
			}
		}
		return nil
	})
	return id, err
}

// noteRollback writes into the log of the rollout that is taken back who did so, and by which rollout.
func (f *fleet) noteRollback(ctx context.Context, store rollout.Store, of, id, reason string) error {
	by := "by rollout " + id
	if reason != "" {
		by = fmt.Sprintf("%s (%s)", reason, by)
	}
	if _, err := store.Command(ctx, order{action: rollout.ActionRollback, reason: by}.command(of)); err != nil {
		return err
	}
	_, told, err := f.takeIn(ctx, store, of) // nobody runs it: we have the lock
	if err == nil {
		told()
	}
	return err
}
