-- lines (schema, line) of the schemas in $1: every structural fact, by PostgreSQL's own deparse functions, and
-- one 'name' line for each object that can stand behind "schema.".
-- Each catalog is reached by index from the schema, over pg_depend, because no catalog index leads with the
-- namespace: the cost follows the objects asked for and not the size of the fleet.
-- PostgreSQL 15.20, 17.12 and later keep a counter, pg_attver, among a column's options; it says nothing of structure.
-- To be run under search_path = '', so that every name outside pg_catalog comes out qualified.
WITH n AS MATERIALIZED (
  SELECT oid, nspname FROM pg_catalog.pg_namespace WHERE nspname = ANY ($1::text[])
), o AS MATERIALIZED ( -- objects that depend on the schema itself: pg_depend_reference_index, no scan of pg_class/pg_type/pg_proc
  SELECT d.classid, d.objid, n.oid AS nsp FROM n JOIN pg_catalog.pg_depend d ON d.refclassid = 'pg_catalog.pg_namespace'::regclass AND d.refobjid = n.oid
), r AS MATERIALIZED (
  SELECT c.oid, c.relname, c.relkind, c.relnamespace, c.relpersistence, c.relrowsecurity, c.relforcerowsecurity, c.relreplident, c.reloptions, c.relispartition, c.relpartbound, c.relam, c.reltype
  FROM o JOIN pg_catalog.pg_class c ON c.oid = o.objid WHERE o.classid = 'pg_catalog.pg_class'::regclass AND c.relname NOT IN ('skein_version', 'skein_version_steps') AND NOT (c.relkind = 'S' AND c.relname LIKE 'skein\_version\_%')
), l AS (
  SELECT relnamespace AS nsp, concat_ws('|', 'rel', relname, relkind, relpersistence, relrowsecurity, relforcerowsecurity, relreplident, reloptions::text,
      (SELECT amname FROM pg_catalog.pg_am WHERE pg_am.oid = relam), CASE WHEN relispartition THEN pg_get_expr(relpartbound, r.oid) END, CASE WHEN relkind = 'p' THEN pg_get_partkeydef(r.oid) END) AS line
    FROM r WHERE relkind IN ('r','p','f','v','m','S','c')
  UNION ALL
  SELECT relnamespace, concat_ws('|', 'inh', r.relname, i.inhseqno, i.inhparent::regclass) FROM r JOIN pg_catalog.pg_inherits i ON i.inhrelid = r.oid
  UNION ALL
  SELECT relnamespace, concat_ws('|', 'col', r.relname, a.attname, format_type(a.atttypid, a.atttypmod), a.attnotnull, a.attidentity, a.attgenerated,
      CASE WHEN a.attcollation <> t.typcollation THEN a.attcollation::regcollation::text END, CASE WHEN a.attstorage <> t.typstorage THEN a.attstorage END, (SELECT string_agg(x, ',' ORDER BY x) FROM unnest(a.attoptions) x WHERE x NOT LIKE 'pg\_attver=%'), pg_get_expr(d.adbin, d.adrelid))
    FROM r JOIN pg_catalog.pg_attribute a ON a.attrelid = r.oid AND a.attnum > 0 AND NOT a.attisdropped JOIN pg_catalog.pg_type t ON t.oid = a.atttypid
    LEFT JOIN pg_catalog.pg_attrdef d ON d.adrelid = a.attrelid AND d.adnum = a.attnum AND a.atthasdef
    WHERE r.relkind IN ('r','p','f','v','m','c')
  UNION ALL
  SELECT k.connamespace, concat_ws('|', 'con', coalesce(r.relname, ty.typname), k.conname, k.contype, k.condeferrable, k.condeferred, k.convalidated, pg_get_constraintdef(k.oid))
    FROM pg_catalog.pg_constraint k JOIN r ON r.oid = k.conrelid CROSS JOIN (SELECT NULL::name AS typname) ty WHERE k.contype <> 't'
  UNION ALL
  SELECT k.connamespace, concat_ws('|', 'con', ty.typname, k.conname, k.contype, k.condeferrable, k.condeferred, k.convalidated, pg_get_constraintdef(k.oid))
    FROM o JOIN pg_catalog.pg_type ty ON ty.oid = o.objid AND o.classid = 'pg_catalog.pg_type'::regclass JOIN pg_catalog.pg_constraint k ON k.contypid = ty.oid
  UNION ALL
  SELECT r.relnamespace, concat_ws('|', 'idx', i.indisvalid, i.indisreplident, i.indisclustered, ic.reloptions::text, pg_get_indexdef(i.indexrelid))
    FROM r JOIN pg_catalog.pg_index i ON i.indrelid = r.oid JOIN pg_catalog.pg_class ic ON ic.oid = i.indexrelid WHERE r.relkind IN ('r','p','m')
  UNION ALL
  SELECT r.relnamespace, concat_ws('|', 'seq', r.relname, format_type(s.seqtypid, NULL), s.seqstart, s.seqincrement, s.seqmin, s.seqmax, s.seqcache, s.seqcycle,
      (SELECT d.refobjid::regclass || '.' || a.attname FROM pg_catalog.pg_depend d JOIN pg_catalog.pg_attribute a ON a.attrelid = d.refobjid AND a.attnum = d.refobjsubid WHERE d.classid = 'pg_catalog.pg_class'::regclass AND d.objid = r.oid AND d.objsubid = 0 AND d.deptype IN ('a','i') AND d.refclassid = 'pg_catalog.pg_class'::regclass LIMIT 1))
    FROM r JOIN pg_catalog.pg_sequence s ON s.seqrelid = r.oid
  UNION ALL
  SELECT r.relnamespace, concat_ws('|', 'view', r.relname, pg_get_viewdef(r.oid)) FROM r WHERE r.relkind IN ('v','m')
  UNION ALL
  SELECT p.pronamespace, concat_ws('|', 'func', CASE WHEN p.prokind IN ('f','p','w') THEN pg_get_functiondef(p.oid) ELSE p.proname || '(' || pg_get_function_arguments(p.oid) || ')' END)
    FROM o JOIN pg_catalog.pg_proc p ON p.oid = o.objid WHERE o.classid = 'pg_catalog.pg_proc'::regclass
  UNION ALL
  SELECT r.relnamespace, concat_ws('|', 'trg', t.tgenabled, pg_get_triggerdef(t.oid)) FROM r JOIN pg_catalog.pg_trigger t ON t.tgrelid = r.oid WHERE NOT t.tgisinternal
  UNION ALL
  SELECT r.relnamespace, concat_ws('|', 'pol', r.relname, p.polname, p.polcmd, p.polpermissive, (SELECT string_agg(x::regrole::text, ',' ORDER BY x::regrole::text COLLATE "C") FROM unnest(p.polroles) x), pg_get_expr(p.polqual, p.polrelid), pg_get_expr(p.polwithcheck, p.polrelid))
    FROM r JOIN pg_catalog.pg_policy p ON p.polrelid = r.oid
  UNION ALL
  SELECT t.typnamespace, concat_ws('|', 'type', t.typname, t.typtype, CASE WHEN t.typtype = 'd' THEN format_type(t.typbasetype, t.typtypmod) END, t.typnotnull, t.typdefault,
      (SELECT string_agg(e.enumlabel, ',' ORDER BY e.enumsortorder) FROM pg_catalog.pg_enum e WHERE e.enumtypid = t.oid))
    FROM o JOIN pg_catalog.pg_type t ON t.oid = o.objid WHERE o.classid = 'pg_catalog.pg_type'::regclass AND t.typtype IN ('d','e','r')
  UNION ALL
  SELECT r.relnamespace, concat_ws('|', 'rule', pg_get_ruledef(w.oid)) FROM r JOIN pg_catalog.pg_rewrite w ON w.ev_class = r.oid WHERE w.rulename <> '_RETURN'
  UNION ALL
  SELECT s.stxnamespace, concat_ws('|', 'stx', pg_get_statisticsobjdef(s.oid)) FROM o JOIN pg_catalog.pg_statistic_ext s ON s.oid = o.objid WHERE o.classid = 'pg_catalog.pg_statistic_ext'::regclass
  UNION ALL
  SELECT r.relnamespace, concat_ws('|', 'acl', r.relname, a.attname, coalesce(a.attacl, c.relacl)::text)
    FROM r JOIN pg_catalog.pg_class c ON c.oid = r.oid LEFT JOIN pg_catalog.pg_attribute a ON a.attrelid = r.oid AND a.attacl IS NOT NULL
    WHERE c.relacl IS NOT NULL OR a.attacl IS NOT NULL
  UNION ALL
  SELECT p.pronamespace, concat_ws('|', 'acl', p.oid::regprocedure, p.proacl::text)
    FROM o JOIN pg_catalog.pg_proc p ON p.oid = o.objid WHERE o.classid = 'pg_catalog.pg_proc'::regclass AND p.proacl IS NOT NULL
  UNION ALL
  SELECT r.relnamespace, concat_ws('|', 'com', r.relname, a.attname, d.description)
    FROM r JOIN pg_catalog.pg_description d ON d.objoid = r.oid AND d.classoid = 'pg_catalog.pg_class'::regclass
    LEFT JOIN pg_catalog.pg_attribute a ON a.attrelid = r.oid AND a.attnum = d.objsubid AND d.objsubid > 0
  UNION ALL
  SELECT o.nsp, concat_ws('|', 'com', pg_catalog.pg_describe_object(o.classid, o.objid, 0), d.description)
    FROM o JOIN pg_catalog.pg_description d ON d.objoid = o.objid AND d.classoid = o.classid AND d.objsubid = 0 WHERE o.classid <> 'pg_catalog.pg_class'::regclass
  UNION ALL
  SELECT r.relnamespace, concat_ws('|', 'com', r.relname, k.conname, d.description)
    FROM r JOIN pg_catalog.pg_constraint k ON k.conrelid = r.oid
    JOIN pg_catalog.pg_description d ON d.objoid = k.oid AND d.classoid = 'pg_catalog.pg_constraint'::regclass
  UNION ALL
  SELECT o.nsp, concat_ws('|', 'etc', o.classid::regclass, pg_catalog.pg_describe_object(o.classid, o.objid, 0)) FROM o
    WHERE o.classid = ANY (ARRAY['pg_catalog.pg_collation', 'pg_catalog.pg_conversion', 'pg_catalog.pg_operator', 'pg_catalog.pg_opclass', 'pg_catalog.pg_opfamily', 'pg_catalog.pg_ts_config', 'pg_catalog.pg_ts_dict', 'pg_catalog.pg_ts_parser', 'pg_catalog.pg_ts_template']::regclass[])
  UNION ALL
  SELECT o.nsp, 'name|' || i.name
    FROM o, LATERAL (
      SELECT c.relname FROM pg_catalog.pg_class c WHERE o.classid = 'pg_catalog.pg_class'::regclass AND c.oid = o.objid
      UNION ALL SELECT t.typname FROM pg_catalog.pg_type t WHERE o.classid = 'pg_catalog.pg_type'::regclass AND t.oid = o.objid
      UNION ALL SELECT p.proname FROM pg_catalog.pg_proc p WHERE o.classid = 'pg_catalog.pg_proc'::regclass AND p.oid = o.objid
      UNION ALL SELECT c.collname FROM pg_catalog.pg_collation c WHERE o.classid = 'pg_catalog.pg_collation'::regclass AND c.oid = o.objid
      UNION ALL SELECT c.opcname FROM pg_catalog.pg_opclass c WHERE o.classid = 'pg_catalog.pg_opclass'::regclass AND c.oid = o.objid
      UNION ALL SELECT f.opfname FROM pg_catalog.pg_opfamily f WHERE o.classid = 'pg_catalog.pg_opfamily'::regclass AND f.oid = o.objid
      UNION ALL SELECT d.dictname FROM pg_catalog.pg_ts_dict d WHERE o.classid = 'pg_catalog.pg_ts_dict'::regclass AND d.oid = o.objid
      UNION ALL SELECT p.oprname FROM pg_catalog.pg_operator p WHERE o.classid = 'pg_catalog.pg_operator'::regclass AND p.oid = o.objid
      UNION ALL SELECT c.cfgname FROM pg_catalog.pg_ts_config c WHERE o.classid = 'pg_catalog.pg_ts_config'::regclass AND c.oid = o.objid
      UNION ALL SELECT x.stxname FROM pg_catalog.pg_statistic_ext x WHERE o.classid = 'pg_catalog.pg_statistic_ext'::regclass AND x.oid = o.objid
    ) i (name)
)
SELECT n.nspname, l.line FROM l JOIN n ON n.oid = l.nsp
