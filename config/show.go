package config

import (
	"bytes"
	"strconv"
	"strings"

	"gopkg.in/yaml.v3"

	"github.com/skeindb/skein/tenant"
	"github.com/skeindb/skein/tenant/discover"
)

// Setting is one value of the effective config, as `config show --json` prints it.
type Setting struct {
	Key    string `json:"key"`    // servers.main.url, tenants[0].labels.tier
	Value  any    `json:"value"`  // text, number, boolean or list; a secret is *** or its reference
	Source string `json:"source"` // default, skein.yaml:3:5, SKEIN_FLEET or --max-failures

	path path
	plan string // as a plan file records it; "" = not recorded
}

// Show returns the effective config in the order of the documentation: every value that is set or has a default, with its
// source. Secrets, passwords in URLs and arguments of programs are redacted.
func Show(p *Project) []Setting { return p.settings }

// ShowYAML returns the effective config as YAML, with the source of each value in a comment. Apart from redacted values, Load
// accepts it.
func ShowYAML(p *Project) []byte {
	root := &yaml.Node{Kind: yaml.MappingNode}
	for _, s := range p.settings {
		at := root
		for i, name := range s.path {
			if i+1 < len(s.path) {
				at = below(at, name, strings.HasPrefix(s.path[i+1], "["))
				continue
			}
			v := below(at, name, false)
			*v = *valueNode(s.Value)
			v.LineComment = s.Source
		}
	}
	var b bytes.Buffer
	e := yaml.NewEncoder(&b)
	e.SetIndent(2)
	_ = e.Encode(root) // cannot fail: the tree is built above
	return b.Bytes()
}

// below returns the node of that name in a mapping or a list, and creates it if it does not exist.
func below(at *yaml.Node, name string, isList bool) *yaml.Node {
	kind := yaml.MappingNode
	if isList {
		kind = yaml.SequenceNode
	}
	if at.Kind == yaml.SequenceNode {
		i, _ := strconv.Atoi(strings.Trim(name, "[]"))
		for len(at.Content) <= i {
			at.Content = append(at.Content, &yaml.Node{Kind: kind})
		}
		return at.Content[i]
	}
	for i := 0; i+1 < len(at.Content); i += 2 {
		if at.Content[i].Value == name {
			return at.Content[i+1]
		}
	}
	v := &yaml.Node{Kind: kind}
	at.Content = append(at.Content, valueNode(name), v)
	return v
}

func valueNode(value any) *yaml.Node {
	n := &yaml.Node{}
	_ = n.Encode(value) // text, numbers, booleans, and lists and maps of text
	for _, sub := range n.Content {
		sub.Style &^= yaml.FoldedStyle | yaml.LiteralStyle
	}
	switch {
	case n.Kind != yaml.ScalarNode:
		n.Style = yaml.FlowStyle
	case n.Style&(yaml.LiteralStyle|yaml.FoldedStyle) != 0:
		n.Style = yaml.DoubleQuotedStyle // on one line, for the comment
	}
	return n
}

// settings returns the values at and below a shape; f is its field in the file.
func (b *builder) settings(s *shape, at path, f *field) []Setting {
	switch {
	case s.key != nil && s.key.status == later:
		return nil
	case s.isValue():
		return b.setting(s.key, at, f)
	}
	var all []Setting
	for _, name := range s.names {
		all = append(all, b.settings(s.fields[name], at.join(name), f.at(name))...)
	}
	if s.item != nil {
		for _, item := range f.entries() {
			all = append(all, b.settings(s.item, item.path, item)...)
		}
	}
	if s.any == nil {
		return all
	}
	if at.String() == "servers" {
		for _, server := range b.project.Servers {
			all = append(all, b.settings(s.any, at.join(server.Name), f.at(server.Name))...)
		}
		return all
	}
	for _, sub := range f.entries() {
		all = append(all, b.settings(s.any, sub.path, sub)...)
	}
	return all
}

// setting returns a value with its source; nil when it is not set and has no default.
func (b *builder) setting(k *key, at path, f *field) []Setting {
	if effective := b.layers.at(at); effective != nil {
		f = effective // otherwise it is in a list
	}
	set := Setting{Key: at.String(), Source: "default", path: at}
	switch {
	case f != nil:
		set.Value, set.Source, set.plan = shown(f), b.source(f), b.project.planText(f)
	case k.path == "fleet":
		set.Value = b.project.Fleet
	case k.path == "revisions.dialect":
		set.Value = string(b.project.dialect)
	default:
		return nil
	}
	return []Setting{set}
}

// shown returns a value for `config show`: numbers and booleans typed, other values as written, redacted.
func shown(f *field) any {
	t, raw := f.shape.key.typ, f.node.Value
	switch value := f.value.(type) {
	case Secret:
		return value.shown
	case bool:
		return value
	case tenant.Selector:
		return raw // not redacted: what looks like a password is the name or value of a label
	case discover.Schemas:
		if f.node.Kind == yaml.ScalarNode {
			return value.All
		}
	}
	if f.node.Kind == yaml.SequenceNode {
		return shownList(t, f.texts())
	}
	if n, err := strconv.Atoi(raw); err == nil && t.number {
		return n
	}
	return RedactURL(raw)
}

func shownList(t *valueType, texts []string) []string {
	if t.program && len(texts) > 1 {
		return []string{RedactURL(texts[0]), hidden}
	}
	shown := make([]string, len(texts))
	for i, text := range texts {
		shown[i] = RedactURL(text)
	}
	return shown
}
