package plan

import (
	"fmt"
	"slices"
)

// emptyGates returns notes on the gates of a plan that will not open by themselves.
func (p *Plan) emptyGates(policy *Policy) []string {
	var notes []string
	for at := range p.Waves {
		w := &p.Waves[at]
		if w.Gate == nil || !p.Follows(at) || policy.AllowsEmpty(w.Name) || slices.ContainsFunc(w.Items, func(item Item) bool {
			c := &p.Cohorts[item.Cohort]
			return (c.Action == ActionMigrate || c.Action == ActionNone) && p.Shows(at, c)
		}) {
			continue
		}
		why := "all of its tenants are held back or cannot be upgraded"
		if len(w.Items) == 0 {
			why = "no tenant is in it"
		}
		then := "its gate is inconclusive, and the rollout pauses there"
		if w.Gate.Approval && len(w.Gate.Checks) == 0 {
			then = "its gate asks for the approval all the same"
		}
		note := fmt.Sprintf("wave %s: %s: %s, unless the wave has `allow_empty: true`", w.Name, why, then)
		if len(p.Selectors) > 0 {
			note += "; `Only` takes the tenants of one wave alone"
		}
		notes = append(notes, note)
	}
	return notes
}

// Follows reports whether a wave after the one at that index has work.
func (p *Plan) Follows(at int) bool {
	for _, later := range p.Waves[at+1:] {
		for i := range later.Items {
			if p.Cohorts[later.Items[i].Cohort].Action == ActionMigrate {
				return true
			}
		}
	}
	return false
}

// Shows reports whether tenants of a cohort of the wave at that index tell something about the revisions that later waves
// get: all do except those that a pin sends elsewhere.
func (p *Plan) Shows(at int, c *Cohort) bool {
	if c.Target == "" {
		return true
	}
	for _, later := range p.Waves[at+1:] {
		for i := range later.Items {
			other := &p.Cohorts[later.Items[i].Cohort]
			if other.Action == ActionMigrate && slices.Equal(other.To, c.To) {
				return true
			}
		}
	}
	return !p.Follows(at)
}

// AllowsEmpty reports whether the gate of a wave opens where the wave has no tenants.
func (p *Policy) AllowsEmpty(wave string) bool {
	i := slices.IndexFunc(p.Waves, func(w WaveSpec) bool { return w.Name == wave })
	return i >= 0 && p.Waves[i].AllowEmpty
}
