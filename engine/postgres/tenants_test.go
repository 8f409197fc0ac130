package postgres

import (
	"strings"
	"testing"

	"github.com/google/go-cmp/cmp"

	"github.com/skeindb/skein/engine"
)

func TestSourcesTakeSchemas(t *testing.T) {
	t.Parallel()
	const url = "postgres://u@h:1/app"
	db, err := New(Config{Servers: []Server{
		{Name: "main", URL: url, Tenants: []TenantSchemas{
			{Schemas: engine.NameFilter{Include: []string{"t_*", "x?"}, Exclude: []string{"t_tpl"}}},
			{Databases: engine.NameFilter{Include: []string{"c*"}, Exclude: []string{"cold"}}, Schemas: engine.NameFilter{All: true, Exclude: []string{"ext*"}}},
			{Databases: engine.NameFilter{Include: []string{"single"}}, Schemas: engine.NameFilter{Include: []string{"public"}}},
			{}, // one tenant a database
		}},
		{Name: "again", URL: url},
		{Name: "other", URL: "postgres://u@h:2/app"},
	}})
	if err != nil {
		t.Fatal(err)
	}
	for _, c := range []struct{ server, database, schemas, others string }{
		{"main", "app", "t_a xy", "t_tpl x T_a public extensions"},
		{"again", "app", "t_a", "t_tpl public"},
		{"main", "c1", "a t_tpl", "public ext extensions"},
		{"main", "cold", "", "a t_a"},
		{"main", "single", "public", "t_a"},
		{"other", "app", "", "t_a"},
	} {
		for _, schema := range strings.Fields(c.schemas) {
			if !db.isSourced(db.servers[c.server], c.database, schema) {
				t.Errorf("%s/%s: %s is no tenant", c.server, c.database, schema)
			}
		}
		for _, schema := range strings.Fields(c.others) {
			if db.isSourced(db.servers[c.server], c.database, schema) {
				t.Errorf("%s/%s: %s is a tenant", c.server, c.database, schema)
			}
		}
	}
	for database, want := range map[string]bool{"app": true, "c1": true, "single": false, "nothing": false} {
		if got := db.mayHaveSeveral(db.servers["main"], database); got != want {
			t.Errorf("several tenants in %s: %v", database, got)
		}
	}
}

func TestTenantsAreKnownByAllNamesOfAServer(t *testing.T) {
	t.Parallel()
	db, err := New(Config{Servers: []Server{{Name: "main", URL: "postgres://u@h:1/app"}, {Name: "other", URL: "postgres://u@h:2/app"}}})
	if err != nil {
		t.Fatal(err)
	}
	if _, err := db.Register("own", "postgres://v@h:1/app"); err != nil {
		t.Fatal(err)
	}
	db.databases[dbKey{"own", "app"}] = newDatabase([]string{"a", "public"}, nil)
	db.databases[dbKey{"own", "else"}] = newDatabase([]string{"a"}, nil)
	db.Know([]engine.Location{
		{Server: "main", Database: "app", Schema: "b"}, {Server: "main", Schema: "a"}, {Server: "gone", Schema: "c"},
		{Server: "main", Database: "app", Schema: "b"}, {Server: "other", Database: "app", Schema: "d"},
	})
	if diff := cmp.Diff([]string{"a", "b"}, db.tenantsOf(db.servers["own"], "app")); diff != "" {
		t.Error(diff)
	}
	if db.databases[dbKey{"own", "app"}] != nil || db.databases[dbKey{"own", "else"}] == nil {
		t.Error("a search path with a tenant is kept, or another one was forgotten")
	}
}
