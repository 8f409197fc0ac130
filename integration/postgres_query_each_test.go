package integration_test

import (
	"net/url"
	"strconv"
	"strings"
	"testing"

	"github.com/skeindb/skein/engine"
	"github.com/skeindb/skein/engine/postgres"
	"github.com/skeindb/skein/integration/pgtest"
)

// schemasWithUsers makes n schemas of which the k-th has k mod 7 users.
func schemasWithUsers(t *testing.T, f *pgFleet, n int) []engine.Location {
	t.Helper()
	var sql strings.Builder
	targets := make([]engine.Location, n)
	for k, name := range pgtest.Schemas(t, f.url, "t", n) {
		targets[k] = pgTarget(f.database, name)
		sql.WriteString("CREATE TABLE " + name + ".users AS SELECT generate_series(1, " + strconv.Itoa(k%7) + ") AS id;\n")
	}
	pgtest.Exec(t, f.url, sql.String())
	return targets
}

func TestPostgresAsksFiveHundredTenantsInAHandfulOfMessages(t *testing.T) {
	t.Parallel()
	f := newPgFleet(t, postgres.Server{}, "SELECT 1")
	targets := schemasWithUsers(t, f, 500)
	pgtest.Exec(t, f.url, "DROP TABLE t0100.users", "DROP SCHEMA t0301 CASCADE", "ALTER TABLE t0499.users RENAME id TO nr")
	locker := pgtest.Connect(t, f.url)
	if _, err := locker.Exec(t.Context(), "BEGIN; LOCK TABLE t0200.users"); err != nil {
		t.Fatal(err)
	}

	messages := map[string]bool{} // statement_timestamp() is when the server got the message
	for k, r := range f.QueryEach(t.Context(), targets[:200], "SELECT statement_timestamp()") {
		if messages[r.Text] = true; r.Err != nil {
			t.Errorf("tenant %d: %v", k, r.Err)
		}
	}
	if len(messages) > 4 {
		t.Errorf("200 tenants were asked by %d messages", len(messages))
	}
	wrong := map[int]engine.Class{99: engine.Revision, 300: engine.Gone, 498: engine.Revision, 199: engine.Busy}
	for k, r := range f.QueryEach(t.Context(), targets, "SELECT count(id) FROM users") {
		if class, bad := wrong[k]; bad {
			wantPgClass(t, r.Err, class)
		} else if r.Err != nil || r.Text != strconv.Itoa(k%7) || r.Rows != 1 {
			t.Errorf("tenant %d: %+v", k, r)
		}
	}
}

func TestPostgresAsksWhereTheTargetSays(t *testing.T) {
	t.Parallel()
	f := newPgFleet(t, postgres.Server{SearchPath: []string{"shared"}}, "SELECT 1")
	pgtest.Exec(t, f.url, "CREATE SCHEMA shared; CREATE FUNCTION shared.answer() RETURNS int LANGUAGE sql AS 'SELECT 42'; CREATE TABLE shared.users (id int)",
		`CREATE SCHEMA "Weird""Name-é"; CREATE SCHEMA b`)
	targets := []engine.Location{
		pgTarget(f.database, `Weird"Name-é`), pgTarget(f.database, "b"), pgTarget(f.database, ""), pgTarget("", "b"), pgTarget("", ""),
		pgTarget("nowhere", "b"), {Server: "other", Schema: "b"}, pgTarget(f.database, "pg_temp"), pgTarget(f.database, "nobody"),
	}
	want := []string{`Weird"Name-é`, "b", "public", "b", "public"}
	for k, r := range f.QueryEach(t.Context(), targets, "SELECT current_schema(), current_database()") {
		if k < len(want) && (r.Err != nil || r.Text != want[k]) {
			t.Errorf("%s: %+v, want %s", targets[k], r, want[k])
		}
	}
	for k, class := range map[int]engine.Class{5: engine.Gone, 6: engine.Internal, 7: engine.Revision, 8: engine.Gone} {
		wantPgClass(t, f.QueryEach(t.Context(), targets, "SELECT 1")[k].Err, class)
	}
	// What follows in the search path is found; in the place of a schema that is not there it does not answer.
	replies := f.QueryEach(t.Context(), targets, "SELECT answer() FROM (SELECT count(*) FROM users) x")
	if replies[1].Text != "42" {
		t.Errorf("%+v", replies[1])
	}
	wantPgClass(t, replies[8].Err, engine.Gone)
}

func TestPostgresAskKeepsTenantsApart(t *testing.T) {
	t.Parallel()
	f := newPgFleet(t, postgres.Server{MaxConnections: 1}, "SELECT 1")
	targets := schemasWithUsers(t, f, 6)
	for query, class := range map[string]engine.Class{
		"SELECT count(*) FROM users WHERE 6 / (SELECT count(*) FROM users) >= 0": engine.Data, // only for a tenant that has none
		"SELECT set_config('work_mem', '77MB', false), nextval('nobody')":        engine.Revision,
	} {
		for k, r := range f.QueryEach(t.Context(), targets, query) {
			if k == 0 || class == engine.Revision {
				wantPgClass(t, r.Err, class)
			} else if r.Err != nil || r.Text != strconv.Itoa(k) {
				t.Errorf("%s of %d: %+v", query, k, r)
			}
		}
	}
	f.QueryEach(t.Context(), targets, "SELECT set_config('work_mem', '77MB', false), pg_advisory_lock(4711)")
	other := f.QueryEach(t.Context(), targets, "SELECT current_setting('work_mem') || pg_try_advisory_lock(4711) || (SELECT count(*) FROM pg_locks WHERE locktype = 'advisory' AND objid = 4711)")
	if other[0].Err != nil || strings.Contains(other[0].Text, "77MB") || !strings.Contains(other[0].Text, "true") {
		t.Errorf("a question left something: %+v", other[0])
	}
	if free := f.QueryEach(t.Context(), targets, "SELECT count(*) FROM pg_locks WHERE locktype = 'advisory' AND objid = 4711"); free[0].Text != "0" {
		t.Errorf("%s locks of questions are left", free[0].Text)
	}
}

func TestPostgresAskReadsOnly(t *testing.T) {
	t.Parallel()
	f := newPgFleet(t, postgres.Server{}, "SELECT 1")
	targets := schemasWithUsers(t, f, 3)
	pgtest.Exec(t, f.url, "CREATE SEQUENCE t0001.s; CREATE FUNCTION t0001.w() RETURNS int LANGUAGE sql AS 'DELETE FROM t0003.users RETURNING 1'")
	for _, query := range []string{
		"SELECT nextval('t0001.s')", "SELECT t0001.w()", "SELECT * INTO t0001.x FROM users", "WITH d AS (DELETE FROM users RETURNING *) SELECT * FROM d",
		"EXPLAIN ANALYZE DELETE FROM users", "COPY users TO '/tmp/skein-x'", "PREPARE TRANSACTION 'x'", "SET transaction_read_only = off",
		"SELECT 1; COMMIT; DELETE FROM users", `SELECT 'a\'' ; COMMIT; DELETE FROM users; --'`,
	} {
		for _, r := range f.QueryEach(t.Context(), targets, query) {
			if strings.HasPrefix(query, `SELECT 'a\'`) && r.Err == nil {
				continue // one text
			}
			wantPgClass(t, r.Err, engine.Revision)
		}
	}
	if n := f.scalar(t, "SELECT count(*) || '/' || (SELECT is_called FROM t0001.s) FROM t0003.users"); n != "2/false" {
		t.Errorf("a question wrote: %s", n)
	}
}

// With standard_conforming_strings off the server would read three statements where the check sees one. A pooled session
// that has it off all the same is refused: see TestSettledSessionsBehindAPooler.
func TestPostgresAskReadsStringsAsTheyWereChecked(t *testing.T) {
	t.Parallel()
	f := newPgFleet(t, postgres.Server{}, "SELECT 1")
	targets := schemasWithUsers(t, f, 2)
	pgtest.Exec(t, f.url, "ALTER DATABASE "+pgtest.Quote(f.database)+" SET standard_conforming_strings = off")
	for _, r := range f.QueryEach(t.Context(), targets, `SELECT 'a\'' ; COMMIT; DELETE FROM users; --'`) {
		if r.Err != nil || r.Text != `a\' ; COMMIT; DELETE FROM users; --` {
			t.Errorf("%q, %v", r.Text, r.Err)
		}
	}
	if n := f.scalar(t, "SELECT count(*) FROM t0002.users"); n == "0" {
		t.Error("a question wrote")
	}
}

func TestPostgresAskFailsForAllWhenTheServerCannotReadIt(t *testing.T) {
	t.Parallel()
	f := newPgFleet(t, postgres.Server{}, "SELECT 1")
	for _, r := range f.QueryEach(t.Context(), schemasWithUsers(t, f, 120), "SELECT count(* FROM users)") {
		if e := wantPgClass(t, r.Err, engine.Revision); e.SQLState != "42601" {
			t.Errorf("%+v", e)
		}
	}
}

func TestPostgresAskThatLosesItsConnection(t *testing.T) {
	t.Parallel()
	f := newPgFleet(t, postgres.Server{}, "SELECT 1")
	targets := schemasWithUsers(t, f, 10)
	replies := f.QueryEach(t.Context(), targets, "SELECT CASE WHEN current_schema() = 't0004' THEN pg_terminate_backend(pg_backend_pid())::text ELSE 'fine' END, pg_sleep(0.01)")
	for k, r := range replies {
		if k < 3 && r.Text != "fine" {
			t.Errorf("tenant %d was answered: %+v", k, r)
		}
		if k >= 3 {
			wantPgClass(t, r.Err, engine.Connection)
		}
	}
	if r := f.QueryEach(t.Context(), targets, "SELECT 1")[9]; r.Err != nil {
		t.Error(r.Err)
	}
}

func TestPostgresAskSaysWhichPrivilegeLacks(t *testing.T) {
	t.Parallel()
	f := newPgFleet(t, postgres.Server{}, "SELECT 1")
	targets := schemasWithUsers(t, f, 3)
	role := "ask_" + strings.ReplaceAll(f.database, "-", "_")
	pgtest.Exec(t, f.url, "CREATE ROLE "+role+" LOGIN PASSWORD 'secret'; GRANT USAGE ON SCHEMA t0002, t0003 TO "+role+"; GRANT SELECT ON t0002.users TO "+role,
		"ALTER TABLE t0002.users ENABLE ROW LEVEL SECURITY")
	t.Cleanup(func() { pgtest.Exec(t, f.url, "DROP OWNED BY "+role+"; DROP ROLE "+role) })
	u, err := url.Parse(f.url)
	if err != nil {
		t.Fatal(err)
	}
	u.User = url.UserPassword(role, "secret")
	db := openPostgres(t, postgres.Server{URL: u.String()})
	for k, r := range db.QueryEach(t.Context(), targets, "SELECT count(*) FROM users") {
		e := wantPgClass(t, r.Err, engine.Revision)
		if e.SQLState != "42501" || k == 0 && !strings.Contains(e.Advice, "GRANT USAGE") || k == 1 && !strings.Contains(e.Message, "row-level security") {
			t.Errorf("tenant %d: %+v", k, e)
		}
	}
}

func TestPostgresSizes(t *testing.T) {
	t.Parallel()
	f := newPgFleet(t, postgres.Server{}, "SELECT 1")
	targets := schemasWithUsers(t, f, 300)
	pgtest.Exec(t, f.url, `CREATE TABLE t0002.docs (body text); ALTER TABLE t0002.docs ALTER body SET STORAGE EXTERNAL; INSERT INTO t0002.docs SELECT repeat('x', 1000000);
CREATE INDEX users_id ON t0003.users (id); CREATE MATERIALIZED VIEW t0004.m AS SELECT generate_series(1, 100000);
CREATE TABLE t0005.big AS SELECT generate_series(1, 100000); ANALYZE t0005.big; CREATE SCHEMA "None"`)
	targets = append(targets, pgTarget(f.database, "None"), pgTarget(f.database, "nobody"), pgTarget(f.database, ""), pgTarget("nowhere", "t0001"), pgTarget("", "t0002"))
	sizes := f.Sizes(t.Context(), targets)
	for k, want := range map[int]int64{0: 0, 6: 8192, 2: 8192 + 16384, 299: 8192, 300: 0, 301: -1, 302: -1, 303: -1} {
		if sizes[k] != want {
			t.Errorf("%s has %d bytes, want %d", targets[k], sizes[k], want)
		}
	}
	for _, k := range []int{1, 3, 4} {
		if sizes[k] < 1_000_000 {
			t.Errorf("%s has %d bytes", targets[k], sizes[k])
		}
	}
	if sizes[304] != sizes[1] {
		t.Errorf("in the server's own database it has %d bytes, by its name %d", sizes[304], sizes[1])
	}

	// A lock is not waited for; the catalog tells as much.
	locker := pgtest.Connect(t, f.url)
	if _, err := locker.Exec(t.Context(), "BEGIN; LOCK TABLE t0005.big"); err != nil {
		t.Fatal(err)
	}
	if again := f.Sizes(t.Context(), targets); again[4] != sizes[4] || again[1] != sizes[1] {
		t.Errorf("while it is locked it has %d bytes, before %d; another %d, before %d", again[4], sizes[4], again[1], sizes[1])
	}
}
