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

// writtenFiles is `init --json`.
type writtenFiles struct {
	Files []string `json:"files"`
}

func (a *app) initCommand() *cobra.Command {
	var template string
	cmd := &cobra.Command{
		Use:   "init [DIR]",
		Short: "Write skein.yaml, migrations/, schema.sql and .gitignore",
		Long: "Write skein.yaml, migrations/, schema.sql and .gitignore into DIR, by default the current folder. No file is\n" +
			"overwritten; a .gitignore that exists gets the line .skein/ if it lacks it.",
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
			return &usageError{fmt.Sprintf("%s already exists", show(path)), "nothing was written; choose another folder"}
		}
	}
	ignore, err := readGitignore(dir)
	if err != nil {
		return err
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
	if ignore.missing != nil {
		if err := ignore.write(); err != nil {
			return err
		}
		written = append(written, filepath.ToSlash(show(ignore.path)))
		slices.Sort(written)
	}
	if a.json {
		writeJSON(a.out, writtenFiles{written})
		return nil
	}
	for _, path := range written {
		fmt.Fprintln(a.out, path)
	}
	if ignore.exists && ignore.missing != nil {
		a.note("added %s to %s", stateFolder, show(ignore.path))
	}
	a.note("next: name the tenants in %s, then run `skein revision -m 'create users'`", show(filepath.Join(dir, "skein.yaml")))
	return nil
}
