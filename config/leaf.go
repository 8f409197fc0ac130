package config

import (
	"slices"

	"gopkg.in/yaml.v3"
)

// leaf reads a value that has no keys of the table below it.
func (r *reader) leaf(f *field) {
	k := f.shape.key
	if null(f.node) {
		f.broken = true
		r.blame(KindValue, f.place(), f.path, "has no value", "write one or take the key away; expected "+k.expected())
		return
	}
	switch {
	case k.kind.secret():
		r.secret(f)
	case f.node.Kind == yaml.SequenceNode && (k.kind == kindTexts || k.kind == kindBoolTexts || k.kind == kindAutoTexts || k.kind == kindTouches):
		r.texts(f)
	case k.kind == kindTexts || k.kind == kindTouches || f.node.Kind != yaml.ScalarNode || !slices.Contains(tags(k.kind), f.node.ShortTag()):
		r.mistyped(f, k.expected())
	case k.kind.numeric() && quoted(f.node) && isNumber(f.node.Value):
		r.mistyped(f, k.expected())
	case k.kind == kindAutoTexts && f.node.Value != "auto":
		r.mistyped(f, k.expected())
	default:
		r.form(f)
	}
}

// tags are the YAML types that a value of one word may have. Mixed forms take both, their parsers decide.
func tags(k valueKind) []string {
	switch k {
	case kindBool, kindBoolTexts:
		return []string{"!!bool"}
	case kindCount:
		return []string{"!!int"}
	case kindWord, kindExpect:
		return []string{"!!str", "!!int", "!!float", "!!bool", "!!timestamp"}
	case kindUntil:
		return []string{"!!str", "!!timestamp"}
	case kindDuration, kindPercent, kindBudget, kindSize, kindAuto:
		return []string{"!!str", "!!int", "!!float"}
	}
	return []string{"!!str"}
}

// quoted reports whether a value stands in quotes.
func quoted(n *yaml.Node) bool { return n.Style&(yaml.SingleQuotedStyle|yaml.DoubleQuotedStyle) != 0 }

// isNumber reports whether YAML takes a word for a number.
func isNumber(word string) bool {
	tag := (&yaml.Node{Kind: yaml.ScalarNode, Value: word}).ShortTag()
	return tag == "!!int" || tag == "!!float"
}

// form checks the text of a value of one word.
func (r *reader) form(f *field) {
	if p := f.shape.key.check(f.node.Value); p != nil {
		f.broken = true
		r.blame(KindValue, f.node, f.path, p.message, p.advice)
	}
}

// texts reads a list of texts. An empty one says "none" where auto is the alternative; elsewhere it is a
// mistake, since nobody can tell what it means.
func (r *reader) texts(f *field) {
	if len(f.node.Content) == 0 && f.shape.key.kind != kindAutoTexts {
		f.broken = true
		r.blame(KindValue, f.node, f.path, "is an empty list", "write an entry or take the key away")
	}
	one := textShape(f.shape.key)
	for i, n := range f.node.Content {
		item := &field{path: f.path.index(i), shape: one, node: resolve(n)}
		r.leaf(item)
		f.broken = f.broken || item.broken
		f.texts = append(f.texts, item.node.Value)
	}
}

// textShape is that of an entry of a list of texts, which has no line of its own in the table.
func textShape(list *key) *shape {
	if list.kind == kindTouches {
		return &shape{key: &key{path: list.path + "[]", kind: kindTouch}}
	}
	if list.choices != nil {
		return &shape{key: &key{path: list.path + "[]", kind: kindChoice, choices: list.choices}}
	}
	return &shape{key: &key{path: list.path + "[]", kind: kindText, program: list.program}}
}

// secret reads text, or a mapping with one of env, file, exec.
func (r *reader) secret(f *field) {
	switch {
	case f.node.Kind == yaml.ScalarNode && f.node.ShortTag() == "!!str":
		r.form(f)
		return
	case f.node.Kind != yaml.MappingNode:
		r.mistyped(f, f.shape.key.expected())
		return
	}
	whole := f.shape
	f.shape = secretShape(whole.key.path)
	r.mapping(f)
	f.shape = whole
	for _, sub := range f.fields {
		f.broken = f.broken || sub.broken
	}
	if len(f.fields) != 1 {
		f.broken = true
		if len(f.fields) == 0 && len(f.node.Content) > 0 {
			return // it was complained about each of them
		}
		r.blame(KindConflict, f.node, f.path, "takes exactly one of env, file, exec", "")
	}
}

func secretShape(path string) *shape {
	s := &shape{}
	s.field(secretEnv).key = &key{path: path + ".env", kind: kindText}
	s.field(secretFile).key = &key{path: path + ".file", kind: kindText}
	s.field(secretExec).key = &key{path: path + ".exec", kind: kindTexts, program: true}
	return s
}
