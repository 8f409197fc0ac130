package config

import (
	"cmp"
	"fmt"
	"slices"

	"gopkg.in/yaml.v3"

	"github.com/skeindb/skein/orchestrator/notify"
)

// webhooks reads `notify`.
func (b *builder) webhooks() []notify.Hook {
	var hooks []notify.Hook
	names := map[string]*yaml.Node{}
	for _, f := range b.tree.at("notify").entries() {
		b.checkUnique(f.at("name"), "webhooks", names)
		h := notify.Hook{
			Name:   cmp.Or(get[string](f, "name"), f.path.String()),
			Format: cmp.Or(get[notify.Format](f, "format"), notify.JSON),
			URL:    get[Secret](f, "webhook").Value,
			On:     b.occasions(f.at("on")),
		}
		hooks = append(hooks, h)
	}
	return hooks
}

// occasions reads a list of occasions and reports duplicates; nil means all.
func (b *builder) occasions(f *field) []notify.Occasion {
	var on []notify.Occasion
	for i, text := range valueOf[[]string](f) {
		if slices.Contains(on, notify.Occasion(text)) {
			b.errorAt(KindDuplicate, resolve(f.node.Content[i]), f.path.index(i), fmt.Sprintf("%s is listed twice", text), "keep one of the two")
		}
		on = append(on, notify.Occasion(text))
	}
	return on
}
