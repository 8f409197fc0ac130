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

// variable is what a name in the environment stands for: a key, or the place of a secret.
type variable struct {
	path  path
	shape *shape
	form  string // of a secret: env or file; exec is a list, which only the file can hold
}

// variables are all that there can be.
type variables struct {
	byName map[string]variable
	names  []string // of those that hold the value of a key
}

// newVariables lists the variables of the table, those of servers for each that is known: a variable may complete one, or make
// one that a source names.
func newVariables(root *shape, servers []string) *variables {
	v := &variables{byName: map[string]variable{}}
	v.collect(root, nil, servers)
	return v
}

func (v *variables) collect(s *shape, at path, servers []string) {
	for _, name := range s.names {
		sub, p := s.fields[name], at.join(name)
		if sub.key != nil {
			v.byName[p.variable()] = variable{path: p, shape: sub}
		}
		if sub.isValue() && !sub.key.typ.fileOnly {
			v.names = append(v.names, p.variable())
		}
		if sub.isValue() && sub.key.typ.secret != nil {
			for _, form := range []string{secretEnv, secretFile, secretExec} {
				v.byName[p.join(form).variable()] = variable{path: p, shape: sub, form: form}
			}
		}
		if sub.item == nil {
			v.collect(sub, p, servers)
		}
	}
	for _, server := range servers {
		if s.any != nil {
			v.collect(s.any, at.join(server), servers)
		}
	}
}

// environment returns the values of the variables that are keys, and adds what is wrong with them to the mistakes.
// Warnings are about variables that were probably meant to be keys.
//
// A variable with a single level that is no key means nothing to the config: SKEIN_CONFIG is the command
// line's. An empty variable counts as not set.
func (r *reader) environment(env []string, known *variables) (found []*field, warnings []string) {
	values := map[string]string{}
	for _, entry := range env {
		if name, value, ok := strings.Cut(entry, "="); ok && strings.HasPrefix(name, prefix) {
			values[name] = value // the last one counts, as for os/exec
		}
	}
	forms := map[string]*field{} // of a secret, text counts before env, env before file
	for _, name := range slices.Sorted(maps.Keys(values)) {
		if values[name] == "" || strings.HasPrefix(name, reserved) {
			continue
		}
		levels := strings.Contains(strings.TrimPrefix(name, prefix), separator)
		v, ok := known.byName[name]
		switch {
		case !ok && !levels:
			if meant := known.flattened(name); meant != "" {
				warnings = append(warnings, fmt.Sprintf("%s is not read: join levels with two underscores, %s", name, meant))
			}
		case !ok:
			r.add(unknownVariable(name, text.Nearest(name, known.names)))
		case v.form == secretExec || v.shape.key.typ.fileOnly:
			if levels {
				r.add(onlyTheFile(name, v))
			}
		default:
			f := &field{path: v.path, shape: v.shape, layer: fromEnv, from: name}
			if r.readOutside(f, values[name], v.form) && forms[v.path.id()] == nil {
				forms[v.path.id()] = f
				found = append(found, f)
			}
		}
	}
	return found, warnings
}

// outside reads what is written in a variable or a flag, and complains about it, and about keys that this version refuses.
func (r *reader) readOutside(f *field, value, form string) bool {
	p := f.path
	if form != "" {
		p = p.join(form)
	}
	if f.shape.key.status == later {
		r.errorOutside(KindLater, f, fmt.Sprintf("%s %s", p, notYet), "unset it; it would have no effect")
		return false
	}
	if bad := r.readText(f, value, form); bad != nil {
		r.errorOutside(KindValue, f, fmt.Sprintf("%s: %s", p, bad.message), bad.advice)
		return false
	}
	return true
}

func unknownVariable(name, meant string) *Error {
	e := &Error{Kind: KindUnknown, Message: fmt.Sprintf("environment variable %s names no key", name)}
	e.Advice = "the variable of a key is its path in upper case, with levels joined by __"
	if meant != "" {
		e.Advice = fmt.Sprintf("did you mean %s?", meant)
	}
	return e
}

func onlyTheFile(name string, v variable) *Error {
	p, t := v.path, v.shape.key.typ
	if v.form != "" {
		p, t = p.join(v.form), program()
	}
	return &Error{Kind: KindValue, Message: fmt.Sprintf("environment variable %s: %s is a %s, which only the file can hold", name, p, t.name)}
}

// flattened returns the variable that has the given name but for doubled underscores; "" if none.
func (v *variables) flattened(name string) string {
	for _, known := range v.names {
		if strings.ReplaceAll(known, separator, "_") == name {
			return known
		}
	}
	return ""
}

// flags returns what the command line overrides. Its keys are paths of the table without free names; another one is a
// mistake of the program and shown as such.
func (r *reader) flags(root *shape, overrides map[string]string) []*field {
	var found []*field
	for _, name := range slices.Sorted(maps.Keys(overrides)) {
		p, s := split(name), root
		for _, part := range p {
			if s != nil {
				s = s.fields[part]
			}
		}
		if s == nil || s.key == nil || s.key.typ.fileOnly {
			r.add(&Error{Kind: KindUnknown, Key: name, Message: "a flag names an unknown key"})
			continue
		}
		f := &field{path: p, shape: s, layer: fromFlag, from: "--" + strings.ReplaceAll(p.last(), "_", "-")}
		if r.readOutside(f, overrides[name], "") {
			found = append(found, f)
		}
	}
	return found
}
