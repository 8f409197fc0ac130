package main

import (
	"fmt"
	"slices"

	"github.com/spf13/cobra"
)

// historyEntry is a node of `history --json`.
type historyEntry struct {
	node
	Head bool `json:"head"`
}

func (a *app) historyCommand() *cobra.Command {
	var span string
	cmd := &cobra.Command{
		Use:     "history",
		Short:   "List revisions, the newest first",
		GroupID: "author",
		Args:    cobra.NoArgs,
		Example: "  skein history\n  skein history -r 1975ea:heads\n  skein history -r :27c6a30d7c24",
		RunE: func(cmd *cobra.Command, _ []string) error {
			p, g, err := a.authoring()
			if err != nil {
				return err
			}
			ids, err := g.Range(span)
			if err != nil {
				return err
			}
			slices.Reverse(ids)
			if a.json {
				entries := make([]historyEntry, 0, len(ids))
				for _, id := range ids {
					entries = append(entries, historyEntry{a.nodeOf(p, g, id), isHead(g, id)})
				}
				writeJSON(a.out, entries)
				return nil
			}
			for _, id := range ids {
				if a.verbose {
					fmt.Fprintln(a.out, entry(a.nodeOf(p, g, id), g))
					continue
				}
				fmt.Fprintln(a.out, line(g, id))
			}
			return nil
		},
	}
	cmd.Flags().StringVarP(&span, "rev-range", "r", ":", "`A:B`, either side may be left out")
	return cmd
}
