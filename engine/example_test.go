package engine_test

import (
	"context"
	"fmt"
	"os"
	"path/filepath"
	"testing/fstest"

	"github.com/skeindb/skein/engine"
	"github.com/skeindb/skein/engine/revision"
	"github.com/skeindb/skein/engine/sqlite"
)

// One SQLite file is brought to the heads of a graph, as Alembic would.
func Example() {
	dir, err := os.MkdirTemp("", "skein")
	if err != nil {
		fmt.Println(err)
		return
	}
	defer os.RemoveAll(dir)
	file := filepath.Join(dir, "shop.db")
	if err := os.WriteFile(file, nil, 0o600); err != nil { // skein upgrades files and makes none
		fmt.Println(err)
		return
	}
	if err := upgrade(context.Background(), file); err != nil {
		fmt.Println(err)
	}
	// Output:
	// empty []
	// done [1975ea83b712 27c6a30d7c24]
	// current [27c6a30d7c24]
}

func upgrade(ctx context.Context, file string) error {
	// The revisions; in a program they come from a folder, by os.DirFS or embed.
	graph, err := revision.Load(fstest.MapFS{
		"1975ea83b712_users.sql": {Data: []byte(`-- revision: 1975ea83b712
-- revises: none

-- upgrade
CREATE TABLE users (id integer PRIMARY KEY, name text NOT NULL);
`)},
		"27c6a30d7c24_email.sql": {Data: []byte(`-- revision: 27c6a30d7c24
-- revises: 1975ea83b712

-- upgrade
ALTER TABLE users ADD COLUMN email text;
`)},
	}, revision.SQLite)
	if err != nil {
		return err
	}
	db, err := sqlite.New(sqlite.Config{})
	if err != nil {
		return err
	}
	defer db.Close()
	e := engine.New(db, graph, engine.Config{})

	// Where does the tenant stand?
	target := engine.Location{Dialect: revision.SQLite, File: file}
	standing := e.Survey(ctx, []engine.Location{target})[0]
	if standing.Err != nil {
		return standing.Err
	}
	fmt.Println(standing.State, standing.Heads)

	// Which way leads from there to the heads?
	path, err := graph.Path(revision.Up, standing.Heads, "heads")
	if err != nil {
		return err
	}
	var steps []*revision.Revision
	for _, id := range path.Steps {
		steps = append(steps, graph.Get(id))
	}
	plan := engine.NewPlan(standing.Applied, path.Direction, steps, e.Mode())

	// Go there. The tenant is asked again, under its lock, whether it stands where the plan begins.
	result, err := e.Apply(ctx, engine.Job{Location: target, Standing: standing, Plan: plan, Attempt: 1})
	if err != nil {
		return err
	}
	fmt.Println("done", result.Done)

	standing = e.Survey(ctx, []engine.Location{target})[0]
	fmt.Println(standing.State, standing.Heads)
	return standing.Err
}
