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

// indexState is what the catalog says of an index; the zero value: it does not exist.
type indexState struct {
	oid   uint32
	valid bool
	name  string // qualified and quoted
}

// findIndex looks an index up: in the schema of its table where that is known, else along the search path.
func (o *noTxRun) findIndex(ctx context.Context, known noTxStatement) (indexState, error) {
	results, err := o.conn.query(ctx, "SELECT c.oid, i.indisvalid AND i.indisready, pg_catalog.format('%I.%I', n.nspname, c.relname) FROM pg_catalog.pg_class c "+
		"JOIN pg_catalog.pg_index i ON i.indexrelid = c.oid JOIN pg_catalog.pg_namespace n ON n.oid = c.relnamespace WHERE "+known.which())
	if err != nil || len(results[0].Rows) == 0 {
		return indexState{}, err
	}
	r := results[0].Rows[0]
	return indexState{oid: parseOID(r[0]), valid: string(r[1]) == "t", name: string(r[2])}, nil
}

// which is the condition on pg_class c that selects the relation with the index's name.
func (s *noTxStatement) which() string {
	if s.table == "" {
		return "c.oid = pg_catalog.to_regclass(" + literal(s.index) + ")"
	}
	return "c.relname = (pg_catalog.parse_ident(" + literal(s.index) + "))[1] AND c.relnamespace = " +
		"(SELECT relnamespace FROM pg_catalog.pg_class WHERE oid = pg_catalog.to_regclass(" + literal(s.table) + "))"
}

// found is the SQL of the OID of the relation with the index's name, 0 for none; NULL for a statement of another kind.
func (s *noTxStatement) found() string {
	if s.index == "" {
		return "NULL"
	}
	return "COALESCE((SELECT c.oid::pg_catalog.int8 FROM pg_catalog.pg_class c WHERE " + s.which() + "), 0)"
}

// resume finds out whether a statement that was cut off is done, and cleans up otherwise. begun is false for an IF NOT EXISTS
// that runs for the first time: it would accept an invalid index.
func (o *noTxRun) resume(ctx context.Context, n int, stmt revision.Statement, known noTxStatement, begun bool) (bool, error) {
	switch known.kind {
	case createIndex, dropIndex:
		if err := o.waitForBuild(ctx, known); err != nil {
			return false, o.statementError(ctx, err)
		}
		is, err := o.findIndex(ctx, known)
		if err != nil {
			return false, o.statementError(ctx, err)
		}
		was := o.journal.lines[n] // the zero value for one that is not begun
		if known.kind == dropIndex {
			done := is.oid == 0 && begun && was.found != 0 // without an index before, the DROP fails again
			return done, o.recordIf(ctx, done, n)
		}
		return o.resumeCreate(ctx, n, stmt, known, is, was, begun)
	case repeatable:
		return false, o.dropLeftovers(ctx)
	}
	if begun {
		return false, o.journal.doubtful(n)
	}
	return false, nil
}

// resumeCreate is resume for CREATE INDEX CONCURRENTLY. An index that existed before, or that is not the one the statement
// makes, was made by another session: the statement runs again, and fails.
func (o *noTxRun) resumeCreate(ctx context.Context, n int, stmt revision.Statement, known noTxStatement, is indexState, was journalLine, begun bool) (bool, error) {
	others := begun && was.before(is.oid)
	switch {
	case is.oid == 0, others && !known.lenient:
		return false, nil
	case !is.valid:
		return false, o.drop(ctx, is)
	case !begun, others:
		return false, nil
	}
	same, err := o.isMadeBy(ctx, n, is, stmt.Text, known)
	if err != nil {
		return false, err
	}
	return same, o.recordIf(ctx, same, n)
}

// recordIf records a statement that turned out to be done.
func (o *noTxRun) recordIf(ctx context.Context, done bool, n int) error {
	if !done {
		return nil
	}
	if err := o.conn.run(ctx, o.journal.done(n)); err != nil {
		return o.statementError(ctx, err)
	}
	return nil
}

// waitForBuild waits until no backend works on the index: that of a lost client continues until its statement ends.
func (o *noTxRun) waitForBuild(ctx context.Context, known noTxStatement) error {
	bounded, cancel := context.WithTimeout(ctx, buildTime)
	defer cancel()
	for p := (poll{}); ; {
		is, err := o.findIndex(ctx, known)
		if err != nil || is.oid == 0 {
			return err
		}
		results, err := o.conn.query(ctx, strings.ReplaceAll(buildersQuery, "$index", oidText(is.oid)))
		if err != nil || len(results[0].Rows) == 0 {
			return err
		}
		if !p.wait(bounded) {
			if ctx.Err() != nil {
				return ctx.Err()
			}
			return &engine.Error{
				Class:   engine.Busy,
				Message: fmt.Sprintf("backend %s still works on index %s, probably for a client that is gone", firstValue(results[0]), is.name),
				Advice:  "wait for it, or end it by pg_terminate_backend",
			}
		}
	}
}

// buildersQuery selects the backends that work on an index; one that waits may hold no lock on it.
const buildersQuery = `SELECT pid FROM pg_catalog.pg_stat_progress_create_index WHERE index_relid = $index AND pid <> pg_catalog.pg_backend_pid()
UNION SELECT pid FROM pg_catalog.pg_locks WHERE locktype = 'relation' AND relation = $index AND pid <> pg_catalog.pg_backend_pid()
	AND database = (SELECT oid FROM pg_catalog.pg_database WHERE datname = pg_catalog.current_database())
	AND mode IN ('ShareUpdateExclusiveLock', 'AccessExclusiveLock') LIMIT 1`

// drop removes an invalid index without blocking other sessions.
func (o *noTxRun) drop(ctx context.Context, is indexState) error {
	for _, sql := range []string{"SET lock_timeout = 0", "DROP INDEX CONCURRENTLY IF EXISTS " + is.name} {
		if err := o.conn.run(ctx, sql); err != nil {
			return o.statementError(ctx, err)
		}
	}
	return nil
}

// dropLeftovers drops the indexes that an interrupted REINDEX CONCURRENTLY left in the tenant's schema.
func (o *noTxRun) dropLeftovers(ctx context.Context) error {
	results, err := o.conn.query(ctx, `SELECT c.oid, pg_catalog.format('%I.%I', n.nspname, c.relname) FROM pg_catalog.pg_class c
JOIN pg_catalog.pg_index i ON i.indexrelid = c.oid JOIN pg_catalog.pg_namespace n ON n.oid = c.relnamespace
WHERE n.nspname = `+literal(o.session.location.Schema)+` AND NOT i.indisvalid AND c.relname ~ '_cc(new|old)[0-9]*$'
AND NOT EXISTS (SELECT FROM pg_catalog.pg_locks l WHERE l.relation = c.oid AND l.pid <> pg_catalog.pg_backend_pid())`)
	if err != nil {
		return o.statementError(ctx, err)
	}
	for _, r := range results[0].Rows {
		if err := o.drop(ctx, indexState{oid: parseOID(r[0]), name: string(r[1])}); err != nil {
			return err
		}
	}
	return nil
}

// checkValid checks that the index of CREATE INDEX CONCURRENTLY is valid; IF NOT EXISTS accepts an invalid one.
func (o *noTxRun) checkValid(ctx context.Context, known noTxStatement) error {
	is, err := o.findIndex(ctx, known)
	if err != nil {
		return o.statementError(ctx, err)
	}
	if is.oid != 0 && !is.valid {
		return &engine.Error{Class: engine.Transient, Message: "index " + is.name + " is there, but not valid"}
	}
	return nil
}

// failed is the error of a statement that ran outside a transaction. An invalid index that a failed CREATE INDEX CONCURRENTLY
// left is dropped, as it slows down writes. A statement that was rolled back as a whole leaves no line in the journal.
func (o *noTxRun) failed(ctx context.Context, n int, known noTxStatement, begun journalLine, err error) error {
	var pg *pgconn.PgError
	if !errors.As(err, &pg) || isFatal(pg) || o.conn.pg.IsClosed() {
		return o.statementError(ctx, err)
	}
	e := *notGone(classify(ctx, err), pg)
	clean, cancel := context.WithTimeout(context.WithoutCancel(ctx), buildTime)
	defer cancel()
	_ = o.conn.run(clean, o.resetSQL()) // a procedure may have changed the session and committed before it failed
	if known.kind == createIndex {
		if is, look := o.findIndex(clean, known); look == nil && is.oid != 0 && !is.valid && !begun.before(is.oid) { // else it is another session's
			if o.drop(clean, is) == nil {
				e.Message += "; the invalid index that it left was dropped"
			} else {
				e.Message += "; the invalid index " + is.name + " that it left could not be dropped"
			}
		}
	}
	if known.kind != opaque {
		_ = o.conn.run(clean, o.journal.forget(n)) // if that fails, the statement is resumed later
	}
	return &e
}
