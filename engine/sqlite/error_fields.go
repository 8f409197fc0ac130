package sqlite

import (
	"strings"

	modernc "modernc.org/sqlite"
	lib "modernc.org/sqlite/lib"

	"github.com/skeindb/skein/engine"
)

// severity of all errors: SQLite has no levels.
const severity = "error"

// constraints are the extended codes of SQLITE_CONSTRAINT (https://www.sqlite.org/rescode.html).
var constraints = map[int]string{
	lib.SQLITE_CONSTRAINT_CHECK:      "SQLITE_CONSTRAINT_CHECK",
	lib.SQLITE_CONSTRAINT_COMMITHOOK: "SQLITE_CONSTRAINT_COMMITHOOK",
	lib.SQLITE_CONSTRAINT_DATATYPE:   "SQLITE_CONSTRAINT_DATATYPE",
	lib.SQLITE_CONSTRAINT_FOREIGNKEY: "SQLITE_CONSTRAINT_FOREIGNKEY",
	lib.SQLITE_CONSTRAINT_FUNCTION:   "SQLITE_CONSTRAINT_FUNCTION",
	lib.SQLITE_CONSTRAINT_NOTNULL:    "SQLITE_CONSTRAINT_NOTNULL",
	lib.SQLITE_CONSTRAINT_PINNED:     "SQLITE_CONSTRAINT_PINNED",
	lib.SQLITE_CONSTRAINT_PRIMARYKEY: "SQLITE_CONSTRAINT_PRIMARYKEY",
	lib.SQLITE_CONSTRAINT_ROWID:      "SQLITE_CONSTRAINT_ROWID",
	lib.SQLITE_CONSTRAINT_TRIGGER:    "SQLITE_CONSTRAINT_TRIGGER",
	lib.SQLITE_CONSTRAINT_UNIQUE:     "SQLITE_CONSTRAINT_UNIQUE",
	lib.SQLITE_CONSTRAINT_VTAB:       "SQLITE_CONSTRAINT_VTAB",
}

// fieldsOf returns the parts of an error that hold no value of a row. SQLite has no fields besides its text; for a
// constraint of the schema the text ends with the constraint's name or columns, after a fixed phrase.
func fieldsOf(s *modernc.Error) *engine.Fields {
	f := &engine.Fields{Severity: severity, Condition: condition(s.Code())}
	switch s.Code() {
	case lib.SQLITE_CONSTRAINT_CHECK, lib.SQLITE_CONSTRAINT_NOTNULL, lib.SQLITE_CONSTRAINT_PRIMARYKEY, lib.SQLITE_CONSTRAINT_ROWID, lib.SQLITE_CONSTRAINT_UNIQUE:
		_, f.Constraint, _ = strings.Cut(message(s), " constraint failed: ")
	}
	return f
}

// condition is the name of a result code; for an unknown extended code, the name of its primary code.
func condition(code int) string {
	if name, ok := constraints[code]; ok {
		return name
	}
	for _, c := range []int{code, code & 0xff} {
		_, name, _ := strings.Cut(modernc.ErrorCodeString[c], "(")
		if name = strings.TrimSuffix(name, ")"); name != "" {
			return name
		}
	}
	return ""
}
