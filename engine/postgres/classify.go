package postgres

import (
	"context"
	"crypto/tls"
	"errors"
	"fmt"
	"io"
	"regexp"
	"slices"
	"strings"

	"github.com/jackc/pgx/v5/pgconn"

	"github.com/skeindb/skein/engine"
	"github.com/skeindb/skein/engine/revision"
)

// meaning is what a SQLSTATE says about the tenant, its server and the fleet.
type meaning struct {
	class  engine.Class
	advice string
}

const (
	adviceGrant = "grant the connecting role what it lacks, on this tenant and for the ones to come (ALTER DEFAULT PRIVILEGES), or make it the owner"
	adviceAuth  = "check user, password and pg_hba.conf of the server, then try again"
	adviceAgain = "run again: the tenant is then surveyed again"
)

// meanings has SQLSTATEs (manual, appendix A), or two-character classes whose codes all mean the same. All others are
// Internal.
var meanings = map[string]meaning{
	"40":    {engine.Transient, ""},
	"40P01": {engine.Transient, "two transactions waited for each other; if it comes back, let the section run alone (`alone`) or split it (`own-transaction`)"},
	"55006": {engine.Busy, "another session uses the object; end that session if waiting does not help"},
	"55P03": {engine.Busy, ""},

	"08":    {engine.Connection, ""},
	"57P01": {engine.Connection, ""}, // admin_shutdown, and pg_terminate_backend
	"57P02": {engine.Connection, ""},
	"57P03": {engine.Connection, ""},
	"57P05": {engine.Connection, ""},
	"25P03": {engine.Connection, "idle_in_transaction_session_timeout of the role or server ended the session"},

	"53":    {engine.Capacity, ""},
	"53300": {engine.Capacity, "lower max_connections of the server in skein.yaml, or raise the limits of role, database or server"},
	"53200": {engine.Capacity, "the server is out of memory or of locks (max_locks_per_transaction); a narrower rollout needs less"},

	"53100": {engine.Server, "free space on the server's disk, then try again"},
	"58":    {engine.Server, "look at the server's log and its disk, then try again"},
	"F0":    {engine.Server, "look at the server's configuration files, then try again"},
	"28":    {engine.Server, adviceAuth},
	"25006": {engine.Server, "the server is a standby or read-only; point the URL at the primary (target_session_attrs=read-write)"},
	"XX001": {engine.Server, "the server found its data corrupted: stop, look at its log, and restore from a backup"},
	"XX002": {engine.Server, "the server found an index corrupted: look at its log and run amcheck, REINDEX"},

	"57014": {engine.Timeout, "give the section more time: -- upgrade: statement_timeout=..."},
	"25P04": {engine.Timeout, "transaction_timeout of the role or server ended it; raise it, or split the chain (`own-transaction`)"},

	"3D000": {engine.Gone, adviceAgain},
	"57P04": {engine.Gone, adviceAgain},

	"22":    {engine.Data, "the tenant's rows or a value in the revision do not fit"},
	"22023": {engine.Revision, ""},
	"22P06": {engine.Revision, ""},
	"22P05": {engine.Data, "the database's encoding lacks a character: write another one, or move the tenant to a database in UTF8"},
	"23":    {engine.Data, "correct the tenant's rows, then retry; or let the revision correct them first"},
	"55000": {engine.Data, ""},
	"P0":    {engine.Data, ""}, // RAISE in a body: the author's own check of this tenant
	"44":    {engine.Data, ""},
	"21":    {engine.Data, ""},

	"0A": {engine.Revision, ""}, "0L": {engine.Revision, ""}, "0P": {engine.Revision, ""},
	"26": {engine.Revision, ""}, "2B": {engine.Revision, ""}, "2D": {engine.Revision, ""},
	"34": {engine.Revision, ""}, "38": {engine.Revision, ""}, "39": {engine.Revision, ""},
	"3B": {engine.Revision, ""}, "3F": {engine.Revision, ""}, "42": {engine.Revision, ""},
	"54": {engine.Revision, ""}, "24": {engine.Revision, ""}, "25": {engine.Revision, ""},
	"25001": {engine.Revision, "this statement cannot run inside a transaction; mark the section: -- upgrade: no-transaction"},
	"42501": {engine.Revision, adviceGrant},
	"55P04": {engine.Revision, "a new enum value can be used once it is committed: use it in a later revision, which begins after that"},
	"2D000": {engine.Revision, "a procedure that commits cannot run inside a transaction; mark the section: -- upgrade: no-transaction"},
	"42P06": {engine.Revision, adviceExists}, "42P07": {engine.Revision, adviceExists},
	"42701": {engine.Revision, adviceExists}, "42710": {engine.Revision, adviceExists}, "42723": {engine.Revision, adviceFunctionExists},
	"42P01": {engine.Revision, "check the spelling and the order of the statements; if only some tenants lack it, was it dropped by hand? an object that tenants share needs a qualified name, or its schema in search_path"},
}

// refusals are texts with which poolers refuse clients, with the SQLSTATE of a protocol violation.
var refusals = []string{"no more connections allowed", "query_wait_timeout", "max_client_conn", "pool timeout", "too many clients"}

// meaningOf returns the meaning of an error of the server.
func meaningOf(e *pgconn.PgError) meaning {
	switch {
	case e.Code == "23505" && isCatalog(e):
		return meaning{engine.Transient, ""} // two sessions create the same object; IF NOT EXISTS does not help
	case e.Code == "XX000" && strings.Contains(e.Message, "concurrently"):
		return meaning{engine.Transient, ""} // tuple concurrently updated, deleted
	case e.Code == "08P01" || e.Code == "58000":
		if m, ok := pooler(e.Message); ok {
			return m
		}
	case e.Code == "57014" && strings.Contains(e.Message, "user request"):
		return meaning{engine.Canceled, "another session ended the statement by pg_cancel_backend; find out why, then retry"}
	}
	for _, key := range []string{e.Code, e.Code[:min(2, len(e.Code))]} {
		if m, ok := meanings[key]; ok {
			return m
		}
	}
	return meaning{class: engine.Internal}
}

func isCatalog(e *pgconn.PgError) bool {
	return e.SchemaName == "pg_catalog" || strings.HasPrefix(e.TableName, "pg_")
}

func pooler(message string) (meaning, bool) {
	for _, text := range refusals {
		if strings.Contains(message, text) {
			return meaning{engine.Capacity, "the pooler has no connection left: lower max_connections in skein.yaml, or raise the pooler's limits"}, true
		}
	}
	switch {
	case strings.Contains(message, "no such database"): // said by the pooler, not the server
		return meaning{engine.Data, "add the database to the pooler's configuration; or, if it was dropped, take the tenant out of the source"}, true
	case strings.HasPrefix(message, `database "`) && strings.HasSuffix(message, "does not exist"):
		return meaning{engine.Gone, adviceAgain}, true
	case strings.Contains(message, "auth"):
		return meaning{engine.Server, adviceAuth}, true
	}
	return meaning{}, false
}

// classify turns any error into an *engine.Error; one that is an *engine.Error already stays as it is. This file and
// classify_body.go are the only ones that know SQLSTATEs.
//
// ctx is the context of the failed call: once it has ended, it is the cause of a broken connection or a canceled statement.
func classify(ctx context.Context, err error) *engine.Error {
	if known, ok := errors.AsType[*engine.Error](err); ok {
		return known
	}
	if pg, ok := errors.AsType[*pgconn.PgError](err); ok {
		m := meaningOf(pg)
		if pg.Code == stateCanceled && ctx.Err() != nil {
			m = meaning{class: engine.Canceled}
		}
		text := oneLine(messageOf(pg))
		return &engine.Error{
			Class: m.class, SQLState: pg.Code, Message: text, Advice: advice(m, pg), Err: pg,
			Fields: fieldsOf(pg), Quoted: text, QuotedAdvice: oneLine(pg.Hint),
		}
	}
	var certificate *tls.CertificateVerificationError
	switch {
	case ctx.Err() != nil:
		return &engine.Error{Class: engine.Canceled, Message: "canceled", Err: context.Cause(ctx)}
	case errors.As(err, &certificate):
		return &engine.Error{Class: engine.Server, Message: oneLine(err.Error()), Advice: "check sslmode, sslrootcert and the server's certificate", Err: err}
	case errors.Is(err, io.EOF), errors.Is(err, io.ErrUnexpectedEOF):
		return &engine.Error{Class: engine.Connection, Message: "the server closed the connection", Err: err}
	}
	return &engine.Error{Class: engine.Connection, Message: oneLine(err.Error()), Err: err}
}

// messageOf is the server's message and detail, such as the key of a duplicate row.
func messageOf(e *pgconn.PgError) string {
	if e.Detail == "" {
		return e.Message
	}
	return e.Message + ": " + e.Detail
}

// advice prefers skein's advice to the server's hint, which does not know that there are many tenants.
func advice(m meaning, e *pgconn.PgError) string {
	if m.advice != "" {
		return m.advice
	}
	return oneLine(e.Hint)
}

// explainCutName adds to an error about names that the server cut a long name of the statement: the name in the message is not the
// one in the file, and an existing object of that name may be another one.
func explainCutName(e *engine.Error, statement string) {
	if !strings.HasPrefix(e.SQLState, "42") || e.SQLState == statePrivilege {
		return
	}
	names := revision.LongNames(statement)
	if len(names) == 0 {
		explainLongName(e)
		return
	}
	name := names[0]
	for _, n := range names {
		if strings.Contains(e.Message, revision.CutName(n)) {
			name = n
			break
		}
	}
	e.Message += fmt.Sprintf("; the server keeps 63 bytes of the name %q: %q", name, revision.CutName(name))
	e.Advice = "shorten the names in the revision, so that they differ within 63 bytes; `Lint` finds them all"
}

// isFatal reports whether the server ended the session with the error, so that it is not known whether a commit under way
// succeeded. Severity is translated; poolers and servers before 9.6 send no other.
func isFatal(e *pgconn.PgError) bool {
	severity := e.SeverityUnlocalized
	if severity == "" {
		severity = e.Severity
	}
	return severity == "FATAL" || severity == "PANIC"
}

// explainLongName adds to an error about a name that exists already, and is about as long as names can be, that it may be what the
// server kept of a longer name in another revision: names are cut to 63 bytes of whole characters.
func explainLongName(e *engine.Error) {
	if e.Advice != adviceExists {
		return
	}
	for _, quoted := range fullForm.FindAllString(e.Message, -1) {
		if n := len(quoted) - 2; n >= 60 && n <= 63 {
			e.Advice = fmt.Sprintf("the name has %d bytes, and the server keeps 63: a longer name may have been cut to it, which `Lint` finds; if that is so, take another name; else: ", n) + adviceExists
			return
		}
	}
}

// fullForm matches a quoted name in a message of the server.
var fullForm = regexp.MustCompile(`"[^"]+"`)

// isLocal reports whether an error may be about one table, so that a survey can read the others.
func isLocal(err error) bool {
	var pg *pgconn.PgError
	if !errors.As(err, &pg) || isFatal(pg) {
		return false
	}
	switch meaningOf(pg).class {
	case engine.Connection, engine.Capacity, engine.Server, engine.Canceled:
		return false
	}
	return true
}

// hasState reports whether err is an error of the server with one of the SQLSTATEs.
func hasState(err error, states ...string) bool {
	pg, ok := errors.AsType[*pgconn.PgError](err)
	return ok && slices.Contains(states, pg.Code)
}

const (
	stateLockTimeout       = "55P03"
	stateCanceled          = "57014"
	stateDuplicateRow      = "23505"
	stateUndefinedTable    = "42P01"
	stateUndefinedColumn   = "42703"
	stateUndefinedObject   = "42704" // a type, among others
	stateUndefinedFunction = "42883" // or operator
	stateUndefinedSchema   = "3F000"
	stateDuplicateTable    = "42P07"
	stateUnsafeEnum        = "55P04"
	stateObjectInUse       = "55006"
	stateTermination       = "2D000" // COMMIT or ROLLBACK in a procedure inside a transaction
	stateReadOnly          = "25006"
	stateActiveTransaction = "25001" // a command that cannot be in a transaction
	statePrivilege         = "42501"
	stateNoDatabase        = "3D000"
	stateNoEquivalent      = "22P05" // a character that the server's encoding lacks
	stateBadBytes          = "22021"
)

func oneLine(text string) string { return strings.Join(strings.Fields(text), " ") }
