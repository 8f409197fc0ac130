package sqlite

import (
	"context"
	"database/sql"
	"errors"
	"fmt"
	"io/fs"
	"path/filepath"
	"runtime"
	"testing"
	"testing/fstest"
	"testing/synctest"
	"time"

	"github.com/google/go-cmp/cmp"

	"github.com/skeindb/skein/engine"
	"github.com/skeindb/skein/engine/revision"
	"github.com/skeindb/skein/engine/sqlite"
	"github.com/skeindb/skein/orchestrator/rollout"
	"github.com/skeindb/skein/orchestrator/store/internal/record"
	"github.com/skeindb/skein/orchestrator/store/storetest"
)

func open(t *testing.T, path string) *Store {
	t.Helper()
	s, err := Open(t.Context(), path)
	if err != nil {
		t.Fatal(err)
	}
	t.Cleanup(func() {
		if err := s.Close(); err != nil {
			t.Error(err)
		}
	})
	return s
}

// holdFile takes the file's write lock as another process does, and returns what gives it back.
func holdFile(t *testing.T, path string) (release func()) {
	t.Helper()
	db, err := sql.Open("sqlite", path)
	if err != nil {
		t.Fatal(err)
	}
	c, err := db.Conn(t.Context())
	if err != nil {
		t.Fatal(err)
	}
	if _, err := c.ExecContext(t.Context(), `BEGIN IMMEDIATE; DELETE FROM command; DELETE FROM fact`); err != nil {
		t.Fatal(err)
	}
	return func() {
		if _, err := c.ExecContext(t.Context(), `ROLLBACK`); err != nil {
			t.Error(err)
		}
		if err := errors.Join(c.Close(), db.Close()); err != nil {
			t.Error(err)
		}
	}
}

// The lock is given back only after the readers have returned: one that waited for it would fail.
func TestReadersWaitForNoWriter(t *testing.T) {
	t.Parallel()
	path := filepath.Join(t.TempDir(), "state.db")
	s := open(t, path)
	if err := s.Create(t.Context(), storetest.Plan("r1", "acme", 5)); err != nil {
		t.Fatal(err)
	}
	said, err := s.Send(t.Context(), storetest.Command("r1", 1))
	if err != nil {
		t.Fatal(err)
	}

	release := holdFile(t, path)
	appended := make(chan error, 1)
	go func() { appended <- s.Append(t.Context(), storetest.Events("r1", 1, storetest.Facts()...)) }()
	for s.db.Stats().InUse == 0 { // until it waits for the lock, in this process
		runtime.Gosched()
	}
	for _, handle := range []*Store{s, open(t, path)} {
		if list, err := handle.Since(t.Context(), "r1", 0); err != nil || !cmp.Equal(list, []rollout.Command{said}) {
			t.Errorf("Commands: %v %v, want %v", list, err, said)
		}
		if list, err := handle.List(t.Context(), "acme", 0); err != nil || len(list) != 1 {
			t.Errorf("List: %v %v", list, err)
		}
		if _, events, err := handle.Load(t.Context(), "r1"); err != nil || len(events) != 0 {
			t.Errorf("Load: %v %v", events, err)
		}
	}
	if n := s.db.Stats().WaitCount; n > 0 {
		t.Errorf("%d of them waited for the connection that writes", n)
	}
	select {
	case err := <-appended:
		t.Errorf("Append returned though another process has the file: %v", err)
	default:
	}
	release()
	if err := <-appended; err != nil {
		t.Errorf("after the lock was given back: %v", err)
	}
}

func TestWriterGivesUpWithItsContext(t *testing.T) {
	t.Parallel()
	path := filepath.Join(t.TempDir(), "state.db")
	s := open(t, path)
	if err := s.Create(t.Context(), storetest.Plan("r1", "acme", 5)); err != nil {
		t.Fatal(err)
	}
	release := holdFile(t, path)
	ctx, cancel := context.WithCancel(t.Context())
	failed := make(chan error, 1)
	go func() {
		_, err := s.Send(ctx, storetest.Command("r1", 1))
		failed <- err
	}()
	for s.db.Stats().InUse == 0 {
		runtime.Gosched()
	}
	cancel()
	if err := <-failed; err == nil {
		t.Error("a command was stored though another process has the file")
	}
	release()
	if c, err := s.Send(t.Context(), storetest.Command("r1", 1)); err != nil || c.Seq != 1 {
		t.Errorf("afterwards: %v %v, want number 1", c, err)
	}
}

// busyError is SQLite's for a lock that is taken.
type busyError struct{ code int }

func (e busyError) Error() string { return fmt.Sprint("busy ", e.code) }
func (e busyError) Code() int     { return e.code }

func TestBusyFileIsRetried(t *testing.T) {
	t.Parallel()
	other := errors.New("disk full")
	for _, test := range []struct {
		name   string
		err    error
		times  int // that it comes
		bound  time.Duration
		tries  int // 0 = more than one
		failed bool
	}{
		{"never", nil, 0, 0, 1, false},
		{"busy for a while", busyError{5}, 7, 0, 8, false},
		{"busy by an extended code, and wrapped", fmt.Errorf("begin: %w", busyError{5 | 1<<8}), 3, 0, 4, false},
		{"busy for ever", busyError{5}, 1 << 30, 0, 0, true},
		{"busy until the context ends", busyError{5}, 1 << 30, 300 * time.Millisecond, 0, true},
		{"another code", busyError{13}, 1, 0, 1, true},
		{"another error", other, 1, 0, 1, true},
	} {
		t.Run(test.name, func(t *testing.T) {
			t.Parallel()
			synctest.Test(t, func(t *testing.T) {
				ctx, bound := t.Context(), record.BusyTime
				if test.bound > 0 {
					c, cancel := context.WithTimeout(ctx, test.bound)
					defer cancel()
					ctx, bound = c, test.bound
				}
				tries, begin := 0, time.Now()
				err := rideOutBusy(ctx, func() error {
					if tries++; tries <= test.times {
						return test.err
					}
					return nil
				})
				if test.failed != (err != nil) || err != nil && !errors.Is(err, test.err) {
					t.Errorf("got %v", err)
				}
				if test.tries > 0 && tries != test.tries || test.tries == 0 && tries < 2 {
					t.Errorf("%d tries, want %d", tries, test.tries)
				}
				if took := time.Since(begin); took > bound || test.tries == 0 && took < bound-busyWait {
					t.Errorf("given up after %s, want %s", took, bound)
				}
			})
		})
	}
}

func TestFileIsCreatedByManyAtOnce(t *testing.T) {
	t.Parallel()
	path := filepath.Join(t.TempDir(), ".skein", "state.db")
	const n = 8
	errs := make(chan error)
	for range n {
		go func() {
			s, err := Open(t.Context(), path)
			if err == nil {
				err = s.Close()
			}
			errs <- err
		}()
	}
	for range n {
		if err := <-errs; err != nil {
			t.Error(err)
		}
	}
}

// A store that a program without commands wrote gets their table, and keeps what it has.
func TestOldFileIsMigrated(t *testing.T) {
	t.Parallel()
	path := filepath.Join(t.TempDir(), "state.db")
	if err := touch(path); err != nil {
		t.Fatal(err)
	}
	first, err := fs.ReadFile(record.Migrations, "migrations/sqlite/store0001_rollouts.sql")
	if err != nil {
		t.Fatal(err)
	}
	g, err := revision.Load(fstest.MapFS{"store0001_rollouts.sql": {Data: first}}, revision.SQLite)
	if err != nil {
		t.Fatal(err)
	}
	own, err := sqlite.New(sqlite.Config{})
	if err != nil {
		t.Fatal(err)
	}
	old := engine.New(own, g, engine.Config{})
	if err := record.MigrateOnce(t.Context(), old, engine.Location{Dialect: revision.SQLite, File: path}, 1); err != nil {
		t.Fatal(err)
	}
	db, err := sql.Open("sqlite", path)
	if err != nil {
		t.Fatal(err)
	}
	if _, err := db.ExecContext(t.Context(), `INSERT INTO rollout VALUES ('r0', 'acme', 'upgrade', 'heads', 1, 5, 0, 'running', NULL, '{"pending":5}'),
		('r9', 'acme', 'upgrade', 'heads', 0, 5, 0, 'running', NULL, '{"pending":5}'), ('x', 'other', 'upgrade', 'heads', 0, 5, 0, 'running', NULL, '{"pending":5}')`); err != nil {
		t.Fatal(err)
	}
	if err := db.Close(); err != nil {
		t.Fatal(err)
	}

	s := open(t, path)
	list, err := s.List(t.Context(), "acme", 0)
	if err != nil || len(list) != 2 || list[0].ID != "r0" || list[0].Number != 2 || list[1].ID != "r9" || list[1].Number != 1 {
		t.Errorf("the old rollouts: %v %v", list, err)
	}
	if list, err := s.Since(t.Context(), "r0", 0); err != nil || len(list) != 0 {
		t.Errorf("its commands: %v %v", list, err)
	}
	if c, err := s.Send(t.Context(), storetest.Command("r0", 1)); err != nil || c.Seq != 1 {
		t.Errorf("a command for it: %v %v", c, err)
	}
}
