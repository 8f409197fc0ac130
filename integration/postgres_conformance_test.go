package integration_test

import (
	"context"
	"fmt"
	"strings"
	"sync"
	"sync/atomic"
	"testing"

	"github.com/jackc/pgx/v5"

	"github.com/skeindb/skein/engine"
	"github.com/skeindb/skein/engine/enginetest"
	"github.com/skeindb/skein/engine/postgres"
	"github.com/skeindb/skein/engine/revision"
	"github.com/skeindb/skein/integration/pgtest"
)

// The conformance suite runs on the shared server and on the oldest version that is supported. Where that is missing,
// pgtest says on stderr which one stood in for it.
func TestPostgresConformance(t *testing.T) {
	t.Parallel()
	for _, version := range []string{"", "15"} {
		t.Run("version="+version, func(t *testing.T) {
			t.Parallel()
			c := &conformance{}
			if version == "" {
				c.server = pgtest.Server(t)
			} else {
				c.server = pgtest.New(t, pgtest.Options{Version: version})
			}
			c.url, c.database = pgtest.Database(t, c.server)
			t.Logf("PostgreSQL %d", c.server.Major)
			enginetest.Run(t, enginetest.Dialect{
				Name: revision.Postgres, Open: c.open, New: c.new, Exec: c.exec, Query: c.query, Dump: c.dump, Lock: c.lock, Drop: c.drop,
				Refusals: pgRefusals(), Slow: "SELECT pg_sleep(60)", NoTx: c.outside,
			})
		})
	}
}

// conformance is one database in which the suite makes a schema a tenant.
type conformance struct {
	server        *pgtest.Instance
	url, database string
	schemas       atomic.Int64
}

func (c *conformance) open(t *testing.T) engine.Database {
	t.Helper()
	db, err := postgres.New(postgres.Config{Servers: []postgres.Server{{Name: "main", URL: c.url, MaxConnections: 8, AutoSearchPath: true}}})
	if err != nil {
		t.Fatal(err)
	}
	return db
}

func (c *conformance) new(t *testing.T) engine.Location {
	t.Helper()
	schema := fmt.Sprintf("tenant_%04d", c.schemas.Add(1))
	pgtest.Exec(t, c.url, "CREATE SCHEMA "+schema)
	return engine.Location{Dialect: revision.Postgres, Server: "main", Database: c.database, Schema: schema}
}

// connect is another client, whose statements find the tenant's tables.
func (c *conformance) connect(t *testing.T, target engine.Location) *pgx.Conn {
	t.Helper()
	return pgtest.Connect(t, urlInSchema(c.url, target.Schema))
}

// exec and query are called from goroutines of the suite too, so that they do not end the test.
func (c *conformance) exec(t *testing.T, target engine.Location, sql string) {
	t.Helper()
	conn, err := pgx.Connect(context.Background(), urlInSchema(c.url, target.Schema))
	if err != nil {
		t.Error(err)
		return
	}
	defer conn.Close(context.Background())
	if _, err := conn.Exec(context.Background(), sql); err != nil {
		t.Errorf("%s: %v", sql, err)
	}
}

func (c *conformance) query(t *testing.T, target engine.Location, sql string) [][]string {
	t.Helper()
	conn, err := pgx.Connect(context.Background(), urlInSchema(c.url, target.Schema))
	if err != nil {
		t.Error(err)
		return nil
	}
	defer conn.Close(context.Background())
	rows, err := conn.Query(context.Background(), sql, pgx.QueryResultFormats{pgx.TextFormatCode})
	if err != nil {
		t.Errorf("%s: %v", sql, err)
		return nil
	}
	defer rows.Close()
	var all [][]string
	for rows.Next() {
		var row []string
		for _, value := range rows.RawValues() {
			text := "NULL"
			if value != nil {
				text = string(value)
			}
			row = append(row, text)
		}
		all = append(all, row)
	}
	if err := rows.Err(); err != nil {
		t.Errorf("%s: %v", sql, err)
	}
	return all
}

func (c *conformance) dump(t *testing.T, target engine.Location) string {
	t.Helper()
	return dumpWithRows(t, c.url, target.Schema)
}

// dumpWithRows is pgtest.Dump with the rows of all tables, skein's own among them.
func dumpWithRows(t *testing.T, url, schema string) string {
	t.Helper()
	var all strings.Builder
	all.WriteString(pgtest.Dump(t, url, schema))
	for _, name := range pgtest.QueryRows(t, url, "SELECT relname FROM pg_class WHERE relkind IN ('r', 'm') AND relnamespace = to_regnamespace($1) ORDER BY 1", pgtest.Quote(schema)) {
		fmt.Fprintf(&all, "\n%s: %q", name, pgtest.QueryRows(t, url, "SELECT t::text FROM "+pgtest.Quote(schema)+"."+pgtest.Quote(name)+" t ORDER BY 1"))
	}
	return all.String()
}

func (c *conformance) lock(t *testing.T, target engine.Location) (release func()) {
	t.Helper()
	conn := c.connect(t, target)
	for _, sql := range []string{"BEGIN", "LOCK TABLE users IN ACCESS EXCLUSIVE MODE"} {
		if _, err := conn.Exec(t.Context(), sql); err != nil {
			t.Fatal(err)
		}
	}
	release = sync.OnceFunc(func() {
		if _, err := conn.Exec(context.Background(), "ROLLBACK"); err != nil {
			t.Error(err)
		}
	})
	t.Cleanup(release) // at the latest, and so that the connection is not closed while it is released
	return release
}

func (c *conformance) drop(t *testing.T, target engine.Location) {
	t.Helper()
	c.exec(t, target, "DROP SCHEMA "+target.Schema+" CASCADE")
}

// outside builds two indexes: the first cannot be built twice, the second cannot as long as two users have one name.
func (c *conformance) outside(t *testing.T, target engine.Location) enginetest.NoTxBody {
	t.Helper()
	c.exec(t, target, "INSERT INTO users (id, name) VALUES (101, 'Ada'), (102, 'Ada')")
	return enginetest.NoTxBody{
		First:  "CREATE INDEX CONCURRENTLY users_name_idx ON users (name)",
		Second: "CREATE UNIQUE INDEX CONCURRENTLY users_name_key ON users (name)",
		Class:  engine.Data,
		Repair: func() { c.exec(t, target, "DELETE FROM users WHERE id = 102") },
	}
}
