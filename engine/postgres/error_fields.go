package postgres

import (
	"strings"

	"github.com/jackc/pgx/v5/pgconn"

	"github.com/skeindb/skein/engine"
)

// fieldsOf takes the fields of an error that hold no values of rows.
//
// Where a body raises an error itself, its author chooses the names of objects (USING COLUMN = …), which may be values, so
// they are left out; Calls says which RAISE it was.
func fieldsOf(e *pgconn.PgError) *engine.Fields {
	f := &engine.Fields{Severity: severity(e), Condition: conditions[e.Code], Routine: routine(e.Routine), Calls: calls(e.Where)}
	if !raised(e) {
		f.Table, f.Column, f.DataType, f.Constraint = e.TableName, e.ColumnName, e.DataTypeName, e.ConstraintName
	}
	return f
}

// severity returns the untranslated severity, which servers before 9.6 and some poolers do not send, or else the other.
func severity(e *pgconn.PgError) string {
	if e.SeverityUnlocalized != "" {
		return e.SeverityUnlocalized
	}
	return e.Severity
}

// raised reports whether an error comes from a statement of a procedural language, by the file of the server's
// source: pl_exec.c, plpy_elog.c, plperl.c, pltcl.c.
func raised(e *pgconn.PgError) bool { return strings.HasPrefix(e.File, "pl") }

// routine is the function of the server's source without the suffix of newer versions: pg_strtoint32 on one server of a fleet
// is pg_strtoint32_safe on another.
func routine(name string) string { return strings.TrimSuffix(name, "_safe") }

const mostCalls = 20 // lines of a stack: a recursion may have thousands

// calls takes from the context of an error the lines that name functions of procedural languages, such as "PL/pgSQL
// function f(integer) line 3 at RAISE". The others quote statements and rows. All translations of the server keep the
// name of the language.
func calls(where string) []string {
	var all []string
	quoted := false // inside the text of a statement, which may have several lines
	for line := range strings.Lines(where) {
		line = strings.TrimSpace(line)
		if !quoted && strings.Contains(line, "PL/") && !strings.Contains(line, `"`) && len(all) < mostCalls {
			all = append(all, line)
		}
		if strings.Count(line, `"`)%2 == 1 {
			quoted = !quoted
		}
	}
	return all
}
