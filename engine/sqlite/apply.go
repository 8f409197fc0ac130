package sqlite

import (
	"context"
	"errors"
	"time"

	"github.com/skeindb/skein/engine"
)

// Apply implements [engine.Session]. Since a commit is known to have happened or not unless the disk
// fails in it, only that is Uncertain.
func (s *session) Apply(ctx context.Context, work engine.Work) (committed int, err error) {
	for i := range work.Parts {
		if err := s.part(ctx, &work, &work.Parts[i]); err != nil {
			return i, err
		}
	}
	return len(work.Parts), nil
}

// part applies one part. Where keys are broken at its end it runs again from the start, this time with a
// look at the keys before it: only files that had such rows, and bodies that make some, pay for that.
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

// enforced reports whether foreign keys are on in a part: `-- upgrade: foreign-keys`, which has it for itself.
func enforced(part *engine.Part) bool { return options(part.Steps[0]).ForeignKeys }

func (s *session) transact(ctx context.Context, work *engine.Work, part *engine.Part, keys *keys) error {
	return s.locked(ctx, patience(work, part), func() error {
		_, err := s.run(ctx, work, part, keys)
		return err
	})
}

// run does what a part does between BEGIN and COMMIT. It returns how many steps ran whole.
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

// step runs the body of one revision and notes that it is applied, or no longer.
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
