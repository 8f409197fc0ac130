package main

import (
	"github.com/spf13/cobra"

	"github.com/skeindb/skein/orchestrator"
	"github.com/skeindb/skein/orchestrator/plan"
	"github.com/skeindb/skein/orchestrator/rollout"
)

func (a *app) rolloutRollbackCommand() *cobra.Command {
	var flags changeFlags
	var partial bool
	cmd := &cobra.Command{
		Use:   "rollback [ID]",
		Short: "Take back what a rollout applied",
		Long: "Take back what a rollout applied: in each tenant exactly the revisions whose rows in its version table name the\n" +
			"rollout, with its waves in reverse order and without gates. It is a rollout of its own. If something cannot be taken\n" +
			"back, it names it and changes nothing; with --partial those tenants are skipped instead.\n" +
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
	of, err := a.find(ctx, named, rollout.ActionRollback)
	if err != nil {
		return err
	}
	c := orchestrator.RollbackOf(of)
	c.ID, c.Tag, c.Partial = a.newID(ctx), flags.reason, partial
	return a.withFleet(cmd, c.ID, flags, func(f *fleet, _ rollout.FullStore) error {
		if flags.dryRun || a.asks(plan.KindRollback, flags) {
			if over, err := f.preview(ctx, c, flags); over || err != nil {
				return err
			}
		}
		return f.apply(ctx, c, flags)
	})
}
