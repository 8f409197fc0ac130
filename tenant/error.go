package tenant

import (
	"fmt"
	"strings"
)

// Error says what is wrong with a source or with one of its tenants, where, and what to do. Several are joined by
// errors.Join, so that one run shows every mistake.
type Error struct {
	Source  string // name of the source; "" if it is about the fleet
	Tenant  string // id of the tenant; "" if it is about the source
	File    string // file that lists the tenant; "" if there is none
	Line    int    // 1-based; 0 = the whole file
	Col     int    // 1-based bytes; 0 = the whole line
	Message string // one line, without source, tenant and position
	Advice  string // what to do; "" if the message is enough
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

// Hint says what to do about it; "" if the message is enough.
func (e *Error) Hint() string { return e.Advice }

// Position returns the file, 1-based line and 1-based column; zero values where unknown.
func (e *Error) Position() (file string, line, col int) { return e.File, e.Line, e.Col }
