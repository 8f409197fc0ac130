package postgres

import (
	"context"
	"maps"
	"slices"
	"strconv"
	"strings"

	"github.com/skeindb/skein/engine"
	"github.com/skeindb/skein/engine/revision"
)

// A body with unqualified names that its tenant lacks falls through to the schemas that follow in the search
// path, and changes there, without a word, what all tenants share. It can only hit what has a name that
// stands in the body, so that is looked at once for each section and database. Where no name meets and all
// that the body does can be seen, there is no guard: it costs as much as a small revision does (it reads
// pg_locks, which takes each partition of the lock table).

// verdict is what one section may hit in the tail of the search path.
type verdict struct {
	on     bool
	met    []object // what it may hit; everything, when what it does cannot be seen
	exempt []string // LIKE patterns of schema.relation that it names with the schema, or declares
}

// verdictKey: a tenant whose own schema is part of the tail may change that.
type verdictKey struct {
	section *revision.Section
	own     string
}

// judge decides for one step of one tenant.
func (d *database) judge(ctx context.Context, c *conn, schema string, step engine.Step, b body) (verdict, error) {
	if step.Stamp || len(d.objects) == 0 {
		return verdict{}, nil
	}
	key := verdictKey{section: step.Revision.Section(step.Direction)}
	if slices.Contains(d.tail, schema) {
		key.own = schema
	}
	cached := !key.section.Options.Template // the rendered text may be another one for each tenant
	if cached {
		d.mu.Lock()
		v, ok := d.verdicts[key]
		d.mu.Unlock()
		if ok {
			return v, nil
		}
	}
	hidden, err := d.hidden(ctx, c, b.traits)
	if err != nil {
		return verdict{}, err
	}
	v := decide(d.objects, key.own, b.traits.idents, key.section.Touches, hidden)
	if cached {
		d.mu.Lock()
		d.verdicts[key] = v
		d.mu.Unlock()
	}
	return v, nil
}

// hidden reports whether the body does more than its words show: dynamic SQL, calls, triggers.
func (d *database) hidden(ctx context.Context, c *conn, t *traits) (bool, error) {
	if len(t.idents.Dynamic) > 0 {
		return true, nil
	}
	var calls []string
	for _, n := range t.idents.Calls {
		calls = append(calls, n.Name)
	}
	if yes, err := d.hasFunctions(ctx, c, calls); yes || err != nil {
		return yes, err
	}
	if t.names("insert", "update", "delete", "merge", "truncate", "copy") {
		return d.hasTriggers(ctx, c)
	}
	return false, nil
}

// decide is the verdict on a body with these names.
func decide(objects map[string][]object, own string, names revision.Idents, touches []string, hidden bool) verdict {
	var v verdict
	explicit := map[string]bool{}
	for _, q := range names.Qualified {
		explicit[q.Schema+"."+q.Name] = true
		v.exempt = append(v.exempt, likeEscapes.Replace(q.Schema)+"."+likeEscapes.Replace(q.Name))
	}
	for _, t := range touches {
		v.exempt = append(v.exempt, like(t))
	}
	for _, name := range slices.Sorted(maps.Keys(objects)) {
		for _, o := range objects[name] {
			_, stands := slices.BinarySearch(names.Names, name)
			if o.schema != own && (hidden || stands) && !declared(o, explicit, touches) {
				v.met = append(v.met, o)
			}
		}
	}
	v.on = len(v.met) > 0
	return v
}

// declared reports whether the author names the object with its schema, or in `skein:touches`.
func declared(o object, explicit map[string]bool, touches []string) bool {
	name := o.schema + "." + o.name
	return explicit[name] || slices.ContainsFunc(touches, func(t string) bool { return matches(t, name) })
}

// matches is a glob as like makes it: * is any text, ? one character.
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

// join is the verdict on a transaction of several steps.
func (v verdict) join(w verdict) verdict {
	return verdict{v.on || w.on, append(slices.Clip(v.met), w.met...), append(slices.Clip(v.exempt), w.exempt...)}
}

// query is the guard: a SELECT before COMMIT that fails with the names of what the transaction has changed
// outside the tenant. Its own locks tell of relations, also of dropped ones, and of objects that were altered
// or dropped. GRANT, ALTER FUNCTION and ALTER TYPE lock nothing: they are seen by the transaction in xmin, or
// the subtransaction, of which nobody but its own session sees a row while it is in progress. Indexes and
// sequences go by the names of their tables.
func (v verdict) query(schema string) string {
	var oids, kinds, names []string
	for _, o := range v.met {
		oids = append(oids, strconv.FormatUint(uint64(o.oid), 10))
		kinds = append(kinds, string(o.kind))
		names = append(names, o.schema+"."+o.name)
	}
	return strings.NewReplacer(
		"$oids", array(oids), "$kinds", array(kinds), "$names", array(names),
		"$schema", literal(schema), "$exempt", array(v.exempt), "$mark", markGuard,
	).Replace(guardQuery)
}

const guardQuery = `WITH held AS MATERIALIZED (
	SELECT locktype, relation, classid, objid FROM pg_catalog.pg_locks
	WHERE pid = pg_catalog.pg_backend_pid() AND locktype IN ('relation', 'object')
		AND database = (SELECT oid FROM pg_catalog.pg_database WHERE datname = pg_catalog.current_database())
		AND mode IN ('RowExclusiveLock', 'ShareUpdateExclusiveLock', 'ShareLock', 'ShareRowExclusiveLock', 'ExclusiveLock', 'AccessExclusiveLock')
), met AS MATERIALIZED (
	SELECT oid, kind, name FROM ROWS FROM (pg_catalog.unnest($oids::pg_catalog.oid[]), pg_catalog.unnest($kinds::text[]), pg_catalog.unnest($names::text[])) m(oid, kind, name)
	WHERE name NOT LIKE ALL ($exempt::text[]) -- what one revision declares is declared for the whole transaction
), now AS MATERIALIZED (
	SELECT pg_catalog.pg_current_xact_id()::text::pg_catalog.int8 AS xid
), made AS MATERIALIZED (
	SELECT 'r' AS kind, oid, xmin AS by FROM pg_catalog.pg_class WHERE oid = ANY ($oids::pg_catalog.oid[])
	UNION ALL SELECT 'r', attrelid, xmin FROM pg_catalog.pg_attribute WHERE attrelid = ANY ($oids::pg_catalog.oid[])
	UNION ALL SELECT 't', oid, xmin FROM pg_catalog.pg_type WHERE oid = ANY ($oids::pg_catalog.oid[])
	UNION ALL SELECT 't', enumtypid, xmin FROM pg_catalog.pg_enum WHERE enumtypid = ANY ($oids::pg_catalog.oid[])
	UNION ALL SELECT 'f', oid, xmin FROM pg_catalog.pg_proc WHERE oid = ANY ($oids::pg_catalog.oid[])
), later AS MATERIALIZED (
	SELECT kind, oid, now.xid + (by::text::pg_catalog.int8 - now.xid % 4294967296 + 4294967296) % 4294967296 AS by
	FROM made, now WHERE by::text::pg_catalog.int8 > 2
), own AS MATERIALIZED (
	SELECT DISTINCT kind, oid FROM later, now
	WHERE CASE WHEN by - now.xid < 2147483648 THEN pg_catalog.pg_xact_status(by::text::pg_catalog.xid8) = 'in progress' END
), hit AS (
	SELECT n.nspname || '.' || c.relname AS name
	FROM held l JOIN pg_catalog.pg_class r ON l.locktype = 'relation' AND r.oid = l.relation
		LEFT JOIN pg_catalog.pg_index i ON i.indexrelid = r.oid
		LEFT JOIN pg_catalog.pg_depend d ON r.relkind = 'S' AND d.objid = r.oid AND d.deptype IN ('a', 'i')
			AND d.classid = 'pg_catalog.pg_class'::pg_catalog.regclass AND d.refclassid = 'pg_catalog.pg_class'::pg_catalog.regclass
		JOIN pg_catalog.pg_class c ON c.oid = COALESCE(i.indrelid, d.refobjid, r.oid)
		JOIN pg_catalog.pg_namespace n ON n.oid = c.relnamespace
	WHERE n.nspname NOT IN ($schema, 'pg_catalog', 'pg_toast', 'information_schema')
		AND n.nspname NOT LIKE 'pg\_temp\_%' AND n.nspname NOT LIKE 'pg\_toast\_temp\_%'
		AND (n.nspname || '.' || c.relname) NOT LIKE ALL ($exempt::text[])
	UNION
	SELECT m.name FROM met m JOIN own ON own.kind = m.kind AND own.oid = m.oid
	UNION
	SELECT m.name FROM met m WHERE m.kind = 'r' AND NOT EXISTS (SELECT FROM pg_catalog.pg_class c WHERE c.oid = m.oid)
		AND EXISTS (SELECT FROM held l WHERE l.relation = m.oid)
	UNION
	SELECT m.name FROM met m JOIN held l ON l.locktype = 'object' AND l.objid = m.oid
		AND (m.kind = 't' AND l.classid = 'pg_catalog.pg_type'::pg_catalog.regclass OR m.kind = 'f' AND l.classid = 'pg_catalog.pg_proc'::pg_catalog.regclass)
) SELECT CAST(COALESCE((SELECT '$mark' || pg_catalog.string_agg(name, ', ' ORDER BY name) || ';' FROM hit), '0') AS pg_catalog.int4)`
