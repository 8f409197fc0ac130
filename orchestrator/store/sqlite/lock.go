package sqlite

import (
	"context"
	"crypto/sha256"
	"encoding/json"
	"errors"
	"fmt"
	"io/fs"
	"net/url"
	"os"
	"sync"
	"time"

	"github.com/skeindb/skein/orchestrator/rollout"
	"github.com/skeindb/skein/orchestrator/store/internal/record"
)

// lookEvery is how often the holder of a lock looks whether the store is still the file that it opened.
const lookEvery = time.Second

// Lock implements [rollout.Locks]. The kernel drops all that it takes with the process, however that dies:
//
//   - an OS lock on a file beside the store, one a fleet, in which the holder writes who it is. What is written
//     there says nothing by itself. The file is never removed, since a process that waits at a removed one would
//     hold a lock that no other sees;
//   - a lock on the store's file itself, by whatever path it was reached, where the system has such locks;
//   - the store's path, so that a store which is removed and made again has no second holder, where the system can
//     lock names.
//
// The lease is lost when the path leads to another file, or to none.
func (s *Store) Lock(ctx context.Context, fleet string, holder rollout.Holder) (_ rollout.Lease, err error) {
	l := &fileLease{store: s, lost: make(chan struct{})}
	defer func() {
		if err != nil {
			err = errors.Join(err, l.free())
		}
	}()
	for _, take := range []func(string, rollout.Holder) error{l.lockBeside, l.lockNames, l.lockFile} {
		if err := take(fleet, holder); err != nil {
			return nil, err
		}
	}
	if err := s.moved(); err != nil {
		return nil, err
	}
	watched, stop := context.WithCancel(context.WithoutCancel(ctx))
	l.stop, l.done = stop, make(chan struct{})
	go l.watch(watched)
	return l, nil
}

// fileLease is the lock of a fleet in a store that is a file.
type fileLease struct {
	store  *Store
	beside *os.File // nil = not taken, or given back
	file   *fileLock
	names  []*nameLock

	lost chan struct{}
	stop context.CancelFunc
	done chan struct{} // closed when watch has returned
	once sync.Once
}

// lookTime is how long a process holds the lock beside the store at most where it can only look by taking it: see [Store.Holder].
const lookTime = 100 * time.Millisecond

// Holder implements [rollout.Locks]. Where the system can tell who has locked the store's file (Linux, on file systems with
// open file description locks), nothing is taken. Elsewhere the lock beside the store is taken for a moment, which Lock waits for.
func (s *Store) Holder(_ context.Context, fleet string) (holder rollout.Holder, locked bool, err error) {
	path := s.besidePath(fleet)
	locked, known, err := inodeLocked(s.path, record.FleetKey(fleet))
	if err == nil && !known {
		locked, err = besideLocked(path)
	}
	if err != nil {
		return holder, false, fmt.Errorf("look who holds the fleet: %w", err)
	}
	if locked {
		holder = holderIn(path)
	}
	return holder, locked, nil
}

// besidePath is the file beside the store that is locked for a fleet.
func (s *Store) besidePath(fleet string) string {
	return s.path + "." + url.PathEscape(fleet) + ".lock"
}

// holderIn is the holder whose name is in the file beside the store; the zero value while it is not written yet.
func holderIn(path string) (holder rollout.Holder) {
	if text, err := os.ReadFile(path); err == nil {
		_ = json.Unmarshal(text, &holder)
	}
	return holder
}

// besideLocked reports whether the file beside the store is locked, by trying.
func besideLocked(path string) (bool, error) {
	f, err := os.OpenFile(path, os.O_RDWR, 0)
	if errors.Is(err, fs.ErrNotExist) {
		return false, nil
	}
	if err != nil {
		return false, err
	}
	taken, err := tryLock(f)
	return !taken, errors.Join(err, f.Close()) // closing unlocks
}

// lockBeside takes the lock on the file beside the store, and writes into it who has it.
func (l *fileLease) lockBeside(fleet string, holder rollout.Holder) error {
	path := l.store.besidePath(fleet)
	f, err := os.OpenFile(path, os.O_CREATE|os.O_RDWR, 0o600)
	if err != nil {
		return fmt.Errorf("lock the fleet: %w", err)
	}
	taken, err := tryLock(f)
	for end := time.Now().Add(lookTime); err == nil && !taken && time.Now().Before(end); taken, err = tryLock(f) {
		time.Sleep(lookTime / 10)
	}
	switch {
	case err != nil:
		return errors.Join(fmt.Errorf("lock the fleet with %s: %w", path, err), f.Close())
	case !taken:
		return errors.Join(&rollout.LockedError{Fleet: fleet, Holder: holderIn(path)}, f.Close())
	}
	l.beside = f
	if err := writeHolder(f, holder); err != nil {
		return fmt.Errorf("lock the fleet with %s: %w", path, err)
	}
	return nil
}

func writeHolder(f *os.File, holder rollout.Holder) error {
	text, err := json.Marshal(holder)
	if err != nil {
		return err
	}
	if err := f.Truncate(0); err != nil {
		return err
	}
	_, err = f.WriteAt(append(text, '\n'), 0)
	return err
}

// lockFile takes the lock on the store's file.
func (l *fileLease) lockFile(fleet string, _ rollout.Holder) (err error) {
	var taken bool
	if l.file, taken, err = lockInode(l.store.path, record.FleetKey(fleet)); err != nil {
		return fmt.Errorf("lock the fleet with %s: %w", l.store.path, err)
	}
	if !taken {
		return &rollout.LockedError{Fleet: fleet}
	}
	return nil
}

// lockNames takes the path by which the store was opened, and the one to which that leads.
func (l *fileLease) lockNames(fleet string, holder rollout.Holder) error {
	paths := []string{l.store.given}
	if l.store.path != l.store.given {
		paths = append(paths, l.store.path)
	}
	_, owner := inode(l.store.file)
	for _, path := range paths {
		key := sha256.Sum256([]byte(path + "\x00" + fleet))
		lock, other, err := lockName(fmt.Sprintf("skein-%x", key), owner, holder)
		switch {
		case err != nil:
			return fmt.Errorf("lock the fleet with the name %s: %w", path, err)
		case other != nil:
			return &rollout.LockedError{Fleet: fleet, Holder: *other}
		}
		l.names = append(l.names, lock)
	}
	return nil
}

// moved is what has become of the file that the store opened; nil while its path still leads to it.
func (s *Store) moved() error {
	now, err := os.Stat(s.given)
	switch {
	case errors.Is(err, fs.ErrNotExist):
		return &rollout.StoreLostError{Path: s.given, What: "was removed, or moved away"}
	case err != nil:
		return &rollout.StoreLostError{Path: s.given, What: "cannot be reached any more: " + err.Error()}
	case !os.SameFile(now, s.file):
		return &rollout.StoreLostError{Path: s.given, What: "was replaced by another file"}
	}
	if _, err := os.Stat(s.path + "-wal"); errors.Is(err, fs.ErrNotExist) && s.journaled.Load() {
		return &rollout.StoreLostError{Path: s.given, What: "has lost its journal " + s.path + "-wal, with what was written last"}
	} else if err == nil {
		s.journaled.Store(true)
	}
	return nil
}

func (l *fileLease) Lost() <-chan struct{} { return l.lost }

// Err looks whether the store is still there.
func (l *fileLease) Err() error { return l.store.moved() }

// watch looks after the store's path.
func (l *fileLease) watch(ctx context.Context) {
	defer close(l.done)
	tick := time.NewTicker(lookEvery)
	defer tick.Stop()
	for {
		select {
		case <-ctx.Done():
			return
		case <-tick.C:
		}
		if l.store.moved() != nil {
			close(l.lost)
			return
		}
	}
}

func (l *fileLease) Release(context.Context) (err error) {
	l.once.Do(func() {
		l.stop()
		<-l.done
		err = l.free()
	})
	return err
}

// free gives back what was taken.
func (l *fileLease) free() error {
	var errs []error
	for _, name := range l.names {
		errs = append(errs, name.close())
	}
	if l.file != nil {
		errs = append(errs, l.file.unlock())
	}
	if l.beside != nil {
		errs = append(errs, l.beside.Truncate(0), l.beside.Close()) // closing unlocks
	}
	return errors.Join(errs...)
}
