package plan

import (
	"crypto/sha256"
	"encoding/hex"
	"errors"
	"path"
	"slices"
	"strconv"
	"strings"
	"unicode"
	"unicode/utf8"

	"github.com/skeindb/skein/engine"
	"github.com/skeindb/skein/tenant"
)

// Key is equal for all tenants that failed for one reason: Cause, or, of failures without one, such as those that an older
// skein stored, what their fields and text have in common.
func (f *Failure) Key(tenant string) string {
	if f.Cause != "" {
		return f.Cause
	}
	parts := []string{string(f.Class), f.SQLState, f.Revision, f.File, strconv.Itoa(f.Line)}
	if f.SQLState == "" {
		parts = append(parts, normalise(withoutName(f.Message, tenant)))
	}
	return strings.Join(parts, "\x00")
}

// Common is a text for all failures of one cause, without values of rows.
func (f *Failure) Common(tenant string) string {
	if said := f.WithoutValues(); said != f.Message {
		return said
	}
	return normalise(withoutName(f.Message, tenant))
}

// causeOf is a hash of what the errors of tenants that failed for one reason have in common. own are the tenant's names,
// which are part of the names of its objects and of texts.
//
// Errors of a server are compared by their fields. Errors of skein have none and are compared by their text, in which only
// names and numbers differ between tenants.
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

// CauseOf is equal for errors of tenants that have one reason: see [Failure.Key].
func CauseOf(e *engine.Error, of *tenant.Tenant) string { return causeOf(e, ownNames(of)) }

// placeOf is the number of the statement, which templates change less often than its line; the line if it has none.
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

// withoutNames replaces names in a text, also between the underscores of another name: ix_acme_users.
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

// WithoutValues returns the message without values of rows.
func (f *Failure) WithoutValues() string {
	switch {
	case f.Redacted != "":
		return f.Redacted
	case f.Cause == "" && f.SQLState != "": // stored by an older skein: the text may be the server's
		return string(f.Class) + " error, SQLSTATE " + f.SQLState
	}
	return f.Message
}

// HideValues removes the values of rows for good.
func (f *Failure) HideValues() {
	f.Message, f.Redacted = f.WithoutValues(), ""
	if f.HintQuoted {
		f.Hint, f.HintQuoted = "", false
	}
}

// Reword changes the message, and the one without values of rows, by form.
func (f *Failure) Reword(form func(message string) string) {
	if f.Redacted != "" {
		f.Redacted = form(f.Redacted)
	}
	f.Message = form(f.Message)
}

// WithoutValues returns a copy of a failure without values of rows; nil for nil.
func WithoutValues(f *Failure) *Failure {
	if f == nil {
		return nil
	}
	copied := *f
	copied.HideValues()
	return &copied
}

// CohortsWithoutValues returns copies of cohorts without values of rows in their failures.
func CohortsWithoutValues(all []Cohort) []Cohort {
	all = slices.Clone(all)
	for i := range all {
		all[i].Failure = WithoutValues(all[i].Failure)
	}
	return all
}

// FailureOf returns an error in the form that is stored. of is the tenant that it is about; nil = none.
func FailureOf(err error, of *tenant.Tenant) Failure {
	var own []string
	if of != nil {
		own = ownNames(of)
	}
	e, ok := errors.AsType[*engine.Error](err)
	if !ok {
		return Failure{
			Class: engine.Internal, Message: err.Error(), Hint: hintOf(err), Redacted: "an error of an unknown kind",
			Cause: causeOf(&engine.Error{Class: engine.Internal, Message: err.Error()}, own),
		}
	}
	f := Failure{
		Class: e.Class, SQLState: e.SQLState, Revision: e.Revision, File: e.File, Line: e.Line,
		Statement: e.Statement, Message: e.Message, Hint: e.Advice, Cause: causeOf(e, own),
	}
	if e.Fields != nil {
		f.Context = strings.Join(e.Fields.Calls, ", ")
	}
	redacted, hint := e.WithoutValues()
	if f.HintQuoted = hint != e.Advice; redacted != e.Message {
		f.Redacted = redacted
	}
	return f
}
