package integration_test

import (
	"fmt"
	"os"
	"path/filepath"
	"strings"
	"testing"
	"testing/fstest"

	"github.com/google/go-cmp/cmp"

	"github.com/skeindb/skein/engine/revision"
	"github.com/skeindb/skein/integration/skeintest"
)

// noticeMessages are the messages of the notices of a line about a tenant, or of a report.
func noticeMessages(of any) []string {
	var texts []string
	list, _ := of.([]any)
	for _, n := range list {
		n, _ := n.(map[string]any)
		texts = append(texts, fmt.Sprintf("%s %s (%s:%v)", n["severity"], n["message"], n["file"], n["line"]))
	}
	return texts
}

// noticing is revisions whose bodies cause notices: by a statement, at the commit, in a loop, and outside a transaction.
func noticing() fstest.MapFS {
	return fstest.MapFS{
		"n1_m.sql": {Data: []byte(header("n1", "none") + "-- upgrade\nCREATE TABLE d (e text);\nDROP TABLE IF EXISTS nothing;\n" +
			"DO $$ BEGIN RAISE WARNING 'rows of % skipped', current_schema(); RAISE INFO 'not this'; END $$;\n")},
		"n2_m.sql": {Data: []byte(header("n2", "n1") + "-- upgrade: own-transaction\n" +
			"CREATE FUNCTION late() RETURNS trigger LANGUAGE plpgsql AS $$ BEGIN RAISE NOTICE 'late'; RETURN NULL; END $$;\n" +
			"CREATE CONSTRAINT TRIGGER late AFTER INSERT ON d DEFERRABLE INITIALLY DEFERRED FOR EACH ROW EXECUTE FUNCTION late();\n" +
			"INSERT INTO d VALUES ('x');\n")},
		"n3_m.sql": {Data: []byte(header("n3", "n2") + "-- upgrade: no-transaction\nDO $$ BEGIN RAISE WARNING 'alone'; END $$;\n")},
	}
}

// TestNoticesAreKept follows notices into the lines of -v, the stream and the report. One connection serves
// all tenants, and each has its own notices.
func TestNoticesAreKept(t *testing.T) {
	t.Parallel()
	f := newFleet(t, revision.Postgres, 3, noticing(), "rollout: {concurrency: 1}\n")
	r := f.Must(0, "upgrade", "--json")
	for _, e := range r.Events() {
		if e["kind"] != "tenant" || e["outcome"] != "done" {
			continue
		}
		want := []string{
			`NOTICE table "nothing" does not exist, skipping (migrations/n1_m.sql:7)`,
			fmt.Sprintf("WARNING rows of %s skipped (migrations/n1_m.sql:8)", e["tenant"]),
			"NOTICE late (migrations/n2_m.sql:0)",
			"WARNING alone (migrations/n3_m.sql:6)",
		}
		if diff := cmp.Diff(want, noticeMessages(e["notices"])); diff != "" {
			t.Errorf("%s (-want +got):\n%s", e["tenant"], diff)
		}
	}
	var shown map[string]any
	f.Must(0, "rollout", "show", "--json").JSON(&shown)
	if all := noticeMessages(shown["notices"]); len(all) != 4 || !strings.HasPrefix(all[0], "WARNING rows of") {
		t.Errorf("the report has %q", all)
	}
	wantText(t, "rollout show -v", f.Must(0, "rollout", "show", "-v").Stdout, "\n4 notices from the servers\n", "3 ×  WARNING rows of", "revision n1, migrations/n1_m.sql:8", "3 ×  NOTICE late (revision n2, migrations/n2_m.sql)")
	brief := f.Must(0, "rollout", "show").Stdout
	wantText(t, "rollout show", brief, "\n2 warnings from the servers; -v shows them\n")
	if strings.Contains(brief, "skipped") {
		t.Errorf("without -v:\n%s", brief)
	}
}

// TestNoticesOfARehearsal shows that a rehearsal has them, too.
func TestNoticesOfARehearsal(t *testing.T) {
	t.Parallel()
	f := newFleet(t, revision.Postgres, 1, noticing(), "")
	wantText(t, "a rehearsal", f.Run("upgrade", "n2", "--rehearse", "-v").Stdout, "WARNING rows of "+f.ids[0]+" skipped", "NOTICE late")
}

// TestNoticesBeforeAFailure are shown with it, the last twenty of however many there were.
func TestNoticesBeforeAFailure(t *testing.T) {
	t.Parallel()
	loop := "DO $$ BEGIN FOR i IN 1..30000 LOOP RAISE NOTICE 'row % is fine', i; END LOOP; RAISE WARNING 'row 30001 is not'; RAISE EXCEPTION 'given up'; END $$;\n"
	f := newFleet(t, revision.Postgres, 2, fstest.MapFS{"n1_m.sql": {Data: []byte(header("n1", "none") + "-- upgrade\n" + loop)}}, "rollout: {max_failures: 100%}\n")
	r := f.Must(2, "upgrade", "--json")
	for _, e := range r.Events() {
		if e["kind"] != "tenant" || e["outcome"] != "failed" {
			continue
		}
		all := noticeMessages(e["notices"])
		if len(all) != 20 || all[19] != "WARNING row 30001 is not (migrations/n1_m.sql:6)" || all[0] != "NOTICE row 29982 is fine (migrations/n1_m.sql:6)" {
			t.Errorf("%d notices: %q", len(all), all)
		}
	}
	wantText(t, "rollout show", f.Run("rollout", "show").Stdout, "given up", "notices before the error:", "NOTICE row 30000 is fine", "WARNING row 30001 is not")
}

// TestValuesAreNotKept runs errors, notices and answers with values of rows under errors.values: false, and looks for
// them in all that skein shows, sends and keeps.
func TestValuesAreNotKept(t *testing.T) {
	t.Parallel()
	const secret = "ann@secret.org"
	box := newPostbox(t)
	body := "DO $$ DECLARE r record; BEGIN FOR r IN SELECT e FROM d LOOP RAISE WARNING 'look at %', r.e; END LOOP; END $$;\n"
	for _, test := range []struct{ name, body, gate, want string }{
		{"a value with quotation marks", body + "ALTER TABLE d ALTER COLUMN e TYPE int USING e::int;", "select true", "ERROR 22P02 invalid_text_representation"},
		{"a key", body + "INSERT INTO d SELECT e FROM d;\nCREATE UNIQUE INDEX d_e ON d (e);", "select true", "ERROR 23505 unique_violation: table d, constraint d_e"},
		{"a body's own error", body + "DO $$ BEGIN RAISE EXCEPTION 'not %', (SELECT e FROM d LIMIT 1) USING HINT = (SELECT e FROM d LIMIT 1), COLUMN = (SELECT e FROM d LIMIT 1); END $$;", "select true", "ERROR P0001 raise_exception"},
		{"a statement made of it", body + "DO $$ BEGIN EXECUTE format('SELECT %L::int', (SELECT e FROM d LIMIT 1)); END $$;", "select true", "ERROR 22P02 invalid_text_representation"},
		{"a lost cast in a gate", body, "select e::int = 1 from d", "ERROR 22P02 invalid_text_representation"},
		{"the answer of a gate", body, "select e from d", "the answer is not true"},
	} {
		t.Run(test.name, func(t *testing.T) {
			t.Parallel()
			path := "/" + strings.ReplaceAll(test.name, " ", "-")
			f := newFleet(t, revision.Postgres, 2, fstest.MapFS{"v1_m.sql": {Data: []byte(header("v1", "none") + "-- upgrade\n" + test.body + "\n")}}, fmt.Sprintf(
				"errors: {values: false}\nnotify: [{webhook: %q}]\nrollout: {waves: [{name: all, gate: {interval: 1s, checks: [{name: q, sql: %q, inconclusive: 0}]}}]}\n", box.URL+path, test.gate))
			for _, id := range f.ids {
				f.backend.exec(id, "CREATE TABLE d (e text)", `INSERT INTO d VALUES ('say "`+secret+`" now')`)
			}
			var all strings.Builder
			for _, args := range [][]string{{"upgrade", "-v"}, {"rollout", "show", "-v"}, {"rollout", "show", "--json"}, {"rollout", "resume", "--json"}} {
				r := f.Run(args...)
				all.WriteString(r.Stdout + r.Stderr)
			}
			wantText(t, "what is shown", all.String(), test.want, "WARNING 01000 warning")
			for _, post := range box.empty(path) {
				all.WriteString(post)
			}
			all.WriteString(textOfStore(t, f.Project))
			if at := strings.Index(all.String(), secret); at >= 0 {
				t.Errorf("…%s…", all.String()[max(0, at-300):min(all.Len(), at+100)])
			}
		})
	}
}

// TestValuesInFilesAreNotKept does the same for SQLite, whose errors have no fields.
func TestValuesInFilesAreNotKept(t *testing.T) {
	t.Parallel()
	const secret = "ann@secret.org"
	box := newPostbox(t)
	for _, test := range []struct{ name, body, gate, want string }{
		{"raised by a trigger", "INSERT INTO d VALUES (2);", "select 1", "error 1811 SQLITE_CONSTRAINT_TRIGGER"},
		{"a unique column", "CREATE TABLE u (e UNIQUE);\nINSERT INTO u SELECT e FROM d;", "select 1", "error 2067 SQLITE_CONSTRAINT_UNIQUE: constraint u.e"},
		{"a row without its parent", "CREATE TABLE p (e PRIMARY KEY);\nCREATE TABLE c (e REFERENCES p);\nINSERT INTO c SELECT e FROM d;", "select 1", "SQLITE_CONSTRAINT_FOREIGNKEY: table c"},
		{"the answer of a gate", "SELECT 1;", "select e from d", "the answer is not true"},
	} {
		t.Run(test.name, func(t *testing.T) {
			t.Parallel()
			path := "/" + strings.ReplaceAll(test.name, " ", "-")
			f := newFleet(t, revision.SQLite, 2, fstest.MapFS{"v1_m.sql": {Data: []byte(header("v1", "none") + "-- upgrade\n" + test.body + "\n")}}, fmt.Sprintf(
				"errors: {values: false}\nnotify: [{webhook: %q}]\nrollout: {waves: [{name: all, gate: {sql: %q}}]}\n", box.URL+path, test.gate))
			for _, id := range f.ids {
				f.backend.exec(id, "CREATE TABLE d (e)", "INSERT INTO d VALUES ('"+secret+"'), ('"+secret+"')",
					"CREATE TRIGGER no BEFORE INSERT ON d BEGIN SELECT RAISE(ABORT, 'not "+secret+"'); END")
			}
			var all strings.Builder
			for _, args := range [][]string{{"upgrade", "-v"}, {"rollout", "show", "--json"}} {
				r := f.Run(args...)
				all.WriteString(r.Stdout + r.Stderr)
			}
			wantText(t, "what is shown", all.String(), test.want)
			all.WriteString(strings.Join(box.empty(path), "\n") + textOfStore(t, f.Project))
			if at := strings.Index(all.String(), secret); at >= 0 {
				t.Errorf("…%s…", all.String()[max(0, at-300):min(all.Len(), at+100)])
			}
		})
	}
}

// textOfStore is all that the store's folder holds.
func textOfStore(t *testing.T, p *skeintest.Project) string {
	t.Helper()
	var all strings.Builder
	files, err := filepath.Glob(p.Path(".skein/*"))
	if err != nil || len(files) == 0 {
		t.Fatalf("no store: %v", err)
	}
	for _, file := range files {
		data, err := os.ReadFile(file)
		if err != nil {
			t.Fatal(err)
		}
		all.Write(data)
	}
	return all.String()
}
