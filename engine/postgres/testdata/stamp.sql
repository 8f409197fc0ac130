BEGIN;
SET LOCAL search_path = "Weird""Name-é", "ext", pg_temp;
SELECT CAST(CASE WHEN NOT pg_catalog.pg_try_advisory_xact_lock(-4986724264916665912) THEN 'skein:busy' WHEN pg_catalog.to_regnamespace('"Weird""Name-é"') OPERATOR(pg_catalog.=) '16400' IS NOT TRUE THEN 'skein:gone' WHEN pg_catalog.current_schema() OPERATOR(pg_catalog.=) 'Weird"Name-é' IS NOT TRUE THEN 'skein:path' ELSE '0' END AS pg_catalog.int4);
SELECT CAST(CASE WHEN (pg_catalog.count(*) OPERATOR(pg_catalog.=) 0) IS NOT TRUE THEN 'skein:stale' ELSE '0' END AS pg_catalog.int4) FROM "Weird""Name-é"."skein_version";
INSERT INTO "Weird""Name-é"."skein_version" (revision, checksum, applied_at, duration_ms, rollout, tool) VALUES ('a1', '676b198208bf794e5d75d3935033ba4dac60db30d4ee5ec6b067896a847c42da', pg_catalog.clock_timestamp(), 0, '2026-11-23.1', 'skein');
SET CONSTRAINTS ALL IMMEDIATE;
SELECT CAST(CASE WHEN pg_catalog.to_regnamespace('"Weird""Name-é"') OPERATOR(pg_catalog.=) '16400' IS NOT TRUE THEN 'skein:gone' WHEN (pg_catalog.count(*) OPERATOR(pg_catalog.=) 1 AND pg_catalog.bool_and(revision OPERATOR(pg_catalog.=) ANY ('{"a1"}'))) IS NOT TRUE THEN 'skein:rows' ELSE '0' END AS pg_catalog.int4) FROM "Weird""Name-é"."skein_version";
COMMIT
