package config

import "strings"

// shape is the table of keys as a tree, along which a file is read.
type shape struct {
	key    *key              // nil for a mapping without a line of its own
	names  []string          // of fields, in the order of the table
	fields map[string]*shape // of a mapping with fixed keys
	any    *shape            // of a mapping with free keys
	item   *shape            // of a list
}

func newShape(keys []key) *shape {
	root := &shape{}
	for i := range keys {
		s := root
		for part := range strings.SplitSeq(keys[i].path, ".") {
			name, isList := strings.CutSuffix(part, "[]")
			s = s.field(name)
			if isList {
				if s.item == nil {
					s.item = &shape{}
				}
				s = s.item
			}
		}
		s.key = &keys[i]
	}
	return root
}

// field returns the shape below name and makes it if need be.
func (s *shape) field(name string) *shape {
	if name == "*" {
		if s.any == nil {
			s.any = &shape{}
		}
		return s.any
	}
	if s.fields[name] == nil {
		if s.fields == nil {
			s.fields = map[string]*shape{}
		}
		s.fields[name] = &shape{}
		s.names = append(s.names, name)
	}
	return s.fields[name]
}

// private reports whether a secret has its place in this mapping or in its entries, so that what was
// wrongly written instead of the mapping may be one.
func (s *shape) holdsSecret() bool {
	if s.isValue() {
		return false
	}
	holds := func(sub *shape) bool {
		return sub != nil && sub.isValue() && sub.key != nil && sub.key.typ.secret != nil
	}
	for _, sub := range s.fields {
		if holds(sub) {
			return true
		}
	}
	return holds(s.any) || s.any != nil && s.any.holdsSecret() || s.item != nil && s.item.holdsSecret()
}

// leaf reports whether a value stands here rather than a mapping or a list of mappings.
func (s *shape) isValue() bool { return s.fields == nil && s.any == nil && s.item == nil }
