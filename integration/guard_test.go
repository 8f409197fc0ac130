package integration_test

import (
	"fmt"
	"strings"
	"testing"

	"github.com/skeindb/skein/engine"
	"github.com/skeindb/skein/engine/postgres"
	"github.com/skeindb/skein/integration/pgtest"
)

// guardShared is what tenants of the tests below share.
const guardShared = `CREATE TABLE public.log (m text);
CREATE TABLE public.users (id int PRIMARY KEY, name text); INSERT INTO public.users VALUES (1, 'shared');
CREATE INDEX users_name ON public.users (name);
CREATE SEQUENCE public.order_seq;
CREATE TYPE public.status AS ENUM ('a');
CREATE DOMAIN public.posint AS int CONSTRAINT pos CHECK (VALUE > 0);
CREATE COLLATION public.mycoll (LOCALE = 'C');
CREATE FUNCTION public.total() RETURNS int LANGUAGE sql AS 'SELECT 1';
CREATE VIEW public.names AS SELECT name FROM public.users;
CREATE STATISTICS public.users_stat ON id, name FROM public.users;
CREATE TEXT SEARCH CONFIGURATION public.mytext (COPY = pg_catalog.simple);
CREATE OPERATOR public.=== (FUNCTION = pg_catalog.int4eq, LEFTARG = int, RIGHTARG = int);
CREATE FUNCTION public.audit() RETURNS trigger LANGUAGE plpgsql AS $$ BEGIN INSERT INTO public.log VALUES (TG_TABLE_SCHEMA); RETURN NEW; END $$;
CREATE SCHEMA other; CREATE TABLE other.log (m text);`

type guardCase struct {
	name  string
	setup string   // in the tenant, $t
	steps []string // revisions
	want  string   // what the message begins with, $t; "" = it goes through
	also  string   // what the message has, too
}

func runGuardCases(t *testing.T, f *pgFleet, cases []guardCase) {
	t.Helper()
	for i, c := range cases {
		t.Run(c.name, func(t *testing.T) {
			schema := fmt.Sprintf("g%d", i)
			target := f.tenant(t, schema)
			in := strings.NewReplacer("$t", schema)
			if c.setup != "" {
				pgtest.Exec(t, f.url, "SET search_path = "+schema+", public;"+in.Replace(c.setup))
			}
			before := pgtest.Dump(t, f.url, "public")
			steps := make([]string, len(c.steps))
			for k, s := range c.steps {
				steps[k] = in.Replace(s)
			}
			if c.want == "" {
				f.with(t, steps...).up(t, target)
				return
			}
			e := f.with(t, steps...).fails(t, target, engine.Guard)
			if !strings.HasPrefix(e.Message, in.Replace(c.want)) || !strings.Contains(e.Message, c.also) || e.Line == 0 || e.Statement == "" {
				t.Errorf("line %d, statement %q: %s", e.Line, e.Statement, e.Message)
			}
			if after := pgtest.Dump(t, f.url, "public"); after != before {
				t.Errorf("public was changed")
			}
		})
	}
}

const lacked = "a name that the tenant lacks"

func TestGuardNamesWhatChangedSomethingOutside(t *testing.T) {
	t.Parallel()
	f := newPgFleet(t, postgres.Server{SearchPath: []string{"public"}})
	pgtest.Exec(t, f.url, guardShared)
	runGuardCases(t, f, []guardCase{
		{"trigger", "CREATE TABLE a (id int); CREATE TRIGGER audit AFTER INSERT ON a FOR EACH ROW EXECUTE FUNCTION public.audit()", []string{"INSERT INTO a VALUES (1)"}, "trigger audit of table a (function public.audit) changed public.log", ""},
		{"trigger, second statement of the second revision", "CREATE TABLE a (id int); CREATE TRIGGER audit AFTER INSERT ON a FOR EACH ROW EXECUTE FUNCTION public.audit()", []string{"SELECT 1", "SELECT 2;\nINSERT INTO a VALUES (1);\nSELECT 3"}, "trigger audit of table a (function public.audit) changed public.log", ""},
		{"trigger of the same chain", "", []string{"CREATE TABLE a (id int)", "CREATE TRIGGER audit AFTER INSERT ON a FOR EACH ROW EXECUTE FUNCTION public.audit()", "[own-transaction]\nINSERT INTO a VALUES (1)"}, "trigger audit of table a (function public.audit) changed public.log", ""},
		{"plpgsql function", "CREATE FUNCTION w() RETURNS void LANGUAGE plpgsql AS $$ BEGIN INSERT INTO log VALUES ('w'); END $$", []string{"SELECT w()"}, "function $t.w() changed public.log", lacked},
		{"SQL function", "CREATE FUNCTION w() RETURNS void LANGUAGE sql AS $$ INSERT INTO log VALUES ('w') $$", []string{"SELECT w()"}, "function $t.w() changed public.log", lacked},
		{"function that qualifies", "CREATE FUNCTION w() RETURNS void LANGUAGE sql AS $$ INSERT INTO public.log VALUES ('w') $$", []string{"SELECT w()"}, "function $t.w() changed public.log", ""},
		{"function in a schema apart", "CREATE FUNCTION w() RETURNS void LANGUAGE sql AS $$ INSERT INTO other.log VALUES ('w') $$", []string{"SELECT w()"}, "function $t.w() changed other.log", ""},
		{"function that calls one", "CREATE FUNCTION v() RETURNS void LANGUAGE sql AS $$ INSERT INTO public.log VALUES ('w') $$; CREATE FUNCTION w() RETURNS void LANGUAGE plpgsql AS $$ BEGIN PERFORM v(); END $$", []string{"SELECT w()"}, "function $t.w() changed public.log", ""},
		{"function of an earlier part", "", []string{"CREATE FUNCTION w() RETURNS void LANGUAGE plpgsql AS $$ BEGIN INSERT INTO log VALUES ('w'); END $$", "[own-transaction]\nSELECT w()"}, "function $t.w() changed public.log", lacked},
		{"DO", "", []string{"DO $$ BEGIN EXECUTE 'INSERT INTO lo' || 'g VALUES (1)'; END $$"}, "a DO block of the section changed public.log", lacked},
		{"rule", "CREATE TABLE a (id int); CREATE RULE r AS ON INSERT TO a DO ALSO INSERT INTO public.log VALUES ('r')", []string{"INSERT INTO a VALUES (1)"}, "rule r of table a changed public.log", ""},
		{"view", "CREATE VIEW v AS SELECT * FROM public.log", []string{"INSERT INTO v VALUES ('v')"}, "view v changed public.log", ""},
		{"default", "CREATE FUNCTION w() RETURNS int LANGUAGE sql AS $$ INSERT INTO public.log VALUES ('w'); SELECT 1 $$; CREATE TABLE a (id int DEFAULT w(), b int)", []string{"INSERT INTO a (b) VALUES (1)"}, "default of column id of table a (function $t.w) changed public.log", ""},
		{"domain check", "CREATE FUNCTION w(int) RETURNS bool LANGUAGE sql AS $$ INSERT INTO public.log VALUES ('w'); SELECT true $$; CREATE DOMAIN d AS int CHECK (w(VALUE)); CREATE TABLE a (id d)", []string{"INSERT INTO a VALUES (1)"}, "check of domain d (function $t.w) changed public.log", ""},
		{"foreign key", "CREATE TABLE a (id int PRIMARY KEY); INSERT INTO a VALUES (1); CREATE TABLE other.$t (a int REFERENCES a ON DELETE CASCADE); INSERT INTO other.$t VALUES (1)", []string{"DELETE FROM a"}, "foreign key $t_a_fkey of table other.$t changed other.$t", ""},
		{"child in another schema", "CREATE TABLE a (id int); CREATE TABLE other.child_$t () INHERITS (a)", []string{"ALTER TABLE a ADD x int"}, "table a, of which that is a part, changed other.child_$t", ""},
		{"cascade", "CREATE TABLE a (id int); CREATE VIEW public.over_$t AS SELECT * FROM a", []string{"DROP TABLE a CASCADE"}, "code that the statement runs changed public.over_$t", ""},
	})
}

// Each kind by dynamic SQL, which no text shows.
func TestGuardSeesAllKindsOfObjects(t *testing.T) {
	t.Parallel()
	f := newPgFleet(t, postgres.Server{SearchPath: []string{"public"}})
	pgtest.Exec(t, f.url, guardShared, "CREATE ROLE guard_"+f.database)
	t.Cleanup(func() { pgtest.Exec(t, f.url, "DROP OWNED BY guard_"+f.database+"; DROP ROLE guard_"+f.database) })
	var cases []guardCase
	for _, c := range []struct{ sql, object string }{
		{"ALTER TABLE users ADD x int", "public.users"},
		{"CREATE INDEX ON users (name)", "public.users"},
		{"DROP INDEX users_name", "public.users"},
		{"COMMENT ON TABLE users IS 'x'", "public.users"},
		{"GRANT SELECT ON users TO guard_" + f.database, "public.users"},
		{"GRANT SELECT (name) ON users TO guard_" + f.database, "public.users"},
		{"CREATE TRIGGER x AFTER INSERT ON users FOR EACH ROW EXECUTE FUNCTION audit()", "public.users"},
		{"CREATE POLICY x ON users", "public.users"},
		{"CREATE RULE x AS ON INSERT TO users DO NOTHING", "public.users"},
		{"DROP TABLE log", "public.log"},
		{"TRUNCATE log", "public.log"},
		{"CREATE OR REPLACE VIEW public.names AS SELECT name, 1 AS x FROM public.users", "public.names"},
		{"DROP VIEW names", "public.names"},
		{"SELECT setval('order_seq', 7)", "public.order_seq"},
		{"ALTER SEQUENCE order_seq INCREMENT 2", "public.order_seq"},
		{"ALTER TYPE status ADD VALUE 'b'", "public.status"},
		{"ALTER TYPE status RENAME VALUE 'a' TO 'b'", "public.status"},
		{"DROP TYPE status", "public.status"},
		{"ALTER DOMAIN posint ADD CHECK (VALUE > 1)", "public.posint"},
		{"ALTER DOMAIN posint DROP CONSTRAINT pos", "public.posint"},
		{"ALTER DOMAIN posint SET DEFAULT 3", "public.posint"},
		{"DROP DOMAIN posint", "public.posint"},
		{"COMMENT ON DOMAIN posint IS 'x'", "public.posint"},
		{"DROP COLLATION mycoll", "public.mycoll"},
		{"ALTER COLLATION mycoll RENAME TO yours", "public."},
		{"ALTER FUNCTION total() STABLE", "public.total"},
		{"CREATE OR REPLACE FUNCTION public.total() RETURNS int LANGUAGE sql AS 'SELECT 2'", "public.total"},
		{"GRANT EXECUTE ON FUNCTION total() TO guard_" + f.database, "public.total"},
		{"DROP FUNCTION total()", "public.total"},
		{"CREATE FUNCTION public.fresh() RETURNS int LANGUAGE sql AS 'SELECT 2'", "public.fresh"},
		{"CREATE TYPE public.fresh AS ENUM ('a')", "public.fresh"},
		{"CREATE TABLE public.fresh (id int)", "public.fresh"},
		{"DROP STATISTICS users_stat", "public.users_stat"},
		{"ALTER STATISTICS users_stat SET STATISTICS 7", "public.users_stat"},
		{"ALTER TEXT SEARCH CONFIGURATION mytext ALTER MAPPING FOR word WITH english_stem", "public.mytext"},
		{"DROP TEXT SEARCH CONFIGURATION mytext", "public.mytext"},
		{"DROP OPERATOR === (int, int)", "public.==="},
		{"ALTER SCHEMA other RENAME TO yours", ".schema"},
		{"GRANT USAGE ON SCHEMA public TO guard_" + f.database, "public.schema"},
		{"CREATE SCHEMA fresh", "fresh.schema"},
		{"DROP SCHEMA other CASCADE", "other.schema"},
		{"ALTER DEFAULT PRIVILEGES IN SCHEMA public GRANT SELECT ON TABLES TO guard_" + f.database, "public.default privileges"},
	} {
		// The statement is put together, so that no text has a name of it.
		half := len(c.sql) / 2
		cases = append(cases, guardCase{name: c.sql, steps: []string{fmt.Sprintf("DO $do$ BEGIN EXECUTE %s || %s; END $do$", quoteLiteral(c.sql[:half]), quoteLiteral(c.sql[half:]))}, want: "a DO block of the section changed ", also: c.object})
	}
	runGuardCases(t, f, cases)
}

func quoteLiteral(text string) string { return "'" + strings.ReplaceAll(text, "'", "''") + "'" }

func TestGuardLetsPassWhatIsNoAccident(t *testing.T) {
	t.Parallel()
	f := newPgFleet(t, postgres.Server{SearchPath: []string{"public"}})
	pgtest.Exec(t, f.url, guardShared)
	runGuardCases(t, f, []guardCase{
		{name: "declared", setup: "CREATE TABLE a (id int); CREATE TRIGGER audit AFTER INSERT ON a FOR EACH ROW EXECUTE FUNCTION public.audit()", steps: []string{"-- skein:touches public.log\nINSERT INTO a VALUES (1)"}},
		{name: "named in a DO block", steps: []string{"DO $$ BEGIN INSERT INTO public.log VALUES (1); END $$"}},
		{name: "a key to a shared table", setup: "CREATE TABLE a (id int REFERENCES public.users); CREATE FUNCTION w() RETURNS void LANGUAGE sql AS $$ INSERT INTO a VALUES (1) $$", steps: []string{"SELECT w()"}},
		{name: "a new key to a shared table", steps: []string{"CREATE TABLE a (id int REFERENCES public.users); DO $$ BEGIN INSERT INTO a VALUES (1); END $$"}},
		{name: "a table with a key is dropped", setup: "CREATE TABLE a (id int REFERENCES public.users)", steps: []string{"DROP TABLE a CASCADE"}},
		{name: "a key is dropped in a DO block", setup: "CREATE TABLE a (id int REFERENCES public.users)", steps: []string{"DO $$ BEGIN ALTER TABLE a DROP CONSTRAINT a_id_fkey; END $$"}},
		{name: "a view over a shared table", setup: "CREATE VIEW v AS SELECT * FROM public.users; CREATE TABLE a (id int)", steps: []string{"DO $$ BEGIN INSERT INTO a SELECT id FROM v; END $$"}},
		{name: "a function that reads with the schema", setup: "CREATE FUNCTION w() RETURNS int LANGUAGE plpgsql AS $$ BEGIN RETURN (SELECT count(*) FROM public.users); END $$", steps: []string{"SELECT w()"}},
		{name: "a default of a shared sequence", setup: "CREATE TABLE a (id int DEFAULT nextval('public.order_seq'), b int)", steps: []string{"DO $$ BEGIN INSERT INTO a (b) VALUES (1); END $$"}},
		{name: "its own table of the name", setup: "CREATE TABLE log (m text); CREATE FUNCTION w() RETURNS void LANGUAGE sql AS $$ INSERT INTO log VALUES ('w') $$", steps: []string{"SELECT w()"}},
		{name: "temporary tables", steps: []string{"DO $$ BEGIN CREATE TEMP TABLE x (id int) ON COMMIT DROP; INSERT INTO x VALUES (1); END $$"}},
		{name: "partitions", steps: []string{"CREATE TABLE p (id int) PARTITION BY RANGE (id); CREATE TABLE p1 PARTITION OF p FOR VALUES FROM (1) TO (9); DO $$ BEGIN INSERT INTO p VALUES (1); END $$"}},
		{name: "all of its own", steps: []string{"DO $$ BEGIN CREATE TYPE s AS ENUM ('x'); CREATE DOMAIN d AS int CHECK (VALUE > 0); CREATE FUNCTION ff() RETURNS int LANGUAGE sql AS 'SELECT 1'; CREATE TABLE t (id serial PRIMARY KEY, a s, b d); CREATE INDEX ON t (a); ALTER TABLE t ALTER b TYPE bigint; DROP TABLE t; DROP TYPE s; END $$"}},
	})
}

func TestGuardRefusesReadsThatFellThrough(t *testing.T) {
	t.Parallel()
	f := newPgFleet(t, postgres.Server{SearchPath: []string{"public"}})
	pgtest.Exec(t, f.url, guardShared)
	runGuardCases(t, f, []guardCase{
		{"plpgsql function", "CREATE FUNCTION w() RETURNS int LANGUAGE plpgsql AS $$ BEGIN RETURN (SELECT count(*) FROM users); END $$", []string{"SELECT w()"}, "function $t.w() read public.users", lacked},
		{"SQL function", "CREATE FUNCTION w() RETURNS bigint LANGUAGE sql AS $$ SELECT count(*) FROM users $$", []string{"CREATE TABLE r AS SELECT w()"}, "function $t.w() read public.users", lacked},
		{"DO", "", []string{"DO $$ BEGIN EXECUTE 'CREATE TABLE r AS SELECT * FROM us' || 'ers'; END $$"}, "a DO block of the section read public.users", lacked},
		{"trigger", "CREATE FUNCTION w() RETURNS trigger LANGUAGE plpgsql AS $$ BEGIN PERFORM 1 FROM users; RETURN NEW; END $$; CREATE TABLE a (id int); CREATE TRIGGER x BEFORE INSERT ON a FOR EACH ROW EXECUTE FUNCTION w()", []string{"INSERT INTO a VALUES (1)"}, "trigger x of table a (function $t.w) read public.users", lacked},
	})
}

func TestGuardNamesEventTriggers(t *testing.T) {
	t.Parallel()
	f := newPgFleet(t, postgres.Server{SearchPath: []string{"public"}})
	pgtest.Exec(t, f.url, guardShared, `CREATE TABLE public.ddl_log (tag text);
CREATE FUNCTION public.log_ddl() RETURNS event_trigger LANGUAGE plpgsql AS $$ BEGIN INSERT INTO public.ddl_log VALUES (tg_tag); END $$;
CREATE EVENT TRIGGER log_ddl ON ddl_command_end EXECUTE FUNCTION public.log_ddl()`)
	runGuardCases(t, f, []guardCase{
		{"plain", "", []string{"CREATE TABLE a (id int)"}, "event trigger log_ddl (function public.log_ddl) changed public.ddl_log", ""},
		{"DO", "", []string{"DO $$ BEGIN CREATE TABLE a (id int); END $$"}, "event trigger log_ddl (function public.log_ddl) changed public.ddl_log", ""},
		{"declared", "", []string{"-- skein:touches public.ddl_log\nCREATE TABLE a (id int)"}, "", ""},
	})
}

func TestGuardOfStatementsOutsideATransaction(t *testing.T) {
	t.Parallel()
	f := newPgFleet(t, postgres.Server{SearchPath: []string{"public"}})
	pgtest.Exec(t, f.url, guardShared)
	runGuardCases(t, f, []guardCase{
		{"function", "CREATE FUNCTION w() RETURNS void LANGUAGE plpgsql AS $$ BEGIN INSERT INTO log VALUES ('w'); END $$", []string{"[no-transaction]\nSELECT 1;\nSELECT w()"}, "function $t.w() changed public.log", lacked},
		{"trigger", "CREATE TABLE a (id int); CREATE TRIGGER audit AFTER INSERT ON a FOR EACH ROW EXECUTE FUNCTION public.audit()", []string{"[no-transaction]\nINSERT INTO a VALUES (1)"}, "trigger audit of table a (function public.audit) changed public.log", ""},
		{"meant", "CREATE TABLE a (id int); CREATE FUNCTION w() RETURNS bigint LANGUAGE sql AS $$ SELECT count(*) FROM public.users $$", []string{"[no-transaction]\nINSERT INTO a SELECT w();\nCREATE INDEX CONCURRENTLY x ON a (id)"}, "", ""},
	})
}

func TestGuardOfARehearsal(t *testing.T) {
	t.Parallel()
	f := newPgFleet(t, postgres.Server{SearchPath: []string{"public"}})
	pgtest.Exec(t, f.url, guardShared)
	target := f.tenant(t, "a")
	pgtest.Exec(t, f.url, "SET search_path = a; CREATE FUNCTION r() RETURNS bigint LANGUAGE sql AS 'SELECT count(*) FROM public.users'; CREATE FUNCTION w() RETURNS void LANGUAGE sql AS $$ INSERT INTO public.log VALUES ('w') $$")
	f.with(t, "SELECT r()", "[own-transaction]\nCREATE TABLE x AS SELECT r()").tried(t, target, "r1", "r2")
	_, err := f.with(t, "SELECT r()", "[own-transaction]\nSELECT 1;\nSELECT w()").rehearse(t, target)
	if e := wantPgClass(t, err, engine.Guard); e.Revision != "r2" || e.Statement != "SELECT w()" || !strings.HasPrefix(e.Message, "function a.w() changed public.log") {
		t.Errorf("got %+v\nwant Revision r2, Statement SELECT w(), Message that begins with %q", e, "function a.w() changed public.log")
	}
}

func TestGuardTakesWhatTheFleetAllows(t *testing.T) {
	t.Parallel()
	f := newPgFleet(t, postgres.Server{SearchPath: []string{"public"}})
	db, err := postgres.New(postgres.Config{Servers: []postgres.Server{{Name: "main", URL: f.url, SearchPath: []string{"public"}}}, Touches: []string{"public.l*"}})
	if err != nil {
		t.Fatal(err)
	}
	defer db.Close()
	f.db = db
	pgtest.Exec(t, f.url, guardShared)
	runGuardCases(t, f, []guardCase{
		{name: "allowed", setup: "CREATE TABLE a (id int); CREATE TRIGGER audit AFTER INSERT ON a FOR EACH ROW EXECUTE FUNCTION public.audit()", steps: []string{"INSERT INTO a VALUES (1)"}},
		{name: "allowed, outside a transaction", setup: "CREATE TABLE a (id int); CREATE TRIGGER audit AFTER INSERT ON a FOR EACH ROW EXECUTE FUNCTION public.audit()", steps: []string{"[no-transaction]\nINSERT INTO a VALUES (1)"}},
		{"something else", "CREATE FUNCTION w() RETURNS void LANGUAGE sql AS $$ DELETE FROM public.users $$", []string{"SELECT w()"}, "function $t.w() changed public.users", ""},
	})
}

func TestGuardIsNotNeededForPlainStatements(t *testing.T) {
	t.Parallel()
	f := newPgFleet(t, postgres.Server{SearchPath: []string{"public"}}, "CREATE TABLE a (id int, n numeric(5, 2))", "ALTER TABLE a ADD b varchar(20)")
	pgtest.Exec(t, f.url, "CREATE TABLE public.log (m text)")
	target := f.tenant(t, "a")
	f.up(t, target)
}

func TestGuardLeavesADatabaseToItsOnlyTenant(t *testing.T) {
	t.Parallel()
	f := newPgFleet(t, postgres.Server{AutoSearchPath: true},
		"CREATE TABLE a (id int); CREATE TRIGGER audit AFTER INSERT ON a FOR EACH ROW EXECUTE FUNCTION audit()", "[own-transaction]\nINSERT INTO a VALUES (1)")
	pgtest.Exec(t, f.url, `CREATE SCHEMA audit; CREATE TABLE audit.log (m text);
CREATE FUNCTION public.audit() RETURNS trigger LANGUAGE plpgsql AS $$ BEGIN INSERT INTO audit.log VALUES (TG_TABLE_NAME); RETURN NEW; END $$`)
	target := pgTarget(f.database, "public")
	f.up(t, target)
	if n := f.scalar(t, "SELECT count(*) FROM audit.log"); n != "1" {
		t.Errorf("%s lines", n)
	}
}
