package orchestrator

import (
	"cmp"
	"crypto/sha256"
	"encoding/hex"
	"path"
	"slices"
	"strconv"
	"strings"
	"unicode"
	"unicode/utf8"

	"github.com/skeindb/skein/engine"
	"github.com/skeindb/skein/tenant"
)

// Cause is failures that are the same but for the tenant: of one class and SQLSTATE, in one statement of one revision, with
// the same fields of the server's error (table, column, type, constraint, routine, and the lines of functions that were
// running). What servers say in words is no part of it, for it quotes values of rows and names of the tenant.
type Cause struct {
	Class    engine.Class
	SQLState string
	Revision string
	File     string
	Line     int
	Message  string   // of Example, without values of rows, and without what differs where skein says it
	Example  Failure  // of the first tenant in Tenants
	Count    int      // tenants
	Tenants  []string // up to five of them, by id
}

const examples = 5

// Causes groups the failed tenants, and those that are uncertain, by what went wrong, the most frequent first.
func (r *Report) Causes() []Cause {
	place := map[string]int{}
	causes := []Cause{}
	for _, t := range slices.Concat(r.Failed(), r.Uncertain()) {
		f := t.Failure
		key := f.cause(t.Tenant)
		i, ok := place[key]
		if !ok {
			i = len(causes)
			place[key] = i
			causes = append(causes, Cause{
				Class: f.Class, SQLState: f.SQLState, Revision: f.Revision, File: f.File, Line: f.Line,
				Message: f.common(t.Tenant), Example: *f,
			})
		}
		causes[i].Count++
		if len(causes[i].Tenants) < examples {
			causes[i].Tenants = append(causes[i].Tenants, t.Tenant)
		}
	}
	slices.SortStableFunc(causes, func(a, b Cause) int { return cmp.Compare(b.Count, a.Count) })
	return causes
}

// cause is the same for all tenants that failed for one reason. Failures that no error was the reason of, and those
// that an older skein stored, have none of their own.
func (f *Failure) cause(tenant string) string {
	if f.Cause != "" {
		return f.Cause
	}
	parts := []string{string(f.Class), f.SQLState, f.Revision, f.File, strconv.Itoa(f.Line)}
	if f.SQLState == "" {
		parts = append(parts, normalise(withoutName(f.Message, tenant)))
	}
	return strings.Join(parts, "\x00")
}

// common is what to say of all failures of one cause, without values of rows.
func (f *Failure) common(tenant string) string {
	if said := f.WithoutValues(); said != f.Message {
		return said
	}
	return normalise(withoutName(f.Message, tenant))
}

// causeOf makes one word of what an error has in common with those of other tenants that failed for the same reason. own
// are the tenant's names, which stand in the names of its objects and in texts.
//
// What a server reports is known by its fields. What skein reports has none, and is known by its text, in which only
// names and numbers differ from tenant to tenant.
func causeOf(e *engine.Error, own []string) string {
	parts := []string{string(e.Class), e.SQLState, e.Revision, e.File, placeOf(e)}
	if f := e.Fields; f != nil {
		parts = append(parts, f.Condition, f.Routine, strconv.Itoa(f.Words))
		for _, name := range append([]string{f.Table, f.Column, f.DataType, f.Constraint}, f.Calls...) {
			parts = append(parts, withoutNames(name, own))
		}
	} else {
		parts = append(parts, normalise(withoutNames(e.Message, own)))
	}
	sum := sha256.Sum256([]byte(strings.Join(parts, "\x00")))
	return hex.EncodeToString(sum[:8])
}

// placeOf is the statement's number, which templates change less than its line; the line where there is no number.
func placeOf(e *engine.Error) string {
	if e.Number > 0 {
		return "#" + strconv.Itoa(e.Number)
	}
	return strconv.Itoa(e.Line)
}

// ownNames are the names that are the tenant's own, the longest first, since one may be part of another.
func ownNames(t *tenant.Tenant) []string {
	names := []string{t.ID, t.Location.Schema, t.Location.Database, strings.TrimSuffix(path.Base(t.Location.File), path.Ext(t.Location.File))}
	slices.SortFunc(names, func(a, b string) int { return len(b) - len(a) })
	return slices.DeleteFunc(names, func(n string) bool { return len(n) < 2 })
}

// withoutNames takes names out of a text wherever they stand by themselves, also between the underscores of another name:
// ix_acme_users.
func withoutNames(text string, names []string) string {
	for _, name := range names {
		if !strings.Contains(text, name) {
			continue
		}
		var b strings.Builder
		for {
			before, after, found := strings.Cut(text, name)
			b.WriteString(before)
			if !found {
				break
			}
			last, _ := utf8.DecodeLastRuneInString(before)
			next, _ := utf8.DecodeRuneInString(after)
			if alphanumeric(last) || alphanumeric(next) {
				b.WriteString(name)
			} else {
				b.WriteString(anything)
			}
			text = after
		}
		text = b.String()
	}
	return text
}

func alphanumeric(r rune) bool {
	return r != utf8.RuneError && (unicode.IsLetter(r) || unicode.IsDigit(r))
}
