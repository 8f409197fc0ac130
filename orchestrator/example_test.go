package orchestrator_test

import (
	"context"
	"fmt"
	"log"
	"os"
	"path/filepath"
	"testing/fstest"
	"time"

	"github.com/skeindb/skein/engine"
	"github.com/skeindb/skein/engine/revision"
	"github.com/skeindb/skein/engine/sqlite"
	"github.com/skeindb/skein/orchestrator/plan"
	"github.com/skeindb/skein/orchestrator/run"
	sqlitestore "github.com/skeindb/skein/orchestrator/store/sqlite"
	"github.com/skeindb/skein/tenant"
)

// A fleet of SQLite files is upgraded, and the rollout remembered beside them.
func Example() {
	ctx := context.Background()
	dir, err := os.MkdirTemp("", "skein")
	if err != nil {
		log.Fatal(err)
	}
	defer os.RemoveAll(dir)
	var tenants []tenant.Tenant
	for _, id := range []string{"acme", "globex", "initech"} {
		file := filepath.Join(dir, id+".db")
		if err := os.WriteFile(file, nil, 0o600); err != nil {
			log.Fatal(err)
		}
		tenants = append(tenants, tenant.Tenant{ID: id, Location: engine.Location{Dialect: revision.SQLite, File: file}})
	}
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
	store, err := sqlitestore.Open(ctx, filepath.Join(dir, ".skein", "state.db"))
	if err != nil {
		log.Fatal(err)
	}
	defer store.Close()

	upgrader := engine.New(db, graph, engine.Config{})
	p, err := plan.New(run.Survey(ctx, upgrader, tenants), graph, plan.Options{
		Rollout: plan.NewID(time.Now()), Fleet: "example", Kind: plan.KindUpgrade,
		Targets: []string{"heads"}, Created: time.Now(),
	})
	if err != nil {
		log.Fatal(err)
	}
	report, err := run.Run(ctx, run.Config{Plan: p, Engine: upgrader, Graph: graph, Store: store})
	if err != nil {
		log.Fatal(err)
	}
	fmt.Println(report.State, report.Count(plan.OutcomeDone), report.Transitions()[0].To)
	// Output: finished 3 [27c6a30d7c24]
}
