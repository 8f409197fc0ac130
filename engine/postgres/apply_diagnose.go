package postgres

import (
	"context"
	"errors"
	"fmt"
	"strings"

	"github.com/jackc/pgx/v5/pgconn"

	"github.com/skeindb/skein/engine"
	"github.com/skeindb/skein/engine/revision"
)

// explain says what an error means and where it happened, and leaves the connection clean.
func (a *application) explain(ctx context.Context, m *composer, o outcome) (*engine.Error, piece) {
	var pg *pgconn.PgError
	if !errors.As(o.err, &pg) {
		return a.lost(ctx, o.err), piece{}
	}
	p, within := m.pieces[min(o.completed, len(m.pieces)-1)], 0
	if pg.Position > 0 { // a syntax error comes before the first statement runs
		if at, offset := m.at(pg.Position, a.conn.pg.ParameterStatus("server_encoding")); o.completed == 0 || at == p {
			p, within = at, offset
		}
	} else if at, offset, found := m.unconverted(pg); found && o.completed == 0 {
		p, within = at, offset
	}
	if !a.trial && isFatal(pg) && (p.kind == kindCommit || a.conn.nature.pooled) && understand(pg).class != engine.Capacity {
		return uncertain(pg), piece{}
	}
	e := a.reason(ctx, p, pg, o.unwritten)
	if p.kind == kindBody {
		step := a.work.Parts[p.part].Steps[p.step]
		ofBody(e, pg, step.Revision.Section(step.Direction).Options)
		e.Uncommitted = a.uncommitted(pg, p)
		missing(e, a.database.misplaced)
		locate(e, pg, step, a.bodies, p.n, within)
	}
	if p.kind == kindCommit {
		ofBody(e, pg, revision.Options{})
	}
	a.aftermath(ctx, e, p)
	if p.kind == kindCommit && e.Line == 0 {
		a.deferred(ctx, e, pg, p)
	}
	return e, p
}

// lost is a connection that went away, or a call that was given up.
func (a *application) lost(ctx context.Context, err error) *engine.Error {
	var known *engine.Error
	if unsent(err) || errors.As(err, &known) {
		return classify(ctx, err)
	}
	if a.trial {
		e := *classify(ctx, err)
		if e.Class == engine.Connection {
			e.Message = "the connection was lost during the rehearsal, of which nothing is left: " + e.Message
		}
		return &e
	}
	return uncertain(err)
}

// unsent reports whether an error is from before a message was sent: its context had ended already.
// pgconn.SafeToRetry alone does not do: of a connection that broke while it was read from, pgconn says
// "conn closed", and that this were safe.
func unsent(err error) bool {
	return pgconn.SafeToRetry(err) && (errors.Is(err, context.Canceled) || errors.Is(err, context.DeadlineExceeded))
}

func uncertain(err error) *engine.Error {
	return &engine.Error{Class: engine.Uncertain, Message: "the connection was lost while the change was under way: " + oneLine(err.Error()), Err: err}
}

// reason tells our own checks from the author's statements. Who is gone is told by our checks alone: the server's own
// words for it may be those of a body, or of a trigger, about something else.
func (a *application) reason(ctx context.Context, p piece, pg *pgconn.PgError, unwritten *lostPiece) *engine.Error {
	e := present(classify(ctx, pg), pg)
	if p.kind == kindBody || p.kind == kindCommit || p.kind == kindLook {
		return e
	}
	s := a.session
	if check, need, ok := a.names.failed(marked(pg.Message)); ok {
		if check.rough { // the names are to be distinguished from other words
			a.exact, a.again = true, true
		}
		return need.refusal()
	}
	if isFatal(pg) { // the session was ended from outside, whatever was under way
		return e
	}
	if p.kind == kindReset || a.unproven && p.kind == kindRow && pg.Code == stateReadOnly {
		return a.cannotReset(p, e)
	}
	switch mark := marked(pg.Message); {
	case mark == markBusy:
		return &engine.Error{Class: engine.Busy, Message: "another session holds the tenant's lock"}
	case mark == markStale:
		return staleError()
	case mark == markGone:
		return s.gone()
	case mark == markRows:
		return a.lostRow(p, unwritten)
	case mark == markPath:
		return s.server.unreadable(s.target.Schema, "USAGE")
	case strings.HasPrefix(mark, markGuard):
		if e := a.breach(ctx, p, strings.TrimPrefix(mark, markGuard)); e != nil {
			return e
		}
	case pg.Code == statePrivilege && p.kind == kindCreate:
		return s.server.unreadable(s.target.Schema, "CREATE")
	case pg.Code == statePrivilege && p.kind != kindRow:
		return s.server.unreadable(s.target.Schema, "USAGE, or SELECT, INSERT, DELETE on the version table,")
	case p.kind == kindCheck && hasState(pg, stateUndefinedTable, stateUndefinedSchema):
		return staleError() // the version table went; aftermath sees when it was the schema
	case p.kind == kindRow, p.kind == kindCreate:
		return a.refusedRow(p, pg, e)
	}
	return e
}

// present is the error of a statement that a connection to the tenant's database took: whatever the server says is not
// there, the database is.
func present(e *engine.Error, pg *pgconn.PgError) *engine.Error {
	if e.Class != engine.Gone || isFatal(pg) {
		return e
	}
	there := *e
	there.Class, there.Advice = engine.Revision, oneLine(pg.Hint)
	return &there
}

// cannotReset is the error of a body that leaves the session or the transaction in a state that skein cannot take back.
func (a *application) cannotReset(p piece, cause *engine.Error) *engine.Error {
	e := *cause
	step := a.work.Parts[p.part].Steps[p.step]
	e.Class, e.Revision, e.File = engine.Revision, step.Revision.ID, step.Revision.File
	if !step.Stamp {
		e.Line = step.Revision.Section(step.Direction).Line
	}
	e.Message = "what the body leaves in the session cannot be taken back: " + e.Message
	e.Advice = "take out of the body, or of the functions that it runs, what changes the session or makes the transaction read-only"
	return &e
}

func staleError() *engine.Error {
	return &engine.Error{
		Class:   engine.Stale,
		Message: "the tenant does not stand where the plan says",
		Advice:  "somebody else changed it meanwhile; run again to plan afresh",
	}
}

// overtaken reports whether what skein was about to write is there already, by somebody else's doing.
func (a *application) overtaken(ctx context.Context, e *engine.Error, p piece) bool {
	s, sql := a.session, ""
	switch {
	case p.kind == kindCreate && e.SQLState == stateDuplicateTable:
		sql = "SELECT pg_catalog.to_regclass(" + literal(s.db.table.in(s.target.Schema)) + ") IS NOT NULL"
	case p.kind == kindRow && e.SQLState == stateDuplicateRow:
		sql = s.db.table.has(s.target.Schema, a.work.Parts[p.part].Steps[p.step].Revision.ID)
	default:
		return false
	}
	results, err := s.conn.query(ctx, sql)
	return err == nil && value(results[0]) == "t"
}

// aftermath rolls back, in the same round trip looks whether the schema is still the one that was surveyed,
// and names who stands in the way of a lock.
func (a *application) aftermath(ctx context.Context, e *engine.Error, p piece) {
	s := a.session
	s.conn.rollback(ctx)
	if s.conn.pg.IsClosed() || e.Class == engine.Connection || e.Class == engine.Canceled {
		return
	}
	ctx, cancel := context.WithTimeout(context.WithoutCancel(ctx), cleanTime)
	defer cancel()
	switch {
	case p.kind == kindBody && e.SQLState == stateReadOnly:
		readOnlyBody(ctx, s.conn, e)
	case e.Class == engine.Busy && p.kind == kindLock:
		e.Advice = s.busy(ctx, "").Advice
	case e.Class == engine.Busy && e.SQLState == stateLockTimeout:
		e.Advice = s.holders(ctx, fmt.Sprintf("l.locktype = 'relation' AND l.relation IN (SELECT oid FROM pg_catalog.pg_class WHERE relnamespace = %d)", a.work.SchemaID.SchemaOID))
	case e.Class == engine.Stale, e.Class == engine.Revision, e.Class == engine.Data:
		if oid, err := s.schemaOID(ctx); err == nil && oid != a.work.SchemaID.SchemaOID {
			*e = *s.gone()
		} else if err == nil && a.overtaken(ctx, e, p) {
			*e = *staleError()
		}
	}
	if p.kind == kindCommit && len(a.work.Parts[p.part].Steps) == 1 { // a deferred constraint
		step := a.work.Parts[p.part].Steps[0]
		e.Revision, e.File = step.Revision.ID, step.Revision.File
	}
}
