package config

import (
	"fmt"

	"gopkg.in/yaml.v3"

	"github.com/skeindb/skein/orchestrator/plan"
)

// waves reads rollout.waves.
func (b *builder) waves() []plan.WaveSpec {
	var waves []plan.WaveSpec
	var taker *field // the first wave that leaves nobody
	names := map[string]*yaml.Node{}
	for _, f := range b.tree.at("rollout").at("waves").entries() {
		b.unique(f.at("name"), "waves", names)
		w := wave(f)
		w.Gate = b.gate(f.at("gate"))
		waves = append(waves, w)
		switch {
		case taker != nil:
			b.blame(KindConflict, f,
				fmt.Sprintf("never gets a tenant: wave %s in line %d takes all that are left", quote(taker.text("name")), taker.place().Line),
				"give that wave `tenants` or a `size`, or put it last")
		case takesAll(f, w.Size):
			taker = f
		}
	}
	return waves
}

// wave reads an entry, apart from its gate.
func wave(f *field) plan.WaveSpec {
	w := plan.WaveSpec{Name: f.text("name"), AllowEmpty: f.flag("allow_empty")}
	if text := f.text("tenants"); text != "" {
		w.Tenants, _ = parseSelector(text)
	}
	if text := f.text("size"); text != "" {
		w.Size, _ = (&key{}).parseSize(text)
	}
	if text := f.text("order"); text != "" {
		w.Order, _ = (&key{}).parseOrder(text)
	}
	return w
}

// takesAll reports whether nobody is left for the waves after this one. What was complained about, or has keys
// that are misspelt, may have been meant otherwise.
func takesAll(f *field, size plan.Size) bool {
	const everybody = 100 // percent
	return !f.broken && whole(f) && f.at("tenants") == nil && (f.at("size") == nil || size.Percent >= everybody)
}
