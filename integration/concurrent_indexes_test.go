package integration_test

import (
	"slices"
	"testing"

	"github.com/skeindb/skein/integration/pgtest"
	"github.com/skeindb/skein/integration/skeintest"
)

// TestConcurrentIndexesInAHundredSchemas builds indexes outside of transactions, while one tenant's rows forbid the
// second of them.
func TestConcurrentIndexesInAHundredSchemas(t *testing.T) {
	t.Parallel()
	url, _ := pgtest.Database(t, pgtest.Server(t))
	tenants := pgtest.Schemas(t, url, "tenant_", 100)
	p := skeintest.New(t, oneServer(url, `{server: main, include_schemas: ["tenant_*"]}`)+"rollout: {concurrency: 8, max_failures: 1}\n", nil)
	p.Write("migrations/a1_users.sql", revisionFile("a1", "none",
		"CREATE TABLE users (id integer PRIMARY KEY, email text);\nINSERT INTO users SELECT n, 'u' || n FROM generate_series(1, 20) n;", "DROP TABLE users;"))
	wantCounts(t, p.Must(0, "upgrade", "--json").Report(), map[string]int{"done": 100})
	const doubled = "tenant_0042"
	pgtest.Exec(t, url, "INSERT INTO "+doubled+".users VALUES (99, 'u1')")

	p.Write("migrations/b2_name.sql", revisionFile("b2", "a1", "ALTER TABLE users ADD COLUMN name text;", "ALTER TABLE users DROP COLUMN name;"))
	p.Write("migrations/c3_indexes.sql", revisionFile("c3", "b2",
		": no-transaction\nCREATE INDEX CONCURRENTLY users_name_idx ON users (name);\nCREATE UNIQUE INDEX CONCURRENTLY users_email_key ON users (email);",
		"DROP INDEX users_email_key;\nDROP INDEX users_name_idx;"))
	p.Write("migrations/d4_orders.sql", revisionFile("d4", "c3", "CREATE TABLE orders (id integer PRIMARY KEY);", "DROP TABLE orders;"))
	report := p.Must(2, "upgrade", "--json").Report()
	wantCounts(t, report, map[string]int{"done": 99, "failed": 1})
	if f := report.Failed[0]; f.Tenant != doubled || f.Revision != "c3" || f.Line != 7 || f.Class != "data" || f.SQLState != "23505" {
		t.Errorf("failed: %+v", f)
	}

	const indexes = "SELECT string_agg(i.indexrelid::regclass::text, ' ' ORDER BY i.indexrelid::regclass::text) FROM pg_index i WHERE i.indrelid = '%s.users'::regclass AND i.indisvalid AND i.indisready AND NOT i.indisprimary"
	const revisions = "SELECT string_agg(revision, ' ' ORDER BY revision) FROM %s.skein_version"
	want := func(applied map[string]int) {
		t.Helper()
		got := map[string]int{}
		for _, rows := range inEach(t, url, tenants, revisions) {
			got[rows]++
		}
		for rows, n := range applied {
			if got[rows] != n {
				t.Errorf("applied: %v, want %v", got, applied)
				return
			}
		}
	}
	noLeftovers := func() {
		t.Helper()
		if left := pgtest.QueryRows(t, url, "SELECT indexrelid::regclass FROM pg_index WHERE NOT indisvalid OR NOT indisready"); len(left) > 0 {
			t.Errorf("invalid indexes: %q", left)
		}
	}
	want(map[string]int{"a1 b2 c3 d4": 99, "a1 b2": 1})
	noLeftovers()
	good := slices.DeleteFunc(slices.Clone(tenants), func(s string) bool { return s == doubled })
	for s, names := range inEach(t, url, good, indexes) {
		if names != s+".users_email_key "+s+".users_name_idx" {
			t.Fatalf("%s has the indexes %q", s, names)
		}
	}
	if got := inEach(t, url, []string{doubled}, indexes)[doubled]; got != doubled+".users_name_idx" {
		t.Errorf("%s has the indexes %q: the first statement was done", doubled, got)
	}
	first := pgtest.Scalar[int](t, url, "SELECT '"+doubled+".users_name_idx'::regclass::oid::bigint")

	p.Must(2, "rollout", "resume", "--json") // it is not repaired yet
	noLeftovers()
	pgtest.Exec(t, url, "DELETE FROM "+doubled+".users WHERE id = 99")
	wantCounts(t, p.Must(0, "rollout", "resume", "--json").Report(), map[string]int{"done": 100})
	want(map[string]int{"a1 b2 c3 d4": 100})
	noLeftovers()
	for s, names := range inEach(t, url, tenants, indexes) {
		if names != s+".users_email_key "+s+".users_name_idx" {
			t.Fatalf("%s has the indexes %q", s, names)
		}
	}
	if again := pgtest.Scalar[int](t, url, "SELECT '"+doubled+".users_name_idx'::regclass::oid::bigint"); again != first {
		t.Error("the index that was there already was built again")
	}
	if n := pgtest.Scalar[int](t, url, "SELECT count(*) FROM pg_class WHERE relname = 'skein_version_steps'"); n != 0 {
		t.Errorf("%d journals are left", n)
	}
	wantCounts(t, p.Must(0, "upgrade", "--json").Report(), map[string]int{"unchanged": 100})
	wantCounts(t, p.Must(0, "downgrade", "b2", "--yes", "--json").Report(), map[string]int{"done": 100})
	want(map[string]int{"a1 b2": 100})
}
