package config

import (
	"fmt"
	"slices"

	"gopkg.in/yaml.v3"

	"github.com/skeindb/skein/orchestrator/notify"
)

// hooks reads `notify`.
func (b *builder) hooks() []notify.Hook {
	var hooks []notify.Hook
	names := map[string]*yaml.Node{}
	for _, f := range b.tree.at("notify").entries() {
		b.unique(f.at("name"), "webhooks", names)
		h := notify.Hook{Name: f.text("name"), Format: notify.Format(f.text("format"))}
		if h.Name == "" {
			h.Name = f.path.String()
		}
		if h.Format == "" {
			h.Format = notify.JSON
		}
		if url := f.at("webhook"); url != nil {
			h.URL = b.address(url)
		}
		h.On = b.occasions(f.at("on"))
		hooks = append(hooks, h)
	}
	return hooks
}

// occasions reads a list of occasions, and complains about those that are there twice; nil means all.
func (b *builder) occasions(f *field) []notify.Occasion {
	if f == nil || f.broken {
		return nil
	}
	var on []notify.Occasion
	for i, text := range f.texts {
		if slices.Contains(on, notify.Occasion(text)) {
			item := &field{path: f.path.index(i), node: resolve(f.node.Content[i])}
			b.blame(KindDuplicate, item, fmt.Sprintf("%s is there twice", text), "keep one of the two")
		}
		on = append(on, notify.Occasion(text))
	}
	return on
}
