package integration_test

import (
	"flag"
	"fmt"
	"maps"
	"slices"
	"strings"
	"testing"

	"github.com/google/go-cmp/cmp"

	"github.com/skeindb/skein/engine"
	"github.com/skeindb/skein/engine/postgres"
	"github.com/skeindb/skein/integration/pgtest"
)

var everyWay = flag.Bool("every-way", false, "leave each thing behind in each way, not in a few")

// leftBehind are the things that a session can keep, each as a statement that leaves it. q and app are a sequence of
// the tenant and a role.
var leftBehind = map[string]string{
	"a temporary table":     "CREATE TEMP TABLE IF NOT EXISTS customers (id int)",
	"a temporary view":      "CREATE OR REPLACE TEMP VIEW customers_view AS SELECT 1 AS x",
	"a temporary function":  "CREATE OR REPLACE FUNCTION pg_temp.greet() RETURNS int LANGUAGE sql AS ''SELECT 1''",
	"a setting":             "SET work_mem = ''77MB''",
	"a setting by function": "SELECT set_config(''statement_timeout'', ''77000'', false)",
	"replication role":      "SET session_replication_role = replica",
	"the path":              "SELECT set_config(''search_path'', ''public'', false)",
	"read only":             "SET default_transaction_read_only = on",
	"row security":          "SET row_security = on",
	"a role":                "SET ROLE app_left",
	"a session's role":      "SET SESSION AUTHORIZATION app_left",
	"an advisory lock":      "SELECT pg_advisory_lock(4711)",
	"a prepared statement":  "PREPARE left_plan AS SELECT 1",
	"a cursor":              "DECLARE left_cursor CURSOR WITH HOLD FOR SELECT 1",
	"a channel":             "LISTEN left_channel",
	"the last value":        "SELECT nextval(''q'')",
}

// leaving are the ways to run a function f() that leaves something: what a tenant has, and the body that runs it.
var leaving = map[string]struct{ has, body string }{
	"call":             {"", "SELECT f()"},
	"DO":               {"", "DO $$ BEGIN PERFORM f(); END $$"},
	"SQL function":     {"CREATE FUNCTION g() RETURNS int LANGUAGE sql AS 'SELECT f()'", "SELECT g()"},
	"trigger":          {"CREATE TABLE x (id int); CREATE FUNCTION t() RETURNS trigger LANGUAGE plpgsql AS 'BEGIN PERFORM f(); RETURN NEW; END'; CREATE TRIGGER t BEFORE INSERT ON x FOR EACH ROW EXECUTE FUNCTION t()", "INSERT INTO x VALUES (1)"},
	"deferred trigger": {"CREATE TABLE x (id int); CREATE FUNCTION t() RETURNS trigger LANGUAGE plpgsql AS 'BEGIN PERFORM f(); RETURN NEW; END'; CREATE CONSTRAINT TRIGGER t AFTER INSERT ON x DEFERRABLE INITIALLY DEFERRED FOR EACH ROW EXECUTE FUNCTION t()", "INSERT INTO x VALUES (1)"},
	"rule":             {"CREATE TABLE x (id int); CREATE RULE r AS ON INSERT TO x DO ALSO SELECT f()", "INSERT INTO x VALUES (1)"},
	"default":          {"CREATE TABLE x (id int, y int DEFAULT f())", "INSERT INTO x VALUES (1)"},
	"new column":       {"CREATE TABLE x (id int); INSERT INTO x VALUES (1)", "ALTER TABLE x ADD y int DEFAULT f()"},
	"domain":           {"CREATE DOMAIN d AS int CHECK (f() > VALUE); CREATE TABLE x (id d)", "INSERT INTO x VALUES (0)"},
	"check":            {"CREATE TABLE x (id int); INSERT INTO x VALUES (0)", "ALTER TABLE x ADD CHECK (f() > id)"},
	"view":             {"CREATE VIEW v AS SELECT f() AS x", "CREATE TABLE y AS SELECT * FROM v"},
	"policy":           {"CREATE TABLE x (id int); INSERT INTO x VALUES (0); CREATE OPERATOR ## (FUNCTION = h, LEFTARG = int, RIGHTARG = int)", "UPDATE x SET id = id ## 1"},
	"index":            {"CREATE TABLE x (id int); INSERT INTO x VALUES (0)", "CREATE INDEX ON x ((h(id, 1)))"},
}

// seenBody writes down all that a body can see of its session.
const seenBody = `CREATE TABLE seen (what text);
INSERT INTO seen SELECT name || '=' || setting FROM pg_settings WHERE name NOT LIKE 'plpgsql.%' AND name NOT IN ('search_path', 'transaction_read_only', 'client_connection_check_interval');
INSERT INTO seen VALUES ('path ' || replace(current_setting('search_path'), current_schema(), '<own>')), ('users ' || session_user || ' ' || current_user);
INSERT INTO seen SELECT 'temporary ' || relname FROM pg_class WHERE relnamespace = pg_my_temp_schema();
INSERT INTO seen SELECT 'temporary ' || proname FROM pg_proc WHERE pronamespace = pg_my_temp_schema();
INSERT INTO seen SELECT 'lock' FROM pg_locks WHERE locktype = 'advisory' AND pid = pg_backend_pid() AND objid = 4711;
INSERT INTO seen SELECT 'prepared ' || name FROM pg_prepared_statements;
INSERT INTO seen SELECT 'cursor ' || name FROM pg_cursors WHERE name <> '';
INSERT INTO seen SELECT 'channel ' || c FROM pg_listening_channels() c;
DO $$ BEGIN INSERT INTO seen SELECT 'lastval ' || lastval(); EXCEPTION WHEN OTHERS THEN NULL; END $$`

func TestNoBodyLeavesAnythingInItsSession(t *testing.T) {
	t.Parallel()
	t.Run("direct", func(t *testing.T) {
		t.Parallel()
		leaveBehind(t, func(url string) string { return url }, nil)
	})
	t.Run("pooler", func(t *testing.T) {
		t.Parallel()
		leaveBehind(t, func(url string) string { return newTransactionPooler(t, url) }, []string{"DO", "trigger", "deferred trigger"})
	})
}

// leaveBehind lets tenants leave each thing in each way (ways; nil = all) and looks from the next revision's side, from the
// next tenant's, and from the one's after a failure.
func leaveBehind(t *testing.T, through func(url string) string, ways []string) {
	f := newPgFleet(t, postgres.Server{MaxConnections: 1})
	// Roles are the server's, and both tests may make this one.
	pgtest.Exec(t, f.url, `DO $$ BEGIN CREATE ROLE app_left; EXCEPTION WHEN OTHERS THEN NULL; END $$`)
	f.db = openPostgres(t, postgres.Server{URL: through(f.url), MaxConnections: 1})
	seen := func(schema string) string {
		return f.scalar(t, "SELECT string_agg(what, E'\n' ORDER BY what) FROM "+schema+".seen")
	}
	f.with(t, seenBody).up(t, f.tenant(t, "fresh"))
	want := seen("fresh")
	const few = 6 // of the combinations one in so many, other ways for each thing
	n := 0
	for i, thing := range slices.Sorted(maps.Keys(leftBehind)) {
		for k, way := range slices.Sorted(maps.Keys(leaving)) {
			if ways != nil && !slices.Contains(ways, way) || !*everyWay && (i+k)%few != 0 {
				continue
			}
			sql, how := leftBehind[thing], leaving[way]
			n++
			own := func(role string) engine.Location {
				schema := fmt.Sprintf("%s%d", role, n)
				target := f.tenant(t, schema)
				pgtest.Exec(t, f.url, fmt.Sprintf(`SET search_path = %s; CREATE SEQUENCE q; GRANT ALL ON SCHEMA %[1]s TO app_left;
CREATE FUNCTION f() RETURNS int LANGUAGE plpgsql AS $f$ BEGIN EXECUTE '%s'; RETURN 1; END $f$;
CREATE FUNCTION h(int, int) RETURNS int LANGUAGE plpgsql IMMUTABLE AS $f$ BEGIN PERFORM %[1]s.f(); RETURN 1; END $f$; %[3]s`, schema, sql, how.has))
				return target
			}
			check := func(schema, side string) {
				if diff := cmp.Diff(want, seen(schema)); diff != "" {
					t.Errorf("%s by %s, seen by %s (-fresh +seen):\n%s", thing, way, side, diff)
				}
			}
			a := own("a")
			chain := f.with(t, how.body, seenBody)
			if _, err := chain.Apply(t.Context(), chain.job(t, a)); err != nil {
				if !strings.Contains(err.Error(), "security-restricted") { // the server does not let it happen there
					t.Errorf("%s by %s: %v", thing, way, err)
				}
				continue
			}
			if way != "deferred trigger" { // it runs at the end of the chain
				check(a.Schema, "the next revision")
			}
			tryUp(t, f.with(t, seenBody), f.tenant(t, fmt.Sprintf("b%d", n)))
			check(fmt.Sprintf("b%d", n), "the next tenant")
			_, err := f.with(t, how.body+"; SELECT 1/0").Apply(t.Context(), f.with(t, how.body+"; SELECT 1/0").job(t, own("c")))
			if err == nil {
				t.Errorf("%s by %s: no error", thing, way)
			}
			tryUp(t, f.with(t, seenBody), f.tenant(t, fmt.Sprintf("d%d", n)))
			check(fmt.Sprintf("d%d", n), "the tenant after a failed one")
		}
	}
}

func tryUp(t *testing.T, f *pgFleet, target engine.Location) bool {
	t.Helper()
	_, err := f.Apply(t.Context(), f.job(t, target))
	if err != nil {
		t.Errorf("%s: %v", target.Schema, err)
	}
	return err == nil
}

func TestTheSeedOfOneTenantIsNotTheNextOnes(t *testing.T) {
	t.Parallel()
	f := newPgFleet(t, postgres.Server{MaxConnections: 1}, "SELECT setseed(0.5)")
	f.up(t, f.tenant(t, "a"))
	f.with(t, "CREATE TABLE seen AS SELECT random() AS x").up(t, f.tenant(t, "b"))
	foreseen := pgtest.QueryRows(t, f.url, "SELECT random() FROM (SELECT setseed(0.5) OFFSET 0) s")[0]
	if got := f.scalar(t, "SELECT x FROM b.seen"); got == foreseen {
		t.Errorf("random() was %s, as foreseen", got)
	}
}

func TestABodyThatMakesItsTransactionReadOnlyIsAMistakeOfTheRevision(t *testing.T) {
	t.Parallel()
	for _, body := range []string{
		"SELECT set_config('transaction_' || 'read_only', 'on', true)",
		"DO $$ BEGIN SET transaction_read_only = on; END $$; CREATE TABLE x (id int)",
	} {
		f := newPgFleet(t, postgres.Server{}, body)
		e := f.fails(t, f.tenant(t, "a"), engine.Revision)
		if e.Revision != "r1" || !strings.Contains(e.Advice, "read-only") {
			t.Errorf("%s: revision %q, advice %q", body, e.Revision, e.Advice)
		}
	}
}

func TestSectionsOutsideATransactionStartEachStatementInTheTenant(t *testing.T) {
	t.Parallel()
	f := newPgFleet(t, postgres.Server{}, "[no-transaction]SELECT leave(); CREATE TABLE IF NOT EXISTS orders (id int); VACUUM orders")
	target := f.tenant(t, "a")
	pgtest.Exec(t, f.url, `CREATE FUNCTION a.leave() RETURNS text LANGUAGE sql AS $$ SELECT pg_advisory_unlock_all(); SELECT set_config('default_transaction_read_only', 'on', false);
SELECT set_config('search_path', 'public', false) $$`)
	job := f.job(t, target)
	job.Attempt = 1
	if _, err := f.Apply(t.Context(), job); err != nil {
		t.Fatal(err)
	}
	if got := f.scalar(t, "SELECT oid::regclass FROM pg_class WHERE relname = 'orders'"); got != "a.orders" {
		t.Errorf("orders is %q", got)
	}
}
