package sqlite

import (
	"context"
	"crypto/sha256"
	"encoding/hex"
	"errors"
	"fmt"
	"slices"
	"strings"
	"time"

	"github.com/skeindb/skein/engine"
	"github.com/skeindb/skein/engine/revision"
)

// ApplyNoTx implements [engine.Session]: each statement is committed by itself.
//
// VACUUM, and the PRAGMAs that change the layout of the file, run outside any transaction. SQLite has no lock that
// outlives a transaction, so none is held while one runs. That is safe: these statements can be repeated and change no
// content, and each line of the journal and the version row are written under the tenant's lock, if Part.Before is still
// applied. Of two calls at the same time one writes the row; the other is Stale. Every other statement shares a
// transaction with its line in the journal, so that it runs once.
//
// A later call leaves out the statements that the journal lists, and repeats the PRAGMAs: page_size and auto_vacuum hold
// for one connection until its next VACUUM.
func (s *session) ApplyNoTx(ctx context.Context, work engine.Work) error {
	part := &work.Parts[0]
	step := part.Steps[0]
	statements := work.Statements(step)
	start := time.Now()
	j := &journal{session: s, part: part, step: step, patience: patience(&work, part), of: work.Of}
	j.changes = slices.ContainsFunc(statements, func(stmt revision.Statement) bool { return !layout(stmt) })
	if err := s.enforce(ctx, options(step).ForeignKeys); err != nil {
		return classify(err)
	}
	defer func() { _ = s.enforce(context.WithoutCancel(ctx), false) }() // a body's PRAGMA may have changed it, too
	if err := j.open(ctx); err != nil {
		return err
	}
	for i, stmt := range statements {
		done, err := j.isDone(i, stmt)
		if err != nil {
			return at(err, step, i+1, stmt)
		}
		if done {
			continue
		}
		if err := j.run(ctx, i, stmt, statementLimit(&work, step)); err != nil {
			return err
		}
	}
	return j.finish(ctx, &work, time.Since(start))
}

// layout reports whether SQLite refuses or ignores the statement inside a transaction.
func layout(stmt revision.Statement) bool {
	v := verb(stmt.Text)
	return v == "VACUUM" || v == "PRAGMA"
}

// verb is the first word of a statement in capitals.
func verb(text string) string {
	word := strings.FieldsFunc(text, func(r rune) bool {
		return (r < 'a' || r > 'z') && (r < 'A' || r > 'Z')
	})
	if len(word) == 0 {
		return text
	}
	return strings.ToUpper(word[0])
}

// journal records in the tenant which statements of a no-transaction section have run, in a table that exists only until
// the section is complete.
type journal struct {
	session  *session
	part     *engine.Part
	step     engine.Step
	of       string // see engine.Work
	patience time.Duration
	done     map[int]string // hashes of the statements that are done, by their index in the section
	changes  bool           // the section has statements that may break foreign keys
	before   *orphans       // rows without their parent before the first statement; nil = there were none
}

func (j *journal) table() string {
	return "main." + quote(j.session.db.table.steps())
}

// noting runs body under the tenant's lock, if Part.Before is still applied.
func (j *journal) noting(ctx context.Context, body func(*conn) error) error {
	s := j.session
	return s.locked(ctx, j.patience, func() error {
		if err := s.db.table.expect(ctx, s.conn, j.part, j.of); err != nil {
			return err
		}
		return body(s.conn)
	})
}

// open creates the tables and reads which statements an earlier call ran.
func (j *journal) open(ctx context.Context) error {
	j.done = map[int]string{}
	return j.noting(ctx, func(c *conn) error {
		if err := j.session.db.table.create(ctx, c); err != nil {
			return err
		}
		if err := c.exec(ctx, `CREATE TABLE IF NOT EXISTS `+j.table()+` (
  revision   text NOT NULL,
  direction  text NOT NULL,
  step       integer NOT NULL,
  hash       text NOT NULL,
  started_at text NOT NULL,
  done_at    text,
  PRIMARY KEY (revision, direction, step)
) WITHOUT ROWID`); err != nil {
			return err
		}
		if err := c.query(ctx, func(scan func(...any) error) error {
			var i int
			var hash string
			err := scan(&i, &hash)
			j.done[i] = hash
			return err
		}, `SELECT step, hash FROM `+j.table()+` WHERE revision = ? AND direction = ? AND done_at IS NOT NULL AND step >= ?`,
			j.step.Revision.ID, j.step.Direction, keysStep); err != nil {
			return err
		}
		return j.keysBefore(ctx, c)
	})
}

// keysStep is the line of the journal that says whether the file had rows without their parent before the first
// statement. Those rows are the lines below it.
const (
	keysStep   = -1
	keysWhole  = "foreign keys whole"
	keysBroken = "foreign keys broken"
)

// keysBefore records which rows have no parent before the first statement. A call that resumes after another was cut off
// reads them from the journal; earlier versions of skein recorded only that there were some: then it takes those that it
// finds.
func (j *journal) keysBefore(ctx context.Context, c *conn) (err error) {
	was := j.done[keysStep]
	if !j.changes || was == keysWhole {
		return nil
	}
	if refs, noted := strings.CutPrefix(was, keysBroken+" "); noted {
		j.before, err = j.notedOrphans(ctx, c, refs)
		return err
	}
	state := keysWhole
	switch err := unbroken(ctx, c); {
	case errors.Is(err, errBroken):
		if j.before, err = findOrphans(ctx, c, beforeTable); err != nil {
			return err
		}
		state = keysBroken + " " + j.before.references()
	case err != nil:
		return err
	}
	if was != "" {
		return nil
	}
	if err := j.noteOrphans(ctx, c); err != nil {
		return err
	}
	return c.exec(ctx, `INSERT INTO `+j.table()+` (revision, direction, step, hash, started_at, done_at)
VALUES (?, ?, ?, ?, strftime('%Y-%m-%dT%H:%M:%fZ', 'now'), strftime('%Y-%m-%dT%H:%M:%fZ', 'now'))`, j.step.Revision.ID, j.step.Direction, keysStep, state)
}

// keysHold fails if the statements left rows without their parent that had one before.
func (j *journal) keysHold(ctx context.Context, c *conn) (err error) {
	if !j.changes {
		return nil
	}
	if err := unbroken(ctx, c); !errors.Is(err, errBroken) {
		return err
	}
	if j.before == nil {
		if j.before, err = noOrphans(ctx, c, beforeTable); err != nil {
			return err
		}
	}
	after, err := findOrphans(ctx, c, afterTable)
	if err != nil {
		return err
	}
	worse, err := after.beyond(ctx, c, j.before)
	if err != nil {
		return err
	}
	ref, found := firstOf(worse)
	if !found {
		return forgetOrphans(ctx, c)
	}
	e := *classify(ref.fault(worse[ref], false))
	if ref.defect == "" {
		e.Advice = fmt.Sprintf("the statements of the section have run, each by itself: give those rows their parents or delete them, then resume, which runs none of them again; list them with PRAGMA foreign_key_check(%s)", quote(ref.table))
	}
	return at(&e, j.step, 0, revision.Statement{Line: j.step.Revision.Section(j.step.Direction).Line})
}

// isDone reports whether a statement need not run again. A VACUUM that was edited since has not run; any other
// statement must not have been edited.
func (j *journal) isDone(i int, stmt revision.Statement) (bool, error) {
	was, ran := j.done[i]
	switch v := verb(stmt.Text); {
	case !ran || v == "PRAGMA":
		return false, nil
	case was == hash(stmt):
		return true, nil
	case v == "VACUUM":
		return false, nil
	}
	return false, &engine.Error{
		Class:   engine.Checksum,
		Message: fmt.Sprintf("statement %d ran already, but with another text than the file has now", i+1),
		Advice: fmt.Sprintf("restore the text; or, once you have repaired the tenant by hand, DELETE FROM %s WHERE revision = '%s' AND step = %d",
			j.session.db.table.name+"_steps", j.step.Revision.ID, i),
	}
}

func (j *journal) run(ctx context.Context, i int, stmt revision.Statement, limit time.Duration) error {
	c := j.session.conn
	if !layout(stmt) {
		return j.inside(ctx, i, stmt, limit)
	}
	err := j.noting(ctx, func(c *conn) error {
		return c.exec(ctx, `INSERT OR REPLACE INTO `+j.table()+` (revision, direction, step, hash, started_at)
VALUES (?, ?, ?, ?, strftime('%Y-%m-%dT%H:%M:%fZ', 'now'))`, j.step.Revision.ID, j.step.Direction, i, hash(stmt))
	})
	if err != nil {
		return err
	}
	if err := c.patience(ctx, j.patience); err != nil {
		return classify(err)
	}
	if err := j.session.statement(ctx, limit, stmt.Text); err != nil {
		return at(err, j.step, i+1, stmt)
	}
	return j.noting(ctx, func(c *conn) error {
		return c.exec(ctx, `UPDATE `+j.table()+` SET done_at = strftime('%Y-%m-%dT%H:%M:%fZ', 'now')
WHERE revision = ? AND direction = ? AND step = ?`, j.step.Revision.ID, j.step.Direction, i)
	})
}

// inside runs a statement in one transaction with its line in the journal.
func (j *journal) inside(ctx context.Context, i int, stmt revision.Statement, limit time.Duration) error {
	return j.noting(ctx, func(c *conn) error {
		if err := j.session.statement(ctx, limit, stmt.Text); err != nil {
			return at(err, j.step, i+1, stmt)
		}
		return c.exec(ctx, `INSERT INTO `+j.table()+` (revision, direction, step, hash, started_at, done_at)
VALUES (?, ?, ?, ?, strftime('%Y-%m-%dT%H:%M:%fZ', 'now'), strftime('%Y-%m-%dT%H:%M:%fZ', 'now'))`, j.step.Revision.ID, j.step.Direction, i, hash(stmt))
	})
}

// finish writes or deletes the version row of the revision, and deletes its lines in the journal.
func (j *journal) finish(ctx context.Context, work *engine.Work, took time.Duration) error {
	return j.noting(ctx, func(c *conn) error {
		if err := j.keysHold(ctx, c); err != nil {
			return err
		}
		if err := j.session.db.table.note(ctx, c, work, j.step, took); err != nil {
			return err
		}
		if err := j.session.db.table.holds(ctx, c, j.part); err != nil {
			return err
		}
		return j.session.db.table.forget(ctx, c, j.part)
	})
}

func hash(stmt revision.Statement) string {
	sum := sha256.Sum256([]byte(stmt.Text))
	return hex.EncodeToString(sum[:])
}
