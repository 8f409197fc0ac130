package sqlite

import (
	"context"
	"database/sql"
	"errors"
	"fmt"
	"io/fs"
	"math"
	"net/url"
	"os"
	"path/filepath"
	"strings"
	"syscall"
	"time"

	modernc "modernc.org/sqlite"

	"github.com/skeindb/skein/engine"
)

// conn is one connection to one file. Its methods return the driver's errors, for classify.
type conn struct {
	path string
	file os.FileInfo // what was at path when it was opened
	db   *sql.DB     // a pool of this one connection
	sql  *sql.Conn
}

// open connects to the file at path, which must exist. SQLite reads it with the first statement.
func open(ctx context.Context, path string) (*conn, error) {
	file, err := look(path)
	if err != nil {
		return nil, err
	}
	connector, err := modernc.NewConnector(dsn(path))
	if err != nil {
		return nil, err
	}
	db := sql.OpenDB(connector)
	c, err := db.Conn(ctx)
	if err != nil {
		_ = db.Close()
		return nil, cause(err, path)
	}
	return &conn{path: path, file: file, db: db, sql: c}, nil
}

// dsn returns the URI of a file. mode=rw opens an existing file and creates none; _error_rc keeps messages of earlier
// operations out of errors; foreign_keys cannot be set inside a transaction, and holds for this connection alone. url.URL
// escapes the characters that have a meaning in a URI: % ? #.
func dsn(path string) string {
	path = filepath.ToSlash(path)
	if !strings.HasPrefix(path, "/") { // C:/tenants/a.db
		path = "/" + path
	}
	u := url.URL{Scheme: "file", Path: path, RawQuery: "mode=rw&_error_rc=1&_pragma=foreign_keys(0)"}
	return u.String()
}

// minSize is the size of SQLite's smallest page. SQLite takes a shorter file for an empty database and would overwrite
// it, whatever it holds.
const minSize = 512

// look checks the file at path without opening it: see the package comment.
func look(path string) (os.FileInfo, error) {
	if !filepath.IsAbs(path) {
		return nil, &engine.Error{
			Class: engine.Data, Message: fmt.Sprintf("the path %q of the tenant's file is not absolute", path),
			Advice: "give the location an absolute path, such as filepath.Abs returns",
		}
	}
	file, err := os.Stat(path)
	switch {
	case errors.Is(err, fs.ErrNotExist) || errors.Is(err, syscall.ENOTDIR):
		return nil, &engine.Error{
			Class:   engine.Gone,
			Message: fmt.Sprintf("there is no file %s", path),
			Advice:  "a tenant's file is never created by an upgrade; restore it, or take the tenant out of the fleet",
			Err:     err,
		}
	case err != nil:
		return nil, &engine.Error{Class: engine.Server, Message: err.Error(), Advice: permissionAdvice, Err: err}
	case !file.Mode().IsRegular():
		return nil, &engine.Error{Class: engine.Data, Message: fmt.Sprintf("%s is not a file, so no database: %s", path, file.Mode())}
	case file.Size() > 0 && file.Size() < minSize:
		return nil, &engine.Error{Class: engine.Data, Message: fmt.Sprintf("%s has %d bytes, too few for a database", path, file.Size())}
	}
	return file, nil
}

// here fails with Gone if the path no longer leads to the open file: it was deleted, or replaced by another. SQLite itself
// would continue to write to the file that has lost its name.
func (c *conn) here() error {
	now, err := look(c.path)
	if err != nil {
		return err
	}
	if os.SameFile(c.file, now) {
		return nil
	}
	return &engine.Error{
		Class:   engine.Gone,
		Message: fmt.Sprintf("another file was put at %s meanwhile", c.path),
		Advice:  "run again: the tenant is then surveyed again",
	}
}

func (c *conn) exec(ctx context.Context, query string, args ...any) error {
	_, err := c.change(ctx, query, args...)
	return err
}

// change is exec that returns the number of rows written or deleted.
func (c *conn) change(ctx context.Context, query string, args ...any) (rows int64, err error) {
	result, err := c.sql.ExecContext(ctx, query, args...)
	if err != nil {
		return 0, cause(err, c.path)
	}
	rows, err = result.RowsAffected()
	return rows, cause(err, c.path)
}

// query runs a query and calls row for each row with the function that scans it. A row that returns
// errEnough ends the query without an error.
func (c *conn) query(ctx context.Context, row func(scan func(...any) error) error, query string, args ...any) error {
	rows, err := c.sql.QueryContext(ctx, query, args...)
	if err != nil {
		return cause(err, c.path)
	}
	defer rows.Close()
	for rows.Next() {
		if err := row(rows.Scan); err != nil {
			if errors.Is(err, errEnough) {
				return nil
			}
			return err
		}
	}
	return cause(rows.Err(), c.path)
}

var errEnough = errors.New("enough rows")

// patience sets how long a statement waits for locks of other connections; 0 = until its context ends. SQLite counts in
// milliseconds, and 0 would mean not at all.
func (c *conn) patience(ctx context.Context, d time.Duration) error {
	ms := int64(math.MaxInt32)
	if d > 0 {
		ms = min(ms, max(1, d.Milliseconds()))
	}
	return c.exec(ctx, fmt.Sprintf("PRAGMA busy_timeout = %d", ms))
}

// close ends the connection and with it any transaction that is still open.
func (c *conn) close() {
	_ = c.sql.Close() // an error changes nothing: what was to be kept is committed
	_ = c.db.Close()
}
