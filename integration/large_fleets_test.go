package integration_test

import (
	"fmt"
	"path/filepath"
	"strings"
	"testing"
	"time"

	"github.com/skeindb/skein/engine/revision"
	"github.com/skeindb/skein/integration/pgtest"
	"github.com/skeindb/skein/integration/shop"
	"github.com/skeindb/skein/integration/skeintest"
	"github.com/skeindb/skein/integration/sqlitetest"
)

const (
	schemaCount = 1000
	fileCount   = 2000
)

// loyalty is one more revision of the shop; its SQL is the same in both dialects.
const (
	loyalty     = "ALTER TABLE customers ADD COLUMN points integer NOT NULL DEFAULT 0;\nCREATE INDEX customers_points_idx ON customers (points);"
	loyaltyDown = "DROP INDEX customers_points_idx;\nALTER TABLE customers DROP COLUMN points;"
)

// contents asks for the rows that the shop's revisions insert and backfill. prefix is the schema with its dot.
func contents(prefix string) string {
	var counts []string
	for _, table := range shop.Tables {
		counts = append(counts, fmt.Sprintf("(SELECT count(*) FROM %s%s)", prefix, table))
	}
	return fmt.Sprintf("SELECT %s || ' cents ' || (SELECT sum(cents) FROM %sorder_totals) || ' spent ' || (SELECT sum(spent) FROM %scustomers)",
		strings.Join(counts, " || ' ' || "), prefix, prefix)
}

func TestThousandSchemasThroughTenRevisions(t *testing.T) {
	t.Parallel()
	url, database := pgtest.Database(t, pgtest.Server(t))
	tenants := pgtest.Schemas(t, url, "tenant_", schemaCount)
	plain := pgtest.Schemas(t, url, "plain_", 1)[0]
	files := shop.FS(revision.Postgres)
	p := skeintest.New(t, oneServer(url, `{server: main, include_schemas: ["tenant_*"]}`), files)

	report := p.Must(0, "upgrade", "--json").Report()
	wantCounts(t, report, map[string]int{"done": schemaCount})

	pgtest.Exec(t, urlInSchema(url, plain), upgradesOf(t, files)...)
	wantSchemas(t, url, plain, tenants)
	wantEach(t, "contents", inEach(t, url, []string{plain}, contents("%s."))[plain], inEach(t, url, tenants, contents("%s.")))
	wantEach(t, "applied revisions", checksumsOf(t, files, revision.Postgres), inEach(t, url, tenants, appliedInSchema))
	wantEach(t, "rollouts", "10 "+report.Rollout, inEach(t, url, tenants,
		"SELECT count(*) || ' ' || string_agg(DISTINCT rollout, ',') FROM %s.skein_version WHERE applied_at > now() - interval '1 hour' AND duration_ms >= 0 AND tool LIKE 'skein %'"))

	t.Run("again there is nothing to do", func(t *testing.T) {
		const written = "SELECT md5(string_agg(v::text, ';' ORDER BY revision)) || ' ' || max(xmin::text::bigint) FROM %s.skein_version v"
		before, sessions := inEach(t, url, tenants, written), sessionsOf(t, url, database)
		report := p.Must(0, "upgrade", "--json").Report()
		wantCounts(t, report, map[string]int{"unchanged": schemaCount})
		const most = 16 // connections that skein may have at a time
		if n := sessionsOf(t, url, database) - sessions; n > most {
			t.Errorf("%d sessions to find that there is nothing to do", n)
		}
		for s, rows := range inEach(t, url, tenants, written) {
			if rows != before[s] {
				t.Fatalf("the rows of %s were written again", s)
			}
		}
		p.Must(0, "current", "--check-heads", "-q")
	})

	t.Run("one more revision goes to all", func(t *testing.T) {
		p.Write("migrations/s11_points.sql", revisionFile("s11", "s10", loyalty, loyaltyDown))
		p.Must(4, "current", "--check-heads", "-q")
		wantCounts(t, p.Must(0, "upgrade", "--json").Report(), map[string]int{"done": schemaCount})
		pgtest.Exec(t, urlInSchema(url, plain), loyalty)
		wantSchemas(t, url, plain, tenants)
		wantEach(t, "applied revisions", "11 s11", inEach(t, url, tenants, "SELECT count(*) || ' ' || max(revision) FROM %s.skein_version"))
	})
}

// wantSchemas fails the test unless the structure of all schemas is that of one.
func wantSchemas(t testing.TB, url, one string, schemas []string) {
	t.Helper()
	want := pgtest.Dump(t, url, one)
	if !strings.Contains(want, "rel|") {
		t.Fatalf("there is nothing in %s:\n%s", one, want)
	}
	wantEach(t, "structure", want, pgtest.DumpAll(t, url, schemas))
}

// sessionsOf counts the sessions that a database ever had, this one's apart, once all of skein's have ended.
func sessionsOf(t testing.TB, url, database string) int {
	t.Helper()
	conn := pgtest.Connect(t, url)
	deadline := time.Now().Add(waitLimit)
	for there := -1; there != 0; {
		if time.Now().After(deadline) {
			t.Fatalf("%d sessions of skein do not end", there)
		}
		if err := conn.QueryRow(t.Context(), `SELECT count(*) FROM pg_stat_activity WHERE datname = $1 AND application_name LIKE 'skein%'`, database).Scan(&there); err != nil {
			t.Fatal(err)
		}
	}
	var sessions int
	if err := conn.QueryRow(t.Context(), "SELECT sessions FROM pg_stat_database WHERE datname = $1", database).Scan(&sessions); err != nil {
		t.Fatal(err)
	}
	return sessions
}

func TestTwoThousandFilesThroughTenRevisions(t *testing.T) {
	t.Parallel()
	files := shop.FS(revision.SQLite)
	p := skeintest.New(t, "fleet: acme\ntenants:\n  - glob: \"data/*.db\"\n", files)
	tenants := sqlitetest.Files(t, p.Path("data"), fileCount)
	plain := sqlitetest.Files(t, t.TempDir(), 1)[0]

	wantCounts(t, p.Must(0, "upgrade", "--json").Report(), map[string]int{"done": fileCount})

	sqlitetest.Exec(t, plain, upgradesOf(t, files)...)
	wantFiles(t, plain, tenants)
	wantEach(t, "contents", inEachFile(t, []string{plain}, contents(""))[filepath.Base(plain)], inEachFile(t, tenants, contents("")))
	wantEach(t, "applied revisions", checksumsOf(t, files, revision.SQLite), inEachFile(t, tenants, appliedInFile))
	for _, path := range tenants {
		sqlitetest.Check(t, path)
	}

	t.Run("again there is nothing to do", func(t *testing.T) {
		const written = "SELECT group_concat(applied_at || duration_ms) FROM skein_version"
		before := inEachFile(t, tenants, written)
		wantCounts(t, p.Must(0, "upgrade", "--json").Report(), map[string]int{"unchanged": fileCount})
		for name, rows := range inEachFile(t, tenants, written) {
			if rows != before[name] {
				t.Fatalf("the rows of %s were written again", name)
			}
		}
		p.Must(0, "current", "--check-heads", "-q")
	})

	t.Run("one more revision goes to all", func(t *testing.T) {
		p.Write("migrations/s11_points.sql", revisionFile("s11", "s10", loyalty, loyaltyDown))
		p.Must(4, "current", "--check-heads", "-q")
		wantCounts(t, p.Must(0, "upgrade", "--json").Report(), map[string]int{"done": fileCount})
		sqlitetest.Exec(t, plain, loyalty)
		wantFiles(t, plain, tenants)
		wantEach(t, "applied revisions", "11 s11", inEachFile(t, tenants, "SELECT count(*) || ' ' || max(revision) FROM skein_version"))
	})
}

// wantFiles fails the test unless the structure of all files is that of one.
func wantFiles(t testing.TB, one string, paths []string) {
	t.Helper()
	want := sqlitetest.Dump(t, one)
	if !strings.Contains(want, "CREATE TABLE") {
		t.Fatalf("there is nothing in %s:\n%s", one, want)
	}
	wantEach(t, "structure", want, dumpFiles(t, paths))
}
