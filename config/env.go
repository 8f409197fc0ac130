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

// variable is the key that an environment variable sets, or the env, file or exec of a secret.
type variable struct {
	path  path
	shape *shape
	form  string // env, file or exec of a secret; "" = the value itself
}

// variables are all known environment variables.
type variables struct {
	byName map[string]variable
	names  []string // those of values, for suggestions
}

// newVariables returns the variables of all keys, those of servers for each name in servers.
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

// environment returns the fields that variables set, and reports wrong ones. Warnings name variables that probably were
// meant to set a key.
//
// An unknown variable with a single level is ignored: SKEIN_CONFIG belongs to the command line. An empty variable is
// treated as unset.
func (r *reader) environment(env []string, known *variables) (found []*field, warnings []string) {
	values := map[string]string{}
	for _, entry := range env {
		if name, value, ok := strings.Cut(entry, "="); ok && strings.HasPrefix(name, prefix) {
			values[name] = value // the last one wins, as in os/exec
		}
	}
	forms := map[string]*field{} // of a secret the text wins over env, and env over file
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

// readOutside reads the value of a variable or a flag. It reports, and returns false for, a wrong value and a key that
// this version does not support.
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

// flattened returns the variable that equals name when its double underscores are single ones; "" if none.
func (v *variables) flattened(name string) string {
	for _, known := range v.names {
		if strings.ReplaceAll(known, separator, "_") == name {
			return known
		}
	}
	return ""
}

// flags returns the fields that the command line overrides. An unknown path is a bug of the caller, and is reported.
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
