package config

import (
	"encoding/hex"
	"fmt"
	"slices"
	"strings"
)

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
