package integration_test

// The kinds of objects that the isolation matrix has in a shared schema, and what a revision does with them.
//
// In SQL of this file {o} is the object's name, {op} the same where an operator stands in an expression, {s} the schema
// in which it is made, and {v} the text that it holds: "own" in a tenant, "SECRET" anywhere else. Each tenant has
// the tables sink (v text) and nums (n integer) besides, and what is read goes into one of them or into a table that the
// statement makes, so that a secret that was read is found there.

// isolationKind is one kind of object. A schema that has it has one of the name `object`.
type isolationKind struct {
	name    string
	object  string
	make    string // made in {s}
	also    string // what else one declares who declares the object, since its body reaches it
	decoy   string // made in {s} of a tenant that lacks the object: of the same name, but another object to the server
	actions []isolationAction
}

// isolationAction is one thing that a revision does with an object.
type isolationAction struct {
	name string
	sql  string
	way  reach // how else than by a plain statement it is tried
}

// reach says which ways lead to an action.
type reach uint8

const (
	plainOnly reach = iota // a statement of the revision
	allWays                // and everything that hides it: DO, functions, triggers, rules, views, defaults …
	inside                 // plain, but not by itself: it needs a transaction
	outside                // plain, but by itself: it cannot be in a transaction
)

// readInto begins the actions whose rest, an expression, also stands in views and generated columns.
const readInto = "INSERT INTO sink SELECT "

var isolationKinds = []isolationKind{
	{"table", "ledger", `CREATE TABLE {s}.ledger (id integer PRIMARY KEY, note text); INSERT INTO {s}.ledger VALUES (1, '{v}')`, ``, ``, []isolationAction{
		{"read", readInto + `note FROM {o}`, allWays},
		{"read by CREATE TABLE AS", `CREATE TABLE copied AS SELECT note FROM {o}`, plainOnly},
		{"read by SELECT INTO", `SELECT note INTO copied FROM {o}`, plainOnly},
		{"read in a subquery", `UPDATE sink SET v = (SELECT l.note FROM {o} AS l)`, plainOnly},
		{"read in WITH", `WITH x AS (SELECT note FROM {o}) INSERT INTO sink SELECT note FROM x`, plainOnly},
		{"read by TABLE", `INSERT INTO sink SELECT note FROM (TABLE {o}) AS x`, plainOnly},
		{"read by DELETE USING", `DELETE FROM sink USING {o} AS l WHERE l.note = 'own'`, plainOnly},
		{"read as a whole row", `INSERT INTO sink SELECT l::text FROM {o} AS l`, plainOnly},
		{"read under a view", `CREATE VIEW over AS SELECT note FROM {o}`, plainOnly},
		{"read under a materialized view", `CREATE MATERIALIZED VIEW over AS SELECT note FROM {o}`, plainOnly},
		{"read under a name of WITH elsewhere", `WITH ledger AS (SELECT 1) SELECT * FROM ledger; INSERT INTO sink SELECT note FROM {o}`, plainOnly},
		{"lock its rows", `SELECT note FROM {o} FOR UPDATE`, plainOnly},
		{"insert", `INSERT INTO {o} VALUES (99, 'new')`, allWays},
		{"insert on conflict", `INSERT INTO {o} VALUES (1, 'new') ON CONFLICT (id) DO UPDATE SET note = 'changed'`, plainOnly},
		{"update", `UPDATE {o} SET note = 'changed'`, allWays},
		{"update only", `UPDATE ONLY {o} AS l SET note = 'changed'`, plainOnly},
		{"delete", `DELETE FROM {o}`, plainOnly},
		{"merge", `MERGE INTO {o} AS l USING (SELECT 1 AS id) AS s ON l.id = s.id WHEN MATCHED THEN UPDATE SET note = 'merged'`, plainOnly},
		{"write in WITH", `WITH gone AS (DELETE FROM {o} RETURNING note) INSERT INTO sink SELECT note FROM gone`, plainOnly},
		{"truncate", `TRUNCATE {o}`, plainOnly},
		{"alter", `ALTER TABLE {o} ADD COLUMN extra integer`, allWays},
		{"alter if exists", `ALTER TABLE IF EXISTS {o} ADD COLUMN IF NOT EXISTS extra integer`, plainOnly},
		{"drop a column", `ALTER TABLE {o} DROP COLUMN note`, plainOnly},
		{"set a storage parameter", `ALTER TABLE {o} SET (fillfactor = 70)`, plainOnly},
		{"rename", `ALTER TABLE {o} RENAME TO renamed`, plainOnly},
		{"rename a column", `ALTER TABLE {o} RENAME COLUMN note TO remark`, plainOnly},
		{"drop", `DROP TABLE {o}`, allWays},
		{"drop if exists", `DROP TABLE IF EXISTS {o}`, plainOnly},
		{"drop among others", `CREATE TABLE other (); DROP TABLE IF EXISTS other, {o} CASCADE`, plainOnly},
		{"comment", `COMMENT ON TABLE {o} IS 'changed'`, allWays},
		{"comment on a column", `COMMENT ON COLUMN {o}.note IS 'changed'`, plainOnly},
		{"grant", `GRANT SELECT ON {o} TO PUBLIC`, allWays},
		{"grant on a column", `GRANT SELECT (note) ON TABLE {o} TO PUBLIC`, plainOnly},
		{"lock", `LOCK TABLE {o} IN ACCESS EXCLUSIVE MODE`, inside},
		{"index", `CREATE INDEX made ON {o} (note)`, allWays},
		{"index concurrently", `CREATE INDEX CONCURRENTLY made ON {o} (note)`, outside},
		{"reindex", `REINDEX TABLE {o}`, plainOnly},
		{"reindex concurrently", `REINDEX TABLE CONCURRENTLY {o}`, outside},
		{"vacuum", `VACUUM {o}`, outside},
		{"analyze", `ANALYZE {o}`, plainOnly},
		{"like", `CREATE TABLE liked (LIKE {o} INCLUDING ALL)`, plainOnly},
		{"its row type", `CREATE TABLE holder (x {o})`, plainOnly},
		{"inherit", `CREATE TABLE kid () INHERITS ({o})`, plainOnly},
		{"statistics on it", `CREATE STATISTICS made ON id, note FROM {o}`, plainOnly},
		{"a trigger on it", `CREATE FUNCTION trig() RETURNS trigger LANGUAGE plpgsql AS 'BEGIN RETURN NEW; END'; CREATE TRIGGER made BEFORE INSERT ON {o} FOR EACH ROW EXECUTE FUNCTION trig()`, plainOnly},
		{"a rule on it", `CREATE RULE made AS ON DELETE TO {o} DO INSTEAD NOTHING`, plainOnly},
	}},
	{"view", "summary", `CREATE TABLE {s}.summary_base (note text); INSERT INTO {s}.summary_base VALUES ('{v}'); CREATE VIEW {s}.summary AS SELECT note FROM {s}.summary_base`, ``, ``, []isolationAction{
		{"read", readInto + `note FROM {o}`, allWays},
		{"read under another view", `CREATE VIEW over AS SELECT note FROM {o}`, plainOnly},
		{"insert", `INSERT INTO {o} VALUES ('new')`, allWays},
		{"update", `UPDATE {o} SET note = 'changed'`, plainOnly},
		{"delete", `DELETE FROM {o}`, plainOnly},
		{"alter", `ALTER VIEW {o} ALTER COLUMN note SET DEFAULT 'x'`, allWays},
		{"set", `ALTER VIEW {o} SET (security_barrier = true)`, plainOnly},
		{"rename", `ALTER VIEW {o} RENAME TO renamed`, plainOnly},
		{"drop", `DROP VIEW {o}`, allWays},
		{"drop if exists", `DROP VIEW IF EXISTS {o}`, plainOnly},
		{"comment", `COMMENT ON VIEW {o} IS 'changed'`, plainOnly},
		{"grant", `GRANT SELECT ON {o} TO PUBLIC`, plainOnly},
	}},
	{"materialized view", "totals", `CREATE MATERIALIZED VIEW {s}.totals AS SELECT '{v}'::text AS note`, ``, ``, []isolationAction{
		{"read", readInto + `note FROM {o}`, allWays},
		{"refresh", `REFRESH MATERIALIZED VIEW {o}`, allWays},
		{"set", `ALTER MATERIALIZED VIEW {o} SET (fillfactor = 70)`, plainOnly},
		{"rename", `ALTER MATERIALIZED VIEW {o} RENAME TO renamed`, plainOnly},
		{"drop", `DROP MATERIALIZED VIEW {o}`, allWays},
		{"comment", `COMMENT ON MATERIALIZED VIEW {o} IS 'changed'`, plainOnly},
		{"index", `CREATE INDEX made ON {o} (note)`, plainOnly},
		{"grant", `GRANT SELECT ON {o} TO PUBLIC`, plainOnly},
	}},
	{"sequence", "order_seq", `CREATE SEQUENCE {s}.order_seq START {n}`, ``, ``, []isolationAction{
		{"next value", readInto + `CASE WHEN nextval('{o}') >= 700000 THEN 'SECRET' ELSE 'own' END`, allWays},
		{"next value of a regclass", readInto + `CASE WHEN nextval('{o}'::regclass) >= 700000 THEN 'SECRET' ELSE 'own' END`, plainOnly},
		{"set its value", `SELECT setval('{o}', 5)`, plainOnly},
		{"read", readInto + `CASE WHEN last_value >= 700000 THEN 'SECRET' ELSE 'own' END FROM {o}`, plainOnly},
		{"default", `CREATE TABLE orders (id bigint DEFAULT nextval('{o}'), v text)`, plainOnly},
		{"default of a regclass", `CREATE TABLE orders (v text); ALTER TABLE orders ADD COLUMN id bigint DEFAULT nextval('{o}'::regclass)`, plainOnly},
		{"alter", `ALTER SEQUENCE {o} INCREMENT BY 5`, allWays},
		{"restart", `ALTER SEQUENCE {o} RESTART WITH 5`, plainOnly},
		{"rename", `ALTER SEQUENCE {o} RENAME TO renamed`, plainOnly},
		{"drop", `DROP SEQUENCE {o}`, allWays},
		{"comment", `COMMENT ON SEQUENCE {o} IS 'changed'`, plainOnly},
		{"grant", `GRANT USAGE ON SEQUENCE {o} TO PUBLIC`, plainOnly},
	}},
	{"index", "by_note", `CREATE TABLE {s}.of_index (note text); CREATE INDEX by_note ON {s}.of_index (note)`, ``, ``, []isolationAction{
		{"set", `ALTER INDEX {o} SET (fillfactor = 70)`, allWays},
		{"rename", `ALTER INDEX {o} RENAME TO renamed`, plainOnly},
		{"drop", `DROP INDEX {o}`, allWays},
		{"drop if exists", `DROP INDEX IF EXISTS {o}`, plainOnly},
		{"drop concurrently", `DROP INDEX CONCURRENTLY IF EXISTS {o}`, outside},
		{"reindex", `REINDEX INDEX {o}`, plainOnly},
		{"reindex concurrently", `REINDEX INDEX CONCURRENTLY {o}`, outside},
		{"comment", `COMMENT ON INDEX {o} IS 'changed'`, plainOnly},
	}},
	{"enum", "mood", `CREATE TYPE {s}.mood AS ENUM ('{v}', 'fine')`, ``, ``, []isolationAction{
		{"read", readInto + `(enum_range(NULL::{o}))[1]::text`, allWays},
		{"cast", `INSERT INTO sink SELECT CAST('fine' AS {o})::text`, plainOnly},
		{"column", `CREATE TABLE made (x {o})`, plainOnly},
		{"array column", `ALTER TABLE sink ADD COLUMN x {o}[]`, plainOnly},
		{"argument", `CREATE FUNCTION made({o}) RETURNS integer LANGUAGE sql AS 'SELECT 1'`, plainOnly},
		{"alter", `ALTER TYPE {o} ADD VALUE 'sad'`, allWays},
		{"rename a value", `ALTER TYPE {o} RENAME VALUE 'fine' TO 'well'`, plainOnly},
		{"rename", `ALTER TYPE {o} RENAME TO renamed`, plainOnly},
		{"drop", `DROP TYPE {o}`, allWays},
		{"comment", `COMMENT ON TYPE {o} IS 'changed'`, plainOnly},
		{"grant", `REVOKE USAGE ON TYPE {o} FROM PUBLIC`, plainOnly},
	}},
	{"composite type", "pair", `CREATE TYPE {s}.pair AS (a integer, "{v}" integer)`, ``, ``, []isolationAction{
		{"read", readInto + `string_agg(k, ' ') FROM jsonb_object_keys(to_jsonb(ROW(1, 2)::{o})) AS k`, allWays},
		{"column", `CREATE TABLE made (x {o})`, plainOnly},
		{"typed table", `CREATE TABLE made OF {o}`, plainOnly},
		{"alter", `ALTER TYPE {o} ADD ATTRIBUTE c integer`, allWays},
		{"rename an attribute", `ALTER TYPE {o} RENAME ATTRIBUTE a TO z`, plainOnly},
		{"drop", `DROP TYPE {o}`, plainOnly},
		{"comment", `COMMENT ON TYPE {o} IS 'changed'`, plainOnly},
	}},
	{"range type", "span", `CREATE TYPE {s}.span AS RANGE (subtype = integer)`, ``, ``, []isolationAction{
		{"column", `CREATE TABLE made (x {o})`, plainOnly},
		{"construct", `INSERT INTO sink SELECT {o}(1, 2)::text`, plainOnly},
		{"drop", `DROP TYPE {o}`, plainOnly},
		{"comment", `COMMENT ON TYPE {o} IS 'changed'`, plainOnly},
	}},
	{"domain", "code", `CREATE DOMAIN {s}.code AS text DEFAULT '{v}' CONSTRAINT short CHECK (length(VALUE) < 99)`, ``, ``, []isolationAction{
		{"column", `CREATE TABLE made (id integer, x {o}); INSERT INTO made (id) VALUES (1)`, plainOnly},
		{"drop a constraint", `ALTER DOMAIN {o} DROP CONSTRAINT short`, allWays},
		{"set a default", `ALTER DOMAIN {o} SET DEFAULT 'changed'`, plainOnly},
		{"rename", `ALTER DOMAIN {o} RENAME TO renamed`, plainOnly},
		{"drop", `DROP DOMAIN {o}`, allWays},
		{"drop if exists", `DROP DOMAIN IF EXISTS {o}`, plainOnly},
		{"comment", `COMMENT ON DOMAIN {o} IS 'changed'`, plainOnly},
		{"comment on a constraint", `COMMENT ON CONSTRAINT short ON DOMAIN {o} IS 'changed'`, plainOnly},
		{"grant", `REVOKE USAGE ON DOMAIN {o} FROM PUBLIC`, plainOnly},
	}},
	{"function", "rate", `CREATE FUNCTION {s}.rate(integer) RETURNS text IMMUTABLE LANGUAGE sql AS $$SELECT '{v}'::text$$`, ``,
		`CREATE FUNCTION {s}.rate(text, text, text) RETURNS text IMMUTABLE LANGUAGE sql AS $$SELECT 'own'::text$$`, []isolationAction{
			{"call", readInto + `{o}(1)`, allWays},
			{"call in FROM", `INSERT INTO sink SELECT r FROM {o}(1) AS r`, plainOnly},
			{"call in a default", `CREATE TABLE made (id integer, x text DEFAULT {o}(1)); INSERT INTO made (id) VALUES (1)`, plainOnly},
			{"call in a generated column", `CREATE TABLE made (id integer, x text GENERATED ALWAYS AS ({o}(id)) STORED); INSERT INTO made (id) VALUES (1)`, plainOnly},
			{"call in a check", `ALTER TABLE nums ADD CHECK ({o}(n) <> '')`, plainOnly},
			{"call in an index", `CREATE INDEX made ON nums ({o}(n))`, plainOnly},
			{"call under a view", `CREATE VIEW over AS SELECT {o}(1)`, plainOnly},
			{"alter", `ALTER FUNCTION {o}(integer) COST 7`, allWays},
			{"rename", `ALTER FUNCTION {o}(integer) RENAME TO renamed`, plainOnly},
			{"drop", `DROP FUNCTION {o}(integer)`, allWays},
			{"drop if exists", `DROP FUNCTION IF EXISTS {o}(integer)`, plainOnly},
			{"comment", `COMMENT ON FUNCTION {o}(integer) IS 'changed'`, plainOnly},
			{"grant", `REVOKE EXECUTE ON FUNCTION {o}(integer) FROM PUBLIC`, plainOnly},
		}},
	{"trigger function", "stamp", `CREATE FUNCTION {s}.stamp() RETURNS trigger LANGUAGE plpgsql AS $$BEGIN NEW.v = '{v}'; RETURN NEW; END$$`, ``, ``, []isolationAction{
		{"use", `CREATE TRIGGER made BEFORE INSERT ON sink FOR EACH ROW EXECUTE FUNCTION {o}(); INSERT INTO sink VALUES ('x')`, plainOnly},
		{"drop", `DROP FUNCTION {o}()`, plainOnly},
	}},
	{"procedure", "close_day", `CREATE TABLE {s}.days (n integer); CREATE PROCEDURE {s}.close_day() LANGUAGE sql AS $$INSERT INTO {s}.days VALUES (1)$$`, `public.days`, ``, []isolationAction{
		{"call", `CALL {o}()`, allWays},
		{"alter", `ALTER PROCEDURE {o}() SECURITY DEFINER`, plainOnly},
		{"rename", `ALTER PROCEDURE {o}() RENAME TO renamed`, plainOnly},
		{"drop", `DROP PROCEDURE {o}()`, allWays},
		{"drop as a routine", `DROP ROUTINE IF EXISTS {o}`, plainOnly},
		{"comment", `COMMENT ON PROCEDURE {o}() IS 'changed'`, plainOnly},
		{"grant", `REVOKE EXECUTE ON PROCEDURE {o}() FROM PUBLIC`, plainOnly},
	}},
	{"aggregate", "firsts", `CREATE FUNCTION {s}.firsts_step(text, text) RETURNS text IMMUTABLE LANGUAGE sql AS $$SELECT '{v}'::text$$; CREATE AGGREGATE {s}.firsts(text) (SFUNC = {s}.firsts_step, STYPE = text)`, ``, ``, []isolationAction{
		{"use", readInto + `{o}('x'::text)`, allWays},
		{"use as a window", `INSERT INTO sink SELECT {o}('x'::text) OVER ()`, plainOnly},
		{"rename", `ALTER AGGREGATE {o}(text) RENAME TO renamed`, plainOnly},
		{"drop", `DROP AGGREGATE {o}(text)`, allWays},
		{"comment", `COMMENT ON AGGREGATE {o}(text) IS 'changed'`, plainOnly},
	}},
	{"operator", "~+~", `CREATE FUNCTION {s}.three_plus(integer, integer) RETURNS text IMMUTABLE LANGUAGE sql AS $$SELECT '{v}'::text$$; CREATE OPERATOR {s}.~+~ (LEFTARG = integer, RIGHTARG = integer, FUNCTION = {s}.three_plus)`, ``, ``, []isolationAction{
		{"use", readInto + `1 {op} 2`, allWays},
		{"use in a check", `ALTER TABLE nums ADD CHECK ((n {op} 1) <> '')`, plainOnly},
		{"alter", `ALTER OPERATOR {o} (integer, integer) SET (RESTRICT = NONE)`, plainOnly},
		{"drop", `DROP OPERATOR {o} (integer, integer)`, allWays},
		{"comment", `COMMENT ON OPERATOR {o} (integer, integer) IS 'changed'`, plainOnly},
	}},
	{"operator class", "odd_ops", `CREATE OPERATOR CLASS {s}.odd_ops FOR TYPE integer USING btree AS OPERATOR 1 <, OPERATOR 2 <=, OPERATOR 3 =, OPERATOR 4 >=, OPERATOR 5 >, FUNCTION 1 btint4cmp(integer, integer)`, ``, ``, []isolationAction{
		{"use", `CREATE INDEX made ON nums (n {o})`, plainOnly},
		{"rename", `ALTER OPERATOR CLASS {o} USING btree RENAME TO renamed`, plainOnly},
		{"drop", `DROP OPERATOR CLASS {o} USING btree`, allWays},
		{"drop its family", `DROP OPERATOR FAMILY {o} USING btree`, plainOnly},
		{"comment", `COMMENT ON OPERATOR CLASS {o} USING btree IS 'changed'`, plainOnly},
	}},
	{"collation", "sorting", `CREATE COLLATION {s}.sorting ({collation})`, ``, ``, []isolationAction{
		{"use", readInto + `CASE WHEN 'a' < 'B' COLLATE {o} THEN 'SECRET' ELSE 'own' END`, allWays},
		{"column", `CREATE TABLE made (x text COLLATE {o})`, plainOnly},
		{"index", `CREATE INDEX made ON sink (v COLLATE {o})`, plainOnly},
		{"rename", `ALTER COLLATION {o} RENAME TO renamed`, plainOnly},
		{"drop", `DROP COLLATION {o}`, allWays},
		{"drop if exists", `DROP COLLATION IF EXISTS {o}`, plainOnly},
		{"comment", `COMMENT ON COLLATION {o} IS 'changed'`, plainOnly},
	}},
	{"text search configuration", "searching", `CREATE TEXT SEARCH CONFIGURATION {s}.searching (COPY = pg_catalog.{language})`, ``, ``, []isolationAction{
		{"use", readInto + `CASE WHEN to_tsvector('{o}', 'running')::text LIKE '%running%' THEN 'own' ELSE 'SECRET' END`, allWays},
		{"use as regconfig", `INSERT INTO sink SELECT CASE WHEN to_tsvector('{o}'::regconfig, 'running')::text LIKE '%running%' THEN 'own' ELSE 'SECRET' END`, plainOnly},
		{"index", `CREATE INDEX made ON sink USING gin (to_tsvector('{o}', v))`, plainOnly},
		{"alter", `ALTER TEXT SEARCH CONFIGURATION {o} DROP MAPPING FOR word`, allWays},
		{"rename", `ALTER TEXT SEARCH CONFIGURATION {o} RENAME TO renamed`, plainOnly},
		{"drop", `DROP TEXT SEARCH CONFIGURATION {o}`, allWays},
		{"drop if exists", `DROP TEXT SEARCH CONFIGURATION IF EXISTS {o}`, plainOnly},
		{"comment", `COMMENT ON TEXT SEARCH CONFIGURATION {o} IS 'changed'`, plainOnly},
	}},
	{"text search dictionary", "words", `CREATE TEXT SEARCH DICTIONARY {s}.words (TEMPLATE = pg_catalog.simple, Accept = {accept})`, ``, ``, []isolationAction{
		{"use", readInto + `CASE WHEN ts_lexize('{o}', 'x') IS NULL THEN 'SECRET' ELSE 'own' END`, allWays},
		{"alter", `ALTER TEXT SEARCH DICTIONARY {o} (StopWords = english)`, plainOnly},
		{"drop", `DROP TEXT SEARCH DICTIONARY {o}`, allWays},
		{"comment", `COMMENT ON TEXT SEARCH DICTIONARY {o} IS 'changed'`, plainOnly},
	}},
	{"statistics", "together", `CREATE TABLE {s}.of_statistics (a integer, b integer); CREATE STATISTICS {s}.together ON a, b FROM {s}.of_statistics`, ``, ``, []isolationAction{
		{"alter", `ALTER STATISTICS {o} SET STATISTICS 50`, allWays},
		{"rename", `ALTER STATISTICS {o} RENAME TO renamed`, plainOnly},
		{"drop", `DROP STATISTICS {o}`, allWays},
		{"drop if exists", `DROP STATISTICS IF EXISTS {o}`, plainOnly},
		{"comment", `COMMENT ON STATISTICS {o} IS 'changed'`, plainOnly},
	}},
	{"conversion", "recode", `CREATE CONVERSION {s}.recode FOR 'LATIN1' TO 'UTF8' FROM iso8859_1_to_utf8`, ``, ``, []isolationAction{
		{"rename", `ALTER CONVERSION {o} RENAME TO renamed`, plainOnly},
		{"drop", `DROP CONVERSION {o}`, plainOnly},
		{"comment", `COMMENT ON CONVERSION {o} IS 'changed'`, plainOnly},
	}},
	{"trigger", "watched", `CREATE TABLE {s}.watched (v text); CREATE FUNCTION {s}.watch() RETURNS trigger LANGUAGE plpgsql AS $$BEGIN RETURN NEW; END$$; CREATE TRIGGER watching BEFORE INSERT ON {s}.watched FOR EACH ROW EXECUTE FUNCTION {s}.watch()`, ``, ``, []isolationAction{
		{"disable", `ALTER TABLE {o} DISABLE TRIGGER watching`, allWays},
		{"rename", `ALTER TRIGGER watching ON {o} RENAME TO renamed`, plainOnly},
		{"drop", `DROP TRIGGER watching ON {o}`, allWays},
		{"drop if exists", `DROP TRIGGER IF EXISTS watching ON {o}`, plainOnly},
		{"comment", `COMMENT ON TRIGGER watching ON {o} IS 'changed'`, plainOnly},
	}},
	{"rule", "ruled", `CREATE TABLE {s}.ruled (v text); CREATE RULE quiet AS ON DELETE TO {s}.ruled DO INSTEAD NOTHING`, ``, ``, []isolationAction{
		{"make", `CREATE RULE made AS ON UPDATE TO {o} DO INSTEAD NOTHING`, allWays},
		{"disable", `ALTER TABLE {o} DISABLE RULE quiet`, plainOnly},
		{"rename", `ALTER RULE quiet ON {o} RENAME TO renamed`, plainOnly},
		{"drop", `DROP RULE quiet ON {o}`, allWays},
		{"drop if exists", `DROP RULE IF EXISTS quiet ON {o}`, plainOnly},
		{"comment", `COMMENT ON RULE quiet ON {o} IS 'changed'`, plainOnly},
	}},
	{"policy", "guarded", `CREATE TABLE {s}.guarded (v text); CREATE POLICY narrow ON {s}.guarded USING (v <> '')`, ``, ``, []isolationAction{
		{"make", `CREATE POLICY made ON {o} USING (true)`, allWays},
		{"alter", `ALTER POLICY narrow ON {o} USING (true)`, plainOnly},
		{"enable", `ALTER TABLE {o} ENABLE ROW LEVEL SECURITY`, plainOnly},
		{"drop", `DROP POLICY narrow ON {o}`, allWays},
		{"drop if exists", `DROP POLICY IF EXISTS narrow ON {o}`, plainOnly},
		{"comment", `COMMENT ON POLICY narrow ON {o} IS 'changed'`, plainOnly},
	}},
	{"constraint", "checked", `CREATE TABLE {s}.checked (n integer CONSTRAINT positive CHECK (n > 0))`, ``, ``, []isolationAction{
		{"add", `ALTER TABLE {o} ADD CONSTRAINT made CHECK (n < 100)`, allWays},
		{"rename", `ALTER TABLE {o} RENAME CONSTRAINT positive TO renamed`, plainOnly},
		{"drop", `ALTER TABLE {o} DROP CONSTRAINT positive`, allWays},
		{"drop if exists", `ALTER TABLE {o} DROP CONSTRAINT IF EXISTS positive`, plainOnly},
		{"comment", `COMMENT ON CONSTRAINT positive ON {o} IS 'changed'`, plainOnly},
	}},
	{"partitioned table", "events", `CREATE TABLE {s}.events (at date, note text) PARTITION BY RANGE (at); CREATE TABLE {s}.events_2020 PARTITION OF {s}.events FOR VALUES FROM ('2020-01-01') TO ('2021-01-01'); INSERT INTO {s}.events VALUES ('2020-05-05', '{v}')`, ``, ``, []isolationAction{
		{"read", readInto + `note FROM {o}`, allWays},
		{"insert", `INSERT INTO {o} VALUES ('2020-06-06', 'new')`, allWays},
		{"update", `UPDATE {o} SET note = 'changed'`, plainOnly},
		{"add a partition", `CREATE TABLE events_2021 PARTITION OF {o} FOR VALUES FROM ('2021-01-01') TO ('2022-01-01')`, allWays},
		{"attach a partition", `CREATE TABLE loose (at date, note text); ALTER TABLE {o} ATTACH PARTITION loose FOR VALUES FROM ('2022-01-01') TO ('2023-01-01')`, plainOnly},
		{"alter", `ALTER TABLE {o} ADD COLUMN extra integer`, plainOnly},
		{"truncate", `TRUNCATE {o}`, plainOnly},
		{"index", `CREATE INDEX made ON {o} (note)`, plainOnly},
		{"drop", `DROP TABLE {o}`, plainOnly},
	}},
	{"foreign key target", "parents", `CREATE TABLE {s}.parents (id integer PRIMARY KEY, note text); INSERT INTO {s}.parents VALUES (1, '{v}')`, ``, ``, []isolationAction{
		{"reference", `CREATE TABLE child (id integer REFERENCES {o})`, allWays},
		{"reference later", `ALTER TABLE nums ADD FOREIGN KEY (n) REFERENCES {o} (id)`, allWays},
		{"reference not valid", `ALTER TABLE nums ADD CONSTRAINT made FOREIGN KEY (n) REFERENCES {o} NOT VALID`, plainOnly},
	}},
	{"inheritance parent", "animals", `CREATE TABLE {s}.animals (n integer)`, ``, ``, []isolationAction{
		{"inherit", `CREATE TABLE kid () INHERITS ({o})`, plainOnly},
		{"inherit later", `ALTER TABLE nums INHERIT {o}`, allWays},
	}},
}
