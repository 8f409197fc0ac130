package integration_test

import (
	"fmt"
	"strings"
	"testing"

	"github.com/skeindb/skein/engine"
	"github.com/skeindb/skein/engine/postgres"
	"github.com/skeindb/skein/engine/revision"
	"github.com/skeindb/skein/integration/pgtest"
	"github.com/skeindb/skein/integration/skeintest"
)

// TestOneConnectionADatabase counts the connections to databases that are a tenant each: discovery, survey and change share
// one, also over waves, where the server has room; where max_connections is small there are more, and never more at a time.
func TestOneConnectionADatabase(t *testing.T) {
	t.Parallel()
	server := pgtest.Server(t)
	_, model := pgtest.Database(t, server)
	names := append(pgtest.Copies(t, server, model, 20), model)
	p := skeintest.New(t, "", nil)
	config := func(more string) {
		p.Write("skein.yaml", fmt.Sprintf("fleet: f\nservers:\n  main:\n    url: %q\n%stenants:\n  - server: main\n    include_databases: [\"%s*\"]\nrollout:\n  waves: [{name: canary, size: 3}, {name: rest}]\n",
			server.URL, more, model))
	}
	write := func(id, on string) {
		p.Write("migrations/"+id+"_x.sql", fmt.Sprintf("-- revision: %[1]s\n-- revises: %s\n-- message: x\n\n-- upgrade\nCREATE TABLE %[1]s (x int);\n\n-- downgrade\nDROP TABLE %[1]s;\n", id, on))
	}
	like := pgtest.Quote(model + "%")
	like = "'" + like[1:len(like)-1] + "'"
	before := 0
	counted := func() int { // a backend has reported its statistics when it is gone
		t.Helper()
		waitUntil(t, "the end of skein's sessions", func() bool {
			return pgtest.Scalar[int](t, server.URL, "SELECT count(*)::int FROM pg_catalog.pg_stat_activity WHERE datname LIKE "+like) == 0
		})
		all := pgtest.Scalar[int](t, server.URL, "SELECT sum(sessions)::int FROM pg_catalog.pg_stat_database WHERE datname LIKE "+like)
		n := all - before
		before = all
		return n
	}
	config("")
	write("u1", "none")
	counted()
	p.Must(0, "upgrade", "-q")
	if n := counted(); n != len(names) {
		t.Errorf("%d connections for %d databases with something to do", n, len(names))
	}
	p.Must(0, "upgrade", "-q")
	if n := counted(); n != len(names) {
		t.Errorf("%d connections for %d databases with nothing to do", n, len(names))
	}
	config("    max_connections: 2\n")
	write("u2", "u1")
	p.Must(0, "upgrade", "-q")
	if n := counted(); n < len(names) {
		t.Errorf("%d connections for %d databases", n, len(names))
	}
	for _, name := range names {
		if got := pgtest.Scalar[int](t, server.DatabaseURL(name), "SELECT count(*)::int FROM public.skein_version"); got != 2 {
			t.Errorf("database %s has %d of 2 revisions", name, got)
		}
	}
}

// TestVisitReadsWhatASurveyReads reads each kind of standing of a database that is one tenant's, by the visit of discovery,
// by that of a survey, and beside another tenant of the same database, where there is none.
func TestVisitReadsWhatASurveyReads(t *testing.T) {
	t.Parallel()
	server := pgtest.Server(t)
	for name, test := range map[string]struct {
		sql  string
		want engine.State
		rows int
	}{
		"nothing":         {"SELECT 1", "", 0},
		"an empty table":  {"CREATE TABLE skein_version (revision text PRIMARY KEY, checksum text)", "", 0},
		"rows":            {"CREATE TABLE skein_version (revision text PRIMARY KEY, checksum text); INSERT INTO skein_version VALUES ('b', 'x'), ('a', NULL)", "", 2},
		"a view":          {"CREATE VIEW skein_version AS SELECT 'a' AS revision, NULL AS checksum", engine.Unknown, 0},
		"another's table": {"CREATE TABLE skein_version (version bigint)", engine.Unknown, 0},
		"no schema":       {"DROP SCHEMA public", engine.Missing, 0},
		"an extension":    {"CREATE SCHEMA extensions; CREATE EXTENSION pgcrypto SCHEMA extensions; CREATE TABLE skein_version (revision text PRIMARY KEY, checksum text); INSERT INTO skein_version VALUES ('a', 'x')", "", 1},
	} {
		t.Run(name, func(t *testing.T) {
			t.Parallel()
			url, database := pgtest.Database(t, server)
			pgtest.Exec(t, url, "CREATE SCHEMA other", test.sql)
			tenant := engine.Location{Dialect: revision.Postgres, Server: "main", Database: database, Schema: "public"}
			beside := tenant
			beside.Schema = "other"
			for way, look := range map[string]func(db *postgres.DB) engine.Standing{
				"discovery": func(db *postgres.DB) engine.Standing {
					if _, err := db.DefaultSchema(t.Context(), "main", database); err != nil {
						t.Fatal(err)
					}
					return db.Survey(t.Context(), []engine.Location{tenant}, "")[0]
				},
				"survey": func(db *postgres.DB) engine.Standing { return db.Survey(t.Context(), []engine.Location{tenant}, "")[0] },
				"several": func(db *postgres.DB) engine.Standing {
					return db.Survey(t.Context(), []engine.Location{tenant, beside}, "")[0]
				},
			} {
				got := look(openPostgres(t, postgres.Server{URL: url, AutoSearchPath: true}))
				var ids []string
				if got.Applied != nil {
					ids = got.Applied.IDs()
				}
				if got.State != test.want || (got.Err != nil) != (test.want != "") || len(ids) != test.rows || test.rows == 2 && strings.Join(ids, " ") != "a b" {
					t.Errorf("%s: %q, %q, %v", way, got.State, ids, got.Err)
				}
			}
		})
	}
}

// TestServerThatChangesIsAskedAgain gives the name of a server that a record brought along another URL.
func TestServerThatChangesIsAskedAgain(t *testing.T) {
	t.Parallel()
	url, database := pgtest.Database(t, pgtest.Server(t))
	role := "there_" + database
	pgtest.Exec(t, url, "CREATE SCHEMA other", "CREATE ROLE "+role+" LOGIN PASSWORD 'x'", "GRANT ALL ON SCHEMA other TO "+role, "ALTER ROLE "+role+" SET search_path = other")
	t.Cleanup(func() { pgtest.Exec(t, url, "DROP OWNED BY "+role, "DROP ROLE "+role) })
	db := openPostgres(t, postgres.Server{URL: url})
	for _, at := range []struct{ url, schema string }{{url, "public"}, {asUser(url, role, "x"), "other"}} {
		if _, err := db.Register("$TENANT", at.url); err != nil {
			t.Fatal(err)
		}
		if got, err := db.DefaultSchema(t.Context(), "$TENANT", database); err != nil || got != at.schema {
			t.Errorf("schema %q, want %q: %v", got, at.schema, err)
		}
	}
}
