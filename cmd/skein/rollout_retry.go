package main

import (
	"fmt"

	"github.com/spf13/cobra"

	"github.com/skeindb/skein/cmd/skein/view"
	"github.com/skeindb/skein/orchestrator/plan"
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
		return a.takeUp(cmd, id, &flags, order{action: rollout.ActionRetry, tenants: unique(args), reason: flags.reason})
	}
	return cmd
}

// rolloutFlag names the rollout for commands whose arguments are tenants.
func rolloutFlag(cmd *cobra.Command, id *string) {
	cmd.Flags().StringVarP(id, "rollout", "i", "", "of the rollout `ID`; else of the latest that fits")
}

// idle refuses a retry of tenants none of which has anything left to do, and says of each why.
func idle(plan *plan.Plan, stored *record, tenants []string) error {
	if len(tenants) == 0 || plan.Len() > 0 {
		return nil
	}
	are := make([]string, 0, len(tenants))
	for _, id := range tenants {
		are = append(are, fmt.Sprintf("%s is %s", id, stored.report.Outcome(id)))
	}
	return &usageError{"nothing is left to do: " + view.Some(are), "`skein rollout show` has the tenants that failed"}
}
