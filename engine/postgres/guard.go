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

// verdict is what one section may touch outside of the tenant.
type verdict struct {
	on     bool
	alone  bool     // the whole database belongs to the tenant, except the tail
	met    []object // objects of the tail that it may touch; all, where its text does not show what it does
	exempt []string // globs over schema.name that it or the config declares, or that it names only with the schema
	meant  []object // objects of the tail that it declares or names so, without globs: it may rename them
	keys   []string // schema.name of tables that dropped foreign keys of the tenant referred to, which locks them
	named  []string // schema.name that it names both with and without the schema
}

// verdictKey identifies a cached verdict. own is the tenant's schema where that is in the tail, which it may then change.
type verdictKey struct {
	section *revision.Section
	own     string
	hidden  bool
	alone   bool
}

// judge returns the verdict on one step of one tenant. made: an earlier step of the plan may have created functions, triggers
// and the like. alone: the database has no other tenant. touches are those of the config.
func (d *database) judge(ctx context.Context, c *conn, schema string, step engine.Step, b body, made, alone bool, touches []string) (verdict, error) {
	if step.Stamp {
		return verdict{}, nil
	}
	hidden, err := d.hidden(ctx, c, b.traits, made || b.traits.makes())
	if err != nil || len(d.objects) == 0 && (!hidden || alone && len(d.tail) == 0) &&
		len(b.traits.idents.Qualified) == 0 && len(step.Revision.Section(step.Direction).Touches) == 0 {
		return verdict{}, err
	}
	key := verdictKey{section: step.Revision.Section(step.Direction), hidden: hidden, alone: alone}
	if slices.Contains(d.tail, schema) {
		key.own = schema
	}
	cached := !key.section.Options.Template // the rendered text may differ between tenants
	if cached {
		d.mu.Lock()
		v, ok := d.verdicts[key]
		d.mu.Unlock()
		if ok {
			return v, nil
		}
	}
	v := decide(d.objects, key.own, b.traits.idents, slices.Concat(key.section.Touches, touches), hidden)
	v.exempt = append(v.exempt, meantNames(b.statements)...)
	v.alone, v.on = alone, hidden // names in the text are checked before the statements
	for _, o := range d.parts {
		if _, stands := slices.BinarySearch(b.traits.idents.Names, o.name); o.schema != key.own && (hidden || stands) {
			v.met = append(v.met, o)
		}
	}
	if cached {
		d.mu.Lock()
		d.verdicts[key] = v
		d.mu.Unlock()
	}
	return v, nil
}

// alone reports whether the tenant has the database for itself: its schema is public, and no source finds another tenant
// there. Other schemas then belong to the tenant, unless they are on its search path.
func (s *session) alone() bool {
	return s.target.Schema == "public" && !s.db.several(s.server, s.target.Database) && len(s.db.tenantsOf(s.server, s.target.Database)) <= 1
}

// decide returns the verdict on a body with these names.
func decide(objects map[string][]object, own string, names revision.Idents, touches []string, hidden bool) verdict {
	v := verdict{on: hidden, exempt: slices.Clone(touches)}
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
				v.met = append(v.met, o)
			}
		}
	}
	v.on = v.on || len(v.met) > 0
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

// join returns the verdict on a transaction of several steps: what one of them declares is declared for all.
func (v verdict) join(w verdict) verdict {
	return verdict{
		on:     v.on || w.on,
		alone:  v.alone || w.alone,
		met:    append(slices.Clip(v.met), w.met...),
		exempt: append(slices.Clip(v.exempt), w.exempt...),
		meant:  append(slices.Clip(v.meant), w.meant...),
		keys:   append(slices.Clip(v.keys), w.keys...),
		named:  append(slices.Clip(v.named), w.named...),
	}
}
