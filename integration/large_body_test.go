package integration_test

import (
	"fmt"
	"strings"
	"testing"

	"github.com/skeindb/skein/engine"
	"github.com/skeindb/skein/engine/postgres"
)

// rowsOf is a body of so many INSERTs of about 100 KB each.
func rowsOf(table string, n int) string {
	var b strings.Builder
	fmt.Fprintf(&b, "CREATE TABLE %s (n int, note text);\n", table)
	for i := range n {
		fmt.Fprintf(&b, "INSERT INTO %s SELECT %d, 'ü%s';\n", table, i, strings.Repeat("é", 50_000))
	}
	return b.String()
}

func TestPostgresRunsALongBodyAndFindsItsMistake(t *testing.T) {
	t.Parallel()
	f := newPgFleet(t, postgres.Server{}, rowsOf("big", 13))
	through := f.with(t, rowsOf("big", 13))
	through.db = openPostgres(t, postgres.Server{URL: pooler(t, f.url)})
	through = through.with(t, rowsOf("big", 13))
	for schema, by := range map[string]*pgFleet{"direct": f, "pooled": through} {
		target := f.tenant(t, schema)
		by.tried(t, target, "r1")
		by.up(t, target)
		if n := f.scalar(t, "SELECT count(*) || ' ' || min(length(note)) FROM "+schema+".big"); n != "13 50001" {
			t.Errorf("%s: rows and characters are %s", schema, n)
		}
		for mistake, class := range map[string]engine.Class{"SELECT 1,, 2": engine.Revision, "SELECT nothing": engine.Revision} {
			e := by.with(t, rowsOf("big", 13), rowsOf("more", 13)+mistake+";\n"+rowsOf("last", 1)).fails(t, target, class)
			if e.Revision != "r2" || e.Line != 19 || e.Statement != mistake {
				t.Errorf("%s: %+v", schema, e)
			}
		}
	}
	outside := f.tenant(t, "outside")
	f.with(t, "[no-transaction]\nCREATE TABLE a (n int);\nINSERT INTO a SELECT length('"+strings.Repeat("é", 600_000)+"')").up(t, outside)
	if n := f.scalar(t, "SELECT n FROM outside.a"); n != "600000" {
		t.Errorf("characters are %s", n)
	}
}

func TestPostgresSendsAChainThatIsTooLongForOneMessageInSeveral(t *testing.T) {
	t.Parallel()
	const own = "[own-transaction]\n"
	f := newPgFleet(t, postgres.Server{}, own+rowsOf("a", 3), own+rowsOf("b", 3), own+rowsOf("c", 3))
	db, err := postgres.New(postgres.Config{Servers: []postgres.Server{{Name: "main", URL: f.url}}, MaxMessage: 500 << 10})
	if err != nil {
		t.Fatal(err)
	}
	t.Cleanup(func() { _ = db.Close() })
	f.db = db
	f = f.with(t, own+rowsOf("a", 3), own+rowsOf("b", 3), own+rowsOf("c", 3))
	target := f.tenant(t, "t")
	if r := f.tried(t, target, "r1"); len(r.Untried) != 2 || !strings.Contains(r.Why, "r2 (r2_x.sql)") {
		t.Errorf("%+v", r)
	}
	f.up(t, target)

	// What the hint says helps.
	together := f.with(t, own+rowsOf("a", 3), own+rowsOf("b", 3), own+rowsOf("c", 3), rowsOf("d", 3), rowsOf("e", 3))
	e := together.fails(t, target, engine.Revision)
	if e.Revision != "r5" || e.Line == 0 || !strings.Contains(e.Advice, "own-transaction") || f.scalar(t, "SELECT to_regclass('t.d') IS NULL AS gone") != "t" {
		t.Errorf("%+v", e)
	}
	f.with(t, own+rowsOf("a", 3), own+rowsOf("b", 3), own+rowsOf("c", 3), rowsOf("d", 3), own+rowsOf("e", 3)).up(t, target)
	if n := f.scalar(t, "SELECT count(*) FROM t.e"); n != "3" {
		t.Errorf("%s rows", n)
	}
}
