package tenant

import (
	"fmt"
	"path/filepath"
	"strings"
	"unicode/utf8"

	"github.com/skeindb/skein/engine"
	"github.com/skeindb/skein/engine/revision"
)

const (
	maxID   = 255 // bytes
	maxName = 63  // bytes; PostgreSQL cuts longer names silently (NAMEDATALEN - 1)
)

// check returns what is wrong with the tenants, one by one and together, in their order. It looks at local files: see [files].
func check(tenants []Tenant) []error {
	var errs []error
	byID := make(map[string]*Tenant, len(tenants))
	byLocation := make(map[engine.Location]*Tenant, len(tenants))
	files := newFiles()
	for i := range tenants {
		t := &tenants[i]
		if err := checkOne(t); err != nil {
			errs = append(errs, err)
			continue
		}
		if first := byID[t.ID]; first != nil {
			errs = append(errs, sameID(first, t))
			continue
		}
		byID[t.ID] = t
		if t.Location.Dialect == revision.SQLite {
			if first := files.add(t); first != nil {
				errs = append(errs, sameLocation(first, t))
			}
			continue
		}
		if first := byLocation[t.Location]; first != nil {
			errs = append(errs, sameLocation(first, t))
			continue
		}
		byLocation[t.Location] = t
	}
	return errs
}

func checkOne(t *Tenant) error {
	if message := checkID(t.ID); message != "" {
		return t.errorf("Ids have 1 to 255 bytes of UTF-8, without NUL and newline.", "%s", message)
	}
	for key := range t.Labels {
		if key == "" {
			return t.errorf("", "a label has no name")
		}
	}
	at := t.Location
	switch at.Dialect {
	case revision.SQLite:
		switch {
		case at != engine.Location{Dialect: revision.SQLite, File: at.File}:
			return t.errorf("", "a SQLite file has no server, database or schema")
		case at.File == "" || strings.ContainsRune(at.File, 0):
			return t.errorf("", "%q is no name of a file", at.File)
		case !filepath.IsAbs(at.File):
			return t.errorf("", "the path of file %q is not absolute", at.File)
		}
	case revision.Postgres:
		switch {
		case at.File != "":
			return t.errorf("", "a PostgreSQL tenant has no file")
		case at.Server == "":
			return t.errorf("", "the server is not set")
		}
		for _, name := range []struct{ kind, text string }{{"database", at.Database}, {"schema", at.Schema}} {
			if message := checkName(name.kind, name.text); message != "" {
				return t.errorf("", "%s", message)
			}
		}
	default:
		return t.errorf("", "unknown dialect %q", at.Dialect)
	}
	return nil
}

func checkID(id string) string {
	switch {
	case id == "":
		return "the id is empty"
	case len(id) > maxID:
		return fmt.Sprintf("the id has %d bytes", len(id))
	case !utf8.ValidString(id):
		return "the id is not UTF-8"
	case strings.ContainsAny(id, "\x00\n\r"):
		return "the id contains a NUL or a newline"
	}
	return ""
}

func checkName(kind, name string) string {
	switch {
	case name == "":
		return fmt.Sprintf("the %s is not set", kind)
	case len(name) > maxName:
		return fmt.Sprintf("%s %q has %d bytes; PostgreSQL's names have at most %d", kind, name, len(name), maxName)
	case !utf8.ValidString(name) || strings.ContainsRune(name, 0):
		return fmt.Sprintf("%s %q is not UTF-8 without NUL", kind, name)
	}
	return ""
}

func sameID(first, second *Tenant) error {
	if first.Location == second.Location {
		return second.errorf("Narrow one of the two, or leave the record out.",
			"%s is listed by %s and again by %s", second.Location, first.origin(), second.origin())
	}
	return second.errorf("Ids are unique in the fleet: give one of the sources an id of its own, such as `id: \"{server}/{database}/{schema}\"`.",
		"one id for two locations: %s from %s and %s from %s", first.Location, first.origin(), second.Location, second.origin())
}

func sameLocation(first, second *Tenant) error {
	both := first.Location.String()
	if second.Location != first.Location {
		both += " = " + second.Location.String()
	}
	return second.errorf("Narrow one of the two, or leave the record out.",
		"one location for two ids: %s is %q from %s and %q from %s", both, first.ID, first.origin(), second.ID, second.origin())
}

// origin names the source of a tenant, and the line if it is known.
func (t *Tenant) origin() string {
	if t.Position.File == "" {
		return "source " + t.Source
	}
	return fmt.Sprintf("source %s (%s)", t.Source, t.Position)
}

func (t *Tenant) errorf(advice, format string, args ...any) error {
	id := t.ID
	if len(id) > maxID {
		id = id[:maxID]
	}
	return &Error{
		Source: t.Source, Tenant: id, File: t.Position.File, Line: t.Position.Line,
		Message: fmt.Sprintf(format, args...), Advice: advice,
	}
}
