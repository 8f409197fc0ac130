package sqlite

import (
	"errors"
	"math"
	"os"
	"sync"

	"golang.org/x/sys/unix"
)

// fileLock is the lock on one byte of a store's file, far beyond what SQLite writes or locks.
//
// It is an open file description lock. Unlike those that SQLite takes it belongs to the descriptor and not to the
// process. But closing any descriptor of a file drops what SQLite has locked there in this process; therefore the
// descriptor is never closed, only used again.
type fileLock struct {
	f  *os.File
	at int64
}

// idle are descriptors that have no lock at present.
var idle struct {
	sync.Mutex
	files []*os.File
}

// lockInode takes the lock on the file to which a path leads now, and reports whether it was free. Different
// keys are different locks.
func lockInode(path string, key int64) (lock *fileLock, taken bool, err error) {
	f, err := descriptor(path)
	if err != nil {
		return nil, false, err
	}
	lock = &fileLock{f: f, at: 1<<62 + key&math.MaxInt64>>2}
	switch err := lock.set(unix.F_WRLCK); {
	case errors.Is(err, unix.EAGAIN), errors.Is(err, unix.EACCES):
		lock.park()
		return nil, false, nil
	case errors.Is(err, unix.EINVAL), errors.Is(err, unix.ENOTSUP), errors.Is(err, unix.EOVERFLOW): // a system or a file system without such locks
		lock.park()
		return nil, true, nil
	case err != nil:
		lock.park()
		return nil, false, err
	}
	return lock, true, nil
}

// inodeLocked reports whether another descriptor, of this process or another, has the lock of a key on the file to which a
// path leads. known is false where the file system has no such locks.
func inodeLocked(path string, key int64) (locked, known bool, err error) {
	f, err := descriptor(path)
	if err != nil {
		return false, false, err
	}
	lock := &fileLock{f: f, at: 1<<62 + key&math.MaxInt64>>2}
	defer lock.park()
	found := &unix.Flock_t{Type: unix.F_WRLCK, Start: lock.at, Len: 1}
	switch err := unix.FcntlFlock(f.Fd(), unix.F_OFD_GETLK, found); {
	case errors.Is(err, unix.EINVAL), errors.Is(err, unix.ENOTSUP), errors.Is(err, unix.EOVERFLOW):
		return false, false, nil
	case err != nil:
		return false, false, err
	}
	return found.Type != unix.F_UNLCK, true, nil
}

// descriptor returns an idle descriptor of a file, else a new one.
func descriptor(path string) (*os.File, error) {
	want, err := os.Stat(path)
	if err != nil {
		return nil, err
	}
	idle.Lock()
	defer idle.Unlock()
	for i, f := range idle.files {
		if is, err := f.Stat(); err == nil && os.SameFile(is, want) {
			idle.files = append(idle.files[:i], idle.files[i+1:]...)
			return f, nil
		}
	}
	return os.OpenFile(path, os.O_RDWR, 0)
}

func (l *fileLock) set(kind int16) error {
	return unix.FcntlFlock(l.f.Fd(), unix.F_OFD_SETLK, &unix.Flock_t{Type: kind, Start: l.at, Len: 1})
}

// park keeps the descriptor for another lock.
func (l *fileLock) park() {
	idle.Lock()
	defer idle.Unlock()
	idle.files = append(idle.files, l.f)
}

func (l *fileLock) unlock() error {
	err := l.set(unix.F_UNLCK)
	l.park()
	return err
}
