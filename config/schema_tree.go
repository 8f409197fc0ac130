package config

import (
	"fmt"
	"slices"
	"strings"
	"time"
)

// key is one line of the table of keys: what may be written there and what it means.
//
// Paths are those of the file: `*` stands for any name, `[]` for each entry of a list.
type key struct {
	path     string
	kind     valueKind
	choices  []string      // of kindChoice; of kindTexts when only these may be in the list
	def      string        // as it would be written; "" = none
	zero     bool          // a count or a duration may be 0
	least    time.Duration // of a duration; 0 = a millisecond
	required bool
	program  bool // a list of texts is a program and its arguments, which may hold tokens
	status   status
	doc      string // one sentence, for the documentation
}

// valueKind is the form of a value.
type valueKind string

const (
	kindText      valueKind = "text"
	kindName      valueKind = "name"           // that people say on the command line
	kindWord      valueKind = "text or number" // of tenants: what their files may hold, too
	kindBool      valueKind = "true or false"
	kindCount     valueKind = "number"
	kindChoice    valueKind = "choice"
	kindDuration  valueKind = "duration"
	kindPercent   valueKind = "percentage"
	kindBudget    valueKind = "number or percentage"
	kindAuto      valueKind = "auto or number"
	kindSelector  valueKind = "selector"
	kindSize      valueKind = "number above 0 or percentage"
	kindOrder     valueKind = "hash, small, large or label:KEY"
	kindExpect    valueKind = "condition"
	kindUntil     valueKind = "date or time"
	kindSecret    valueKind = "text, {env: …}, {file: …} or {exec: […]}"
	kindURL       valueKind = "URL, {env: …}, {file: …} or {exec: […]}"
	kindAddress   valueKind = "web URL, {env: …}, {file: …} or {exec: […]}"
	kindStore     valueKind = "path, URL, {env: …}, {file: …} or {exec: […]}"
	kindTexts     valueKind = "list of texts"
	kindAutoTexts valueKind = "auto or list of texts"
	kindTouches   valueKind = "list of schema.name" // with globs
	kindTouch     valueKind = "schema.name"         // an entry of it
	kindBoolTexts valueKind = "true, false or list of texts"
	kindList      valueKind = "list of mappings"
	kindMap       valueKind = "mapping"
)

// status says how far this version acts on a key.
type status string

const (
	acts  status = ""      // it has its effect
	kept  status = "kept"  // read and checked; the commands that use it come with a later version
	later status = "later" // an error when set, since ignoring it would be dangerous
)

// scalar reports whether the key has one value that also a variable or a flag can hold.
func (k valueKind) scalar() bool {
	switch k {
	case kindTexts, kindBoolTexts, kindList, kindMap:
		return false
	}
	return true
}

// numeric reports whether the value may be a number, which then stands without quotes.
func (k valueKind) numeric() bool {
	switch k {
	case kindCount, kindDuration, kindPercent, kindBudget, kindSize, kindAuto:
		return true
	}
	return false
}

// secret reports whether the value must never be shown as it is.
func (k valueKind) secret() bool {
	return k == kindSecret || k == kindURL || k == kindAddress || k == kindStore
}

// expected describes the value for people, with an article.
func (k *key) expected() string {
	switch k.kind {
	case kindChoice:
		if len(k.choices) > 2 {
			return "one of " + strings.Join(k.choices, ", ")
		}
		return strings.Join(k.choices, " or ")
	case kindCount:
		if k.zero {
			return "a number"
		}
		return "a number above 0"
	case kindDuration:
		if k.zero {
			return "a duration such as 500ms, 2s or 5m, or 0"
		}
		return "a duration such as 500ms, 2s or 5m"
	case kindPercent:
		return "a percentage such as 5%"
	case kindBudget:
		return "a number, or a percentage such as 1%"
	case kindAuto:
		return "a number or auto"
	case kindName, kindSelector:
		return "a " + string(k.kind)
	case kindSize:
		return "a number above 0, or a percentage such as 5%"
	case kindExpect:
		return "true, a value, or a condition such as > 0"
	case kindUntil:
		return "a date such as 2030-12-24, or a time such as 2030-12-24T18:00:00Z"
	case kindURL:
		return "a URL, or one of {env: NAME}, {file: PATH}, {exec: [COMMAND, …]}"
	case kindAddress:
		return "a URL that starts with https:// or http://, or one of {env: NAME}, {file: PATH}, {exec: [COMMAND, …]}"
	case kindStore:
		return "a path or a URL, or one of {env: NAME}, {file: PATH}, {exec: [COMMAND, …]}"
	case kindSecret:
		return "text, or one of {env: NAME}, {file: PATH}, {exec: [COMMAND, …]}"
	case kindTexts, kindList, kindMap:
		return "a " + string(k.kind)
	case kindTouches:
		return "a list of schema.name, with globs"
	case kindTouch:
		return "schema.name, with globs"
	case kindAutoTexts:
		return "auto or a list of texts"
	case kindBoolTexts:
		return "true, false or a list of texts"
	}
	return string(k.kind)
}

// kindOf is the kind for the table in the documentation.
func (k *key) kindOf() string {
	switch {
	case k.kind == kindChoice:
		return strings.Join(k.choices, " or ")
	case k.kind == kindTexts && k.choices != nil:
		return "list of " + strings.Join(k.choices, ", ")
	case k.kind == kindCount && !k.zero:
		return "number above 0"
	case k.kind == kindDuration && k.zero:
		return "duration or 0"
	}
	return string(k.kind)
}

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
	holds := func(sub *shape) bool { return sub != nil && sub.leaf() && sub.key != nil && sub.key.kind.secret() }
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
// splits them at dots, so all but small letters, digits and `_` is escaped.
func (p path) id() string {
	parts := make([]string, len(p))
	for i, name := range p {
		parts[i] = escape(name)
	}
	return strings.Join(parts, ".")
}

func escape(name string) string {
	var b strings.Builder
	for i := range len(name) {
		if c := name[i]; c >= 'a' && c <= 'z' || c >= '0' && c <= '9' || c == '_' {
			b.WriteByte(c)
		} else {
			fmt.Fprintf(&b, "%%%02x", c)
		}
	}
	return b.String()
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
