package postgres

import (
	"context"
	"strings"
	"time"

	"github.com/jackc/pgx/v5/pgconn"

	"github.com/skeindb/skein/engine"
)

// A deferred constraint fails at the end of the transaction, long after the statement that violated it. To find that
// statement, the transaction runs once more, is rolled back, and the constraints are tried after each statement. Each try is
// undone at once, since a later statement may correct what an earlier one left: the statement to blame is the first after
// which the same error remained until the end.

// replayTime bounds the search for the statement behind a deferred error.
const replayTime = 2 * time.Minute

// tryDeferred tries the deferred constraints and triggers, undoes that, and stores the error in a setting.
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

// try is a statement of a body and the error that deferred constraints would have after it; "" = none.
type try struct {
	piece piece
	found string
}

// tries are those of one transaction, in order.
type tries []try

// blame returns the first statement after which the error remained that the transaction ended with.
func (t tries) blame(want string) (piece, bool) {
	if len(t) == 0 || t[len(t)-1].found == "" {
		return piece{}, false
	}
	last := len(t) - 1
	if t[last].found != want { // as with a trigger whose message contains the time
		want = t[last].found
	}
	for last > 0 && t[last-1].found == want {
		last--
	}
	return t[last].piece, true
}

// blameDeferred finds the statement to blame for an error at the end of a transaction, and records it in e.
func (a *applier) blameDeferred(ctx context.Context, e *engine.Error, pg *pgconn.PgError, end piece) {
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
	m := a.newComposer()
	a.names, m.names = names, nil // the names were all checked
	m.replay(end.part, a.rehearsal)
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

// tries returns the statements of a part, each of which is followed by a try.
func (m *message) tries(part int) tries {
	var t tries
	for _, p := range m.pieces {
		if p.kind == kindBody && p.part == part {
			t = append(t, try{piece: p})
		}
	}
	return t
}

// replay writes the transaction of one part, with a try after each statement and a ROLLBACK. In a rehearsal the parts before
// it are not committed, and come first.
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
	c.addOwn(kindSet, "ROLLBACK")
}
