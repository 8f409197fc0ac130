package main

import (
	"github.com/spf13/cobra"

	"github.com/skeindb/skein/orchestrator"
)

func (a *app) upgradeCommand() *cobra.Command {
	var flags changeFlags
	cmd := &cobra.Command{
		Use:   "upgrade [TARGET]",
		Short: "Upgrade every tenant, to the heads unless told otherwise",
		Long: "Upgrade every tenant, to the heads unless told otherwise, wave by wave as rollout.waves of the config says. A wave's\n" +
			"gate is asked when the wave is through; `skein rollout pause`, `approve`, `skip` and `abort` steer from elsewhere.\n" +
			"A failed, halted, paused or killed rollout is taken up again by `skein rollout resume`.",
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

// targetOf is the argument, else what everybody means.
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
		Short: "Take every tenant back to a target",
		Long: "Take every tenant back to a target: everything above it on every branch, with what depends on it.\nLABEL@base and LABEL@ID take back only that branch. Without a terminal --yes is required.\n" +
			"To take back just what one rollout did, there is `skein rollout rollback`.",
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
		Short:   "Write down where tenants stand without running anything",
		Long:    "Write down where tenants stand without running anything: rows for the targets and all they build on.\nThe structure is not looked at.",
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
	cmd.Flags().BoolVar(&purge, "purge", false, "first forget what is recorded, also what the graph does not know")
	return cmd
}
