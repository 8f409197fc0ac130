// Command sqlite upgrades a SQLite file, or each *.db of a folder, with nothing but skein's engine:
//
//	sqlite FILE|DIR
//
// Each file records by itself which revisions it has, so that nothing else needs to be kept. See examples/library for
// waves, limits and a history of rollouts.
package main

import (
	"context"
	"embed"
	"errors"
	"fmt"
	"io"
	"io/fs"
	"os"
	"path/filepath"

	"github.com/skeindb/skein/engine"
	"github.com/skeindb/skein/engine/revision"
	"github.com/skeindb/skein/engine/sqlite"
)

//go:embed revisions
var files embed.FS

func main() {
	if len(os.Args) != 2 {
		fmt.Fprintln(os.Stderr, "usage: sqlite FILE|DIR")
		os.Exit(64)
	}
	if err := upgrade(context.Background(), os.Stdout, os.Args[1]); err != nil {
		fmt.Fprintln(os.Stderr, err)
		os.Exit(1)
	}
}

// upgrade brings the file at path, or all *.db files in the folder at path, to the heads. A file that fails does not
// keep the others back; all errors are returned together.
func upgrade(ctx context.Context, out io.Writer, path string) error {
	folder, err := fs.Sub(files, "revisions")
	if err != nil {
		return err
	}
	graph, err := revision.Load(folder, revision.SQLite)
	if err != nil {
		return err
	}
	db, err := sqlite.New(sqlite.Config{})
	if err != nil {
		return err
	}
	defer db.Close()
	e := engine.New(db, graph, engine.Config{})

	tenants, err := find(path)
	if err != nil {
		return err
	}
	var failed []error
	for _, tenant := range tenants {
		result, err := e.Migrate(ctx, tenant, "heads")
		fmt.Fprintf(out, "%s: %d applied\n", filepath.Base(tenant.File), len(result.Done))
		if err != nil {
			failed = append(failed, fmt.Errorf("%s: %w", filepath.Base(tenant.File), err))
		}
	}
	return errors.Join(failed...)
}

// find returns the tenant that path is, or those in the folder that it is.
func find(path string) ([]engine.Location, error) {
	path, err := filepath.Abs(path)
	if err != nil {
		return nil, err
	}
	paths := []string{path}
	if info, err := os.Stat(path); err == nil && info.IsDir() {
		names, err := fs.Glob(os.DirFS(path), "*.db")
		if err != nil {
			return nil, err
		}
		paths = nil
		for _, name := range names {
			paths = append(paths, filepath.Join(path, name))
		}
	}
	var tenants []engine.Location
	for _, file := range paths {
		tenants = append(tenants, engine.Location{Dialect: revision.SQLite, File: file})
	}
	return tenants, nil
}
