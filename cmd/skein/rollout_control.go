package main

import (
	"slices"
	"strings"

	"github.com/spf13/cobra"

	"github.com/skeindb/skein/orchestrator/control"
	"github.com/skeindb/skein/orchestrator/rollout"
)

func (a *app) rolloutPauseCommand() *cobra.Command {
	req := control.Request{Action: rollout.ActionPause}
	cmd := &cobra.Command{
		Use:     "pause [ID]",
		Short:   "Pause a running rollout: running tenants finish, no more are started",
		Long:    "Pause a running rollout: running tenants finish, no more are started, and its process exits with 3.\n`skein rollout resume` continues it.",
		Args:    cobra.MaximumNArgs(1),
		Example: "  skein rollout pause --reason 'error rate is up'",
	}
	cmd.Flags().StringVar(&req.Reason, "reason", "", "`TEXT` for the audit log")
	cmd.RunE = func(cmd *cobra.Command, args []string) error { return a.send(cmd.Context(), first(args), req) }
	return cmd
}

func (a *app) rolloutApproveCommand() *cobra.Command {
	req := control.Request{Action: rollout.ActionApprove}
	cmd := &cobra.Command{
		Use:   "approve [ID]",
		Short: "Approve the gate that waits for an approval",
		Long: "Approve the gate that waits for an approval. If no process runs the rollout any more, the approval is recorded, and\n" +
			"`skein rollout resume` continues with it.",
		Args:    cobra.MaximumNArgs(1),
		Example: "  skein rollout approve\n  skein rollout approve --wave canary --reason 'looked at the dashboards'",
	}
	cmd.Flags().StringVar(&req.Wave, "wave", "", "only if the gate of the wave `NAME` waits")
	cmd.Flags().StringVar(&req.Reason, "reason", "", "`TEXT` for the audit log")
	cmd.RunE = func(cmd *cobra.Command, args []string) error { return a.send(cmd.Context(), first(args), req) }
	return cmd
}

func (a *app) rolloutAbortCommand() *cobra.Command {
	req := control.Request{Action: rollout.ActionAbort}
	cmd := &cobra.Command{
		Use:   "abort [ID]",
		Short: "Abort a rollout for good",
		Long: "Abort a rollout for good: running tenants finish, no more are started, and it cannot be resumed. What was applied\n" +
			"stays; `skein rollout rollback` takes it back.",
		Args:    cobra.MaximumNArgs(1),
		Example: "  skein rollout abort --reason 'the release is withdrawn'",
	}
	cmd.Flags().StringVar(&req.Reason, "reason", "", "`TEXT` for the audit log")
	cmd.RunE = func(cmd *cobra.Command, args []string) error { return a.send(cmd.Context(), first(args), req) }
	return cmd
}

func (a *app) rolloutSkipCommand() *cobra.Command {
	req := control.Request{Action: rollout.ActionSkip}
	var id string
	cmd := &cobra.Command{
		Use:   "skip TENANT... --reason TEXT",
		Short: "Skip tenants of a rollout that have not started, or that failed",
		Long: "Skip tenants of a rollout that have not started, or that failed: they count as skipped, now and when the rollout is\n" +
			"resumed. Tenants that are running or done cannot be skipped.",
		Args:    cobra.MinimumNArgs(1),
		Example: "  skein rollout skip acme --reason 'moves to another server on Friday'",
	}
	rolloutFlag(cmd, &id)
	cmd.Flags().StringVar(&req.Reason, "reason", "", "`TEXT` for the audit log; required")
	cmd.RunE = func(cmd *cobra.Command, args []string) error {
		if strings.TrimSpace(req.Reason) == "" {
			return &usageError{"skip needs a --reason", "the audit log says why a tenant was left out"}
		}
		req.Tenants = unique(args)
		return a.send(cmd.Context(), id, req)
	}
	return cmd
}

// unique leaves out what is named twice.
func unique(args []string) []string {
	var out []string
	for _, arg := range args {
		if !slices.Contains(out, arg) {
			out = append(out, arg)
		}
	}
	return out
}
