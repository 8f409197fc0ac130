package main

import (
	"context"
	"database/sql"
	"errors"
	"fmt"
	"net/url"
	"os"
	"path/filepath"

	_ "modernc.org/sqlite" // the driver "sqlite"
)

// sqliteDemo keeps each tenant in a file of its own.
type sqliteDemo struct{ dir string }

func newSQLiteDemo(dir string) *sqliteDemo { return &sqliteDemo{dir} }

func (s *sqliteDemo) config() string {
	return `fleet: demo
tenants:
  - glob: "data/*.db"
    labels: {tier: free}
rollout:
  lock_timeout: 100ms
  retry: {attempts: 2, base: 50ms, max: 200ms}
`
}

func (s *sqliteDemo) id(n int) string { return fmt.Sprintf("tenant_%03d", n) }

// make creates empty files: for SQLite an empty file is an empty database.
func (s *sqliteDemo) make(_ context.Context, ids []string) error {
	if err := os.Mkdir(filepath.Join(s.dir, "data"), 0o750); err != nil {
		return err
	}
	for _, id := range ids {
		if err := os.WriteFile(s.file(id), nil, 0o600); err != nil {
			return err
		}
	}
	return nil
}

func (s *sqliteDemo) file(id string) string { return filepath.Join(s.dir, "data", id+".db") }

func (s *sqliteDemo) open(ctx context.Context, id string) (*sql.DB, *sql.Conn, error) {
	db, err := sql.Open("sqlite", (&url.URL{Scheme: "file", Path: s.file(id), RawQuery: "mode=rw"}).String())
	if err != nil {
		return nil, nil, err
	}
	conn, err := db.Conn(ctx)
	if err != nil {
		return nil, nil, errors.Join(err, db.Close())
	}
	return db, conn, nil
}

func (s *sqliteDemo) exec(ctx context.Context, id, statement string) error {
	db, conn, err := s.open(ctx, id)
	if err != nil {
		return err
	}
	_, err = conn.ExecContext(ctx, statement)
	return errors.Join(err, conn.Close(), db.Close())
}

func (s *sqliteDemo) hold(ctx context.Context, id string) (release func(), err error) {
	db, conn, err := s.open(ctx, id)
	if err != nil {
		return nil, err
	}
	if _, err := conn.ExecContext(ctx, "BEGIN IMMEDIATE"); err != nil {
		return nil, errors.Join(err, conn.Close(), db.Close())
	}
	return func() { _ = errors.Join(conn.Close(), db.Close()) }, nil // the file is the demo's own
}

// remove has nothing to do: the files go with the folder.
func (s *sqliteDemo) remove(context.Context) error { return nil }
