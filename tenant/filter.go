package tenant

import (
	"slices"
	"strings"

	"github.com/skeindb/skein/engine"
	"github.com/skeindb/skein/engine/text"
)

// Facts are what a survey read of a tenant, for selectors on heads and state.
type Facts struct {
	Heads []string     // ids; none = nothing is applied, or not known: see State
	State engine.State // "" = not surveyed
}

// Pick returns which of n tenants the selector selects: their numbers, from 0, ascending. at returns the tenant of a
// number; facts what a survey read of it, and is called only if the selector [Selector.NeedsSurvey]; else it may be
// nil. That none is selected is no error.
func (s Selector) Pick(n int, at func(i int) *Tenant, facts func(i int) Facts) []int {
	var picked []int
	survey := s.NeedsSurvey()
	for i := range n {
		if s.matchesTenant(at(i)) && (!survey || s.matchesFacts(facts(i))) {
			picked = append(picked, i)
		}
	}
	return s.cut(picked, at)
}

// Filter is [Selector.Pick] for a slice: it returns the tenants selected, in the order given, as a slice of its own.
// facts returns what a survey read of the tenant with an id.
func (s Selector) Filter(tenants []Tenant, facts func(id string) (heads []string, state engine.State)) []Tenant {
	at := func(i int) *Tenant { return &tenants[i] }
	picked := s.Pick(len(tenants), at, func(i int) (f Facts) {
		f.Heads, f.State = facts(tenants[i].ID)
		return f
	})
	selected := make([]Tenant, len(picked))
	for n, i := range picked {
		selected[n] = tenants[i]
	}
	return selected
}

// Matches reports whether the conditions of the selector hold for a tenant, whatever its sample or limit: see
// [Selector.Samples]. facts is called only if the selector [Selector.NeedsSurvey]; else it may be nil.
func (s Selector) Matches(t *Tenant, facts func() Facts) bool {
	return s.matchesTenant(t) && (!s.NeedsSurvey() || s.matchesFacts(facts()))
}

// matchesTenant reports whether the conditions hold that need no survey.
func (s Selector) matchesTenant(t *Tenant) bool {
	for i := range s.terms {
		if !slices.Contains(surveyKeys, s.terms[i].key) && !s.terms[i].matches(t.value(s.terms[i].key)) {
			return false
		}
	}
	return true
}

// matchesFacts reports whether the conditions on heads and state hold.
func (s Selector) matchesFacts(known Facts) bool {
	for i := range s.terms {
		term := &s.terms[i]
		switch {
		case term.key == "state" && !term.matches(string(known.State)):
			return false
		case term.key == "heads" && !term.matches(headsOrBase(known.Heads, known.State)...):
			return false
		}
	}
	return true
}

// Excludes reports whether the selector excludes every tenant of a group. known returns the value that all tenants of the
// group have for a key, "" if the key is not set; same is false if they may differ.
func (s Selector) Excludes(known func(key string) (value string, same bool)) bool {
	return slices.ContainsFunc(s.terms, func(t term) bool {
		value, same := known(t.key)
		return same && !slices.Contains(surveyKeys, t.key) && !t.matches(value)
	})
}

// ExcludesTenant reports whether the selector excludes a tenant whatever its schema is and whatever a survey reads.
func (s Selector) ExcludesTenant(t *Tenant) bool {
	return s.Excludes(func(key string) (string, bool) { return t.value(key), key != "schema" })
}

// headsOrBase returns the heads; `base` if it is known that there are none.
func headsOrBase(heads []string, state engine.State) []string {
	if len(heads) > 0 {
		return heads
	}
	switch state {
	case engine.Unreachable, engine.Missing, engine.Unknown, "":
		return nil
	}
	return []string{"base"}
}

// value returns the tenant's value for a key; "" if it is not set.
func (t *Tenant) value(key string) string {
	switch key {
	case "id":
		return t.ID
	case "server":
		return t.Location.Server
	case "database":
		return t.Location.Database
	case "schema":
		return t.Location.Schema
	case "file":
		return t.Location.File
	case "source":
		return t.Source
	}
	return t.Labels[key]
}

// matches reports whether the term holds for the values of its key: one, or several heads. Empty values are not set.
func (t *term) matches(have ...string) bool {
	set, hit := false, false
	for _, text := range have {
		if text == "" {
			continue
		}
		set = true
		_, literal := t.literals[text]
		hit = hit || literal || slices.ContainsFunc(t.globs, func(glob string) bool { return Glob(glob, text) })
	}
	switch t.op {
	case opSet:
		return set
	case opUnset:
		return !set
	case opIn:
		return hit
	}
	return !hit
}

// cut applies sample and limit to the numbers of the tenants for which the conditions hold.
func (s Selector) cut(picked []int, at func(i int) *Tenant) []int {
	keep := len(picked)
	if s.sample > 0 {
		keep = int((int64(keep)*s.sample + wholeSample - 1) / wholeSample)
	}
	if s.limit > 0 {
		keep = min(keep, s.limit)
	}
	if keep == len(picked) {
		return picked
	}
	taken := make([]int, 0, keep)
	for _, n := range HashOrder(len(picked), func(n int) string { return at(picked[n]).ID })[:keep] {
		taken = append(taken, picked[n])
	}
	slices.Sort(taken)
	return taken
}

// Unmatched returns a warning for each label of the selector that no tenant has, with the key that may have been meant:
// a mistyped key with `!=` or `!` would silently select all tenants.
func (s Selector) Unmatched(tenants []Tenant) []string {
	labels := map[string]bool{}
	for i := range tenants {
		for key := range tenants[i].Labels {
			labels[key] = true
		}
	}
	keys := slices.Concat(placeKeys, surveyKeys, cutKeys)
	for key := range labels {
		keys = append(keys, key)
	}
	slices.Sort(keys)
	var found []string
	for _, t := range s.terms {
		if builtIn(t.key) || labels[t.key] {
			continue
		}
		note := strings.TrimSpace("no tenant has a label " + t.key + "; " + text.DidYouMean(t.key, keys))
		note = strings.TrimSuffix(note, ";")
		if !slices.Contains(found, note) {
			found = append(found, note)
		}
	}
	return found
}
