package config

import (
	"fmt"
	"slices"
	"strings"

	"gopkg.in/yaml.v3"
)

// reader reads nodes into fields along the table of keys, and reports everything that the table does not allow.
type reader struct {
	*errorList
	dir     string // folder of the config, absolute
	lookup  func(string) (string, bool)
	fields  int  // read so far
	refused bool // inside a key that was reported as not supported
}

// read returns the field of a node, with all fields below it.
func (r *reader) read(p path, s *shape, name, node *yaml.Node) *field {
	f := &field{path: p, shape: s, name: name, node: node, layer: fromFile}
	if r.fields++; r.fields >= tooMany {
		f.invalid = true
		if r.fields == tooMany {
			r.errorAt(KindValue, f.place(), p, "the config has too many values, possibly multiplied by aliases", "list the tenants in a file of their own: `file: tenants.csv`")
		}
		return f
	}
	if s.key != nil && s.key.status == later && !r.refused && !(s.item != nil && len(node.Content) == 0) {
		r.errorAt(KindLater, f.place(), p, notYet, "remove it; it would have no effect")
		r.refused = true
		defer func() { r.refused = false }()
	}
	switch {
	case s.isValue():
		r.value(f)
	case s.item != nil:
		r.mappings(f)
	default:
		r.mapping(f)
	}
	return f
}

// tooMany is the limit of values, enough for about 300,000 tenants. Nested aliases could expand to any number.
const tooMany = 1 << 21

const notYet = "is not supported by this version yet"

func (r *reader) mapping(f *field) {
	if isNull(f.node) { // all keys of the section are commented out
		f.node = &yaml.Node{Kind: yaml.MappingNode, Line: f.node.Line, Column: f.node.Column}
	}
	if f.node.Kind != yaml.MappingNode {
		r.wrongType(f, "a mapping")
		return
	}
	seen := map[string]*yaml.Node{}
	noMapping := func(at *yaml.Node) {
		r.errorAt(KindValue, at, f.path, "a merge key (<<) takes a mapping or a list of mappings", "name one by its anchor: `<<: *name`")
	}
	for _, pair := range pairs(f.node, noMapping) {
		if pair.key.Kind != yaml.ScalarNode || isNull(pair.key) {
			r.errorAt(KindUnknown, pair.key, f.path, "a key must be a word", "")
			continue
		}
		name := pair.key.Value
		if first := seen[name]; first != nil {
			r.errorAt(KindDuplicate, pair.key, f.path.join(name), fmt.Sprintf("is set twice, first in line %d", first.Line), "keep one of the two")
			continue
		}
		seen[name] = pair.key
		if s := r.shapeOf(f, pair.key); s != nil {
			f.fields = append(f.fields, r.read(f.path.join(name), s, pair.key, pair.value))
		}
	}
	r.required(f)
}

// shapeOf returns the shape of a key of f; nil, and an error is reported, when it is unknown.
func (r *reader) shapeOf(f *field, name *yaml.Node) *shape {
	s := f.shape
	if s.any != nil {
		if p := checkName(name.Value); p != nil {
			r.errorAt(KindValue, name, f.path.join(name.Value), p.message, p.advice)
			return nil
		}
		return s.any
	}
	if sub := s.fields[name.Value]; sub != nil {
		return sub
	}
	r.errorAt(KindUnknown, name, f.path.join(name.Value), "unknown key",
		didYouMean(name.Value, s.names, "known here: "+strings.Join(s.names, ", ")))
	return nil
}

// required reports required keys that a mapping lacks. `tenants` and the URLs of servers are checked by the builder, when
// all layers are known.
func (r *reader) required(f *field) {
	if len(f.path) == 0 || f.path[0] == "servers" {
		return
	}
	for _, name := range f.shape.names {
		if sub := f.shape.fields[name]; sub.key != nil && sub.key.required && f.at(name) == nil {
			f.invalid = true
			r.missing(f, f.path.join(name), sub.key)
		}
	}
}

func (l *errorList) missing(f *field, p path, k *key) {
	l.errorAt(KindMissing, f.place(), p, "is required", "expected "+k.typ.expected)
}

func (r *reader) mappings(f *field) {
	if isNull(f.node) {
		return
	}
	if f.node.Kind != yaml.SequenceNode {
		r.wrongType(f, "a list of mappings")
		return
	}
	for i, n := range f.node.Content {
		f.fields = append(f.fields, r.read(f.path.index(i), f.shape.item, nil, resolve(n)))
	}
}

// value reads a value that is not a mapping or list of mappings.
func (r *reader) value(f *field) {
	t, n := f.shape.key.typ, f.node
	switch {
	case isNull(n):
		r.reject(f, f.place(), problem{"has no value", "set one or remove the key; expected " + t.expected})
	case t.secret != nil && n.Kind == yaml.MappingNode:
		r.secret(f)
	case t.item != nil && n.Kind == yaml.SequenceNode:
		r.list(f)
	case n.Kind != yaml.ScalarNode || !slices.Contains(t.tags, n.ShortTag()) || t.number && quoted(n) && isNumber(n.Value):
		r.wrongType(f, t.expected)
	default:
		value, p := t.read(n.Value)
		if p != nil {
			r.reject(f, n, *p)
			return
		}
		f.value = r.toValue(f, "", value)
	}
}

// reject reports an invalid value.
func (r *reader) reject(f *field, at *yaml.Node, p problem) {
	f.invalid = true
	r.errorAt(KindValue, at, f.path, p.message, p.advice)
}

// list reads a list of texts.
func (r *reader) list(f *field) {
	t := f.shape.key.typ
	if len(f.node.Content) == 0 && !t.none {
		r.reject(f, f.node, *emptyList())
	}
	one := &shape{key: &key{path: f.shape.key.path + "[]", typ: t.item}}
	for i, n := range f.node.Content {
		item := &field{path: f.path.index(i), shape: one, node: resolve(n), layer: fromFile}
		r.value(item)
		f.invalid = f.invalid || item.invalid
	}
	if !f.invalid {
		f.value = t.collect(f.texts())
	}
}

// readText reads the text of a variable, a flag or a default into f. form is env or file when the text refers to a secret.
func (r *reader) readText(f *field, raw, form string) *problem {
	t := f.shape.key.typ
	if form != "" {
		t = plainText()
	}
	value, node, p := t.readText(raw)
	if p != nil {
		return p
	}
	f.node, f.value = node, r.toValue(f, form, value)
	return nil
}

// wrongType reports a value of the wrong type. A value that may be a secret, or is in the place of one, is not quoted.
func (r *reader) wrongType(f *field, expected string) {
	word := f.node.Kind == yaml.ScalarNode
	t := &valueType{}
	if f.shape.key != nil {
		t = f.shape.key.typ
	}
	p := problem{"expected " + expected + ", got " + describe(f.node), ""}
	switch {
	case t.secret != nil || word && f.shape.holdsSecret():
		p.message = "expected " + expected
	case t.program:
		p.message = "expected " + expected
		if word && t.item != nil {
			p.advice = "write it as a list: [PROGRAM, ARGUMENT, …]"
		}
	case word:
		p.advice = typeHint(t, f.node)
	}
	r.reject(f, f.node, p)
}

// describe names a node in an error message.
func describe(n *yaml.Node) string {
	switch n.Kind {
	case yaml.MappingNode:
		return "a mapping"
	case yaml.SequenceNode:
		return "a list"
	}
	if quoted(n) && isNumber(n.Value) {
		return "the text " + quote(n.Value)
	}
	switch n.ShortTag() {
	case "!!int", "!!float":
		return "the number " + n.Value
	case "!!bool":
		return n.Value + ", which is true or false in YAML"
	case "!!timestamp":
		return "the date " + n.Value
	}
	return quote(n.Value)
}

// typeHint returns advice for the usual mistakes: missing or extra quotes, or one text instead of a list.
func typeHint(t *valueType, n *yaml.Node) string {
	isText := n.ShortTag() == textTag
	switch {
	case t.item != nil && isText:
		return asList(n.Value)
	case t.item != nil || t.parse == nil:
		return ""
	}
	switch _, p := t.read(n.Value); {
	case p != nil:
	case isText && quoted(n):
		return "remove the quotes"
	case !isText && !quoted(n):
		return fmt.Sprintf("put it in quotes: %q", n.Value)
	}
	return ""
}

// quoted reports whether a value is in quotes.
func quoted(n *yaml.Node) bool { return n.Style&(yaml.SingleQuotedStyle|yaml.DoubleQuotedStyle) != 0 }

// isNumber reports whether YAML reads a word as a number.
func isNumber(word string) bool {
	tag := textNode(word).ShortTag()
	return tag == "!!int" || tag == "!!float"
}
