package postgres

import (
	"context"
	"strings"
	"time"

	"github.com/jackc/pgx/v5/pgconn"

	"github.com/skeindb/skein/engine"
)

// A deferred constraint fails where the transaction ends, long after the statement that broke it. To find that, the
// transaction is run once more and rolled back, and after each statement the constraints are tried. What is tried is
// taken back at once, since a later statement may put right what an earlier one has left: the statement to blame is
// the one after which the very same error was there until the end.

// replayTime bounds how long the statement behind a deferred error is looked for.
const replayTime = 2 * time.Minute

// tryDeferred notes what the deferred constraints and triggers would fail with, and takes back that they were tried.
const tryDeferred = `DO $skein$
DECLARE state text; name text; message text; detail text; found text := '';
BEGIN
	BEGIN
		SET CONSTRAINTS ALL IMMEDIATE;
		RAISE EXCEPTION USING ERRCODE = 'SKTRY';
	EXCEPTION WHEN OTHERS THEN
		GET STACKED DIAGNOSTICS state = RETURNED_SQLSTATE, name = CONSTRAINT_NAME, message = MESSAGE_TEXT, detail = PG_EXCEPTION_DETAIL;
		IF state <> 'SKTRY' THEN found := state || ' ' || name || ' ' || message || ' ' || detail; END IF;
	END;
	PERFORM pg_catalog.set_config('skein.deferred', found, true);
END $skein$`

const triedDeferred = "SELECT pg_catalog.current_setting('skein.deferred', true)"

// try is a statement of a body and what deferred constraints would fail with after it; "" = nothing.
type try struct {
	piece piece
	found string
}

// tries are those of a transaction, in order.
type tries []try

// blame says after which statement the error was there that the transaction ended with.
func (t tries) blame(want string) (piece, bool) {
	if len(t) == 0 || t[len(t)-1].found == "" {
		return piece{}, false
	}
	last := len(t) - 1
	if t[last].found != want { // as with a message of a trigger that tells the time
		want = t[last].found
	}
	for last > 0 && t[last-1].found == want {
		last--
	}
	return t[last].piece, true
}

// deferred finds the statement that is to blame for an error at the end of a transaction, and notes it in e.
func (a *application) deferred(ctx context.Context, e *engine.Error, pg *pgconn.PgError, end piece) {
	switch e.Class {
	case engine.Data, engine.Revision, engine.Internal:
	default:
		return
	}
	if a.conn.pg.IsClosed() || ctx.Err() != nil {
		return
	}
	ctx, cancel := context.WithTimeout(ctx, replayTime)
	defer cancel()
	names := a.names
	m := a.composer()
	a.names, m.names = names, nil // they were all checked
	m.replay(end.part, a.trial)
	t := m.tries(end.part)
	seen := 0
	a.conn.send(ctx, &m.message, func(_ piece, rows [][][]byte) {
		if seen < len(t) && len(rows) > 0 {
			t[seen].found = string(rows[0][0])
			seen++
		}
	})
	t = t[:seen]
	a.conn.settings = nil
	if !a.conn.pg.IsClosed() {
		a.conn.rollback(ctx)
	}
	if p, found := t.blame(strings.Join([]string{pg.Code, pg.ConstraintName, pg.Message, pg.Detail}, " ")); found {
		locate(e, pg, a.work.Parts[p.part].Steps[p.step], a.bodies, p.n, 0)
		e.Message = "at the end of the transaction: " + e.Message
	}
}

// tries are the statements of a part, after each of which there is a look.
func (m *message) tries(part int) tries {
	var t tries
	for _, p := range m.pieces {
		if p.kind == kindBody && p.part == part {
			t = append(t, try{piece: p})
		}
	}
	return t
}

// replay writes the transaction of one part, with a look after each statement, and rolls it back. In a rehearsal the
// parts before it are not committed, and come first.
func (c *composer) replay(part int, trial bool) {
	first := part
	if trial {
		first = 0
	}
	c.work.SchemaID.HasTable = c.work.SchemaID.HasTable || first > 0
	for i := first; i <= part; i++ {
		c.part, c.step = i, 0
		if i > first {
			c.border()
			c.enter(&c.work.Parts[i])
		} else {
			c.open(&c.work.Parts[i])
		}
		c.deferred = i == part
		c.steps(&c.work.Parts[i], "")
	}
	c.own(kindSet, "ROLLBACK")
}
