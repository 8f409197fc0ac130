package postgres

import (
	"fmt"
	"slices"

	"github.com/jackc/pgx/v5/pgconn"

	"github.com/skeindb/skein/engine"
	"github.com/skeindb/skein/engine/revision"
)

// uncommitted reports whether a statement failed because an earlier revision of its transaction is not committed yet: in a
// transaction of its own, it would succeed.
func (a *applier) uncommitted(pg *pgconn.PgError, p piece) bool {
	if p.step == 0 {
		return false
	}
	step := a.work.Parts[p.part].Steps[p.step]
	switch {
	case pg.Code == stateUnsafeEnum:
		return !step.Revision.Section(step.Direction).AddsEnumValue
	case pg.Code == stateObjectInUse && pg.Routine == "CheckTableNotInUse":
		own := a.bodies(step).statements[:p.n+1]
		return !slices.ContainsFunc(own, func(s revision.Statement) bool { return !defines(s.Text) })
	}
	return false
}

// defines reports whether a statement defines objects and changes no rows, so that it leaves no deferred check of rows.
func defines(text string) bool {
	return slices.Contains([]string{"ALTER", "CREATE", "DROP", "COMMENT", "GRANT", "REVOKE", "LOCK", "SET", "REINDEX", "CLUSTER", "TRUNCATE"}, firstWord(text))
}

// untried says why a rehearsal ends at a revision that needs a commit before it.
func untried(e *engine.Error) string {
	return fmt.Sprintf("revision %s (%s:%d) can be tried only once what comes before it is committed: %s", e.Revision, e.File, e.Line, e.Message)
}
