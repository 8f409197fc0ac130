package plan

import (
	"fmt"
	"math"
	"strconv"
	"strings"
)

// Budget is how many tenants of a wave may fail without halting: Count, or floor(Percent % × planned).
// The denominator is the tenants planned in the wave, not those tried so far.
type Budget struct {
	Count   int
	Percent float64 // 0–100; when above 0 it counts and Count is ignored
}

// ParseBudget reads "3" or "1%", the form of `max_failures`.
func ParseBudget(s string) (Budget, error) {
	if share, ok := strings.CutSuffix(s, "%"); ok {
		p, err := strconv.ParseFloat(strings.TrimSpace(share), 64)
		if err != nil || !(p >= 0 && p <= 100) {
			return Budget{}, fmt.Errorf("%q is not a share between 0%% and 100%%", s)
		}
		return Budget{Percent: p}, nil
	}
	n, err := strconv.Atoi(s)
	if err != nil || n < 0 {
		return Budget{}, fmt.Errorf("%q is neither a number of tenants, like 3, nor a share, like 1%%", s)
	}
	return Budget{Count: n}, nil
}

// String returns the form that ParseBudget reads.
func (b Budget) String() string {
	if b.Percent > 0 {
		return strconv.FormatFloat(b.Percent, 'f', -1, 64) + "%"
	}
	return strconv.Itoa(b.Count)
}

// Of returns how many of planned tenants may fail; one more halts the rollout.
func (b Budget) Of(planned int) int {
	if b.Percent > 0 {
		// 0.07 × 100 is a little above 7 and 0.29 × 100 a little below 29: the product first, plus a little
		// for percentages that no binary fraction represents.
		return int(math.Floor(b.Percent*float64(planned)/100 + 1e-9))
	}
	return b.Count
}
