package integration_test

import (
	"strings"
	"testing"
	"time"

	"github.com/jackc/pgx/v5"

	"github.com/skeindb/skein/engine"
	"github.com/skeindb/skein/engine/postgres"
	"github.com/skeindb/skein/integration/pgtest"
)

const levelIs = "DO $$ BEGIN IF current_setting('transaction_isolation') <> 'LEVEL' THEN RAISE 'the level is %', current_setting('transaction_isolation'); END IF; END $$"

// A revision gets the level that it asks for, those around it do not, and a new connection makes no difference.
func TestPostgresRevisionHasTheIsolationItAsksFor(t *testing.T) {
	t.Parallel()
	at := func(level string) string { return strings.Replace(levelIs, "LEVEL", level, 1) }
	f := newPgFleet(t, postgres.Server{SearchPath: []string{"public"}},
		"[isolation=serializable]"+at("serializable"), at("read committed"), "[isolation=repeatable-read]"+at("repeatable read")+"; CREATE TABLE x (id int)", at("read committed"))
	for _, schema := range []string{"a", "b"} {
		f.up(t, f.tenant(t, schema))
	}
	// A rehearsal tries what begins with such a revision, and ends before one that needs a commit.
	if r := f.tried(t, f.tenant(t, "c"), "r1"); strings.Join(r.Untried, " ") != "r2 r3 r4" || !strings.Contains(r.Why, "isolation level read-committed") {
		t.Errorf("%+v", r)
	}
	f = f.with(t, at("read committed"), "[isolation=repeatable-read]"+at("repeatable read"))
	if r := f.tried(t, f.tenant(t, "d"), "r1"); strings.Join(r.Untried, " ") != "r2" || !strings.Contains(r.Why, "isolation level repeatable-read") {
		t.Errorf("%+v", r)
	}
}

// Above READ COMMITTED the check of where the tenant stands must not be older than the lock.
func TestPostgresIsolatedRevisionSeesWhatWasCommittedBefore(t *testing.T) {
	t.Parallel()
	f := newPgFleet(t, postgres.Server{SearchPath: []string{"public"}}, "CREATE TABLE x (id int)", "[isolation=repeatable-read, lock_timeout=20s]INSERT INTO x VALUES (1)")
	target := f.tenant(t, "a")
	f.with(t, "CREATE TABLE x (id int)").up(t, target)
	job := f.job(t, target)
	other := pgtest.Connect(t, f.url)
	tx, err := other.BeginTx(t.Context(), pgx.TxOptions{})
	if err != nil {
		t.Fatal(err)
	}
	if _, err := tx.Exec(t.Context(), "INSERT INTO a.skein_version (revision, applied_at, duration_ms, tool) VALUES ('other', now(), 0, 'x')"); err != nil {
		t.Fatal(err)
	}
	ended := make(chan error, 1)
	go func() {
		e := engine.New(f.db, f.Graph(), engine.Config{LockTimeout: 20e9})
		_, err := e.Apply(t.Context(), job)
		ended <- err
	}()
	awaitRows(t, f.url, "SELECT 1 FROM pg_locks WHERE NOT granted AND relation = 'a.skein_version'::regclass", "the upgrade waits for the version table")
	if err := tx.Commit(t.Context()); err != nil {
		t.Fatal(err)
	}
	wantPgClass(t, <-ended, engine.Stale)
}

// What PostgreSQL refuses in a transaction runs by itself in a no-transaction section, known by its words or not.
func TestPostgresStatementRunsAloneWhereItHasTo(t *testing.T) {
	t.Parallel()
	f := newPgFleet(t, postgres.Server{SearchPath: []string{"public"}}, "SELECT 1")
	f = f.with(t, strings.Replace("[no-transaction]CREATE TABLE x (id int);\nALTER DATABASE PLACE SET TABLESPACE pg_default", "PLACE", pgtest.Quote(f.database), 1))
	target := f.tenant(t, "a")
	if e := f.fails(t, target, engine.Busy); e.SQLState != "55006" || e.Line != 6 { // it got as far as that the database is in use
		t.Errorf("got %+v\nwant SQLState 55006, Line 6", e)
	}
}

// Two checkouts of a file, one with CR LF, make the same function.
func TestPostgresLineEndsOfACheckoutReachNoTenant(t *testing.T) {
	t.Parallel()
	const body = "CREATE FUNCTION f() RETURNS text LANGUAGE plpgsql AS $$\nBEGIN\n\tRETURN 'a\nb';\nEND $$"
	unix := newPgFleet(t, postgres.Server{SearchPath: []string{"public"}}, body)
	windows := unix.with(t, strings.ReplaceAll(body, "\n", "\r\n"))
	a, b := unix.tenant(t, "a"), unix.tenant(t, "b")
	unix.up(t, a)
	windows.up(t, b)
	if n := unix.scalar(t, "SELECT count(DISTINCT prosrc) || ' ' || max(strpos(prosrc, chr(13))) FROM pg_proc WHERE proname = 'f'"); n != "1 0" {
		t.Errorf("bodies and carriage returns: %s", n)
	}
}

// Adding an option that only says how a body runs to an applied revision fails no tenant.
func TestPostgresOptionIsAddedToAnAppliedRevision(t *testing.T) {
	t.Parallel()
	f := newPgFleet(t, postgres.Server{SearchPath: []string{"public"}}, "CREATE TABLE x (id int)")
	target := f.tenant(t, "a")
	f.up(t, target)
	for _, options := range []string{"own-transaction", "alone", "lock_timeout=1s", "statement_timeout=0, concurrency=2", "isolation=serializable"} {
		s := f.with(t, "["+options+"]CREATE TABLE x (id int)").Survey(t.Context(), []engine.Location{target})[0]
		if s.Err != nil || len(s.Changed) > 0 {
			t.Errorf("%s: %+v", options, s)
		}
	}
	if s := f.with(t, "[alone]CREATE TABLE y (id int)").Survey(t.Context(), []engine.Location{target})[0]; len(s.Changed) != 1 {
		t.Errorf("another body: %+v", s)
	}
}

func TestPostgresListingADatabaseThatIsNotThere(t *testing.T) {
	t.Parallel()
	f := newPgFleet(t, postgres.Server{}, "SELECT 1")
	_, err := f.db.Schemas(t.Context(), "main", "no_such_database", engine.NameFilter{All: true})
	if e := wantPgClass(t, err, engine.Gone); e.Advice != "create database no_such_database, or correct the database in servers.main.url or in the source" {
		t.Errorf("the hint is %q", e.Advice)
	}
	pgtest.Exec(t, f.url, "CREATE DATABASE "+pgtest.Quote(f.database+"_more"))
	t.Cleanup(func() { pgtest.Exec(t, f.url, "DROP DATABASE "+pgtest.Quote(f.database+"_more")+" WITH (FORCE)") })
	if _, err := f.db.Schemas(t.Context(), "main", f.database+"_more", engine.NameFilter{All: true}); err != nil {
		t.Errorf("the hint was followed: %v", err)
	}
}

// awaitRows waits until a query returns a row.
func awaitRows(t *testing.T, url, sql, what string) {
	t.Helper()
	for end := time.Now().Add(20 * time.Second); time.Now().Before(end); time.Sleep(20 * time.Millisecond) {
		if len(pgtest.QueryRows(t, url, sql)) > 0 {
			return
		}
	}
	t.Fatalf("within 20 s it was not so that %s", what)
}
