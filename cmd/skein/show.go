package main

import (
	"cmp"
	"fmt"
	"strings"

	"github.com/spf13/cobra"

	"github.com/skeindb/skein/engine/revision"
)

func (a *app) showCommand() *cobra.Command {
	return &cobra.Command{
		Use:     "show TARGET",
		Short:   "Show the revisions that a target names",
		Long:    "Show the revisions that a target names: an id or a part of one, head, heads, base,\na branch label, LABEL@head, -1. The target `current` needs tenants: see `skein current`.",
		GroupID: "author",
		Args:    cobra.ExactArgs(1),
		RunE: func(cmd *cobra.Command, args []string) error {
			p, g, err := a.authoring()
			if err != nil {
				return err
			}
			ids, err := g.Resolve(args[0])
			if err != nil {
				return err
			}
			if a.json {
				writeJSON(a.out, a.nodes(p, g, ids))
				return nil
			}
			for i, id := range ids {
				if i > 0 {
					fmt.Fprintln(a.out)
				}
				fmt.Fprint(a.out, entry(a.nodeOf(p, g, id), g))
			}
			return nil
		},
	}
}

// entry is a revision in full, for people.
func entry(n node, g *revision.Graph) string {
	var b strings.Builder
	fmt.Fprintf(&b, "Rev:        %s%s\n", n.Revision, traits(g, n.Revision))
	fmt.Fprintf(&b, "Revises:    %s\n", orBase(n.Revises))
	if len(n.DependsOn) > 0 {
		fmt.Fprintf(&b, "Depends on: %s\n", strings.Join(n.DependsOn, ", "))
	}
	if r := g.Get(n.Revision); r.Created != "" {
		fmt.Fprintf(&b, "Created:    %s\n", r.Created)
	}
	if g.Get(n.Revision).Downgrade == nil {
		b.WriteString("Downgrade:  none, irreversible\n")
	}
	fmt.Fprintf(&b, "File:       %s\n\n    %s\n", n.File, orNone(n.Message))
	return b.String()
}

func orBase(ids []string) string {
	return cmp.Or(strings.Join(ids, ", "), "<base>")
}
