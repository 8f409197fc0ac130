package integration_test

import (
	"fmt"
	"strings"
	"testing"

	"github.com/skeindb/skein/engine"
	"github.com/skeindb/skein/engine/postgres"
	"github.com/skeindb/skein/integration/pgtest"
)

// sharedKinds are objects of each kind that a search path finds, and bodies that use one by its bare name. $s is a schema.
var sharedKinds = []struct {
	kind   string
	create string
	bodies []string
}{
	{"table", "CREATE TABLE $s.plans (id int PRIMARY KEY, name text); INSERT INTO $s.plans VALUES (1, 'free')", []string{
		"CREATE TABLE x AS SELECT * FROM plans", "INSERT INTO plans SELECT 7, name FROM public.plans", "ALTER TABLE plans ADD COLUMN y int", "DROP TABLE IF EXISTS plans",
		"CREATE VIEW v AS SELECT id FROM plans", "UPDATE plans SET name = 'x'", "TRUNCATE plans", "CREATE INDEX i ON plans (name)", "COMMENT ON TABLE plans IS 'x'",
		"CREATE TABLE x (id int REFERENCES plans)", "CREATE TABLE x (LIKE plans)", "LOCK TABLE plans", "ALTER TABLE plans RENAME TO q", "SELECT 'plans'::regclass",
	}},
	{"index", "CREATE TABLE $s.b (id int); CREATE INDEX b_id ON $s.b (id)", []string{"DROP INDEX b_id", "ALTER INDEX b_id RENAME TO c_id", "REINDEX INDEX b_id"}},
	{"view", "CREATE VIEW $s.w AS SELECT 1 AS a", []string{"SELECT * FROM w", "DROP VIEW w", "ALTER VIEW w RENAME TO z"}},
	{"materialized view", "CREATE MATERIALIZED VIEW $s.mw AS SELECT 1 AS a", []string{"REFRESH MATERIALIZED VIEW mw", "DROP MATERIALIZED VIEW mw"}},
	{"sequence", "CREATE SEQUENCE $s.sq", []string{"SELECT nextval('sq')", "CREATE TABLE x (id bigint DEFAULT nextval('sq'))", "ALTER SEQUENCE sq RESTART 9", "DROP SEQUENCE sq", "SELECT setval('sq', 5)"}},
	{"enum", "CREATE TYPE $s.mood AS ENUM ('a')", []string{"CREATE TABLE x (m mood)", "ALTER TYPE mood ADD VALUE 'b'", "DROP TYPE mood", "SELECT 'a'::mood"}},
	{"composite type", "CREATE TYPE $s.pair AS (a int)", []string{"CREATE TABLE x (p pair)", "ALTER TYPE pair ADD ATTRIBUTE b int", "DROP TYPE pair"}},
	{"domain", "CREATE DOMAIN $s.posint AS int CONSTRAINT pos CHECK (VALUE > 0)", []string{"CREATE TABLE x (p posint)", "ALTER DOMAIN posint DROP CONSTRAINT pos", "DROP DOMAIN posint"}},
	{"function", "CREATE FUNCTION $s.fn() RETURNS int LANGUAGE sql AS 'SELECT 1'", []string{"CREATE TABLE x (a int DEFAULT fn())", "ALTER FUNCTION fn() COST 7", "DROP FUNCTION fn()", "SELECT fn()"}},
	{"overloaded function", "CREATE FUNCTION $s.rate(int) RETURNS int LANGUAGE sql AS 'SELECT 1'; CREATE FUNCTION own.rate(text, text, text) RETURNS int LANGUAGE sql AS 'SELECT 1'", []string{
		"SELECT rate(1)", "DROP FUNCTION rate(int)", "COMMENT ON FUNCTION rate(int) IS 'x'", "REVOKE ALL ON FUNCTION rate(int) FROM PUBLIC", "CREATE VIEW v AS SELECT rate(1)"}},
	{"aggregate", "CREATE AGGREGATE $s.agg (int) (SFUNC = int4pl, STYPE = int)", []string{"SELECT agg(1)", "DROP AGGREGATE agg(int)"}},
	{"operator", "CREATE OPERATOR $s.=~= (LEFTARG = int, RIGHTARG = int, FUNCTION = int4eq)", []string{"SELECT 1 =~= 1", "DROP OPERATOR =~= (int, int)"}},
	{"collation", "CREATE COLLATION $s.coll (LOCALE = 'C')", []string{"CREATE TABLE x (a text COLLATE coll)", "ALTER COLLATION coll RENAME TO coll2", "DROP COLLATION IF EXISTS coll"}},
	{"text search configuration", "CREATE TEXT SEARCH CONFIGURATION $s.cfg (COPY = pg_catalog.simple)", []string{
		"SELECT to_tsvector('cfg', 'x')", "ALTER TEXT SEARCH CONFIGURATION cfg DROP MAPPING FOR word", "DROP TEXT SEARCH CONFIGURATION IF EXISTS cfg"}},
	{"text search dictionary", "CREATE TEXT SEARCH DICTIONARY $s.dict (TEMPLATE = pg_catalog.simple)", []string{
		"SELECT ts_lexize('dict', 'x')", "ALTER TEXT SEARCH DICTIONARY dict (Accept = false)", "DROP TEXT SEARCH DICTIONARY dict"}},
	{"statistics", "CREATE TABLE $s.st (a int, b int); CREATE STATISTICS $s.st_ab ON a, b FROM $s.st", []string{"ALTER STATISTICS st_ab SET STATISTICS 10", "DROP STATISTICS st_ab"}},
	{"conversion", "CREATE CONVERSION $s.conv FOR 'UTF8' TO 'LATIN1' FROM utf8_to_iso8859_1", []string{"ALTER CONVERSION conv RENAME TO conv2", "DROP CONVERSION conv"}},
	{"operator class", "CREATE OPERATOR CLASS $s.oc FOR TYPE int USING btree AS OPERATOR 1 <, FUNCTION 1 btint4cmp(int, int)", []string{
		"CREATE TABLE x (a int); CREATE INDEX ON x (a oc)", "DROP OPERATOR CLASS oc USING btree"}},
}

// publicState is all that public holds, and the data of a table and a sequence in it.
const publicState = `SELECT string_agg(l, E'\n' ORDER BY l) FROM (
	SELECT row(relname, relkind, relnatts, relhasindex, relhasrules, relhastriggers)::text FROM pg_class WHERE relnamespace = 'public'::regnamespace
	UNION ALL SELECT row(a.attrelid::regclass, attname, atttypid, attisdropped)::text FROM pg_attribute a JOIN pg_class c ON c.oid = attrelid WHERE relnamespace = 'public'::regnamespace
	UNION ALL SELECT t::text FROM pg_type t WHERE typnamespace = 'public'::regnamespace
	UNION ALL SELECT p::text FROM pg_proc p WHERE pronamespace = 'public'::regnamespace
	UNION ALL SELECT p::text FROM pg_operator p WHERE oprnamespace = 'public'::regnamespace
	UNION ALL SELECT p::text FROM pg_collation p WHERE collnamespace = 'public'::regnamespace
	UNION ALL SELECT p::text FROM pg_constraint p WHERE connamespace = 'public'::regnamespace
	UNION ALL SELECT p::text FROM pg_ts_config p WHERE cfgnamespace = 'public'::regnamespace
	UNION ALL SELECT p::text FROM pg_ts_config_map p JOIN pg_ts_config c ON c.oid = mapcfg WHERE cfgnamespace = 'public'::regnamespace
	UNION ALL SELECT p::text FROM pg_ts_dict p WHERE dictnamespace = 'public'::regnamespace
	UNION ALL SELECT p::text FROM pg_statistic_ext p WHERE stxnamespace = 'public'::regnamespace
	UNION ALL SELECT p::text FROM pg_conversion p WHERE connamespace = 'public'::regnamespace
	UNION ALL SELECT p::text FROM pg_opclass p WHERE opcnamespace = 'public'::regnamespace
	UNION ALL SELECT p::text FROM pg_enum p JOIN pg_type t ON t.oid = enumtypid WHERE typnamespace = 'public'::regnamespace
	UNION ALL SELECT p::text FROM pg_description p WHERE objoid = 'public.plans'::regclass
	UNION ALL SELECT p::text FROM public.plans p
	UNION ALL SELECT row(last_value, is_called)::text FROM public.sq) x(l)`

func TestNamesThatATenantLacksAreRefusedWhateverTheyAre(t *testing.T) {
	t.Parallel()
	f := newPgFleet(t, postgres.Server{SearchPath: []string{"public"}}, "SELECT 1")
	for _, k := range sharedKinds {
		shared, _, _ := strings.Cut(k.create, "; CREATE FUNCTION own.")
		pgtest.Exec(t, f.url, strings.ReplaceAll(shared, "$s", "public"))
	}
	before, n := f.scalar(t, publicState), 0
	for _, k := range sharedKinds {
		for _, body := range k.bodies {
			for _, options := range []string{"", "[no-transaction]\n", "[own-transaction]\n"} {
				with := f.with(t, options+body)
				for _, has := range []bool{true, false} {
					n++
					target := f.tenant(t, fmt.Sprintf("t%d", n))
					shared, own := k.create, ""
					if at := strings.Index(k.create, "; CREATE FUNCTION own."); at > 0 { // what each tenant has
						shared, own = k.create[:at], strings.ReplaceAll(k.create[at+2:], "own.", target.Schema+".")
						pgtest.Exec(t, f.url, own)
					}
					if has {
						pgtest.Exec(t, f.url, strings.ReplaceAll(shared, "$s", target.Schema))
					}
					job := with.job(t, target)
					screened := with.Screen(t.Context(), []engine.Job{job})[0]
					_, err := with.Apply(t.Context(), job) // as if another session took it away since it was screened
					what := fmt.Sprintf("%s, %s%s, tenant has it: %t", k.kind, options, body, has)
					if has {
						if screened != nil || err != nil {
							t.Errorf("%s: screened: %v; upgraded: %v", what, screened, err)
						}
						continue
					}
					for half, err := range map[string]error{"screened": screened, "upgraded": err} {
						e, ok := err.(*engine.Error)
						if !ok || e.Class != engine.Guard || e.Revision != "r1" || e.Line == 0 || !strings.Contains(e.Message, "public.") || e.Statement == "" {
							t.Errorf("%s: %s: %v", what, half, err)
						}
					}
				}
			}
		}
	}
	if after := f.scalar(t, publicState); after != before {
		t.Errorf("public was changed:\n%s\nwas:\n%s", after, before)
	}
	t.Logf("%d combinations", n)
}

// screened runs bodies as revisions for a tenant and returns the revision for which it is refused before anything runs,
// and the one for which the upgrade is; "" = it is not.
func (f *pgFleet) screened(t *testing.T, target engine.Location) (before, at string) {
	t.Helper()
	job := f.job(t, target)
	revisionOf := func(err error) string {
		if err == nil {
			return ""
		}
		e, ok := err.(*engine.Error)
		if !ok || e.Class != engine.Guard {
			t.Fatalf("%v", err)
		}
		return e.Revision
	}
	before = revisionOf(f.Screen(t.Context(), []engine.Job{job})[0])
	_, err := f.Apply(t.Context(), job)
	return before, revisionOf(err)
}

func TestNamesAlongAChain(t *testing.T) {
	t.Parallel()
	f := newPgFleet(t, postgres.Server{SearchPath: []string{"public"}}, "SELECT 1")
	pgtest.Exec(t, f.url, "CREATE TABLE public.plans (id serial PRIMARY KEY, n int UNIQUE); CREATE TYPE public.mood AS ENUM ('a'); CREATE TABLE public.log (m text); CREATE TABLE public.line (a int); "+
		"CREATE OPERATOR public.=~= (LEFTARG = int, RIGHTARG = int, FUNCTION = int4eq); CREATE AGGREGATE public.agg (int) (SFUNC = int4pl, STYPE = int); "+
		"CREATE OPERATOR CLASS public.oc FOR TYPE int USING btree AS OPERATOR 1 <, FUNCTION 1 btint4cmp(int, int); CREATE FUNCTION public.rate(a int, b int DEFAULT 1) RETURNS int LANGUAGE sql AS 'SELECT 1'")
	const table, own = "CREATE TABLE plans (id serial PRIMARY KEY, n int UNIQUE)", "[own-transaction]\n"
	n := 0
	for _, c := range []struct {
		name       string
		chain      []string
		before, at string
	}{
		{"made before", []string{table, "INSERT INTO plans DEFAULT VALUES"}, "", ""},
		{"made before in another transaction", []string{own + table, own + "INSERT INTO plans DEFAULT VALUES"}, "", ""},
		{"made in the same step", []string{table + "; UPDATE plans SET n = 1"}, "", ""},
		{"made if it is not there", []string{"CREATE TABLE IF NOT EXISTS plans (id int); INSERT INTO plans VALUES (1)"}, "", ""},
		{"made after", []string{"UPDATE plans SET n = 1; " + table}, "r1", "r1"},
		{"made of its namesake", []string{"CREATE TABLE plans AS SELECT * FROM plans"}, "r1", "r1"},
		{"dropped in between", []string{table, "DROP TABLE plans", "INSERT INTO plans DEFAULT VALUES"}, "r3", "r3"},
		{"dropped and made again", []string{table, "DROP TABLE plans; CREATE TABLE plans (id int)", "INSERT INTO plans VALUES (1)"}, "", ""},
		{"renamed away", []string{table, "ALTER TABLE plans RENAME TO plans_old", "INSERT INTO plans DEFAULT VALUES"}, "r3", "r3"},
		{"renamed to", []string{"CREATE TABLE plans_new (id int)", "ALTER TABLE plans_new RENAME TO plans", "INSERT INTO plans VALUES (1)"}, "", ""},
		{"its sequence and its indexes", []string{table, "SELECT nextval('plans_id_seq'); ALTER INDEX plans_pkey RENAME TO k; DROP INDEX IF EXISTS plans_x_idx"}, "", ""},
		{"a temporary one does not hide it", []string{"CREATE TEMP TABLE plans (id int) ON COMMIT DROP; INSERT INTO plans VALUES (1)"}, "r1", "r1"},
		{"made by dynamic SQL", []string{"DO $$ BEGIN EXECUTE 'CREATE TABLE plans (n int)'; END $$", "INSERT INTO plans VALUES (1)"}, "", ""},
		{"not made by dynamic SQL", []string{"DO $$ BEGIN PERFORM 1; END $$", "INSERT INTO plans VALUES (1)"}, "", "r2"},
		{"dropped by dynamic SQL", []string{table, "UPDATE plans SET n = 1; DO $$ BEGIN EXECUTE 'DROP TABLE plans'; END $$; SELECT * FROM plans"}, "", "r2"},
		{"made by a function of the chain", []string{"CREATE FUNCTION make_it() RETURNS void LANGUAGE plpgsql AS $$ BEGIN CREATE TABLE plans (n int); END $$", "SELECT make_it()", "INSERT INTO plans VALUES (1)"}, "", ""},
		{"an operator that is dropped", []string{"CREATE OPERATOR =~= (LEFTARG = int, RIGHTARG = int, FUNCTION = int4eq); SELECT 1 =~= 1", "DROP OPERATOR =~= (int, int)", "SELECT 1 =~= 1"}, "", "r3"},
		{"an aggregate that is dropped", []string{"CREATE AGGREGATE agg (int) (SFUNC = int4pl, STYPE = int)", "DROP AGGREGATE agg(int)", "SELECT agg(1)"}, "", "r3"},
		{"an operator class that is dropped", []string{"CREATE OPERATOR CLASS oc FOR TYPE int USING btree AS OPERATOR 1 <, FUNCTION 1 btint4cmp(int, int)", "DROP OPERATOR CLASS oc USING btree", "DROP OPERATOR CLASS oc USING btree"}, "", "r3"},
		{"another overload", []string{"CREATE FUNCTION rate(text, text, text) RETURNS int LANGUAGE sql AS 'SELECT 2'; SELECT rate('a', 'b', 'c')", "SELECT rate(1)"}, "", "r2"},
		{"an overload with defaults", []string{"CREATE FUNCTION rate(a int, b int DEFAULT 1, c int DEFAULT 1) RETURNS int LANGUAGE sql AS 'SELECT 2'", "SELECT rate(1), rate(1, 2, 3)"}, "", ""},
		{"put into public by the chain", []string{"CREATE TABLE public.fresh1 (n int)", "INSERT INTO fresh1 VALUES (1)"}, "r2", "r2"},
		{"put into public by dynamic SQL", []string{"-- skein:touches public.fresh2\nDO $$ BEGIN CREATE TABLE public.fresh2 (n int); END $$", own + "CREATE TABLE x AS SELECT * FROM fresh2"}, "", "r2"},
		{"moved to public", []string{"CREATE TABLE fresh3 (n int)", "ALTER TABLE fresh3 SET SCHEMA public", "INSERT INTO fresh3 VALUES (1)"}, "r3", "r3"},
		{"declared", []string{"-- skein:touches public.plans\nINSERT INTO plans DEFAULT VALUES"}, "", ""},
		{"declared for another step", []string{"-- skein:touches public.plans\nINSERT INTO plans DEFAULT VALUES", "INSERT INTO plans DEFAULT VALUES"}, "r2", "r2"},
		{"qualified", []string{"INSERT INTO public.plans DEFAULT VALUES; SELECT 'a'::public.mood"}, "", ""},
		{"qualified and not", []string{"INSERT INTO plans SELECT * FROM public.plans"}, "r1", "r1"},
		{"only words", []string{"CREATE TABLE users (plans int, mood text, log text); INSERT INTO users VALUES (1, 'plans', 'log'); SELECT plans AS mood FROM users AS log; WITH log AS (SELECT 1) SELECT * FROM log"}, "", ""},
		{"a built-in type of the name of a shared table", []string{"CREATE TABLE shapes (l line)"}, "", ""},
		{"no-transaction, made before", []string{table, "[no-transaction]\nCREATE INDEX CONCURRENTLY i ON plans (n); UPDATE plans SET n = 1"}, "", ""},
		{"no-transaction, dropped in between", []string{table, "[no-transaction]\nDROP TABLE plans; UPDATE plans SET n = 1"}, "r2", "r2"},
		{"no-transaction, dropped by dynamic SQL", []string{table, "[no-transaction]\nDO $$ BEGIN EXECUTE 'DROP TABLE plans'; END $$; UPDATE plans SET n = 1"}, "", "r2"},
	} {
		n++
		target := f.tenant(t, fmt.Sprintf("c%d", n))
		before, at := f.with(t, c.chain...).screened(t, target)
		if before != c.before || at != c.at {
			t.Errorf("%s: refused before for %q, want %q; while it runs for %q, want %q", c.name, before, c.before, at, c.at)
		}
	}
}

func TestScreenRefusesOnlyTenantsThatLackIt(t *testing.T) {
	t.Parallel()
	f := newPgFleet(t, postgres.Server{SearchPath: []string{"public"}}, "INSERT INTO plans VALUES (1)")
	pgtest.Exec(t, f.url, "CREATE TABLE public.plans (id int)")
	targets := []engine.Location{f.tenant(t, "a"), f.tenant(t, "b"), f.tenant(t, "c")}
	pgtest.Exec(t, f.url, "CREATE TABLE b.plans (id int)")
	standings := f.Survey(t.Context(), targets)
	jobs := []engine.Job{{Location: targets[0], Standing: standings[0]}}
	plan := f.job(t, targets[0]).Plan
	for i := range targets {
		jobs = append(jobs, engine.Job{Location: targets[i], Standing: standings[i], Plan: plan})
	}
	var got []bool
	for _, err := range f.Screen(t.Context(), jobs) {
		got = append(got, err != nil)
	}
	if fmt.Sprint(got) != "[false true false true]" {
		t.Errorf("refused %v", got)
	}
	// Taken away between the plan and its run.
	pgtest.Exec(t, f.url, "DROP TABLE b.plans")
	if _, err := f.Apply(t.Context(), jobs[2]); wantPgClass(t, err, engine.Guard).Revision != "r1" {
		t.Error(err)
	}
	// Put into public between the plan and its run, by another tenant.
	pgtest.Exec(t, f.url, "DROP TABLE public.plans")
	f.Survey(t.Context(), targets)
	maker := f.with(t, "CREATE TABLE public.plans (id int)")
	maker.up(t, targets[0])
	if _, err := f.Apply(t.Context(), jobs[2]); wantPgClass(t, err, engine.Guard).Revision != "r1" {
		t.Error(err)
	}
}

// TestARealHistoryNamesNothingThatItsTenantsLack has a copy of all that the history makes in public, under the same names.
func TestARealHistoryNamesNothingThatItsTenantsLack(t *testing.T) {
	t.Parallel()
	h := readHistory(t, "postgresql")
	f := newPgFleet(t, postgres.Server{SearchPath: []string{"public"}}, "SELECT 1")
	var bodies []string
	for _, n := range h.nodes {
		bodies = append(bodies, h.body(t, n.Up))
		pgtest.Exec(t, f.url, h.body(t, n.Up))
	}
	for i, options := range []string{"", "[own-transaction]\n", "[no-transaction]\n"} {
		chain := make([]string, len(bodies))
		for k := range bodies {
			chain[k] = options + bodies[k]
		}
		with, target := f.with(t, chain...), f.tenant(t, fmt.Sprintf("t%d", i))
		if before, at := with.screened(t, target); before != "" || at != "" {
			t.Errorf("%s: refused for %q and %q", options, before, at)
		}
		if dump := pgtest.Dump(t, f.url, target.Schema); !strings.Contains(dump, "auth_user") {
			t.Errorf("%s: not there:\n%s", options, dump)
		}
	}
}
