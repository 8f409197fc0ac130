package engine

import (
	"cmp"
	"context"
	"fmt"
	"slices"
	"time"
)

// Rehearsal is what a rehearsed job did, and what it could not try.
//
// After an error, Steps are those that finished before it, Locks and Duration those of the transaction until then, as far as
// they are known, and Untried is empty.
type Rehearsal struct {
	Steps    []string      // ids of the steps that ran and were rolled back, in order
	Untried  []string      // ids of the steps that did not run, in order: the first that cannot be tried in the transaction, and all after it
	Why      string        // why Untried is not empty, with revision and file; else ""
	Locks    []LockUse     // that the bodies took, the longest held first, without those on skein's own tables
	Duration time.Duration // of the transaction; on PostgreSQL by the server's clock
	Notices  []Notice      // the last ones of the server, in order; at most NoticesKept
}

// LockUse is a lock that a transaction had on an object that existed before it.
//
// Locks that are implied by another are left out: a weaker one on the same table or its indexes that was not held for longer.
type LockUse struct {
	Object string        // "orders", schema-qualified where it is not the tenant's own; "the file" for SQLite
	Mode   string        // PostgreSQL's word, such as AccessExclusiveLock; "write" for SQLite
	For    time.Duration // until the end of the transaction, counted from the end of the statement before the one that took it
}

// Rehearse does what Apply would, in one transaction, and rolls it back: the tenant is unchanged, and has no new tables of
// skein's. Only sequences keep the values that the bodies drew, as in any PostgreSQL rollback.
//
// The tenant's lock is taken as usual, and a tenant that does not stand where the plan begins is Stale, also one that stands
// at a later part of it. Parts that would be transactions of their own are tried in the one transaction, with the checks of
// a commit between them; what cannot be tried in it is Untried, and no error. Of a plan that begins with such a part nothing
// runs: only the lock and where the tenant stands are checked.
//
// The errors are those of Apply; a lost connection is Connection, as nothing can be in doubt. It may be called again for the
// same job, and for several tenants at once.
func (e *Engine) Rehearse(ctx context.Context, job Job) (Rehearsal, error) {
	r, err := e.prepare(job)
	if err != nil || len(job.Plan.Parts) == 0 {
		return Rehearsal{}, err
	}
	defer r.close()
	if err := r.open(ctx); err != nil {
		return Rehearsal{}, err
	}
	parts := r.job.Plan.Parts
	n := rehearsable(parts)
	var tried Rehearsal
	if n == 0 {
		err = r.checkStanding(ctx)
	} else {
		tried, err = r.sess.Rehearse(ctx, r.work(parts[:n]))
		tried.Notices = r.result.Notices
	}
	if err != nil {
		return tried, err
	}
	return withNotRehearsed(tried, parts[n:]), nil
}

// rehearsable returns how many parts one transaction can try: those before the first that runs outside a transaction, or needs
// another isolation level, which can only be set at the beginning.
func rehearsable(parts []Part) int {
	n := transactional(parts)
	for i := 1; i < n; i++ {
		if parts[i].Isolation() != parts[0].Isolation() {
			return i
		}
	}
	return n
}

// withNotRehearsed adds parts that one transaction cannot try, and the reason of the first.
func withNotRehearsed(r Rehearsal, parts []Part) Rehearsal {
	if len(parts) > 0 && r.Why == "" {
		first := parts[0].Steps[0].Revision
		if parts[0].NoTx {
			r.Why = fmt.Sprintf("revision %s (%s) runs outside a transaction, so that it and what follows cannot be rolled back", first.ID, first.File)
		} else {
			r.Why = fmt.Sprintf("revision %s (%s) needs a transaction of isolation level %s, so that what comes before it has to be committed", first.ID, first.File, cmp.Or(string(parts[0].Isolation()), "read-committed"))
		}
	}
	for _, part := range parts {
		r.Untried = append(r.Untried, part.IDs()...)
	}
	return r
}

// checkStanding fails unless the tenant's lock is free and the tenant stands where the plan begins. It waits for the lock as
// long as a statement would.
func (r *run) checkStanding(ctx context.Context) error {
	bounded, cancel := context.WithTimeout(ctx, cmp.Or(r.engine.lockTimeout(r.job.Attempt), r.engine.cfg.ResolveTimeout))
	defer cancel()
	applied, mark, err := r.sess.ResolveInDoubt(bounded)
	if err != nil {
		return err
	}
	if err := r.sameSchema(mark); err != nil {
		return err
	}
	if have := applied.IDs(); !slices.Equal(have, r.job.Plan.Parts[0].Before) {
		return r.stale(nil, have)
	}
	return nil
}
