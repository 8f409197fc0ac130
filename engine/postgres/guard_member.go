package postgres

import (
	"context"
	"slices"
	"strings"
)

// declaredMembers finds the hits that were dropped together with a declared object that they belong to: the indexes, constraints,
// types, partitions and sequences of a table, the multirange and the functions of a range type. It returns their names, and
// the other hits.
func (a *applier) declaredMembers(ctx context.Context, part int, all []hit) (names []string, rest []hit) {
	exempt := a.guards[part].exempt
	if len(exempt) == 0 {
		return nil, all
	}
	for _, h := range all {
		class, object, ok := strings.Cut(h.oids, "/")
		if ok && slices.ContainsFunc(a.owners(ctx, class, object), func(name string) bool {
			return slices.ContainsFunc(exempt, func(glob string) bool { return matches(glob, name) })
		}) {
			names = append(names, h.name)
		} else {
			rest = append(rest, h)
		}
	}
	return names, rest
}

// owners lists the relations and types to which an object belongs, directly or not, as schema.name.
func (a *applier) owners(ctx context.Context, class, object string) []string {
	results, err := a.conn.query(ctx, strings.NewReplacer("$c", class, "$o", object).Replace(`WITH RECURSIVE up(class, oid) AS (
	SELECT $c::pg_catalog.oid, $o::pg_catalog.oid
	UNION SELECT d.refclassid, d.refobjid FROM up JOIN pg_catalog.pg_depend d ON d.classid = up.class AND d.objid = up.oid
	WHERE d.deptype IN ('a', 'i', 'P', 'S') AND d.refclassid <> 'pg_catalog.pg_namespace'::pg_catalog.regclass
) SELECT DISTINCT n.nspname || '.' || c.relname FROM up JOIN pg_catalog.pg_class c ON up.class = 'pg_catalog.pg_class'::pg_catalog.regclass AND c.oid = up.oid
JOIN pg_catalog.pg_namespace n ON n.oid = c.relnamespace
UNION SELECT n.nspname || '.' || t.typname FROM up JOIN pg_catalog.pg_type t ON up.class = 'pg_catalog.pg_type'::pg_catalog.regclass AND t.oid = up.oid
JOIN pg_catalog.pg_namespace n ON n.oid = t.typnamespace`))
	if err != nil {
		return nil
	}
	return firstColumn(results[0])
}
