package main

import (
	"fmt"
	"maps"
	"os"
	"path/filepath"
	"slices"

	"github.com/spf13/cobra"

	"github.com/skeindb/skein/config"
)

func (a *app) initCommand() *cobra.Command {
	var template string
	cmd := &cobra.Command{
		Use:     "init [DIR]",
		Short:   "Write skein.yaml, migrations/ and schema.sql",
		Long:    "Write skein.yaml, migrations/ and schema.sql into DIR, the current folder unless told otherwise.\nNothing is overwritten.",
		GroupID: "author",
		Args:    cobra.MaximumNArgs(1),
		RunE: func(cmd *cobra.Command, args []string) error {
			dir := "."
			if len(args) > 0 {
				dir = args[0]
			}
			return a.init(dir, template)
		},
	}
	cmd.Flags().StringVar(&template, "template", "schema", "what a tenant is: `schema`, database, sqlite (a file), or multi (schemas and databases of several servers)")
	return cmd
}

// init writes all files of a template or none.
func (a *app) init(dir, template string) error {
	files, err := config.Template(template)
	if err != nil {
		return err
	}
	names := slices.Sorted(maps.Keys(files))
	for _, name := range names {
		path := filepath.Join(dir, filepath.FromSlash(name))
		if _, err := os.Lstat(path); err == nil {
			return &usageError{fmt.Sprintf("%s is there already", show(path)), "nothing was written; choose another folder"}
		}
	}
	written := make([]string, 0, len(names))
	for _, name := range names {
		path := filepath.Join(dir, filepath.FromSlash(name))
		if err := os.MkdirAll(filepath.Dir(path), 0o755); err != nil {
			return err
		}
		if err := createFile(path, []byte(files[name])); err != nil {
			return err
		}
		written = append(written, filepath.ToSlash(show(path)))
	}
	if a.json {
		writeJSON(a.out, map[string]any{"files": written})
		return nil
	}
	for _, path := range written {
		fmt.Fprintln(a.out, path)
	}
	a.note("next: say in %s who the tenants are, then `skein revision -m 'what it does'`", show(filepath.Join(dir, "skein.yaml")))
	return nil
}
