package integration_test

import (
	"strings"
	"testing"

	"github.com/skeindb/skein/engine"
	"github.com/skeindb/skein/engine/postgres"
	"github.com/skeindb/skein/integration/pgtest"
)

const deferredBase = `CREATE TABLE a (id int PRIMARY KEY); CREATE TABLE b (a int REFERENCES a DEFERRABLE INITIALLY DEFERRED);
CREATE TABLE c (n int UNIQUE DEFERRABLE INITIALLY DEFERRED);
CREATE FUNCTION even() RETURNS trigger LANGUAGE plpgsql AS $$
BEGIN
	IF NEW.n % 2 = 1 THEN RAISE EXCEPTION 'odd'; END IF;
	RETURN NEW;
END $$;
CREATE TABLE e (n int); CREATE CONSTRAINT TRIGGER even AFTER INSERT ON e DEFERRABLE INITIALLY DEFERRED FOR EACH ROW EXECUTE FUNCTION even()`

// contextOfError is where in functions and DO blocks an error was, the innermost first.
func contextOfError(e *engine.Error) string {
	if e.Fields == nil {
		return ""
	}
	return strings.Join(e.Fields.Calls, ", ")
}

// An error at the end of the transaction names the statement after which it could no longer go well.
func TestPostgresDeferredErrorNamesItsStatement(t *testing.T) {
	t.Parallel()
	f := newPgFleet(t, postgres.Server{SearchPath: []string{"public"}}, deferredBase)
	for name, test := range map[string]struct {
		bodies   []string
		revision string
		line     int
		context  string
		class    engine.Class
	}{
		"a foreign key":                        {[]string{"SELECT 1", "INSERT INTO b VALUES (99)", "SELECT 1"}, "r3", 5, "", engine.Data},
		"the second of two":                    {[]string{"INSERT INTO b VALUES (1); INSERT INTO a VALUES (1);\nINSERT INTO b VALUES (99);\nSELECT 1"}, "r2", 6, "", engine.Data},
		"what was put right is not to blame":   {[]string{"INSERT INTO b VALUES (7)", "INSERT INTO a VALUES (7)", "SELECT 1;\nINSERT INTO b VALUES (98)"}, "r4", 6, "", engine.Data},
		"a row that goes away":                 {[]string{"INSERT INTO a VALUES (3); INSERT INTO b VALUES (3)", "SELECT 1;\nDELETE FROM a WHERE id = 3;\nSELECT 1", "SELECT 1"}, "r3", 6, "", engine.Data},
		"a unique constraint":                  {[]string{"INSERT INTO c VALUES (1)", "INSERT INTO c VALUES (1)", "SELECT 1"}, "r3", 5, "", engine.Data},
		"a trigger":                            {[]string{"INSERT INTO e VALUES (2);\nINSERT INTO e VALUES (3)", "INSERT INTO e VALUES (4)"}, "r2", 6, "PL/pgSQL function even() line 3 at RAISE", engine.Data},
		"behind a border":                      {[]string{"INSERT INTO a VALUES (5)", "[own-transaction]SELECT 1;\nINSERT INTO b VALUES (97)", "SELECT 1"}, "r3", 6, "", engine.Data},
		"a constraint that the body made":      {[]string{"CREATE TABLE d (a int REFERENCES a DEFERRABLE INITIALLY DEFERRED);\nINSERT INTO d VALUES (42);\nSELECT 1"}, "r2", 6, "", engine.Data},
		"a body that makes itself immediate":   {[]string{"SELECT 1;\nINSERT INTO b VALUES (99);\nSET CONSTRAINTS ALL IMMEDIATE"}, "r2", 7, "", engine.Data},
		"outside of a transaction, at its own": {[]string{"[no-transaction]SELECT 1;\nINSERT INTO b VALUES (99)"}, "r2", 6, "", engine.Data},
	} {
		t.Run(name, func(t *testing.T) {
			t.Parallel()
			target := f.tenant(t, name)
			f.up(t, target)
			e := f.with(t, append([]string{deferredBase}, test.bodies...)...).fails(t, target, test.class)
			if e.Revision != test.revision || e.Line != test.line || e.Statement == "" || contextOfError(e) != test.context {
				t.Errorf("revision %s, line %d, statement %q, context %q; want %s, %d, %q", e.Revision, e.Line, e.Statement, contextOfError(e), test.revision, test.line, test.context)
			}
		})
	}
}

func TestPostgresRehearsalNamesTheStatementOfADeferredError(t *testing.T) {
	t.Parallel()
	f := newPgFleet(t, postgres.Server{SearchPath: []string{"public"}}, deferredBase, "INSERT INTO a VALUES (1)", "[own-transaction]SELECT 1;\nINSERT INTO b VALUES (1); INSERT INTO b VALUES (99)", "SELECT 1")
	target := f.tenant(t, "a")
	_, err := f.rehearse(t, target)
	if e := wantPgClass(t, err, engine.Data); e.Revision != "r3" || e.Line != 6 || e.Statement != "INSERT INTO b VALUES (99)" {
		t.Errorf("got %+v\nwant Revision r3, Line 6, Statement INSERT INTO b VALUES (99)", e)
	}
}

// An error within functions and DO blocks shows where in them it was.
func TestPostgresErrorShowsItsContext(t *testing.T) {
	t.Parallel()
	const base = "CREATE TABLE x (id int); CREATE FUNCTION f() RETURNS void LANGUAGE plpgsql AS $$\nBEGIN\n\tPERFORM 1 / 0;\nEND $$;\n" +
		"CREATE FUNCTION t() RETURNS trigger LANGUAGE plpgsql AS $$ BEGIN PERFORM f(); RETURN NEW; END $$; CREATE TRIGGER t BEFORE INSERT ON x FOR EACH ROW EXECUTE FUNCTION t()"
	f := newPgFleet(t, postgres.Server{SearchPath: []string{"public"}}, base)
	target := f.tenant(t, "a")
	f.up(t, target)
	for body, want := range map[string]struct {
		context, line string
	}{
		"SELECT f()":                                                     {"PL/pgSQL function f() line 3 at PERFORM", ""},
		"DO $$\nBEGIN\n\tPERFORM f();\nEND $$":                           {"PL/pgSQL function f() line 3 at PERFORM, PL/pgSQL function inline_code_block line 3 at PERFORM", " (line 7)"},
		"DO\n$$ BEGIN\n\tSELEC 1;\nEND $$":                               {"", " (line 7)"},
		"DO $$\nBEGIN\n\tEXECUTE 'SELECT secret FROM hidden';\nEND $$":   {"PL/pgSQL function inline_code_block line 3 at EXECUTE", " (line 7)"},
		"INSERT INTO x VALUES (1)":                                       {"PL/pgSQL function f() line 3 at PERFORM, PL/pgSQL function t() line 1 at PERFORM", ""},
		"[no-transaction]SELECT 1;\nDO $$ BEGIN\n\tPERFORM f();\nEND $$": {"PL/pgSQL function f() line 3 at PERFORM, PL/pgSQL function inline_code_block line 2 at PERFORM", " (line 7)"},
	} {
		_, err := f.with(t, base, body).Apply(t.Context(), f.with(t, base, body).job(t, target))
		e, ok := err.(*engine.Error)
		if !ok {
			t.Fatalf("%s: %v", body, err)
		}
		if contextOfError(e) != want.context || !strings.HasSuffix(e.Message, want.line) {
			t.Errorf("%s\nhas context %q, message %q; want %q, %q", body, contextOfError(e), e.Message, want.context, want.line)
		}
	}
}

// Errors of a body are words about the body, whatever their SQLSTATE says elsewhere.
func TestPostgresErrorsOfABodyAreNotThoseOfTheServer(t *testing.T) {
	t.Parallel()
	f := newPgFleet(t, postgres.Server{SearchPath: []string{"public"}}, "CREATE TABLE t (a int)")
	target := f.tenant(t, "a")
	f.up(t, target)
	raise := func(state string) string {
		return "DO $$ BEGIN RAISE 'from elsewhere' USING ERRCODE = '" + state + "'; END $$"
	}
	for _, body := range []string{
		"COPY t FROM '/no/such/file'", "LOAD 'no_such_library'",
		raise("08006"), raise("57P01"), raise("57P03"), raise("25P03"), raise("53300"), raise("53400"), raise("28P01"), raise("28000"), raise("58000"), raise("58P02"), raise("F0000"),
		raise("3D000"), raise("57P04"), raise("25006"),
		"SET LOCAL temp_file_limit = '64kB'; SET LOCAL work_mem = '64kB'; SELECT count(*) FROM (SELECT i FROM generate_series(1, 200000) i ORDER BY -i) x",
	} {
		for _, options := range []string{"", "[no-transaction]"} {
			if options != "" && strings.HasPrefix(body, "SET LOCAL") {
				continue
			}
			e := f.with(t, "CREATE TABLE t (a int)", options+body).fails(t, target, engine.Revision)
			if e.Revision != "r2" || e.Line == 0 || e.Advice == "" {
				t.Errorf("%s%s: %+v", options, body, e)
			}
		}
	}
	for _, state := range []string{"53100", "58030", "XX001"} { // these are the server's, and the body is named all the same
		if e := f.with(t, "CREATE TABLE t (a int)", raise(state)).fails(t, target, engine.Server); e.Revision != "r2" || e.Line != 5 {
			t.Errorf("%s: %+v", state, e)
		}
	}
}

// hinted is a body that fails with a hint, and what it becomes when the hint is followed.
type hinted struct {
	before, body, hint, followed string
	by                           func(t *testing.T, f *pgFleet) // what the hint says to do by hand; nil = nothing
}

func TestPostgresHintsHelp(t *testing.T) {
	t.Parallel()
	long := strings.Repeat("long", 16)
	for name, h := range map[string]hinted{
		"a table that is there": {
			body: "CREATE TABLE orders (id int)", hint: "take it away",
			by: func(t *testing.T, f *pgFleet) { pgtest.Exec(t, f.url, "DROP TABLE a.orders") }, followed: "CREATE TABLE orders (id int)",
			before: "CREATE TABLE orders (id int)",
		},
		"a function that is there": {
			body: "CREATE FUNCTION f() RETURNS int LANGUAGE sql AS 'SELECT 1'", hint: "take it away",
			by: func(t *testing.T, f *pgFleet) { pgtest.Exec(t, f.url, "DROP FUNCTION a.f") }, followed: "CREATE FUNCTION f() RETURNS int LANGUAGE sql AS 'SELECT 1'",
			before: "CREATE FUNCTION f() RETURNS int LANGUAGE sql AS 'SELECT 2'",
		},
		"a schema that tenants share": {
			before: "SELECT 1", body: "-- skein:touches shared.*\nCREATE SCHEMA shared", hint: "with IF NOT EXISTS",
			followed: "-- skein:touches shared.*\nCREATE SCHEMA IF NOT EXISTS shared",
		},
		"a name that the server cuts": {
			before: "SELECT 1", body: "CREATE TABLE " + long + "_one (id int);\nCREATE TABLE " + long + "_two (id int)", hint: "shorten the names",
			followed: "CREATE TABLE long_one (id int); CREATE TABLE long_two (id int)",
		},
		"a name that was cut before": {
			before: "CREATE TABLE " + long + "_one (id int)", body: "CREATE TABLE " + long[:63] + " (id int)", hint: "a longer name may have been cut to it",
			followed: "CREATE TABLE short (id int)",
		},
		"row security that is forced": {
			before: "CREATE TABLE r (id int); ALTER TABLE r ENABLE ROW LEVEL SECURITY, FORCE ROW LEVEL SECURITY; CREATE POLICY p ON r USING (id > 1)",
			body:   "UPDATE r SET id = 2", hint: "NO FORCE ROW LEVEL SECURITY",
			followed: "ALTER TABLE r NO FORCE ROW LEVEL SECURITY; UPDATE r SET id = 2; ALTER TABLE r FORCE ROW LEVEL SECURITY",
		},
		"what only runs by itself, in a DO block": {
			before: "CREATE TABLE t (id int)", body: "DO $$ BEGIN EXECUTE 'VACUUM t'; END $$", hint: "write it in a section marked `no-transaction`",
			followed: "[no-transaction]VACUUM t",
		},
		"what only runs by itself, in a DO block outside": {
			before: "CREATE TABLE t (id int)", body: "[no-transaction]DO $$ BEGIN EXECUTE 'CREATE INDEX CONCURRENTLY i ON t (id)'; END $$", hint: "take it out of the function or DO block",
			followed: "[no-transaction]CREATE INDEX CONCURRENTLY i ON t (id)",
		},
		"a level of isolation, in a DO block": {
			before: "CREATE TABLE t (id int)", body: "DO $$ BEGIN SET LOCAL transaction_isolation = 'serializable'; END $$", hint: "isolation=repeatable-read",
			followed: "[isolation=repeatable-read]SELECT 1",
		},
		"COMMIT in a function": {
			before: "CREATE TABLE t (id int); CREATE PROCEDURE p() LANGUAGE plpgsql AS $$ BEGIN INSERT INTO t VALUES (1); COMMIT; END $$",
			body:   "CALL p()", hint: "no-transaction", followed: "[no-transaction]CALL p()",
		},
		"COMMIT in a function outside": {
			before: "CREATE TABLE t (id int); CREATE PROCEDURE p() LANGUAGE plpgsql AS $$ BEGIN INSERT INTO t VALUES (1); COMMIT; END $$; CREATE FUNCTION f() RETURNS void LANGUAGE plpgsql AS $$ BEGIN CALL p(); END $$",
			body:   "[no-transaction]SELECT f()", hint: "a procedure that CALL runs", followed: "[no-transaction]CALL p()",
		},
	} {
		t.Run(name, func(t *testing.T) {
			t.Parallel()
			f := newOwned(t, h.before)
			target := f.tenantOf(t, "a")
			f.up(t, target)
			if strings.Contains(h.body, "shared") {
				pgtest.Exec(t, f.admin, "CREATE SCHEMA shared AUTHORIZATION "+f.role)
			}
			e := f.with(t, h.before, h.body).fails(t, target, engine.Revision)
			if !strings.Contains(e.Advice, h.hint) {
				t.Errorf("the hint is %q, want %q", e.Advice, h.hint)
			}
			if h.by != nil {
				h.by(t, f.pgFleet)
			}
			f.with(t, h.before, h.followed).up(t, target)
		})
	}
}

// owned is a fleet whose role is no superuser, and owns the tenants.
type owned struct {
	*pgFleet
	admin, role string
}

func newOwned(t *testing.T, revs ...string) *owned {
	t.Helper()
	o := &owned{}
	server := pgtest.Server(t)
	t.Cleanup(func() { pgtest.Exec(t, server.URL, "DROP ROLE "+o.role) }) // after the database that it owns things in
	var database string
	o.admin, database = pgtest.Database(t, server)
	o.role = "owner_" + database
	pgtest.Exec(t, o.admin, "CREATE ROLE "+o.role+" LOGIN PASSWORD 'secret'; GRANT CREATE ON DATABASE "+pgtest.Quote(database)+" TO "+o.role)
	f := &pgFleet{url: asUser(o.admin, o.role, "secret"), database: database}
	f.db = openPostgres(t, postgres.Server{URL: f.url, SearchPath: []string{"public"}})
	o.pgFleet = f.with(t, revs...)
	return o
}

func (o *owned) tenantOf(t *testing.T, schema string) engine.Location {
	t.Helper()
	pgtest.Exec(t, o.admin, "CREATE SCHEMA "+schema+" AUTHORIZATION "+o.role)
	return pgTarget(o.database, schema)
}
