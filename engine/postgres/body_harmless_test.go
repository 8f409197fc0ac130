package postgres

import (
	"testing"

	"github.com/skeindb/skein/engine/revision"
)

func TestHarmlessStatements(t *testing.T) {
	t.Parallel()
	for _, text := range []string{
		"ALTER TABLE users ADD COLUMN role text",
		"alter table only \"Users\" add if not exists n int not null default -1, drop column if exists b cascade",
		"ALTER TABLE a.b ADD c numeric(10, 2) DEFAULT 0, ADD d timestamp(3) with time zone DEFAULT now(), ADD e text[] DEFAULT '{}'",
		"ALTER TABLE a ADD b double precision NULL, ADD c character varying(20) DEFAULT 'x' NOT NULL, ADD d boolean DEFAULT false",
		"ALTER TABLE a ALTER b SET NOT NULL, ALTER COLUMN c DROP DEFAULT, ALTER d SET DEFAULT nextval('s')",
		"ALTER TABLE a RENAME COLUMN b TO c", "ALTER TABLE a RENAME TO b", "ALTER TABLE a OWNER TO b", "ALTER INDEX a RENAME TO b",
		"ALTER TABLE a /* DEFAULT */ ADD b int -- DEFAULT f()\n",
		"CREATE TABLE temperature (id serial PRIMARY KEY, x mood DEFAULT f(), CHECK (g(x)))",
		"CREATE UNLOGGED TABLE IF NOT EXISTS a.b (id int GENERATED ALWAYS AS IDENTITY)",
		"CREATE TYPE mood AS ENUM ('a', 'b')", "ALTER TYPE mood ADD VALUE 'c'",
		"CREATE VIEW v AS SELECT set_config('a', 'b', false)",
		"CREATE OR REPLACE FUNCTION f() RETURNS int LANGUAGE plpgsql AS $$ BEGIN CREATE TEMP TABLE x (); END $$",
		"CREATE FUNCTION f() RETURNS int LANGUAGE 'sql' AS 'SELECT set_config()'", "CREATE FUNCTION f() RETURNS int RETURN 1",
		"CREATE TRIGGER t BEFORE INSERT ON a FOR EACH ROW EXECUTE FUNCTION f()", "CREATE SEQUENCE s",
		"DROP TABLE IF EXISTS a, b CASCADE", "DROP FUNCTION f(int)", "COMMENT ON TABLE a IS 'temp'", "GRANT SELECT ON a TO b", "LOCK TABLE a",
	} {
		if !harmless(text) {
			t.Errorf("not harmless: %s", text)
		}
	}
}

func TestStatementsThatAreNotProvenHarmless(t *testing.T) {
	t.Parallel()
	for _, text := range []string{
		"", "SELECT 1", "INSERT INTO a VALUES (1)", "UPDATE a SET b = 1", "DELETE FROM a", "TRUNCATE a", "COPY a TO '/x'", "WITH a AS (SELECT 1) TABLE a",
		"SET LOCAL search_path = x", "SET CONSTRAINTS ALL IMMEDIATE", "SELECT set_config('a', 'b', true)", "DO $$ BEGIN END $$", "CALL p()", "EXECUTE q",
		"PREPARE q AS SELECT 1", "DECLARE c CURSOR WITH HOLD FOR SELECT 1", "LISTEN x", "LOAD 'x'", "REINDEX TABLE a", "REFRESH MATERIALIZED VIEW v",
		"CREATE TEMP TABLE a (id int)", "CREATE TEMPORARY VIEW v AS SELECT 1", "CREATE LOCAL TEMP TABLE a (id int)", "CREATE TABLE pg_temp.a (id int)",
		`CREATE TABLE "pg_temp".a (id int)`, `CREATE TABLE U&"pg\005ftemp".a (id int)`, "CREATE TABLE pg_temp_3.a (id int)", "CREATE FUNCTION pg_temp.f() RETURNS int LANGUAGE sql AS ''",
		"CREATE/**/TEMP/**/TABLE a (id int)", "CREATE TABLE a AS SELECT 1", "CREATE TABLE a (b) AS SELECT f()", "CREATE TABLE a (b) WITH (fillfactor=70) AS EXECUTE q",
		"CREATE TABLE a PARTITION OF b FOR VALUES IN (f())", "CREATE TABLE a (b int) PARTITION BY RANGE (b)", "CREATE TABLE a OF b", "CREATE MATERIALIZED VIEW v AS SELECT 1",
		"CREATE INDEX ON a (b)", "CREATE EXTENSION citext", "CREATE EVENT TRIGGER e ON ddl_command_end EXECUTE FUNCTION f()", "CREATE DOMAIN d AS int", "CREATE RULE r AS ON INSERT TO a DO NOTHING",
		"CREATE FUNCTION f() RETURNS int LANGUAGE plperl AS ''", "CREATE FUNCTION f() RETURNS int AS 'lib', 'f' LANGUAGE C", "CREATE FUNCTION f() RETURNS int AS ''",
		"CREATE FUNCTION f() RETURNS int LANGUAGE sql LANGUAGE plperl AS ''", "CREATE SCHEMA s CREATE TABLE a (id int)", "CREATE CAST (a AS b) WITH FUNCTION f(a)",
		"ALTER TABLE a ADD b mydomain", "ALTER TABLE a ADD b serial", "ALTER TABLE a ADD b app.text", `ALTER TABLE a ADD b "text"`, "ALTER TABLE a ADD b int DEFAULT f()",
		"ALTER TABLE a ADD b text DEFAULT 'x'||f()", "ALTER TABLE a ADD b text DEFAULT 'x'::mytype", "ALTER TABLE a ADD b int DEFAULT 1 + 1", "ALTER TABLE a ADD b json DEFAULT 1",
		"ALTER TABLE a ADD b int[] DEFAULT 1", "ALTER TABLE a ADD b uuid DEFAULT gen_random_uuid()", "ALTER TABLE a ADD b timestamptz DEFAULT app.now()", "ALTER TABLE a ADD b int DEFAULT now()",
		"ALTER TABLE a ADD b int CHECK (f(b))", "ALTER TABLE a ADD b int GENERATED ALWAYS AS (f(c)) STORED", "ALTER TABLE a ADD b int REFERENCES c", "ALTER TABLE a ADD b int UNIQUE",
		"ALTER TABLE a ADD CONSTRAINT c CHECK (f(b))", "ALTER TABLE a ADD CHECK (f(b))", "ALTER TABLE a ADD PRIMARY KEY (b)", "ALTER TABLE a ALTER b TYPE int USING f(b)",
		"ALTER TABLE a DROP b, ADD c int DEFAULT f()", "ALTER TABLE a VALIDATE CONSTRAINT c", "ALTER TABLE a ENABLE TRIGGER t", "ALTER TABLE pg_temp.a ADD b int", "ALTER TABLE a DISABLE TRIGGER ALL",
		"ALTER SYSTEM SET a = 1", "ALTER ROLE r SET a = 1", "ALTER DOMAIN d ADD CHECK (f(VALUE))", "ALTER FUNCTION f() SET search_path = x", "ALTER TYPE t ADD ATTRIBUTE b int",
		"DROP INDEX CONCURRENTLY a", "DROP EXTENSION citext", "DROP OWNED BY r", "ALTER TABLE a ADD b text DEFAULT 'never ends",
	} {
		if harmless(text) {
			t.Errorf("harmless: %s", text)
		}
	}
}

func TestAPlanIsNotProvenOnceCodeMayRunByItself(t *testing.T) {
	t.Parallel()
	plain := readEffects([]revision.Statement{{Text: "ALTER TABLE a ADD b int"}, {Text: "DROP TABLE c"}})
	mixed := readEffects([]revision.Statement{{Text: "ALTER TABLE a ADD b int"}, {Text: "SELECT f()"}})
	for _, c := range []struct {
		traits     *bodyEffects
		ddl, after bool
		want       bool
	}{
		{plain, false, false, false}, {plain, true, false, true}, {plain, false, true, true}, {mixed, false, false, true}, {&bodyEffects{harmless: true}, false, false, false},
	} {
		if got := c.traits.leavesState(c.ddl, c.after); got != c.want {
			t.Errorf("harmless %v, event triggers %v, after an unproven body %v: %v", c.traits.harmless, c.ddl, c.after, got)
		}
	}
}
