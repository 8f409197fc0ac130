package main

import (
	"fmt"

	"github.com/spf13/cobra"
)

func (a *app) headsCommand() *cobra.Command {
	return &cobra.Command{
		Use:     "heads",
		Short:   "Show the heads of the revision graph",
		GroupID: "author",
		Args:    cobra.NoArgs,
		RunE: func(cmd *cobra.Command, _ []string) error {
			p, g, err := a.authoring()
			if err != nil {
				return err
			}
			if a.json {
				writeJSON(a.out, a.nodes(p, g, g.Heads()))
				return nil
			}
			for _, id := range g.Heads() {
				fmt.Fprintf(a.out, "%s%s, %s\n", id, traits(g, id), orNone(g.Get(id).Message))
			}
			return nil
		},
	}
}

func (a *app) branchesCommand() *cobra.Command {
	return &cobra.Command{
		Use:     "branches",
		Short:   "Show the revisions at which the graph branches",
		GroupID: "author",
		Args:    cobra.NoArgs,
		RunE: func(cmd *cobra.Command, _ []string) error {
			p, g, err := a.authoring()
			if err != nil {
				return err
			}
			forks := []string{}
			for _, r := range g.All() {
				if len(g.Children(r.ID)) > 1 {
					forks = append(forks, r.ID)
				}
			}
			if a.json {
				writeJSON(a.out, a.nodes(p, g, forks))
				return nil
			}
			for _, id := range forks {
				fmt.Fprintln(a.out, line(g, id))
				for _, child := range g.Children(id) {
					fmt.Fprintf(a.out, "    -> %s%s, %s\n", child, traits(g, child), orNone(g.Get(child).Message))
				}
			}
			return nil
		},
	}
}
