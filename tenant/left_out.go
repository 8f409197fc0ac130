package tenant

import (
	"errors"

	"github.com/skeindb/skein/engine"
)

// LeftOut is the error of a source whose tenants are left out of the fleet on purpose. Tenants that are returned with it
// are in the fleet.
type LeftOut struct {
	Reason string // becomes a warning; "" = the selector excludes them all, which needs no warning
	Err    error  // why the source could not be listed; nil = it was not tried
}

func (e *LeftOut) Error() string {
	if e.Reason == "" {
		return "its tenants are not selected"
	}
	return e.Reason
}

func (e *LeftOut) Unwrap() error { return e.Err }

// Unreachable reports whether a source failed for no other reason than that servers could not be reached.
func Unreachable(err error) bool {
	if err == nil {
		return false
	}
	if joined, ok := err.(interface{ Unwrap() []error }); ok {
		for _, e := range joined.Unwrap() {
			if !Unreachable(e) {
				return false
			}
		}
		return true
	}
	e, ok := errors.AsType[*engine.Error](err)
	return ok && e.Class == engine.Connection
}
