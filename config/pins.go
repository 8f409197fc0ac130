package config

import (
	"fmt"

	"github.com/skeindb/skein/orchestrator/plan"
)

// pins reads the pins. Those that have ended are left out, with a warning.
func (b *builder) pins() []plan.Pin {
	var pins []plan.Pin
	for _, f := range b.tree.at("pins").entries() {
		p := plan.Pin{Freeze: f.flag("freeze"), Target: f.text("target"), Reason: f.text("reason")}
		if text := f.text("tenants"); text != "" {
			p.Tenants, _ = parseSelector(text)
		}
		if text := f.text("until"); text != "" {
			p.Until, _ = (&key{}).parseUntil(text)
		}
		b.either(f, p)
		if !b.ended(f, p) {
			pins = append(pins, p)
		}
	}
	return pins
}

// either complains unless the pin has exactly one effect.
func (b *builder) either(f *field, p plan.Pin) {
	switch freeze, target := f.at("freeze"), f.at("target"); {
	case p.Freeze && target != nil:
		b.blame(KindConflict, target, "a tenant that is frozen goes nowhere", "keep one of `freeze` and `target`")
	case p.Freeze || target != nil || !whole(f) || freeze != nil && freeze.broken:
	case freeze != nil:
		b.blameValue(KindMissing, freeze, "the pin does nothing", "write `freeze: true`, or a `target`, or take the pin away")
	case len(f.fields) > 0 || !f.broken:
		b.blame(KindMissing, f, "a pin has one of freeze, target", "")
	}
}

// ended reports whether a pin has no effect any more, and warns of it.
func (b *builder) ended(f *field, p plan.Pin) bool {
	if p.Until.IsZero() || p.Until.After(b.opts.Now) {
		return false
	}
	until := f.at("until")
	b.project.Warnings = append(b.project.Warnings, fmt.Sprintf("%s: %s: the pin of %s has ended and has no effect any more; take it away or give it a later date",
		b.where(until.node), until.path, quote(p.Tenants.String())))
	return true
}
