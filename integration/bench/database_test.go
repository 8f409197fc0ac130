package bench

import (
	"errors"
	"fmt"
	"strconv"
	"strings"
	"testing"
	"time"

	"github.com/jackc/pgx/v5"

	"github.com/skeindb/skein/engine/revision"
	"github.com/skeindb/skein/integration/pgtest"
)

// settings are those of facts that hold for servers in use: whatever makes a commit durable is on. Checkpoints
// are where the harness wants them, and autovacuum does not come and go.
var settings = map[string]string{
	"fsync": "on", "synchronous_commit": "on", "full_page_writes": "on", "shared_buffers": "1GB", "max_connections": "100",
	"autovacuum": "off", "max_wal_size": "16GB", "checkpoint_timeout": "1h",
}

// database is a database with schemas.
type database struct {
	url, name string
	schemas   []string
}

func newDatabase(t testing.TB, i *pgtest.Instance, n int) *database {
	t.Helper()
	w := &database{}
	w.url, w.name = pgtest.Database(t, i)
	w.schemas = pgtest.Schemas(t, w.url, "t_", n)
	calm(t, w.url)
	return w
}

// calm writes out what earlier runs have left, so that no run pays for another one.
func calm(t testing.TB, url string) {
	t.Helper()
	pgtest.Exec(t, url, "CHECKPOINT")
}

// fleetAtHead is a database of schemas that stand at the heads, made in bulk: a version table as skein's own,
// and the one table that the small revisions change, with a text column so that they need not make a TOAST table.
func fleetAtHead(t testing.TB, i *pgtest.Instance, n int) *database {
	t.Helper()
	w := newDatabase(t, i, n)
	var rows []string
	for _, r := range load(t, history(t, revision.Postgres, 0), revision.Postgres).All() {
		rows = append(rows, fmt.Sprintf("('%s', '%s', now(), 7, '20261101-000000-abcd', 'skein')", r.ID, r.Checksum()))
	}
	const chunk = 200
	for from := 0; from < n; from += chunk {
		var sql []string
		for _, s := range w.schemas[from:min(from+chunk, n)] {
			sql = append(sql, fmt.Sprintf("BEGIN; SET LOCAL search_path = %s; CREATE TABLE skein_version (revision text PRIMARY KEY, checksum text, "+
				"applied_at timestamptz NOT NULL, duration_ms bigint NOT NULL, rollout text, tool text NOT NULL); "+
				"INSERT INTO skein_version VALUES %s; CREATE TABLE orders (id bigint, status text); COMMIT", pgx.Identifier{s}.Sanitize(), strings.Join(rows, ", ")))
		}
		pgtest.Exec(t, w.url, strings.Join(sql, "; ")) // one connection a chunk: it would get slow
	}
	pgtest.Exec(t, w.url, "VACUUM (ANALYZE, FREEZE) pg_class, pg_namespace, pg_attribute, pg_depend")
	calm(t, w.url)
	return w
}

// serverCPU reads what all processes of a server have used, those that have ended included: the postmaster has
// waited for them, or still has them among its children. It is nil where the server does not run on Linux.
func serverCPU(t testing.TB, url string) func() time.Duration {
	t.Helper()
	conn := pgtest.Connect(t, url)
	read := func() (time.Duration, error) {
		rows, err := conn.Query(t.Context(), `
			WITH p AS (SELECT (pg_catalog.string_to_array(pg_catalog.pg_read_file('postmaster.pid'), E'\n'))[1] AS pid),
			c AS (SELECT p.pid, pg_catalog.pg_read_file('/proc/' || p.pid || '/task/' || p.pid || '/children', 0, 1000000) AS pids FROM p)
			SELECT a.pid = c.pid, pg_catalog.pg_read_file('/proc/' || a.pid || '/stat', 0, 2000, true)
			FROM c, pg_catalog.regexp_split_to_table(pg_catalog.btrim(c.pids) || ' ' || c.pid, ' +') a(pid)`)
		if err != nil {
			return 0, err
		}
		total := 0
		var master bool
		var stat *string
		_, err = pgx.ForEachRow(rows, []any{&master, &stat}, func() error {
			if stat == nil {
				return errEnded
			}
			fields := strings.Fields((*stat)[strings.LastIndexByte(*stat, ')')+1:])
			last := 13 // utime and stime are fields 14 and 15 of proc(5), those of the children 16 and 17
			if master {
				last = 15
			}
			for _, f := range fields[11:last] {
				ticks, err := strconv.Atoi(f)
				if err != nil {
					return err
				}
				total += ticks
			}
			return nil
		})
		return time.Duration(total) * 10 * time.Millisecond, err // USER_HZ is 100 wherever Go runs
	}
	if _, err := read(); err != nil && !errors.Is(err, errEnded) {
		t.Logf("the server's CPU cannot be read: %v", err)
		return nil
	}
	return func() time.Duration {
		for {
			total, err := read()
			switch {
			case err == nil:
				return total
			case !errors.Is(err, errEnded):
				t.Errorf("the server's CPU: %v", err)
				return 0
			}
		}
	}
}

// errEnded: a process ended between two looks; the next one finds it among those that the postmaster waited for.
var errEnded = errors.New("a backend has just ended")
