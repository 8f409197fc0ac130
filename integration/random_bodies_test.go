package integration_test

import (
	"flag"
	"fmt"
	"strings"
	"sync"
	"testing"

	"github.com/google/go-cmp/cmp"
	"pgregory.net/rapid"

	"github.com/skeindb/skein/engine"
	"github.com/skeindb/skein/engine/postgres"
	"github.com/skeindb/skein/integration/pgtest"
)

var programs = flag.Int("programs", 6, "how many random chains of revisions are tried")

// programShapes are statements that leave, read and write things. Each works wherever it stands, any number of times;
// $n is a number of its own.
var programShapes = []string{
	"CREATE TABLE t$n (a int)", "CREATE TABLE t$n AS SELECT * FROM items", "CREATE TABLE t$n (LIKE items INCLUDING ALL)", "CREATE TABLE t$n (id serial, a int DEFAULT 7)",
	"ALTER TABLE items ADD c$n text", "ALTER TABLE items ADD c$n text DEFAULT 'x'", "ALTER TABLE items ADD c$n int DEFAULT size()", "ALTER TABLE items ADD c$n timestamptz",
	"CREATE INDEX ON items (id)", "CREATE INDEX ON items (lower(name))", "ALTER TABLE items ADD CHECK (id > -$n)", "COMMENT ON TABLE items IS '$n'",
	"INSERT INTO items (name) VALUES ('n$n')", "INSERT INTO items (name) SELECT name || '$n' FROM items LIMIT 3", "UPDATE items SET name = name || '$n'", "DELETE FROM items WHERE id = $n",
	"INSERT INTO notes SELECT 'own ' || current_schema() = 'own ' || current_schema()", "INSERT INTO notes SELECT string_agg(name, ',' ORDER BY id) FROM items",
	"INSERT INTO notes SELECT count(*) FROM pg_class WHERE relnamespace = pg_my_temp_schema()", "INSERT INTO notes SELECT current_setting('work_mem')",
	"INSERT INTO notes SELECT current_setting('statement_timeout')", "INSERT INTO notes SELECT current_setting('session_replication_role')", "INSERT INTO notes SELECT current_user = session_user",
	"INSERT INTO notes SELECT current_setting('DateStyle')", "INSERT INTO notes SELECT to_char(date '2020-02-03', 'TMMonth') || date '2020-02-03'", "INSERT INTO notes SELECT count(*) FROM pg_prepared_statements",
	"INSERT INTO notes SELECT count(*) FROM pg_cursors WHERE name <> ''", "INSERT INTO notes SELECT count(*) FROM pg_listening_channels()",
	"INSERT INTO notes SELECT count(*) FROM pg_locks WHERE locktype = 'advisory' AND pid = pg_backend_pid() AND objid = 77",
	"INSERT INTO notes SELECT array_length(current_schemas(false), 1)", "DO $$ BEGIN INSERT INTO notes SELECT lastval(); EXCEPTION WHEN object_not_in_prerequisite_state THEN NULL; END $$",
	"DO $$ BEGIN INSERT INTO notes SELECT x FROM scratch; EXCEPTION WHEN undefined_table THEN NULL; END $$",
	"CREATE TEMP TABLE IF NOT EXISTS scratch AS SELECT string_agg(name, ',' ORDER BY id) AS x FROM items", "DO $$ BEGIN CREATE TEMP TABLE IF NOT EXISTS scratch AS SELECT name AS x FROM items; END $$",
	"DO $$ BEGIN SET work_mem = '77MB'; END $$", "DO $$ BEGIN SET session_replication_role = replica; END $$", "DO $$ BEGIN SET statement_timeout = '77s'; END $$", "DO $$ BEGIN SET datestyle = 'German'; END $$",
	"DO $$ BEGIN SET default_transaction_read_only = on; END $$", "DO $$ BEGIN SET row_security = on; END $$", "SELECT keep('work_mem', '33MB')", "SELECT keep('lock_timeout', '44s')", "SET LOCAL work_mem = '55MB'",
	"PREPARE p$n AS SELECT 1", "LISTEN c$n", "DECLARE c$n CURSOR WITH HOLD FOR SELECT 1", "SELECT pg_advisory_lock(77)", "SELECT setseed(0.5)", "SELECT nextval('items_id_seq')", "SELECT setval('items_id_seq', 1$n)",
	"CREATE OR REPLACE FUNCTION size() RETURNS int LANGUAGE sql AS 'SELECT count(*)::int FROM items'", "CREATE OR REPLACE VIEW shown AS SELECT name FROM items", "INSERT INTO notes SELECT max(name) FROM shown",
	"CREATE OR REPLACE FUNCTION noted() RETURNS trigger LANGUAGE plpgsql AS $$ BEGIN INSERT INTO notes SELECT 'noted ' || NEW.name; PERFORM set_config('work_mem', '22MB', false); RETURN NEW; END $$",
	"CREATE TRIGGER n$n AFTER INSERT ON items FOR EACH ROW EXECUTE FUNCTION noted()", "INSERT INTO children VALUES (1)", "SET CONSTRAINTS ALL IMMEDIATE", "DROP TABLE IF EXISTS t$n CASCADE", "GRANT SELECT ON items TO PUBLIC",
	"INSERT INTO notes SELECT size()", "TRUNCATE notes", "INSERT INTO notes SELECT name FROM items ORDER BY id LIMIT 2",
}

const programTenant = `CREATE TABLE %[1]s.items (id serial PRIMARY KEY, name text); INSERT INTO %[1]s.items (name) SELECT 'tenant %[2]d ' || i FROM generate_series(1, %[2]d + 1) i;
CREATE TABLE %[1]s.notes (what text); CREATE TABLE %[1]s.children (id int REFERENCES %[1]s.items DEFERRABLE INITIALLY DEFERRED);
CREATE VIEW %[1]s.shown AS SELECT name FROM %[1]s.items;
CREATE FUNCTION %[1]s.noted() RETURNS trigger LANGUAGE plpgsql AS $$ BEGIN RETURN NEW; END $$;
CREATE FUNCTION %[1]s.size() RETURNS int LANGUAGE sql AS 'SELECT 3'; CREATE FUNCTION %[1]s.keep(text, text) RETURNS text LANGUAGE sql AS 'SELECT set_config($1, $2, false)'`

// TestTenantsOfOneConnectionEqualThoseMigratedAlone runs random chains for five tenants on two connections.
func TestTenantsOfOneConnectionEqualThoseMigratedAlone(t *testing.T) {
	t.Parallel()
	f := newPgFleet(t, postgres.Server{MaxConnections: 2})
	for n := range *programs {
		bodies := rapid.Custom(randomBodies).Example(n)
		shared := f.with(t, bodies...)
		errs := make([]error, 5)
		var jobs []engine.Job
		for k := range errs {
			for _, role := range []string{"alone", "shared"} {
				schema := fmt.Sprintf("%s_%d_%d", role, n, k)
				target := f.tenant(t, schema)
				pgtest.Exec(t, f.url, fmt.Sprintf(programTenant, schema, k))
				if role == "shared" {
					jobs = append(jobs, shared.job(t, target))
				}
			}
		}
		var all sync.WaitGroup
		for k, job := range jobs {
			all.Go(func() { _, errs[k] = shared.Apply(t.Context(), job) })
		}
		all.Wait()
		for k := range errs {
			alone := *f
			alone.db = openPostgres(t, postgres.Server{URL: f.url, MaxConnections: 1})
			single := alone.with(t, bodies...)
			_, err := single.Apply(t.Context(), single.job(t, pgTarget(f.database, fmt.Sprintf("alone_%d_%d", n, k))))
			if (err == nil) != (errs[k] == nil) {
				t.Errorf("alone: %v; shared: %v", err, errs[k])
			}
			_ = alone.db.Close()
			if diff := cmp.Diff(f.everything(t, fmt.Sprintf("alone_%d_%d", n, k)), f.everything(t, fmt.Sprintf("shared_%d_%d", n, k))); diff != "" {
				t.Errorf("program %d, tenant %d (-alone +shared):\n%s\n%s", n, k, diff, strings.Join(bodies, "\n--\n"))
			}
		}
	}
}

// randomBodies draws the bodies of 2 to 6 revisions.
func randomBodies(t *rapid.T) []string {
	n := 0
	shape := rapid.Map(rapid.SampledFrom(programShapes), func(s string) string { n++; return strings.ReplaceAll(s, "$n", fmt.Sprint(n)) })
	body := rapid.Map(rapid.SliceOfN(shape, 1, 5), func(s []string) string { return strings.Join(s, ";\n") })
	return rapid.SliceOfN(body, 2, 6).Draw(t, "bodies")
}

// everything is the structure of a schema and its rows.
func (f *pgFleet) everything(t *testing.T, schema string) string {
	t.Helper()
	rows := f.scalar(t, `SELECT coalesce(string_agg(c.relname || ': ' || query_to_xml(format('SELECT * FROM %I.%I', n.nspname, c.relname), true, false, '')::text, E'\n' ORDER BY c.relname), '')
FROM pg_class c JOIN pg_namespace n ON n.oid = c.relnamespace WHERE n.nspname = '`+schema+`' AND c.relkind IN ('r', 'S') AND c.relname NOT LIKE 'skein_version%'`)
	return strings.ReplaceAll(pgtest.Dump(t, f.url, schema)+"\n"+rows, schema, "<own>")
}
