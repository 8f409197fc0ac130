package state

import (
	"context"
	"encoding/json"
	"errors"
	"fmt"
	"net/url"
	"os"
	"sync"

	"github.com/skeindb/skein/orchestrator"
)

// Lock implements orchestrator.Store: an OS lock on a file beside the store, one a fleet, in which the
// holder writes who it is. The kernel drops the lock with the process, however that dies; what is written
// in the file says nothing by itself. The file is never removed, since a process that waits at a removed
// one would hold a lock that nobody else sees.
func (s *SQLite) Lock(_ context.Context, fleet string, holder orchestrator.Holder) (orchestrator.Lease, error) {
	path := s.path + "." + url.PathEscape(fleet) + ".lock"
	f, err := os.OpenFile(path, os.O_CREATE|os.O_RDWR, 0o600)
	if err != nil {
		return nil, fmt.Errorf("lock the fleet: %w", err)
	}
	taken, err := tryLock(f)
	switch {
	case err != nil:
		return nil, errors.Join(fmt.Errorf("lock the fleet with %s: %w", path, err), f.Close())
	case !taken:
		held := &orchestrator.HeldError{Fleet: fleet}
		if text, err := os.ReadFile(path); err == nil {
			_ = json.Unmarshal(text, &held.Holder) // it may be writing just now; then its name is not known
		}
		return nil, errors.Join(held, f.Close())
	}
	if err := record(f, holder); err != nil {
		return nil, errors.Join(fmt.Errorf("lock the fleet with %s: %w", path, err), f.Close())
	}
	return &fileLease{f: f}, nil
}

func record(f *os.File, holder orchestrator.Holder) error {
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

// fileLease is a lock that only its process can lose.
type fileLease struct {
	mu sync.Mutex
	f  *os.File // nil when released
}

func (l *fileLease) Lost() <-chan struct{} { return nil }

func (l *fileLease) Release(context.Context) error {
	l.mu.Lock()
	defer l.mu.Unlock()
	if l.f == nil {
		return nil
	}
	err := errors.Join(l.f.Truncate(0), l.f.Close()) // closing unlocks
	l.f = nil
	return err
}
