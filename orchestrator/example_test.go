package orchestrator_test

import (
	"context"
	"fmt"
	"log"
	"os"
	"path/filepath"
	"testing/fstest"

	"github.com/skeindb/skein/engine"
	"github.com/skeindb/skein/engine/revision"
	"github.com/skeindb/skein/engine/sqlite"
	"github.com/skeindb/skein/orchestrator"
	sqlitestore "github.com/skeindb/skein/orchestrator/store/sqlite"
	"github.com/skeindb/skein/tenant"
	"github.com/skeindb/skein/tenant/discover"
)

// A fleet of SQLite files is upgraded, and the rollout remembered beside them. A plan is a value that can be printed before it
// is run.
func Example() {
	ctx := context.Background()
	dir := newFolder("acme.db", "globex.db", "initech.db")
	defer os.RemoveAll(dir)

	graph, err := revision.Load(fstest.MapFS{"27c6a30d7c24_users.sql": {Data: []byte(`-- revision: 27c6a30d7c24
-- revises: none

-- upgrade
CREATE TABLE users (id INTEGER PRIMARY KEY, email TEXT NOT NULL);
`)}}, revision.SQLite)
	if err != nil {
		log.Fatal(err)
	}
	db, err := sqlite.New(sqlite.Config{})
	if err != nil {
		log.Fatal(err)
	}
	defer db.Close()
	files, err := discover.NewGlob(discover.Glob{Name: "files", Pattern: filepath.ToSlash(filepath.Join(dir, "*.db"))}, discover.Env{})
	if err != nil {
		log.Fatal(err)
	}
	store, err := sqlitestore.Open(ctx, filepath.Join(dir, ".skein", "state.db"))
	if err != nil {
		log.Fatal(err)
	}
	defer store.Close()

	o, err := orchestrator.New(orchestrator.Config{
		Fleet: "example", Engine: engine.New(db, graph, engine.Config{}), Sources: []tenant.Source{files}, Store: store,
	})
	if err != nil {
		log.Fatal(err)
	}
	p, err := o.Plan(ctx, orchestrator.UpgradeTo("heads"))
	if err != nil {
		log.Fatal(err)
	}
	fmt.Println(p.Changes(), "of", p.Len(), "tenants have something to do")
	report, err := o.Run(ctx, p)
	if err != nil {
		log.Fatal(err)
	}
	fmt.Println(report.State, report.Counts(), report.Transitions()[0].To)
	// Output:
	// 3 of 3 tenants have something to do
	// finished map[done:3] [27c6a30d7c24]
}

// newFolder makes a folder with empty files, which are empty SQLite databases.
func newFolder(files ...string) string {
	dir, err := os.MkdirTemp("", "skein")
	if err != nil {
		log.Fatal(err)
	}
	for _, name := range files {
		if err := os.WriteFile(filepath.Join(dir, name), nil, 0o600); err != nil {
			log.Fatal(err)
		}
	}
	return dir
}

// shop is a fleet of three SQLite files, acme, globex and initech, with two revisions that can be taken back. Its Config may
// be completed; its store is in memory.
func shop() (cfg orchestrator.Config, remove func()) {
	dir := newFolder("acme.db", "globex.db", "initech.db")
	graph, err := revision.Load(fstest.MapFS{
		"27c6a30d7c24_users.sql": {Data: []byte("-- revision: 27c6a30d7c24\n-- revises: none\n\n" +
			"-- upgrade\nCREATE TABLE users (id INTEGER PRIMARY KEY);\n\n-- downgrade\nDROP TABLE users;\n")},
		"1975ea83b712_email.sql": {Data: []byte("-- revision: 1975ea83b712\n-- revises: 27c6a30d7c24\n\n" +
			"-- upgrade\nALTER TABLE users ADD COLUMN email TEXT;\n\n-- downgrade\nALTER TABLE users DROP COLUMN email;\n")},
	}, revision.SQLite)
	if err != nil {
		log.Fatal(err)
	}
	db, err := sqlite.New(sqlite.Config{})
	if err != nil {
		log.Fatal(err)
	}
	files, err := discover.NewGlob(discover.Glob{Name: "files", Pattern: filepath.ToSlash(filepath.Join(dir, "*.db"))}, discover.Env{})
	if err != nil {
		log.Fatal(err)
	}
	cfg = orchestrator.Config{Fleet: "shop", Engine: engine.New(db, graph, engine.Config{}), Sources: []tenant.Source{files}}
	return cfg, func() { db.Close(); os.RemoveAll(dir) }
}
