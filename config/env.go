package config

import (
	"fmt"
	"maps"
	"slices"
	"strings"

	"github.com/skeindb/skein/engine/text"
)

const (
	prefix    = "SKEIN_"
	separator = "__" // between levels
	reserved  = "SKEIN_TEST_"
)

// variable is a value from the environment or from a flag.
type variable struct {
	name  string // SKEIN_ROLLOUT__MAX_FAILURES, or --max-failures
	path  path
	key   *key
	value string
	flag  bool
}

// environ finds the variables that are keys.
type environ struct {
	root    *shape
	servers []string // that the file knows: a variable may complete one, or make one that a source names
}

// read returns the variables by id of their path, and adds what is wrong with them to m. Warnings are
// about variables that were probably meant to be keys.
//
// A variable with a single level that is no key means nothing to the config: SKEIN_CONFIG is the command
// line's. An empty variable counts as not set.
func (e *environ) read(env []string, m *mistakes) (found map[string]variable, warnings []string) {
	found = map[string]variable{}
	values := map[string]string{}
	for _, entry := range env {
		if name, value, ok := strings.Cut(entry, "="); ok && strings.HasPrefix(name, prefix) {
			values[name] = value // the last one counts, as for os/exec
		}
	}
	for _, name := range slices.Sorted(maps.Keys(values)) {
		value, rest := values[name], strings.TrimPrefix(name, prefix)
		if value == "" || strings.HasPrefix(name, reserved) {
			continue
		}
		p, s := match(e.root, rest)
		switch {
		case s == nil && !strings.Contains(rest, separator):
			if meant := e.flattened(name); meant != "" {
				warnings = append(warnings, fmt.Sprintf("%s is not read: levels are joined by two underscores, %s", name, meant))
			}
		case s == nil:
			m.add(unknownVariable(name, text.Nearest(name, e.names())))
		case !s.key.kind.scalar():
			if strings.Contains(rest, separator) {
				m.add(&Error{Kind: KindValue, Message: fmt.Sprintf("environment variable %s: %s is a %s, which only the file can hold", name, p, s.key.kind)})
			}
		case p[0] == "servers" && !slices.Contains(e.servers, p[1]):
			m.add(unknownVariable(name, text.Nearest(name, e.names())))
		default:
			found[p.id()] = variable{name: name, path: p, key: s.key, value: value}
		}
	}
	return found, warnings
}

func unknownVariable(name, meant string) *Error {
	e := &Error{Kind: KindUnknown, Message: fmt.Sprintf("environment variable %s names no key", name)}
	e.Advice = "each key has one: its path in upper case, levels joined by __"
	if meant != "" {
		e.Advice = fmt.Sprintf("did you mean %s?", meant)
	}
	return e
}

// match returns the path that the rest of a variable's name stands for, and its shape; nil when there is
// none. Only values have variables, not the mappings around them.
func match(s *shape, rest string) (path, *shape) {
	for _, name := range s.names {
		sub, upper := s.fields[name], strings.ToUpper(name)
		if rest == upper && sub.key != nil {
			return path{name}, sub
		}
		if after, ok := strings.CutPrefix(rest, upper+separator); ok {
			if sub.leaf() && sub.key.kind.secret() {
				sub = secretShape(sub.key.path)
			}
			if p, found := match(sub, after); found != nil {
				return append(path{name}, p...), found
			}
		}
	}
	if s.any == nil {
		return nil, nil
	}
	// A free name may hold the separator itself, so each place is tried.
	for i := 1; i < len(rest); i++ {
		if !strings.HasPrefix(rest[i:], separator) {
			continue
		}
		if p, found := match(s.any, rest[i+len(separator):]); found != nil && checkName(rest[:i]) == nil {
			return append(path{rest[:i]}, p...), found
		}
	}
	return nil, nil
}

// names returns all variables that could be meant.
func (e *environ) names() []string {
	var names []string
	for _, p := range e.paths(e.root, nil) {
		names = append(names, p.variable())
	}
	return names
}

// paths returns the paths of all values that a variable can hold, with the servers that are known.
func (e *environ) paths(s *shape, at path) []path {
	var found []path
	for _, name := range s.names {
		sub, p := s.fields[name], at.join(name)
		switch {
		case sub.leaf() && sub.key.kind.scalar():
			found = append(found, p)
		case sub.item == nil:
			found = append(found, e.paths(sub, p)...)
		}
	}
	if s.any != nil {
		for _, server := range e.servers {
			found = append(found, e.paths(s.any, at.join(server))...)
		}
	}
	return found
}

// flattened returns the variable that has the given name but for doubled underscores; "" if none.
func (e *environ) flattened(name string) string {
	for _, known := range e.names() {
		if strings.ReplaceAll(known, separator, "_") == name {
			return known
		}
	}
	return ""
}

// flags returns what the command line overrides, by id of its path. Its keys are paths of the table
// without free names; another one is a mistake of the program and shown as such.
func flags(root *shape, overrides map[string]string, m *mistakes) map[string]variable {
	found := map[string]variable{}
	for _, name := range slices.Sorted(maps.Keys(overrides)) {
		p := split(name)
		s := root
		for _, part := range p {
			if s != nil {
				s = s.fields[part]
			}
		}
		if s == nil || s.key == nil || !s.key.kind.scalar() {
			m.add(&Error{Kind: KindUnknown, Key: name, Message: "a flag stands for a key that is none"})
			continue
		}
		flag := "--" + strings.ReplaceAll(p[len(p)-1], "_", "-")
		found[p.id()] = variable{name: flag, path: p, key: s.key, value: overrides[name], flag: true}
	}
	return found
}

// checkVariables complains about the form of values from the environment and from flags, and about keys that this
// version refuses. It returns those that are good.
func checkVariables(found map[string]variable, m *mistakes) map[string]variable {
	good := map[string]variable{}
	for _, id := range slices.Sorted(maps.Keys(found)) {
		v := found[id]
		where := "environment variable " + v.name
		if v.flag {
			where = v.name
		}
		if v.key.status == later {
			m.add(&Error{Kind: KindLater, Message: fmt.Sprintf("%s: %s %s", where, v.path, notYet), Advice: "unset it; nothing of it would be done"})
			continue
		}
		if p := v.key.check(v.value); p != nil {
			m.add(&Error{Kind: KindValue, Message: fmt.Sprintf("%s: %s: %s", where, v.path, p.message), Advice: p.advice})
			continue
		}
		good[id] = v
	}
	return good
}
