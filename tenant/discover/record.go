package discover

import (
	"fmt"
	"slices"
	"strings"

	"github.com/skeindb/skein/engine/text"
	"github.com/skeindb/skein/tenant"
)

// Record is one tenant as written in a row, a line or an object. "" means not set; the source's [Defaults] fill it in.
//
// A record with File is a SQLite tenant and has nothing else but an id and labels; any other is a PostgreSQL tenant.
// URLEnv names an environment variable that holds a postgres:// URL, of a server that the config does not know. The
// server is then named $NAME; a Server that starts with a dollar sign means the same, so that the JSON in which
// skein lists tenants can be read again.
type Record struct {
	ID       string // required
	Server   string
	Database string
	Schema   string
	File     string // a relative path starts in the config's folder
	URLEnv   string // not together with Server
	Labels   map[string]string
	Position tenant.Position // where it is written
}

// columns of a record, apart from label.NAME.
var columns = []string{"id", "server", "database", "schema", "file", "url_env"}

// fields of a record as an object. `source` is read and ignored: the JSON that skein lists tenants in has it.
var fields = append(slices.Clone(columns), "source", "labels")

// set sets a column or a plain field; false if there is none of that name.
func (r *Record) set(column, value string) bool {
	switch column {
	case "id":
		r.ID = value
	case "server":
		r.Server = value
	case "database":
		r.Database = value
	case "schema":
		r.Schema = value
	case "file":
		r.File = value
	case "url_env":
		r.URLEnv = value
	default:
		name, ok := strings.CutPrefix(column, "label.")
		if !ok {
			return false
		}
		if value != "" {
			r.label(name, value)
		}
	}
	return true
}

func (r *Record) label(name, value string) {
	if r.Labels == nil {
		r.Labels = map[string]string{}
	}
	r.Labels[name] = value
}

// checkColumns returns what is wrong with the column names of a table.
func checkColumns(names []string, pos tenant.Position) []error {
	var errs []error
	fail := func(advice, format string, args ...any) {
		errs = append(errs, &tenant.Error{
			File: pos.File, Line: pos.Line, Message: fmt.Sprintf(format, args...), Advice: advice,
		})
	}
	seen := map[string]bool{}
	for _, name := range names {
		label, isLabel := strings.CutPrefix(name, "label.")
		switch {
		case seen[name]:
			fail("", "column %q is there twice", name)
		case isLabel && label == "":
			fail("", "column %q names no label", name)
		case !isLabel && !slices.Contains(columns, name):
			advice := fmt.Sprintf("did you mean %q?", "label."+name)
			if near := text.Nearest(name, columns); near != "" {
				advice = fmt.Sprintf("did you mean %q, or %q?", near, "label."+name)
			}
			fail(advice, "unknown column %q", name)
		}
		seen[name] = true
	}
	if !seen["id"] {
		fail("the columns are "+strings.Join(columns, ", ")+" and label.NAME; id is required", "there is no column id")
	}
	return errs
}

// unknownField returns the error about a field that an object must not have.
func unknownField(name string, pos tenant.Position) error {
	label := strings.TrimPrefix(name, "label.")
	advice := fmt.Sprintf("did you mean labels: {%q: …}?", label)
	if near := text.Nearest(name, fields); near != "" && label == name {
		advice = fmt.Sprintf("did you mean %q, or labels: {%q: …}?", near, name)
	}
	return errorAt(pos, advice, "unknown field %q", name)
}

// errorAt makes an error about a line of a file.
func errorAt(pos tenant.Position, advice, format string, args ...any) error {
	return &tenant.Error{File: pos.File, Line: pos.Line, Message: fmt.Sprintf(format, args...), Advice: advice}
}
