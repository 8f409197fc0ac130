package integration_test

import (
	"context"
	"encoding/binary"
	"errors"
	"fmt"
	"io"
	"net"
	"net/url"
	"os"
	"slices"
	"strings"
	"testing"
	"testing/fstest"
	"time"

	"github.com/skeindb/skein/engine"
	"github.com/skeindb/skein/engine/postgres"
	"github.com/skeindb/skein/engine/revision"
	"github.com/skeindb/skein/integration/pgtest"
)

func pgTarget(database, schema string) engine.Location {
	return engine.Location{Dialect: revision.Postgres, Server: "main", Database: database, Schema: schema}
}

func openPostgres(t *testing.T, s postgres.Server) *postgres.DB {
	t.Helper()
	s.Name = "main"
	db, err := postgres.New(postgres.Config{Servers: []postgres.Server{s}, Application: "skein/test"})
	if err != nil {
		t.Fatal(err)
	}
	t.Cleanup(func() { _ = db.Close() })
	return db
}

// pgFleet is a database with an engine over revisions.
type pgFleet struct {
	*engine.Engine
	db       *postgres.DB
	url      string
	database string
}

func newPgFleet(t *testing.T, s postgres.Server, revs ...string) *pgFleet {
	t.Helper()
	f := &pgFleet{}
	f.url, f.database = pgtest.Database(t, pgtest.Server(t))
	if s.URL == "" {
		s.URL = f.url
	}
	f.db = openPostgres(t, s)
	f.Engine = engine.New(f.db, pgChain(t, revs...), engine.Config{LockTimeout: 300 * time.Millisecond, ResolveTimeout: 10 * time.Second})
	return f
}

// chain makes revisions r1, r2, … of bodies; a body may begin with options in [brackets].
func pgChain(t *testing.T, bodies ...string) *revision.Graph {
	t.Helper()
	files := fstest.MapFS{}
	parent := "none"
	for i, body := range bodies {
		options := ""
		if strings.HasPrefix(body, "[") {
			options, body, _ = strings.Cut(body[1:], "]")
			options = ": " + options
		}
		id := fmt.Sprintf("r%d", i+1)
		files[id+"_x.sql"] = &fstest.MapFile{Data: []byte(fmt.Sprintf("-- revision: %s\n-- revises: %s\n\n-- upgrade%s\n%s\n\n-- downgrade\nSELECT 1;\n", id, parent, options, body))}
		parent = id
	}
	g, err := revision.Load(files, revision.Postgres)
	if err != nil {
		t.Fatal(err)
	}
	return g
}

func (f *pgFleet) with(t *testing.T, bodies ...string) *pgFleet {
	t.Helper()
	n := *f
	n.Engine = engine.New(f.db, pgChain(t, bodies...), engine.Config{LockTimeout: 300 * time.Millisecond, ResolveTimeout: 10 * time.Second})
	return &n
}

func (f *pgFleet) tenant(t *testing.T, schema string) engine.Location {
	t.Helper()
	pgtest.Exec(t, f.url, "CREATE SCHEMA "+pgtest.Quote(schema))
	return pgTarget(f.database, schema)
}

func (f *pgFleet) job(t *testing.T, target engine.Location) engine.Job {
	t.Helper()
	s := f.Survey(t.Context(), []engine.Location{target})[0]
	if s.Err != nil {
		t.Fatal(s.Err)
	}
	have := s.Applied.IDs()
	pending := slices.DeleteFunc(f.Graph().All(), func(r *revision.Revision) bool { return slices.Contains(have, r.ID) })
	return engine.Job{Location: target, Standing: s, Plan: engine.NewPlan(s.Applied, revision.Up, pending, f.Mode()), Attempt: 1, Rollout: "r"}
}

func (f *pgFleet) up(t *testing.T, target engine.Location) {
	t.Helper()
	if _, err := f.Apply(t.Context(), f.job(t, target)); err != nil {
		t.Fatal(err)
	}
}

func (f *pgFleet) fails(t *testing.T, target engine.Location, class engine.Class) *engine.Error {
	t.Helper()
	_, err := f.Apply(t.Context(), f.job(t, target))
	return wantPgClass(t, err, class)
}

func wantPgClass(t *testing.T, err error, class engine.Class) *engine.Error {
	t.Helper()
	var e *engine.Error
	if !errors.As(err, &e) || e.Class != class {
		t.Fatalf("error %v (%T), want class %s", err, err, class)
	}
	t.Logf("%v — %s", e, e.Advice)
	return e
}

func (f *pgFleet) scalar(t *testing.T, sql string) string {
	t.Helper()
	rows := pgtest.QueryRows(t, f.url, sql)
	return strings.Join(rows, "\n")
}

func TestPostgresSurveysAThousandSchemas(t *testing.T) {
	t.Parallel()
	f := newPgFleet(t, postgres.Server{MaxConnections: 3}, "CREATE TABLE users (id int)")
	names := pgtest.Schemas(t, f.url, "s", 1000)
	var targets []engine.Location
	var sql strings.Builder
	for i, n := range names {
		targets = append(targets, pgTarget(f.database, n))
		if i >= 100 {
			fmt.Fprintf(&sql, "CREATE TABLE %s.skein_version (revision text PRIMARY KEY, checksum text);", n)
			if i >= 200 {
				fmt.Fprintf(&sql, "INSERT INTO %s.skein_version VALUES ('r1', NULL);", n)
			}
			if i == 500 { // its own cohort
				fmt.Fprintf(&sql, "INSERT INTO %s.skein_version VALUES ('zz', 'x');", n)
			}
		}
	}
	pgtest.Exec(t, f.url, strings.ReplaceAll(sql.String(), ";CREATE", ";\nCREATE"))
	targets = append(targets, pgTarget(f.database, "nobody"), pgTarget("nowhere", "x"))

	pgtest.Exec(t, f.url, "DROP TABLE s0900.skein_version; CREATE TABLE s0900.skein_version (version_num text)")
	pgtest.Exec(t, f.url, "DROP TABLE s0950.skein_version; CREATE VIEW s0950.skein_version AS SELECT 'r1' AS revision, NULL AS checksum")
	locker := pgtest.Connect(t, f.url)
	if _, err := locker.Exec(t.Context(), "BEGIN; LOCK TABLE s0800.skein_version"); err != nil {
		t.Fatal(err)
	}
	start := time.Now()
	st := f.Survey(t.Context(), targets)
	t.Logf("1,000 schemas with a locked and a broken table in %v", time.Since(start))
	count := map[engine.State]int{}
	applied := map[*engine.Applied]int{}
	for i, s := range st {
		count[s.State]++
		applied[s.Applied]++
		if s.Err != nil {
			t.Logf("%s: %s: %v", targets[i], s.State, s.Err)
		}
	}
	want := map[engine.State]int{engine.Empty: 200, engine.Current: 1000 - 200 - 4, engine.Ahead: 1, engine.Unreachable: 1, engine.Unknown: 2, engine.Missing: 2}
	for state, n := range want {
		if count[state] != n {
			t.Errorf("%d are %s, want %d", count[state], state, n)
		}
	}
	if len(applied) != 4 { // nil, empty, r1, r1+zz
		t.Errorf("%d different sets", len(applied))
	}
	if st[799].State != engine.Unreachable || st[899].State != engine.Unknown || st[949].State != engine.Unknown || st[1000].State != engine.Missing || st[1001].State != engine.Missing {
		t.Errorf("states %v %v %v %v", st[799].State, st[899].State, st[1000].State, st[1001].State)
	}
}

func TestPostgresRefusesASchemaThatWasMadeAgain(t *testing.T) {
	t.Parallel()
	f := newPgFleet(t, postgres.Server{}, "CREATE TABLE users (id int)")
	target := f.tenant(t, "a")
	job := f.job(t, target)
	pgtest.Exec(t, f.url, "ALTER SCHEMA a RENAME TO old; CREATE SCHEMA a")
	_, err := f.Apply(t.Context(), job)
	wantPgClass(t, err, engine.Gone)
	if n := f.scalar(t, "SELECT count(*) FROM pg_tables WHERE schemaname IN ('a', 'old')"); n != "0" {
		t.Errorf("%s tables were made", n)
	}
}

func TestPostgresNoticesARenameInTheMiddle(t *testing.T) {
	t.Parallel()
	f := newPgFleet(t, postgres.Server{}, "CREATE TABLE users (id int)")
	target := f.tenant(t, "a")
	f.up(t, target)
	f = f.with(t, "CREATE TABLE users (id int)", "ALTER TABLE users ADD COLUMN b int; SELECT pg_sleep(1); CREATE TABLE more (id int)")
	job := f.job(t, target)
	time.AfterFunc(400*time.Millisecond, func() { pgtest.Exec(t, f.url, "ALTER SCHEMA a RENAME TO b") })
	_, err := f.Apply(t.Context(), job)
	wantPgClass(t, err, engine.Gone)
	if n := f.scalar(t, "SELECT string_agg(schemaname || '.' || tablename, ' ' ORDER BY 1) FROM pg_tables WHERE tablename IN ('users', 'more')"); n != "b.users" {
		t.Errorf("tables: %s", n)
	}
}

func TestPostgresSaysWhoHoldsTheLock(t *testing.T) {
	t.Parallel()
	f := newPgFleet(t, postgres.Server{}, "CREATE TABLE users (id int)")
	target := f.tenant(t, "a")
	f.up(t, target)
	f = f.with(t, "CREATE TABLE users (id int)", "ALTER TABLE users ADD COLUMN b int")
	blocker := pgtest.Connect(t, f.url+"&application_name=shop")
	if _, err := blocker.Exec(t.Context(), "BEGIN; SELECT * FROM a.users"); err != nil {
		t.Fatal(err)
	}
	e := f.fails(t, target, engine.Busy)
	if !strings.Contains(e.Advice, "shop") || e.Revision != "r2" {
		t.Errorf("advice %q, revision %q", e.Advice, e.Revision)
	}
}

func TestPostgresTenantLockIsTheDocumentedOne(t *testing.T) {
	t.Parallel()
	f := newPgFleet(t, postgres.Server{}, "CREATE TABLE users (id int)")
	target := f.tenant(t, "a")
	other := pgtest.Connect(t, f.url)
	if _, err := other.Exec(t.Context(), `SELECT pg_advisory_lock(('x' || left(encode(sha256('skein/tenant\000`+f.database+`\000a\000skein_version'), 'hex'), 16))::bit(64)::bigint)`); err != nil {
		t.Fatal(err)
	}
	e := f.fails(t, target, engine.Busy)
	if !strings.Contains(e.Advice, "pid") {
		t.Errorf("advice %q", e.Advice)
	}
}

func TestPostgresNamesTheMissingGrant(t *testing.T) {
	t.Parallel()
	f := newPgFleet(t, postgres.Server{}, "CREATE TABLE users (id int)")
	role := "app_" + strings.ReplaceAll(f.database, "-", "_")
	pgtest.Exec(t, f.url, "CREATE ROLE "+role+" LOGIN PASSWORD 'secret'")
	t.Cleanup(func() {
		pgtest.Exec(t, f.url, "REASSIGN OWNED BY "+role+" TO CURRENT_USER; DROP OWNED BY "+role+"; DROP ROLE "+role)
	})
	u, _ := url.Parse(f.url)
	u.User = url.UserPassword(role, "secret")
	db := openPostgres(t, postgres.Server{URL: u.String()})
	e := engine.New(db, f.Graph(), engine.Config{})
	none, usage := f.tenant(t, "none"), f.tenant(t, "usage only")
	pgtest.Exec(t, f.url, `GRANT USAGE ON SCHEMA "usage only" TO `+role)
	st := e.Survey(t.Context(), []engine.Location{none, usage})
	if st[0].State != engine.Unknown || st[1].State != engine.Empty {
		t.Fatalf("states %s %s", st[0].State, st[1].State)
	}
	wantPgClass(t, st[0].Err, engine.Revision)
	plan := engine.NewPlan(st[1].Applied, revision.Up, f.Graph().All(), engine.PerTenant)
	_, err := e.Apply(t.Context(), engine.Job{Location: usage, Standing: st[1], Plan: plan, Attempt: 1})
	if g := wantPgClass(t, err, engine.Revision); !strings.Contains(g.Advice, `GRANT USAGE, CREATE ON SCHEMA "usage only"`) {
		t.Errorf("advice %q", g.Advice)
	}
	// as surveyed before the privilege went
	st[0].Err, st[0].State, st[0].Applied = nil, engine.Empty, &engine.Applied{}
	_, err = e.Apply(t.Context(), engine.Job{Location: none, Standing: st[0], Plan: plan, Attempt: 1})
	wantPgClass(t, err, engine.Revision)
}

func TestPostgresFindsTheLineOfASyntaxError(t *testing.T) {
	t.Parallel()
	f := newPgFleet(t, postgres.Server{}, "CREATE TABLE ä (id int); -- ünïcödé", "SELECT 'ö'; -- no end of the comment", "SELECT 1;\n\nCREATE TABLE b (\n  id int,\n  name txet\n);\nCREATE TABLE c (\n  id int,,\n  x int);")
	e := f.fails(t, f.tenant(t, "a"), engine.Revision)
	if e.Revision != "r3" || e.File != "r3_x.sql" || e.Line != 11 || !strings.Contains(e.Message, "line 12") || e.SQLState != "42601" {
		t.Errorf("got %+v\nwant Revision r3, File r3_x.sql, Line 11, Message with %q, SQLState 42601", e, "line 12")
	}
	f = f.with(t, "CREATE TABLE ä (id int); -- ünïcödé", "SELECT 'ö'; -- no end of the comment", "SELECT 1;\n\nCREATE TABLE b (\n  id int,\n  name txet\n);")
	e = f.fails(t, pgTarget(f.database, "a"), engine.Revision)
	if e.Revision != "r3" || e.Line != 7 || !strings.Contains(e.Message, "line 9") || e.SQLState != "42704" {
		t.Errorf("got %+v\nwant Revision r3, Line 7, Message with %q, SQLState 42704", e, "line 9")
	}
}

func TestPostgresResolvesALostCommit(t *testing.T) {
	t.Parallel()
	server := pgtest.Server(t)
	f := newPgFleet(t, postgres.Server{}, "CREATE TABLE users (id int)", "SELECT pg_sleep(0.5)")
	proxy := pgtest.Proxy(t, server)
	db := openPostgres(t, postgres.Server{URL: proxy.Through(f.url)})
	e := engine.New(db, f.Graph(), engine.Config{ResolveTimeout: 10 * time.Second})
	target := f.tenant(t, "a")
	job := f.job(t, target)
	_ = db.Probe(t.Context(), "main", f.database)
	time.AfterFunc(200*time.Millisecond, func() { proxy.LoseAnswers() })
	time.AfterFunc(900*time.Millisecond, func() { proxy.Heal() })
	r, err := e.Apply(t.Context(), job)
	if err != nil || !r.Resolved || !slices.Equal(r.Done, []string{"r1", "r2"}) {
		t.Errorf("%+v %v", r, err)
	}
}

func TestPostgresResolvesTheCommitOfAKilledBackend(t *testing.T) {
	t.Parallel()
	f := newPgFleet(t, postgres.Server{}, "CREATE TABLE users (id int)", "SELECT pg_sleep(1.5)")
	target := f.tenant(t, "a")
	job := f.job(t, target)
	time.AfterFunc(400*time.Millisecond, func() {
		pgtest.Exec(t, f.url, "SELECT pg_terminate_backend(pid) FROM pg_stat_activity WHERE application_name = 'skein/test' AND state = 'active' AND datname = current_database()")
	})
	r, err := f.Apply(t.Context(), job)
	if e := wantPgClass(t, err, engine.Connection); len(r.Done) > 0 || e.SQLState != "57P01" {
		t.Errorf("%+v %v", r, err)
	}
	if err := f.db.Probe(t.Context(), "main", f.database); err != nil {
		t.Error(err)
	}
	f.up(t, target)
}

func TestPostgresResumesAnIndexThatWasCutOff(t *testing.T) {
	t.Parallel()
	f := newPgFleet(t, postgres.Server{}, "CREATE TABLE users (id int, name text)")
	target := f.tenant(t, `Weird"Name-é`)
	f.up(t, target)
	f = f.with(t, "CREATE TABLE users (id int, name text)",
		"[no-transaction]\nINSERT INTO users VALUES (1, 'x');\nCREATE INDEX CONCURRENTLY \"By name\" ON users (name);\nVACUUM users;\nDROP INDEX CONCURRENTLY IF EXISTS nothing;\nALTER TABLE users ADD COLUMN z int",
		"ALTER TABLE users ADD COLUMN after int")
	snapshot := pgtest.Connect(t, f.url) // stands in the way of the index's last phase
	if _, err := snapshot.Exec(t.Context(), "BEGIN ISOLATION LEVEL REPEATABLE READ; SELECT count(*) FROM pg_class"); err != nil {
		t.Fatal(err)
	}
	ctx, cancel := context.WithTimeout(t.Context(), 700*time.Millisecond)
	defer cancel()
	_, err := f.Apply(ctx, f.job(t, target))
	e := wantPgClass(t, err, engine.Canceled)
	if !strings.Contains(e.Message, "was dropped") && !strings.Contains(e.Message, "could not be dropped") {
		t.Errorf("message %q", e.Message)
	}
	// killed, this time
	job := f.job(t, target)
	time.AfterFunc(500*time.Millisecond, func() {
		pgtest.Exec(t, f.url, "SELECT pg_terminate_backend(pid) FROM pg_stat_activity WHERE query LIKE 'CREATE INDEX CONC%' AND datname = current_database()")
	})
	time.AfterFunc(1500*time.Millisecond, func() { _, _ = snapshot.Exec(context.Background(), "ROLLBACK") })
	r, err := f.Apply(t.Context(), job)
	if err != nil {
		wantPgClass(t, err, engine.Connection)
		if valid := f.scalar(t, `SELECT indisvalid FROM pg_index i JOIN pg_class c ON c.oid = i.indexrelid WHERE c.relname = 'By name'`); valid != "f" {
			t.Logf("the index is %q", valid)
		}
		time.Sleep(1200 * time.Millisecond)
		r, err = f.Apply(t.Context(), f.job(t, target))
	}
	if err != nil {
		t.Fatal(err)
	}
	t.Logf("%+v", r)
	if got := f.scalar(t, `SELECT indisvalid FROM pg_index i JOIN pg_class c ON c.oid = i.indexrelid WHERE c.relname = 'By name'`); got != "t" {
		t.Errorf("valid: %q", got)
	}
	if got := f.scalar(t, `SELECT count(*) FROM "Weird""Name-é".users`); got != "1" {
		t.Errorf("%s rows: the first statement ran more than once", got)
	}
	if got := f.scalar(t, `SELECT string_agg(tablename, ' ' ORDER BY 1) FROM pg_tables WHERE schemaname LIKE 'Weird%'`); got != "skein_version users" {
		t.Errorf("tables: %s", got)
	}
}

func TestPostgresAdvisesOnACutOffCall(t *testing.T) {
	t.Parallel()
	f := newPgFleet(t, postgres.Server{}, "CREATE TABLE users (id int)", "[no-transaction]\nDO $$ BEGIN INSERT INTO users VALUES (1); COMMIT; PERFORM pg_sleep(2); END $$")
	target := f.tenant(t, "a")
	job := f.job(t, target)
	time.AfterFunc(700*time.Millisecond, func() {
		pgtest.Exec(t, f.url, "SELECT pg_terminate_backend(pid) FROM pg_stat_activity WHERE query LIKE 'DO $$ BEGIN INSERT%' AND datname = current_database()")
	})
	_, err := f.Apply(t.Context(), job)
	e := wantPgClass(t, err, engine.Revision)
	_, advice, _ := strings.Cut(e.Advice, "if it did: ")
	advice, _, _ = strings.Cut(advice, ";")
	pgtest.Exec(t, f.url, advice)
	f.up(t, target)
}

func TestPostgresGuardsWhatTenantsShare(t *testing.T) {
	t.Parallel()
	f := newPgFleet(t, postgres.Server{SearchPath: []string{"public"}}, "CREATE TABLE mine (id int)")
	pgtest.Exec(t, f.url, "CREATE TABLE public.plans (id serial PRIMARY KEY, n int); CREATE TYPE public.status AS ENUM ('a'); CREATE FUNCTION public.f() RETURNS int LANGUAGE sql AS 'SELECT 1'; CREATE INDEX plans_n ON public.plans (n); CREATE TABLE public.gone (id int); INSERT INTO public.plans (n) VALUES (1)")
	target := f.tenant(t, "a")
	f.up(t, target)
	const first = "CREATE TABLE mine (id int)"
	for name, bad := range map[string]string{
		"alter":    "ALTER TABLE plans ADD COLUMN oops int",
		"dml":      "UPDATE plans SET n = 2",
		"drop":     "DROP TABLE IF EXISTS gone",
		"index":    "DROP INDEX plans_n",
		"enum":     "ALTER TYPE status ADD VALUE 'b'",
		"function": "ALTER FUNCTION f() STABLE",
		"droptype": "DROP TYPE status",
		"read":     "CREATE TABLE copy AS SELECT * FROM plans",
		"default":  "CREATE TABLE copy (id int DEFAULT nextval('plans_id_seq'))",
		"type":     "CREATE TABLE copy (s status)",
		"dynamic":  "DO $$ BEGIN EXECUTE 'ALTER TABLE pl' || 'ans ADD COLUMN oops int'; END $$",
	} {
		t.Run(name, func(t *testing.T) {
			e := f.with(t, first, "ALTER TABLE mine ADD COLUMN ok int", bad, "SELECT 1").fails(t, target, engine.Guard)
			if e.Revision != "r3" {
				t.Errorf("revision %q, want r3: %v", e.Revision, e)
			}
		})
	}
	f.with(t, first, "UPDATE public.plans SET n = 3; INSERT INTO public.plans (n) VALUES (7)",
		"-- skein:touches public.pl*, public.status\nALTER TABLE plans ADD COLUMN fine int; INSERT INTO plans (n) VALUES (8); ALTER TYPE status ADD VALUE 'okay'",
		"CREATE TABLE plan (id int REFERENCES public.plans)", "SELECT * FROM public.plans", "DO $$ BEGIN PERFORM 1; END $$").up(t, f.tenant(t, "other"))
}

func TestPostgresHasNoGuardWhereNothingCanBeHit(t *testing.T) {
	t.Parallel()
	f := newPgFleet(t, postgres.Server{AutoSearchPath: true}, "CREATE TABLE plans (id int)", "UPDATE plans SET id = 1")
	pgtest.Exec(t, f.url, "CREATE TABLE public.plans (id int)")
	f.up(t, f.tenant(t, "a")) // public holds no extension and is not in the path
}

func TestPostgresTakesAnyName(t *testing.T) {
	t.Parallel()
	long := strings.Repeat("é", 31) + "x" // 63 bytes
	f := newPgFleet(t, postgres.Server{}, "CREATE TABLE users (id int);\nCREATE FUNCTION f() RETURNS text LANGUAGE sql AS $a$ SELECT '; -- $b$' $a$; -- the end", "ALTER TABLE users ADD COLUMN \"$user\" int")
	for _, name := range []string{`Weird"Name-é`, long, "a b", "select", `back\slash`, "quo'te", "%_*?", "Ünïcode", "123", "-- x", "a;b"} {
		target := f.tenant(t, name)
		f.up(t, target)
		if st := f.Survey(t.Context(), []engine.Location{target})[0]; st.State != engine.Current {
			t.Errorf("%q is %s: %v", name, st.State, st.Err)
		}
	}
	if n := f.scalar(t, "SELECT count(*) FROM pg_tables WHERE tablename = 'users' AND schemaname NOT IN ('public')"); n != "11" {
		t.Errorf("%s tables", n)
	}
}

func TestPostgresListsDatabasesAndSchemas(t *testing.T) {
	t.Parallel()
	f := newPgFleet(t, postgres.Server{}, "SELECT 1")
	pgtest.Exec(t, f.url, `CREATE SCHEMA tenant_a; CREATE SCHEMA "tenantXb"; CREATE SCHEMA "Tenant_c"; CREATE SCHEMA tenant_template; CREATE SCHEMA "a%b"; CREATE SCHEMA skein`)
	for _, c := range []struct {
		f    engine.NameFilter
		want string
	}{
		{engine.NameFilter{All: true}, "Tenant_c a%b tenantXb tenant_a tenant_template"},
		{engine.NameFilter{Include: []string{"tenant_*"}, Exclude: []string{"tenant_templat?"}}, "tenant_a"},
		{engine.NameFilter{Include: []string{"public", "a%*"}}, "a%b public"},
		{engine.NameFilter{Include: []string{"*"}, Exclude: []string{"*_*"}}, "a%b public tenantXb"},
	} {
		got, err := f.db.Schemas(t.Context(), "main", f.database, c.f)
		if err != nil || strings.Join(got, " ") != c.want {
			t.Errorf("%+v: %q %v, want %q", c.f, got, err, c.want)
		}
	}
	if got, _, err := f.db.Databases(t.Context(), "main", engine.NameFilter{}); err != nil || !slices.Equal(got, []string{f.database}) {
		t.Errorf("%v %v", got, err)
	}
	if got, _, err := f.db.Databases(t.Context(), "main", engine.NameFilter{All: true, Exclude: []string{"template*"}}); err != nil || !slices.Contains(got, f.database) || slices.Contains(got, "template1") {
		t.Errorf("%v %v", got, err)
	}
	if got, err := f.db.DefaultSchema(t.Context(), "main", f.database); err != nil || got != "public" {
		t.Errorf("%v %v", got, err)
	}
	columns, rows, err := f.db.Query(t.Context(), "main", f.database, "SELECT 1 AS a, NULL AS b, 'x' AS c")
	if err != nil || !slices.Equal(columns, []string{"a", "b", "c"}) || *rows[0][0] != "1" || rows[0][1] != nil {
		t.Errorf("%v %v %v", columns, rows, err)
	}
	for _, bad := range []string{"CREATE TABLE public.x (id int)", "COMMIT; CREATE TABLE public.x (id int)", "SELECT 1; SELECT 2"} {
		if _, _, err := f.db.Query(t.Context(), "main", f.database, bad); err == nil {
			t.Errorf("%q ran", bad)
		}
	}
	h, err := f.db.Health(t.Context(), "main")
	if err != nil || h.MaxConnections == 0 || h.Encoding != "UTF8" || h.Pooled || h.Free == 0 {
		t.Errorf("%+v %v", h, err)
	}
}

func TestPostgresFindsAndEndsBackendsOfADeadRun(t *testing.T) {
	t.Parallel()
	f := newPgFleet(t, postgres.Server{}, "SELECT 1")
	app := "skein/dead-" + f.database
	dead := pgtest.Connect(t, f.url+"&application_name="+app)
	if _, err := dead.Exec(t.Context(), "BEGIN"); err != nil {
		t.Fatal(err)
	}
	b, err := f.db.Backends(t.Context(), "main", app)
	if err != nil || len(b) != 1 || b[0].PID != dead.PgConn().PID() {
		t.Fatalf("%+v %v", b, err)
	}
	if err := f.db.Terminate(t.Context(), "main", b[0].PID); err != nil {
		t.Fatal(err)
	}
	for range 50 {
		if b, _ = f.db.Backends(t.Context(), "main", app); len(b) == 0 {
			return
		}
		time.Sleep(20 * time.Millisecond)
	}
	t.Error("it is still there")
}

func TestPostgresErrorsHoldNoPassword(t *testing.T) {
	t.Parallel()
	const secret = "s3cr3t-pass"
	for _, u := range []string{
		"postgres://u:" + secret + "@127.0.0.1:1/db", "postgres://u@127.0.0.1:1/db?password=" + secret,
		"host=127.0.0.1 port=1 user=u password=" + secret, "postgres://u:" + secret + "/x@127.0.0.1/db", "postgres://u:" + secret + "@[::1/db",
		"password=" + secret + " nonsense",
	} {
		db, err := postgres.New(postgres.Config{Servers: []postgres.Server{{Name: "main", URL: u}}})
		if err == nil {
			err = db.Probe(t.Context(), "main", "db")
		}
		if err == nil || strings.Contains(fmt.Sprintf("%+v %#v", err, err), secret) {
			t.Errorf("%s: %+v", u, err)
		}
		for e := err; e != nil; e = errors.Unwrap(e) {
			if strings.Contains(fmt.Sprintf("%+v", e), secret) {
				t.Errorf("inside: %+v", e)
			}
		}
	}
	db, _ := postgres.New(postgres.Config{Servers: []postgres.Server{{Name: "main", URL: os.Getenv("NOTHING"), Password: func(context.Context) (string, error) { return secret, nil }}}})
	if err := db.Probe(t.Context(), "main", "no such"); err != nil && strings.Contains(err.Error(), secret) {
		t.Error(err)
	}
}

// TestPostgresBehindAPooler has a proxy that hands out another process id than the backend's, as poolers do.
func TestPostgresBehindAPooler(t *testing.T) {
	t.Parallel()
	f := newPgFleet(t, postgres.Server{}, "CREATE TABLE users (id int)")
	pooled := pooler(t, f.url)
	outside := []string{"CREATE TABLE users (id int)", "ALTER TABLE users ADD COLUMN b int", "[no-transaction]\nCREATE INDEX CONCURRENTLY users_b ON users (b)"}
	target := f.tenant(t, "a")

	f.db = openPostgres(t, postgres.Server{URL: pooled})
	f = f.with(t, outside...)
	r, err := f.Apply(t.Context(), f.job(t, target))
	wantPgClass(t, err, engine.Server)
	if !slices.Equal(r.Done, []string{"r1", "r2"}) || !f.db.Pooled("main") {
		t.Errorf("%+v", r)
	}
	if h, err := f.db.Health(t.Context(), "main"); err != nil || !h.Pooled || h.ClientCheck {
		t.Errorf("%+v %v", h, err)
	}
	for _, setting := range []string{"lock_timeout", "statement_timeout", "search_path", "row_security", "client_connection_check_interval"} {
		if _, rows, err := f.db.Query(t.Context(), "main", f.database, "SELECT source FROM pg_settings WHERE name = '"+setting+"' AND source = 'session'"); err != nil || len(rows) > 0 && setting != "statement_timeout" { // Query has set that one for itself
			t.Errorf("%s stays in the session: %v", setting, err)
		}
	}

	f.db = openPostgres(t, postgres.Server{URL: pooled, DirectURL: f.url})
	f = f.with(t, outside...)
	f.up(t, target)
}

func pooler(t *testing.T, rawURL string) string {
	t.Helper()
	u, err := url.Parse(rawURL)
	if err != nil {
		t.Fatal(err)
	}
	upstream := u.Host
	listener, err := net.Listen("tcp", "127.0.0.1:0")
	if err != nil {
		t.Fatal(err)
	}
	t.Cleanup(func() { _ = listener.Close() })
	go func() {
		for {
			client, err := listener.Accept()
			if err != nil {
				return
			}
			go pool(client, upstream)
		}
	}()
	u.Host = listener.Addr().String()
	q := u.Query()
	q.Set("sslmode", "disable")
	u.RawQuery = q.Encode()
	return u.String()
}

// pool passes everything on but BackendKeyData, whose process id it changes.
func pool(client net.Conn, upstream string) {
	defer client.Close()
	server, err := net.Dial("tcp", upstream)
	if err != nil {
		return
	}
	defer server.Close()
	go func() {
		_, _ = io.Copy(server, client)
		_ = server.Close()
	}()
	for head := make([]byte, 5); head[0] != 'Z'; { // until the first ReadyForQuery
		if _, err := io.ReadFull(server, head); err != nil {
			return
		}
		body := make([]byte, binary.BigEndian.Uint32(head[1:])-4)
		if _, err := io.ReadFull(server, body); err != nil {
			return
		}
		if head[0] == 'K' {
			body[0] ^= 0x40
		}
		if _, err := client.Write(slices.Concat(head, body)); err != nil {
			return
		}
	}
	_, _ = io.Copy(client, server)
}
