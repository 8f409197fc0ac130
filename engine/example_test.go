package engine_test

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

// A program that upgrades the database it was shipped with.
func Example() {
	e, tenant, cleanUp := openShop()
	defer cleanUp()

	result, err := e.Migrate(context.Background(), tenant, "heads")
	if err != nil {
		log.Fatal(err)
	}
	fmt.Println(result.Done)
	// Output: [1975ea83b712 27c6a30d7c24]
}

// The target decides about the direction.
func ExampleEngine_Migrate() {
	e, tenant, cleanUp := openShop()
	defer cleanUp()

	for _, target := range []string{"heads", "heads", "1975ea83b712", "base", "+1", "+9"} {
		result, err := e.Migrate(context.Background(), tenant, target)
		fmt.Println(target, result.Done, err)
	}
	// Output:
	// heads [1975ea83b712 27c6a30d7c24] <nil>
	// heads [] <nil>
	// 1975ea83b712 [27c6a30d7c24] <nil>
	// base [1975ea83b712] <nil>
	// +1 [1975ea83b712] <nil>
	// +9 [] +9 goes 8 beyond 27c6a30d7c24, where the graph ends
}

// Survey, plan and apply by hand, with a look at each.
func ExampleEngine_Plan() {
	e, tenant, cleanUp := openShop()
	defer cleanUp()
	ctx := context.Background()

	standing := e.Survey(ctx, []engine.Location{tenant})[0]
	fmt.Println(standing.State, standing.Heads)

	plan, err := e.Plan(standing, revision.Up, "heads")
	if err != nil {
		log.Fatal(err)
	}
	for _, part := range plan.Parts {
		fmt.Println("in one transaction:", part.IDs())
	}

	result, err := e.Apply(ctx, engine.Job{Location: tenant, Standing: standing, Plan: plan, Attempt: 1})
	if err != nil {
		log.Fatal(err)
	}
	fmt.Println("done:", result.Done)

	standing = e.Survey(ctx, []engine.Location{tenant})[0]
	fmt.Println(standing.State, standing.Heads)
	// Output:
	// empty []
	// in one transaction: [1975ea83b712 27c6a30d7c24]
	// done: [1975ea83b712 27c6a30d7c24]
	// current [27c6a30d7c24]
}

// openShop returns an engine over two revisions, and an empty SQLite file. In a program the revisions come from a folder,
// by os.DirFS or embed.
func openShop() (e *engine.Engine, tenant engine.Location, cleanUp func()) {
	graph, err := revision.Load(fstest.MapFS{
		"1975ea83b712_users.sql": {Data: []byte(`-- revision: 1975ea83b712
-- revises: none

-- upgrade
CREATE TABLE users (id integer PRIMARY KEY, name text NOT NULL);

-- downgrade
DROP TABLE users;
`)},
		"27c6a30d7c24_email.sql": {Data: []byte(`-- revision: 27c6a30d7c24
-- revises: 1975ea83b712

-- upgrade
ALTER TABLE users ADD COLUMN email text;

-- downgrade
ALTER TABLE users DROP COLUMN email;
`)},
	}, revision.SQLite)
	if err != nil {
		log.Fatal(err)
	}
	db, err := sqlite.New(sqlite.Config{})
	if err != nil {
		log.Fatal(err)
	}
	dir, err := os.MkdirTemp("", "shop")
	if err != nil {
		log.Fatal(err)
	}
	tenant = engine.Location{Dialect: revision.SQLite, File: filepath.Join(dir, "shop.db")}
	if err := os.WriteFile(tenant.File, nil, 0o600); err != nil { // the engine creates no files: a mistyped name is an error
		log.Fatal(err)
	}
	return engine.New(db, graph, engine.Config{}), tenant, func() {
		_ = db.Close()
		_ = os.RemoveAll(dir)
	}
}
