BEGIN;
SET LOCAL search_path = "Weird""Name-é", "ext", pg_temp;
SELECT CAST(CASE WHEN NOT pg_catalog.pg_try_advisory_xact_lock(-4986724264916665912) THEN 'skein:busy' WHEN pg_catalog.to_regnamespace('"Weird""Name-é"') OPERATOR(pg_catalog.=) '16400' IS NOT TRUE THEN 'skein:gone' WHEN pg_catalog.current_schema() OPERATOR(pg_catalog.=) 'Weird"Name-é' IS NOT TRUE THEN 'skein:path' ELSE '0' END AS pg_catalog.int4);
SELECT CAST(CASE WHEN (pg_catalog.count(*) OPERATOR(pg_catalog.=) 1 AND pg_catalog.bool_and(revision OPERATOR(pg_catalog.=) ANY ('{"a1"}'))) IS NOT TRUE THEN 'skein:stale' ELSE '0' END AS pg_catalog.int4) FROM "Weird""Name-é"."skein_version";
SET LOCAL lock_timeout = 30000;
ALTER TABLE users ADD COLUMN x int;
SET LOCAL lock_timeout = 2000;
INSERT INTO "Weird""Name-é"."skein_version" (revision, checksum, applied_at, duration_ms, rollout, tool) VALUES ('b2', '13358663629c2043385c8573b2d5c58345f4fc64a40d9bc27828a6def75243eb', pg_catalog.clock_timestamp(), pg_catalog.float8mul(1000, pg_catalog.date_part('epoch', pg_catalog.timestamptz_mi(pg_catalog.clock_timestamp(), pg_catalog.statement_timestamp()))), '2026-11-23.1', 'skein');
SET CONSTRAINTS ALL IMMEDIATE;
SELECT CAST(CASE WHEN pg_catalog.to_regnamespace('"Weird""Name-é"') OPERATOR(pg_catalog.=) '16400' IS NOT TRUE THEN 'skein:gone' WHEN (pg_catalog.count(*) OPERATOR(pg_catalog.=) 2 AND pg_catalog.bool_and(revision OPERATOR(pg_catalog.=) ANY ('{"a1","b2"}'))) IS NOT TRUE THEN 'skein:rows' ELSE '0' END AS pg_catalog.int4) FROM "Weird""Name-é"."skein_version";
COMMIT
