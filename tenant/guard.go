package tenant

import (
	"errors"
	"fmt"
	"math"
	"strconv"

	"github.com/skeindb/skein/engine/text"
)

// Guards refuse a fleet that is suspiciously small, before any tenant is changed. The zero value refuses nothing.
type Guards struct {
	MinTenants int     // fewest tenants; 0 = any number
	MaxShrink  float64 // percentage of Known that may be missing; 0 = no limit; a tiny value such as 0.001 allows none
	Known      int     // tenants of the last rollout; 0 = unknown, then MaxShrink refuses nothing
}

// ErrGuard matches every [GuardError] with errors.Is.
var ErrGuard = errors.New("the fleet is smaller than the guards allow")

// GuardError says which guard refused the fleet, with its numbers.
type GuardError struct {
	Guard     string // key below `guards` in the config: min_tenants or max_shrink
	Found     int
	Min       int     // of min_tenants
	Known     int     // tenants of the last rollout, of max_shrink
	MaxShrink float64 // per cent, of max_shrink
}

func (e *GuardError) Error() string {
	if e.Guard == "min_tenants" {
		return fmt.Sprintf("%s found, but guards.min_tenants asks for at least %d", text.Count(e.Found, "tenant"), e.Min)
	}
	return fmt.Sprintf("%s found, %d fewer (%s %%) than the %d of the last rollout, but guards.max_shrink allows %s %%",
		text.Count(e.Found, "tenant"), e.Known-e.Found, decimal(shrink(e.Found, e.Known)), e.Known, decimal(e.MaxShrink))
}

// Is reports whether target is [ErrGuard].
func (e *GuardError) Is(target error) bool { return target == ErrGuard }

// Hint says what to do about it.
func (e *GuardError) Hint() string {
	return fmt.Sprintf("look at the sources with `Tenants`; if the fleet is meant to be this small, change guards.%s", e.Guard)
}

// Check returns a *GuardError when a fleet of that many tenants must not be touched; two joined when
// both guards refuse it.
func (g Guards) Check(found int) error {
	var errs []error
	if found < g.MinTenants {
		errs = append(errs, &GuardError{Guard: "min_tenants", Found: found, Min: g.MinTenants})
	}
	if g.MaxShrink > 0 && g.Known > 0 && shrink(found, g.Known) > g.MaxShrink {
		errs = append(errs, &GuardError{Guard: "max_shrink", Found: found, Known: g.Known, MaxShrink: g.MaxShrink})
	}
	if len(errs) == 1 {
		return errs[0]
	}
	return errors.Join(errs...)
}

// shrink returns how many per cent of the known tenants are missing; negative for a fleet that grew.
func shrink(found, known int) float64 {
	return float64(known-found) * 100 / float64(known)
}

func decimal(f float64) string {
	return strconv.FormatFloat(math.Round(f*100)/100, 'f', -1, 64)
}
