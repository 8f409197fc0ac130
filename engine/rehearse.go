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
// With an error, Steps are those that ran whole before it, Locks and Duration those of the transaction until then,
// as far as they are known, and Untried is empty.
type Rehearsal struct {
	Steps    []string      // ids of the steps that ran and were rolled back, in order
	Untried  []string      // ids of those that were not run, in order: the first that cannot be tried in a transaction, and all after it
	Why      string        // why there are untried ones, with revision and file; "" when there are none
	Locks    []LockUse     // taken by the bodies, the longest held first; those of skein's own tables are left out
	Duration time.Duration // of the transaction, by the clock of whoever ran it
	Notices  []Notice      // the last that servers gave, in order: at most NoticesKept
}

// LockUse is a lock that a transaction had on something that was there before it.
//
// A lock that says nothing beside another is left out: a weaker one on the same table that was not held for longer,
// and so those of a table's indexes.
type LockUse struct {
	Object string        // "orders", schema-qualified where it is not the tenant's own; "the file" for SQLite
	Mode   string        // PostgreSQL's word, such as AccessExclusiveLock; "write" for SQLite
	For    time.Duration // from when it was got to the end of the transaction, rounded up to the end of the statement before
}

// Rehearse does what Upgrade would, in one transaction, and rolls it back: nothing is changed in the tenant, and
// neither are there tables of skein's where there were none. Sequences that the bodies draw from go on all the
// same, as ever in PostgreSQL.
//
// The tenant's lock is taken as always, and a tenant that does not stand where the plan begins is Stale, also one
// that stands at a later part of it. Parts of a chain that are transactions of their own are tried within the one,
// with what a commit would check between them; what cannot be tried in it is Untried, and no error. Of a plan that
// begins with such a part, nothing is run, and only the lock and the standing are looked at.
//
// The errors are those of Upgrade, and a lost connection is Connection: there is nothing to settle. It may be called
// for the same job again, and for several tenants at once.
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

// rehearsable returns how many parts there are that one transaction can try: those before the first that is outside of
// any, or that needs one of another isolation level, which only the beginning of a transaction can have.
func rehearsable(parts []Part) int {
	n := transactional(parts)
	for i := 1; i < n; i++ {
		if parts[i].Isolation() != parts[0].Isolation() {
			return i
		}
	}
	return n
}

// withNotRehearsed adds parts of which the first is outside a transaction, or needs one of its own.
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

// checkStanding fails unless the tenant's lock is to be had and the tenant stands where the plan begins. It waits for
// the lock as long as a statement would.
func (r *run) checkStanding(ctx context.Context) error {
	bounded, cancel := context.WithTimeout(ctx, cmp.Or(r.engine.lockTimeout(r.job.Attempt), r.engine.cfg.SettleTimeout))
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
