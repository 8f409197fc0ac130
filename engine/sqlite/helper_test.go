package sqlite_test

import (
	"errors"
	"fmt"
	"slices"
	"strings"
	"testing"
	"testing/fstest"
	"time"

	"github.com/skeindb/skein/engine"
	"github.com/skeindb/skein/engine/revision"
	"github.com/skeindb/skein/engine/sqlite"
)

// bodies makes a chain of revisions r1, r2, … of upgrade bodies. A body may begin with its options, as in
// ": no-transaction\nVACUUM;". Bodies begin in line 5.
func bodies(t testing.TB, upgrades ...string) *revision.Graph {
	t.Helper()
	files := fstest.MapFS{}
	before := "none"
	for i, up := range upgrades {
		if !strings.HasPrefix(up, ":") {
			up = "\n" + up
		}
		id := fmt.Sprintf("r%d", i+1)
		text := fmt.Sprintf("-- revision: %s\n-- revises: %s\n\n-- upgrade%s\n", id, before, up)
		files[id+"_body.sql"] = &fstest.MapFile{Data: []byte(text)}
		before = id
	}
	graph, err := revision.Load(files, revision.SQLite)
	if err != nil {
		t.Fatal(err)
	}
	return graph
}

// upgrade runs bodies that the tenant does not have yet.
func upgrade(t *testing.T, target engine.Location, upgrades ...string) (engine.Result, error) {
	t.Helper()
	return upgradeBy(t, engine.Config{LockTimeout: 100 * time.Millisecond}, target, upgrades...)
}

func upgradeBy(t *testing.T, cfg engine.Config, target engine.Location, upgrades ...string) (engine.Result, error) {
	t.Helper()
	e := engine.New(newDB(t), bodies(t, upgrades...), cfg)
	return e.Apply(t.Context(), job(t, e, target))
}

func job(t *testing.T, e *engine.Engine, target engine.Location) engine.Job {
	t.Helper()
	s := e.Survey(t.Context(), []engine.Location{target})[0]
	if s.Err != nil {
		t.Fatal(s.Err)
	}
	return engine.Job{Location: target, Standing: s, Plan: plan(e, s), Attempt: 1}
}

func plan(e *engine.Engine, s engine.Standing) *engine.Plan {
	have := s.Applied.IDs()
	pending := slices.DeleteFunc(e.Graph().All(), func(r *revision.Revision) bool { return slices.Contains(have, r.ID) })
	return engine.NewPlan(s.Applied, revision.Up, pending, e.Mode())
}

func mustUpgrade(t *testing.T, target engine.Location, upgrades ...string) {
	t.Helper()
	if _, err := upgrade(t, target, upgrades...); err != nil {
		t.Fatal(err)
	}
}

// failure returns err as an error of the engine of this class.
func failure(t *testing.T, err error, class engine.Class) *engine.Error {
	t.Helper()
	var e *engine.Error
	if !errors.As(err, &e) {
		t.Fatalf("the error is %T %v", err, err)
	}
	if e.Class != class {
		t.Errorf("class %s, want %s: %v", e.Class, class, e)
	}
	return e
}

// one returns the single value of a query.
func one(t *testing.T, target engine.Location, statement string) string {
	t.Helper()
	rows := query(t, target, statement)
	if len(rows) != 1 || len(rows[0]) != 1 {
		t.Fatalf("%s: %v", statement, rows)
	}
	return rows[0][0]
}

func session(t *testing.T, db *sqlite.DB, target engine.Location) engine.Session {
	t.Helper()
	s, err := db.Open(t.Context(), target)
	if err != nil {
		t.Fatal(err)
	}
	t.Cleanup(s.Close)
	return s
}
