package engine

import (
	"context"
	"time"
)

// Rehearsal is what a rehearsed job did, and what it could not try.
type Rehearsal struct {
	Steps    []string      // ids of the steps that ran and were rolled back, in order
	Untried  []string      // ids of those that were not run, in order: the first that is outside a transaction, and all after it
	Why      string        // why there are untried ones; "" when there are none
	Locks    []Held        // taken by the bodies, the longest held first; those of skein's own table are left out
	Duration time.Duration // of the transaction
}

// Held is a lock that a transaction had on something in its tenant.
type Held struct {
	Object string        // "orders", schema-qualified where it is not the tenant's own; "the file" for SQLite
	Mode   string        // PostgreSQL's word, such as AccessExclusiveLock; "write" for SQLite
	For    time.Duration // from when it was got to the end of the transaction, rounded up to the end of the statement before
}

// Rehearse does what Upgrade would, in one transaction, and rolls it back. The tenant's lock is taken as
// always. Parts of a chain that are transactions of their own are tried within the one; what cannot be tried
// in it is Untried, and no error. The errors are those of Upgrade. Sequences that the bodies draw from go on.
func (e *Engine) Rehearse(ctx context.Context, job Job) (Rehearsal, error) {
	panic("not built")
}
