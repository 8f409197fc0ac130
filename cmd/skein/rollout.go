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
	"github.com/skeindb/skein/engine"
	"github.com/skeindb/skein/orchestrator"
)

func (a *app) rolloutCommand() *cobra.Command {
	cmd := &cobra.Command{
		Use:     "rollout",
		Short:   "List rollouts, show one, go on with one",
		GroupID: "fleet",
		Args:    cobra.NoArgs,
		RunE:    func(cmd *cobra.Command, _ []string) error { return cmd.Help() },
	}
	cmd.AddCommand(a.rolloutListCommand(), a.rolloutShowCommand(), a.rolloutResumeCommand())
	return cmd
}

// summary is a line of `rollout list --json`.
type summary struct {
	ID       string                       `json:"id"`
	Kind     orchestrator.Kind            `json:"type"`
	State    orchestrator.State           `json:"state"`
	Target   string                       `json:"target"`
	Started  time.Time                    `json:"started"`
	Finished *time.Time                   `json:"finished"`
	Counts   map[orchestrator.Outcome]int `json:"counts"`
}

func summaryOf(s orchestrator.Summary) summary {
	out := summary{ID: s.ID, Kind: s.Kind, State: s.State, Target: s.Target, Started: s.Started.UTC(), Counts: s.Counts}
	if !s.Finished.IsZero() {
		at := s.Finished.UTC()
		out.Finished = &at
	}
	if out.Counts == nil {
		out.Counts = map[orchestrator.Outcome]int{}
	}
	return out
}

func countsText(counts map[orchestrator.Outcome]int) string { return view.Counts(counts) }

func (a *app) rolloutListCommand() *cobra.Command {
	var limit int
	cmd := &cobra.Command{
		Use:   "list",
		Short: "List the fleet's rollouts, the latest first",
		Args:  cobra.NoArgs,
		RunE: func(cmd *cobra.Command, _ []string) error {
			return a.withStore(cmd.Context(), func(f *fleet, store orchestrator.Store) error {
				all, err := store.List(cmd.Context(), f.project.Fleet, limit)
				if err != nil {
					return err
				}
				lines := make([]summary, 0, len(all))
				for _, s := range all {
					if s.State, err = f.state(cmd.Context(), store, s.State); err != nil {
						return err
					}
					lines = append(lines, summaryOf(s))
				}
				if a.json {
					writeJSON(a.out, lines)
					return nil
				}
				w := tabwriter.NewWriter(a.out, 0, 8, 2, ' ', 0)
				fmt.Fprintln(w, "ROLLOUT\tWHAT\tTARGET\tSTATE\tSTARTED\tTENANTS")
				for _, s := range lines {
					fmt.Fprintf(w, "%s\t%s\t%s\t%s\t%s\t%s\n", s.ID, s.Kind, s.Target, s.State, s.Started.Format(time.DateTime), countsText(s.Counts))
				}
				return w.Flush()
			})
		},
	}
	cmd.Flags().IntVarP(&limit, "limit", "n", 20, "at most so many; 0 = all")
	return cmd
}

func (a *app) rolloutShowCommand() *cobra.Command {
	return &cobra.Command{
		Use:   "show [ID]",
		Short: "Show the report of a rollout; the latest unless told otherwise",
		Args:  cobra.MaximumNArgs(1),
		RunE: func(cmd *cobra.Command, args []string) error {
			return a.withStore(cmd.Context(), func(f *fleet, store orchestrator.Store) error {
				id, err := f.rolloutID(cmd.Context(), store, args, nil)
				if err != nil {
					return err
				}
				plan, events, err := store.Load(cmd.Context(), id)
				if err != nil {
					return noRollout(err, id)
				}
				r := reportOf(plan, events)
				if r.State, err = f.state(cmd.Context(), store, r.State); err != nil {
					return err
				}
				if a.json {
					writeJSON(a.out, view.ReportJSON(r, r.ExitCode(), f.viewOptions(nil)))
					return nil
				}
				fmt.Fprintf(a.out, "rollout %s of fleet %s, target %s, run %d by %s on %s, started %s\n",
					r.Rollout, r.Fleet, r.Target, r.Run, r.User, r.Host, r.Started.UTC().Format(time.DateTime))
				view.WriteReport(a.out, r, f.viewOptions(nil))
				return nil
			})
		},
	}
}

// reportOf folds what is stored. A rollout that died before its first fact has only a plan.
func reportOf(plan *orchestrator.Plan, events []orchestrator.Event) *orchestrator.Report {
	r := &orchestrator.Report{
		Rollout: plan.Rollout, Fleet: plan.Fleet, Kind: plan.Kind, Target: plan.Target, Started: plan.Created, State: orchestrator.StateRunning,
	}
	for _, e := range events {
		r.Apply(e)
	}
	return r
}

func (a *app) rolloutResumeCommand() *cobra.Command {
	var flags changeFlags
	var terminate bool
	cmd := &cobra.Command{
		Use:   "resume [ID]",
		Short: "Go on with a rollout: all its tenants that are not where it planned them",
		Long: "Go on with a rollout that failed for some, halted, was interrupted or killed: every tenant is asked where it stands,\n" +
			"and those that are not where the rollout planned them are taken up with fresh attempts and a fresh budget.\n" +
			"It refuses when a revision of the plan changed or vanished; new revisions are not added.",
		Args: cobra.MaximumNArgs(1),
	}
	f := cmd.Flags()
	f.IntVar(&flags.concurrency, "concurrency", 0, "most tenants at once over the fleet")
	f.IntVar(&flags.perServer, "per-server", 0, "most tenants at once on one server")
	f.StringVar(&flags.maxFailures, "max-failures", "", "failures that are borne without halting: `N or P%`")
	f.BoolVar(&flags.allowChanged, "allow-changed", false, "go on where the body of an applied revision changed since")
	f.BoolVar(&flags.yes, "yes", false, "do not ask")
	f.BoolVar(&terminate, "terminate", false, "end what the dead run left behind on the servers, in place of waiting for it")
	cmd.RunE = func(cmd *cobra.Command, args []string) error {
		return a.resume(cmd, args, &flags, terminate)
	}
	return cmd
}

// resume takes up a rollout of the store.
func (a *app) resume(cmd *cobra.Command, args []string, flags *changeFlags, terminate bool) (err error) {
	ctx := cmd.Context()
	id, err := a.resumable(ctx, args)
	if err != nil {
		return err
	}
	f, err := a.open(ctx, "skein/"+id, flags.overrides(cmd), func(cfg *engine.Config) { cfg.AllowChanged = flags.allowChanged })
	if err != nil {
		return err
	}
	defer func() { err = errors.Join(err, f.close()) }()
	store, err := f.openStore(ctx, true)
	if err != nil {
		return err
	}
	defer func() { err = errors.Join(err, store.Close()) }()
	return f.locked(ctx, store, id, func(lease orchestrator.Lease) error {
		stored, events, err := store.Load(ctx, id)
		if err != nil {
			return noRollout(err, id)
		}
		if err := f.awaitOrphans(ctx, "skein/"+id, terminate); err != nil {
			return err
		}
		tenants, err := f.gather(ctx, f.guards(stored.FleetSize))
		if err != nil {
			return err
		}
		tenants = stored.Pick(tenants)
		plan, err := orchestrator.Rearrange(stored, events, tenants, orchestrator.Survey(ctx, f.engine, tenants), f.graph,
			orchestrator.Resumption{Options: orchestrator.Options{Mode: f.engine.Mode(), AllowChanged: flags.allowChanged}})
		if err != nil {
			return err
		}
		if err := f.fits(plan); err != nil {
			return err
		}
		return f.run(ctx, orchestrator.RunConfig{Plan: plan, Store: store, Lease: lease, Earlier: events})
	})
}

// resumable finds the id before the connections are named after it.
func (a *app) resumable(ctx context.Context, args []string) (id string, err error) {
	err = a.withStore(ctx, func(f *fleet, store orchestrator.Store) error {
		id, err = f.rolloutID(ctx, store, args, func(s orchestrator.Summary) bool {
			return s.State != orchestrator.StateFinished || s.Counts[orchestrator.Failed] > 0
		})
		return err
	})
	return id, err
}

// rolloutID is the argument, else the latest rollout that fits.
func (f *fleet) rolloutID(ctx context.Context, store orchestrator.Store, args []string, fits func(orchestrator.Summary) bool) (string, error) {
	if len(args) > 0 {
		return args[0], nil
	}
	all, err := store.List(ctx, f.project.Fleet, 0)
	if err != nil {
		return "", err
	}
	for _, s := range all {
		if fits != nil && !fits(s) {
			continue
		}
		if s.ID != all[0].ID {
			f.app.note("skein: warning: rollout %s is not the latest: %s came after it", s.ID, all[0].ID)
		}
		return s.ID, nil
	}
	if len(all) == 0 {
		return "", &usageError{fmt.Sprintf("the fleet %s has no rollout yet", f.project.Fleet), "`skein upgrade` makes one"}
	}
	return "", &usageError{"no rollout has anything left to do", "`skein rollout list` shows them"}
}

func noRollout(err error, id string) error {
	if errors.Is(err, orchestrator.ErrNoRollout) {
		return &usageError{fmt.Sprintf("there is no rollout %s", id), "`skein rollout list` shows them"}
	}
	return err
}

// withStore opens the project and its store for commands that touch no tenant.
func (a *app) withStore(ctx context.Context, work func(*fleet, orchestrator.Store) error) (err error) {
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
