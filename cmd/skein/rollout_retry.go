package main

import (
	"github.com/spf13/cobra"

	"github.com/skeindb/skein/orchestrator/control"
	"github.com/skeindb/skein/orchestrator/rollout"
)

func (a *app) rolloutRetryCommand() *cobra.Command {
	var flags changeFlags
	var id string
	cmd := &cobra.Command{
		Use:   "retry TENANT...",
		Short: "Retry single tenants of a rollout",
		Long: "Retry single tenants of a rollout, with new attempts and a new failure budget, as resume does for all. No gate is\n" +
			"checked. Tenants that were skipped, or are where the rollout planned them, are not touched.",
		Args:    cobra.MinimumNArgs(1),
		Example: "  skein rollout retry acme globex\n  skein rollout retry acme --rollout 20261123-031500-k7qa --reason 'duplicate rows removed'",
	}
	rolloutFlag(cmd, &id)
	flags.addLimits(cmd)
	flags.addTerminate(cmd)
	flags.addReason(cmd)
	cmd.RunE = func(cmd *cobra.Command, args []string) error {
		return a.resume(cmd, id, &flags, control.Request{Action: rollout.ActionRetry, Tenants: unique(args), By: control.By{Reason: flags.reason}})
	}
	return cmd
}

// rolloutFlag names the rollout for commands whose arguments are tenants.
func rolloutFlag(cmd *cobra.Command, id *string) {
	cmd.Flags().StringVarP(id, "rollout", "i", "", "rollout `ID`; default: the latest to which this applies")
}
