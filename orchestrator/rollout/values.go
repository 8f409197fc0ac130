package rollout

import (
	"strings"

	"github.com/skeindb/skein/engine"
	"github.com/skeindb/skein/orchestrator/plan"
)

// This file keeps values of rows out of webhooks and, with [plan.Policy].HideValues, out of everything. A text that may hold
// such values has another beside it, in a field named Redacted, that was made without them; nothing is cut out of a text by
// its looks.

// FactWithoutValues returns a copy of the fact without values of rows.
func FactWithoutValues(fact Fact) Fact {
	switch f := fact.(type) {
	case TenantReturned:
		f.Failure.HideValues()
		return f
	case TenantRetrying:
		f.Failure.HideValues()
		return f
	case TenantDeferred:
		f.Failure.HideValues()
		return f
	case TenantFinished:
		f.Failure, f.Notices = plan.WithoutValues(f.Failure), hideNotices(f.Notices)
		return f
	case ServerPaused:
		f.Failure.HideValues()
		return f
	case WidthChanged:
		f.Reason, f.Redacted = RedactedOr(f.Redacted, f.Reason), ""
		return f
	case Warned:
		f.Message, f.Redacted = RedactedOr(f.Redacted, f.Message), ""
		return f
	case TenantsJoined:
		f.Cohorts = plan.CohortsWithoutValues(f.Cohorts)
		return f
	case TenantsReplanned:
		f.Cohorts = plan.CohortsWithoutValues(f.Cohorts)
		return f
	case GateMeasured:
		f.Evidence, f.Redacted = RedactedOr(f.Redacted, f.Evidence), ""
		return f
	case GateSettled:
		f.Reason, f.Redacted = RedactedOr(f.Redacted, f.Reason), ""
		return f
	case Ended:
		f.Reason, f.Redacted = RedactedOr(f.Redacted, f.Reason), ""
		return f
	}
	return fact
}

// RedactedOr returns the redacted text; the full one when that has no values of rows, and redacted is "".
func RedactedOr(redacted, full string) string {
	if redacted != "" {
		return redacted
	}
	return full
}

// ErrorWithoutValues returns the text of an error without the values of rows that errors of the engine quote.
func ErrorWithoutValues(err error) string {
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

// WarningOf returns a warning that ends with the text of an error.
func WarningOf(what string, err error) Warned {
	return Warned{Message: what + err.Error(), Redacted: what + ErrorWithoutValues(err)}
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
