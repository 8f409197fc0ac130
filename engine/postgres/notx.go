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
	s.releaseConn() // the new connection takes its place
	c, err := s.server.takeDirectConn(ctx, s.location.Database)
	if err != nil {
		return classify(ctx, err)
	}
	defer s.server.drop(c)
	if c.endpoint.pooled {
		return poolerError(s.server.name)
	}
	o := &noTxRun{session: s, conn: c, work: &work, step: work.Parts[0].Steps[0]}
	o.journal = journal{conn: c, table: s.db.table.journal(s.location.Schema), id: o.step.Revision.ID, dir: o.step.Direction}
	if err := o.begin(ctx); err != nil {
		return err
	}
	defer o.unlock(ctx)
	if o.guard, err = o.newGuard(ctx); err != nil {
		return classify(ctx, err)
	}
	if s.db.effects.of(o.step, work.Statements(o.step)).hasWord("extension") {
		defer s.db.forgetDatabase(dbKey{s.server.name, c.database}) // the search path may have changed
	}
	defer o.changed()
	defer o.ignore()
	for n, stmt := range work.Statements(o.step) {
		o.collect(n+1, stmt.Line)
		if err := o.statement(ctx, n+1, stmt); err != nil {
			return o.locate(ctx, err, n+1, stmt)
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

// noTxRun is one call of ApplyNoTx.
type noTxRun struct {
	session *session
	conn    *conn
	work    *engine.Work
	step    engine.Step
	journal journal
	made    bool // this call created the version table
	guard   *noTxGuard

	checks *nameChecks // nil = no name counts
	named  []string    // the check before each statement, "" = none; nil = no checks

	settings  []string    // settings of the session
	misplaced []Extension // that are not on the path because they are in schemas of tenants
}

// begin makes the settings of the session, takes the tenant's lock for it, and checks that the tenant stands where the plan
// says.
func (o *noTxRun) begin(ctx context.Context) error {
	s := o.session
	tail, misplaced, err := s.db.tailOf(ctx, s.server, o.conn)
	if err != nil {
		return classify(ctx, err)
	}
	o.misplaced = misplaced
	into, err := s.db.mayChangeExtensions(ctx, s, o.conn, o.work)
	if err != nil {
		return classify(ctx, err)
	}
	tail = withSchemas(tail, into)
	found, err := s.server.readDeviations(ctx, o.conn)
	if err != nil {
		return classify(ctx, err)
	}
	sets := append(preamble(o.conn.endpoint, 0, assignments(found)), "SET search_path = "+searchPath(s.location.Schema, tail),
		"SET statement_timeout = "+milliseconds(wanted(o.work, o.step).statement))
	o.settings = sets
	if err := o.conn.run(ctx, strings.Join(sets, "; ")); err != nil {
		return classify(ctx, err)
	}
	if err := o.lock(ctx); err != nil {
		return err
	}
	if err := o.checkStanding(ctx); err != nil {
		return classify(ctx, err)
	}
	if err := o.journal.load(ctx); err != nil {
		return classify(ctx, err)
	}
	if o.journal.others {
		cut, _, err := s.db.table.cutOff(ctx, o.conn, s.location.Schema)
		if err != nil {
			return classify(ctx, err)
		}
		if e := o.work.Parts[0].Blocked(cut); e != nil {
			return e
		}
	}
	if err := o.loadNameChecks(ctx); err != nil {
		return classify(ctx, err)
	}
	return nil
}

// loadNameChecks finds the names of the body to check before its statements.
func (o *noTxRun) loadNameChecks(ctx context.Context) error {
	s := o.session
	d, err := s.db.databaseOf(ctx, s.server, o.conn)
	if err != nil {
		return err
	}
	bodies := s.db.effects.bodies(o.work)
	facts, err := s.db.currentTail(ctx, o.conn, d, o.work, bodies)
	if err != nil {
		return err
	}
	d.noteTailGrowth(o.work, bodies)
	o.checks = s.db.newNameChecks(facts, o.work, bodies, s.location.Schema, true)
	o.named = o.checks.noTxChecks(bound{o.step, o.work.Statements(o.step)})
	return nil
}

// nameCheck is the check before statement n, counted from 1, with a semicolon; "" = none.
func (o *noTxRun) nameCheck(n int) string {
	if o.named == nil || o.named[n-1] == "" {
		return ""
	}
	return o.named[n-1] + "; "
}

// lock polls for the lock: the CREATE INDEX CONCURRENTLY of another tenant would wait for a session that waits for it.
func (o *noTxRun) lock(ctx context.Context) error {
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
		if firstValue(results[0]) == "t" {
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

// unlock releases the lock at once; when the connection is closed, it takes the server a moment to notice.
func (o *noTxRun) unlock(ctx context.Context) {
	if o.conn.pg.IsClosed() {
		return
	}
	ctx, cancel := context.WithTimeout(context.WithoutCancel(ctx), closeTimeout)
	defer cancel()
	_ = o.conn.run(ctx, "ROLLBACK; SELECT pg_catalog.pg_advisory_unlock_all()") // closing the connection does it too
}

// checkStanding is the check that Apply has in its message.
func (o *noTxRun) checkStanding(ctx context.Context) error {
	s := o.session
	mark := o.work.SchemaID
	sql := fail("WHEN "+schemaIs(s.location.Schema, mark.SchemaOID)+" IS NOT TRUE THEN '"+markGone+"' WHEN "+leads(s.location.Schema)+" IS NOT TRUE THEN '"+markPath+"'") + "; "
	if mark.HasTable {
		sql += s.db.table.standsAt(s.location.Schema, &o.work.Parts[0], o.work.Of)
	} else {
		sql += fail("WHEN pg_catalog.to_regclass(" + literal(s.db.table.in(s.location.Schema)) + ") IS NOT NULL THEN '" + markStale + "'")
	}
	err := o.conn.run(ctx, sql)
	var pg *pgconn.PgError
	if !errors.As(err, &pg) {
		return err
	}
	switch mark := marked(pg.Message); {
	case mark == markGone:
		return s.gone()
	case mark == markPath:
		return s.server.unreadable(s.location.Schema, "USAGE")
	case mark == markStale, hasState(err, stateUndefinedTable):
		return staleError()
	}
	return err
}

// statement runs one statement, unless it ran before.
func (o *noTxRun) statement(ctx context.Context, n int, stmt revision.Statement) error {
	known := recognise(stmt.Text)
	if was, begun := o.journal.lines[n]; begun && !was.done && known.kind == inTx {
		known.kind = opaque // it ran alone, see aloneOnly
	}
	sum := sumOf(stmt.Text)
	was, begun := o.journal.lines[n]
	switch {
	case begun && was.done && was.sum == sum:
		return nil
	case begun && was.done:
		return o.journal.changed(n)
	case known.kind == inTx:
		err := o.runInTx(ctx, n, stmt, sum)
		if !aloneOnly(err) {
			return err
		}
		known.kind = opaque
	case known.kind == createIndex && known.index == "":
		return namelessError()
	case known.commits && !begun && o.guard != nil: // a statement that ends no transaction is guarded
		err := o.runInTx(ctx, n, stmt, sum)
		var e *engine.Error
		if !errors.As(err, &e) || e.SQLState != stateTermination && e.SQLState != stateActiveTransaction {
			return err
		}
	}
	if sql := o.nameCheck(n); sql != "" { // it cannot be in the statement's own message
		if err := o.conn.run(ctx, sql); err != nil {
			return o.statementError(ctx, err)
		}
	}
	if begun || known.kind == createIndex && known.lenient {
		done, err := o.resume(ctx, n, stmt, known, begun)
		if err != nil || done {
			return err
		}
	}
	return o.runAlone(ctx, n, stmt, sum, known)
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

// createTables is the SQL that creates the tables which the first line of the journal needs.
func (o *noTxRun) createTables() string {
	sql := ""
	if !o.work.SchemaID.HasTable && !o.made {
		sql += o.session.db.table.create(o.session.location.Schema) + "; "
	}
	return sql + o.journal.createTable()
}

// resetSQL is the SQL after each statement of the body: it resets role and settings, and takes the tenant's lock again, which the
// statement may have released. A lock that is still held is counted once more; all are released with the connection.
func (o *noTxRun) resetSQL() string {
	return "SET SESSION AUTHORIZATION DEFAULT; RESET ROLE; RESET ALL; " + strings.Join(o.settings, "; ") + "; " +
		fail(fmt.Sprintf("WHEN NOT pg_catalog.pg_try_advisory_lock(%d) THEN '%s'", o.session.lockKey(), markBusy))
}

func (o *noTxRun) tablesCreated() {
	o.made = true
	o.journal.created()
}

// runInTx runs a statement and its line in the journal in one transaction.
func (o *noTxRun) runInTx(ctx context.Context, n int, stmt revision.Statement, sum string) error {
	for {
		err := o.conn.exec(ctx, "BEGIN; SET LOCAL lock_timeout = "+milliseconds(wanted(o.work, o.step).lock)+"; "+o.createTables()+
			o.journal.begin(n, sum, "NULL")+"; "+o.journal.done(n)+";\n"+o.nameCheck(n), stmt.Text, ";\n"+o.guard.query()+"COMMIT; "+o.resetSQL()).Close()
		if err == nil {
			break
		}
		if e, again := o.guard.explain(ctx, o, stmt, err); e != nil {
			return e
		} else if !again {
			return o.statementError(ctx, err)
		}
	}
	o.tablesCreated()
	return nil
}

// runAlone runs a statement outside a transaction, between begin and done of its line in the journal.
func (o *noTxRun) runAlone(ctx context.Context, n int, stmt revision.Statement, sum string, known noTxStatement) error {
	lock := milliseconds(wanted(o.work, o.step).lock)
	if known.concurrently {
		lock = "0"
	}
	results, err := o.conn.query(ctx, "BEGIN; "+o.createTables()+o.journal.begin(n, sum, known.found())+"; COMMIT; SET lock_timeout = "+lock)
	if err != nil {
		return o.statementError(ctx, err)
	}
	o.tablesCreated()
	begun := journalLine{sum: sum, found: unrecorded}
	for _, r := range results {
		if len(r.Rows) > 0 {
			begun.found, _ = strconv.ParseInt(firstValue(r), 10, 64)
		}
	}
	if err := o.conn.run(ctx, stmt.Text); err != nil {
		return o.failed(ctx, n, known, begun, err)
	}
	if err := o.conn.run(ctx, o.resetSQL()); err != nil {
		return o.statementError(ctx, err)
	}
	if known.kind == createIndex {
		if err := o.checkValid(ctx, known); err != nil {
			return err
		}
	}
	if err := o.conn.run(ctx, o.journal.done(n)); err != nil {
		return o.statementError(ctx, err)
	}
	return nil
}

// statementError is the error of a statement. After a lost connection, the journal and the state of the objects say what was done, but
// they can be read only once the tenant's lock is free: the error is Uncertain.
func (o *noTxRun) statementError(ctx context.Context, err error) error {
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
			e = notGone(e, pg)
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
