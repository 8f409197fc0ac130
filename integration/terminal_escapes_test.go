package integration_test

import (
	"encoding/json"
	"fmt"
	"strings"
	"testing"
	"testing/fstest"

	"github.com/skeindb/skein/engine/revision"
	"github.com/skeindb/skein/integration/pgtest"
	"github.com/skeindb/skein/integration/skeintest"
)

// paint is what a terminal would obey: a title, a cleared line, a green text, and letters from right to left.
const paint = "x\x1b]0;owned\x07\x1b[2K\x1b[1A\x1b[32mall done\x1b[0m\u202egnp"

// wantNoControlCodes fails the test when output would be obeyed by a terminal. JSON is read before it is shown, and is looked at in
// the same way.
func wantNoControlCodes(t *testing.T, r skeintest.Result, want string) {
	t.Helper()
	all := r.Stdout + r.Stderr
	if strings.ContainsAny(all, "\x1b\x07\u202e\u009b") {
		t.Errorf("skein %s lets through what a terminal obeys: %q", strings.Join(r.Args, " "), all)
	}
	if !strings.Contains(all, want) {
		t.Errorf("skein %s does not show %s:\n%s", strings.Join(r.Args, " "), want, all)
	}
}

// TestNothingForeignIsObeyed has commands to the terminal in the id, a label, a row, a notice and the answer of a gate.
func TestNothingForeignIsObeyed(t *testing.T) {
	t.Parallel()
	url, _ := pgtest.Database(t, pgtest.Server(t))
	escaped := strings.NewReplacer("\x1b", "\\x1b", "\x07", "\\x07", "\u202e", "\\u202e").Replace(paint)
	pgtest.Exec(t, url, "CREATE SCHEMA t_a", "CREATE TABLE t_a.users (email text)", "INSERT INTO t_a.users SELECT E'"+escaped+"' FROM generate_series(1, 2)")
	id, err := json.Marshal(map[string]any{"id": paint + "\t1 done", "schema": "t_a", "labels": map[string]string{"who": paint + "\n1 done"}})
	if err != nil {
		t.Fatal(err)
	}
	gate := `{waves: [{name: all, gate: {sql: "select email from users limit 1"}}]}`
	p := skeintest.New(t, fmt.Sprintf("fleet: acme\nservers: {main: {url: %q}}\ntenants: [{file: ids.jsonl}]\nrollout: %s\n", url, gate), fstest.MapFS{
		"r1_m.sql": {Data: []byte(header("r1", "none") + "-- upgrade\nSELECT 1;\n")},
		"r2_m.sql": {Data: []byte(header("r2", "r1") + "-- upgrade\nCREATE UNIQUE INDEX u ON users (email);\n")},
	})
	p.Write("ids.jsonl", string(id)+"\n")
	const shown = `\u001b[32mall done`
	for _, command := range []string{"tenants", "current", "upgrade r1", "rollout show", "upgrade -v", "rollout show", "--json tenants", "--json rollout show"} {
		r := p.Run(strings.Fields(command)...)
		want := shown
		if command == "rollout show" {
			want = "" // of the first, the answer of the gate is cut
		}
		wantNoControlCodes(t, r, want)
		if strings.Contains(r.Stdout, "\n1 done") {
			t.Errorf("skein %s: a label begins a line:\n%s", command, r.Stdout)
		}
	}
	var tenants []struct{ ID string }
	p.Must(0, "--json", "tenants").JSON(&tenants)
	if len(tenants) != 1 || tenants[0].ID != paint+"\t1 done" {
		t.Errorf("JSON means another id: %q", tenants)
	}
}

// TestNamesOfFilesAreNotObeyed has commands to the terminal in the name of a SQLite file, and in what its trigger raises.
func TestNamesOfFilesAreNotObeyed(t *testing.T) {
	t.Parallel()
	f := newFleet(t, revision.SQLite, 1, fstest.MapFS{"r1_m.sql": {Data: []byte(header("r1", "none") + "-- upgrade\nINSERT INTO d VALUES (1);\n")}}, "")
	f.backend.exec(f.ids[0], "CREATE TABLE d (e)", "CREATE TRIGGER no BEFORE INSERT ON d BEGIN SELECT RAISE(ABORT, '"+paint+"'); END")
	wantNoControlCodes(t, f.Must(3, "upgrade"), `\u001b[32mall done`)
	wantNoControlCodes(t, f.Run("rollout", "show"), `\u001b[32mall done`)
}
