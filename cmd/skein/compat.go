package main

import (
	"fmt"
	"text/tabwriter"

	"github.com/spf13/cobra"

	"github.com/skeindb/skein/cmd/skein/view"
	"github.com/skeindb/skein/engine"
	"github.com/skeindb/skein/orchestrator"
	"github.com/skeindb/skein/orchestrator/plan"
)

// misfit is a tenant outside the range in `compat --json`.
type misfit struct {
	Tenant string           `json:"tenant"`
	Heads  []string         `json:"heads"`
	Why    orchestrator.Fit `json:"why"`
	Error  *string          `json:"error"`
}

// compatible is the document of `compat --json`.
type compatible struct {
	Compatible bool                     `json:"compatible"`
	Min        *string                  `json:"min"`
	Max        *string                  `json:"max"`
	Tenants    int                      `json:"tenants"`
	Counts     map[orchestrator.Fit]int `json:"counts"`
	Outside    []misfit                 `json:"outside"` // sorted by id
}

func (a *app) compatCommand() *cobra.Command {
	var low, high string
	cmd := &cobra.Command{
		Use:   "compat",
		Short: "Check by exit code whether every tenant is between two revisions",
		Long: "Check by exit code whether every tenant is between two revisions, for a deployment to wait for: each tenant has\n" +
			"--min applied, and nothing that --max does not build on. One of the two may be left out. Exit code 0 when all are,\n" +
			"4 when some are not, 2 when some could not be read or are missing, 1 when there is no revision to compare with.",
		GroupID: "fleet",
		Args:    cobra.NoArgs,
		Example: "  skein compat --min 27c6a30d7c24\n  skein compat --min 27c6 --max heads --json\n  skein compat --max 9f3b -t tier=gold",
	}
	selectors := selectorFlag(cmd)
	cmd.Flags().StringVar(&low, "min", "", "every tenant must have `REV`")
	cmd.Flags().StringVar(&high, "max", "", "no tenant may be beyond `REV`")
	cmd.RunE = func(cmd *cobra.Command, _ []string) error {
		for _, end := range []string{"min", "max"} { // a variable that is not set must not widen the range
			if f := cmd.Flags().Lookup(end); f.Changed && f.Value.String() == "" {
				return &usageError{"--" + end + " has no value", "give it a revision, or leave the flag out"}
			}
		}
		if low == "" && high == "" {
			return &usageError{"compat needs --min, --max or both", "see `skein compat --help`"}
		}
		p, g, err := a.authoring() // an invalid range is reported before any tenant is read
		if err != nil {
			return err
		}
		if g.Len() == 0 {
			return &usageError{
				fmt.Sprintf("the revisions folder %s has no revisions to compare tenants with", show(revisionsDir(p))),
				"run skein where the revisions are, or set revisions.dir in " + show(p.Path),
			}
		}
		if _, err := orchestrator.NewRange(g, low, high); err != nil {
			return err
		}
		f, s, err := a.look(cmd.Context(), *selectors)
		if err != nil {
			return err
		}
		within, err := orchestrator.NewRange(f.graph, low, high)
		if err != nil {
			return err
		}
		doc := compatibility(within, s)
		doc.Min, doc.Max = given(low), given(high)
		if a.json {
			writeJSON(a.out, doc)
		} else if err := a.printCompat(doc); err != nil {
			return err
		}
		return doc.exit()
	}
	return cmd
}

// given is an optional value in JSON: null when there is none.
func given(s string) *string {
	if s == "" {
		return nil
	}
	return &s
}

// compatibility judges each tenant, those that stand at one place once.
func compatibility(within orchestrator.Range, s []plan.Member) compatible {
	doc := compatible{
		Tenants: len(s), Counts: map[orchestrator.Fit]int{orchestrator.Inside: 0, orchestrator.Below: 0, orchestrator.Above: 0, orchestrator.Unreadable: 0}, Outside: []misfit{},
	}
	judged := map[*engine.Applied]orchestrator.Fit{}
	for i := range s {
		st := &s[i].Standing
		how, known := judged[st.Applied]
		if !known || st.Err != nil || st.Applied == nil {
			how = within.Fit(st)
			if st.Err == nil && st.Applied != nil {
				judged[st.Applied] = how
			}
		}
		doc.Counts[how]++
		if how == orchestrator.Inside {
			continue
		}
		m := misfit{Tenant: s[i].Tenant.ID, Heads: list(st.Heads), Why: how}
		if st.Err != nil {
			text := st.Err.Error()
			m.Error = &text
		}
		doc.Outside = append(doc.Outside, m)
	}
	doc.Compatible = len(doc.Outside) == 0
	return doc
}

func (c *compatible) exit() error {
	switch {
	case c.Counts[orchestrator.Unreadable] > 0:
		return exitCode(exitFailed)
	case !c.Compatible:
		return exitCode(exitDifference)
	}
	return nil
}

func (a *app) printCompat(c compatible) error {
	var between string
	switch {
	case c.Max == nil:
		between = "at or above " + *c.Min
	case c.Min == nil:
		between = "at or below " + *c.Max
	default:
		between = "between " + *c.Min + " and " + *c.Max
	}
	fmt.Fprintf(a.out, "%d of %s %s\n", c.Counts[orchestrator.Inside], view.Count(c.Tenants, "tenant"), between)
	if c.Compatible {
		return nil
	}
	const most = 10
	w := tabwriter.NewWriter(a.out, 0, 8, 2, ' ', 0)
	fmt.Fprintln(w, "\nTENANT\tWHY\tHEADS")
	for _, m := range c.Outside[:min(most, len(c.Outside))] {
		heads := orBase(m.Heads)
		if m.Error != nil {
			heads = *m.Error
		}
		view.Row(w, "%s\t%s\t%s\n", m.Tenant, m.Why, heads)
	}
	if err := w.Flush(); err != nil {
		return err
	}
	if more := len(c.Outside) - most; more > 0 {
		fmt.Fprintf(a.out, "and %d more; --json has all\n", more)
	}
	return nil
}
