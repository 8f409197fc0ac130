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
		Short: "Take up just these tenants of a rollout again",
		Long: "Take up just these tenants of a rollout again, with fresh attempts and a fresh budget, as resume does for all. No gate\n" +
			"is asked. Tenants that were skipped or are where the rollout planned them are left alone.",
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
	cmd.Flags().StringVarP(id, "rollout", "i", "", "of the rollout `ID`; else of the latest that fits")
}
