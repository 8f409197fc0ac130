package tenant

import (
	"bytes"
	"crypto/sha256"
	"slices"
	"strings"

	"github.com/skeindb/skein/engine"
	"github.com/skeindb/skein/engine/text"
)

// Filter returns the tenants that the selector means, in the order given; the slice given stays as it is.
// facts tells what a survey read of a tenant; it may be nil unless the selector [Selector.NeedsSurvey].
// That nobody is selected is the caller's to judge.
func (s Selector) Filter(tenants []Tenant, facts func(id string) (heads []string, state engine.State)) []Tenant {
	var selected []Tenant
	for i := range tenants {
		if s.matches(&tenants[i], facts) {
			selected = append(selected, tenants[i])
		}
	}
	return s.cut(selected)
}

func (s Selector) matches(t *Tenant, facts func(id string) ([]string, engine.State)) bool {
	for i := range s.terms {
		if !slices.Contains(surveyKeys, s.terms[i].key) && !s.terms[i].matches(t.value(s.terms[i].key)) {
			return false
		}
	}
	if !s.NeedsSurvey() {
		return true
	}
	heads, state := facts(t.ID)
	for i := range s.terms {
		term := &s.terms[i]
		switch {
		case term.key == "state" && !term.matches(string(state)):
			return false
		case term.key == "heads" && !term.matches(headsOrBase(heads, state)...):
			return false
		}
	}
	return true
}

// Excludes reports whether no tenant can match of which known tells some values: it returns the value of a key, "" when
// that is not set, and whether it is the same for all that are meant.
func (s Selector) Excludes(known func(key string) (value string, same bool)) bool {
	return slices.ContainsFunc(s.terms, func(t term) bool {
		value, same := known(t.key)
		return same && !slices.Contains(surveyKeys, t.key) && !t.matches(value)
	})
}

// ExcludesTenant reports whether the selector excludes a tenant, whatever schema it has and whatever a survey reads.
func (s Selector) ExcludesTenant(t *Tenant) bool {
	return s.Excludes(func(key string) (string, bool) { return t.value(key), key != "schema" })
}

// headsOrBase names the state of a tenant without heads `base`, unless nobody could see that it has none.
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

// value returns what the tenant has under a key; "" when it is not set.
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

// matches judges the values a tenant has under the term's key: one, or several heads. Empty ones are not set.
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

// cut applies sample and limit.
func (s Selector) cut(tenants []Tenant) []Tenant {
	keep := len(tenants)
	if s.sample > 0 {
		keep = int((int64(keep)*s.sample + wholeSample - 1) / wholeSample)
	}
	if s.limit > 0 {
		keep = min(keep, s.limit)
	}
	if keep == len(tenants) {
		return tenants
	}
	taken := make([]bool, len(tenants))
	for _, r := range ranks(tenants)[:keep] {
		taken[r.index] = true
	}
	cut := make([]Tenant, 0, keep)
	for i := range tenants {
		if taken[i] {
			cut = append(cut, tenants[i])
		}
	}
	return cut
}

// Order returns the tenants in the order of the SHA-256 of their ids: as good as random, and the same
// every time. Samples, limits and waves take tenants from its front. The slice given stays as it is.
func Order(tenants []Tenant) []Tenant {
	ordered := make([]Tenant, 0, len(tenants))
	for _, r := range ranks(tenants) {
		ordered = append(ordered, tenants[r.index])
	}
	return ordered
}

type rank struct {
	sum   [sha256.Size]byte
	index int
}

// ranks returns the positions of the tenants in the order of [Order].
func ranks(tenants []Tenant) []rank {
	all := make([]rank, len(tenants))
	for i := range tenants {
		all[i] = rank{sha256.Sum256([]byte(tenants[i].ID)), i}
	}
	slices.SortStableFunc(all, func(a, b rank) int { return bytes.Compare(a.sum[:], b.sum[:]) })
	return all
}

// Unmatched says what in the selector fits no tenant and may be a mistake: a label that nobody has, with
// the key that may have been meant. A selector with `!=` or `!` would otherwise silently mean everybody.
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
