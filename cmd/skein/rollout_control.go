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
		Short:   "Let a running rollout begin no more tenants, finish those under work, and end",
		Long:    "Let a running rollout begin no more tenants, finish those under work, and end with exit code 3. `skein rollout resume` goes on.",
		Args:    cobra.MaximumNArgs(1),
		Example: "  skein rollout pause --reason 'error rate is up'",
	}
	cmd.Flags().StringVar(&req.Reason, "reason", "", "`TEXT` for the record: why")
	cmd.RunE = func(cmd *cobra.Command, args []string) error { return a.send(cmd.Context(), first(args), req) }
	return cmd
}

func (a *app) rolloutApproveCommand() *cobra.Command {
	req := control.Request{Action: rollout.ActionApprove}
	cmd := &cobra.Command{
		Use:   "approve [ID]",
		Short: "Open the gate that waits for an approval",
		Long: "Open the gate that waits for an approval. Where no process runs the rollout any more, the approval is kept, and\n" +
			"`skein rollout resume` goes on with it.",
		Args:    cobra.MaximumNArgs(1),
		Example: "  skein rollout approve\n  skein rollout approve --wave canary --reason 'looked at the dashboards'",
	}
	cmd.Flags().StringVar(&req.Wave, "wave", "", "only if it is the gate of the wave `NAME` that waits")
	cmd.Flags().StringVar(&req.Reason, "reason", "", "`TEXT` for the record: why")
	cmd.RunE = func(cmd *cobra.Command, args []string) error { return a.send(cmd.Context(), first(args), req) }
	return cmd
}

func (a *app) rolloutAbortCommand() *cobra.Command {
	req := control.Request{Action: rollout.ActionAbort}
	cmd := &cobra.Command{
		Use:   "abort [ID]",
		Short: "Give a rollout up for good",
		Long: "Give a rollout up for good: no more tenants are begun, those under work finish, and it cannot be resumed. What was done\n" +
			"stays; `skein rollout rollback` takes it back.",
		Args:    cobra.MaximumNArgs(1),
		Example: "  skein rollout abort --reason 'the release is withdrawn'",
	}
	cmd.Flags().StringVar(&req.Reason, "reason", "", "`TEXT` for the record: why")
	cmd.RunE = func(cmd *cobra.Command, args []string) error { return a.send(cmd.Context(), first(args), req) }
	return cmd
}

func (a *app) rolloutSkipCommand() *cobra.Command {
	req := control.Request{Action: rollout.ActionSkip}
	var id string
	cmd := &cobra.Command{
		Use:   "skip TENANT... --reason TEXT",
		Short: "Leave tenants of a rollout alone that it has not begun, or that failed",
		Long: "Leave tenants of a rollout alone that it has not begun, or that failed: they count as skipped, now and when it is\n" +
			"resumed. Tenants under work, or done, cannot be skipped.",
		Args:    cobra.MinimumNArgs(1),
		Example: "  skein rollout skip acme --reason 'moves to another server on Friday'",
	}
	rolloutFlag(cmd, &id)
	cmd.Flags().StringVar(&req.Reason, "reason", "", "`TEXT` for the record: why; required")
	cmd.RunE = func(cmd *cobra.Command, args []string) error {
		if strings.TrimSpace(req.Reason) == "" {
			return &usageError{"skip needs a --reason", "who reads the record later wants to know why a tenant was left behind"}
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
