package config

import (
	"slices"

	"gopkg.in/yaml.v3"
)

// field is one value of a layer, with its key and position. A mapping or a list of the file has fields of its own, without
// unknown keys.
type field struct {
	path    path
	shape   *shape
	name    *yaml.Node // the key; nil for the root, entries of lists and other layers
	node    *yaml.Node // the value, aliases resolved; has no position outside the file
	fields  []*field   // of a mapping, of a list, or of a secret with env, file or exec
	value   any        // as its valueType reads it; nil for mappings and invalid values
	invalid bool       // an error was reported
	layer   layer
	from    string // name of the variable or flag; default
}

// at returns the field of that name; nil when it is absent. It works on a nil field, as do entries and texts.
func (f *field) at(name string) *field {
	if f == nil {
		return nil
	}
	for _, sub := range f.fields {
		if sub.last() == name {
			return sub
		}
	}
	return nil
}

// last returns the name of the field in its mapping.
func (f *field) last() string { return f.path.last() }

// entries returns the fields of a list or a mapping.
func (f *field) entries() []*field {
	if f == nil {
		return nil
	}
	return f.fields
}

// valueOf returns the value of a field whose valueType reads a T; the zero value when the field is absent or invalid. It
// panics on any other T: see TestEveryKeyIsReadAsItsType.
func valueOf[T any](f *field) T {
	if f == nil || f.value == nil {
		var zero T
		return zero
	}
	return f.value.(T)
}

// get returns the value of a key: of a builder the effective one, of a field the one in that mapping.
func get[T any](in interface{ at(name string) *field }, name string) T {
	return valueOf[T](in.at(name))
}

// texts returns the entries of a list of texts as written; nil for any other value.
func (f *field) texts() []string {
	var texts []string
	if f != nil && f.node.Kind == yaml.SequenceNode {
		for _, n := range f.node.Content {
			texts = append(texts, resolve(n).Value)
		}
	}
	return texts
}

// place returns the node where the field begins: its key, or its value when it has no key.
func (f *field) place() *yaml.Node {
	if f.name != nil {
		return f.name
	}
	return f.node
}

// allKnown reports whether all keys of a mapping are known. If not, an absent key may just be misspelt.
func (f *field) allKnown() bool {
	return len(f.fields) == len(pairs(f.node, func(*yaml.Node) {}))
}

// anyInvalid reports whether f or a field below it is invalid, so that a further error could be a consequence.
func (f *field) anyInvalid() bool {
	return f.invalid || slices.ContainsFunc(f.fields, (*field).anyInvalid)
}
