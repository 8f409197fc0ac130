package config

import (
	"fmt"
	"strings"

	"github.com/spf13/viper"
	"gopkg.in/yaml.v3"
)

// layer is where a value is set. A higher layer wins.
type layer int

const (
	fromDefault layer = iota
	fromFile
	fromEnv
	fromFlag
)

// layers holds the valid fields of all layers. Viper decides which one of a path wins: flag > environment > file >
// default. Entries of lists are not included: only the file can have them.
type layers struct{ viper *viper.Viper }

func newLayers(defaults, file, env, flags []*field) *layers {
	l := &layers{viper.New()}
	for _, f := range defaults {
		l.viper.SetDefault(f.path.id(), f)
	}
	// Viper's environment layer reads the process and returns strings. Ours is an argument of Load and typed, so it is
	// merged over the file.
	for _, fields := range [][]*field{file, env} {
		_ = l.viper.MergeConfigMap(nested(fields)) // never fails
	}
	for _, f := range flags {
		l.viper.Set(f.path.id(), f)
	}
	return l
}

// nested returns the fields as nested maps, as viper expects them of a file.
func nested(fields []*field) map[string]any {
	tree := map[string]any{}
	for _, f := range fields {
		at, parts := tree, strings.Split(f.path.id(), ".")
		for _, part := range parts[:len(parts)-1] {
			below, ok := at[part].(map[string]any)
			if !ok {
				below = map[string]any{}
				at[part] = below
			}
			at = below
		}
		at[parts[len(parts)-1]] = f
	}
	return tree
}

// at returns the field that wins; nil when the path is not set and has no default.
func (l *layers) at(p path) *field {
	f, _ := l.viper.Get(p.id()).(*field)
	return f
}

// values returns the valid values at and below f, without those in lists of mappings.
func (f *field) values() []*field {
	switch {
	case f.shape.isValue() && f.value != nil:
		return []*field{f}
	case f.shape.isValue() || f.shape.item != nil:
		return nil
	}
	var all []*field
	for _, sub := range f.fields {
		all = append(all, sub.values()...)
	}
	return all
}

// defaults returns the default values, those of servers for each name in servers.
func (r *reader) defaults(table []key, servers []string) []*field {
	var all []*field
	for i := range table {
		k, p := &table[i], split(table[i].path)
		if k.def == "" || strings.Contains(k.path, "[") {
			continue
		}
		paths := []path{p}
		if p[0] == "servers" {
			paths = nil
			for _, s := range servers {
				paths = append(paths, path{p[0], s, p[2]})
			}
		}
		for _, p := range paths {
			f := &field{path: p, shape: &shape{key: k}, layer: fromDefault, from: "default"}
			r.readText(f, k.def, "")
			all = append(all, f)
		}
	}
	return all
}

// source returns where a value is set: default, skein.yaml:3:5, SKEIN_FLEET, --max-failures.
func (l *errorList) source(f *field) string {
	if f.layer != fromFile {
		return f.from
	}
	node := f.node
	if form := formOf(f); form == secretEnv || form == secretFile {
		node = f.fields[0].node
	}
	return l.place(node)
}

// place returns the position of a node as file:line:col.
func (l *errorList) place(n *yaml.Node) string {
	return fmt.Sprintf("%s:%d:%d", l.file, n.Line, n.Column)
}
