package integration_test

import (
	"fmt"
	"maps"
	"os"
	"path/filepath"
	"slices"
	"strings"
	"testing"

	"github.com/skeindb/skein/engine/revision"
	"github.com/skeindb/skein/integration/pgtest"
	"github.com/skeindb/skein/integration/skeintest"
	"github.com/skeindb/skein/integration/sqlitetest"
)

// constrained are three steps. The last makes a table again with a constraint that the rows of a tenant may
// violate, in SQLite's way or in PostgreSQL's; the one before is a place to wait.
func constrained(d revision.Dialect, wait string) []string {
	bodies := []string{steps(1)[0], wait + "INSERT INTO log VALUES (2);\n", ""}
	if d == revision.Postgres {
		bodies[2] = "UPDATE log SET n = n;\nALTER TABLE base\n  ADD CONSTRAINT qty_small CHECK (qty < 100);\n"
	} else {
		bodies[2] = "CREATE TABLE base2 (id integer PRIMARY KEY, qty integer NOT NULL CONSTRAINT qty_small CHECK (qty < 100));\n\n" +
			"INSERT INTO base2\n  SELECT * FROM base;\nDROP TABLE base;\nALTER TABLE base2 RENAME TO base;\n"
	}
	bodies[2] += "UPDATE base SET qty = qty + 2;\nINSERT INTO log VALUES (3);\n"
	return bodies
}

const quickRetry = "rollout: {lock_timeout: 200ms, retry: {attempts: 3, base: 10ms}}\n"

// TestThreeOfFiveHundredSchemas: rows that do not fit, a lock that another session keeps, and a schema that is dropped
// meanwhile. The others finish if that is allowed; what is repaired is resumed, and no other tenant is touched.
func TestThreeOfFiveHundredSchemas(t *testing.T) {
	t.Parallel()
	const tenants = 500
	f := newFleet(t, revision.Postgres, tenants, inFiles(constrained(revision.Postgres, ": lock_timeout=0\n"+gate)), quickRetry)
	order := f.order()
	rows, locked, dropped := order[10], order[200], order[300]
	f.Must(0, "upgrade", "r001")
	f.backend.exec(rows, "INSERT INTO base VALUES (7, 4711)")
	report := pgtest.Connect(t, strings.Replace(f.url(), "sslmode=", "application_name=nightly-report&sslmode=", 1))
	if _, err := report.Exec(t.Context(), "BEGIN; LOCK TABLE "+locked+".base IN SHARE MODE"); err != nil {
		t.Fatal(err)
	}

	// By default none may fail.
	r := f.Must(3, "upgrade")
	const whatHappened = `check constraint "qty_small" of relation "base" is violated by some row`
	wantWords(t, r.Stdout, "halted", "because more tenants failed in wave all than max_failures allows (none)", "1 × ", whatHappened,
		"data · 23514 · revision r003 · migrations/r003_step.sql:7", "ALTER TABLE base ADD CONSTRAINT qty_small", "tenants: "+rows, "hint: correct the tenant's rows",
		"next:  skein rollout resume 20")
	at := f.want(nil, 1, 3)
	if at[rows] != 1 || at[locked] != 1 || at[order[tenants-1]] != 1 {
		t.Errorf("it did not halt: %v", at)
	}

	// One in a hundred may fail. The schema goes while its tenant waits for its turn.
	open := f.shut()
	p := f.start("rollout", "resume", "--max-failures", "1%", "--json")
	f.atGate(8)
	pgtest.Exec(t, f.url(), "DROP SCHEMA "+dropped+" CASCADE")
	open()
	r = p.end()
	r.Want(2)
	got := r.Report()
	if got.State != "finished" || got.Counts["failed"] != 2 || got.Counts["gone"] != 1 || got.Counts["done"] != tenants-3 || got.Counts["pending"] != 0 {
		t.Errorf("got %+v\nwant State finished, failed 2, gone 1, done %v, pending 0", got, tenants-3)
	}
	if outcomes(r)[dropped] != "gone" {
		t.Errorf("the dropped schema is reported as %s", outcomes(r)[dropped])
	}
	want := map[string]skeintest.Failed{
		rows:   {Class: "data", SQLState: "23514", Error: whatHappened, Hint: "correct the tenant's rows"},
		locked: {Class: "busy", SQLState: "55P03", Error: "lock timeout", Hint: fmt.Sprintf("held by pid %d (nightly-report, ", report.PgConn().PID())},
	}
	for id, w := range want {
		w.Revision, w.File, w.Line = "r003", "migrations/r003_step.sql", 7
		w.Statement = "ALTER TABLE base\n  ADD CONSTRAINT qty_small CHECK (qty < 100)"
		want[id] = w
	}
	causes(t, got, want)
	wantWords(t, f.Must(0, "rollout", "show", got.Rollout).Stdout, "2 failed", "1 gone", whatHappened, "busy · 55P03 · revision r003 · migrations/r003_step.sql:7", "nightly-report", got.Next)
	rest := slices.DeleteFunc(slices.Clone(f.ids), func(id string) bool { return id == dropped })
	others := slices.DeleteFunc(slices.Clone(rest), func(id string) bool { return id == rows || id == locked })
	f.wantOf(others, nil, 3)
	f.wantOf([]string{rows, locked}, nil, 1)

	// Repaired, those two are resumed and no others.
	f.backend.exec(rows, "DELETE FROM base WHERE id = 7")
	if _, err := report.Exec(t.Context(), "ROLLBACK"); err != nil {
		t.Fatal(err)
	}
	before := traces(t, f, others)
	r = f.Must(0, strings.Fields(strings.TrimPrefix(got.Next+" --json", "skein "))...)
	if got := r.Report(); got.State != "finished" || got.Counts["done"] != tenants-1 || got.Counts["failed"] != 0 || got.Next != "" {
		t.Errorf("got %+v\nwant State finished, done %v, failed 0, no Next", got, tenants-1)
	}
	if touched := slices.Sorted(maps.Keys(outcomes(r))); !slices.Equal(touched, slices.Sorted(slices.Values([]string{rows, locked}))) {
		t.Errorf("touched were %q", touched)
	}
	if after := traces(t, f, others); !slices.Equal(before, after) {
		t.Error("rows of others were written again")
	}
	f.wantOf(rest, nil, 3)
}

// traces are the rows of version tables with what a second writing would change.
func traces(t *testing.T, f *testFleet, ids []string) []string {
	t.Helper()
	var all []string
	for part := range slices.Chunk(ids, 200) {
		var query []string
		for _, id := range part {
			query = append(query, "SELECT '"+id+"', xmin, revision, applied_at, (SELECT string_agg(xmin::text, ' ') FROM "+id+".base) FROM "+id+".skein_version")
		}
		all = append(all, pgtest.QueryRows(t, f.url(), strings.Join(query, " UNION ALL ")+" ORDER BY 1, 3")...)
	}
	return all
}

// wantWords fails the test unless the text has all these words; line ends and blanks do not matter.
func wantWords(t *testing.T, text string, wants ...string) {
	t.Helper()
	even := strings.Join(strings.Fields(text), " ")
	for _, want := range wants {
		if !strings.Contains(even, strings.Join(strings.Fields(want), " ")) {
			t.Errorf("it does not say %q:\n%s", want, text)
		}
	}
}

// causes compares the failed tenants of a report. Error and Hint are parts of what is expected.
func causes(t *testing.T, report skeintest.Report, want map[string]skeintest.Failed) {
	t.Helper()
	if report.Next != "skein rollout resume "+report.Rollout {
		t.Errorf("next is %q", report.Next)
	}
	if len(report.Failed) != len(want) {
		t.Errorf("%d tenants failed, want %d: %+v", len(report.Failed), len(want), report.Failed)
	}
	for _, got := range report.Failed {
		w := want[got.Tenant]
		same := got.Class == w.Class && got.SQLState == w.SQLState && got.Revision == w.Revision && got.File == w.File && got.Line == w.Line && got.Statement == w.Statement
		if !same || !strings.Contains(got.Error, w.Error) || !strings.Contains(got.Hint, w.Hint) || got.Hint == "" {
			t.Errorf("%s:\n%+v\nwant:\n%+v", got.Tenant, got, w)
		}
	}
}

// TestThreeOfManyFiles is the same with files, which are named one by one: the one that is deleted is gone at
// first, missing as long as it is not put back, and then continues.
func TestThreeOfManyFiles(t *testing.T) {
	t.Parallel()
	const tenants = 100
	f := newFleet(t, revision.SQLite, tenants, inFiles(constrained(revision.SQLite, "")), "")
	order := f.order()
	rows, first, locked, deleted, last := order[4], order[5], order[20], order[30], order[99]
	var config strings.Builder
	config.WriteString("fleet: acme\ntenants:\n  - list:\n")
	for _, id := range f.ids {
		fmt.Fprintf(&config, "      - {id: %s, file: %s}\n", id, f.file(id))
	}
	f.Write("skein.yaml", config.String()+quickRetry)
	f.Must(0, "upgrade", "r001")
	f.backend.exec(rows, "INSERT INTO base VALUES (7, 4711)")
	other := &files{t, filepath.Dir(f.file(locked))}
	unlock := other.lock(locked, "")

	r := f.Must(3, "upgrade", "--concurrency", "1")
	wantWords(t, r.Stdout, "halted", "CHECK constraint failed: qty_small", "data · 275 · revision r003 · migrations/r003_step.sql:8", "tenants: "+rows, "next:  skein rollout resume 20")
	f.wantOf(order[:4], nil, 3)
	f.wantOf(order[4:], nil, 1)

	// The survey is over when the first tenant is at work, and that waits until the file is gone.
	f.Env = []string{"SKEIN_ROLLOUT__LOCK_TIMEOUT=5s", "SKEIN_ROLLOUT__RETRY__ATTEMPTS=1"}
	p := func() *running {
		release := other.lock(first, "")
		defer release()
		p := f.start("rollout", "resume", "--max-failures", "3%", "--json", "--concurrency", "1")
		p.must(isRunning, 1)
		if err := os.Rename(f.file(deleted), f.file(deleted)+".away"); err != nil {
			t.Fatal(err)
		}
		return p
	}()
	r = p.end()
	r.Want(2)
	f.Env = nil
	got := r.Report()
	if got.State != "finished" || got.Counts["failed"] != 2 || got.Counts["gone"] != 1 || got.Counts["done"] != tenants-3 {
		t.Errorf("got %+v\nwant State finished, failed 2, gone 1, done %v", got, tenants-3)
	}
	causes(t, got, map[string]skeintest.Failed{
		rows:   {Class: "data", SQLState: "275", Revision: "r003", File: "migrations/r003_step.sql", Line: 8, Statement: "INSERT INTO base2\n  SELECT * FROM base", Error: "CHECK constraint failed: qty_small", Hint: "correct the tenant's rows"},
		locked: {Class: "busy", SQLState: "5", Error: "another connection has held the file's write lock", Hint: "lsof"},
	})
	if _, err := os.Stat(f.file(deleted)); err == nil {
		t.Error("the deleted file was made again")
	}

	// It is missing as long as it is not put back.
	f.backend.exec(rows, "DELETE FROM base WHERE id = 7")
	unlock()
	untouched := sqlitetest.QueryRows(t, f.file(last), "SELECT revision, applied_at FROM skein_version ORDER BY 1")
	if got := f.Must(3, "rollout", "resume", "--json").Report(); got.Counts["failed"] != 3 { // one more than is allowed, before any tenant is touched
		t.Errorf("%+v", got)
	}
	if got := f.Must(2, "rollout", "resume", "--json", "--max-failures", "1").Report(); got.Counts["failed"] != 1 || got.Failed[0].Tenant != deleted || got.Failed[0].Class != "gone" {
		t.Errorf("got %+v\nwant failed 1, Tenant %v, Class gone", got, deleted)
	}
	if err := os.Rename(f.file(deleted)+".away", f.file(deleted)); err != nil {
		t.Fatal(err)
	}
	if got := f.Must(0, "rollout", "resume", "--json").Report(); got.State != "finished" || got.Counts["done"] != tenants || got.Counts["gone"] != 0 {
		t.Errorf("got %+v\nwant State finished, done %v, gone 0", got, tenants)
	}
	if again := sqlitetest.QueryRows(t, f.file(last), "SELECT revision, applied_at FROM skein_version ORDER BY 1"); !slices.Equal(again, untouched) {
		t.Errorf("%q became %q", untouched, again)
	}
	f.want(nil, 3)
	for _, id := range f.ids {
		sqlitetest.Check(t, f.file(id))
	}
}

// TestSharedObjects lets all tenants fight for the same objects: they deadlock, update one catalog row at once,
// and are all done in the end.
func TestSharedObjects(t *testing.T) {
	t.Parallel()
	const tenants = 60
	bodies := []string{
		steps(1)[0],
		// Each inserts into a shared table, which locks it a little, and then makes a key to it, which locks it more: of
		// several that have done the first, none gets the second.
		"-- skein:touches public.plans\nINSERT INTO public.plans VALUES (current_schema());\n" +
			"CREATE TABLE t2 (plan text REFERENCES public.plans (id));\nINSERT INTO t2 VALUES (current_schema());\n" +
			"UPDATE base SET qty = qty + 1;\nINSERT INTO log VALUES (2);\n",
		"-- skein:touches public.*\nCREATE OR REPLACE FUNCTION public.version() RETURNS text LANGUAGE sql AS $$ SELECT '3' $$;\n" +
			"GRANT SELECT ON public.plans TO PUBLIC;\nUPDATE base SET qty = qty + 1;\nINSERT INTO log VALUES (3);\n",
	}
	f := newFleet(t, revision.Postgres, tenants, inFiles(bodies), "")
	pgtest.Exec(t, f.url(), "CREATE TABLE public.plans (id text PRIMARY KEY)",
		"DO $$ BEGIN EXECUTE format('ALTER DATABASE %I SET deadlock_timeout = ''20ms''', current_database()); END $$")
	f.Must(0, "upgrade", "r001")
	for _, c := range []struct{ target, why string }{{"r002", "deadlock detected"}, {"r003", "tuple concurrently updated"}} {
		r := f.Must(0, "upgrade", c.target, "--json")
		if report := r.Report(); report.State != "finished" || report.Counts["done"] != tenants {
			t.Errorf("got %+v\nwant State finished, done %v", report, tenants)
		}
		again := 0
		for _, e := range r.Events() {
			if e["kind"] == "tenant" && e["outcome"] == "retrying" && strings.HasPrefix(fmt.Sprint(e["error"]), c.why) {
				again++
			}
		}
		t.Logf("%s: %d times", c.why, again)
		if again == 0 {
			t.Errorf("%q never happened, so this proves nothing", c.why)
		}
	}
	f.want(nil, 3)
	if got := pgtest.QueryRows(t, f.url(), "SELECT count(*), count(DISTINCT id) FROM public.plans"); got[0] != fmt.Sprintf("%d|%d", tenants, tenants) {
		t.Errorf("plans: %s", got)
	}
}
