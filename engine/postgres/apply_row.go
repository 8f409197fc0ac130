package postgres

import (
	"fmt"
	"strings"

	"github.com/jackc/pgx/v5/pgconn"

	"github.com/skeindb/skein/engine"
)

// A tenant may change its version table: add columns, constraints, rules and triggers. Where they keep skein's own
// rows out, the change is rolled back with its body and the tenant fails with the server's words. It is never taken
// for a tenant that is gone, nor for one that is upgraded.

// rowTag is the command tag of a version row that was written or deleted: precisely one.
func rowTag(tag pgconn.CommandTag) bool { return tag.RowsAffected() == 1 }

// refusedRow is the error of the server about a statement of skein's on its own tables.
func (a *application) refusedRow(p piece, pg *pgconn.PgError, e *engine.Error) *engine.Error {
	table := a.session.db.table.in(a.session.target.Schema)
	if p.kind == kindCreate {
		return ofOwnTable(e, pg, "the version table cannot be made", "look at what stands in its place, and at the event triggers of the database")
	}
	step := a.work.Parts[p.part].Steps[p.step]
	e = ofOwnTable(e, pg, "skein's row for revision "+step.Revision.ID+" was refused", adviceRow(table))
	e.Revision, e.File = step.Revision.ID, step.Revision.File
	return e
}

// ofOwnTable puts what skein was about before the server's words. Errors that pass, or that are the server's affair,
// stay as they are.
func ofOwnTable(e *engine.Error, pg *pgconn.PgError, what, advice string) *engine.Error {
	switch e.Class {
	case engine.Data, engine.Revision, engine.Internal:
	default:
		return e
	}
	own := *e
	text := e.Message
	if strings.HasPrefix(pg.Code, "23") && pg.Code != stateDuplicateRow { // the detail is our own row, with its times
		text = oneLine(pg.Message)
	}
	own.Message, own.Advice = what+": "+text, advice
	return &own
}

func adviceRow(table string) string {
	return "look at the columns, constraints, rules and triggers of " + table + ": skein writes " + versionColumns +
		"; any other column has to allow NULL or have a default"
}

// lostRow is the error of a part whose rows are not in the version table although the server took all its statements.
// unwritten is the piece whose command tag says that nothing was written; nil = none does.
func (a *application) lostRow(p piece, unwritten *lostPiece) *engine.Error {
	steps := a.work.Parts[p.part].Steps
	step, came := steps[len(steps)-1], "the version table does not hold the rows that skein wrote"
	if unwritten != nil {
		step = a.work.Parts[unwritten.part].Steps[unwritten.step]
		came = noEffect(step, unwritten.tag)
	}
	return lostRowError(a.session.db.table.in(a.session.target.Schema), step, came)
}

func noEffect(step engine.Step, tag string) string {
	return fmt.Sprintf("skein's row for revision %s had no effect: %s", step.Revision.ID, tag)
}

func lostRowError(table string, step engine.Step, came string) *engine.Error {
	return &engine.Error{
		Class: engine.Data, Revision: step.Revision.ID, File: step.Revision.File,
		Message: came,
		Advice:  "look at the rules and triggers of " + table + ": what they take away is not recorded, so nothing of the revision was kept",
	}
}

// lostPiece is a version row of which the server says that it was not written, or not once.
type lostPiece struct {
	piece
	tag string
}
