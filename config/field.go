package config

import (
	"slices"

	"gopkg.in/yaml.v3"
)

// field is a value with its key and its place in the table. Mappings and lists of the file have fields of their own;
// what the table does not know is not among them.
type field struct {
	path    path
	shape   *shape
	name    *yaml.Node // the key in the file; nil for the root and for entries of a list
	node    *yaml.Node // the value, aliases resolved; one without a place when it is not from the file
	fields  []*field   // of a mapping by key, of a list by entry; of a secret that stands elsewhere, that place
	value   any        // what was read, see valueType; nil for mappings and for what was complained about
	invalid bool       // it was complained about
	layer   layer
	from    string // the variable or the flag that it is from
}

// at returns the field of that name; nil when it is absent, also on a nil field.
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

// last is the name of the field in its mapping.
func (f *field) last() string { return f.path.last() }

// entries returns the fields of a list or a mapping, also of one that is absent.
func (f *field) entries() []*field {
	if f == nil {
		return nil
	}
	return f.fields
}

// valueOf returns what was read at a field, which its line in the table reads as a T; the zero value when the field is
// absent or was complained about.
func valueOf[T any](f *field) T {
	if f == nil || f.value == nil {
		var zero T
		return zero
	}
	return f.value.(T)
}

// get is valueOf of a field by name: one below another, or the one that counts of all layers.
func get[T any](in interface{ at(name string) *field }, name string) T {
	return valueOf[T](in.at(name))
}

// texts returns the entries of a list of texts as they are written; nil for any other value.
func (f *field) texts() []string {
	var texts []string
	if f != nil && f.node.Kind == yaml.SequenceNode {
		for _, n := range f.node.Content {
			texts = append(texts, resolve(n).Value)
		}
	}
	return texts
}

// place returns where the field begins, for messages: its key, or the value of what has none.
func (f *field) place() *yaml.Node {
	if f.name != nil {
		return f.name
	}
	return f.node
}

// whole reports whether all keys of a mapping were known, so that what is absent was not just misspelt.
func (f *field) allKnown() bool {
	return len(f.fields) == len(pairs(f.node, func(*yaml.Node) {}))
}

// anyInvalid reports whether anything in f was complained about, so that complaining again would confuse.
func (f *field) anyInvalid() bool {
	return f.invalid || slices.ContainsFunc(f.fields, (*field).anyInvalid)
}
