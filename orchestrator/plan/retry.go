package plan

import (
	"math/rand/v2"
	"time"
)

// Retry is how often, and after which waits, a tenant is tried again.
//
// The zero value means five attempts, starting at 200 ms and doubling to at most 30 s, each wait spread
// over its whole length (full jitter). Only errors of class Transient are retried at once; Busy and
// Timeout defer the tenant to the end of its wave, which counts as an attempt too. There it waits up to eight
// times as long as after a transient error, and at least half of that, so that it outlasts a lock that is held for a while;
// after a statement timeout it gets one more try.
type Retry struct {
	Attempts int           // total tries, including the first; 1 = no retry; default 5
	Base     time.Duration // wait before the second try; default 200 ms
	Max      time.Duration // upper bound of one wait; default 30 s
}

// WithDefaults sets each field that is zero to its documented default.
func (r Retry) WithDefaults() Retry {
	if r.Attempts <= 0 {
		r.Attempts = 5
	}
	if r.Base <= 0 {
		r.Base = 200 * time.Millisecond
	}
	if r.Max <= 0 {
		r.Max = 30 * time.Second
	}
	return r
}

// Bound is the longest wait after so many tries: base, doubled each time, at most r.Max.
func (r Retry) Bound(base time.Duration, tries int) time.Duration {
	d := min(base, r.Max)
	for ; tries > 1 && d < r.Max; tries-- {
		d = min(2*d, r.Max)
	}
	return d
}

// Wait is the wait after the tries-th try of a tenant, for a transient error.
func (r Retry) Wait(tries int) time.Duration {
	return rand.N(r.Bound(r.Base, tries) + 1)
}

// Deferral is the wait, at the end of the wave, of a tenant whose tries-th try met a lock.
func (r Retry) Deferral(tries int) time.Duration {
	half := r.Bound(8*r.Base, tries) / 2
	return half + rand.N(half+1)
}
