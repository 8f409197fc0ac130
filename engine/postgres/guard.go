package postgres

import (
	"context"
	"maps"
	"slices"

	"github.com/skeindb/skein/engine"
	"github.com/skeindb/skein/engine/revision"
)

// An unqualified name that the tenant lacks is found in the schemas that follow on the search path, and a body would silently
// change there what all tenants share. It can only reach objects whose names it contains, so names are compared once for each
// section and database. Where no name matches and the text shows all that the body does, there is no guard: it costs as much
// as a small revision (it reads pg_locks, which locks each partition of the lock table).

// guardScope is what one section may touch outside of the tenant.
type guardScope struct {
	needed    bool
	alone     bool     // the whole database belongs to the tenant, except the tail
	reachable []object // objects of the tail that it may touch; all, where its text does not show what it does
	exempt    []string // globs over schema.name that it or the config declares, or that it names only with the schema
	meant     []object // objects of the tail that it declares or names so, without globs: it may rename them
	keys      []string // schema.name of tables that dropped foreign keys of the tenant referred to, which locks them
	named     []string // schema.name that it names both with and without the schema
}

// guardKey identifies a cached guardScope. own is the tenant's schema where that is in the tail, which it may then change.
type guardKey struct {
	section *revision.Section
	own     string
	hidden  bool
	alone   bool
}

// decideGuard returns the scope of one step of one tenant. made: an earlier step of the plan may have created functions, triggers
// and the like. alone: the database has no other tenant. touches are those of the config.
func (d *database) decideGuard(ctx context.Context, c *conn, schema string, step engine.Step, b body, made, alone bool, touches []string) (guardScope, error) {
	if step.Stamp {
		return guardScope{}, nil
	}
	hidden, err := d.hidden(ctx, c, b.effects, made || b.effects.createsCode())
	if err != nil || len(d.objects) == 0 && (!hidden || alone && len(d.tail) == 0) &&
		len(b.effects.idents.Qualified) == 0 && len(step.Revision.Section(step.Direction).Touches) == 0 {
		return guardScope{}, err
	}
	key := guardKey{section: step.Revision.Section(step.Direction), hidden: hidden, alone: alone}
	if slices.Contains(d.tail, schema) {
		key.own = schema
	}
	cached := !key.section.Options.Template // the rendered text may differ between tenants
	if cached {
		d.mu.Lock()
		v, ok := d.guards[key]
		d.mu.Unlock()
		if ok {
			return v, nil
		}
	}
	v := newGuardScope(d.objects, key.own, b.effects.idents, slices.Concat(key.section.Touches, touches), hidden)
	v.exempt = append(v.exempt, meantNames(b.statements)...)
	v.alone, v.needed = alone, hidden // names in the text are checked before the statements
	for _, o := range d.parts {
		if _, stands := slices.BinarySearch(b.effects.idents.Names, o.name); o.schema != key.own && (hidden || stands) {
			v.reachable = append(v.reachable, o)
		}
	}
	if cached {
		d.mu.Lock()
		d.guards[key] = v
		d.mu.Unlock()
	}
	return v, nil
}

// ownsDatabase reports whether the tenant has the database for itself: its schema is public, and no source finds another tenant
// there. Other schemas then belong to the tenant, unless they are on its search path.
func (s *session) ownsDatabase() bool {
	return s.location.Schema == "public" && !s.db.mayHaveSeveral(s.server, s.location.Database) && len(s.db.tenantsOf(s.server, s.location.Database)) <= 1
}

// newGuardScope returns the scope of a body with these names.
func newGuardScope(objects map[string][]object, own string, names revision.Idents, touches []string, hidden bool) guardScope {
	v := guardScope{needed: hidden, exempt: slices.Clone(touches)}
	explicit := map[string]bool{}
	for _, q := range names.Qualified {
		name := q.Schema + "." + q.Name
		if _, bare := slices.BinarySearch(names.Names, q.Name); bare {
			v.named = append(v.named, name)
			continue
		}
		explicit[name] = true
		v.exempt = append(v.exempt, name)
	}
	for _, name := range slices.Sorted(maps.Keys(objects)) {
		for _, o := range objects[name] {
			if full := o.schema + "." + name; explicit[full] || slices.Contains(touches, full) {
				v.meant = append(v.meant, o)
			}
			_, stands := slices.BinarySearch(names.Names, name)
			if o.schema != own && (hidden || stands) && !declared(o, explicit, touches) {
				v.reachable = append(v.reachable, o)
			}
		}
	}
	v.needed = v.needed || len(v.reachable) > 0
	return v
}

// declared reports whether the author names an object with its schema, or declares that it is touched.
func declared(o object, explicit map[string]bool, touches []string) bool {
	name := o.schema + "." + o.name
	return explicit[name] || slices.ContainsFunc(touches, func(t string) bool { return matches(t, name) })
}

// matches matches a glob as LIKE does with the pattern that like makes: * is any text, ? one character.
func matches(glob, text string) bool {
	for i, r := range glob {
		switch r {
		case '*':
			rest := glob[i+1:]
			for k := range text {
				if matches(rest, text[k:]) {
					return true
				}
			}
			return matches(rest, "")
		case '?':
			if text == "" {
				return false
			}
			_, size := firstRune(text)
			text = text[size:]
		default:
			first, size := firstRune(text)
			if text == "" || first != r {
				return false
			}
			text = text[size:]
		}
	}
	return text == ""
}

// join returns the scope of a transaction of several steps: what one of them declares is declared for all.
func (v guardScope) join(w guardScope) guardScope {
	return guardScope{
		needed:    v.needed || w.needed,
		alone:     v.alone || w.alone,
		reachable: append(slices.Clip(v.reachable), w.reachable...),
		exempt:    append(slices.Clip(v.exempt), w.exempt...),
		meant:     append(slices.Clip(v.meant), w.meant...),
		keys:      append(slices.Clip(v.keys), w.keys...),
		named:     append(slices.Clip(v.named), w.named...),
	}
}
