package integration_test

import (
	"context"
	"fmt"
	"slices"
	"strings"
	"testing"
	"time"

	"golang.org/x/sync/errgroup"

	"github.com/skeindb/skein/engine/revision"
	"github.com/skeindb/skein/integration/pgtest"
	"github.com/skeindb/skein/integration/shop"
	"github.com/skeindb/skein/integration/skeintest"
)

const databaseCount = 150 // on each of the two servers

func TestThreeHundredDatabasesOverTwoServers(t *testing.T) {
	t.Parallel()
	const ours, mostA, mostB, perServer = 12, 5, 7, 4 // connections: of server b in all, of skein on each; tenants at once
	a := pgtest.New(t, pgtest.Options{})
	b := pgtest.New(t, pgtest.Options{Settings: map[string]string{"max_connections": fmt.Sprint(ours)}})
	var making errgroup.Group
	names := make([]string, databaseCount)
	for i := range names {
		names[i] = fmt.Sprintf("app_%03d", i+1)
	}
	for _, server := range []*pgtest.Instance{a, b} {
		making.Go(func() error {
			for _, name := range append([]string{"app_template", "billing", "App_1"}, names...) {
				pgtest.Exec(t, server.URL, "CREATE DATABASE "+pgtest.Quote(name)+" TEMPLATE template0")
			}
			return nil
		})
	}
	_ = making.Wait() // a failure has ended the test
	p := skeintest.New(t, fmt.Sprintf(`fleet: acme
servers:
  a: {url: %q, max_connections: %d}
  b: {url: %q, max_connections: %d}
tenants:
  - {server: a, id: "{server}/{database}", include_databases: ["app_*"], exclude_databases: [app_template]}
  - {server: b, id: "{server}/{database}", include_databases: ["app_0*", "app_1??"]}
rollout: {concurrency: 20, per_server: %d}
`, a.URL, mostA, b.URL, mostB, perServer), shop.FS(revision.Postgres))

	watchA, watchB := watchServer(t, a.URL), watchServer(t, b.URL)
	report := p.Must(0, "upgrade", "--json").Report()
	seenA, seenB := watchA(), watchB()
	wantCounts(t, report, map[string]int{"done": 2 * databaseCount})

	for _, test := range []struct {
		server string
		seen   seen
		most   int
	}{{"a", seenA, mostA}, {"b", seenB, mostB}} {
		t.Logf("server %s: %+v", test.server, test.seen)
		if test.seen.connections > test.most || test.seen.connections < 2 {
			t.Errorf("server %s had %d connections of skein at a time, want 2 to %d", test.server, test.seen.connections, test.most)
		}
		if test.seen.tenants > perServer || test.seen.tenants < 2 {
			t.Errorf("on server %s %d tenants were worked on at a time, want 2 to %d", test.server, test.seen.tenants, perServer)
		}
	}

	plain, _ := pgtest.Database(t, a)
	pgtest.Exec(t, plain, upgradesOf(t, shop.FS(revision.Postgres))...)
	end, applied := pgtest.Dump(t, plain, "public"), checksumsOf(t, shop.FS(revision.Postgres), revision.Postgres)
	for _, server := range []*pgtest.Instance{a, b} {
		dumps, rows := map[string]string{}, map[string]string{}
		for _, name := range names {
			url := server.DatabaseURL(name)
			dumps[name] = pgtest.Dump(t, url, "public")
			rows[name] = strings.Join(pgtest.QueryRows(t, url, strings.ReplaceAll(appliedInSchema, "%s", "public")), "\n")
		}
		wantEach(t, "structure", end, dumps)
		wantEach(t, "applied revisions", applied, rows)
		for _, name := range []string{"app_template", "billing", "App_1"} {
			if got := pgtest.Dump(t, server.DatabaseURL(name), "public"); got != "" {
				t.Errorf("%s is no tenant, but has\n%s", name, got)
			}
		}
	}
	wantCounts(t, p.Must(0, "upgrade", "--json").Report(), map[string]int{"unchanged": 2 * databaseCount})

	t.Run("a server with fewer connections than configured", func(t *testing.T) {
		fewerConnections(t, b, ours)
	})
}

// fewerConnections configures more connections than the server has: it narrows, and all get done.
func fewerConnections(t *testing.T, server *pgtest.Instance, most int) {
	const tenants = 60
	pgtest.Exec(t, server.URL, "CREATE ROLE app LOGIN PASSWORD 'app'", "CREATE DATABASE narrow OWNER app TEMPLATE template0")
	narrow := asUser(server.DatabaseURL("narrow"), "app", "app")
	ids := pgtest.Schemas(t, narrow, "tenant_", tenants)
	p := skeintest.New(t, fmt.Sprintf(`fleet: narrow
servers:
  b: {url: %q, max_connections: 40}
tenants:
  - {server: b, include_schemas: ["tenant_*"]}
rollout: {concurrency: 40, per_server: 40}
`, narrow), nil)
	p.Write("migrations/n1_slowly.sql", revisionFile("n1", "none", "CREATE TABLE users (id integer PRIMARY KEY);\nSELECT pg_sleep(0.2);", "DROP TABLE users;"))
	r := p.Must(0, "upgrade", "--json")
	wantCounts(t, r.Report(), map[string]int{"done": tenants})
	wantEach(t, "revisions", "1", inEach(t, narrow, ids, "SELECT count(*) FROM %s.skein_version WHERE revision = 'n1'"))
	refused := slices.ContainsFunc(r.Events(), func(e skeintest.Event) bool {
		return e["kind"] == "warning" && strings.Contains(fmt.Sprint(e["message"]), "width")
	})
	if !refused {
		t.Errorf("the server refused no connection: 40 connections did fit into %d, so that this test shows nothing", most)
	}
}

// seen are the largest numbers of what is skein's that a server showed at a time.
type seen struct{ samples, connections, tenants int }

// watchServer looks at a server again and again until it is stopped.
func watchServer(t *testing.T, url string) (end func() seen) {
	t.Helper()
	conn := pgtest.Connect(t, url)
	ctx, cancel := context.WithCancel(t.Context())
	result := make(chan seen, 1)
	go func() {
		var most seen
		tick := time.NewTicker(5 * time.Millisecond)
		defer tick.Stop()
		for ctx.Err() == nil {
			var connections, tenants int
			// Each running tenant holds an advisory lock.
			err := conn.QueryRow(context.Background(), `SELECT count(*), (SELECT count(*) FROM pg_locks WHERE locktype = 'advisory' AND granted)
				FROM pg_stat_activity WHERE application_name LIKE 'skein%'`).Scan(&connections, &tenants)
			if err != nil {
				t.Errorf("watch the server: %v", err)
				break
			}
			most = seen{most.samples + 1, max(most.connections, connections), max(most.tenants, tenants)}
			select {
			case <-tick.C:
			case <-ctx.Done():
			}
		}
		result <- most
	}()
	return func() seen {
		cancel()
		return <-result
	}
}
