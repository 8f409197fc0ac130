package main

import (
	"errors"
	"fmt"
	"maps"
	"slices"
	"strings"
	"text/tabwriter"

	"github.com/spf13/cobra"

	"github.com/skeindb/skein/cmd/skein/view"
	"github.com/skeindb/skein/tenant"
)

// tenantEntry is a tenant in `tenants --json`, and what a file or a command may list.
type tenantEntry struct {
	ID       string            `json:"id"`
	Source   string            `json:"source"`
	Server   string            `json:"server"`
	Database string            `json:"database"`
	Schema   string            `json:"schema"`
	File     string            `json:"file"`
	Labels   map[string]string `json:"labels"`
}

func (a *app) tenantsCommand() *cobra.Command {
	cmd := &cobra.Command{
		Use:     "tenants",
		Short:   "List the tenants of all sources, with their labels",
		GroupID: "fleet",
		Args:    cobra.NoArgs,
	}
	selectors := selectorFlag(cmd)
	cmd.RunE = func(cmd *cobra.Command, _ []string) (err error) {
		f, err := a.open(cmd.Context(), "skein", nil, nil)
		if err != nil {
			return err
		}
		defer func() { err = errors.Join(err, f.close()) }()
		if err := f.orchestrate(nil, nil); err != nil {
			return err
		}
		tenants, err := f.Tenants(cmd.Context(), *selectors...)
		if err != nil {
			return unreached(err)
		}
		return a.printTenants(tenants)
	}
	return cmd
}

func (a *app) printTenants(tenants []tenant.Tenant) error {
	if a.json {
		entries := make([]tenantEntry, 0, len(tenants))
		for _, t := range tenants {
			labels := t.Labels
			if labels == nil {
				labels = map[string]string{}
			}
			entries = append(entries, tenantEntry{t.ID, t.Source, t.Location.Server, t.Location.Database, t.Location.Schema, t.Location.File, labels})
		}
		writeJSON(a.out, entries)
		return nil
	}
	w := tabwriter.NewWriter(a.out, 0, 8, 2, ' ', 0)
	fmt.Fprintln(w, "TENANT\tSOURCE\tLOCATION\tLABELS")
	for _, t := range tenants {
		target := t.Location.String()
		if t.Location.File != "" {
			target = show(t.Location.File)
		}
		view.Row(w, "%s\t%s\t%s\t%s\n", t.ID, t.Source, target, labelText(t.Labels))
	}
	return w.Flush()
}

func labelText(labels map[string]string) string {
	parts := make([]string, 0, len(labels))
	for _, k := range slices.Sorted(maps.Keys(labels)) {
		parts = append(parts, k+"="+labels[k])
	}
	return strings.Join(parts, ",")
}
