package engine

import (
	"fmt"
	"strings"
)

// Class says what an error means for the tenant, its server and the fleet, and so what a rollout does about it. The dialects
// map SQLSTATEs and SQLite's result codes to classes.
type Class string

const (
	Transient  Class = "transient"  // deadlock, serialization failure, concurrent catalog update: try again
	Busy       Class = "busy"       // a lock is held by another session: defer the tenant to the end of its wave
	Connection Class = "connection" // the server went away or restarts: pause it and probe; no attempt counted
	Capacity   Class = "capacity"   // too many connections, out of memory: lower the concurrency; no attempt counted
	Server     Class = "server"     // disk full, authentication, read-only: pause the server until an operator resumes
	Timeout    Class = "timeout"    // statement_timeout: defer the tenant once, it may be a large one
	Stale      Class = "stale"      // the tenant does not stand where the plan says
	Gone       Class = "gone"       // schema, database or file was dropped, renamed or created again
	Data       Class = "data"       // the tenant's rows forbid the change: only this tenant fails
	Revision   Class = "revision"   // the revision is wrong here: syntax, missing table, privilege
	Guard      Class = "guard"      // the revision changed something outside the tenant
	Checksum   Class = "checksum"   // an applied revision has changed since
	Canceled   Class = "canceled"   // the operator or the context ended it
	Uncertain  Class = "uncertain"  // the connection was lost during a commit; Engine.Apply finds out whether it succeeded
	Internal   Class = "internal"   // any other error: fails the tenant
)

// Error is what went wrong with one tenant, and where in its revision.
type Error struct {
	Class     Class
	SQLState  string // five characters, or SQLite's extended result code in digits; "" when there is none
	Revision  string // "" when no body was involved
	File      string // slash path below the revisions folder
	Line, Col int    // of the statement in File, 1-based; 0 when unknown
	Number    int    // of the statement in its section, from 1; 0 when unknown
	Statement string // the statement's text; cut to about 200 bytes
	Message   string // one line, without file and line
	Advice    string // what to do; "" when nothing is known beyond the message
	Err       error  // cause; may be nil

	Fields       *Fields // structured fields of the server's error; nil where no server reported it
	Quoted       string  // the part of Message that a server or another program wrote, and may hold values of rows; "" = none
	QuotedAdvice string  // the server's own hint; Advice may be the same

	// Uncommitted says that Revision would succeed once the revisions before it in its transaction are committed.
	Uncommitted bool
}

func (e *Error) Error() string {
	var b strings.Builder
	if e.Revision != "" {
		fmt.Fprintf(&b, "revision %s", e.Revision)
		if e.File != "" {
			fmt.Fprintf(&b, " (%s", e.File)
			if e.Line > 0 {
				fmt.Fprintf(&b, ":%d", e.Line)
			}
			b.WriteString(")")
		}
		b.WriteString(": ")
	}
	b.WriteString(e.Message)
	switch len(e.SQLState) {
	case 0:
	case 5:
		fmt.Fprintf(&b, " (SQLSTATE %s)", e.SQLState)
	default:
		fmt.Fprintf(&b, " (SQLite %s)", e.SQLState)
	}
	return b.String()
}

func (e *Error) Unwrap() error { return e.Err }

// Hint says what to do about it; "" when the message says all.
func (e *Error) Hint() string { return e.Advice }

// Position returns the revision file, 1-based line and 1-based column; zero values where unknown.
func (e *Error) Position() (file string, line, col int) { return e.File, e.Line, e.Col }
