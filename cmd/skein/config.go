package main

import (
	"fmt"

	"github.com/spf13/cobra"

	"github.com/skeindb/skein/cmd/skein/view"
	"github.com/skeindb/skein/config"
)

func (a *app) configCommand() *cobra.Command {
	cmd := &cobra.Command{
		Use:   "config",
		Short: "Show or check the config",
		Args:  cobra.NoArgs,
		RunE:  a.group,
	}
	cmd.AddCommand(&cobra.Command{
		Use:   "show",
		Short: "Show each key, its value and where the value comes from; never secrets",
		Args:  cobra.NoArgs,
		RunE: func(cmd *cobra.Command, _ []string) error {
			p, err := a.project(config.Options{})
			if err != nil {
				return err
			}
			if a.json {
				writeJSON(a.out, config.Show(p))
				return nil
			}
			_, err = a.out.Write(config.ShowYAML(p))
			return err
		},
	}, &cobra.Command{
		Use:   "check",
		Short: "Check config and revisions without connecting to anything",
		Args:  cobra.NoArgs,
		RunE: func(cmd *cobra.Command, _ []string) error {
			p, err := a.project(config.Options{})
			if err != nil {
				return err
			}
			g, err := a.graph(p)
			if err != nil {
				return err
			}
			if a.json {
				writeJSON(a.out, validProject{p.Fleet, g.Len(), list(g.Heads())})
				return nil
			}
			fmt.Fprintf(a.out, "%s is valid: fleet %s, %s, head %s\n", show(p.Path), p.Fleet, view.Count(g.Len(), "revision"), orBase(g.Heads()))
			return nil
		},
	})
	return cmd
}
