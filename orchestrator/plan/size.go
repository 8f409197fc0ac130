package plan

import (
	"fmt"
	"math"
	"strconv"
	"strings"
)

// Size is how many tenants a wave takes: Count, or Percent of the tenants planned in the whole rollout,
// rounded up, so that a share is at least one tenant. The zero value means all.
type Size struct {
	Count   int
	Percent float64 // 0–100; when above 0 it counts and Count is ignored
}

// ParseSize reads "20" or "5%", the form of `size` and of a canary.
func ParseSize(s string) (Size, error) {
	if share, ok := strings.CutSuffix(s, "%"); ok {
		p, err := strconv.ParseFloat(strings.TrimSpace(share), 64)
		if err != nil || !(p > 0 && p <= 100) {
			return Size{}, fmt.Errorf("%q is not a share above 0%% and up to 100%%", s)
		}
		return Size{Percent: p}, nil
	}
	n, err := strconv.Atoi(s)
	if err != nil || n < 1 {
		return Size{}, fmt.Errorf("%q is neither a number of tenants, like 20, nor a share, like 5%%", s)
	}
	return Size{Count: n}, nil
}

// IsZero reports whether the size means all.
func (s Size) IsZero() bool { return s == Size{} }

// String returns the form that ParseSize reads; "" for the zero value.
func (s Size) String() string {
	switch {
	case s.Percent > 0:
		return strconv.FormatFloat(s.Percent, 'f', -1, 64) + "%"
	case s.Count > 0:
		return strconv.Itoa(s.Count)
	}
	return ""
}

// Of returns how many tenants that is where planned are planned in the rollout.
func (s Size) Of(planned int) int {
	switch {
	case s.Percent > 0:
		return int(math.Ceil(s.Percent*float64(planned)/100 - 1e-9)) // minus a little, as in Budget.Of
	case s.Count > 0:
		return min(s.Count, planned)
	}
	return planned
}
