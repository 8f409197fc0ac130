package pgtest_test

import (
	"fmt"
	"strings"
	"testing"
	"time"

	"github.com/google/go-cmp/cmp"

	"github.com/skeindb/skein/integration/pgtest"
)

// structure has one of everything, and names that meet the schemas' names.
const structure = `
CREATE TYPE mood AS ENUM ('sad', 'ok');
CREATE DOMAIN posint AS int CHECK (VALUE > 0);
CREATE TYPE span AS RANGE (subtype = int4);
CREATE SEQUENCE numbers START 7;
CREATE FUNCTION twice(n int) RETURNS int LANGUAGE sql IMMUTABLE AS 'SELECT 2 * n';
CREATE TABLE tasks (id int GENERATED ALWAYS AS IDENTITY PRIMARY KEY, nr bigint DEFAULT nextval('numbers'), m mood DEFAULT 'ok', p posint,
	body text COLLATE "C" CHECK (body <> ''), len int GENERATED ALWAYS AS (twice(length(body))) STORED);
CREATE TABLE "Odd ""Table"".x" (k serial PRIMARY KEY, task int REFERENCES tasks ON DELETE CASCADE DEFERRABLE, at timestamptz DEFAULT now(), tasks int);
CREATE UNIQUE INDEX ON tasks (lower(body)) WHERE m = 'ok'::mood;
CREATE VIEW tasks_view AS SELECT tasks.id, tasks.body, s.k FROM tasks LEFT JOIN "Odd ""Table"".x" s ON s.task = tasks.id;
CREATE MATERIALIZED VIEW counts AS SELECT count(*) AS n, twice(1) AS two FROM tasks_view;
CREATE FUNCTION stamp() RETURNS trigger LANGUAGE plpgsql SET search_path FROM CURRENT AS $$ BEGIN NEW.nr := 1; RETURN NEW; END $$;
CREATE TRIGGER stamp BEFORE UPDATE ON tasks FOR EACH ROW EXECUTE FUNCTION stamp();
CREATE FUNCTION atomic() RETURNS bigint LANGUAGE sql BEGIN ATOMIC SELECT count(*) FROM tasks; END;
ALTER TABLE tasks ENABLE ROW LEVEL SECURITY;
CREATE POLICY own ON tasks USING (id = twice(nr::int));
CREATE TABLE parts (id int, at date) PARTITION BY RANGE (at);
CREATE TABLE parts_1 PARTITION OF parts FOR VALUES FROM ('2024-01-01') TO ('2025-01-01');
CREATE STATISTICS stats (dependencies) ON id, nr FROM tasks;
CREATE RULE quiet AS ON DELETE TO parts DO INSTEAD NOTHING;
CREATE OPERATOR <+> (LEFTARG = int, RIGHTARG = int, FUNCTION = int4pl);
CREATE VIEW sums AS SELECT 1 OPERATOR(%[1]s.<+>) 2 AS three;
COMMENT ON COLUMN tasks.body IS 'what to do';
GRANT SELECT ON tasks TO PUBLIC;
`

func build(t *testing.T, url, schema, extra string) {
	t.Helper()
	pgtest.Exec(t, url, fmt.Sprintf("CREATE SCHEMA %[1]s; SET search_path = %[1]s;"+structure, pgtest.Quote(schema))+extra)
}

func TestDumpIsFreeOfTheSchemasName(t *testing.T) {
	t.Parallel()
	url, _ := pgtest.Database(t, pgtest.Server(t))
	build(t, url, "plain", "")
	want := pgtest.Dump(t, url, "plain")
	names := []string{
		"tasks", "s", "k", "own", "select", "Odd-Name", `it's`, `say "x"`, `back\slash`, "müller", "a.b", "tenant_00001", "$1", "table", "x", " ", "twice",
		strings.Repeat("n", 63),
	}
	for _, name := range names {
		build(t, url, name, "CREATE TABLE skein_version (revision text PRIMARY KEY); CREATE TABLE skein_version_steps (k serial PRIMARY KEY)")
	}
	dumps := pgtest.DumpAll(t, url, names)
	for _, name := range names {
		if diff := cmp.Diff(strings.Split(want, "\n"), strings.Split(dumps[name], "\n")); diff != "" {
			t.Errorf("schema %q (-want +got):\n%s", name, diff)
		}
	}
	for line := range strings.SplitSeq(want, "\n") {
		if strings.Contains(line, "plain") {
			t.Errorf("the name is left in %q", line)
		}
	}
}

func TestDumpShowsEachChange(t *testing.T) {
	t.Parallel()
	url, _ := pgtest.Database(t, pgtest.Server(t))
	build(t, url, "want", "")
	want := pgtest.Dump(t, url, "want")
	changes := []string{
		"ALTER TABLE tasks ADD c int", "ALTER TABLE tasks ALTER nr SET DEFAULT 1", "ALTER TABLE tasks ALTER p SET NOT NULL",
		"ALTER TABLE tasks ALTER p TYPE bigint", "ALTER TABLE tasks DROP CONSTRAINT tasks_body_check", "CREATE INDEX ON tasks (nr)",
		"ALTER SEQUENCE numbers INCREMENT 2", "CREATE OR REPLACE VIEW sums AS SELECT 4 AS three", "CREATE OR REPLACE FUNCTION twice(n int) RETURNS int LANGUAGE sql IMMUTABLE AS 'SELECT n + n'",
		"ALTER TABLE tasks DISABLE TRIGGER stamp", "DROP POLICY own ON tasks", "ALTER TYPE mood ADD VALUE 'glad'", "ALTER DOMAIN posint SET DEFAULT 3",
		"REVOKE SELECT ON tasks FROM PUBLIC", "GRANT UPDATE (body) ON tasks TO PUBLIC", "COMMENT ON COLUMN tasks.body IS 'what was done'", "COMMENT ON TYPE mood IS 'a mood'",
		"ALTER TABLE parts DETACH PARTITION parts_1", "DROP RULE quiet ON parts", "ALTER TABLE tasks SET (fillfactor = 50)", "DROP OPERATOR <+> (int, int) CASCADE",
		`ALTER TABLE "Odd ""Table"".x" DROP CONSTRAINT "Odd ""Table"".x_task_fkey", ADD CONSTRAINT "Odd ""Table"".x_task_fkey" FOREIGN KEY (task) REFERENCES want.tasks ON DELETE CASCADE DEFERRABLE`,
	}
	names := make([]string, len(changes))
	for k, change := range changes {
		names[k] = fmt.Sprintf("changed_%d", k)
		build(t, url, names[k], change)
	}
	dumps := pgtest.DumpAll(t, url, names)
	for k, change := range changes {
		if dumps[names[k]] == want {
			t.Errorf("not seen: %s", change)
		}
	}
}

func TestDumpAllIsQuick(t *testing.T) {
	t.Parallel()
	url, _ := pgtest.Database(t, pgtest.Server(t))
	const n = 300
	names := pgtest.Schemas(t, url, "tenant_", n)
	var script strings.Builder
	for _, name := range names {
		fmt.Fprintf(&script, "SET search_path = %s; CREATE TABLE a (id serial PRIMARY KEY, b text UNIQUE); CREATE VIEW v AS SELECT id FROM a;", name)
	}
	pgtest.Exec(t, url, script.String())
	at := time.Now()
	dumps := pgtest.DumpAll(t, url, names)
	t.Logf("%d schemas in %s", n, time.Since(at).Round(time.Millisecond))
	for _, name := range names {
		if dumps[name] == "" || dumps[name] != dumps[names[0]] {
			t.Fatalf("%s: %s", name, cmp.Diff(dumps[names[0]], dumps[name]))
		}
	}
}
