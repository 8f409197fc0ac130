package main

import (
	"cmp"
	"context"
	"fmt"
	"io"
	"slices"
	"strings"
	"text/tabwriter"

	"github.com/spf13/cobra"

	"github.com/skeindb/skein/cmd/skein/view"
	"github.com/skeindb/skein/engine"
	"github.com/skeindb/skein/orchestrator/plan"
)

// statusCohort is the tenants that stand at the same heads in the same state.
type statusCohort struct {
	Heads []string     `json:"heads"`
	State engine.State `json:"state"`
	Count int          `json:"count"`

	// Changed are applied revisions whose files differ from what was applied: an upgrade refuses these tenants.
	Changed []string `json:"changed,omitempty"`

	example string
	err     error
}

// fleetStatus is `status --json`.
type fleetStatus struct {
	Fleet   string               `json:"fleet"`
	Target  string               `json:"target"`
	Heads   []string             `json:"heads"` // of the graph
	Counts  map[engine.State]int `json:"counts"`
	Cohorts []statusCohort       `json:"cohorts"`
	Rollout *summary             `json:"rollout"` // the latest; null = there is none
}

func (a *app) statusCommand() *cobra.Command {
	cmd := &cobra.Command{
		Use:     "status",
		Short:   "Show the fleet by revision, and the last rollout",
		GroupID: "fleet",
		Args:    cobra.NoArgs,
	}
	selectors := selectorFlag(cmd)
	cmd.RunE = func(cmd *cobra.Command, _ []string) error {
		f, s, err := a.look(cmd.Context(), *selectors)
		if err != nil {
			return err
		}
		last, err := f.lastRollout(cmd.Context())
		if err != nil {
			return err
		}
		cohorts := cohortsOf(s)
		if a.json {
			counts := map[engine.State]int{}
			for _, c := range cohorts {
				counts[c.State] += c.Count
			}
			writeJSON(a.out, fleetStatus{f.project.Fleet, "heads", list(f.graph.RealHeads()), counts, cohorts, last})
			return readable(s)
		}
		if err := writeStatus(a.out, f, s, cohorts); err != nil {
			return err
		}
		if last != nil {
			fmt.Fprintf(a.out, "\nlast rollout %s: %s %s, %s\n", last.ID, last.Kind, last.State, countsText(last.Counts))
		}
		return readable(s)
	}
	return cmd
}

// cohortsOf groups tenants by heads and state: the most numerous first, then by state and heads.
func cohortsOf(s []plan.Member) []statusCohort {
	at := map[string]int{}
	cohorts := []statusCohort{}
	for i := range s {
		st := &s[i].Standing
		key := string(st.State) + "\x00" + strings.Join(st.Heads, "\x00") + "\x00\x00" + strings.Join(st.Changed, "\x00")
		n, ok := at[key]
		if !ok {
			n = len(cohorts)
			at[key] = n
			cohorts = append(cohorts, statusCohort{Heads: list(st.Heads), State: st.State, Changed: st.Changed, example: s[i].Tenant.ID, err: st.Err})
		}
		cohorts[n].Count++
	}
	slices.SortStableFunc(cohorts, func(a, b statusCohort) int {
		return cmp.Or(b.Count-a.Count, strings.Compare(string(a.State), string(b.State)), slices.Compare(a.Heads, b.Heads))
	})
	return cohorts
}

func writeStatus(out io.Writer, f *fleet, s []plan.Member, cohorts []statusCohort) error {
	fmt.Fprintf(out, "fleet %s: %s, head %s\n\n", f.project.Fleet, view.Count(len(s), "tenant"), orBase(f.graph.RealHeads()))
	w := tabwriter.NewWriter(out, 0, 8, 2, ' ', 0)
	fmt.Fprintln(w, "TENANTS\tSTATE\tHEADS\tFOR EXAMPLE")
	var changed []string
	for _, c := range cohorts {
		note := c.example
		if c.err != nil {
			note += ": " + c.err.Error()
		}
		if n := len(c.Changed); n > 0 {
			changed = append(changed, fmt.Sprintf("%s: revision %s changed since it was applied; an upgrade refuses it", view.Count(c.Count, "tenant"), view.Some(c.Changed)))
		}
		view.Row(w, "%d\t%s\t%s\t%s\n", c.Count, c.State, orBase(c.Heads), note)
	}
	if err := w.Flush(); err != nil {
		return err
	}
	for i, line := range changed {
		if i == 0 {
			fmt.Fprintln(out)
		}
		fmt.Fprintln(out, line)
	}
	return nil
}

// lastRollout is the fleet's latest rollout; nil when there is none, or no store yet.
func (f *fleet) lastRollout(ctx context.Context) (*summary, error) {
	store, err := f.openStore(ctx, false)
	if err != nil || store == nil {
		return nil, err
	}
	defer func() { _ = store.Close() }()
	all, err := f.control(store).List(ctx, 1)
	if err != nil || len(all) == 0 {
		return nil, err
	}
	s := summaryOf(all[0])
	return &s, nil
}
