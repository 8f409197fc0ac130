package sqlite

import (
	"context"
	"errors"
	"time"

	"github.com/skeindb/skein/engine"
)

// Rehearse implements [engine.Session]: BEGIN IMMEDIATE, the parts one after the other with a look at the keys after
// each, ROLLBACK. The file holds what it held before, byte for byte; in WAL mode -wal and -shm may be there
// afterwards, as after any writer. A transaction that does not fit into the cache writes to the file, and the
// rollback takes that back. What a COMMIT would have to wait for, readers of a file that is not in WAL mode, is not
// seen.
func (s *session) Rehearse(ctx context.Context, work engine.Work) (engine.Rehearsal, error) {
	r, err := s.rehearse(ctx, &work, false)
	if errors.Is(err, errBroken) { // as in part
		r, err = s.rehearse(ctx, &work, true)
	}
	return r, err
}

func (s *session) rehearse(ctx context.Context, work *engine.Work, exact bool) (r engine.Rehearsal, err error) {
	defer s.rollback(ctx)
	if err := s.begin(ctx, patience(work, &work.Parts[0])); err != nil {
		return r, classify(err)
	}
	start := time.Now()
	defer func() {
		r.Duration = time.Since(start)
		r.Locks = []engine.Held{{Object: "the file", Mode: "write", For: r.Duration}}
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
