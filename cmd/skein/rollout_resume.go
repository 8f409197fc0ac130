package main

import (
	"context"

	"github.com/spf13/cobra"

	"github.com/skeindb/skein/orchestrator/control"
	"github.com/skeindb/skein/orchestrator/rollout"
)

func (a *app) rolloutResumeCommand() *cobra.Command {
	var flags changeFlags
	cmd := &cobra.Command{
		Use:   "resume [ID]",
		Short: "Resume a rollout: migrate every tenant that is not where it planned",
		Long: "Resume a rollout that failed for some tenants, paused, halted, was interrupted or was killed: it reads where every\n" +
			"tenant stands, and migrates those that are not where the rollout planned them, with new attempts and a new failure\n" +
			"budget. Skipped tenants stay skipped; gates that passed are not checked again. It refuses an aborted rollout, and one\n" +
			"whose revisions changed or are missing since it was planned; new revisions are not added.",
		Args:    cobra.MaximumNArgs(1),
		Example: "  skein rollout resume\n  skein rollout resume 20261123-031500-k7qa --reason 'disk is larger now'",
	}
	flags.addLimits(cmd)
	flags.addWaiting(cmd)
	flags.addTerminate(cmd)
	flags.addReason(cmd)
	cmd.RunE = func(cmd *cobra.Command, args []string) error {
		return a.resume(cmd, first(args), &flags, control.Request{Action: rollout.ActionResume, By: control.By{Reason: flags.reason}})
	}
	return cmd
}

// resume makes another run of a rollout, for all of its tenants or for those that the request names.
func (a *app) resume(cmd *cobra.Command, named string, flags *changeFlags, req control.Request) error {
	ctx := cmd.Context()
	id, err := a.find(ctx, named, req.Action)
	if err != nil {
		return err
	}
	return a.withFleet(cmd, id, flags, func(f *fleet, _ rollout.FullStore) error {
		if req.Action == rollout.ActionRetry {
			return f.finish(f.Retry(ctx, id, req.Tenants, req.By))
		}
		return f.finish(f.Resume(ctx, id, req.By))
	})
}

// find finds the rollout that is meant before the connections are named after it.
func (a *app) find(ctx context.Context, named string, action rollout.Action) (id string, err error) {
	err = a.withStore(ctx, func(f *fleet, store rollout.FullStore) error {
		if id = named; id == "" {
			id, err = f.control(store).Find(ctx, action)
		}
		return err
	})
	return id, err
}
