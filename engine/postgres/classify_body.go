package postgres

import (
	"context"
	"slices"
	"strings"

	"github.com/jackc/pgx/v5/pgconn"

	"github.com/skeindb/skein/engine"
	"github.com/skeindb/skein/engine/revision"
)

const (
	adviceExists         = "it is there already: was the change made by hand? take it away, or, if it is complete, stamp the tenant; what several tenants share is made with IF NOT EXISTS"
	adviceFunctionExists = "it is there already: was the change made by hand? take it away, or, if it is complete, stamp the tenant; or write CREATE OR REPLACE"
	adviceInUse          = "what the transaction did before still uses the table: rows that a deferred constraint is yet to check (write SET CONSTRAINTS ALL IMMEDIATE before this statement), or an open cursor (CLOSE it)"
	adviceByItself       = "the server runs it only as a statement by itself: take it out of the function or DO block, and write it in a section marked `no-transaction`"
	adviceForced         = "row-level security of the table holds for the connecting role, too: write ALTER TABLE … NO FORCE ROW LEVEL SECURITY before the statement and FORCE ROW LEVEL SECURITY after it, or give the role BYPASSRLS"
	adviceFile           = "the file is looked for on the database server: put it there, or take the statement out"
	adviceRemote         = "this server answers: the error comes from what the body does, such as a connection to another server"
	adviceCommit         = "COMMIT and ROLLBACK work in a DO block of a no-transaction section, and in a procedure that CALL runs there, not in what these run by SELECT"
)

// ofBody corrects the class and advice of an error that a statement of a body raised. Its SQLSTATE may come from anything that
// the statement does, such as a connection to another server, a file, or a RAISE; it is about this server, its connection or
// the tenant's schema only where no body can be the cause.
func ofBody(e *engine.Error, pg *pgconn.PgError, options revision.Options) {
	if isFatal(pg) || e.Class == engine.Canceled {
		return
	}
	switch e.Class {
	case engine.Connection, engine.Gone:
		e.Class, e.Advice = engine.Revision, adviceRemote
	case engine.Revision:
		if pg.Code == stateNoDatabase || pg.Code == "57P04" {
			e.Advice = adviceRemote
		}
	case engine.Capacity:
		if pg.Code == "53300" || pg.Code == "53400" {
			e.Class, e.Advice = engine.Revision, adviceRemote
		}
		if pg.Code == "53400" { // temp_file_limit
			e.Advice = "the statement needs more than a limit of the role or server allows: raise it, or do the work in smaller steps"
		}
	case engine.Server:
		// A full or failing disk and corruption are about the server in any statement. The caller asks whether it is
		// a standby.
		if !slices.Contains([]string{"53100", "58030", "XX001", "XX002", stateReadOnly}, pg.Code) {
			e.Class, e.Advice = engine.Revision, adviceRemote
		}
		if pg.Code == "58P01" {
			e.Advice = adviceFile
		}
	}
	switch {
	case pg.Code == stateObjectInUse && pg.Routine == "CheckTableNotInUse": // by this session
		e.Class, e.Advice = engine.Revision, adviceInUse
	case pg.Code == statePrivilege && pg.Routine == "check_enable_rls":
		e.Advice = adviceForced
	case pg.Code == stateTermination && options.NoTransaction:
		e.Advice = adviceCommit
	case pg.Code == stateActiveTransaction && strings.HasPrefix(pg.Routine, "call_"): // the check hook of a setting
		e.Advice = "the level of a transaction is set when it begins: mark the section, as in `-- upgrade: isolation=repeatable-read`"
	case pg.Code == stateActiveTransaction && (pg.Where != "" || options.NoTransaction):
		e.Advice = adviceByItself
	}
}

// readOnlyBody blames the body for the error of a read-only transaction, unless the server is a standby.
func readOnlyBody(ctx context.Context, c *conn, e *engine.Error) {
	results, err := c.query(ctx, "SELECT pg_catalog.pg_is_in_recovery()")
	if err == nil && firstValue(results[0]) == "f" {
		e.Class, e.Advice = engine.Revision, "remove from the body, or from the functions that it runs, what makes the transaction read-only"
	}
}
