package integration_test

import (
	"context"
	"errors"
	"fmt"
	"slices"
	"strings"
	"testing"
	"time"

	"github.com/google/go-cmp/cmp"

	"github.com/skeindb/skein/engine"
	"github.com/skeindb/skein/engine/postgres"
	"github.com/skeindb/skein/engine/revision"
	"github.com/skeindb/skein/integration/pgtest"
)

// rehearse demands that the tenant has the same in it before and afterwards.
func (f *pgFleet) rehearse(t *testing.T, target engine.Location) (engine.Rehearsal, error) {
	t.Helper()
	job := f.job(t, target)
	before := dumpWithRows(t, f.url, target.Schema)
	r, err := f.Rehearse(t.Context(), job)
	if diff := cmp.Diff(before, dumpWithRows(t, f.url, target.Schema)); diff != "" {
		t.Errorf("the rehearsal changed the tenant (-before +after):\n%s", diff)
	}
	t.Logf("%+v", r)
	return r, err
}

func (f *pgFleet) tried(t *testing.T, target engine.Location, steps ...string) engine.Rehearsal {
	t.Helper()
	r, err := f.rehearse(t, target)
	if err != nil {
		t.Fatal(err)
	}
	if !slices.Equal(r.Steps, steps) {
		t.Errorf("the steps are %v, want %v", r.Steps, steps)
	}
	return r
}

// lockNames writes out locks as "orders AccessExclusiveLock".
func lockNames(r engine.Rehearsal) []string {
	var all []string
	for _, l := range r.Locks {
		all = append(all, l.Object+" "+l.Mode)
	}
	slices.Sort(all)
	return all
}

func TestPostgresRehearsalNamesItsLocks(t *testing.T) {
	t.Parallel()
	const base = `CREATE TABLE users (id serial PRIMARY KEY, name text);
CREATE TABLE orders (id int PRIMARY KEY, "user" int REFERENCES users, note text);
CREATE TABLE old (id int PRIMARY KEY, note text);
CREATE INDEX users_name ON users (name);
CREATE VIEW names AS SELECT name FROM users`
	f := newPgFleet(t, postgres.Server{SearchPath: []string{"public"}}, base)
	target := f.tenant(t, `Weird"Name-é`)
	pgtest.Exec(t, f.url, "CREATE TABLE public.plans (id int PRIMARY KEY)")
	f.up(t, target)
	for body, want := range map[string][]string{
		"ALTER TABLE users ADD COLUMN b int":             {"users AccessExclusiveLock"},
		"SELECT * FROM users":                            {"users AccessShareLock"},
		"INSERT INTO users (name) VALUES ('x')":          {"users RowExclusiveLock", "users_id_seq RowExclusiveLock"},
		"CREATE INDEX orders_note ON orders (note)":      {"orders ShareLock"},
		"REINDEX INDEX users_name":                       {"users ShareLock", "users_name AccessExclusiveLock"},
		"DROP TABLE old":                                 {"old AccessExclusiveLock"},
		"DROP VIEW names":                                {"names AccessExclusiveLock"},
		"ALTER TABLE users RENAME TO people":             {"users AccessExclusiveLock"},
		"CREATE TABLE a (p int REFERENCES public.plans)": {"public.plans ShareRowExclusiveLock"},
		"CREATE TABLE b (id int PRIMARY KEY); INSERT INTO b SELECT 1; CREATE TEMP TABLE c (id int)":                                      nil,
		"UPDATE orders SET note = ''; ALTER TABLE orders ADD x int; SELECT * FROM orders":                                                {"orders AccessExclusiveLock", "orders RowExclusiveLock"},
		"DO $$ BEGIN BEGIN LOCK TABLE old; RAISE 'no'; EXCEPTION WHEN raise_exception THEN NULL; END; LOCK orders IN SHARE MODE; END $$": {"orders ShareLock"},
	} {
		r := f.with(t, base, body).tried(t, target, "r2")
		if diff := cmp.Diff(want, lockNames(r)); diff != "" {
			t.Errorf("%s: locks (-want +got):\n%s", body, diff)
		}
	}
}

func TestPostgresRehearsalMeasuresHowLongItHeldLocks(t *testing.T) {
	t.Parallel()
	const base = "CREATE TABLE users (id int); CREATE TABLE orders (id int)"
	f := newPgFleet(t, postgres.Server{}, base)
	target := f.tenant(t, "a")
	f.up(t, target)
	r := f.with(t, base, "SELECT pg_sleep(0.3)", "[own-transaction]\nALTER TABLE users ADD b int; SELECT pg_sleep(0.3)", "[own-transaction]\nALTER TABLE orders ADD b int; SELECT pg_sleep(0.3)").
		tried(t, target, "r2", "r3", "r4")
	if len(r.Locks) != 2 || r.Locks[0].Object != "users" || r.Locks[1].Object != "orders" {
		t.Fatalf("locks %+v", r.Locks)
	}
	users, orders := r.Locks[0].For, r.Locks[1].For // by the server's clock
	if users < 600*time.Millisecond || orders < 300*time.Millisecond || users < orders+300*time.Millisecond || r.Duration < users+300*time.Millisecond {
		t.Errorf("users for %s, orders for %s, of %s", users, orders, r.Duration)
	}
}

func TestPostgresRehearsalLeavesOutWhatNeedsACommit(t *testing.T) {
	t.Parallel()
	const base = "CREATE TYPE status AS ENUM ('a'); CREATE TABLE users (id int, s status)"
	f := newPgFleet(t, postgres.Server{}, base)
	target := f.tenant(t, "a")
	f.up(t, target)
	const add, use = "[own-transaction]\nALTER TYPE status ADD VALUE 'b'", "[own-transaction]\nSELECT 1;\nINSERT INTO users (s) VALUES ('b')"
	r := f.with(t, base, add, use, "CREATE TABLE more (id int)", "[no-transaction]\nVACUUM users").tried(t, target, "r2")
	if !slices.Equal(r.Untried, []string{"r3", "r4", "r5"}) || !strings.Contains(r.Why, "r3 (r3_x.sql:7)") {
		t.Errorf("untried are %v because of %q", r.Untried, r.Why)
	}

	// So it is without the option, and in one revision it is an error, as it is for an upgrade.
	r = f.with(t, base, strings.TrimPrefix(add, "[own-transaction]"), strings.TrimPrefix(use, "[own-transaction]")).tried(t, target, "r2")
	if !slices.Equal(r.Untried, []string{"r3"}) {
		t.Errorf("untried are %v", r.Untried)
	}
	_, err := f.with(t, base, "[own-transaction]\nCREATE TABLE x (id int)", "[own-transaction]\nALTER TYPE status ADD VALUE 'c'; INSERT INTO users (s) VALUES ('c')").rehearse(t, target)
	wantPgClass(t, err, engine.Revision)

	// Temporary tables and cursors are gone before the next part begins, as after a commit.
	const temp = "[own-transaction]\nCREATE TEMP TABLE ids ON COMMIT DROP AS SELECT id FROM users"
	chain := []string{base, temp, temp, "[own-transaction]\nDECLARE c CURSOR FOR SELECT * FROM users; FETCH c", "[own-transaction]\nALTER TABLE users ADD x int"}
	if r := f.with(t, chain...).tried(t, target, "r2", "r3", "r4", "r5"); len(r.Untried) > 0 {
		t.Errorf("untried are %v", r.Untried)
	}
	f.with(t, chain...).up(t, target)
}

// Deferred constraints are what a commit looks at, and no rollback does.
func TestPostgresRehearsalChecksWhatACommitChecks(t *testing.T) {
	t.Parallel()
	const base = "CREATE TABLE users (id int PRIMARY KEY); INSERT INTO users VALUES (1); CREATE TABLE orders (u int CONSTRAINT \"By user\" REFERENCES users DEFERRABLE INITIALLY DEFERRED)"
	f := newPgFleet(t, postgres.Server{}, base)
	target := f.tenant(t, "A b")
	f.up(t, target)
	const own = "[own-transaction]\n"
	_, err := f.with(t, base, own+"INSERT INTO orders VALUES (2)").rehearse(t, target)
	if e := wantPgClass(t, err, engine.Data); e.Revision != "r2" || e.SQLState != "23503" {
		t.Errorf("got %+v\nwant Revision r2, SQLState 23503", e)
	}
	_, err = f.with(t, base, own+"INSERT INTO orders VALUES (1)", own+"INSERT INTO orders VALUES (3)", own+"INSERT INTO users VALUES (3)").rehearse(t, target)
	if e := wantPgClass(t, err, engine.Data); e.Revision != "r3" {
		t.Errorf("%+v", e)
	}
	// A border empties the queue of triggers, as a commit does, and what is deferred is so again behind it.
	good := []string{base, own + "INSERT INTO orders VALUES (1)", own + "ALTER TABLE orders ADD x int; INSERT INTO orders VALUES (4); INSERT INTO users VALUES (4)", own + "ALTER TABLE orders ADD y int"}
	f.with(t, good...).tried(t, target, "r2", "r3", "r4")
	f.with(t, good...).up(t, target)
}

func TestPostgresRehearsalRepeatsSettingsForEachPart(t *testing.T) {
	t.Parallel()
	const own = "[own-transaction]\n"
	chain := []string{
		own + "DO $$ BEGIN PERFORM set_config('search_path', 'public', true); END $$; SET LOCAL work_mem = '123MB'; SET LOCAL ROLE pg_read_all_data; CREATE TEMP TABLE x ()",
		own + "CREATE TABLE users (id int); DO $$ BEGIN ASSERT current_setting('work_mem') <> '123MB'; ASSERT current_user = session_user; END $$",
		own + "ALTER TABLE users ADD b int",
	}
	f := newPgFleet(t, postgres.Server{}, chain[1:]...)
	chain[0] = own + "DO $$ BEGIN PERFORM set_config('search_path', 'public', true); END $$; SET LOCAL work_mem = '123MB'; SET LOCAL ROLE pg_read_all_data; SELECT 1"
	target := f.tenant(t, "a")
	f.with(t, chain...).tried(t, target, "r1", "r2", "r3")
	f.with(t, chain...).up(t, target)
}

func TestPostgresRehearsalFindsWhatUpgradeFinds(t *testing.T) {
	t.Parallel()
	f := newPgFleet(t, postgres.Server{SearchPath: []string{"public"}}, "CREATE TABLE mine (id int)")
	pgtest.Exec(t, f.url, "CREATE TABLE public.plans (n int)")
	target := f.tenant(t, "a")
	f.up(t, target)
	const base, own = "CREATE TABLE mine (id int)", "[own-transaction]\n"

	// a syntax error in a later part, and one that has a line of its own
	_, err := f.with(t, base, own+"SELECT 1", own+"SELECT 1;\n\nCREATE TABLE c (\n  id int,,\n  x int)").rehearse(t, target)
	if e := wantPgClass(t, err, engine.Revision); e.Revision != "r3" || e.Line != 8 || !strings.Contains(e.Message, "line 9") {
		t.Errorf("got %+v\nwant Revision r3, Line 8, Message with %q", e, "line 9")
	}
	// what tenants share: found at the step, in one transaction as in several; what is declared is allowed behind it
	_, err = f.with(t, base, "ALTER TABLE mine ADD x int", "UPDATE plans SET n = 1", "SELECT 1").rehearse(t, target)
	if e := wantPgClass(t, err, engine.Guard); e.Revision != "r3" || !strings.Contains(e.Message, "public.plans") {
		t.Errorf("got %+v\nwant Revision r3, Message with %q", e, "public.plans")
	}
	f.with(t, base, own+"-- skein:touches public.plans\nUPDATE plans SET n = 1", own+"ALTER TABLE mine ADD x int; SELECT * FROM public.plans").tried(t, target, "r2", "r3")
	_, err = f.with(t, base, own+"SELECT 1", own+"UPDATE plans SET n = 1").rehearse(t, target)
	if e := wantPgClass(t, err, engine.Guard); e.Revision != "r3" {
		t.Errorf("%+v", e)
	}

	// a lock that is not free, and who has it
	blocker := pgtest.Connect(t, f.url+"&application_name=shop")
	if _, err := blocker.Exec(t.Context(), "BEGIN; SELECT * FROM a.mine"); err != nil {
		t.Fatal(err)
	}
	job := f.with(t, base, "ALTER TABLE mine ADD x int").job(t, target)
	_, err = f.Rehearse(t.Context(), job)
	if e := wantPgClass(t, err, engine.Busy); !strings.Contains(e.Advice, "shop") || e.Revision != "r2" {
		t.Errorf("got %+v\nwant Advice with %q, Revision r2", e, "shop")
	}
	if _, err := blocker.Exec(t.Context(), "ROLLBACK"); err != nil {
		t.Fatal(err)
	}

	// a schema that was made again
	job = f.job(t, f.tenant(t, "b"))
	pgtest.Exec(t, f.url, "ALTER SCHEMA b RENAME TO old; CREATE SCHEMA b")
	_, err = f.Rehearse(t.Context(), job)
	wantPgClass(t, err, engine.Gone)
}

func TestPostgresRehearsalThatLosesItsConnectionLeavesNothing(t *testing.T) {
	t.Parallel()
	f := newPgFleet(t, postgres.Server{}, "CREATE TABLE users (id int)", "SELECT pg_sleep(60)")
	target := f.tenant(t, "a")
	const asleep = "FROM pg_stat_activity WHERE state = 'active' AND wait_event = 'PgSleep' AND datname = current_database()"

	wait := onceRowExists(t, f.url, asleep, func() { pgtest.Exec(t, f.url, "SELECT pg_terminate_backend(pid) "+asleep) })
	_, err := f.rehearse(t, target)
	wantPgClass(t, err, engine.Connection)
	wait()

	proxy := pgtest.Proxy(t, pgtest.Server(t))
	e := engine.New(openPostgres(t, postgres.Server{URL: proxy.Through(f.url)}), f.Graph(), engine.Config{})
	wait = onceRowExists(t, f.url, asleep, proxy.Disable)
	_, err = e.Rehearse(t.Context(), f.job(t, target))
	wantPgClass(t, err, engine.Connection)
	wait()
	pgtest.Exec(t, f.url, "SELECT pg_terminate_backend(pid) "+asleep)
	if n := f.scalar(t, "SELECT count(*) FROM pg_tables WHERE schemaname = 'a'"); n != "0" {
		t.Errorf("%s tables are left", n)
	}
}

// onceRowExists calls do as soon as there is a row; wait waits for that.
func onceRowExists(t *testing.T, url, from string, do func()) (wait func()) {
	t.Helper()
	conn := pgtest.Connect(t, url)
	done := make(chan struct{})
	go func() {
		defer close(done)
		for n := 0; n == 0; {
			if err := conn.QueryRow(t.Context(), "SELECT count(*) "+from).Scan(&n); err != nil {
				t.Error(err)
				return
			}
		}
		do()
	}()
	return func() { <-done }
}

// The connection is used for the upgrade of another tenant, which wants the session's own settings.
func TestPostgresRehearsalAndUpgradeShareConnections(t *testing.T) {
	t.Parallel()
	f := newPgFleet(t, postgres.Server{MaxConnections: 1}, "CREATE TABLE users (id int)", "[own-transaction]\nALTER TABLE users ADD b int")
	a, b := f.tenant(t, "a"), f.tenant(t, "b")
	for _, target := range []engine.Location{a, b} {
		f.tried(t, target, "r1", "r2")
		f.up(t, target)
	}
	f = f.with(t, "CREATE TABLE users (id int)", "[own-transaction]\nALTER TABLE users ADD b int", "DROP TABLE users")
	for _, target := range []engine.Location{a, b} {
		f.tried(t, target, "r3")
		f.up(t, target)
	}
}

func TestPostgresRehearsalGoesThroughAPooler(t *testing.T) {
	t.Parallel()
	f := newPgFleet(t, postgres.Server{}, "CREATE TABLE users (id int)", "[own-transaction]\nALTER TABLE users ADD b int")
	target := f.tenant(t, "a")
	f.db = openPostgres(t, postgres.Server{URL: pooler(t, f.url)})
	f = f.with(t, "CREATE TABLE users (id int)", "[own-transaction]\nALTER TABLE users ADD b int")
	f.tried(t, target, "r1", "r2")
	if _, rows, err := f.db.Query(t.Context(), "main", f.database, "SELECT name FROM pg_settings WHERE source = 'session' AND name IN ('lock_timeout', 'search_path', 'row_security', 'client_connection_check_interval')"); err != nil || len(rows) > 0 {
		t.Errorf("the session keeps %q, %v", *rows[0][0], err)
	}
}

// Of 200 tenants five would fail, each for a reason of its own.
func TestPostgresRehearsalOfManyFindsThoseThatFail(t *testing.T) {
	t.Parallel()
	const base = "CREATE TABLE users (id int, name text)"
	f := newPgFleet(t, postgres.Server{}, base)
	var targets []engine.Location
	for _, name := range pgtest.Schemas(t, f.url, "t", 200) {
		targets = append(targets, pgTarget(f.database, name))
	}
	each := func(do func(s engine.Standing, target engine.Location, plan *engine.Plan)) {
		standings := f.Survey(t.Context(), targets)
		pending := slices.DeleteFunc(f.Graph().All(), func(r *revision.Revision) bool { return slices.Contains(standings[0].Applied.IDs(), r.ID) })
		plan := engine.NewPlan(standings[0].Applied, revision.Up, pending, f.Mode())
		for i, target := range targets {
			do(standings[i], target, plan)
		}
	}
	each(func(s engine.Standing, target engine.Location, plan *engine.Plan) {
		if _, err := f.Apply(context.Background(), engine.Job{Location: target, Standing: s, Plan: plan, Attempt: 1}); err != nil {
			t.Fatal(err)
		}
	})
	pgtest.Exec(t, f.url, "INSERT INTO t0007.users VALUES (1, 'a'), (2, 'a')", "INSERT INTO t0070.users VALUES (1, NULL)",
		"ALTER TABLE t0100.users ADD email text", "DROP TABLE t0150.users", "ALTER TABLE t0200.users DROP COLUMN name")
	var names []string
	for _, target := range targets {
		names = append(names, target.Schema)
	}
	before := pgtest.DumpAll(t, f.url, names)
	f = f.with(t, base, "ALTER TABLE users ADD email text", "ALTER TABLE users ALTER name SET NOT NULL;\nCREATE UNIQUE INDEX users_name ON users (name)")
	failed := map[string]string{}
	each(func(s engine.Standing, target engine.Location, plan *engine.Plan) {
		if _, err := f.Rehearse(context.Background(), engine.Job{Location: target, Standing: s, Plan: plan, Attempt: 1}); err != nil {
			var e *engine.Error
			if !errors.As(err, &e) {
				t.Fatal(err)
			}
			failed[target.Schema] = e.Revision + " " + e.SQLState
		}
	})
	want := map[string]string{"t0007": "r3 23505", "t0070": "r3 23502", "t0100": "r2 42701", "t0150": "r2 42P01", "t0200": "r3 42703"}
	if diff := cmp.Diff(want, failed); diff != "" {
		t.Errorf("those that fail (-want +got):\n%s", diff)
	}
	if diff := cmp.Diff(before, pgtest.DumpAll(t, f.url, names)); diff != "" {
		t.Errorf("the rehearsals changed tenants (-before +after):\n%s", diff)
	}
}

// Looks at the locks of a long chain are planned once and passed over where they cost more than the chain does.
func TestPostgresRehearsalOfALongChainSeesItsLocks(t *testing.T) {
	t.Parallel()
	const base = "CREATE TABLE users (id int); CREATE TABLE orders (id int); CREATE FUNCTION f() RETURNS void LANGUAGE plpgsql AS $$ BEGIN EXECUTE 'DEALLOCATE ALL'; END $$"
	chain := []string{base}
	for i := range 60 {
		switch {
		case i == 40:
			chain = append(chain, "ALTER TABLE users ADD b int; SELECT pg_sleep(0.2)")
		case i == 50:
			chain = append(chain, "SELECT f(); SAVEPOINT s; LOCK TABLE orders; ROLLBACK TO SAVEPOINT s; SELECT f()")
		case i%20 == 19:
			chain = append(chain, "SELECT f()", fmt.Sprintf("CREATE TABLE u%d (id int)", i))
		default:
			chain = append(chain, fmt.Sprintf("CREATE TABLE t%d (id int PRIMARY KEY); CREATE INDEX ON t%d (id)", i, i))
		}
	}
	f := newPgFleet(t, postgres.Server{MaxConnections: 1}, base)
	target := f.tenant(t, "a")
	f.up(t, target)
	pooled := f.with(t, base)
	pooled.db = openPostgres(t, postgres.Server{URL: pooler(t, f.url)})
	for name, by := range map[string]*pgFleet{"direct": f, "pooled": pooled} {
		// A failed one leaves nothing that stands in the way of the next.
		_, err := by.with(t, append(slices.Clone(chain), "SELECT nothing")...).rehearse(t, target)
		if e := wantPgClass(t, err, engine.Revision); e.Revision != fmt.Sprintf("r%d", len(chain)+1) {
			t.Errorf("%s: %+v", name, e)
		}
		r, err := by.with(t, chain...).rehearse(t, target)
		if err != nil || len(r.Steps) != len(chain)-1 {
			t.Fatalf("%s: %d steps, %v", name, len(r.Steps), err)
		}
		if diff := cmp.Diff([]string{"orders AccessExclusiveLock", "users AccessExclusiveLock"}, lockNames(r)); diff != "" {
			t.Errorf("%s: locks (-want +got):\n%s", name, diff)
		}
		if r.Locks[0].Object != "users" || r.Locks[0].For < 200*time.Millisecond {
			t.Errorf("%s: %+v", name, r.Locks)
		}
	}
}
