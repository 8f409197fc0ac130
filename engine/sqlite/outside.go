package sqlite

import (
	"context"
	"crypto/sha256"
	"encoding/hex"
	"fmt"
	"strings"
	"time"

	"github.com/skeindb/skein/engine"
	"github.com/skeindb/skein/engine/revision"
)

// ApplyOutside implements [engine.Session] for what SQLite refuses in a transaction: VACUUM, and the
// PRAGMAs that change how the file is laid out. Every other statement is refused before anything runs.
//
// SQLite has no lock that outlives a transaction, so none is held while a statement runs. That is safe,
// as these statements can be repeated and change no content, and as every note in the journal and the row
// at the end are made under the tenant's lock by somebody who still finds Part.Before there. Of two who
// work at once one writes the row, and the other is Stale.
//
// A later call leaves out every VACUUM that the journal says is done, and repeats the PRAGMAs: page_size
// and auto_vacuum are wishes of one connection, which its next VACUUM fulfils.
func (s *session) ApplyOutside(ctx context.Context, work engine.Work) error {
	part := &work.Parts[0]
	step := part.Steps[0]
	statements := work.Statements(step)
	if err := onlyOutside(step, statements); err != nil {
		return err
	}
	start := time.Now()
	j := &journal{session: s, part: part, step: step, patience: patience(&work, part), of: work.Of}
	if err := j.open(ctx); err != nil {
		return err
	}
	for i, stmt := range statements {
		if j.isDone(i, stmt) {
			continue
		}
		if err := j.run(ctx, i, stmt, statementLimit(&work, step)); err != nil {
			return err
		}
	}
	return j.finish(ctx, &work, time.Since(start))
}

// onlyOutside refuses what belongs into a transaction.
func onlyOutside(step engine.Step, statements []revision.Statement) error {
	for _, stmt := range statements {
		if verb := verb(stmt.Text); verb != "VACUUM" && verb != "PRAGMA" {
			return at(&engine.Error{
				Class:   engine.Revision,
				Message: fmt.Sprintf("%s in a no-transaction section: in SQLite that is for VACUUM and PRAGMA only", verb),
				Advice:  "put it into a revision of its own without no-transaction, where it is atomic",
			}, step, stmt)
		}
	}
	return nil
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

// journal remembers in the tenant which statements of one no-transaction revision have run, in a table
// that exists only while one is under way.
type journal struct {
	session  *session
	part     *engine.Part
	step     engine.Step
	of       string // see engine.Work
	patience time.Duration
	done     map[int]string // hashes of the statements that are done, by their place in the section
}

func (j *journal) table() string {
	return "main." + quote(j.session.db.table.name+"_steps")
}

// noting runs body under the tenant's lock, if the tenant still stands where the part begins.
func (j *journal) noting(ctx context.Context, body func(*conn) error) error {
	s := j.session
	return s.locked(ctx, j.patience, func() error {
		if err := s.db.table.expect(ctx, s.conn, j.part, j.of); err != nil {
			return err
		}
		return body(s.conn)
	})
}

// open makes the tables and reads how far an earlier call came.
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
		return c.query(ctx, func(scan func(...any) error) error {
			var i int
			var hash string
			err := scan(&i, &hash)
			j.done[i] = hash
			return err
		}, `SELECT step, hash FROM `+j.table()+` WHERE revision = ? AND direction = ? AND done_at IS NOT NULL`,
			j.step.Revision.ID, j.step.Direction)
	})
}

// isDone reports whether a statement need not run again. One that was edited since has not run.
func (j *journal) isDone(i int, stmt revision.Statement) bool {
	return j.done[i] == hash(stmt) && verb(stmt.Text) == "VACUUM"
}

func (j *journal) run(ctx context.Context, i int, stmt revision.Statement, limit time.Duration) error {
	c := j.session.conn
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
		return at(err, j.step, stmt)
	}
	return j.noting(ctx, func(c *conn) error {
		return c.exec(ctx, `UPDATE `+j.table()+` SET done_at = strftime('%Y-%m-%dT%H:%M:%fZ', 'now')
WHERE revision = ? AND direction = ? AND step = ?`, j.step.Revision.ID, j.step.Direction, i)
	})
}

// finish notes the revision as applied, or no longer, and drops the journal with it.
func (j *journal) finish(ctx context.Context, work *engine.Work, took time.Duration) error {
	return j.noting(ctx, func(c *conn) error {
		if err := j.session.db.table.note(ctx, c, work, j.step, took); err != nil {
			return err
		}
		if err := j.session.db.table.holds(ctx, c, j.part); err != nil {
			return err
		}
		return c.exec(ctx, `DROP TABLE IF EXISTS `+j.table())
	})
}

func hash(stmt revision.Statement) string {
	sum := sha256.Sum256([]byte(stmt.Text))
	return hex.EncodeToString(sum[:])
}
