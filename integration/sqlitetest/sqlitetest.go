// Package sqlitetest makes SQLite files for tests and looks into them with means other than skein's own.
//
//	Files(t, dir, n) ──▶ paths ──▶ code under test ──▶ Dump, QueryRows, Check
package sqlitetest

import (
	"context"
	"database/sql"
	"fmt"
	"net/url"
	"os"
	"path/filepath"
	"strings"
	"testing"
	"time"

	_ "modernc.org/sqlite" // the driver "sqlite"
)

const queryTimeout = time.Minute

// Files creates n valid, empty databases named tenant_0001.db and so on in dir, and returns their paths.
func Files(t testing.TB, dir string, n int) []string {
	t.Helper()
	if err := os.MkdirAll(dir, 0o755); err != nil {
		t.Fatalf("sqlitetest: %v", err)
	}
	blank := filepath.Join(t.TempDir(), "blank.db")
	with(t, blank, "rwc", func(ctx context.Context, conn *sql.Conn) error {
		_, err := conn.ExecContext(ctx, "VACUUM") // writes the header
		return err
	})
	header, err := os.ReadFile(blank)
	if err != nil {
		t.Fatalf("sqlitetest: %v", err)
	}
	paths := make([]string, n)
	for k := range paths {
		paths[k] = filepath.Join(dir, fmt.Sprintf("tenant_%04d.db", k+1))
		if err := os.WriteFile(paths[k], header, 0o644); err != nil {
			t.Fatalf("sqlitetest: %v", err)
		}
	}
	return paths
}

// Exec runs statements in an existing file.
func Exec(t testing.TB, path string, statements ...string) {
	t.Helper()
	with(t, path, "rw", func(ctx context.Context, conn *sql.Conn) error {
		for _, s := range statements {
			if _, err := conn.ExecContext(ctx, s); err != nil {
				return fmt.Errorf("%w\n%.2000s", err, s)
			}
		}
		return nil
	})
}

// QueryRows returns the rows of a query as the sqlite3 shell prints them: columns joined by "|", null as nothing.
func QueryRows(t testing.TB, path, query string, args ...any) []string {
	t.Helper()
	var lines []string
	with(t, path, "rw", func(ctx context.Context, conn *sql.Conn) error {
		rows, err := conn.QueryContext(ctx, query, args...)
		if err != nil {
			return fmt.Errorf("%w\n%.2000s", err, query)
		}
		defer rows.Close()
		columns, err := rows.Columns()
		if err != nil {
			return err
		}
		for rows.Next() {
			values, pointers := make([]sql.NullString, len(columns)), make([]any, len(columns))
			for k := range values {
				pointers[k] = &values[k]
			}
			if err := rows.Scan(pointers...); err != nil {
				return err
			}
			texts := make([]string, len(values))
			for k, v := range values {
				texts[k] = v.String
			}
			lines = append(lines, strings.Join(texts, "|"))
		}
		return rows.Err()
	})
	return lines
}

// Rows counts the rows of a table.
func Rows(t testing.TB, path, table string) string {
	t.Helper()
	return QueryRows(t, path, `SELECT count(*) FROM "`+strings.ReplaceAll(table, `"`, `""`)+`"`)[0]
}

// Check fails the test unless the file is sound and no foreign key dangles.
func Check(t testing.TB, path string) {
	t.Helper()
	if got := QueryRows(t, path, "PRAGMA integrity_check"); len(got) != 1 || got[0] != "ok" {
		t.Errorf("%s: integrity_check: %q", path, got)
	}
	if got := QueryRows(t, path, "PRAGMA foreign_key_check"); len(got) != 0 {
		t.Errorf("%s: foreign_key_check: %q", path, got)
	}
}

// Dump returns the structure as sorted lines: the text of each table, index, view and trigger, with white space
// evened out. skein's own tables and what SQLite makes by itself do not appear.
func Dump(t testing.TB, path string) string {
	t.Helper()
	rows := QueryRows(t, path, `SELECT sql FROM sqlite_schema
		WHERE sql IS NOT NULL AND tbl_name NOT IN ('skein_version', 'skein_version_steps') AND name NOT LIKE 'sqlite\_%' ESCAPE '\'
		ORDER BY type, name`)
	for k := range rows {
		rows[k] = even(rows[k])
	}
	return strings.Join(rows, "\n")
}

// with lends a connection to a file that is opened with SQLite's mode ro, rw or rwc.
func with(t testing.TB, path, mode string, use func(context.Context, *sql.Conn) error) {
	t.Helper()
	ctx, cancel := context.WithTimeout(context.Background(), queryTimeout)
	defer cancel()
	absolute, err := filepath.Abs(path)
	if err != nil {
		t.Fatalf("sqlitetest: %v", err)
	}
	dsn := url.URL{Scheme: "file", Path: absolute, RawQuery: "mode=" + mode + "&_pragma=busy_timeout(10000)"}
	db, err := sql.Open("sqlite", dsn.String())
	if err != nil {
		t.Fatalf("sqlitetest: %v", err)
	}
	defer db.Close()
	conn, err := db.Conn(ctx)
	if err != nil {
		t.Fatalf("sqlitetest: %s: %v", path, err)
	}
	defer conn.Close()
	if err := use(ctx, conn); err != nil {
		t.Fatalf("sqlitetest: %s: %v", path, err)
	}
}
