package postgres

import (
	"context"
	"errors"

	"github.com/jackc/pgx/v5/pgconn"

	"github.com/skeindb/skein/engine"
	"github.com/skeindb/skein/engine/revision"
)

// finish writes the version row and closes the journal, in one transaction.
func (o *noTxRun) finish(ctx context.Context) error {
	s := o.session
	schema, r := s.location.Schema, o.step.Revision
	sql := "BEGIN; SET LOCAL lock_timeout = " + milliseconds(o.work.LockTimeout) + "; " + o.createTables()
	if o.step.Direction == revision.Down {
		sql += s.db.table.delete(schema, r.ID) + "; "
	} else {
		sql += s.db.table.insert(schema, row{
			id: literal(r.ID), duration: since(o.journal.started()), checksum: r.Checksum(), rollout: o.work.Rollout, tool: o.work.Tool,
		}) + "; "
	}
	sql += checkDeferred + "; " + s.db.table.endsAt(schema, o.work.SchemaID.SchemaOID, o.work.Parts[0].After) + "; " + o.journal.close() + "; COMMIT"
	results, err := o.conn.query(ctx, sql)
	if err == nil {
		return nil
	}
	return o.rowError(ctx, err, results)
}

// rowError is the error of a revision whose statements ran and whose version row was not written. results are those of the
// message that should have written it.
func (o *noTxRun) rowError(ctx context.Context, err error, results []*pgconn.Result) error {
	s := o.session
	var pg *pgconn.PgError
	if !errors.As(err, &pg) || isFatal(pg) || o.conn.pg.IsClosed() {
		return o.statementError(ctx, err)
	}
	table := s.db.table.in(s.location.Schema)
	switch marked(pg.Message) {
	case markGone:
		return s.gone()
	case markRows:
		came := "the version table does not hold the row that skein wrote"
		for _, r := range results {
			if tag := r.CommandTag; (tag.Insert() || tag.Delete()) && !rowTag(tag) {
				came = noEffect(o.step, tag.String())
			}
		}
		e := lostRowError(table, o.step, came)
		e.Advice = "look at the rules and triggers of " + table + ", then resume: the statements that are done are not run again"
		return e
	}
	e := ofOwnTable(notGone(classify(ctx, pg), pg), pg, "skein's row for revision "+o.step.Revision.ID+" was refused", adviceRow(table))
	o.conn.rollback(ctx)
	switch oid, err := schemaOID(ctx, o.conn, s.location.Schema); {
	case err != nil:
	case oid != o.work.SchemaID.SchemaOID:
		return s.gone()
	case e.SQLState == stateDuplicateRow:
		if results, err := o.conn.query(ctx, s.db.table.has(s.location.Schema, o.step.Revision.ID)); err == nil && firstValue(results[0]) == "t" {
			return staleError()
		}
	}
	e.Revision, e.File = o.step.Revision.ID, o.step.Revision.File
	return e
}

// locate records the statement of an error.
func (o *noTxRun) locate(ctx context.Context, err error, n int, stmt revision.Statement) error {
	e := *classify(context.Background(), err)
	if e.Class == engine.Uncertain {
		return &e
	}
	pg, _ := errors.AsType[*pgconn.PgError](e.Err)
	if pg != nil {
		ofBody(&e, pg, o.step.Revision.Section(o.step.Direction).Options)
		if pg.Code == stateReadOnly {
			readOnlyBody(ctx, o.conn, &e)
		}
	}
	missing(&e, o.misplaced)
	e.Revision, e.File = o.step.Revision.ID, o.step.Revision.File
	locateStatement(&e, pg, n, stmt, 0)
	return &e
}
