package main

import (
	"fmt"
	"text/tabwriter"

	"github.com/spf13/cobra"

	"github.com/skeindb/skein/cmd/skein/view"
	"github.com/skeindb/skein/engine"
	"github.com/skeindb/skein/orchestrator/plan"
)

// currentEntry is a tenant in `current --json`.
type currentEntry struct {
	Tenant string       `json:"tenant"`
	Heads  []string     `json:"heads"`
	State  engine.State `json:"state"`
	Error  *string      `json:"error"`

	Changed []string `json:"changed,omitempty"` // applied revisions whose files differ from what was applied
}

func (a *app) currentCommand() *cobra.Command {
	var check bool
	cmd := &cobra.Command{
		Use:     "current",
		Short:   "Show the heads of each tenant",
		GroupID: "fleet",
		Args:    cobra.NoArgs,
	}
	selectors := selectorFlag(cmd)
	cmd.Flags().BoolVar(&check, "check-heads", false, "exit with 4 unless every tenant is current")
	cmd.RunE = func(cmd *cobra.Command, _ []string) error {
		_, s, err := a.look(cmd.Context(), *selectors)
		if err != nil {
			return err
		}
		if err := a.printCurrent(s); err != nil {
			return err
		}
		if err := readable(s); err != nil {
			return err
		}
		if check && !allCurrent(s) {
			return exitCode(exitDifference)
		}
		return nil
	}
	return cmd
}

func allCurrent(s []plan.Member) bool {
	for i := range s {
		if s[i].Standing.State != engine.Current {
			return false
		}
	}
	return true
}

func (a *app) printCurrent(s []plan.Member) error {
	if a.json {
		entries := make([]currentEntry, 0, len(s))
		for i := range s {
			id, st := s[i].Tenant.ID, &s[i].Standing
			e := currentEntry{Tenant: id, Heads: list(st.Heads), State: st.State, Changed: st.Changed}
			if st.Err != nil {
				text := st.Err.Error()
				e.Error = &text
			}
			entries = append(entries, e)
		}
		writeJSON(a.out, entries)
		return nil
	}
	w := tabwriter.NewWriter(a.out, 0, 8, 2, ' ', 0)
	fmt.Fprintln(w, "TENANT\tSTATE\tHEADS")
	for i := range s {
		id, st := s[i].Tenant.ID, &s[i].Standing
		heads := orBase(st.Heads)
		if st.Err != nil {
			heads = st.Err.Error()
		}
		if len(st.Changed) > 0 {
			heads += "; changed since it was applied: " + view.Some(st.Changed)
		}
		view.Row(w, "%s\t%s\t%s\n", id, st.State, heads)
	}
	return w.Flush()
}
