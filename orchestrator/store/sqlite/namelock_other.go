//go:build !linux

package sqlite

import "github.com/skeindb/skein/orchestrator/rollout"

// nameLock is none: this system has no names that end with their process.
type nameLock struct{}

func lockName(string, int, rollout.Holder) (*nameLock, *rollout.Holder, error) {
	return nil, nil, nil
}

func (*nameLock) close() error { return nil }
