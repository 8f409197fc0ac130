BEGIN ISOLATION LEVEL READ COMMITTED READ WRITE;
SET LOCAL search_path = "Weird""Name-é", "ext", pg_temp;
SET LOCAL lock_timeout = 2000;
SET LOCAL statement_timeout = 0;
SET LOCAL row_security = off;
SELECT CAST(CASE WHEN NOT pg_catalog.pg_try_advisory_xact_lock(-4986724264916665912) THEN 'skein:busy' WHEN pg_catalog.to_regnamespace('"Weird""Name-é"') OPERATOR(pg_catalog.=) '16400' IS NOT TRUE THEN 'skein:gone' WHEN pg_catalog.current_schema() OPERATOR(pg_catalog.=) 'Weird"Name-é' IS NOT TRUE THEN 'skein:path' ELSE '0' END AS pg_catalog.int4);
CREATE TABLE "Weird""Name-é"."skein_version" (revision text PRIMARY KEY, checksum text, applied_at timestamptz NOT NULL, duration_ms bigint NOT NULL, rollout text, tool text NOT NULL);
SET LOCAL client_connection_check_interval = '2s';
SELECT pg_catalog.set_config('skein.before', COALESCE((SELECT pg_catalog.string_agg(c.oid::text, ',') FROM pg_catalog.pg_class c LEFT JOIN pg_catalog.pg_index i ON i.indexrelid = c.oid JOIN pg_catalog.pg_class t ON t.oid = COALESCE(i.indrelid, c.oid) WHERE c.relnamespace = 16400 AND t.relname <> ALL ('{"skein_version","skein_version_steps"}'::pg_catalog.name[])), ''), true);
SELECT c.oid, COALESCE(i.indrelid, c.oid), c.relname FROM pg_catalog.unnest(pg_catalog.string_to_array(NULLIF(pg_catalog.current_setting('skein.before', true), ''), ',')::pg_catalog.oid[]) b(oid) JOIN pg_catalog.pg_class c ON c.oid = b.oid LEFT JOIN pg_catalog.pg_index i ON i.indexrelid = c.oid;
SELECT 'look';
CREATE TABLE users (id int);
SELECT 'look';
SET LOCAL work_mem = 1;
SELECT 'look';
SET SESSION AUTHORIZATION DEFAULT;
RESET ROLE;
DO $skein$
DECLARE
	kept text := pg_catalog.current_setting('skein.before', true);
	due text := pg_catalog.current_setting('skein.due', true);
BEGIN
	RESET ALL;
	PERFORM pg_catalog.set_config('skein.before', kept, true), pg_catalog.set_config('skein.due', due, true);
END $skein$;
SET LOCAL search_path = "Weird""Name-é", "ext", pg_temp;
SET LOCAL lock_timeout = 2000;
SET LOCAL statement_timeout = 0;
SET LOCAL row_security = off;
SET CONSTRAINTS ALL IMMEDIATE;
SET SESSION AUTHORIZATION DEFAULT;
RESET ROLE;
DO $skein$
DECLARE
	kept text := pg_catalog.current_setting('skein.before', true);
	due text := pg_catalog.current_setting('skein.due', true);
BEGIN
	RESET ALL;
	PERFORM pg_catalog.set_config('skein.before', kept, true), pg_catalog.set_config('skein.due', due, true);
END $skein$;
SET LOCAL search_path = "Weird""Name-é", "ext", pg_temp;
SET LOCAL lock_timeout = 2000;
SET LOCAL statement_timeout = 0;
SET LOCAL row_security = off;
CLOSE ALL;
DEALLOCATE ALL;
UNLISTEN *;
SELECT pg_catalog.pg_advisory_unlock_all(), pg_catalog.setseed(0.000000000000000);
DISCARD TEMP;
DISCARD SEQUENCES;
INSERT INTO "Weird""Name-é"."skein_version" (revision, checksum, applied_at, duration_ms, rollout, tool) VALUES ('a1', '3c05cbcd0694ace0630b3ee16169d2d8f875d55cb0559adaf573afd37681a17b', pg_catalog.clock_timestamp(), pg_catalog.float8mul(1000, pg_catalog.date_part('epoch', pg_catalog.timestamptz_mi(pg_catalog.clock_timestamp(), pg_catalog.statement_timestamp()))), NULL, 'skein');
SELECT CAST(CASE WHEN pg_catalog.to_regnamespace('"Weird""Name-é"') OPERATOR(pg_catalog.=) '16400' IS NOT TRUE THEN 'skein:gone' WHEN (pg_catalog.count(*) OPERATOR(pg_catalog.=) 1 AND pg_catalog.bool_and(revision OPERATOR(pg_catalog.=) ANY ('{"a1"}'))) IS NOT TRUE THEN 'skein:rows' ELSE '0' END AS pg_catalog.int4) FROM "Weird""Name-é"."skein_version";
SET CONSTRAINTS ALL IMMEDIATE;
SET LOCAL search_path = "Weird""Name-é", "ext", pg_temp;
SET LOCAL lock_timeout = 2000;
SET LOCAL statement_timeout = 0;
SET LOCAL row_security = off;
DO $skein$
DECLARE names text;
BEGIN
	SELECT pg_catalog.string_agg(DISTINCT pg_catalog.format('%I.%I', n.nspname, c.conname), ', ') INTO names
	FROM pg_catalog.pg_constraint c JOIN pg_catalog.pg_namespace n ON n.oid = c.connamespace
	WHERE c.condeferred AND n.nspname = ANY (pg_catalog.current_schemas(false));
	IF names IS NOT NULL THEN EXECUTE 'SET CONSTRAINTS ' || names || ' DEFERRED'; END IF;
END $skein$;
SELECT CAST(CASE WHEN NOT pg_catalog.pg_try_advisory_xact_lock(-4986724264916665912) THEN 'skein:busy' WHEN pg_catalog.to_regnamespace('"Weird""Name-é"') OPERATOR(pg_catalog.=) '16400' IS NOT TRUE THEN 'skein:gone' WHEN pg_catalog.current_schema() OPERATOR(pg_catalog.=) 'Weird"Name-é' IS NOT TRUE THEN 'skein:path' ELSE '0' END AS pg_catalog.int4);
SELECT CAST(CASE WHEN (pg_catalog.count(*) OPERATOR(pg_catalog.=) 1 AND pg_catalog.bool_and(revision OPERATOR(pg_catalog.=) ANY ('{"a1"}'))) IS NOT TRUE THEN 'skein:stale' ELSE '0' END AS pg_catalog.int4) FROM "Weird""Name-é"."skein_version";
SELECT 1;
SELECT 'look';
SET SESSION AUTHORIZATION DEFAULT;
RESET ROLE;
DO $skein$
DECLARE
	kept text := pg_catalog.current_setting('skein.before', true);
	due text := pg_catalog.current_setting('skein.due', true);
BEGIN
	RESET ALL;
	PERFORM pg_catalog.set_config('skein.before', kept, true), pg_catalog.set_config('skein.due', due, true);
END $skein$;
SET LOCAL search_path = "Weird""Name-é", "ext", pg_temp;
SET LOCAL lock_timeout = 2000;
SET LOCAL statement_timeout = 0;
SET LOCAL row_security = off;
SET CONSTRAINTS ALL IMMEDIATE;
SET SESSION AUTHORIZATION DEFAULT;
RESET ROLE;
DO $skein$
DECLARE
	kept text := pg_catalog.current_setting('skein.before', true);
	due text := pg_catalog.current_setting('skein.due', true);
BEGIN
	RESET ALL;
	PERFORM pg_catalog.set_config('skein.before', kept, true), pg_catalog.set_config('skein.due', due, true);
END $skein$;
SET LOCAL search_path = "Weird""Name-é", "ext", pg_temp;
SET LOCAL lock_timeout = 2000;
SET LOCAL statement_timeout = 0;
SET LOCAL row_security = off;
CLOSE ALL;
DEALLOCATE ALL;
UNLISTEN *;
SELECT pg_catalog.pg_advisory_unlock_all(), pg_catalog.setseed(0.000000000000000);
DISCARD TEMP;
DISCARD SEQUENCES;
INSERT INTO "Weird""Name-é"."skein_version" (revision, checksum, applied_at, duration_ms, rollout, tool) VALUES ('b2', 'e8ab3312249b6aa19aac9f747ab4d37d3971d11f04bbe0f982bfc3d956d20d11', pg_catalog.clock_timestamp(), pg_catalog.float8mul(1000, pg_catalog.date_part('epoch', pg_catalog.timestamptz_mi(pg_catalog.clock_timestamp(), (SELECT applied_at FROM "Weird""Name-é"."skein_version" WHERE revision OPERATOR(pg_catalog.=) 'a1')))), NULL, 'skein');
SELECT 'guard';
SELECT CAST(CASE WHEN pg_catalog.to_regnamespace('"Weird""Name-é"') OPERATOR(pg_catalog.=) '16400' IS NOT TRUE THEN 'skein:gone' WHEN (pg_catalog.count(*) OPERATOR(pg_catalog.=) 2 AND pg_catalog.bool_and(revision OPERATOR(pg_catalog.=) ANY ('{"a1","b2"}'))) IS NOT TRUE THEN 'skein:rows' ELSE '0' END AS pg_catalog.int4) FROM "Weird""Name-é"."skein_version";
SET CONSTRAINTS ALL IMMEDIATE;
SET LOCAL search_path = "Weird""Name-é", "ext", pg_temp;
SET LOCAL lock_timeout = 2000;
SET LOCAL statement_timeout = 0;
SET LOCAL row_security = off;
DO $skein$
DECLARE names text;
BEGIN
	SELECT pg_catalog.string_agg(DISTINCT pg_catalog.format('%I.%I', n.nspname, c.conname), ', ') INTO names
	FROM pg_catalog.pg_constraint c JOIN pg_catalog.pg_namespace n ON n.oid = c.connamespace
	WHERE c.condeferred AND n.nspname = ANY (pg_catalog.current_schemas(false));
	IF names IS NOT NULL THEN EXECUTE 'SET CONSTRAINTS ' || names || ' DEFERRED'; END IF;
END $skein$;
SELECT CAST(CASE WHEN NOT pg_catalog.pg_try_advisory_xact_lock(-4986724264916665912) THEN 'skein:busy' WHEN pg_catalog.to_regnamespace('"Weird""Name-é"') OPERATOR(pg_catalog.=) '16400' IS NOT TRUE THEN 'skein:gone' WHEN pg_catalog.current_schema() OPERATOR(pg_catalog.=) 'Weird"Name-é' IS NOT TRUE THEN 'skein:path' ELSE '0' END AS pg_catalog.int4);
SELECT CAST(CASE WHEN (pg_catalog.count(*) OPERATOR(pg_catalog.=) 2 AND pg_catalog.bool_and(revision OPERATOR(pg_catalog.=) ANY ('{"a1","b2"}'))) IS NOT TRUE THEN 'skein:stale' ELSE '0' END AS pg_catalog.int4) FROM "Weird""Name-é"."skein_version";
SELECT 2;
SELECT 'look';
SET SESSION AUTHORIZATION DEFAULT;
RESET ROLE;
DO $skein$
DECLARE
	kept text := pg_catalog.current_setting('skein.before', true);
	due text := pg_catalog.current_setting('skein.due', true);
BEGIN
	RESET ALL;
	PERFORM pg_catalog.set_config('skein.before', kept, true), pg_catalog.set_config('skein.due', due, true);
END $skein$;
SET LOCAL search_path = "Weird""Name-é", "ext", pg_temp;
SET LOCAL lock_timeout = 2000;
SET LOCAL statement_timeout = 0;
SET LOCAL row_security = off;
SET CONSTRAINTS ALL IMMEDIATE;
SET SESSION AUTHORIZATION DEFAULT;
RESET ROLE;
DO $skein$
DECLARE
	kept text := pg_catalog.current_setting('skein.before', true);
	due text := pg_catalog.current_setting('skein.due', true);
BEGIN
	RESET ALL;
	PERFORM pg_catalog.set_config('skein.before', kept, true), pg_catalog.set_config('skein.due', due, true);
END $skein$;
SET LOCAL search_path = "Weird""Name-é", "ext", pg_temp;
SET LOCAL lock_timeout = 2000;
SET LOCAL statement_timeout = 0;
SET LOCAL row_security = off;
CLOSE ALL;
DEALLOCATE ALL;
UNLISTEN *;
SELECT pg_catalog.pg_advisory_unlock_all(), pg_catalog.setseed(0.000000000000000);
DISCARD TEMP;
DISCARD SEQUENCES;
DELETE FROM "Weird""Name-é"."skein_version" WHERE revision OPERATOR(pg_catalog.=) 'a1';
SELECT CAST(CASE WHEN pg_catalog.to_regnamespace('"Weird""Name-é"') OPERATOR(pg_catalog.=) '16400' IS NOT TRUE THEN 'skein:gone' WHEN (pg_catalog.count(*) OPERATOR(pg_catalog.=) 1 AND pg_catalog.bool_and(revision OPERATOR(pg_catalog.=) ANY ('{"b2"}'))) IS NOT TRUE THEN 'skein:rows' ELSE '0' END AS pg_catalog.int4) FROM "Weird""Name-é"."skein_version";
SET CONSTRAINTS ALL IMMEDIATE;
SELECT 'look';
ROLLBACK
