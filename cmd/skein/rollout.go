package main

import (
	"context"
	"errors"
	"fmt"
	"text/tabwriter"
	"time"

	"github.com/spf13/cobra"

	"github.com/skeindb/skein/cmd/skein/view"
	"github.com/skeindb/skein/config"
	"github.com/skeindb/skein/orchestrator/plan"
	"github.com/skeindb/skein/orchestrator/rollout"
)

func (a *app) rolloutCommand() *cobra.Command {
	cmd := &cobra.Command{
		Use:   "rollout",
		Short: "List, show, control, resume and roll back rollouts",
		Long: "List, show, control, resume and roll back rollouts. Without an ID a command acts on the latest rollout to which it\n" +
			"applies.",
		GroupID: "fleet",
		Args:    cobra.NoArgs,
		RunE:    a.group,
	}
	cmd.AddCommand(
		a.rolloutListCommand(), a.rolloutShowCommand(), a.rolloutAuditCommand(),
		a.rolloutPauseCommand(), a.rolloutApproveCommand(), a.rolloutSkipCommand(), a.rolloutAbortCommand(),
		a.rolloutResumeCommand(), a.rolloutRetryCommand(), a.rolloutRollbackCommand(),
	)
	return cmd
}

// summary is a line of `rollout list --json`.
type summary struct {
	ID       string               `json:"id"`
	Kind     plan.Kind            `json:"type"`
	State    rollout.State        `json:"state"`
	Target   string               `json:"target"`
	Started  time.Time            `json:"started"`
	Finished *time.Time           `json:"finished"`
	Counts   map[plan.Outcome]int `json:"counts"`
}

func summaryOf(s rollout.Summary) summary {
	out := summary{ID: s.ID, Kind: s.Kind, State: s.State, Target: s.Target, Started: s.Started.UTC(), Counts: s.Counts}
	if !s.Finished.IsZero() {
		at := s.Finished.UTC()
		out.Finished = &at
	}
	if out.Counts == nil {
		out.Counts = map[plan.Outcome]int{}
	}
	return out
}

func countsText(counts map[plan.Outcome]int) string { return view.Counts(counts) }

func (a *app) rolloutListCommand() *cobra.Command {
	var limit int
	cmd := &cobra.Command{
		Use:   "list",
		Short: "List the rollouts of the fleet, the latest first",
		Args:  cobra.NoArgs,
		RunE: func(cmd *cobra.Command, _ []string) error {
			return a.withStore(cmd.Context(), func(f *fleet, store rollout.FullStore) error {
				all, err := f.control(store).List(cmd.Context(), limit)
				if err != nil {
					return err
				}
				lines := make([]summary, 0, len(all))
				for _, s := range all {
					lines = append(lines, summaryOf(s))
				}
				if a.json {
					writeJSON(a.out, lines)
					return nil
				}
				w := tabwriter.NewWriter(a.out, 0, 8, 2, ' ', 0)
				fmt.Fprintln(w, "ROLLOUT\tWHAT\tTARGET\tSTATE\tSTARTED\tTENANTS")
				for _, s := range lines {
					view.Row(w, "%s\t%s\t%s\t%s\t%s\t%s\n", s.ID, s.Kind, s.Target, s.State, s.Started.Format(time.DateTime), countsText(s.Counts))
				}
				return w.Flush()
			})
		},
	}
	cmd.Flags().IntVarP(&limit, "limit", "n", 20, "list at most so many; 0 = all")
	return cmd
}

// first is the first argument; "" when there is none.
func first(args []string) string {
	if len(args) == 0 {
		return ""
	}
	return args[0]
}

// withStore opens the project and its store for commands that touch no tenant.
func (a *app) withStore(ctx context.Context, work func(*fleet, rollout.FullStore) error) (err error) {
	p, err := a.project(config.Options{})
	if err != nil {
		return err
	}
	f := &fleet{app: a, project: p}
	store, err := f.openStore(ctx, true)
	if err != nil {
		return err
	}
	defer func() { err = errors.Join(err, store.Close()) }()
	return work(f, store)
}
