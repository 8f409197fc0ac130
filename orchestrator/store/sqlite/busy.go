package sqlite

import (
	"context"
	"errors"
	"time"

	"github.com/skeindb/skein/orchestrator/store/internal/record"
)

const (
	// busyTimeout is how long SQLite itself waits for a lock of another process before it says that it is
	// busy. It looks again up to ten times a second, and no longer when the context ends.
	busyTimeout = 5 * time.Second

	busyWait = 25 * time.Millisecond // before another try where SQLite did not wait at all
)

// rideOutBusy runs try, and again while another process has the file, for as long as the context of a call
// allows, at most BusyTime. Mostly SQLite waits by itself; but of some locks, such as those for the change to WAL
// and for the recovery after a crash, it may say at once that they are taken.
func rideOutBusy(ctx context.Context, try func() error) error {
	end := time.Now().Add(record.BusyTime)
	for {
		err := try()
		if !busy(err) || ctx.Err() != nil || time.Now().Add(busyWait).After(end) {
			return err
		}
		select {
		case <-ctx.Done():
			return err
		case <-time.After(busyWait):
		}
	}
}

// busy reports whether an error says that another connection has a lock.
func busy(err error) bool {
	const code = 5 // SQLITE_BUSY; what is above the lowest byte says more closely why
	e, ok := errors.AsType[interface {
		error
		Code() int
	}](err)
	return ok && e.Code()&0xff == code
}
