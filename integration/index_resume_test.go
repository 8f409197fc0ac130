package integration_test

import (
	"errors"
	"fmt"
	"strings"
	"testing"

	"github.com/skeindb/skein/engine"
	"github.com/skeindb/skein/engine/postgres"
	"github.com/skeindb/skein/integration/pgtest"
)

// TestIndexThatWasCutOffIsDoneOnlyIfItIsTheOne resumes statements that were cut off: their line is in the journal, and what
// is there is this or that.
func TestIndexThatWasCutOffIsDoneOnlyIfItIsTheOne(t *testing.T) {
	t.Parallel()
	const exists, missing = "42P07", "42704"
	const none, old, itself = "0", "NULL", "itself" // what the journal says was there before
	f := newPgFleet(t, postgres.Server{}, "SELECT 1")
	n := 0
	for name, test := range map[string]struct {
		body  string
		there string // what is there when it is resumed
		found string
		state string // SQLSTATE that it fails with; "" = it is done
		again bool   // the index is another one afterwards
	}{
		"the same":                  {"CREATE INDEX CONCURRENTLY ix ON users (email)", "CREATE INDEX ix ON $.users (email)", none, "", false},
		"the same, old journal":     {"CREATE INDEX CONCURRENTLY ix ON users (email)", "CREATE INDEX ix ON $.users (email)", old, "", false},
		"the same, from before":     {"CREATE INDEX CONCURRENTLY ix ON users (email)", "CREATE INDEX ix ON $.users (email)", itself, exists, false},
		"the same, with everything": {`CREATE UNIQUE INDEX CONCURRENTLY IF NOT EXISTS "ix" ON ONLY "users" USING btree (lower(email) text_pattern_ops DESC NULLS LAST, id) INCLUDE (name) WITH (fillfactor = 80) WHERE users.id > 0 -- it`, `CREATE UNIQUE INDEX ix ON $.users (lower(email) text_pattern_ops DESC NULLS LAST, id) INCLUDE (name) WHERE id > 0`, none, "", false},
		"nothing":                   {"CREATE INDEX CONCURRENTLY ix ON users (email)", "SELECT 1", none, "", true},
		"an invalid one":            {"CREATE INDEX CONCURRENTLY ix ON users (email)", "CREATE INDEX ix ON $.users (email); UPDATE pg_index SET indisvalid = false WHERE indexrelid = '$.ix'::regclass", none, "", true},
		"an invalid one from before": {
			"CREATE INDEX CONCURRENTLY ix ON users (email)", "CREATE INDEX ix ON $.users (email); UPDATE pg_index SET indisvalid = false WHERE indexrelid = '$.ix'::regclass", itself, exists, false,
		},
		"other columns":              {"CREATE INDEX CONCURRENTLY ix ON users (email)", "CREATE INDEX ix ON $.users (id)", none, exists, false},
		"other columns, old journal": {"CREATE INDEX CONCURRENTLY ix ON users (email)", "CREATE INDEX ix ON $.users (id)", old, exists, false},
		"more columns":               {"CREATE INDEX CONCURRENTLY ix ON users (email)", "CREATE INDEX ix ON $.users (email, id)", none, exists, false},
		"included columns":           {"CREATE INDEX CONCURRENTLY ix ON users (email, id)", "CREATE INDEX ix ON $.users (email) INCLUDE (id)", none, exists, false},
		"other order":                {"CREATE INDEX CONCURRENTLY ix ON users (email)", "CREATE INDEX ix ON $.users (email DESC)", none, exists, false},
		"another expression":         {"CREATE INDEX CONCURRENTLY ix ON users (lower(email))", "CREATE INDEX ix ON $.users (upper(email))", none, exists, false},
		"not unique":                 {"CREATE UNIQUE INDEX CONCURRENTLY ix ON users (email)", "CREATE INDEX ix ON $.users (email)", none, exists, false},
		"another method":             {"CREATE INDEX CONCURRENTLY ix ON users (email)", "CREATE INDEX ix ON $.users USING hash (email)", none, exists, false},
		"another predicate":          {"CREATE INDEX CONCURRENTLY ix ON users (email) WHERE id > 0", "CREATE INDEX ix ON $.users (email) WHERE id > 1", none, exists, false},
		"no predicate":               {"CREATE INDEX CONCURRENTLY ix ON users (email) WHERE id > 0", "CREATE INDEX ix ON $.users (email)", none, exists, false},
		"another operator class":     {"CREATE INDEX CONCURRENTLY ix ON users (email)", "CREATE INDEX ix ON $.users (email text_pattern_ops)", none, exists, false},
		"another collation":          {`CREATE INDEX CONCURRENTLY ix ON users (email)`, `CREATE INDEX ix ON $.users (email COLLATE "C")`, none, exists, false},
		"another table":              {"CREATE INDEX CONCURRENTLY ix ON users (email)", "CREATE TABLE $.other (email text); CREATE INDEX ix ON $.other (email)", none, exists, false},
		"another one, lenient":       {"CREATE INDEX CONCURRENTLY IF NOT EXISTS ix ON users (email)", "CREATE INDEX ix ON $.users (id)", itself, "", false},
		"dropped":                    {"DROP INDEX CONCURRENTLY ix", "SELECT 1", "4711", "", false},
		"dropped, old journal":       {"DROP INDEX CONCURRENTLY ix", "SELECT 1", old, "", false},
		"never there":                {"DROP INDEX CONCURRENTLY ix", "SELECT 1", none, missing, false},
	} {
		n++
		schema := fmt.Sprintf("tenant_%d", n)
		t.Run(name, func(t *testing.T) {
			t.Parallel()
			target := f.tenant(t, schema)
			first := f.with(t, "CREATE TABLE users (id int, email text, name text)")
			first.up(t, target)
			pgtest.Exec(t, f.url, strings.ReplaceAll(test.there, "$", schema))
			const index = "SELECT COALESCE(to_regclass('%s.ix')::oid::int8, 0)"
			before := f.scalar(t, fmt.Sprintf(index, schema))
			journal := schema + ".skein_version_steps (revision text NOT NULL, direction text NOT NULL, statement int NOT NULL, sum text NOT NULL, started_at timestamptz NOT NULL, done_at timestamptz, found bigint, PRIMARY KEY (revision, direction, statement))"
			line := "'r2', 'up', 1, 'x', now(), NULL, " + strings.Replace(test.found, itself, before, 1)
			if test.found == old {
				journal, line = strings.Replace(journal, "found bigint, ", "", 1), strings.TrimSuffix(line, ", NULL")
			}
			pgtest.Exec(t, f.url, "CREATE TABLE "+journal, "INSERT INTO "+schema+".skein_version_steps VALUES ("+line+")")

			second := f.with(t, "CREATE TABLE users (id int, email text, name text)", "[no-transaction]"+test.body)
			_, err := second.Apply(t.Context(), second.job(t, target))
			state := ""
			if e, ok := errors.AsType[*engine.Error](err); ok {
				state = e.SQLState
			}
			if state != test.state || err != nil && state == "" {
				t.Errorf("%v, want state %q", err, test.state)
			}
			if after := f.scalar(t, fmt.Sprintf(index, schema)); (after != before) != test.again {
				t.Errorf("the index was %s and is %s", before, after)
			}
			if strings.HasPrefix(test.body, "CREATE") && err == nil && f.scalar(t, "SELECT indisvalid::text FROM pg_index WHERE indexrelid = '"+schema+".ix'::regclass") != "true" {
				t.Error("the index is not valid")
			}
		})
	}
}
