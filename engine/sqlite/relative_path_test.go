package sqlite_test

import (
	"strings"
	"testing"

	"github.com/skeindb/skein/engine"
	"github.com/skeindb/skein/engine/revision"
	"github.com/skeindb/skein/engine/sqlite"
)

func TestPathOfATenantIsAbsolute(t *testing.T) {
	t.Parallel()
	db, err := sqlite.New(sqlite.Config{})
	if err != nil {
		t.Fatal(err)
	}
	t.Cleanup(func() { _ = db.Close() })
	g, err := revision.NewGraph(nil)
	if err != nil {
		t.Fatal(err)
	}
	_, err = engine.New(db, g, engine.Config{}).Migrate(t.Context(), engine.Location{Dialect: revision.SQLite, File: "a.db"}, "heads")
	if err == nil || !strings.Contains(err.Error(), `the path "a.db" of the tenant's file is not absolute`) {
		t.Errorf("got %v, want an error that says that the path is not absolute", err)
	}
}
