package sqlite_test

import (
	"context"
	"database/sql"
	"fmt"
	"net/url"
	"os"
	"path/filepath"
	"sync"
	"testing"

	"github.com/skeindb/skein/engine"
	"github.com/skeindb/skein/engine/enginetest"
	"github.com/skeindb/skein/engine/revision"
	"github.com/skeindb/skein/engine/sqlite"
)

func TestConformance(t *testing.T) {
	t.Parallel()
	for _, mode := range []string{"DELETE", "WAL"} {
		t.Run("journal_mode="+mode, func(t *testing.T) {
			t.Parallel()
			enginetest.Run(t, dialect(mode))
		})
	}
}

func dialect(journalMode string) enginetest.Dialect {
	return enginetest.Dialect{
		Name: revision.SQLite,
		Open: func(t *testing.T) engine.Database { return newDB(t) },
		New: func(t *testing.T) engine.Location {
			t.Helper()
			target := newFile(t)
			exec(t, target, "PRAGMA journal_mode = "+journalMode)
			return target
		},
		Exec:  exec,
		Query: query,
		Dump:  dump,
		Lock:  lock,
		Drop: func(t *testing.T, target engine.Location) {
			t.Helper()
			if err := os.Remove(target.File); err != nil {
				t.Error(err)
			}
		},
		Refusals: []enginetest.Refusal{
			{Name: "a check", Says: "CHECK constraint failed", Make: []string{
				"ALTER TABLE skein_version RENAME TO was",
				"CREATE TABLE skein_version (revision text PRIMARY KEY CHECK (revision < 'c'), checksum, applied_at, duration_ms, rollout, tool)",
				"INSERT INTO skein_version SELECT * FROM was",
			}},
			{Name: "a column", Says: "NOT NULL constraint failed: skein_version.env", Make: []string{
				"ALTER TABLE skein_version RENAME TO was",
				"CREATE TABLE skein_version (revision text PRIMARY KEY, checksum, applied_at, duration_ms, rollout, tool, env NOT NULL)",
				"INSERT INTO skein_version SELECT *, 'prod' FROM was",
			}},
			{Name: "a unique index", Says: "UNIQUE constraint failed", Make: []string{"CREATE UNIQUE INDEX one ON skein_version (tool, revision = 'a1')"}},
			{Name: "a trigger that fails", Says: "not here", Make: []string{
				"CREATE TRIGGER keep BEFORE INSERT ON skein_version BEGIN SELECT RAISE(ABORT, 'not here'); END",
			}},
			{Name: "a trigger that ends the transaction", Says: "not here", Make: []string{
				"CREATE TRIGGER keep BEFORE INSERT ON skein_version BEGIN SELECT RAISE(ROLLBACK, 'not here'); END",
			}},
			{Name: "a trigger that leaves the row out", Says: "had no effect: 0 rows", Make: []string{
				"CREATE TRIGGER keep BEFORE INSERT ON skein_version BEGIN SELECT RAISE(IGNORE); END",
			}},
			{Name: "a trigger that takes the row back", Says: "does not hold", Make: []string{
				"CREATE TRIGGER keep AFTER INSERT ON skein_version BEGIN DELETE FROM skein_version WHERE revision = NEW.revision; END",
			}},
			{Name: "a trigger that changes the row", Says: "does not hold", Make: []string{
				"CREATE TRIGGER keep AFTER INSERT ON skein_version BEGIN UPDATE skein_version SET revision = 'x' || revision WHERE revision = NEW.revision; END",
			}},
			{Name: "a trigger that fails", Says: "not here", Delete: true, Make: []string{
				"CREATE TRIGGER keep BEFORE DELETE ON skein_version BEGIN SELECT RAISE(ABORT, 'not here'); END",
			}},
			{Name: "a trigger that leaves the row", Says: "had no effect: 0 rows", Delete: true, Make: []string{
				"CREATE TRIGGER keep BEFORE DELETE ON skein_version BEGIN SELECT RAISE(IGNORE); END",
			}},
			{Name: "a trigger that brings the row back", Says: "does not hold", Delete: true, Make: []string{
				"CREATE TRIGGER keep AFTER DELETE ON skein_version BEGIN INSERT INTO skein_version VALUES (OLD.revision, OLD.checksum, OLD.applied_at, OLD.duration_ms, OLD.rollout, OLD.tool); END",
			}},
		},
		Slow: "WITH RECURSIVE n (i) AS (SELECT 1 UNION ALL SELECT i + 1 FROM n) SELECT count(*) FROM n",
		NoTx: func(t *testing.T, target engine.Location) enginetest.NoTxBody {
			t.Helper()
			first, second := target.File+"-copy1", target.File+"-copy2"
			if err := os.WriteFile(second, []byte("in the way"), 0o600); err != nil {
				t.Fatal(err)
			}
			return enginetest.NoTxBody{
				First:  fmt.Sprintf("VACUUM INTO '%s'", first),
				Second: fmt.Sprintf("VACUUM INTO '%s'", second),
				Class:  engine.Data, // what is in the way is no database
				Repair: func() { _ = os.Remove(second) },
			}
		},
	}
}

func newDB(t *testing.T) *sqlite.DB {
	t.Helper()
	db, err := sqlite.New(sqlite.Config{})
	if err != nil {
		t.Fatal(err)
	}
	return db
}

// newFile makes a database without tables in a folder of its own.
func newFile(t *testing.T) engine.Location {
	t.Helper()
	target := engine.Location{Dialect: revision.SQLite, File: filepath.Join(t.TempDir(), "tenant.db")}
	if err := os.WriteFile(target.File, nil, 0o600); err != nil {
		t.Fatal(err)
	}
	return target
}

// client is another program that has the file open.
func client(t *testing.T, target engine.Location) *sql.DB {
	t.Helper()
	u := url.URL{Scheme: "file", Path: target.File, RawQuery: "mode=rw&_pragma=busy_timeout(10000)"}
	db, err := sql.Open("sqlite", u.String())
	if err != nil {
		t.Fatal(err)
	}
	return db
}

func exec(t *testing.T, target engine.Location, statement string) {
	t.Helper()
	db := client(t, target)
	defer db.Close()
	if _, err := db.Exec(statement); err != nil {
		t.Errorf("%s: %v", statement, err)
	}
}

func query(t *testing.T, target engine.Location, statement string) [][]string {
	t.Helper()
	db := client(t, target)
	defer db.Close()
	rows, err := db.Query(statement)
	if err != nil {
		t.Errorf("%s: %v", statement, err)
		return nil
	}
	defer rows.Close()
	var all [][]string
	for rows.Next() {
		row, err := texts(rows)
		if err != nil {
			t.Errorf("%s: %v", statement, err)
		}
		all = append(all, row)
	}
	return all
}

// dump is the file's structure and rows, by SQLite's own words.
func dump(t *testing.T, target engine.Location) string {
	t.Helper()
	all := fmt.Sprintln(query(t, target, "PRAGMA user_version"), query(t, target, "PRAGMA schema_version"))
	for _, object := range query(t, target, "SELECT type, name, sql FROM sqlite_schema ORDER BY type, name") {
		all += fmt.Sprintln(object)
		if object[0] == "table" {
			all += fmt.Sprintln(query(t, target, `SELECT * FROM "`+object[1]+`"`))
		}
	}
	return all
}

func texts(rows *sql.Rows) ([]string, error) {
	columns, err := rows.Columns()
	if err != nil {
		return nil, err
	}
	values, places := make([]sql.NullString, len(columns)), make([]any, len(columns))
	for i := range values {
		places[i] = &values[i]
	}
	err = rows.Scan(places...)
	row := make([]string, len(columns))
	for i, v := range values {
		row[i] = "NULL"
		if v.Valid {
			row[i] = v.String
		}
	}
	return row, err
}

// lock holds the file's write lock.
func lock(t *testing.T, target engine.Location) (release func()) {
	t.Helper()
	return hold(t, target, "BEGIN IMMEDIATE")
}

// hold runs statements on one connection and keeps it until release is called.
func hold(t *testing.T, target engine.Location, statements ...string) (release func()) {
	t.Helper()
	db := client(t, target)
	conn, err := db.Conn(context.Background())
	if err != nil {
		t.Fatal(err)
	}
	for _, s := range statements {
		if _, err := conn.ExecContext(context.Background(), s); err != nil {
			t.Fatalf("%s: %v", s, err)
		}
	}
	release = sync.OnceFunc(func() {
		conn.Close()
		db.Close()
	})
	t.Cleanup(release)
	return release
}
