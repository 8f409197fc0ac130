package sqlite

import (
	"context"
	"fmt"
	"runtime"
	"strings"

	"github.com/skeindb/skein/engine"
)

// Config says how files are opened. The zero value is the default of each field.
type Config struct {
	VersionTable string // table in each tenant that holds its applied revisions; default "skein_version"
	MaxOpen      int    // files open at a time, sessions and surveys together; default 2 × GOMAXPROCS, at least 4
}

// DB is the SQLite dialect. It keeps no file open between calls and is safe for concurrent use.
type DB struct {
	table versionTable
	slots chan struct{} // holds a token for each file that is open
}

var _ engine.Database = (*DB)(nil)

// New returns a DB. It opens nothing.
func New(cfg Config) (*DB, error) {
	if cfg.VersionTable == "" {
		cfg.VersionTable = "skein_version"
	}
	if strings.ContainsRune(cfg.VersionTable, 0) || strings.HasPrefix(strings.ToLower(cfg.VersionTable), "sqlite_") {
		return nil, fmt.Errorf("%q cannot name a version table: SQLite reserves sqlite_ and cannot hold NUL", cfg.VersionTable)
	}
	if cfg.MaxOpen <= 0 {
		cfg.MaxOpen = max(4, 2*runtime.GOMAXPROCS(0))
	}
	return &DB{
		table: versionTable{name: cfg.VersionTable},
		slots: make(chan struct{}, cfg.MaxOpen),
	}, nil
}

// Open opens the tenant's file. A file that is not there is an error of class Gone, and is not created. Open waits while
// MaxOpen files are open.
func (db *DB) Open(ctx context.Context, at engine.Location) (engine.Session, error) {
	if err := db.enter(ctx); err != nil {
		return nil, err
	}
	c, err := open(ctx, at.File)
	if err != nil {
		db.leave()
		return nil, classify(err)
	}
	return &session{conn: c, db: db}, nil
}

// Close does nothing, since files are open only while a session or a survey uses them.
func (db *DB) Close() error { return nil }

// enter waits for one of the MaxOpen slots; leave returns it.
func (db *DB) enter(ctx context.Context) error {
	if err := ctx.Err(); err != nil {
		return classify(err)
	}
	select {
	case db.slots <- struct{}{}:
		return nil
	case <-ctx.Done():
		return classify(ctx.Err())
	}
}

func (db *DB) leave() { <-db.slots }
