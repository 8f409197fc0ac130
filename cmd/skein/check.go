package main

import (
	"fmt"

	"github.com/spf13/cobra"

	"github.com/skeindb/skein/config"
)

func (a *app) checkCommand() *cobra.Command {
	return &cobra.Command{
		Use:     "check",
		Short:   "Check config and revisions without a database, for CI",
		Long:    "Check config and revisions without a database: every file, the graph they form, and the number of heads\nthat revisions.heads allows. Exit code 1 when something cannot be read, 4 when there are too many heads.",
		GroupID: "author",
		Args:    cobra.NoArgs,
		RunE: func(cmd *cobra.Command, _ []string) error {
			p, g, err := a.authoring()
			if err != nil {
				return err
			}
			heads := g.Heads()
			findings := []string{}
			if p.Revisions.Heads == config.Single && len(heads) > 1 {
				findings = append(findings, fmt.Sprintf("the graph has %d heads (%s) and revisions.heads is single: join them with `skein merge heads -m MESSAGE`", len(heads), orBase(heads)))
			}
			if a.json {
				writeJSON(a.out, map[string]any{"fleet": p.Fleet, "revisions": g.Len(), "heads": list(heads), "findings": findings})
			} else {
				for _, f := range findings {
					fmt.Fprintln(a.out, f)
				}
				if len(findings) == 0 {
					a.note("%s and %d revisions are good, head %s", show(p.Path), g.Len(), orBase(heads))
				}
			}
			if len(findings) > 0 {
				return exitCode(exitDifference)
			}
			return nil
		},
	}
}
