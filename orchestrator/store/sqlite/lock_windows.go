package sqlite

import (
	"errors"
	"os"

	"golang.org/x/sys/windows"
)

// beyond is where the locked byte is. A lock on Windows keeps others from reading what is locked, and the
// holder's name at the beginning of the file shall be read.
const beyond = 1 << 30

// tryLock takes the lock on the open file, and reports whether it was free.
func tryLock(f *os.File) (bool, error) {
	at := &windows.Overlapped{Offset: beyond}
	err := windows.LockFileEx(windows.Handle(f.Fd()), windows.LOCKFILE_EXCLUSIVE_LOCK|windows.LOCKFILE_FAIL_IMMEDIATELY, 0, 1, 0, at)
	if errors.Is(err, windows.ERROR_LOCK_VIOLATION) {
		return false, nil
	}
	return err == nil, err
}
