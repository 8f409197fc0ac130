package sqlite

import (
	"context"
	"errors"
	"time"

	"github.com/skeindb/skein/engine"
	"github.com/skeindb/skein/engine/revision"
	"github.com/skeindb/skein/engine/text"
)

// session is one open file. It is used by one goroutine.
type session struct {
	conn   *conn
	db     *DB
	closed bool
}

var _ engine.Session = (*session)(nil)

// Close implements [engine.Session]. It may be called again.
func (s *session) Close() {
	if s.closed {
		return
	}
	s.closed = true
	s.conn.close()
	s.db.leave()
}

// statement runs one statement of a body for at most limit; 0 = no limit.
func (s *session) statement(ctx context.Context, limit time.Duration, text string) error {
	if limit <= 0 {
		return s.conn.exec(ctx, text)
	}
	bounded, cancel := context.WithTimeoutCause(ctx, limit, errTooLong)
	defer cancel()
	err := s.conn.exec(bounded, text)
	if err != nil && errors.Is(context.Cause(bounded), errTooLong) && errors.Is(err, context.DeadlineExceeded) {
		return &engine.Error{
			Class:   engine.Timeout,
			Message: "the statement was interrupted after " + limit.String() + ", its statement_timeout",
			Advice:  "give the section more time: -- upgrade: statement_timeout=...",
			Err:     err,
		}
	}
	return err
}

// enforce turns foreign keys on or off. Inside a transaction it does nothing.
func (s *session) enforce(ctx context.Context, on bool) error {
	if on {
		return s.conn.exec(ctx, "PRAGMA foreign_keys = 1")
	}
	return s.conn.exec(ctx, "PRAGMA foreign_keys = 0")
}

var errTooLong = errors.New("statement timeout")

// options returns the options of a step's section; none for a stamp, which runs no body.
func options(step engine.Step) revision.Options {
	if step.Stamp {
		return revision.Options{}
	}
	return step.Revision.Section(step.Direction).Options
}

// statementLimit is how long a statement of a step may take; 0 = no limit.
func statementLimit(work *engine.Work, step engine.Step) time.Duration {
	if d := options(step).StatementTimeout; d != nil {
		return *d
	}
	return work.StatementTimeout
}

// patience is how long a part waits for the lock: the longest time of its steps, 0 = without limit.
func patience(work *engine.Work, part *engine.Part) time.Duration {
	var most time.Duration
	for _, step := range part.Steps {
		d := work.LockTimeout
		if own := options(step).LockTimeout; own != nil {
			d = *own
		}
		if d <= 0 {
			return 0
		}
		most = max(most, d)
	}
	return most
}

// at adds the statement and revision in which err happened; number counts from 1, 0 = unknown.
func at(err error, step engine.Step, number int, stmt revision.Statement) error {
	e := *classify(err)
	e.Revision, e.File = step.Revision.ID, step.Revision.File
	e.Line, e.Col = stmt.Line, stmt.Col
	e.Number, e.Statement = number, text.Cut(stmt.Text, statementShown)
	return &e
}

// statementShown is how much of a statement an error shows, in bytes, the mark of a cut included.
const statementShown = 203
