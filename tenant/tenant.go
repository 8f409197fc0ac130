package tenant

import (
	"context"
	"strconv"

	"github.com/skeindb/skein/engine"
)

// Tenant is one member of the fleet. Read-only once gathered.
type Tenant struct {
	ID       string            `json:"id"`              // unique in the fleet; 1–255 bytes of UTF-8, no NUL or newline
	Source   string            `json:"source"`          // name of the source it came from, else its 1-based index
	Labels   map[string]string `json:"labels,omitzero"` // may be nil; values are never empty; tenants of one source may share the map
	Location engine.Location   `json:"target"`          // unique in the fleet
	Position Position          `json:"place,omitzero"`  // where its record is written, for messages
}

// Position is a line of a file that lists tenants. The zero value means none: the tenant was found in a
// catalog, by a query or a pattern.
type Position struct {
	File string `json:"file"`
	Line int    `json:"line,omitempty"` // 1-based; 0 = the whole file
}

// String returns file:line, or "" for the zero value.
func (p Position) String() string {
	if p.Line == 0 {
		return p.File
	}
	return p.File + ":" + strconv.Itoa(p.Line)
}

// Source lists tenants, from a catalog, a query, a file, a pattern or a command.
type Source interface {
	// Name is the source's name in the config, else its 1-based index.
	Name() string

	// List returns the tenants of the source. Warnings are texts such as that a pattern matches nothing.
	// A source that yields nothing is an error. Errors are *Error, or several joined by errors.Join;
	// [Gather] fills in the source's name. List may run at the same time as that of other sources.
	List(ctx context.Context) (tenants []Tenant, warnings []string, err error)
}
