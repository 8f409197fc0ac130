package main

import (
	"github.com/spf13/cobra"

	"github.com/skeindb/skein/orchestrator"
)

func (a *app) upgradeCommand() *cobra.Command {
	var flags changeFlags
	cmd := &cobra.Command{
		Use:   "upgrade [TARGET]",
		Short: "Upgrade every tenant, by default to the heads",
		Long: "Upgrade every tenant, by default to the heads, in the waves of rollout.waves in the config. The gate of a wave is\n" +
			"checked after the wave. `skein rollout pause`, `approve`, `skip` and `abort` control the rollout from any terminal;\n" +
			"`skein rollout resume` continues one that failed, halted, paused or was killed.",
		GroupID: "fleet",
		Args:    cobra.MaximumNArgs(1),
		Example: "  skein upgrade\n  skein upgrade +1 -t 'sample=5%'\n  skein upgrade billing@head --max-failures 1%\n" +
			"  skein upgrade --canary tier=internal\n  skein upgrade --rehearse=sample\n  skein plan -o plan.json && skein upgrade --plan plan.json",
		RunE: func(cmd *cobra.Command, args []string) error {
			if err := flags.agree(cmd, args); err != nil {
				return err
			}
			return a.change(cmd, orchestrator.UpgradeTo(targetOf(args)), &flags)
		},
	}
	flags.add(cmd)
	flags.addShape(cmd)
	flags.addPlanFile(cmd)
	flags.addRehearse(cmd)
	flags.addWaiting(cmd)
	return cmd
}

// targetOf is the argument, by default the heads.
func targetOf(args []string) string {
	if len(args) > 0 {
		return args[0]
	}
	return "heads"
}

func (a *app) downgradeCommand() *cobra.Command {
	var flags changeFlags
	cmd := &cobra.Command{
		Use:   "downgrade TARGET",
		Short: "Downgrade every tenant to a target",
		Long: "Downgrade every tenant to a target: everything above it on every branch, with what depends on it.\nLABEL@base and LABEL@ID downgrade only that branch. Without a terminal --yes is required.\n" +
			"`skein rollout rollback` undoes exactly what one rollout applied.",
		GroupID: "fleet",
		Args:    cobra.ExactArgs(1),
		Example: "  skein downgrade -1\n  skein downgrade billing@base --dry-run\n  skein downgrade -1 --rehearse",
		RunE: func(cmd *cobra.Command, args []string) error {
			if err := flags.agree(cmd, args); err != nil {
				return err
			}
			return a.change(cmd, orchestrator.DowngradeTo(args[0]), &flags)
		},
	}
	flags.add(cmd)
	flags.addShape(cmd)
	flags.addRehearse(cmd)
	return cmd
}

func (a *app) stampCommand() *cobra.Command {
	var flags changeFlags
	var purge bool
	cmd := &cobra.Command{
		Use:     "stamp TARGET...",
		Short:   "Record revisions as applied without running them",
		Long:    "Record revisions as applied without running them: rows for the targets and all they build on.\nThe structure of the tenants is not checked.",
		GroupID: "fleet",
		Args:    cobra.MinimumNArgs(1),
		Example: "  skein stamp heads\n  skein stamp base --purge -t id=acme",
		RunE: func(cmd *cobra.Command, args []string) error {
			c := orchestrator.StampTo(args...)
			c.Purge = purge
			return a.change(cmd, c, &flags)
		},
	}
	flags.add(cmd)
	cmd.Flags().BoolVar(&purge, "purge", false, "first delete all recorded revisions, also ones that the graph does not know")
	return cmd
}
