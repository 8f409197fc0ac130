package postgres

import (
	"slices"
	"strings"
)

// The guard of a transaction is one statement before COMMIT. It fails with a list of what was touched outside of the tenant.
//
// The transaction's own locks name the relations that it changed or read, also dropped ones, and the objects that most
// commands drop or alter. Changes without a lock (GRANT, CREATE OR REPLACE FUNCTION, ALTER DOMAIN, new functions and types)
// are found in the catalogs by rows that this transaction or its subtransactions wrote, which no other session sees yet. A
// catalog is read only if the server counted a change of it.

// hit is an object outside of the tenant that a transaction touched.
type hit struct {
	read bool   // it was read or referred to, perhaps by a name that the tenant lacks
	both bool   // it was changed, and the text names it with its schema and without; otherwise treated as a read
	name string // schema.name
	oids string // class/object of a dropped object, in place of name
	key  string // OID of a dropped constraint, which is no hit by itself
}

const (
	unitSeparator = "\x1f" // between the hits
	listEnd       = "\x1e"
)

// hits parses the text with which the guard failed.
func hits(list string) []hit {
	var all []hit
	for item := range strings.SplitSeq(list, unitSeparator) {
		switch {
		case strings.HasPrefix(item, "r:"):
			all = append(all, hit{read: true, name: item[2:]})
		case strings.HasPrefix(item, "n:"):
			all = append(all, hit{read: true, both: true, name: item[2:]})
		case strings.HasPrefix(item, "w:"):
			all = append(all, hit{name: item[2:]})
		case strings.HasPrefix(item, "k:"):
			all = append(all, hit{key: item[2:]})
		case strings.HasPrefix(item, "d:"):
			all = append(all, hit{oids: item[2:]})
		}
	}
	return all
}

// query returns the SQL of the guard. tail are the schemas that follow the tenant's on the search path.
func (v guardScope) query(schema string, tail []string) string {
	var oids []string
	for _, o := range v.reachable {
		if !declared(o, nil, v.exempt) {
			oids = append(oids, oidText(o.oid))
		}
	}
	declaredOIDs := make([]string, len(v.meant))
	for i, o := range v.meant {
		declaredOIDs[i] = oidText(o.oid)
	}
	exempt := make([]string, len(v.exempt))
	for i, glob := range v.exempt {
		exempt[i] = like(glob)
	}
	slices.Sort(exempt)
	meant, unmeant, unchanged := "", "", ""
	if len(exempt) > 0 {
		meant, unmeant, unchanged = meantQuery, "AND c.oid NOT IN (SELECT oid FROM meant)", "AND c.objid NOT IN (SELECT oid FROM meant)"
	}
	within := ""
	if v.alone {
		within = "AND nspname = ANY (" + array(tail) + "::pg_catalog.name[])"
	}
	full := strings.NewReplacer("$meant", meant, "$unmeant", unmeant, "$unchanged", unchanged).Replace(guardQuery)
	full = strings.NewReplacer(
		"$within", within, "$mine_a", mine("a.xmin"), "$mine_k", mine("k.xmin"), "$mine_w", mine("w.xmin"), "$mine_t", mine("t.xmin"),
		"$oids", array(oids), "$schema", literal(schema), "$exempt", array(slices.Compact(exempt)),
		"$named", array(v.named), "$keys", array(v.keys), "$tail", array(tail)+"::pg_catalog.name[]", "$mark", markGuard, "$declared", array(declaredOIDs),
	).Replace(full)
	before, after, _ := strings.Cut(full, "$changed")
	tag := "$skein$"
	for strings.Contains(full, tag) {
		tag = tag[:len(tag)-1] + "_$"
	}
	return "DO " + tag + strings.NewReplacer("$arms", changedArms, "$schema", literal(schema), "$before", literal(before), "$after", literal(after)).Replace(guardBlock) + tag
}

// guardBlock plans only what is needed: planning the whole query takes longer than a small revision. Where nothing outside of
// the tenant is locked and no catalog was changed, it ends at once.
const guardBlock = `
DECLARE arms text; hits text;
BEGIN
	SELECT pg_catalog.concat($arms) INTO arms;
	IF arms = '' AND NOT EXISTS (SELECT FROM pg_catalog.pg_locks l LEFT JOIN pg_catalog.pg_class c ON c.oid = l.relation LEFT JOIN pg_catalog.pg_namespace n ON n.oid = c.relnamespace
		WHERE l.pid = pg_catalog.pg_backend_pid() AND (l.locktype = 'relation' AND (n.nspname IS NULL OR n.nspname NOT IN ($schema, 'pg_catalog', 'pg_toast', 'information_schema'))
			OR l.locktype = 'object' AND l.mode NOT IN ('AccessShareLock', 'RowShareLock'))) THEN
		RETURN;
	END IF;
	EXECUTE pg_catalog.concat($before, arms, $after) INTO hits;
	IF hits IS NOT NULL THEN
		RAISE EXCEPTION '%', hits;
	END IF;
END `

// meantQuery is the part of the guard about declared objects, under their current names, and what belongs to them: the
// partitions, indexes and sequences of a table, and what a view reads, in the object's own schema or in the tail.
const meantQuery = `meant(oid, namespace) AS (
	SELECT c.oid, c.relnamespace FROM held l JOIN pg_catalog.pg_class c ON l.locktype = 'relation' AND c.oid = l.relation JOIN outer_schemas n ON n.oid = c.relnamespace
	WHERE (n.nspname || '.' || c.relname) LIKE ANY ($exempt::text[]) OR c.oid = ANY ($declared::pg_catalog.oid[])
	UNION ALL SELECT o, 0 FROM pg_catalog.unnest($declared::pg_catalog.oid[]) AS o
	UNION
	SELECT c.oid, c.relnamespace FROM meant m CROSS JOIN LATERAL (
		SELECT i.inhrelid AS oid FROM pg_catalog.pg_inherits i WHERE i.inhparent = m.oid
		UNION ALL SELECT d.objid FROM pg_catalog.pg_depend d WHERE d.refclassid = 'pg_catalog.pg_class'::pg_catalog.regclass AND d.refobjid = m.oid
			AND d.classid = 'pg_catalog.pg_class'::pg_catalog.regclass AND d.deptype IN ('a', 'i')
		UNION ALL SELECT d.refobjid FROM pg_catalog.pg_rewrite w JOIN pg_catalog.pg_class v ON v.oid = w.ev_class AND v.relkind IN ('v', 'm')
			JOIN pg_catalog.pg_depend d ON d.classid = 'pg_catalog.pg_rewrite'::pg_catalog.regclass AND d.objid = w.oid AND d.refclassid = 'pg_catalog.pg_class'::pg_catalog.regclass
			WHERE w.ev_class = m.oid
	) b JOIN pg_catalog.pg_class c ON c.oid = b.oid JOIN outer_schemas n ON n.oid = c.relnamespace
	WHERE c.relnamespace = m.namespace OR n.oid IN (SELECT oid FROM shared)
), `

const guardQuery = `WITH RECURSIVE own AS MATERIALIZED (
	SELECT oid FROM pg_catalog.pg_namespace WHERE nspname = $schema
), outer_schemas AS MATERIALIZED (
	SELECT oid, nspname FROM pg_catalog.pg_namespace WHERE nspname <> $schema AND nspname NOT IN ('pg_catalog', 'pg_toast', 'information_schema')
		AND nspname NOT LIKE 'pg\_temp\_%' AND nspname NOT LIKE 'pg\_toast\_temp\_%' $within
), shared AS MATERIALIZED (
	SELECT oid, nspname FROM outer_schemas WHERE nspname = ANY ($tail)
), now AS MATERIALIZED (
	SELECT pg_catalog.pg_current_xact_id()::text::pg_catalog.int8 AS xid
), held AS MATERIALIZED (
	SELECT locktype, relation, classid, objid, mode, mode NOT IN ('AccessShareLock', 'RowShareLock') AS writes FROM pg_catalog.pg_locks
	WHERE pid = pg_catalog.pg_backend_pid() AND locktype IN ('relation', 'object')
		AND database = (SELECT oid FROM pg_catalog.pg_database WHERE datname = pg_catalog.current_database())
), $meantlocked AS MATERIALIZED (
	SELECT l.mode, l.writes, r.oid AS relation, r.relkind, c.oid, n.nspname, c.relname
	FROM held l JOIN pg_catalog.pg_class r ON l.locktype = 'relation' AND r.oid = l.relation
		LEFT JOIN pg_catalog.pg_index i ON i.indexrelid = r.oid
		LEFT JOIN pg_catalog.pg_depend d ON r.relkind = 'S' AND d.objid = r.oid AND d.deptype IN ('a', 'i')
			AND d.classid = 'pg_catalog.pg_class'::pg_catalog.regclass AND d.refclassid = 'pg_catalog.pg_class'::pg_catalog.regclass
		JOIN pg_catalog.pg_class c ON c.oid = COALESCE(i.indrelid, d.refobjid, r.oid)
		JOIN outer_schemas n ON n.oid = c.relnamespace
	WHERE (n.nspname || '.' || c.relname) NOT LIKE ALL ($exempt::text[]) $unmeant
		AND NOT EXISTS (SELECT FROM pg_catalog.pg_depend e WHERE e.classid = 'pg_catalog.pg_class'::pg_catalog.regclass AND e.objid = c.oid AND e.deptype = 'e')
), defaults AS MATERIALIZED ( -- sequences that defaults of locked tables used before
	SELECT d.refobjid AS oid FROM held l JOIN pg_catalog.pg_attrdef a ON l.locktype = 'relation' AND a.adrelid = l.relation
		JOIN pg_catalog.pg_depend d ON d.classid = 'pg_catalog.pg_attrdef'::pg_catalog.regclass AND d.objid = a.oid AND d.refclassid = 'pg_catalog.pg_class'::pg_catalog.regclass
	WHERE EXISTS (SELECT FROM locked WHERE relkind = 'S') AND NOT $mine_a
), keys AS MATERIALIZED ( -- what foreign keys that are new refer to
	SELECT k.confrelid AS oid FROM pg_catalog.pg_constraint k JOIN held l ON l.locktype = 'relation' AND k.conrelid = l.relation
	WHERE k.contype = 'f' AND EXISTS (SELECT FROM locked WHERE mode = 'ShareRowExclusiveLock') AND $mine_k
), changed AS MATERIALIZED (
	SELECT 0::pg_catalog.oid, 0::pg_catalog.oid, 0::pg_catalog.oid, ''::pg_catalog.name WHERE false $changed
), written AS MATERIALIZED (
	SELECT oid, nspname || '.' || relname AS name FROM locked l WHERE l.writes AND (nspname || '.' || relname) <> ALL ($named::text[])
		AND NOT (l.relkind = 'S' AND l.mode = 'RowExclusiveLock' AND l.relation IN (SELECT oid FROM defaults))
		AND NOT (l.mode = 'ShareRowExclusiveLock' AND l.oid IN (SELECT oid FROM keys))
		AND NOT (l.mode = 'AccessExclusiveLock' AND (nspname || '.' || relname) = ANY ($keys::text[]))
	UNION
	SELECT c.objid, n.nspname || '.' || c.name FROM changed c(classid, objid, namespace, name) JOIN outer_schemas n ON n.oid = c.namespace
	WHERE (n.nspname || '.' || c.name) NOT LIKE ALL ($exempt::text[]) $unchanged
		AND NOT EXISTS (SELECT FROM pg_catalog.pg_depend e WHERE e.classid = c.classid AND e.objid = c.objid AND e.deptype = 'e')
), bound AS MATERIALIZED (
	SELECT d.refobjid AS oid FROM (
		SELECT 'pg_catalog.pg_constraint'::pg_catalog.regclass AS classid, k.oid, l.relation FROM pg_catalog.pg_constraint k JOIN held l ON l.locktype = 'relation' AND k.conrelid = l.relation WHERE NOT $mine_k
		UNION ALL SELECT 'pg_catalog.pg_rewrite'::pg_catalog.regclass, w.oid, l.relation FROM pg_catalog.pg_rewrite w JOIN held l ON l.locktype = 'relation' AND w.ev_class = l.relation WHERE NOT $mine_w
		UNION ALL SELECT 'pg_catalog.pg_attrdef'::pg_catalog.regclass, a.oid, l.relation FROM pg_catalog.pg_attrdef a JOIN held l ON l.locktype = 'relation' AND a.adrelid = l.relation WHERE NOT $mine_a
		UNION ALL SELECT 'pg_catalog.pg_policy'::pg_catalog.regclass, p.oid, l.relation FROM pg_catalog.pg_policy p JOIN held l ON l.locktype = 'relation' AND p.polrelid = l.relation
		UNION ALL SELECT 'pg_catalog.pg_class'::pg_catalog.regclass, l.relation, l.relation FROM held l JOIN pg_catalog.pg_class x ON l.locktype = 'relation' AND x.oid = l.relation AND x.relkind IN ('r', 'p', 'f') AND x.relnamespace = (SELECT oid FROM own)
	) o JOIN pg_catalog.pg_depend d ON d.classid = o.classid AND d.objid = o.oid AND d.refclassid = 'pg_catalog.pg_class'::pg_catalog.regclass AND d.refobjid <> o.relation
	WHERE EXISTS (SELECT FROM locked)
	UNION ALL SELECT i.inhrelid FROM pg_catalog.pg_inherits i JOIN held l ON l.locktype = 'relation' AND i.inhparent = l.relation
	UNION ALL SELECT k.conrelid FROM pg_catalog.pg_constraint k JOIN locked c ON k.conrelid = c.oid JOIN held l ON l.locktype = 'relation' AND l.relation = k.confrelid WHERE k.contype = 'f'
), found AS (
	SELECT 'w:' || name AS item FROM written
	UNION
	SELECT 'd:' || l.classid || '/' || l.objid FROM held l WHERE l.writes AND l.locktype = 'object' AND (l.objid = ANY ($oids::pg_catalog.oid[])
		OR l.classid = 'pg_catalog.pg_namespace'::pg_catalog.regclass AND l.objid NOT IN (SELECT oid FROM own)
			AND NOT EXISTS (SELECT FROM pg_catalog.pg_namespace n WHERE n.oid = l.objid AND (n.nspname LIKE 'pg\_%' OR NOT EXISTS (SELECT FROM outer_schemas s WHERE s.oid = n.oid))))
		AND NOT EXISTS (SELECT FROM written w WHERE w.oid = l.objid)
	UNION
	SELECT 'k:' || l.objid FROM held l WHERE l.writes AND l.locktype = 'object' AND l.classid = 'pg_catalog.pg_constraint'::pg_catalog.regclass
		AND EXISTS (SELECT FROM locked WHERE mode = 'AccessExclusiveLock') AND NOT EXISTS (SELECT FROM pg_catalog.pg_constraint k WHERE k.oid = l.objid)
	UNION
	SELECT 'd:1259/' || l.relation FROM held l WHERE l.writes AND l.locktype = 'relation' AND l.relation = ANY ($oids::pg_catalog.oid[])
		AND NOT EXISTS (SELECT FROM pg_catalog.pg_class c WHERE c.oid = l.relation)
	UNION
	SELECT CASE WHEN l.writes AND l.nspname || '.' || l.relname = ANY ($named::text[]) THEN 'n:' ELSE 'r:' END || l.nspname || '.' || l.relname FROM locked l JOIN shared n ON n.nspname = l.nspname
	WHERE l.relkind NOT IN ('i', 'I') AND l.oid NOT IN (SELECT oid FROM bound) AND l.oid NOT IN (SELECT oid FROM written) AND l.relation NOT IN (SELECT oid FROM bound)
		AND NOT EXISTS (SELECT FROM pg_catalog.pg_class t WHERE t.relname = l.relname AND t.relnamespace = (SELECT oid FROM own) AND NOT $mine_t)
		AND NOT EXISTS (SELECT FROM pg_catalog.pg_depend d WHERE d.refclassid = 'pg_catalog.pg_class'::pg_catalog.regclass AND d.refobjid = l.oid AND d.classid = 'pg_catalog.pg_proc'::pg_catalog.regclass)
) SELECT '$mark' || pg_catalog.string_agg(item, pg_catalog.chr(31) ORDER BY item COLLATE "C") || pg_catalog.chr(30) FROM found HAVING pg_catalog.bool_or(item NOT LIKE 'k:%')`
