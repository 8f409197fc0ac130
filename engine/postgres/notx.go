package postgres

import (
	"context"
	"errors"
	"fmt"
	"strconv"
	"strings"
	"time"

	"github.com/jackc/pgx/v5/pgconn"

	"github.com/skeindb/skein/engine"
	"github.com/skeindb/skein/engine/revision"
)

// ApplyNoTx implements [engine.Session]: on a direct connection of its own, which is closed afterwards.
func (s *session) ApplyNoTx(ctx context.Context, work engine.Work) error {
	s.hangUp() // the new connection takes its place
	c, err := s.server.takeDirect(ctx, s.target.Database)
	if err != nil {
		return classify(ctx, err)
	}
	defer s.server.drop(c)
	if c.nature.pooled {
		return poolerError(s.server.name)
	}
	o := &outside{session: s, conn: c, work: &work, step: work.Parts[0].Steps[0]}
	o.journal = journal{conn: c, table: s.db.table.journal(s.target.Schema), id: o.step.Revision.ID, dir: o.step.Direction}
	if err := o.enter(ctx); err != nil {
		return err
	}
	defer o.leave(ctx)
	if o.guard, err = o.newGuard(ctx); err != nil {
		return classify(ctx, err)
	}
	if s.db.traits.of(o.step, work.Statements(o.step)).names("extension") {
		defer s.db.forget(place{s.server.name, c.database}) // the search path may have changed
	}
	defer o.changed()
	defer o.ignore()
	for n, stmt := range work.Statements(o.step) {
		o.collect(n+1, stmt.Line)
		if err := o.statement(ctx, n+1, stmt); err != nil {
			return o.at(ctx, err, n+1, stmt)
		}
	}
	o.ignore()
	return o.finish(ctx)
}

func poolerError(server string) *engine.Error {
	return &engine.Error{
		Class:   engine.Server,
		Message: "a no-transaction revision needs a direct connection, and server " + server + " is behind a pooler",
		Advice:  "set servers." + server + ".direct_url to the server itself, then try again",
	}
}

// outside is one call of ApplyNoTx.
type outside struct {
	session *session
	conn    *conn
	work    *engine.Work
	step    engine.Step
	journal journal
	made    bool // this call created the version table
	guard   *outsideGuard

	checks *nameChecks // nil = no name counts
	named  []string    // the check before each statement, "" = none; nil = no checks

	sets      []string    // settings of the session
	misplaced []Extension // that are not on the path because they are in schemas of tenants
}

// enter makes the settings of the session, takes the tenant's lock for it, and checks that the tenant stands where the plan
// says.
func (o *outside) enter(ctx context.Context) error {
	s := o.session
	tail, misplaced, err := s.db.path(ctx, s.server, o.conn)
	if err != nil {
		return classify(ctx, err)
	}
	o.misplaced = misplaced
	into, err := s.db.mayChangeExtensions(ctx, s, o.conn, o.work)
	if err != nil {
		return classify(ctx, err)
	}
	tail = withSchemas(tail, into)
	found, err := s.server.settling(ctx, o.conn)
	if err != nil {
		return classify(ctx, err)
	}
	sets := append(preamble(o.conn.nature, 0, assignments(found)), "SET search_path = "+searchPath(s.target.Schema, tail),
		"SET statement_timeout = "+milliseconds(wanted(o.work, o.step).statement))
	o.sets = sets
	if err := o.conn.do(ctx, strings.Join(sets, "; ")); err != nil {
		return classify(ctx, err)
	}
	if err := o.lock(ctx); err != nil {
		return err
	}
	if err := o.check(ctx); err != nil {
		return classify(ctx, err)
	}
	if err := o.journal.load(ctx); err != nil {
		return classify(ctx, err)
	}
	if o.journal.others {
		cut, _, err := s.db.table.cutOff(ctx, o.conn, s.target.Schema)
		if err != nil {
			return classify(ctx, err)
		}
		if e := o.work.Parts[0].Blocked(cut); e != nil {
			return e
		}
	}
	if err := o.look(ctx); err != nil {
		return classify(ctx, err)
	}
	return nil
}

// look finds the names of the body to check before its statements.
func (o *outside) look(ctx context.Context) error {
	s := o.session
	d, err := s.db.known(ctx, s.server, o.conn)
	if err != nil {
		return err
	}
	bodies := s.db.traits.bodies(o.work)
	facts, err := s.db.fresh(ctx, o.conn, d, o.work, bodies)
	if err != nil {
		return err
	}
	d.note(o.work, bodies)
	o.checks = s.db.newNameChecks(facts, o.work, bodies, s.target.Schema, true)
	o.named = o.checks.outsideChecks(bound{o.step, o.work.Statements(o.step)})
	return nil
}

// namesOf is the check before statement n, counted from 1, with a semicolon; "" = none.
func (o *outside) namesOf(n int) string {
	if o.named == nil || o.named[n-1] == "" {
		return ""
	}
	return o.named[n-1] + "; "
}

// lock polls for the lock: the CREATE INDEX CONCURRENTLY of another tenant would wait for a session that waits for it.
func (o *outside) lock(ctx context.Context) error {
	s := o.session
	bounded, cancel := ctx, context.CancelFunc(func() {})
	if d := o.work.LockTimeout; d > 0 {
		bounded, cancel = context.WithTimeout(ctx, d)
	}
	defer cancel()
	for p := (poll{}); ; {
		results, err := o.conn.query(ctx, fmt.Sprintf("SELECT pg_catalog.pg_try_advisory_lock(%d)", s.lockKey()))
		if err != nil {
			return classify(ctx, err)
		}
		if value(results[0]) == "t" {
			return nil
		}
		if !p.wait(bounded) {
			if ctx.Err() != nil {
				return classify(ctx, ctx.Err())
			}
			return s.busyBy(ctx, o.conn, "another session holds the tenant's lock")
		}
	}
}

// leave releases the lock at once; when the connection is closed, it takes the server a moment to notice.
func (o *outside) leave(ctx context.Context) {
	if o.conn.pg.IsClosed() {
		return
	}
	ctx, cancel := context.WithTimeout(context.WithoutCancel(ctx), endTime)
	defer cancel()
	_ = o.conn.do(ctx, "ROLLBACK; SELECT pg_catalog.pg_advisory_unlock_all()") // closing the connection does it too
}

// check is the check that Apply has in its message.
func (o *outside) check(ctx context.Context) error {
	s := o.session
	mark := o.work.SchemaID
	sql := fail("WHEN "+schemaIs(s.target.Schema, mark.SchemaOID)+" IS NOT TRUE THEN '"+markGone+"' WHEN "+leads(s.target.Schema)+" IS NOT TRUE THEN '"+markPath+"'") + "; "
	if mark.HasTable {
		sql += s.db.table.standsAt(s.target.Schema, &o.work.Parts[0], o.work.Of)
	} else {
		sql += fail("WHEN pg_catalog.to_regclass(" + literal(s.db.table.in(s.target.Schema)) + ") IS NOT NULL THEN '" + markStale + "'")
	}
	err := o.conn.do(ctx, sql)
	var pg *pgconn.PgError
	if !errors.As(err, &pg) {
		return err
	}
	switch mark := marked(pg.Message); {
	case mark == markGone:
		return s.gone()
	case mark == markPath:
		return s.server.unreadable(s.target.Schema, "USAGE")
	case mark == markStale, hasState(err, stateUndefinedTable):
		return staleError()
	}
	return err
}

// statement runs one statement, unless it ran before.
func (o *outside) statement(ctx context.Context, n int, stmt revision.Statement) error {
	known := recognise(stmt.Text)
	if was, begun := o.journal.lines[n]; begun && !was.done && known.kind == inside {
		known.kind = opaque // it ran alone, see aloneOnly
	}
	sum := sumOf(stmt.Text)
	was, begun := o.journal.lines[n]
	switch {
	case begun && was.done && was.sum == sum:
		return nil
	case begun && was.done:
		return o.journal.changed(n)
	case known.kind == inside:
		err := o.inside(ctx, n, stmt, sum)
		if !aloneOnly(err) {
			return err
		}
		known.kind = opaque
	case known.kind == createIndex && known.index == "":
		return namelessError()
	case known.commits && !begun && o.guard != nil: // a statement that ends no transaction is guarded
		err := o.inside(ctx, n, stmt, sum)
		var e *engine.Error
		if !errors.As(err, &e) || e.SQLState != stateTermination && e.SQLState != stateActiveTransaction {
			return err
		}
	}
	if sql := o.namesOf(n); sql != "" { // it cannot be in the statement's own message
		if err := o.conn.do(ctx, sql); err != nil {
			return o.broken(ctx, err)
		}
	}
	if begun || known.kind == createIndex && known.lenient {
		done, err := o.resume(ctx, n, stmt, known, begun)
		if err != nil || done {
			return err
		}
	}
	return o.alone(ctx, n, stmt, sum, known)
}

// aloneOnly reports whether the server refused a statement because it ran in a transaction block, and not because it ran in a
// function.
func aloneOnly(err error) bool {
	pg, ok := errors.AsType[*pgconn.PgError](err)
	return ok && pg.Code == stateActiveTransaction && pg.Where == ""
}

func namelessError() *engine.Error {
	return &engine.Error{
		Class:   engine.Revision,
		Message: "CREATE INDEX CONCURRENTLY without a name cannot be found again after it was cut off",
		Advice:  "give the index a name",
	}
}

// opening is the SQL that creates the tables which the first line of the journal needs.
func (o *outside) opening() string {
	sql := ""
	if !o.work.SchemaID.HasTable && !o.made {
		sql += o.session.db.table.create(o.session.target.Schema) + "; "
	}
	return sql + o.journal.opening()
}

// again is the SQL after each statement of the body: it resets role and settings, and takes the tenant's lock again, which the
// statement may have released. A lock that is still held is counted once more; all are released with the connection.
func (o *outside) again() string {
	return "SET SESSION AUTHORIZATION DEFAULT; RESET ROLE; RESET ALL; " + strings.Join(o.sets, "; ") + "; " +
		fail(fmt.Sprintf("WHEN NOT pg_catalog.pg_try_advisory_lock(%d) THEN '%s'", o.session.lockKey(), markBusy))
}

func (o *outside) opened() {
	o.made = true
	o.journal.opened()
}

// inside runs a statement and its line in the journal in one transaction.
func (o *outside) inside(ctx context.Context, n int, stmt revision.Statement, sum string) error {
	for {
		err := o.conn.exec(ctx, "BEGIN; SET LOCAL lock_timeout = "+milliseconds(wanted(o.work, o.step).lock)+"; "+o.opening()+
			o.journal.begin(n, sum, "NULL")+"; "+o.journal.done(n)+";\n"+o.namesOf(n), stmt.Text, ";\n"+o.guard.query()+"COMMIT; "+o.again()).Close()
		if err == nil {
			break
		}
		if e, again := o.guard.breach(ctx, o, stmt, err); e != nil {
			return e
		} else if !again {
			return o.broken(ctx, err)
		}
	}
	o.opened()
	return nil
}

// alone runs a statement outside a transaction, between begin and done of its line in the journal.
func (o *outside) alone(ctx context.Context, n int, stmt revision.Statement, sum string, known outsideStatement) error {
	lock := milliseconds(wanted(o.work, o.step).lock)
	if known.concurrently {
		lock = "0"
	}
	results, err := o.conn.query(ctx, "BEGIN; "+o.opening()+o.journal.begin(n, sum, known.found())+"; COMMIT; SET lock_timeout = "+lock)
	if err != nil {
		return o.broken(ctx, err)
	}
	o.opened()
	begun := line{sum: sum, found: unnoted}
	for _, r := range results {
		if len(r.Rows) > 0 {
			begun.found, _ = strconv.ParseInt(value(r), 10, 64)
		}
	}
	if err := o.conn.do(ctx, stmt.Text); err != nil {
		return o.failed(ctx, n, known, begun, err)
	}
	if err := o.conn.do(ctx, o.again()); err != nil {
		return o.broken(ctx, err)
	}
	if known.kind == createIndex {
		if err := o.proven(ctx, known); err != nil {
			return err
		}
	}
	if err := o.conn.do(ctx, o.journal.done(n)); err != nil {
		return o.broken(ctx, err)
	}
	return nil
}

// broken is the error of a statement. After a lost connection, the journal and the state of the objects say what was done, but
// they can be read only once the tenant's lock is free: the error is Uncertain.
func (o *outside) broken(ctx context.Context, err error) error {
	o.conn.rollback(ctx)
	var pg *pgconn.PgError
	var known *engine.Error
	if errors.As(err, &pg) {
		if _, need, ok := o.checks.failed(marked(pg.Message)); ok {
			return need.refusal()
		}
	}
	switch {
	case errors.As(err, &pg) && marked(pg.Message) == markBusy:
		return &engine.Error{Class: engine.Busy, Message: "the statement released the tenant's lock, and another session holds it now", Advice: "remove pg_advisory_unlock_all from what the statement runs"}
	case errors.As(err, &known), errors.As(err, &pg) && !isFatal(pg), unsent(err):
		e := classify(ctx, err)
		if pg != nil {
			e = present(e, pg)
		}
		return e
	}
	return uncertain(err)
}

// busyBy is busy over another connection than the session's.
func (s *session) busyBy(ctx context.Context, c *conn, message string) *engine.Error {
	was := s.conn
	s.conn = c
	defer func() { s.conn = was }()
	return s.busy(ctx, message)
}

// buildTime bounds how long a resumed statement waits for the backend of the interrupted one.
const buildTime = 30 * time.Second

func oidText(oid uint32) string { return strconv.FormatUint(uint64(oid), 10) }
