package postgres

import (
	"fmt"
	"strings"

	"github.com/jackc/pgx/v5/pgconn"

	"github.com/skeindb/skein/engine"
)

// A version table may have columns, constraints, rules and triggers that users added. Where they refuse a row of skein's, the
// body is rolled back with it and the tenant fails with the server's message. Such a tenant is never reported as gone, nor
// as upgraded.

// rowTag reports whether a command tag is that of one version row written or deleted.
func rowTag(tag pgconn.CommandTag) bool { return tag.RowsAffected() == 1 }

// refusedRow is an error of the server about a statement on the version table.
func (a *applier) refusedRow(p piece, pg *pgconn.PgError, e *engine.Error) *engine.Error {
	table := a.session.db.table.in(a.session.location.Schema)
	if p.kind == kindCreate {
		return ofOwnTable(e, pg, "the version table cannot be made", "look at what stands in its place, and at the event triggers of the database")
	}
	step := a.work.Parts[p.part].Steps[p.step]
	e = ofOwnTable(e, pg, "skein's row for revision "+step.Revision.ID+" was refused", adviceRow(table))
	e.Revision, e.File = step.Revision.ID, step.Revision.File
	return e
}

// ofOwnTable puts what skein tried before the server's message. Transient errors, and those about the server, stay as they
// are.
func ofOwnTable(e *engine.Error, pg *pgconn.PgError, what, advice string) *engine.Error {
	switch e.Class {
	case engine.Data, engine.Revision, engine.Internal:
	default:
		return e
	}
	own := *e
	text := e.Message
	if strings.HasPrefix(pg.Code, "23") && pg.Code != stateDuplicateRow { // the detail is the version row, with its times
		text = oneLine(pg.Message)
	}
	own.Message, own.Advice = what+": "+text, advice
	return &own
}

func adviceRow(table string) string {
	return "look at the columns, constraints, rules and triggers of " + table + ": skein writes " + versionColumns +
		"; any other column has to allow NULL or have a default"
}

// lostRow is the error of a part whose rows are not in the version table although all its statements succeeded. unwritten is
// the piece whose command tag says that nothing was written; nil = none.
func (a *applier) lostRow(p piece, unwritten *lostPiece) *engine.Error {
	steps := a.work.Parts[p.part].Steps
	step, came := steps[len(steps)-1], "the version table does not hold the rows that skein wrote"
	if unwritten != nil {
		step = a.work.Parts[unwritten.part].Steps[unwritten.step]
		came = noEffect(step, unwritten.tag)
	}
	return lostRowError(a.session.db.table.in(a.session.location.Schema), step, came)
}

func noEffect(step engine.Step, tag string) string {
	return fmt.Sprintf("skein's row for revision %s had no effect: %s", step.Revision.ID, tag)
}

func lostRowError(table string, step engine.Step, came string) *engine.Error {
	return &engine.Error{
		Class: engine.Data, Revision: step.Revision.ID, File: step.Revision.File,
		Message: came,
		Advice:  "look at the rules and triggers of " + table + ": a row that they remove is not recorded, so nothing of the revision was kept",
	}
}

// lostPiece is a version row whose command tag says that it was not written, or more than once.
type lostPiece struct {
	piece
	tag string
}
