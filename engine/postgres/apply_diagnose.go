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

// explain says what an error means and where it happened, and rolls back.
func (a *applier) explain(ctx context.Context, m *composer, o outcome) (*engine.Error, piece) {
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
	if !a.rehearsal && isFatal(pg) && (p.kind == kindCommit || a.conn.endpoint.pooled) && meaningOf(pg).class != engine.Capacity {
		return uncertain(pg), piece{}
	}
	e := a.interpret(ctx, p, pg, o.unwritten)
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
	a.diagnose(ctx, e, p)
	if p.kind == kindCommit && e.Line == 0 {
		a.blameDeferred(ctx, e, pg, p)
	}
	return e, p
}

// lost is the error of a lost connection, or of a call that was canceled.
func (a *applier) lost(ctx context.Context, err error) *engine.Error {
	var known *engine.Error
	if unsent(err) || errors.As(err, &known) {
		return classify(ctx, err)
	}
	if a.rehearsal {
		e := *classify(ctx, err)
		if e.Class == engine.Connection {
			e.Message = "the connection was lost during the rehearsal, of which nothing is left: " + e.Message
		}
		return &e
	}
	return uncertain(err)
}

// unsent reports whether an error happened before the message was sent, because its context had ended. pgconn.SafeToRetry
// alone is not enough: it also says yes to the "conn closed" of a connection that broke while it was read from.
func unsent(err error) bool {
	return pgconn.SafeToRetry(err) && (errors.Is(err, context.Canceled) || errors.Is(err, context.DeadlineExceeded))
}

func uncertain(err error) *engine.Error {
	return &engine.Error{Class: engine.Uncertain, Message: "the connection was lost while the change was under way: " + oneLine(err.Error()), Err: err}
}

// interpret separates errors of skein's own checks from those of the author's statements. Only a check can say that the tenant is
// gone: the server's error may come from a body or a trigger, about something else.
func (a *applier) interpret(ctx context.Context, p piece, pg *pgconn.PgError, unwritten *lostPiece) *engine.Error {
	e := notGone(classify(ctx, pg), pg)
	if p.kind == kindBody || p.kind == kindCommit || p.kind == kindRows {
		return e
	}
	s := a.session
	if check, need, ok := a.names.failed(marked(pg.Message)); ok {
		if check.rough { // parse the statements, to know which words are names
			a.exact, a.resend = true, true
		}
		return need.refusal()
	}
	if isFatal(pg) { // the session was ended from outside
		return e
	}
	if p.kind == kindReset || a.unclean && p.kind == kindRow && pg.Code == stateReadOnly {
		return a.resetError(p, e)
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
		return s.server.unreadable(s.location.Schema, "USAGE")
	case strings.HasPrefix(mark, markGuard):
		if e := a.guardError(ctx, p, strings.TrimPrefix(mark, markGuard)); e != nil {
			return e
		}
	case pg.Code == statePrivilege && p.kind == kindCreate:
		return s.server.unreadable(s.location.Schema, "CREATE")
	case pg.Code == statePrivilege && p.kind != kindRow:
		return s.server.unreadable(s.location.Schema, "USAGE, or SELECT, INSERT, DELETE on the version table,")
	case p.kind == kindCheck && hasState(pg, stateUndefinedTable, stateUndefinedSchema):
		return staleError() // the version table was dropped; diagnose checks whether the schema was
	case p.kind == kindRow, p.kind == kindCreate:
		return a.refusedRow(p, pg, e)
	}
	return e
}

// notGone corrects the class Gone of an error that a statement in the tenant's database had: the database is there, so
// something else is missing.
func notGone(e *engine.Error, pg *pgconn.PgError) *engine.Error {
	if e.Class != engine.Gone || isFatal(pg) {
		return e
	}
	there := *e
	there.Class, there.Advice = engine.Revision, oneLine(pg.Hint)
	return &there
}

// resetError is the error of a body that leaves the session or the transaction in a state that cannot be reset.
func (a *applier) resetError(p piece, cause *engine.Error) *engine.Error {
	e := *cause
	step := a.work.Parts[p.part].Steps[p.step]
	e.Class, e.Revision, e.File = engine.Revision, step.Revision.ID, step.Revision.File
	if !step.Stamp {
		e.Line = step.Revision.Section(step.Direction).Line
	}
	e.Message = "what the body leaves in the session cannot be reset: " + e.Message
	e.Advice = "remove from the body, or from the functions that it runs, what changes the session or makes the transaction read-only"
	return &e
}

func staleError() *engine.Error {
	return &engine.Error{
		Class:   engine.Stale,
		Message: "the tenant does not stand where the plan says",
		Advice:  "another process changed it in the meantime; run again to make a new plan",
	}
}

// overtaken reports whether another session has already written what skein was about to write.
func (a *applier) overtaken(ctx context.Context, e *engine.Error, p piece) bool {
	s, sql := a.session, ""
	switch {
	case p.kind == kindCreate && e.SQLState == stateDuplicateTable:
		sql = "SELECT pg_catalog.to_regclass(" + literal(s.db.table.in(s.location.Schema)) + ") IS NOT NULL"
	case p.kind == kindRow && e.SQLState == stateDuplicateRow:
		sql = s.db.table.has(s.location.Schema, a.work.Parts[p.part].Steps[p.step].Revision.ID)
	default:
		return false
	}
	results, err := s.conn.query(ctx, sql)
	return err == nil && firstValue(results[0]) == "t"
}

// diagnose rolls back, checks whether the schema is still the one that was surveyed, and names the sessions that hold a lock.
func (a *applier) diagnose(ctx context.Context, e *engine.Error, p piece) {
	s := a.session
	s.conn.rollback(ctx)
	if s.conn.pg.IsClosed() || e.Class == engine.Connection || e.Class == engine.Canceled {
		return
	}
	ctx, cancel := context.WithTimeout(context.WithoutCancel(ctx), cleanupTimeout)
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
