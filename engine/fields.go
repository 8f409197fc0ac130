package engine

import "strings"

// Fields are the structured fields of a server's error or notice: for PostgreSQL the manual's "Error and Notice Message
// Fields", for SQLite what a result code means. They hold names, never values of rows.
//
// Schemas are left out: in a fleet they are mostly the tenant's own.
type Fields struct {
	Severity   string // ERROR, FATAL, WARNING …; "error" of SQLite
	Condition  string // the name of the SQLSTATE or result code: unique_violation, SQLITE_CONSTRAINT_UNIQUE
	Table      string
	Column     string
	DataType   string
	Constraint string   // of SQLite also the columns of one without a name
	Routine    string   // of the server's own source that reported it
	Calls      []string // the functions and DO blocks that were running, innermost first, each with its line
	Words      int      // words of the statement before the position that the server points at; 0 = none
}

// Describe writes the fields in one line: "ERROR 23505 unique_violation: table users, constraint users_email_key".
// sqlState may be "".
func (f *Fields) Describe(sqlState string) string {
	var head, names []string
	for _, word := range []string{f.Severity, sqlState, f.Condition} {
		if word != "" {
			head = append(head, word)
		}
	}
	for _, field := range [][2]string{{"table", f.Table}, {"column", f.Column}, {"type", f.DataType}, {"constraint", f.Constraint}} {
		if field[1] != "" {
			names = append(names, field[0]+" "+field[1])
		}
	}
	text := strings.Join(head, " ")
	if len(names) > 0 {
		text += ": " + strings.Join(names, ", ")
	}
	return text
}

// WithoutValues returns message and advice without text that servers and other programs wrote, which may hold values of rows:
// a description of the fields takes its place. The engine's own texts stay.
func (e *Error) WithoutValues() (message, advice string) {
	message, advice = e.Message, e.Advice
	if advice == e.QuotedAdvice {
		advice = ""
	}
	if e.Fields == nil && e.Quoted == "" {
		return message, advice
	}
	instead := "(text left out)"
	if e.Fields != nil {
		instead = e.Fields.Describe(e.SQLState)
	}
	if before, after, found := strings.Cut(message, e.Quoted); found && e.Quoted != "" {
		return before + instead + after, advice
	}
	return instead, advice
}
