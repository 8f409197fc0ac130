//go:build !linux

package sqlite

// fileLock is none: here locks on a file cannot be distinguished from those of SQLite, and the lock beside the store is used alone.
type fileLock struct{}

func lockInode(string, int64) (lock *fileLock, taken bool, err error) { return nil, true, nil }

// inodeLocked knows nothing.
func inodeLocked(string, int64) (locked, known bool, err error) { return false, false, nil }

func (*fileLock) unlock() error { return nil }
