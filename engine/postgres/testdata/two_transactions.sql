BEGIN;
SET LOCAL search_path = "Weird""Name-é", "ext", pg_temp;
SELECT CAST(CASE WHEN NOT pg_catalog.pg_try_advisory_xact_lock(-4986724264916665912) THEN 'skein:busy' WHEN pg_catalog.to_regnamespace('"Weird""Name-é"') OPERATOR(pg_catalog.=) '16400' IS NOT TRUE THEN 'skein:gone' WHEN pg_catalog.current_schema() OPERATOR(pg_catalog.=) 'Weird"Name-é' IS NOT TRUE THEN 'skein:path' ELSE '0' END AS pg_catalog.int4);
CREATE TABLE "Weird""Name-é"."skein_version" (revision text PRIMARY KEY, checksum text, applied_at timestamptz NOT NULL, duration_ms bigint NOT NULL, rollout text, tool text NOT NULL);
CREATE TABLE users (id int);
CREATE FUNCTION f() RETURNS int LANGUAGE sql AS $a$ SELECT 1; $a$;
INSERT INTO "Weird""Name-é"."skein_version" (revision, checksum, applied_at, duration_ms, rollout, tool) VALUES (CASE WHEN pg_catalog.to_regnamespace('"Weird""Name-é"') OPERATOR(pg_catalog.=) '16400' THEN 'a1' END, '676b198208bf794e5d75d3935033ba4dac60db30d4ee5ec6b067896a847c42da', pg_catalog.clock_timestamp(), pg_catalog.float8mul(1000, pg_catalog.date_part('epoch', pg_catalog.timestamptz_mi(pg_catalog.clock_timestamp(), pg_catalog.statement_timestamp()))), '2026-11-23.1', 'skein');
COMMIT;
BEGIN;
SET LOCAL search_path = "Weird""Name-é", "ext", pg_temp;
SELECT CAST(CASE WHEN NOT pg_catalog.pg_try_advisory_xact_lock(-4986724264916665912) THEN 'skein:busy' WHEN pg_catalog.to_regnamespace('"Weird""Name-é"') OPERATOR(pg_catalog.=) '16400' IS NOT TRUE THEN 'skein:gone' WHEN pg_catalog.current_schema() OPERATOR(pg_catalog.=) 'Weird"Name-é' IS NOT TRUE THEN 'skein:path' ELSE '0' END AS pg_catalog.int4);
SELECT CAST(CASE WHEN (pg_catalog.count(*) OPERATOR(pg_catalog.=) 1 AND pg_catalog.bool_and(revision OPERATOR(pg_catalog.=) ANY ('{"a1"}'))) IS NOT TRUE THEN 'skein:stale' ELSE '0' END AS pg_catalog.int4) FROM "Weird""Name-é"."skein_version";
SET LOCAL lock_timeout = 30000;
ALTER TABLE users ADD COLUMN x int;
SET LOCAL lock_timeout = 2000;
INSERT INTO "Weird""Name-é"."skein_version" (revision, checksum, applied_at, duration_ms, rollout, tool) VALUES (CASE WHEN pg_catalog.to_regnamespace('"Weird""Name-é"') OPERATOR(pg_catalog.=) '16400' THEN 'b2' END, '13358663629c2043385c8573b2d5c58345f4fc64a40d9bc27828a6def75243eb', pg_catalog.clock_timestamp(), pg_catalog.float8mul(1000, pg_catalog.date_part('epoch', pg_catalog.timestamptz_mi(pg_catalog.clock_timestamp(), (SELECT applied_at FROM "Weird""Name-é"."skein_version" WHERE revision OPERATOR(pg_catalog.=) 'a1')))), '2026-11-23.1', 'skein');
COMMIT
