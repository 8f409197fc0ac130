package sqlite

import (
	"context"
	"database/sql"
	"encoding/json"
	"errors"
	"fmt"
	"io/fs"
	"net/url"
	"os"
	"path/filepath"
	"sync"
	"sync/atomic"

	_ "modernc.org/sqlite" // the driver "sqlite"

	"github.com/skeindb/skein/engine"
	"github.com/skeindb/skein/engine/revision"
	"github.com/skeindb/skein/engine/sqlite"
	"github.com/skeindb/skein/orchestrator/plan"
	"github.com/skeindb/skein/orchestrator/rollout"
	"github.com/skeindb/skein/orchestrator/store/internal/record"
)

// Store is a store in a file. It is in WAL mode, so that others can read while a rollout writes, and
// each commit is on the disk when it returns (synchronous=FULL). What reads has connections of its own and
// waits for no writer, in this process or another; writers of all processes wait for one another, for as
// long as the context of a call allows, at most BusyTime.
type Store struct {
	given     string      // the absolute path by which it was opened
	path      string      // the same without symbolic links
	file      fs.FileInfo // what was there when it was opened
	journaled atomic.Bool // the journal beside it was seen

	db    *sql.DB // one connection, which writes
	reads *sql.DB // for all that only reads

	mu    sync.Mutex                 // one writing transaction at a time
	folds map[string]*rollout.Report // of rollouts that were appended to; guarded by mu
}

var _ rollout.FullStore = (*Store)(nil)

// Open opens the store in a file, and makes the file and its folder when they are not there: for
// the user's eyes only, since names of tenants and statements are in it.
func Open(ctx context.Context, path string) (*Store, error) {
	given, err := filepath.Abs(path)
	if err != nil {
		return nil, err
	}
	if path, err = realPath(given); err != nil {
		return nil, fmt.Errorf("open the store %s: %w", given, err)
	}
	if err := touch(path); err != nil {
		return nil, fmt.Errorf("create the store: %w", err)
	}
	file, err := identify(path)
	if err != nil {
		return nil, err
	}
	own, err := sqlite.New(sqlite.Config{})
	if err != nil {
		return nil, err
	}
	err = record.Migrate(ctx, own, engine.Location{Dialect: revision.SQLite, File: path})
	if err = errors.Join(err, own.Close()); err != nil {
		return nil, err
	}
	s := &Store{given: given, path: path, file: file, folds: map[string]*rollout.Report{}}
	if s.db, err = openFile(path, "journal_mode(WAL)", "synchronous(FULL)", "foreign_keys(1)"); err != nil {
		return nil, err
	}
	s.db.SetMaxOpenConns(1)
	if s.reads, err = openFile(path, "query_only(1)"); err != nil {
		return nil, errors.Join(err, s.Close())
	}
	if err := rideOutBusy(ctx, func() error { return s.db.PingContext(ctx) }); err != nil {
		return nil, errors.Join(fmt.Errorf("open the store %s: %w", path, err), s.Close())
	}
	return s, nil
}

// openFile returns a pool for a file, of which no connection is made yet.
func openFile(path string, pragmas ...string) (*sql.DB, error) {
	pragmas = append([]string{fmt.Sprintf("busy_timeout(%d)", busyTimeout.Milliseconds())}, pragmas...)
	settings := url.Values{"_txlock": {"immediate"}, "_pragma": pragmas}
	dsn := url.URL{Scheme: "file", OmitHost: true, Path: filepath.ToSlash(path), RawQuery: settings.Encode()}
	return sql.Open("sqlite", dsn.String())
}

// touch makes an empty file, and its folder, unless there is one. An existing file is not opened: closing
// it would drop the locks that SQLite has on it in this process.
func touch(path string) error {
	if _, err := os.Stat(path); err == nil || !errors.Is(err, os.ErrNotExist) {
		return err
	}
	if err := os.MkdirAll(filepath.Dir(path), 0o700); err != nil {
		return err
	}
	f, err := os.OpenFile(path, os.O_CREATE|os.O_EXCL|os.O_WRONLY, 0o600)
	if errors.Is(err, os.ErrExist) {
		return nil // another process was faster
	}
	if err != nil {
		return err
	}
	return f.Close()
}

// identify returns what is at a path. A file with several names is refused: SQLite names its journal after the path, and
// two processes that reach the file by different names would destroy it.
func identify(path string) (fs.FileInfo, error) {
	info, err := os.Stat(path)
	if err != nil {
		return nil, fmt.Errorf("open the store: %w", err)
	}
	if info.IsDir() {
		return nil, fmt.Errorf("open the store: %s is a folder, and should be a file", path)
	}
	if names, _ := inode(info); names > 1 {
		return nil, &linkedError{path: path, names: names}
	}
	return info, nil
}

// linkedError says that a store has more than one name.
type linkedError struct {
	path  string
	names int
}

func (e *linkedError) Error() string {
	return fmt.Sprintf("open the store: %s has %d names (hard links)", e.path, e.names)
}

// Hint says what to do about it.
func (e *linkedError) Hint() string {
	return "keep one of the names and make the others symbolic links (ln -s): by several names SQLite would destroy it"
}

// Create implements [rollout.Store].
func (s *Store) Create(ctx context.Context, plan *plan.Plan) error {
	packed, err := record.PackPlan(plan)
	if err != nil {
		return err
	}
	line := record.Opening(plan)
	counts, err := json.Marshal(line.Counts)
	if err != nil {
		return err
	}
	return s.write(ctx, func(tx *sql.Tx) error {
		result, err := tx.ExecContext(ctx, `INSERT INTO rollout (id, fleet, kind, target, created, tenants, seq, state, counts, number)
			VALUES (?, ?, ?, ?, ?, ?, 0, ?, ?, (SELECT coalesce(max(number), 0) + 1 FROM rollout WHERE fleet = ?)) ON CONFLICT DO NOTHING`,
			plan.Rollout, plan.Fleet, plan.Kind, plan.Target, plan.Created.UnixMicro(), plan.FleetSize, line.State, string(counts), plan.Fleet)
		if err != nil {
			return err
		}
		if n, err := result.RowsAffected(); err != nil || n == 0 {
			return errors.Join(err, fmt.Errorf("rollout %s exists already", plan.Rollout))
		}
		_, err = tx.ExecContext(ctx, `INSERT INTO plan (rollout, body) VALUES (?, ?)`, plan.Rollout, packed)
		return err
	})
}

// Append implements [rollout.Store].
func (s *Store) Append(ctx context.Context, events []rollout.Event) error {
	if len(events) == 0 {
		return nil
	}
	if err := record.Check(events); err != nil {
		return err
	}
	rollout := events[0].Rollout
	err := s.write(ctx, func(tx *sql.Tx) error {
		report, err := s.fold(ctx, tx, rollout)
		if err != nil {
			return err
		}
		there, rest, err := record.Fresh(events, report.Seq)
		if err != nil {
			return err
		}
		if len(there) > 0 {
			stored, err := facts(ctx, tx, rollout, there[0].Seq, there[len(there)-1].Seq)
			if err == nil {
				err = record.Same(rollout, stored, there)
			}
			if err != nil || len(rest) == 0 {
				return err
			}
		}
		if err := insert(ctx, tx, rollout, rest); err != nil {
			return err
		}
		for _, e := range rest {
			report.Apply(e)
		}
		return summarise(ctx, tx, rollout, report)
	})
	if err != nil {
		s.mu.Lock()
		delete(s.folds, rollout) // it may be ahead of the file
		s.mu.Unlock()
	}
	return err
}

// write runs fn in a transaction, which has the file's write lock from its beginning.
func (s *Store) write(ctx context.Context, fn func(*sql.Tx) error) error {
	s.mu.Lock()
	defer s.mu.Unlock()
	var tx *sql.Tx
	err := rideOutBusy(ctx, func() (err error) {
		tx, err = s.db.BeginTx(ctx, nil)
		return err
	})
	if err != nil {
		return err
	}
	if err := fn(tx); err != nil {
		return errors.Join(err, ignoreDone(tx.Rollback()))
	}
	return tx.Commit()
}

func ignoreDone(err error) error {
	if errors.Is(err, sql.ErrTxDone) {
		return nil
	}
	return err
}

// fold returns the fold of all facts of a rollout that are stored.
func (s *Store) fold(ctx context.Context, tx *sql.Tx, id string) (*rollout.Report, error) {
	var last int64
	err := tx.QueryRowContext(ctx, `SELECT seq FROM rollout WHERE id = ?`, id).Scan(&last)
	if errors.Is(err, sql.ErrNoRows) {
		return nil, rollout.ErrNoRollout
	}
	if err != nil {
		return nil, err
	}
	if r := s.folds[id]; r != nil && r.Seq == last {
		return r, nil
	}
	stored, err := facts(ctx, tx, id, 1, last)
	if err != nil {
		return nil, err
	}
	r := &rollout.Report{}
	for i := range stored {
		e, err := stored[i].Event(id)
		if err != nil {
			return nil, err
		}
		r.Apply(e)
	}
	s.folds[id] = r
	return r, nil
}

// insert stores facts, all with one statement: a call of SQLite costs more than a row.
func insert(ctx context.Context, tx *sql.Tx, rollout string, events []rollout.Event) error {
	rows, err := record.Rows(events)
	if err != nil {
		return err
	}
	const batch = 200
	for len(rows) > 0 {
		n := min(batch, len(rows))
		if err := insertRows(ctx, tx, rollout, rows[:n]); err != nil {
			return err
		}
		rows = rows[n:]
	}
	return nil
}

func summarise(ctx context.Context, tx *sql.Tx, rollout string, report *rollout.Report) error {
	line := report.Summary()
	counts, err := json.Marshal(line.Counts)
	if err != nil {
		return err
	}
	var finished any
	if !line.Finished.IsZero() {
		finished = line.Finished.UnixMicro()
	}
	_, err = tx.ExecContext(ctx, `UPDATE rollout SET seq = ?, state = ?, finished = ?, counts = ? WHERE id = ?`,
		report.Seq, line.State, finished, string(counts), rollout)
	return err
}
