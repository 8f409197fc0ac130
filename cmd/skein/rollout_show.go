package main

import (
	"context"
	"fmt"
	"io"
	"slices"
	"text/tabwriter"
	"time"

	"github.com/spf13/cobra"

	"github.com/skeindb/skein/cmd/skein/view"
	"github.com/skeindb/skein/orchestrator/rollout"
)

func (a *app) rolloutShowCommand() *cobra.Command {
	return &cobra.Command{
		Use:   "show [ID]",
		Short: "Show the report of a rollout, its waves and gates, and what operators asked of it",
		Args:  cobra.MaximumNArgs(1),
		RunE: func(cmd *cobra.Command, args []string) error {
			return a.withRollout(cmd.Context(), first(args), func(f *fleet, r record) error {
				o := f.viewOptions(nil)
				o.Next, o.Gates = r.next(), gatesOf(r.plan)
				if a.json {
					doc := view.ReportJSON(r.report, r.report.ExitCode(), o)
					doc["waves"], doc["audit"] = view.WavesJSON(r.report), auditJSON(audit(r))
					writeJSON(a.out, doc)
					return nil
				}
				p := r.report
				fmt.Fprintf(a.out, "rollout %s of fleet %s, target %s, run %d by %s on %s, started %s\n",
					p.Rollout, p.Fleet, p.Target, p.Run, p.User, p.Host, p.Started.UTC().Format(time.DateTime))
				view.WriteReport(a.out, p, o)
				if entries := audit(r); len(entries) > 1 {
					fmt.Fprintln(a.out)
					return writeAudit(a.out, entries)
				}
				return nil
			})
		},
	}
}

// next is the command to go on with; "" = the one that the report knows. A gate that was approved while no process
// ran waits for a run.
func (r *record) next() string {
	wave := waiting(r.report)
	if wave == "" || r.report.State == rollout.StateAborted || r.report.TakenBack || r.approval(wave) == nil {
		return ""
	}
	return "skein rollout resume " + r.report.Rollout
}

// waiting is the wave whose gate awaits an approval; "" when none does.
func waiting(r *rollout.Report) string {
	for i := range r.Waves {
		if g := r.Waves[i].Gate; g != nil && g.Waiting {
			return r.Waves[i].Name
		}
	}
	return ""
}

// approval is the command that approves a wave's gate and was not taken in yet; nil when there is none.
func (r *record) approval(wave string) *rollout.Command {
	for i := range r.commands {
		if c := &r.commands[i]; c.Action == rollout.ActionApprove && c.Wave == wave && r.taken(c.Seq) == nil {
			return c
		}
	}
	return nil
}

// taken is what came of a command; nil when it was not taken in yet.
func (r *record) taken(seq int64) *rollout.Commanded {
	return takenIn(r.report, seq)
}

func takenIn(r *rollout.Report, seq int64) *rollout.Commanded {
	i := slices.IndexFunc(r.Commands, func(c rollout.Commanded) bool { return c.Command.Seq == seq })
	if i < 0 {
		return nil
	}
	return &r.Commands[i]
}

// auditEntry is one line of the log: how the rollout began, or what an operator asked of it.
type auditEntry struct {
	rollout.Command
	begun   bool      // it is no command, but the first run
	taken   time.Time // when the command was taken in; zero = not yet
	refused string
}

// audit is what was asked of a rollout, in order, with what came of it.
func audit(r record) []auditEntry {
	var entries []auditEntry
	times := map[int64]time.Time{}
	for _, e := range r.events {
		switch f := e.Fact.(type) {
		case rollout.Started:
			if f.Run == 1 {
				entries = append(entries, auditEntry{
					Command: rollout.Command{Rollout: e.Rollout, Action: "start", Reason: r.plan.Tag, User: f.User, Host: f.Host, At: e.Time},
					begun:   true, taken: e.Time,
				})
			}
		case rollout.Commanded:
			times[f.Command.Seq] = e.Time
		}
	}
	for _, c := range r.commands {
		entry := auditEntry{Command: c}
		if came := r.taken(c.Seq); came != nil {
			entry.taken, entry.refused = times[c.Seq], came.Refused
		}
		entries = append(entries, entry)
	}
	return entries
}

// result says what came of it, in a few words.
func (e *auditEntry) result() string {
	switch {
	case e.begun:
		return "begun"
	case e.refused != "":
		return "refused: " + e.refused
	case e.taken.IsZero():
		return "pending"
	}
	return "taken in"
}

func auditJSON(entries []auditEntry) []map[string]any {
	lines := make([]map[string]any, 0, len(entries))
	for _, e := range entries {
		line := view.CommandJSON(e.Command, &e.refused)
		line["rollout"] = e.Rollout
		if e.taken.IsZero() {
			line["taken"], line["refused"] = nil, nil
		} else {
			line["taken"] = e.taken.UTC().Format(time.RFC3339Nano)
		}
		lines = append(lines, line)
	}
	return lines
}

// withRollout reads a rollout, the latest where none is named.
func (a *app) withRollout(ctx context.Context, named string, work func(*fleet, record) error) error {
	return a.withStore(ctx, func(f *fleet, store rollout.Store) error {
		id, err := f.rolloutID(ctx, store, named, wanted{})
		if err != nil {
			return err
		}
		r, err := f.load(ctx, store, id)
		if err != nil {
			return err
		}
		return work(f, r)
	})
}

func (a *app) rolloutAuditCommand() *cobra.Command {
	return &cobra.Command{
		Use:   "audit [ID]",
		Short: "Show who asked what of a rollout, when, why, and what came of it",
		Args:  cobra.MaximumNArgs(1),
		RunE: func(cmd *cobra.Command, args []string) error {
			return a.withRollout(cmd.Context(), first(args), func(_ *fleet, r record) error {
				if a.json {
					writeJSON(a.out, auditJSON(audit(r)))
					return nil
				}
				return writeAudit(a.out, audit(r))
			})
		},
	}
}

func writeAudit(out io.Writer, entries []auditEntry) error {
	w := tabwriter.NewWriter(out, 0, 8, 2, ' ', 0)
	fmt.Fprintln(w, "WHEN\tWHO\tWHAT\tWHY\tCAME TO")
	for _, e := range entries {
		why := e.Reason
		if why == "" {
			why = "–"
		}
		view.Row(w, "%s\t%s@%s\t%s\t%s\t%s\n", e.At.UTC().Format(time.DateTime), e.User, e.Host, view.Ask(e.Command), why, e.result())
	}
	return w.Flush()
}
