package main

import (
	"fmt"

	"github.com/spf13/cobra"

	"github.com/skeindb/skein/cmd/skein/view"
	"github.com/skeindb/skein/engine/revision"
)

// pathSteps is `path --json`.
type pathSteps struct {
	Direction revision.Direction `json:"direction"`
	From      []string           `json:"from"`
	Steps     []string           `json:"steps"`
	Heads     []string           `json:"heads"` // after them
}

func (a *app) pathCommand() *cobra.Command {
	var down bool
	var from string
	cmd := &cobra.Command{
		Use:     "path TARGET",
		Short:   "Show the steps an upgrade or a downgrade would run, without a database",
		GroupID: "author",
		Args:    cobra.ExactArgs(1),
		Example: "  skein path heads\n  skein path --from 27c6a30d7c24 +1\n  skein path --down --from heads billing@base",
		RunE: func(cmd *cobra.Command, args []string) error {
			_, g, err := a.authoring()
			if err != nil {
				return err
			}
			heads, err := g.ParseFrom(from)
			if err != nil {
				return err
			}
			dir := revision.Up
			if down {
				dir = revision.Down
			}
			path, err := g.Path(dir, heads, args[0])
			if err != nil {
				return err
			}
			if a.json {
				writeJSON(a.out, pathSteps{dir, list(path.From), list(path.Steps), list(path.Heads)})
				return nil
			}
			for _, id := range path.Steps {
				fmt.Fprintf(a.out, "%s%s\n", line(g, id), oneWay(g.Get(id), dir))
			}
			a.note("%s, then at %s", view.Count(len(path.Steps), "step"), orBase(path.Heads))
			return nil
		},
	}
	cmd.Flags().BoolVar(&down, "down", false, "show the steps of a downgrade")
	cmd.Flags().StringVar(&from, "from", "base", "where the tenant stands: `HEADS` as ids, partial ids or labels, joined by commas")
	return cmd
}

func oneWay(r *revision.Revision, dir revision.Direction) string {
	if dir == revision.Down && r.Downgrade == nil {
		return " (irreversible: no downgrade section)"
	}
	return ""
}
