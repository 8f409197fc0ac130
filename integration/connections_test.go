package integration_test

import (
	"context"
	"fmt"
	"strings"
	"testing"

	"github.com/skeindb/skein/engine"
	"github.com/skeindb/skein/engine/postgres"
	"github.com/skeindb/skein/engine/revision"
	"github.com/skeindb/skein/integration/pgtest"
	"github.com/skeindb/skein/integration/shop"
	"github.com/skeindb/skein/integration/skeintest"
)

// Where the server has room for one connection of ours, the idle one gives way to the one that is needed: for another
// database, for a probe, and for the same server under another name.
func TestIdleConnectionsGiveWay(t *testing.T) {
	t.Parallel()
	server := pgtest.Server(t)
	url, first := pgtest.Database(t, server)
	_, second := pgtest.Database(t, server)
	role := "only_" + first
	own := func(role string) {
		pgtest.Exec(t, server.URL, "ALTER DATABASE "+pgtest.Quote(first)+" OWNER TO "+role, "ALTER DATABASE "+pgtest.Quote(second)+" OWNER TO "+role)
	}
	pgtest.Exec(t, server.URL, "CREATE ROLE "+role+" LOGIN PASSWORD 'x' CONNECTION LIMIT 1")
	t.Cleanup(func() { pgtest.Exec(t, server.URL, "DROP ROLE "+role) })
	own(role)
	t.Cleanup(func() { own("CURRENT_USER") })
	narrow := asUser(url, role, "x")
	db, err := postgres.New(postgres.Config{Servers: []postgres.Server{{Name: "a", URL: narrow}, {Name: "again", URL: narrow}}})
	if err != nil {
		t.Fatal(err)
	}
	t.Cleanup(func() { _ = db.Close() })
	for k, at := range []struct{ server, database string }{{"a", first}, {"a", second}, {"again", second}, {"a", first}, {"again", first}} {
		if _, err := db.Schemas(t.Context(), at.server, at.database, engine.NameFilter{All: true}); err != nil {
			t.Fatalf("%d: %+v: %v", k, at, err)
		}
		if err := db.Probe(t.Context(), at.server, at.database); err != nil {
			t.Fatalf("probe %d: %+v: %v", k, at, err)
		}
	}
}

// What a dead run left behind is at work, or holds a lock. An idle session of its name is a pooler's, or our own
// under another name of the server; behind a pooler, work without a lock may belong to any client.
func TestOnlySessionsAtWorkAreWaitedFor(t *testing.T) {
	t.Parallel()
	server := pgtest.Server(t)
	url, database := pgtest.Database(t, server)
	pooled := newTransactionPooler(t, url)
	app := "skein/earlier-" + database
	db, err := postgres.New(postgres.Config{Application: app, Servers: []postgres.Server{
		{Name: "main", URL: url}, {Name: "same", URL: url}, {Name: "pooled", URL: pooled},
	}})
	if err != nil {
		t.Fatal(err)
	}
	t.Cleanup(func() { _ = db.Close() })
	want := func(when string, direct, behindPooler int) {
		t.Helper()
		for name, n := range map[string]int{"main": direct, "same": direct, "pooled": behindPooler} {
			if b, err := db.Backends(t.Context(), name, app); err != nil || len(b) != n {
				t.Errorf("%s: %s has %+v, %v; want %d", when, name, b, err, n)
			}
		}
	}
	want("our own", 0, 0)
	idle := pgtest.Connect(t, url+"&application_name="+app)
	want("an idle one", 0, 0)
	exec := func(sql string) {
		t.Helper()
		if _, err := idle.Exec(context.Background(), sql); err != nil {
			t.Fatal(err)
		}
	}
	exec("SELECT pg_advisory_lock(1)")
	want("idle with a lock", 1, 0)
	exec("BEGIN")
	want("in a transaction with a lock", 1, 1)
	exec("COMMIT")
	exec("SELECT pg_advisory_unlock_all()")
	exec("BEGIN")
	want("in a transaction without a lock", 1, 0)
}

// A database that only the provider may connect to is left out with a warning, and its tenant is refused where it
// is named.
func TestDatabasesWithoutConnectAreLeftOut(t *testing.T) {
	t.Parallel()
	server := pgtest.New(t, pgtest.Options{})
	pgtest.Exec(t, server.URL, "CREATE ROLE app LOGIN PASSWORD 'app'", "CREATE DATABASE acme OWNER app TEMPLATE template0",
		"CREATE DATABASE provider TEMPLATE template0")
	pgtest.Exec(t, server.URL, "REVOKE CONNECT ON DATABASE provider, postgres FROM PUBLIC")
	config := "fleet: acme\nservers: {main: {url: %q}}\ntenants: [{server: main, include_databases: %s}]\n"
	url := asUser(server.DatabaseURL("acme"), "app", "app")
	p := skeintest.New(t, fmt.Sprintf(config, url, `["*"]`), shop.FS(revision.Postgres))
	r := p.Must(0, "upgrade")
	wantText(t, "the warning", r.Stderr, "left out of server main", "CONNECT", "postgres, provider", "exclude_databases")
	wantText(t, "the report", r.Stdout, "1 done of 1")

	p.Write("skein.yaml", fmt.Sprintf(config, url, `["*"], exclude_databases: [provider, postgres]`))
	if r := p.Must(0, "status"); strings.Contains(r.Stderr, "left out") {
		t.Errorf("it still warns: %s", r.Stderr)
	}
	p.Write("skein.yaml", fmt.Sprintf(config, url, `["a*", provider]`))
	wantText(t, "the error", p.Must(1, "upgrade").Stderr, "may not connect to provider", "GRANT CONNECT ON DATABASE")
	pgtest.Exec(t, server.URL, "GRANT CONNECT ON DATABASE provider TO app", "ALTER DATABASE provider OWNER TO app")
	p.Must(0, "upgrade")
}
