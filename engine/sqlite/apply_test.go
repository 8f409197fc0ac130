package sqlite_test

import (
	"context"
	"strings"
	"testing"
	"time"
	"unicode/utf8"

	"github.com/skeindb/skein/engine"
	"github.com/skeindb/skein/engine/sqlite"
)

func TestBodiesMayMakeAllThatSQLiteHas(t *testing.T) {
	t.Parallel()
	tenant := newFile(t)
	mustUpgrade(t, tenant, family, `
CREATE VIEW names AS SELECT name FROM parents;
CREATE TRIGGER log AFTER INSERT ON parents BEGIN
  INSERT INTO children (parent) VALUES (new.id);
  UPDATE parents SET name = CASE WHEN new.name IS NULL THEN 'none; yet' ELSE new.name END WHERE id = new.id;
END;
CREATE VIRTUAL TABLE search USING fts5 (text);
INSERT INTO search (text) VALUES ('a needle; in hay');
CREATE TABLE strict (id integer PRIMARY KEY, n any, twice integer GENERATED ALWAYS AS (n * 2) STORED) STRICT;
INSERT INTO strict (n) VALUES (21);
CREATE TABLE [odd;name] (id integer);
PRAGMA user_version = 5;
INSERT INTO parents (id) VALUES (3);`)
	for statement, want := range map[string]string{
		"SELECT name FROM parents WHERE id = 3":                   "none; yet",
		"SELECT count(*) FROM search WHERE search MATCH 'needle'": "1",
		"SELECT twice FROM strict":                                "42",
		"PRAGMA user_version":                                     "5",
	} {
		if got := one(t, tenant, statement); got != want {
			t.Errorf("%s: %s, want %s", statement, got, want)
		}
	}
}

func TestRowBearsSQLitesOwnTime(t *testing.T) {
	t.Parallel()
	tenant := newFile(t)
	before := time.Now().Add(-time.Second)
	mustUpgrade(t, tenant, family)
	at, err := time.Parse("2006-01-02T15:04:05.000Z", one(t, tenant, "SELECT applied_at FROM skein_version"))
	if err != nil || at.Before(before) || at.After(time.Now().Add(time.Second)) {
		t.Errorf("applied at %v, %v", at, err)
	}
}

func TestErrorsOfBodiesAreClassified(t *testing.T) {
	t.Parallel()
	tests := []struct {
		name, body string
		class      engine.Class
		state      string
		message    string
		line       int
	}{
		{"unique", "INSERT INTO parents (id)\n  VALUES (1);", engine.Data, "1555", "UNIQUE constraint failed: parents.id", 5},
		{"check", "CREATE TABLE c (n CHECK (n > 0));\nINSERT INTO c VALUES (0);", engine.Data, "275", "CHECK constraint failed: n > 0", 6},
		{"raise", "CREATE TRIGGER no BEFORE DELETE ON parents BEGIN SELECT RAISE (ROLLBACK, 'never'); END;\nDELETE FROM parents;", engine.Data, "1811", "never", 6},
		{"strict type", "CREATE TABLE s (n integer) STRICT;\nINSERT INTO s VALUES ('x');", engine.Data, "3091", "cannot store TEXT value in INTEGER column s.n", 6},
		{"no table", "DROP TABLE nobody;", engine.Revision, "1", "no such table: nobody", 5},
		{"parameter", "DELETE FROM parents WHERE id = ?;", engine.Revision, "", "the statement has a parameter, and a revision has no arguments: missing argument with index 1", 5},
		{"full", "PRAGMA max_page_count = 1;\nCREATE TABLE big AS SELECT randomblob(100000);", engine.Server, "13", "database or disk is full", 6},
	}
	for _, test := range tests {
		t.Run(test.name, func(t *testing.T) {
			t.Parallel()
			tenant := newFile(t)
			mustUpgrade(t, tenant, family)
			_, err := upgrade(t, tenant, family, test.body)
			e := failure(t, err, test.class)
			if e.SQLState != test.state || e.Message != test.message || e.Line != test.line || e.Revision != "r2" {
				t.Errorf("%s:%d: %q, code %s", e.Revision, e.Line, e.Message, e.SQLState)
			}
			if n := one(t, tenant, "SELECT count(*) FROM skein_version"); n != "1" {
				t.Errorf("%s rows in the version table", n)
			}
		})
	}
}

func TestLongStatementIsCutInItsError(t *testing.T) {
	t.Parallel()
	_, err := upgrade(t, newFile(t), "INSERT INTO nobody VALUES ('"+strings.Repeat("ä", 500)+"');")
	e := failure(t, err, engine.Revision)
	if len(e.Statement) > 203 || !utf8.ValidString(e.Statement) || !strings.HasSuffix(e.Statement, "ä…") {
		t.Errorf("statement %q", e.Statement)
	}
}

func TestCommitWaitsForReadersAsLongAsTheLockTimeout(t *testing.T) {
	t.Parallel()
	tenant := newFile(t)
	mustUpgrade(t, tenant, family)
	release := hold(t, tenant, "BEGIN", "SELECT * FROM parents") // SHARED, with a rollback journal
	_, err := upgrade(t, tenant, family, rebuild)
	if e := failure(t, err, engine.Busy); !strings.Contains(e.Message, "readers") {
		t.Errorf("message %q", e.Message)
	}

	e := engine.New(newDB(t), bodies(t, family, rebuild), engine.Config{LockTimeout: -1})
	ctx, cancel := context.WithTimeout(t.Context(), 150*time.Millisecond)
	defer cancel()
	_, err = e.Apply(ctx, job(t, e, tenant))
	failure(t, err, engine.Canceled)

	release()
	mustUpgrade(t, tenant, family, rebuild)
}

func TestSettleWaitsForTheLock(t *testing.T) {
	t.Parallel()
	tenant := newFile(t)
	mustUpgrade(t, tenant, family)
	s := session(t, newDB(t), tenant)
	release := lock(t, tenant)
	ctx, cancel := context.WithTimeout(t.Context(), 50*time.Millisecond)
	defer cancel()
	_, _, err := s.ResolveInDoubt(ctx)
	failure(t, err, engine.Busy)
	release()
	applied, mark, err := s.ResolveInDoubt(t.Context())
	if err != nil || len(applied.Rows) != 1 || !mark.HasTable {
		t.Errorf("settled at %v, %+v: %v", applied, mark, err)
	}
}

func TestSectionOptionsStandInPlaceOfThePolicy(t *testing.T) {
	t.Parallel()
	tenant := newFile(t)
	release := lock(t, tenant)
	timer := time.AfterFunc(300*time.Millisecond, release)
	defer timer.Stop()
	if _, err := upgradeBy(t, engine.Config{LockTimeout: time.Millisecond}, tenant, ": lock_timeout=1m\n"+family); err != nil {
		t.Error(err)
	}
}

func TestVersionTableMayHaveAnyName(t *testing.T) {
	t.Parallel()
	tenant := newFile(t)
	db, err := sqlite.New(sqlite.Config{VersionTable: `schema "history"`})
	if err != nil {
		t.Fatal(err)
	}
	e := engine.New(db, bodies(t, family, ": no-transaction\nVACUUM;"), engine.Config{})
	if _, err := e.Apply(t.Context(), job(t, e, tenant)); err != nil {
		t.Fatal(err)
	}
	if s := e.Survey(t.Context(), []engine.Location{tenant})[0]; s.State != engine.Current {
		t.Errorf("the tenant is %s: %v", s.State, s.Err)
	}
	for _, name := range []string{"sqlite_version", "SQLite_x", "a\x00b"} {
		if _, err := sqlite.New(sqlite.Config{VersionTable: name}); err == nil {
			t.Errorf("%q was taken", name)
		}
	}
}

func TestBrokenVersionTableIsUnknown(t *testing.T) {
	t.Parallel()
	for _, statement := range []string{
		"CREATE VIEW skein_version AS SELECT 1 AS revision, 2 AS checksum",
		"CREATE TABLE Skein_Version (revision, checksum)",
		"CREATE TABLE skein_version AS SELECT 7 AS revision, '' AS checksum, '' AS applied_at, 0 AS duration_ms, '' AS rollout, '' AS tool",
		"CREATE TABLE skein_version AS SELECT 'a' AS revision, 7 AS checksum, '' AS applied_at, 0 AS duration_ms, '' AS rollout, '' AS tool",
	} {
		tenant := newFile(t)
		exec(t, tenant, statement)
		s := newDB(t).Survey(t.Context(), []engine.Location{tenant}, "")[0]
		if s.State != engine.Unknown {
			t.Errorf("%s: the tenant is %q", statement, s.State)
			continue
		}
		failure(t, s.Err, engine.Data)
	}
}
