package config

import (
	"cmp"
	"fmt"
	"math"
	"path/filepath"
	"slices"
	"strings"

	"gopkg.in/yaml.v3"
)

// builder fills a Project with the values that were read, and reports values that contradict each other. A value that was
// reported before is the zero value here.
type builder struct {
	*errorList
	tree    *field   // the file
	layers  *layers  // file, variables, flags and defaults
	servers []string // names, in order
	dir     string   // folder of the config, absolute
	opts    Options
	project *Project
}

// at returns the effective field of a key; nil when it is not set and has no default.
func (b *builder) at(name string) *field { return b.layers.at(split(name)) }

func (b *builder) build() {
	p := b.project
	p.Fleet = get[string](b, "fleet")
	if p.Fleet == "" {
		p.Fleet = fleetOf(b.dir)
	}
	b.revisions()
	b.state()
	for _, name := range b.servers {
		p.Servers = append(p.Servers, b.server(name))
	}
	b.guards()
	p.Compare = Compare{
		Scope:    get[string](b, "compare.scope"),
		Exclude:  get[[]string](b, "compare.exclude"),
		Types:    get[bool](b, "compare.types"),
		Defaults: get[bool](b, "compare.defaults"),
	}
	p.Engine = b.engine()
	b.sources()
	b.checkSharedSchemas()
	p.Policy = b.policy() // after the sources, whose dialect decides which checks are possible
	p.Policy.Waves = b.waves()
	p.Policy.Pins = b.pins()
	p.Notify = b.webhooks()
}

// fleetOf returns the default name of a fleet, which is that of the folder.
func fleetOf(dir string) string {
	if name := filepath.Base(dir); name != string(filepath.Separator) && name != "." {
		return name
	}
	return "fleet"
}

func (b *builder) revisions() {
	r := &b.project.Revisions
	r.Dir = within(b.project.Dir, get[string](b, "revisions.dir"))
	r.Heads = get[Heads](b, "revisions.heads")
	if schema := get[string](b, "revisions.schema"); schema != "" {
		r.Schema = within(b.project.Dir, schema)
	}
	for _, object := range []string{"ix", "uq", "ck", "fk", "pk"} {
		if form := valueOf[string](b.at("revisions.naming." + object)); form != "" {
			if r.Naming == nil {
				r.Naming = map[string]string{}
			}
			r.Naming[object] = form
		}
	}
	for _, h := range b.tree.at("revisions").at("hooks").entries() {
		r.Hooks = append(r.Hooks, Hook{Run: get[[]string](h, "run")})
	}
}

// alembicTable is the version table of Alembic; skein does not read it yet.
const alembicTable = "alembic_version"

func (b *builder) state() {
	s, table := &b.project.State, b.at("state.version_table")
	s.VersionTable = valueOf[string](table)
	switch {
	case s.VersionTable == alembicTable:
		b.errorAtValue(KindLater, table, alembicTable+" "+notYet, "choose another table; the default is skein_version")
	case strings.ContainsAny(s.VersionTable, ".\"\n") || len(s.VersionTable) > 63:
		b.errorAtValue(KindValue, table, "expected the bare name of a table, at most 63 bytes", "the table is in the tenant's schema, so its name has no schema")
	}
	s.Store = get[Secret](b, "state.store")
	s.KeepDowngrades = get[bool](b, "state.keep_downgrades")
}

func (b *builder) guards() {
	b.project.Touches = get[[]string](b, "guards.touches")
	g := &b.project.Guards
	g.MinTenants = get[int](b, "guards.min_tenants")
	shrink := b.at("guards.max_shrink")
	g.MaxShrink = valueOf[float64](shrink)
	if shrink != nil && g.MaxShrink == 0 {
		g.MaxShrink = math.SmallestNonzeroFloat64 // in Guards 0 means no limit; in the config 0% means that no tenant may be missing
	}
}

// The rules that sources, waves, checks, pins and webhooks share.

// oneKind returns which one of kinds the entry has, and reports an entry with none or several.
func (b *builder) oneKind(f *field, what string, kinds ...string) string {
	found := ""
	for _, kind := range kinds {
		switch other := f.at(kind); {
		case other == nil:
		case found != "":
			b.errorAtKey(KindConflict, other, fmt.Sprintf("a %s has exactly one kind; this one already has %s", what, found), "split it into two "+what+"s")
		default:
			found = kind
		}
	}
	if found == "" && f.allKnown() {
		b.errorAtKey(KindMissing, f, fmt.Sprintf("a %s needs one of %s", what, strings.Join(kinds, ", ")), "")
	}
	return found
}

// checkKind reports keys that do not apply to entries of this kind.
func (b *builder) checkKind(f *field, kind string) {
	for _, sub := range f.fields {
		k := sub.shape.key
		if k == nil {
			k = sub.shape.any.key // a mapping with free keys
		}
		if k.with != nil && !slices.Contains(k.with, kind) {
			b.errorAtKey(KindConflict, sub, fmt.Sprintf("applies to %s, not to %s", strings.Join(k.with, " or "), kind), cmp.Or(k.instead, "remove it"))
		}
	}
}

// checkUnique reports a name that an earlier entry has. seen holds the node of each name.
func (b *builder) checkUnique(name *field, what string, seen map[string]*yaml.Node) {
	if name == nil || name.invalid {
		return
	}
	if first := seen[name.node.Value]; first != nil {
		b.errorAtValue(KindDuplicate, name, fmt.Sprintf("two %s are named %s, the first in line %d", what, quote(name.node.Value), first.Line), "rename one of them")
		return
	}
	seen[name.node.Value] = name.node
}
