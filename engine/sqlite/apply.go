package sqlite

import (
	"context"
	"errors"
	"time"

	"github.com/skeindb/skein/engine"
)

// Apply implements [engine.Session]. It is known whether a commit has happened, unless the disk fails during it: only then
// is the error Uncertain.
func (s *session) Apply(ctx context.Context, work engine.Work) (committed int, err error) {
	for i := range work.Parts {
		if err := s.part(ctx, &work, &work.Parts[i]); err != nil {
			return i, err
		}
	}
	return len(work.Parts), nil
}

// part applies one part. If keys are broken at its end, it runs again from the start, this time with the broken keys
// recorded before it: only files with such rows, and bodies that add some, pay for that.
func (s *session) part(ctx context.Context, work *engine.Work, part *engine.Part) error {
	if err := s.enforce(ctx, enforced(part)); err != nil {
		return classify(err)
	}
	err := s.transact(ctx, work, part, &keys{conn: s.conn})
	if errors.Is(err, errBroken) {
		err = s.transact(ctx, work, part, &keys{conn: s.conn, exact: true})
	}
	return err
}

// enforced reports whether foreign keys are on in a part: `-- upgrade: foreign-keys`. Such a section is a part of its own.
func enforced(part *engine.Part) bool { return options(part.Steps[0]).ForeignKeys }

func (s *session) transact(ctx context.Context, work *engine.Work, part *engine.Part, keys *keys) error {
	return s.locked(ctx, patience(work, part), func() error {
		_, err := s.run(ctx, work, part, keys)
		return err
	})
}

// run executes a part between BEGIN and COMMIT. It returns how many steps were completed.
func (s *session) run(ctx context.Context, work *engine.Work, part *engine.Part, keys *keys) (n int, err error) {
	if err := s.db.table.expect(ctx, s.conn, part, work.Of); err != nil {
		return 0, err
	}
	if err := s.db.table.create(ctx, s.conn); err != nil {
		return 0, err
	}
	if err := keys.begin(ctx); err != nil {
		return 0, err
	}
	for n, step := range part.Steps {
		if err := s.step(ctx, work, step); err != nil {
			return n, err
		}
		if err := keys.ran(ctx, step); err != nil {
			return n, err
		}
	}
	if err := keys.hold(ctx); err != nil {
		return len(part.Steps), err
	}
	if err := s.db.table.holds(ctx, s.conn, part); err != nil {
		return len(part.Steps), err
	}
	return len(part.Steps), s.db.table.forget(ctx, s.conn, part)
}

// step runs the body of one revision and writes or deletes its version row.
func (s *session) step(ctx context.Context, work *engine.Work, step engine.Step) error {
	start := time.Now()
	limit := statementLimit(work, step)
	for n, stmt := range work.Statements(step) {
		if err := s.statement(ctx, limit, stmt.Text); err != nil {
			return at(err, step, n+1, stmt)
		}
	}
	return s.db.table.note(ctx, s.conn, work, step, time.Since(start))
}
