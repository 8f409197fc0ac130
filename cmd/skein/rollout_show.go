package main

import (
	"context"
	"fmt"
	"io"
	"strconv"
	"text/tabwriter"
	"time"

	"github.com/spf13/cobra"

	"github.com/skeindb/skein/cmd/skein/view"
	"github.com/skeindb/skein/orchestrator/control"
	"github.com/skeindb/skein/orchestrator/rollout"
)

func (a *app) rolloutShowCommand() *cobra.Command {
	return &cobra.Command{
		Use:   "show [ID]",
		Short: "Show the report of a rollout, its waves and gates, and the commands of operators",
		Args:  cobra.MaximumNArgs(1),
		RunE: func(cmd *cobra.Command, args []string) error {
			return a.withRollout(cmd.Context(), first(args), func(f *fleet, r *control.Record) error {
				o := f.viewOptions(nil)
				o.Next, o.Gates, o.Attended = next(r), gatesOf(r.Plan), r.Attended
				if a.json {
					writeJSON(a.out, view.RolloutJSON(r, o))
					return nil
				}
				p := r.Report
				fmt.Fprintf(a.out, "rollout %s of fleet %s, target %s, run %d by %s on %s, started %s\n",
					p.Rollout, p.Fleet, p.Target, p.Run, p.User, p.Host, p.Started.UTC().Format(time.DateTime))
				view.WriteReport(a.out, p, o)
				if entries := r.Audit(); len(entries) > 1 {
					fmt.Fprintln(a.out)
					return writeAudit(a.out, entries)
				}
				return nil
			})
		},
	}
}

// next is the command that continues the rollout; "" = the one that the report knows. A gate that was approved while no
// process ran waits for a run.
func next(r *control.Record) string {
	if !r.Approved() {
		return ""
	}
	return "skein rollout resume " + r.Report.Rollout
}

// result is the result of a command, in a few words.
func result(e *control.AuditEntry) string {
	switch {
	case e.Began:
		return "started"
	case e.Refused != "":
		return "refused: " + e.Refused
	case e.Acknowledged.IsZero():
		return "pending"
	}
	return "acknowledged"
}

// withRollout reads a rollout, the latest where none is named.
func (a *app) withRollout(ctx context.Context, named string, work func(*fleet, *control.Record) error) error {
	return a.withStore(ctx, func(f *fleet, store rollout.FullStore) error {
		c, id, err := f.control(store), named, error(nil)
		if id == "" {
			id, err = c.Find(ctx, "")
		}
		if err != nil {
			return err
		}
		r, err := c.Load(ctx, id)
		if err != nil {
			return err
		}
		if err := c.SetAttended(ctx, r); err != nil {
			return err
		}
		return work(f, r)
	})
}

func (a *app) rolloutAuditCommand() *cobra.Command {
	return &cobra.Command{
		Use:   "audit [ID]",
		Short: "Show the commands given to a rollout: who, when, why, and with which result",
		Args:  cobra.MaximumNArgs(1),
		RunE: func(cmd *cobra.Command, args []string) error {
			return a.withRollout(cmd.Context(), first(args), func(_ *fleet, r *control.Record) error {
				if a.json {
					writeJSON(a.out, view.AuditJSON(r.Audit()))
					return nil
				}
				return writeAudit(a.out, r.Audit())
			})
		},
	}
}

func writeAudit(out io.Writer, entries []control.AuditEntry) error {
	w := tabwriter.NewWriter(out, 0, 8, 2, ' ', 0)
	fmt.Fprintln(w, "COMMAND\tWHEN\tWHO\tWHAT\tWHY\tRESULT")
	for _, e := range entries {
		why := e.Reason
		if why == "" {
			why = "–"
		}
		number := "–"
		if !e.Began {
			number = strconv.FormatInt(e.Seq, 10)
		}
		view.Row(w, "%s\t%s\t%s@%s\t%s\t%s\t%s\n", number, e.At.UTC().Format(time.DateTime), e.User, e.Host, view.Ask(e.Command), why, result(&e))
	}
	return w.Flush()
}
