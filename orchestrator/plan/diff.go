package plan

import (
	"fmt"
	"maps"
	"slices"
	"strings"

	"github.com/skeindb/skein/engine/text"
	"github.com/skeindb/skein/tenant"
)

// mostDifferences bounds the lines, those of settings not counted.
const mostDifferences = 10

// Differences returns how a plan made now differs from an earlier one for the same request, a line each: revisions that
// changed, tenants that are new, gone or stand elsewhere, waves, gates and settings. It returns none when both do the
// same; ids, times, tags and the order of the tenants within a wave do not count.
func (p *Plan) Differences(now *Plan) []string {
	lines := slices.Concat(p.otherRequest(now), p.otherRevisions(now), p.otherWaves(now), p.otherTenants(now))
	if over := len(lines) - mostDifferences; over > 0 {
		lines = append(lines[:mostDifferences], fmt.Sprintf("and %d more", over))
	}
	return append(lines, p.otherSettings(now)...)
}

func (p *Plan) otherRequest(now *Plan) []string {
	var lines []string
	for _, f := range []struct{ what, then, now string }{
		{"the fleet", p.Fleet, now.Fleet},
		{"the kind of rollout", string(p.Kind), string(now.Kind)},
		{"the target", p.Target, now.Target},
		{"the rollout that is taken back", p.Of, now.Of},
		{"the selection of tenants", strings.Join(p.Selectors, " and "), strings.Join(now.Selectors, " and ")},
		{"the canary", p.Canary, now.Canary},
		{"the only wave", p.Only, now.Only},
	} {
		if f.then != f.now {
			lines = append(lines, fmt.Sprintf("%s was %s, and is %s", f.what, orNone(f.then), orNone(f.now)))
		}
	}
	return lines
}

func orNone(s string) string {
	if s == "" {
		return "none"
	}
	return s
}

func (p *Plan) otherRevisions(now *Plan) []string {
	var lines []string
	say := func(ids []string, one, several string) {
		switch len(ids) {
		case 0:
		case 1:
			lines = append(lines, fmt.Sprintf("revision %s %s", ids[0], one))
		default:
			lines = append(lines, fmt.Sprintf("revisions %s %s", text.Some(ids, 5), several))
		}
	}
	say(without(now.Revisions, p.Revisions), "is new", "are new")
	say(without(p.Revisions, now.Revisions), "is no longer there", "are no longer there")
	then, sums := p.sums(), now.sums()
	var changed []string
	for id, sum := range then {
		if other, ok := sums[id]; ok && other != sum {
			changed = append(changed, id)
		}
	}
	slices.Sort(changed)
	say(changed, "changed", "changed")
	if p.Graph != now.Graph && len(lines) == 0 {
		lines = append(lines, "the revisions changed: one that is applied already, or what builds on what")
	}
	return lines
}

// sums are the checksums of the revisions that the plan runs.
func (p *Plan) sums() map[string]string {
	sums := map[string]string{}
	for _, c := range p.Cohorts {
		for i, id := range c.Steps {
			if i < len(c.Sums) {
				sums[id] = c.Sums[i]
			}
		}
	}
	return sums
}

func without(ids, others []string) []string {
	known := make(map[string]bool, len(others))
	for _, id := range others {
		known[id] = true
	}
	return slices.DeleteFunc(slices.Clone(ids), func(id string) bool { return known[id] })
}

func (p *Plan) otherWaves(now *Plan) []string {
	names := func(p *Plan) string {
		var names []string
		for _, w := range p.Waves {
			names = append(names, w.Name)
		}
		return strings.Join(names, ", ")
	}
	if was, is := names(p), names(now); was != is {
		return []string{fmt.Sprintf("the waves were %s, and are %s", orNone(was), orNone(is))}
	}
	var lines []string
	for i := range p.Waves {
		if was, is := p.Waves[i].Gate.String(), now.Waves[i].Gate.String(); was != is {
			lines = append(lines, fmt.Sprintf("the gate of wave %s was %s, and is %s", p.Waves[i].Name, was, is))
		}
	}
	return lines
}

// String returns what the gate requires; "none" for nil.
func (g *GatePlan) String() string {
	if g == nil {
		return "none"
	}
	var parts []string
	if g.Bake > 0 {
		parts = append(parts, "bake "+g.Bake.String())
	}
	if len(g.Checks) > 0 {
		parts = append(parts, "checks "+strings.Join(g.Checks, ", "))
	}
	if g.Approval {
		parts = append(parts, "approval")
	}
	return strings.Join(parts, " + ")
}

// placement is one tenant in a plan.
type placement struct {
	tenant *tenant.Tenant
	wave   string
	cohort int
}

func (p *Plan) placements() map[string]placement {
	seats := make(map[string]placement, p.Len())
	for i := range p.Waves {
		w := &p.Waves[i]
		for k := range w.Items {
			item := &w.Items[k]
			seats[item.Tenant.ID] = placement{&item.Tenant, w.Name, item.Cohort}
		}
	}
	return seats
}

func (p *Plan) otherTenants(now *Plan) []string {
	then, seats := p.placements(), now.placements()
	var gone, fresh, place, labels, wave, stands, way []string
	for id, was := range then {
		is, there := seats[id]
		if !there {
			gone = append(gone, id)
			continue
		}
		if was.tenant.Location != is.tenant.Location {
			place = append(place, id)
		}
		if !maps.Equal(was.tenant.Labels, is.tenant.Labels) {
			labels = append(labels, id)
		}
		if was.wave != is.wave {
			wave = append(wave, id)
		}
		switch a, b := &p.Cohorts[was.cohort], &now.Cohorts[is.cohort]; {
		case a.Stands != b.Stands:
			stands = append(stands, id)
		case !a.samePath(b):
			way = append(way, id)
		}
	}
	for id := range seats {
		if _, ok := then[id]; !ok {
			fresh = append(fresh, id)
		}
	}
	var lines []string
	for _, group := range []struct {
		ids          []string
		one, several string
	}{
		{fresh, "is new", "are new"},
		{gone, "is no longer there", "are no longer there"},
		{place, "is in another place", "are in other places"},
		{labels, "has other labels", "have other labels"},
		{wave, "is in another wave", "are in other waves"},
		{stands, "stands elsewhere", "stand elsewhere"},
		{way, "would go another way", "would go other ways"},
	} {
		slices.Sort(group.ids)
		switch n := len(group.ids); n {
		case 0:
		case 1:
			lines = append(lines, fmt.Sprintf("tenant %s %s", group.ids[0], group.one))
		default:
			lines = append(lines, fmt.Sprintf("%d tenants %s: %s", n, group.several, text.Some(group.ids, 5)))
		}
	}
	return lines
}

// samePath reports whether the same is done with two cohorts that stand at the same revisions.
func (c *Cohort) samePath(other *Cohort) bool {
	return c.Action == other.Action && slices.Equal(c.Steps, other.Steps) && slices.Equal(c.To, other.To)
}
