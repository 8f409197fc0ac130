package tenant

import (
	"errors"

	"github.com/skeindb/skein/engine"
)

// LeftOut is the error of a source whose tenants are left out of the fleet on purpose. Tenants that come with it are in.
type LeftOut struct {
	Reason string // for people; "" = the selector cannot mean them, so that nothing is to be said
}

func (e *LeftOut) Error() string {
	if e.Reason == "" {
		return "its tenants are not selected"
	}
	return e.Reason
}

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
