package plan

import (
	"fmt"
	"time"

	"github.com/skeindb/skein/engine/revision"
	"github.com/skeindb/skein/engine/text"
)

// check reports what is wrong with a pin, whichever tenants it matches.
func (p *Pin) check(g *revision.Graph) error {
	switch {
	case p.Freeze && p.Target != "":
		return fmt.Errorf("%s: it both freezes and has a target", p)
	case !p.Freeze && p.Target == "":
		return fmt.Errorf("%s: it neither freezes nor has a target", p)
	case p.Freeze:
		return nil
	}
	if _, err := g.Resolve(p.Target); err != nil {
		return fmt.Errorf("%s: %w", p, err)
	}
	return nil
}

// String names the pin in messages.
func (p *Pin) String() string {
	who := p.Tenants.String()
	if who == "" {
		who = "all tenants"
	}
	if p.Reason == "" {
		return "the pin of " + who
	}
	return fmt.Sprintf("the pin of %s (%s)", who, p.Reason)
}

// end is when the pin ends, for people: a day that it holds to the end of is named as that day.
func (p *Pin) end() string {
	if u := p.Until.UTC(); u.Equal(u.Truncate(24 * time.Hour)) {
		return u.AddDate(0, 0, -1).Format(time.DateOnly)
	}
	return p.Until.UTC().Format(time.RFC3339)
}

// over reports whether the pin has ended.
func (p *Pin) over(now time.Time) bool { return !p.Until.IsZero() && !now.Before(p.Until) }

// counts reports whether the pin has an effect on a rollout of that kind.
func (p *Pin) counts(kind Kind) bool {
	switch kind {
	case KindUpgrade:
		return true
	case KindDowngrade, KindStamp:
		return p.Freeze
	}
	return false
}

// until returns how long the pin holds, in words.
func (p *Pin) until() string {
	if p.Until.IsZero() {
		return ""
	}
	return " (until " + p.end() + ")"
}

// freeze skips a group, also one that could not be read.
func (p *Pin) freeze(gr standingGroup) Cohort {
	c := gr.cohort()
	reason := "frozen"
	if p.Reason != "" {
		reason += ": " + p.Reason
	}
	c.skip(reason + p.until())
	return c
}

// pinIndex is which pin counts for which tenant.
type pinIndex struct {
	pins []Pin
	of   []int // of each tenant the place of its pin in pins, from 1; 0 = none; nil when no tenant has one
}

// matchPins finds for each tenant the first pin that is not over and matches it. Only that one counts: if it has no effect on
// the kind of rollout, no later one has.
func matchPins(pins []Pin, kind Kind, now time.Time, members []Member) *pinIndex {
	p := &pinIndex{pins: pins}
	held := make([]bool, len(members))
	for i := range pins {
		pin := &pins[i]
		if pin.over(now) {
			continue
		}
		for _, at := range matching(members, pin.Tenants) {
			if held[at] {
				continue
			}
			held[at] = true
			if pin.counts(kind) {
				if p.of == nil {
					p.of = make([]int, len(members))
				}
				p.of[at] = i + 1
			}
		}
	}
	return p
}

// pin returns the pin with that mark; nil for 0.
func (p *pinIndex) pin(mark int) *Pin {
	if mark == 0 {
		return nil
	}
	return &p.pins[mark-1]
}

// among reduces the tenants to those at the given places.
func (p *pinIndex) among(places []int) {
	if p.of == nil {
		return
	}
	of := make([]int, len(places))
	for i, at := range places {
		of[i] = p.of[at]
	}
	p.of = of
}

// notes returns which pins hold tenants back, and which have ended.
func (p *pinIndex) notes(now time.Time) []string {
	holds := make([]int, len(p.pins)+1)
	for _, mark := range p.of {
		holds[mark]++
	}
	var notes []string
	for i := range p.pins {
		pin, n := &p.pins[i], holds[i+1]
		switch {
		case pin.over(now):
			notes = append(notes, fmt.Sprintf("%s ended on %s and has no effect: remove it", pin, pin.end()))
		case n > 0 && pin.Freeze:
			notes = append(notes, fmt.Sprintf("%s freezes %s%s", pin, text.Count(n, "tenant"), pin.until()))
		case n > 0:
			notes = append(notes, fmt.Sprintf("%s sends %s to %s%s", pin, text.Count(n, "tenant"), pin.Target, pin.until()))
		}
	}
	return notes
}
