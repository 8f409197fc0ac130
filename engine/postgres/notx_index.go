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

// indexState is what the catalog says of an index; the zero value: it is not there.
type indexState struct {
	oid   uint32
	valid bool
	name  string // qualified and quoted
}

// index looks an index up: in the schema of its table where that is known, else along the search path.
func (o *outside) index(ctx context.Context, known outsideStatement) (indexState, error) {
	results, err := o.conn.query(ctx, "SELECT c.oid, i.indisvalid AND i.indisready, pg_catalog.format('%I.%I', n.nspname, c.relname) FROM pg_catalog.pg_class c "+
		"JOIN pg_catalog.pg_index i ON i.indexrelid = c.oid JOIN pg_catalog.pg_namespace n ON n.oid = c.relnamespace WHERE "+known.which())
	if err != nil || len(results[0].Rows) == 0 {
		return indexState{}, err
	}
	r := results[0].Rows[0]
	return indexState{oid: parseOID(r[0]), valid: string(r[1]) == "t", name: string(r[2])}, nil
}

// which is the condition, over pg_class c, that selects what has the index's name.
func (s *outsideStatement) which() string {
	if s.table == "" {
		return "c.oid = pg_catalog.to_regclass(" + literal(s.index) + ")"
	}
	return "c.relname = (pg_catalog.parse_ident(" + literal(s.index) + "))[1] AND c.relnamespace = " +
		"(SELECT relnamespace FROM pg_catalog.pg_class WHERE oid = pg_catalog.to_regclass(" + literal(s.table) + "))"
}

// found is the SQL of the OID of what has the index's name, 0 where nothing has; NULL for a statement of another kind.
func (s *outsideStatement) found() string {
	if s.index == "" {
		return "NULL"
	}
	return "COALESCE((SELECT c.oid::pg_catalog.int8 FROM pg_catalog.pg_class c WHERE " + s.which() + "), 0)"
}

// resume decides what to do about a statement that was cut off; true: it is done. begun is false for IF NOT
// EXISTS, which would take an invalid index for a good one.
func (o *outside) resume(ctx context.Context, n int, stmt revision.Statement, known outsideStatement, begun bool) (bool, error) {
	switch known.kind {
	case createIndex, dropIndex:
		if err := o.unattended(ctx, known); err != nil {
			return false, o.broken(ctx, err)
		}
		is, err := o.index(ctx, known)
		if err != nil {
			return false, o.broken(ctx, err)
		}
		was := o.journal.lines[n] // the zero value for one that is not begun
		if known.kind == dropIndex {
			done := is.oid == 0 && begun && was.found != 0 // what was not there could not be dropped
			return done, o.noteIf(ctx, done, n)
		}
		return o.resumeCreate(ctx, n, stmt, known, is, was, begun)
	case repeatable:
		return false, o.sweep(ctx)
	}
	if begun {
		return false, o.journal.doubtful(n)
	}
	return false, nil
}

// resumeCreate is resume for CREATE INDEX CONCURRENTLY. An index that was there before, and one that is not what the
// statement makes, are somebody else's: the statement is run again, and says so.
func (o *outside) resumeCreate(ctx context.Context, n int, stmt revision.Statement, known outsideStatement, is indexState, was line, begun bool) (bool, error) {
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
	return same, o.noteIf(ctx, same, n)
}

// noteIf writes down that a statement turned out to be done.
func (o *outside) noteIf(ctx context.Context, done bool, n int) error {
	if !done {
		return nil
	}
	if err := o.conn.do(ctx, o.journal.done(n)); err != nil {
		return o.broken(ctx, err)
	}
	return nil
}

// unattended waits until no backend works on the index any more: that of a client that is gone goes on until
// its statement ends.
func (o *outside) unattended(ctx context.Context, known outsideStatement) error {
	bounded, cancel := context.WithTimeout(ctx, buildTime)
	defer cancel()
	for p := (poll{}); ; {
		is, err := o.index(ctx, known)
		if err != nil || is.oid == 0 {
			return err
		}
		results, err := o.conn.query(ctx, strings.ReplaceAll(attendants, "$index", oidText(is.oid)))
		if err != nil || len(results[0].Rows) == 0 {
			return err
		}
		if !p.wait(bounded) {
			if ctx.Err() != nil {
				return ctx.Err()
			}
			return &engine.Error{
				Class:   engine.Busy,
				Message: fmt.Sprintf("backend %s still works on index %s, probably for a client that is gone", value(results[0]), is.name),
				Advice:  "wait for it, or end it by pg_terminate_backend",
			}
		}
	}
}

// attendants are the backends that work on an index; while one waits, it may hold no lock on it.
const attendants = `SELECT pid FROM pg_catalog.pg_stat_progress_create_index WHERE index_relid = $index AND pid <> pg_catalog.pg_backend_pid()
UNION SELECT pid FROM pg_catalog.pg_locks WHERE locktype = 'relation' AND relation = $index AND pid <> pg_catalog.pg_backend_pid()
	AND database = (SELECT oid FROM pg_catalog.pg_database WHERE datname = pg_catalog.current_database())
	AND mode IN ('ShareUpdateExclusiveLock', 'AccessExclusiveLock') LIMIT 1`

// drop removes an invalid index without blocking anybody.
func (o *outside) drop(ctx context.Context, is indexState) error {
	for _, sql := range []string{"SET lock_timeout = 0", "DROP INDEX CONCURRENTLY IF EXISTS " + is.name} {
		if err := o.conn.do(ctx, sql); err != nil {
			return o.broken(ctx, err)
		}
	}
	return nil
}

// sweep drops what a REINDEX CONCURRENTLY that was cut off left in the tenant's schema.
func (o *outside) sweep(ctx context.Context) error {
	results, err := o.conn.query(ctx, `SELECT c.oid, pg_catalog.format('%I.%I', n.nspname, c.relname) FROM pg_catalog.pg_class c
JOIN pg_catalog.pg_index i ON i.indexrelid = c.oid JOIN pg_catalog.pg_namespace n ON n.oid = c.relnamespace
WHERE n.nspname = `+literal(o.session.target.Schema)+` AND NOT i.indisvalid AND c.relname ~ '_cc(new|old)[0-9]*$'
AND NOT EXISTS (SELECT FROM pg_catalog.pg_locks l WHERE l.relation = c.oid AND l.pid <> pg_catalog.pg_backend_pid())`)
	if err != nil {
		return o.broken(ctx, err)
	}
	for _, r := range results[0].Rows {
		if err := o.drop(ctx, indexState{oid: parseOID(r[0]), name: string(r[1])}); err != nil {
			return err
		}
	}
	return nil
}

// proven checks what CREATE INDEX CONCURRENTLY made; IF NOT EXISTS says yes to an invalid index too.
func (o *outside) proven(ctx context.Context, known outsideStatement) error {
	is, err := o.index(ctx, known)
	if err != nil {
		return o.broken(ctx, err)
	}
	if is.oid != 0 && !is.valid {
		return &engine.Error{Class: engine.Transient, Message: "index " + is.name + " is there, but not valid"}
	}
	return nil
}

// failed is the error of a statement by itself. What a failed CREATE INDEX CONCURRENTLY leaves behind costs each
// write and helps nobody; a statement that was rolled back as a whole leaves no line in the journal.
func (o *outside) failed(ctx context.Context, n int, known outsideStatement, begun line, err error) error {
	var pg *pgconn.PgError
	if !errors.As(err, &pg) || isFatal(pg) || o.conn.pg.IsClosed() {
		return o.broken(ctx, err)
	}
	e := *present(classify(ctx, err), pg)
	clean, cancel := context.WithTimeout(context.WithoutCancel(ctx), buildTime)
	defer cancel()
	_ = o.conn.do(clean, o.again()) // a procedure may have committed before it failed
	if known.kind == createIndex {
		if is, look := o.index(clean, known); look == nil && is.oid != 0 && !is.valid && !begun.before(is.oid) { // else it is somebody else's
			if o.drop(clean, is) == nil {
				e.Message += "; the invalid index that it left was dropped"
			} else {
				e.Message += "; the invalid index " + is.name + " that it left could not be dropped"
			}
		}
	}
	if known.kind != opaque {
		_ = o.conn.do(clean, o.journal.forget(n)) // else it is looked at again
	}
	return &e
}
