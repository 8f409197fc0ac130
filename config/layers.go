package config

import (
	"fmt"

	"github.com/spf13/viper"
	"gopkg.in/yaml.v3"
)

// merged is the values of one word after flag > environment > file > default. Viper decides which one
// wins; what it does not know, where each came from, is remembered here by the same ids (see path.id).
//
// All values are in it as text, in the form that the file and a variable share.
type merged struct {
	viper  *viper.Viper
	flags  map[string]variable
	env    map[string]variable
	file   map[string]*field
	preset map[string]bool // has a default
	name   string          // of the file
}

// newMerged merges what was found good. Defaults of keys with a free name are set for each of names.
func newMerged(root *field, flags, env map[string]variable, keys []key, servers []string, name string) *merged {
	m := &merged{viper: viper.New(), flags: flags, env: env, file: map[string]*field{}, preset: map[string]bool{}, name: name}
	m.collect(root)
	for _, k := range keys {
		m.setDefault(k, servers)
	}
	_ = m.viper.MergeConfigMap(nested(m.file)) // never fails
	for id, v := range env {
		// Viper's own environment is that of the process; ours was handed to Load. Its layer of flags is
		// the one between overrides and the file.
		_ = m.viper.BindFlagValue(id, bound(v)) // fails for nil only
	}
	for id, v := range flags {
		m.viper.Set(id, v.value)
	}
	return m
}

// collect finds the file's values of one word, apart from those in lists.
func (m *merged) collect(f *field) {
	switch {
	case f.broken || f.shape.item != nil:
	case f.node.Kind == yaml.ScalarNode:
		m.file[f.path.id()] = f
	default:
		for _, sub := range f.fields {
			m.collect(sub)
		}
	}
}

func (m *merged) setDefault(k key, servers []string) {
	if k.def == "" {
		return
	}
	p := split(k.path)
	paths := []path{p}
	if p[0] == "servers" {
		paths = nil
		for _, s := range servers {
			paths = append(paths, path{p[0], s, p[2]})
		}
	}
	for _, p := range paths {
		m.preset[p.id()] = true
		m.viper.SetDefault(p.id(), k.def)
	}
}

// nested makes the tree that viper takes for a file.
func nested(fields map[string]*field) map[string]any {
	tree := map[string]any{}
	for _, f := range fields {
		at := tree
		for _, name := range f.path[:len(f.path)-1] {
			below, ok := at[escape(name)].(map[string]any)
			if !ok {
				below = map[string]any{}
				at[escape(name)] = below
			}
			at = below
		}
		at[escape(f.path[len(f.path)-1])] = f.node.Value
	}
	return tree
}

// get returns the value that wins; "" when there is none, not even a default.
func (m *merged) get(p path) string { return m.viper.GetString(p.id()) }

// rank orders where a value came from.
type rank int

const (
	absent rank = iota
	fromDefault
	fromFile
	fromEnv
	fromFlag
)

// origin says where the value of a path came from, and in words: default, skein.yaml:3:5, SKEIN_FLEET,
// --max-failures.
func (m *merged) origin(p path) (rank, string) {
	id := p.id()
	if v, ok := m.flags[id]; ok {
		return fromFlag, v.name
	}
	if v, ok := m.env[id]; ok {
		return fromEnv, v.name
	}
	if f, ok := m.file[id]; ok {
		return fromFile, fmt.Sprintf("%s:%d:%d", m.name, f.node.Line, f.node.Column)
	}
	if m.preset[id] {
		return fromDefault, "default"
	}
	return absent, ""
}

// blame makes an error at the place where the value of a path was set.
func (m *merged) blame(kind Kind, p path, message, advice string) *Error {
	e := &Error{Kind: kind, Key: p.String(), Message: message, Advice: advice}
	switch r, origin := m.origin(p); r {
	case fromFile:
		at := m.file[p.id()].node
		e.File, e.Line, e.Col = m.name, at.Line, at.Column
	case fromEnv:
		e.Key, e.Message = "", fmt.Sprintf("environment variable %s: %s: %s", origin, p, message)
	case fromFlag:
		e.Key, e.Message = "", fmt.Sprintf("%s: %s: %s", origin, p, message)
	default:
		e.File = m.name
	}
	return e
}

// bound is a variable as viper takes the value of a flag.
type bound variable

func (b bound) HasChanged() bool    { return true }
func (b bound) Name() string        { return b.name }
func (b bound) ValueString() string { return b.value }
func (b bound) ValueType() string   { return "string" }
