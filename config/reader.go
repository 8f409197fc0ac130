package config

import (
	"fmt"
	"strings"

	"gopkg.in/yaml.v3"
)

// field is a value in the file with its key and its place in the table. Mappings and lists have fields
// of their own; what the table does not know is not among them.
type field struct {
	path   path
	shape  *shape
	name   *yaml.Node // the key; nil for the root and for entries of a list
	node   *yaml.Node // the value, aliases resolved
	fields []*field   // of a mapping by key, of a list by entry
	texts  []string   // of a list of texts
	broken bool       // it was complained about
}

// at returns the field of that name; nil when it is absent, also on a nil field.
func (f *field) at(name string) *field {
	if f == nil {
		return nil
	}
	for _, sub := range f.fields {
		if sub.path[len(sub.path)-1] == name {
			return sub
		}
	}
	return nil
}

// text returns the value of one word below name; "" when it is absent or not of that form.
func (f *field) text(name string) string {
	if sub := f.at(name); sub != nil && !sub.broken && sub.node.Kind == yaml.ScalarNode {
		return sub.node.Value
	}
	return ""
}

// place returns where the field begins, for messages: its key, or the value of what has none.
func (f *field) place() *yaml.Node {
	if f.name != nil {
		return f.name
	}
	return f.node
}

// reader makes fields of nodes and complains about all that the table does not allow.
type reader struct {
	file     string
	mistakes *mistakes
	offline  bool
	supplied func(path) bool // whether the environment or a flag has the value of a required key
	fields   int             // made so far
	refused  bool            // what is read belongs to a key that was refused as a whole
}

func (r *reader) blame(kind Kind, at *yaml.Node, p path, message, advice string) {
	r.mistakes.add(&Error{
		Kind: kind, File: r.file, Line: at.Line, Col: at.Column,
		Key: p.String(), Message: message, Advice: advice,
	})
}

// read returns the field for a node, with all that is below it.
func (r *reader) read(p path, s *shape, name, node *yaml.Node) *field {
	f := &field{path: p, shape: s, name: name, node: node}
	if r.fields++; r.fields >= tooMany {
		f.broken = true
		if r.fields == tooMany {
			r.blame(KindValue, f.place(), p, "the config has too many values; aliases may multiply them", "list the tenants in a file of their own: `file: tenants.csv`")
		}
		return f
	}
	if s.key != nil && s.key.status == later && !r.refused && !(s.item != nil && len(node.Content) == 0) {
		r.blame(KindLater, f.place(), p, notYet, "take it away; nothing of it would be done")
		r.refused = true
		defer func() { r.refused = false }()
	}
	switch {
	case s.leaf():
		r.leaf(f)
	case s.item != nil:
		r.list(f)
	default:
		r.mapping(f)
	}
	return f
}

// tooMany values are those of about 300,000 tenants. It bounds what a few nested aliases can blow up to.
const tooMany = 1 << 21

const notYet = "is not supported by this version yet"

func (r *reader) mapping(f *field) {
	if null(f.node) { // a section whose keys are all commented out
		f.node = &yaml.Node{Kind: yaml.MappingNode, Line: f.node.Line, Column: f.node.Column}
	}
	if f.node.Kind != yaml.MappingNode {
		r.mistyped(f, "a mapping")
		return
	}
	seen := map[string]*yaml.Node{}
	noMapping := func(at *yaml.Node) {
		r.blame(KindValue, at, f.path, "a merge key (<<) takes a mapping or a list of mappings", "name one by its anchor: `<<: *name`")
	}
	for _, pair := range pairs(f.node, noMapping) {
		if pair.key.Kind != yaml.ScalarNode || null(pair.key) {
			r.blame(KindUnknown, pair.key, f.path, "a key must be a word", "")
			continue
		}
		name := pair.key.Value
		if first := seen[name]; first != nil {
			r.blame(KindDuplicate, pair.key, f.path.join(name), fmt.Sprintf("is there twice, first in line %d", first.Line), "keep one of the two")
			continue
		}
		seen[name] = pair.key
		if s := r.known(f, pair.key); s != nil {
			f.fields = append(f.fields, r.read(f.path.join(name), s, pair.key, pair.value))
		}
	}
	r.required(f)
}

// known returns the shape of a key in f; nil, with a complaint, when the table has none.
func (r *reader) known(f *field, name *yaml.Node) *shape {
	s := f.shape
	if s.any != nil {
		if p := checkName(name.Value); p != nil {
			r.blame(KindValue, name, f.path.join(name.Value), p.message, p.advice)
			return nil
		}
		return s.any
	}
	if sub := s.fields[name.Value]; sub != nil {
		return sub
	}
	r.blame(KindUnknown, name, f.path.join(name.Value), "unknown key",
		didYouMean(name.Value, s.names, "known here: "+strings.Join(s.names, ", ")))
	return nil
}

// checkName judges a name that people give to a server or a label.
func checkName(name string) *problem {
	if name == "" || name != strings.TrimSpace(name) || strings.ContainsAny(name, "/,=\x00\n\r") {
		return &problem{"a name has no slash, comma, equals sign or newline, and no blank at its ends", ""}
	}
	return nil
}

// required complains about keys of a mapping that must be there.
func (r *reader) required(f *field) {
	for _, name := range f.shape.names {
		sub := f.shape.fields[name]
		if sub.key == nil || !sub.key.required || f.at(name) != nil || len(f.path) == 0 {
			continue // the root's are required by the project, see build
		}
		if p := f.path.join(name); !r.supplied(p) && !(r.offline && p[0] == "servers") {
			f.broken = true
			r.blame(KindMissing, f.place(), p, "is required", "expected "+sub.key.expected())
		}
	}
}

func (r *reader) list(f *field) {
	if null(f.node) {
		return
	}
	if f.node.Kind != yaml.SequenceNode {
		r.mistyped(f, "a list of mappings")
		return
	}
	for i, n := range f.node.Content {
		f.fields = append(f.fields, r.read(f.path.index(i), f.shape.item, nil, resolve(n)))
	}
}

// mistyped complains about a value of the wrong type. What may be a secret, or was put where one belongs,
// is not repeated.
func (r *reader) mistyped(f *field, expected string) {
	f.broken = true
	if k := f.shape.key; k != nil && (k.kind.secret() || k.program) || f.node.Kind == yaml.ScalarNode && f.shape.private() {
		advice := ""
		if k != nil && k.program && f.node.Kind == yaml.ScalarNode && k.kind == kindTexts {
			advice = "write it as a list: [PROGRAM, ARGUMENT, …]"
		}
		r.blame(KindValue, f.node, f.path, "expected "+expected, advice)
		return
	}
	r.blame(KindValue, f.node, f.path, "expected "+expected+", got "+describe(f.node), remedy(f))
}

// describe says what a node is, in words.
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

// remedy knows the usual slips: quotes that are missing or too many, and one text where a list belongs.
func remedy(f *field) string {
	if f.node.Kind != yaml.ScalarNode || f.shape.key == nil {
		return ""
	}
	text := f.node.ShortTag() == "!!str"
	switch f.shape.key.kind {
	case kindText, kindName, kindChoice:
		if !text && !quoted(f.node) {
			return fmt.Sprintf("put it in quotes: %q", f.node.Value)
		}
	case kindCount, kindBool, kindDuration, kindPercent, kindBudget, kindSize, kindAuto:
		if quoted(f.node) && f.shape.key.check(f.node.Value) == nil {
			return "take the quotes away"
		}
	case kindTexts, kindAutoTexts, kindBoolTexts, kindTouches:
		if text {
			return fmt.Sprintf("write it as a list: [%s]", quote(f.node.Value))
		}
	}
	return ""
}
