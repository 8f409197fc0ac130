package engine

import "strings"

// Fields are what a server says of an error or a notice apart from its text: for PostgreSQL the manual's "Error and
// Notice Message Fields", for SQLite what a result code tells. Names stand in them, values of rows do not.
//
// Schemas are left out: in a fleet they mostly are the tenant's own.
type Fields struct {
	Severity   string // ERROR, FATAL, WARNING …; "error" of SQLite
	Condition  string // the name of the SQLSTATE or result code: unique_violation, SQLITE_CONSTRAINT_UNIQUE
	Table      string
	Column     string
	DataType   string
	Constraint string   // of SQLite also the columns of one without a name
	Routine    string   // of the server's own source that reported it
	Calls      []string // the functions and DO blocks that were running, the innermost first, each with its line
	Words      int      // words of the statement before the place that the server points at; 0 = it points at none
}

// Describe makes a line of the fields: "ERROR 23505 unique_violation: table users, constraint users_email_key".
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

// WithoutValues returns message and advice without what others wrote, above all servers: it may hold values of rows. What
// was said instead is made of the fields. The texts of skein itself stay.
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
