package discover

import (
	"fmt"

	"github.com/skeindb/skein/engine"
	"github.com/skeindb/skein/tenant"
)

// cannot wraps an error with what a source was doing, and keeps the hint of the cause. That a server cannot be reached is
// returned without it, so that the same error of several databases is reported once.
func cannot(cause error, format string, args ...any) error {
	if e, ok := cause.(*engine.Error); ok && e.Class == engine.Connection { //nolint:errorlint // what wraps one says more than it
		return &tenant.Error{Message: e.Error(), Advice: e.Advice, Err: e}
	}
	e := &tenant.Error{Message: fmt.Sprintf(format, args...) + ": " + cause.Error(), Err: cause}
	if hinter, ok := cause.(interface{ Hint() string }); ok {
		e.Advice = hinter.Hint()
	}
	return e
}

// named sets the source of an error that has none.
func named(source string, err error) error {
	if e, ok := err.(*tenant.Error); ok && e.Source == "" { //nolint:errorlint // one of several that are joined is not the whole
		withSource := *e
		withSource.Source = source
		return &withSource
	}
	return err
}
