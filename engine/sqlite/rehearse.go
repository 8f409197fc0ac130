package sqlite

import (
	"context"
	"errors"
	"fmt"
	"slices"
	"time"

	"github.com/skeindb/skein/engine"
)

// Rehearse implements [engine.Session]: BEGIN IMMEDIATE, the parts one after another with a check of the keys after each,
// ROLLBACK. The file is the same afterwards, byte for byte; in WAL mode there may be -wal and -shm files, as after any
// writer. A transaction that does not fit into the cache writes to the file, and the rollback restores it. A COMMIT may
// have to wait for readers of a file that is not in WAL mode; a rehearsal does not notice that.
//
// foreign_keys cannot be changed within a transaction: parts are tried as long as they need what the first one needs; the
// others are Untried.
func (s *session) Rehearse(ctx context.Context, work engine.Work) (engine.Rehearsal, error) {
	on := enforced(&work.Parts[0])
	alike := slices.IndexFunc(work.Parts, func(p engine.Part) bool { return enforced(&p) != on })
	var rest []engine.Part
	if alike > 0 {
		work.Parts, rest = work.Parts[:alike], work.Parts[alike:]
	}
	if err := s.enforce(ctx, on); err != nil {
		return engine.Rehearsal{}, classify(err)
	}
	r, err := s.rehearse(ctx, &work, false)
	if errors.Is(err, errBroken) { // as in part
		r, err = s.rehearse(ctx, &work, true)
	}
	if err == nil && len(rest) > 0 {
		leave(&r, on, rest)
	}
	return r, err
}

// leave adds parts that are not tried.
func leave(r *engine.Rehearsal, on bool, rest []engine.Part) {
	first := rest[0].Steps[0].Revision
	how := "on"
	if on {
		how = "off"
	}
	r.Why = fmt.Sprintf("revision %s (%s) runs with foreign keys %s, which needs a transaction of its own", first.ID, first.File, how)
	for _, part := range rest {
		r.Untried = append(r.Untried, part.IDs()...)
	}
}

func (s *session) rehearse(ctx context.Context, work *engine.Work, exact bool) (r engine.Rehearsal, err error) {
	defer s.rollback(ctx)
	if err := s.begin(ctx, patience(work, &work.Parts[0])); err != nil {
		return r, classify(err)
	}
	start := time.Now()
	defer func() {
		r.Duration = time.Since(start)
		r.Locks = []engine.LockUse{{Object: "the file", Mode: "write", For: r.Duration}}
	}()
	for i := range work.Parts {
		part := &work.Parts[i]
		n, err := s.run(ctx, work, part, &keys{conn: s.conn, exact: exact})
		r.Steps = append(r.Steps, part.IDs()[:n]...)
		if err != nil {
			return r, classify(err)
		}
	}
	if err := s.conn.here(); err != nil {
		return r, classify(err)
	}
	return r, nil
}
