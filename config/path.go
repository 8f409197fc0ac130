package config

import (
	"encoding/hex"
	"fmt"
	"slices"
	"strings"
)

// path is the path of a value: names of keys, and `[0]` for entries of a list.
type path []string

func (p path) join(name string) path {
	return append(slices.Clip(p), name)
}

// split parses a path of the table or of Options.Overrides.
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

// id returns the key of the path in viper, which lower-cases keys and splits them at dots.
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
		if i != 1 || p[0] != "servers" { // names of servers keep their case
			parts[i] = strings.ToUpper(name)
		}
	}
	return prefix + strings.Join(parts, separator)
}

// last returns the name of the value in its mapping.
func (p path) last() string { return p[len(p)-1] }
