package config

import "strings"

// shape is the table of keys as a tree. The reader walks it together with the file.
type shape struct {
	key    *key              // nil for a mapping without its own line in the table
	names  []string          // of the fields, in the order of the table
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

// field returns the shape of a key and creates it if it does not exist.
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

// holdsSecret reports whether this mapping or its entries can hold a secret. A text in place of the mapping may be one.
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

// isValue reports whether the shape is a value, not a mapping or a list of mappings.
func (s *shape) isValue() bool { return s.fields == nil && s.any == nil && s.item == nil }
