-- What the isolation matrix sees of a database, by means that are not skein's. proof.facts lists a line for each
-- row of the catalogs, with its xmin, that belongs to a tenant's schema (own) or to another, and for each row of their tables.
-- The queries are large and asked hundreds of times, so that a generic plan is cheaper than planning each time.
-- Columns of pg_class that the server writes past transactions are left out: a CREATE INDEX that is rolled back leaves them.
CREATE SCHEMA proof;

CREATE FUNCTION proof.rows(relation regclass, kind "char") RETURNS text LANGUAGE plpgsql AS $$
DECLARE found text;
BEGIN
	IF kind = 'S' THEN
		EXECUTE format('SELECT last_value || ''/'' || is_called FROM %s', relation) INTO found;
	ELSE
		EXECUTE format('SELECT string_agg(t::text || '' @'' || t.xmin, E''\n'' ORDER BY t::text) FROM ONLY %s AS t', relation) INTO found;
	END IF;
	RETURN coalesce(found, '');
EXCEPTION WHEN object_not_in_prerequisite_state THEN
	RETURN 'not populated';
END $$;

CREATE FUNCTION proof.facts(tenant text) RETURNS TABLE (own boolean, fact text) LANGUAGE plpgsql SET search_path = pg_catalog SET jit = off SET plan_cache_mode = force_generic_plan AS $$
BEGIN
RETURN QUERY WITH n AS MATERIALIZED (
	SELECT s.oid, s.nspname = tenant AS mine FROM pg_namespace AS s WHERE s.nspname NOT LIKE 'pg\_%' AND s.nspname NOT IN ('information_schema', 'proof')
), c AS MATERIALIZED (
	SELECT r.oid, r.relname, r.relkind, n.mine FROM pg_class AS r JOIN n ON n.oid = r.relnamespace WHERE r.relname NOT LIKE 'skein\_version%'
), t AS MATERIALIZED (
	SELECT y.oid, n.mine FROM pg_type AS y JOIN n ON n.oid = y.typnamespace WHERE y.typname NOT LIKE 'skein\_version%' AND y.typname NOT LIKE '\_skein\_version%'
), p AS MATERIALIZED (
	SELECT f.oid, n.mine FROM pg_proc AS f JOIN n ON n.oid = f.pronamespace
), o AS MATERIALIZED (
	SELECT 'pg_class'::regclass AS class, c.oid, c.mine FROM c
	UNION ALL SELECT 'pg_type'::regclass, t.oid, t.mine FROM t
	UNION ALL SELECT 'pg_proc'::regclass, p.oid, p.mine FROM p
	UNION ALL SELECT 'pg_operator'::regclass, x.oid, n.mine FROM pg_operator AS x JOIN n ON n.oid = x.oprnamespace
	UNION ALL SELECT 'pg_opclass'::regclass, x.oid, n.mine FROM pg_opclass AS x JOIN n ON n.oid = x.opcnamespace
	UNION ALL SELECT 'pg_opfamily'::regclass, x.oid, n.mine FROM pg_opfamily AS x JOIN n ON n.oid = x.opfnamespace
	UNION ALL SELECT 'pg_collation'::regclass, x.oid, n.mine FROM pg_collation AS x JOIN n ON n.oid = x.collnamespace
	UNION ALL SELECT 'pg_conversion'::regclass, x.oid, n.mine FROM pg_conversion AS x JOIN n ON n.oid = x.connamespace
	UNION ALL SELECT 'pg_ts_config'::regclass, x.oid, n.mine FROM pg_ts_config AS x JOIN n ON n.oid = x.cfgnamespace
	UNION ALL SELECT 'pg_ts_dict'::regclass, x.oid, n.mine FROM pg_ts_dict AS x JOIN n ON n.oid = x.dictnamespace
	UNION ALL SELECT 'pg_statistic_ext'::regclass, x.oid, n.mine FROM pg_statistic_ext AS x JOIN n ON n.oid = x.stxnamespace
	UNION ALL SELECT 'pg_constraint'::regclass, x.oid, n.mine FROM pg_constraint AS x JOIN n ON n.oid = x.connamespace WHERE x.conname NOT LIKE 'skein\_version%'
	UNION ALL SELECT 'pg_trigger'::regclass, x.oid, c.mine FROM pg_trigger AS x JOIN c ON c.oid = x.tgrelid
	UNION ALL SELECT 'pg_policy'::regclass, x.oid, c.mine FROM pg_policy AS x JOIN c ON c.oid = x.polrelid
	UNION ALL SELECT 'pg_rewrite'::regclass, x.oid, c.mine FROM pg_rewrite AS x JOIN c ON c.oid = x.ev_class
	UNION ALL SELECT 'pg_namespace'::regclass, n.oid, n.mine FROM n
)
	SELECT c.mine, 'class ' || x.xmin || (to_jsonb(x) - '{relpages,reltuples,relallvisible,relhasindex}'::text[])::text FROM pg_class AS x JOIN c ON c.oid = x.oid
	UNION ALL SELECT c.mine, 'rows of ' || c.relname || ' ' || proof.rows(c.oid, c.relkind) FROM c WHERE c.relkind IN ('r', 'm', 'S')
	UNION ALL SELECT c.mine, 'attribute ' || x.xmin || x::text FROM pg_attribute AS x JOIN c ON c.oid = x.attrelid WHERE x.attnum > 0
	UNION ALL SELECT c.mine, 'default ' || x.xmin || x::text FROM pg_attrdef AS x JOIN c ON c.oid = x.adrelid
	UNION ALL SELECT c.mine, 'index ' || x.xmin || x::text FROM pg_index AS x JOIN c ON c.oid = x.indrelid
	UNION ALL SELECT c.mine, 'inherits ' || x.xmin || x::text FROM pg_inherits AS x JOIN c ON c.oid IN (x.inhrelid, x.inhparent)
	UNION ALL SELECT c.mine, 'partitioned ' || x.xmin || x::text FROM pg_partitioned_table AS x JOIN c ON c.oid = x.partrelid
	UNION ALL SELECT c.mine, 'sequence ' || x.xmin || x::text FROM pg_sequence AS x JOIN c ON c.oid = x.seqrelid
	UNION ALL SELECT c.mine, 'statistic ' || x.xmin || x.starelid || ' ' || x.staattnum FROM pg_statistic AS x JOIN c ON c.oid = x.starelid
	UNION ALL SELECT t.mine, 'type ' || x.xmin || x::text FROM pg_type AS x JOIN t ON t.oid = x.oid
	UNION ALL SELECT t.mine, 'enum ' || x.xmin || x::text FROM pg_enum AS x JOIN t ON t.oid = x.enumtypid
	UNION ALL SELECT t.mine, 'range ' || x.xmin || x::text FROM pg_range AS x JOIN t ON t.oid = x.rngtypid
	UNION ALL SELECT p.mine, 'function ' || x.xmin || x::text FROM pg_proc AS x JOIN p ON p.oid = x.oid
	UNION ALL SELECT p.mine, 'aggregate ' || x.xmin || x::text FROM pg_aggregate AS x JOIN p ON p.oid = x.aggfnoid
	UNION ALL SELECT o.mine, 'operator ' || x.xmin || x::text FROM pg_operator AS x JOIN o ON o.class = 'pg_operator'::regclass AND o.oid = x.oid
	UNION ALL SELECT o.mine, 'opclass ' || x.xmin || x::text FROM pg_opclass AS x JOIN o ON o.class = 'pg_opclass'::regclass AND o.oid = x.oid
	UNION ALL SELECT o.mine, 'opfamily ' || x.xmin || x::text FROM pg_opfamily AS x JOIN o ON o.class = 'pg_opfamily'::regclass AND o.oid = x.oid
	UNION ALL SELECT o.mine, 'amop ' || x.xmin || x::text FROM pg_amop AS x JOIN o ON o.class = 'pg_opfamily'::regclass AND o.oid = x.amopfamily
	UNION ALL SELECT o.mine, 'amproc ' || x.xmin || x::text FROM pg_amproc AS x JOIN o ON o.class = 'pg_opfamily'::regclass AND o.oid = x.amprocfamily
	UNION ALL SELECT o.mine, 'collation ' || x.xmin || x::text FROM pg_collation AS x JOIN o ON o.class = 'pg_collation'::regclass AND o.oid = x.oid
	UNION ALL SELECT o.mine, 'conversion ' || x.xmin || x::text FROM pg_conversion AS x JOIN o ON o.class = 'pg_conversion'::regclass AND o.oid = x.oid
	UNION ALL SELECT o.mine, 'ts_config ' || x.xmin || x::text FROM pg_ts_config AS x JOIN o ON o.class = 'pg_ts_config'::regclass AND o.oid = x.oid
	UNION ALL SELECT o.mine, 'ts_config_map ' || x.xmin || x::text FROM pg_ts_config_map AS x JOIN o ON o.class = 'pg_ts_config'::regclass AND o.oid = x.mapcfg
	UNION ALL SELECT o.mine, 'ts_dict ' || x.xmin || x::text FROM pg_ts_dict AS x JOIN o ON o.class = 'pg_ts_dict'::regclass AND o.oid = x.oid
	UNION ALL SELECT o.mine, 'statistic_ext ' || x.xmin || x::text FROM pg_statistic_ext AS x JOIN o ON o.class = 'pg_statistic_ext'::regclass AND o.oid = x.oid
	UNION ALL SELECT o.mine, 'constraint ' || x.xmin || x::text FROM pg_constraint AS x JOIN o ON o.class = 'pg_constraint'::regclass AND o.oid = x.oid
	UNION ALL SELECT o.mine, 'trigger ' || x.xmin || x::text FROM pg_trigger AS x JOIN o ON o.class = 'pg_trigger'::regclass AND o.oid = x.oid
	UNION ALL SELECT o.mine, 'policy ' || x.xmin || x::text FROM pg_policy AS x JOIN o ON o.class = 'pg_policy'::regclass AND o.oid = x.oid
	UNION ALL SELECT o.mine, 'rewrite ' || x.xmin || x::text FROM pg_rewrite AS x JOIN o ON o.class = 'pg_rewrite'::regclass AND o.oid = x.oid
	UNION ALL SELECT o.mine, 'description ' || x.xmin || x::text FROM pg_description AS x JOIN o ON o.class = x.classoid AND o.oid = x.objoid
	UNION ALL SELECT n.mine, 'namespace ' || x.xmin || x::text FROM pg_namespace AS x JOIN n ON n.oid = x.oid
	UNION ALL SELECT false, 'extension ' || x.xmin || x::text FROM pg_extension AS x
	UNION ALL SELECT false, 'default_acl ' || x.xmin || x::text FROM pg_default_acl AS x
	UNION ALL SELECT false, 'publication ' || x.xmin || x::text FROM pg_publication AS x
	UNION ALL SELECT false, 'large object ' || x.xmin || x::text FROM pg_largeobject_metadata AS x;
END $$;

-- proof.leaks lists what a schema has of what is outside: rows with a secret, and objects that depend on others'.
CREATE FUNCTION proof.leaks(tenant text) RETURNS TABLE (leak text) LANGUAGE plpgsql SET search_path = pg_catalog SET jit = off SET plan_cache_mode = force_generic_plan AS $$
BEGIN
RETURN QUERY
	SELECT format('%s has %s', c.relname, proof.rows(c.oid, c.relkind)) FROM pg_class AS c
	WHERE c.relnamespace = to_regnamespace(tenant) AND c.relkind IN ('r', 'm') AND proof.rows(c.oid, c.relkind) LIKE '%SECRET%'
UNION ALL
	SELECT DISTINCT pg_describe_object(d.classid, d.objid, d.objsubid) || ' depends on ' || pg_describe_object(d.refclassid, d.refobjid, d.refobjsubid)
	FROM (SELECT o.class, o.oid, d.* FROM (
		SELECT 'pg_class'::regclass AS class, x.oid FROM pg_class AS x WHERE x.relnamespace = 'public'::regnamespace
		UNION ALL SELECT 'pg_type'::regclass, x.oid FROM pg_type AS x WHERE x.typnamespace = 'public'::regnamespace
		UNION ALL SELECT 'pg_proc'::regclass, x.oid FROM pg_proc AS x WHERE x.pronamespace = 'public'::regnamespace
		UNION ALL SELECT 'pg_operator'::regclass, x.oid FROM pg_operator AS x WHERE x.oprnamespace = 'public'::regnamespace
		UNION ALL SELECT 'pg_opclass'::regclass, x.oid FROM pg_opclass AS x WHERE x.opcnamespace = 'public'::regnamespace
		UNION ALL SELECT 'pg_collation'::regclass, x.oid FROM pg_collation AS x WHERE x.collnamespace = 'public'::regnamespace
		UNION ALL SELECT 'pg_ts_config'::regclass, x.oid FROM pg_ts_config AS x WHERE x.cfgnamespace = 'public'::regnamespace
	) AS o JOIN pg_depend AS d ON d.refclassid = o.class AND d.refobjid = o.oid OFFSET 0) AS d -- before the costly names
	WHERE (pg_identify_object(d.classid, d.objid, d.objsubid)).identity ~ ('\m' || tenant || '\M')
		AND NOT EXISTS (SELECT FROM pg_depend AS e WHERE e.classid = d.class AND e.objid = d.oid AND e.deptype = 'e');
END $$;

CREATE FUNCTION proof.digest(tenant text, OUT outside text, OUT inside text) LANGUAGE plpgsql SET search_path = pg_catalog SET jit = off SET plan_cache_mode = force_generic_plan AS $$
BEGIN
	SELECT md5(string_agg(fact, E'\n' ORDER BY fact COLLATE "C") FILTER (WHERE NOT own)), md5(string_agg(fact, E'\n' ORDER BY fact COLLATE "C") FILTER (WHERE own))
	INTO outside, inside FROM proof.facts(tenant);
END $$;
