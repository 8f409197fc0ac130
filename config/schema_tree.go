package config

import (
	"encoding/hex"
	"fmt"
	"slices"
	"strings"
)

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
func (s *shape) private() bool {
	if s.leaf() {
		return false
	}
	holds := func(sub *shape) bool { return sub != nil && sub.leaf() && sub.key != nil && sub.key.typ.secret != nil }
	for _, sub := range s.fields {
		if holds(sub) {
			return true
		}
	}
	return holds(s.any) || s.any != nil && s.any.private() || s.item != nil && s.item.private()
}

// leaf reports whether a value stands here rather than a mapping or a list of mappings.
func (s *shape) leaf() bool { return s.fields == nil && s.any == nil && s.item == nil }

// path is the way to a value: names of keys, and `[0]` for entries of a list.
type path []string

func (p path) join(name string) path {
	return append(slices.Clip(p), name)
}

// split reads a path of the table, or of a flag.
func split(text string) path { return strings.Split(text, ".") }

func (p path) index(i int) path { return p.join(fmt.Sprintf("[%d]", i)) }

// String returns the path for people: servers.main.url, tenants[0].glob, servers."db.eu".url.
func (p path) String() string {
	var b strings.Builder
	for i, name := range p {
		switch {
		case strings.HasPrefix(name, "[") && i > 0:
			b.WriteString(name)
			continue
		case i > 0:
			b.WriteByte('.')
		}
		if strings.ContainsAny(name, ".[]\" \n") {
			name = fmt.Sprintf("%q", name)
		}
		b.WriteString(name)
	}
	return b.String()
}

// id returns the path in the form that viper keeps apart from all others: viper lower-cases keys and
// splits them at dots.
func (p path) id() string {
	parts := make([]string, len(p))
	for i, name := range p {
		parts[i] = hex.EncodeToString([]byte(name))
	}
	return strings.Join(parts, ".")
}

// variable returns the name of the environment variable for the path.
func (p path) variable() string {
	parts := make([]string, len(p))
	for i, name := range p {
		parts[i] = name
		if i != 1 || p[0] != "servers" { // the only names that are free
			parts[i] = strings.ToUpper(name)
		}
	}
	return prefix + strings.Join(parts, separator)
}

// last is the name of the value in its mapping.
func (p path) last() string { return p[len(p)-1] }
