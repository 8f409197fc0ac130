package sqlite_test

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
)

func Example() {
	dir, err := os.MkdirTemp("", "skein")
	if err != nil {
		log.Fatal(err)
	}
	defer os.RemoveAll(dir)
	tenant := engine.Location{Dialect: revision.SQLite, File: filepath.Join(dir, "acme.db")}
	if err := os.WriteFile(tenant.File, nil, 0o600); err != nil { // an empty file is an empty database
		log.Fatal(err)
	}

	graph, err := revision.Load(fstest.MapFS{"1975ea83b712_users.sql": {Data: []byte(`-- revision: 1975ea83b712
-- revises: none

-- upgrade
CREATE TABLE users (id integer PRIMARY KEY, name text NOT NULL);

-- downgrade
DROP TABLE users;
`)}}, revision.SQLite)
	if err != nil {
		log.Fatal(err)
	}
	db, err := sqlite.New(sqlite.Config{})
	if err != nil {
		log.Fatal(err)
	}
	e := engine.New(db, graph, engine.Config{})

	ctx := context.Background()
	fmt.Println(e.Survey(ctx, []engine.Location{tenant})[0].State)
	result, err := e.Migrate(ctx, tenant, "heads")
	fmt.Println(result.Done, err)
	fmt.Println(e.Survey(ctx, []engine.Location{tenant})[0].State)
	// Output:
	// empty
	// [1975ea83b712] <nil>
	// current
}
