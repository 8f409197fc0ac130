package orchestrator

import (
	"slices"
	"strings"

	"github.com/skeindb/skein/engine"
)

// This file keeps values of rows out of webhooks, and with [Policy.HideValues] out of everything. Texts that may hold
// such values stand beside others, in fields named Redacted, that were made without them when the fact came to be known;
// nothing is cut out of a text by how it looks.

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

// hide takes the values of rows out for good.
func (f *Failure) hide() {
	f.Message, f.Redacted = f.WithoutValues(), ""
	if f.HintQuoted {
		f.Hint, f.HintQuoted = "", false
	}
}

// reword changes what a failure says: form gets the message, and then the one without values.
func (f *Failure) reword(form func(message string) string) {
	if f.Redacted != "" {
		f.Redacted = form(f.Redacted)
	}
	f.Message = form(f.Message)
}

// withoutValues returns the fact with the values of rows taken out. Facts are not changed in place: others may hold them.
func withoutValues(fact Fact) Fact {
	switch f := fact.(type) {
	case TenantReturned:
		f.Failure.hide()
		return f
	case TenantRetrying:
		f.Failure.hide()
		return f
	case TenantDeferred:
		f.Failure.hide()
		return f
	case TenantFinished:
		f.Failure, f.Notices = hidden(f.Failure), hideNotices(f.Notices)
		return f
	case ServerPaused:
		f.Failure.hide()
		return f
	case WidthChanged:
		f.Reason, f.Redacted = orFull(f.Redacted, f.Reason), ""
		return f
	case Warned:
		f.Message, f.Redacted = orFull(f.Redacted, f.Message), ""
		return f
	case TenantsJoined:
		f.Cohorts = hideCohorts(f.Cohorts)
		return f
	case TenantsReplanned:
		f.Cohorts = hideCohorts(f.Cohorts)
		return f
	case GateMeasured:
		f.Evidence, f.Redacted = orFull(f.Redacted, f.Evidence), ""
		return f
	case GateSettled:
		f.Reason, f.Redacted = orFull(f.Redacted, f.Reason), ""
		return f
	case RolloutEnded:
		f.Reason, f.Redacted = orFull(f.Redacted, f.Reason), ""
		return f
	}
	return fact
}

// orFull returns the text without values, or the full one where that has none to begin with.
func orFull(redacted, full string) string {
	if redacted != "" {
		return redacted
	}
	return full
}

func hidden(f *Failure) *Failure {
	if f == nil {
		return nil
	}
	copied := *f
	copied.hide()
	return &copied
}

func hideCohorts(all []Cohort) []Cohort {
	all = slices.Clone(all)
	for i := range all {
		all[i].Refused = hidden(all[i].Refused)
	}
	return all
}

// errorWithoutValues is the text of an error without what the errors of engines in it quote.
func errorWithoutValues(err error) string {
	text := err.Error()
	for _, e := range engineErrors(err) {
		if e.Quoted == "" && e.Fields == nil {
			continue
		}
		full, instead := e.Message, ""
		if instead, _ = e.WithoutValues(); full == "" || !strings.Contains(text, full) {
			return instead
		}
		text = strings.ReplaceAll(text, full, instead)
	}
	return text
}

// warnedOf is a warning that ends with the text of an error.
func warnedOf(what string, err error) Warned {
	return Warned{Message: what + err.Error(), Redacted: what + errorWithoutValues(err)}
}

// engineErrors finds the errors of engines in the tree of an error.
func engineErrors(err error) []*engine.Error {
	var all []*engine.Error
	switch e := err.(type) { //nolint:errorlint // the tree is walked here
	case *engine.Error:
		all = append(all, e)
	case interface{ Unwrap() error }:
		if inner := e.Unwrap(); inner != nil {
			all = engineErrors(inner)
		}
	case interface{ Unwrap() []error }:
		for _, inner := range e.Unwrap() {
			all = append(all, engineErrors(inner)...)
		}
	}
	return all
}
