package integration_test

import (
	"fmt"
	"strings"
	"testing"
	"testing/fstest"

	"github.com/skeindb/skein/engine/revision"
	"github.com/skeindb/skein/integration/pgtest"
	"github.com/skeindb/skein/integration/skeintest"
)

// firstNames are schemas whose names have nothing in common, so that an error in all of them shows as one cause only where names do not count.
var firstNames = strings.Fields("anna bob carl dora emil fritz gina hans ida jan kim lea")

// sameError is a body that fails in every tenant for one reason, though the server words it differently in each. In SQL
// and in before, %s is the tenant's schema.
type sameError struct {
	name, before, body string
}

// TestSameErrorIsOneCause lets all tenants of a fleet fail with the same error. The tenth in a row halts the rollout, and the report has
// one cause.
func TestSameErrorIsOneCause(t *testing.T) {
	t.Parallel()
	for _, test := range []sameError{
		{"the schema's name stands bare", "", "DO $$ BEGIN RAISE EXCEPTION 'schema % has no owner', current_schema(); END $$;"},
		{"a value with quotation marks", `INSERT INTO %[1]s.d VALUES ('say "%[1]s" now');`, "ALTER TABLE d ALTER COLUMN e TYPE int USING e::int;"},
		{"dependent objects", "CREATE VIEW %[1]s.v_%[1]s AS SELECT * FROM %[1]s.d;", "DROP TABLE d;"},
		{"bytes", "INSERT INTO %[1]s.d VALUES (chr(20000 + (('x' || substr(md5('%[1]s'), 1, 4))::bit(16)::int) %% 9000));", "SELECT convert_to(e, 'LATIN1') FROM d;"},
		{"values in a detail", "INSERT INTO %[1]s.d VALUES ('%[1]s)=('), ('%[1]s)=(');", "CREATE UNIQUE INDEX d_e ON d (e);"},
		{"the tenant's name in that of an index", "CREATE UNIQUE INDEX ix_%[1]s_d ON %[1]s.d (e); INSERT INTO %[1]s.d VALUES ('x');", "INSERT INTO d VALUES ('x');"},
		{"raised by a trigger", `CREATE FUNCTION %[1]s.no() RETURNS trigger LANGUAGE plpgsql AS $$ BEGIN RAISE EXCEPTION 'no % here', NEW.e USING HINT = 'ask ' || NEW.e; END $$;
			CREATE TRIGGER no BEFORE INSERT ON %[1]s.d FOR EACH ROW EXECUTE FUNCTION %[1]s.no();`, "INSERT INTO d SELECT current_schema();"},
		{"raised by a function that names its schema", "CREATE FUNCTION %[1]s.no() RETURNS void LANGUAGE plpgsql SET search_path = pg_catalog AS $$ BEGIN RAISE EXCEPTION 'row %%', random(); END $$;", "SELECT no();"},
		{"a statement made of values", "", "DO $$ BEGIN EXECUTE format('SELECT %L::int', current_schema()); END $$;"},
		{"a document", `INSERT INTO %[1]s.d VALUES ('{"%[1]s": x}');`, "ALTER TABLE d ALTER COLUMN e TYPE jsonb USING e::jsonb;"},
	} {
		t.Run(test.name, func(t *testing.T) {
			t.Parallel()
			p := failingFleet(t, test.before, test.body)
			r := p.Must(3, "upgrade", "--json").Report()
			if !strings.HasPrefix(r.Reason, "systemic: 10 tenants in a row failed with the same error: ") || r.Counts["failed"] != 10 {
				t.Errorf("%s: %s, %v", r.State, r.Reason, r.Counts)
			}
			wantText(t, "the report", p.Run("rollout", "show").Stdout, "\n1 cause\n", "10 ×")
		})
	}
}

// TestOtherErrorsAreOtherCauses has two errors in one statement, or in two lines of one block, each in every other tenant.
func TestOtherErrorsAreOtherCauses(t *testing.T) {
	t.Parallel()
	for _, test := range []sameError{
		{"two constraints", "ALTER TABLE %[1]s.d ADD CONSTRAINT c1 CHECK (e <> 'a'), ADD CONSTRAINT c2 CHECK (e <> 'b');",
			"INSERT INTO d SELECT CASE WHEN ascii(current_schema()) % 2 = 0 THEN 'a' ELSE 'b' END;"},
		{"two lines of a block", "", "DO $$ BEGIN\nIF ascii(current_schema()) % 2 = 0 THEN RAISE EXCEPTION 'no'; END IF;\nRAISE EXCEPTION 'no'; END $$;"},
	} {
		t.Run(test.name, func(t *testing.T) {
			t.Parallel()
			p := failingFleet(t, test.before, test.body)
			p.Env = append(p.Env, "SKEIN_ROLLOUT__ON_FAILURE=continue")
			p.Must(2, "upgrade", "--json")
			wantText(t, "the report", p.Run("rollout", "show").Stdout, "\n2 causes\n")
		})
	}
}

// failingFleet has a schema and a table d (e text) for each of firstNames, and the one revision.
func failingFleet(t *testing.T, before, body string) *skeintest.Project {
	t.Helper()
	url, database := pgtest.Database(t, pgtest.Server(t))
	for _, schema := range firstNames {
		sql := "CREATE SCHEMA " + schema + "; CREATE TABLE " + schema + ".d (e text);"
		if before != "" {
			sql += fmt.Sprintf(before, schema)
		}
		pgtest.Exec(t, url, sql)
	}
	config := fmt.Sprintf("fleet: acme\nservers: {main: {url: %q}}\ntenants: [{server: main, include_databases: [%s], include_schemas: true}]\nrollout: {max_failures: 100%%, concurrency: 1}\n", url, database)
	return skeintest.New(t, config, fstest.MapFS{"r1_m.sql": {Data: []byte(header("r1", "none") + "-- upgrade\n" + body + "\n")}})
}

func header(id, revises string) string {
	return "-- revision: " + id + "\n-- revises: " + revises + "\n-- message: m\n\n"
}

// TestSQLiteErrorsAreOneCause does the same in files, where codes and statements make the cause.
func TestSQLiteErrorsAreOneCause(t *testing.T) {
	t.Parallel()
	for _, test := range []struct{ name, before, body, causes string }{
		{"raised by a trigger", "CREATE TABLE d (e); CREATE TRIGGER no BEFORE INSERT ON d BEGIN SELECT RAISE(ABORT, 'no %s here'); END", "INSERT INTO d VALUES (1);", "1 cause"},
		{"a unique column", "CREATE TABLE d (e); INSERT INTO d VALUES ('%[1]s'), ('%[1]s')", "CREATE UNIQUE INDEX d_e ON d (e);", "1 cause"},
	} {
		t.Run(test.name, func(t *testing.T) {
			t.Parallel()
			f := newFleet(t, revision.SQLite, 12, fstest.MapFS{"r1_m.sql": {Data: []byte(header("r1", "none") + "-- upgrade\n" + test.body + "\n")}}, "rollout: {max_failures: 100%, concurrency: 1}\n")
			for i, id := range f.ids {
				f.backend.exec(id, fmt.Sprintf(test.before, firstNames[i]))
			}
			r := f.Must(3, "upgrade", "--json").Report()
			if !strings.HasPrefix(r.Reason, "systemic: 10 tenants in a row failed with the same error: ") {
				t.Errorf("%s: %s", r.State, r.Reason)
			}
			wantText(t, "the report", f.Run("rollout", "show").Stdout, "\n"+test.causes+"\n")
		})
	}
}
