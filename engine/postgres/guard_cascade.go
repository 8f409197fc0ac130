package postgres

import (
	"context"
	"strings"

	"github.com/skeindb/skein/engine"
)

// CASCADE drops relations of other schemas that depend on the tenant's: views, and tables that inherit from one. When the
// guard runs they have no names any more, so they are listed before.

// dependents lists relations and functions of other schemas that depend, directly or not, on the tenant's objects.
func (s *session) dependents(ctx context.Context, c *conn) ([]object, error) {
	results, err := c.query(ctx, strings.ReplaceAll(`WITH RECURSIVE own AS MATERIALIZED (
	SELECT oid FROM pg_catalog.pg_namespace WHERE nspname = $schema
), edge AS MATERIALIZED (
	SELECT d.refclassid, d.refobjid, CASE WHEN w.oid IS NULL THEN d.classid ELSE 'pg_catalog.pg_class'::pg_catalog.regclass END AS classid, COALESCE(w.ev_class, d.objid) AS objid
	FROM pg_catalog.pg_depend d LEFT JOIN pg_catalog.pg_rewrite w ON d.classid = 'pg_catalog.pg_rewrite'::pg_catalog.regclass AND w.oid = d.objid
	WHERE d.refobjid >= 16384 AND d.refclassid IN ('pg_catalog.pg_class'::pg_catalog.regclass, 'pg_catalog.pg_proc'::pg_catalog.regclass, 'pg_catalog.pg_type'::pg_catalog.regclass)
		AND d.classid IN ('pg_catalog.pg_class'::pg_catalog.regclass, 'pg_catalog.pg_rewrite'::pg_catalog.regclass, 'pg_catalog.pg_proc'::pg_catalog.regclass) AND d.deptype IN ('n', 'a')
), hangs AS (
	SELECT e.classid, e.objid FROM edge e JOIN pg_catalog.pg_class r ON e.refclassid = 'pg_catalog.pg_class'::pg_catalog.regclass AND r.oid = e.refobjid JOIN own ON own.oid = r.relnamespace
	UNION
	SELECT e.classid, e.objid FROM edge e JOIN pg_catalog.pg_proc p ON e.refclassid = 'pg_catalog.pg_proc'::pg_catalog.regclass AND p.oid = e.refobjid JOIN own ON own.oid = p.pronamespace
	UNION
	SELECT e.classid, e.objid FROM edge e JOIN pg_catalog.pg_type t ON e.refclassid = 'pg_catalog.pg_type'::pg_catalog.regclass AND t.oid = e.refobjid JOIN own ON own.oid = t.typnamespace
	UNION
	SELECT e.classid, e.objid FROM hangs h JOIN edge e ON e.refclassid = h.classid AND e.refobjid = h.objid
)
SELECT n.nspname, 'r', c.relname, c.oid FROM hangs h JOIN pg_catalog.pg_class c ON h.classid = 'pg_catalog.pg_class'::pg_catalog.regclass AND c.oid = h.objid
	JOIN pg_catalog.pg_namespace n ON n.oid = c.relnamespace WHERE n.nspname <> $schema AND n.nspname NOT IN ('pg_catalog', 'pg_toast') AND n.nspname NOT LIKE 'pg\_temp%'
UNION
SELECT n.nspname, 'f', p.proname, p.oid FROM hangs h JOIN pg_catalog.pg_proc p ON h.classid = 'pg_catalog.pg_proc'::pg_catalog.regclass AND p.oid = h.objid
	JOIN pg_catalog.pg_namespace n ON n.oid = p.pronamespace WHERE n.nspname <> $schema`, "$schema", literal(s.location.Schema)))
	if err != nil {
		return nil, err
	}
	var found []object
	for _, r := range results[0].Rows {
		found = append(found, object{schema: string(r[0]), kind: r[1][0], name: string(r[2]), oid: parseOID(r[3])})
	}
	return found, nil
}

// withDependents adds to a scope what CASCADE in a body may drop.
func (s *session) withDependents(ctx context.Context, c *conn, step engine.Step, t *bodyEffects, v guardScope) (guardScope, error) {
	if step.Stamp || !v.needed || !t.hasWord("cascade", "owned") {
		return v, nil
	}
	found, err := s.dependents(ctx, c)
	if err != nil {
		return v, err
	}
	v.reachable = append(v.reachable[:len(v.reachable):len(v.reachable)], found...)
	return v, nil
}
