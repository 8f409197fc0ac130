package tenant

import (
	"fmt"
	"strings"
)

// Error says what is wrong with a source or with one tenant of it, where, and what to do. Those who
// find several join them with errors.Join, so that one run shows every mistake.
type Error struct {
	Source  string // name of the source; "" when it is about the fleet
	Tenant  string // id of the tenant; "" when it is about the source
	File    string // file that lists the tenant; "" when there is none
	Line    int    // 1-based; 0 = the whole file
	Col     int    // 1-based bytes; 0 = the whole line
	Message string // one line, without source, tenant and place
	Advice  string // what to do; "" when the message says all
	Err     error  // cause; may be nil
}

func (e *Error) Error() string {
	var b strings.Builder
	if e.File != "" {
		b.WriteString(e.File)
		if e.Line > 0 {
			fmt.Fprintf(&b, ":%d", e.Line)
		}
		if e.Line > 0 && e.Col > 0 {
			fmt.Fprintf(&b, ":%d", e.Col)
		}
		b.WriteString(": ")
	} else if e.Source != "" {
		fmt.Fprintf(&b, "source %s: ", e.Source)
	}
	if e.Tenant != "" {
		fmt.Fprintf(&b, "tenant %q: ", e.Tenant)
	}
	b.WriteString(e.Message)
	return b.String()
}

func (e *Error) Unwrap() error { return e.Err }

// Hint says what to do about it; "" when the message says all.
func (e *Error) Hint() string { return e.Advice }

// Position returns the file, 1-based line and 1-based column; zero values where unknown.
func (e *Error) Position() (file string, line, col int) { return e.File, e.Line, e.Col }
