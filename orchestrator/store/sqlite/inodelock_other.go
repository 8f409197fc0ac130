//go:build !linux

package sqlite

// fileLock is none: where locks on a file cannot be told from those of SQLite, the one beside the store has to do.
type fileLock struct{}

func lockInode(string, int64) (lock *fileLock, taken bool, err error) { return nil, true, nil }

// inodeLocked knows nothing.
func inodeLocked(string, int64) (locked, known bool, err error) { return false, false, nil }

func (*fileLock) unlock() error { return nil }
