package integration_test

import (
	"encoding/json"
	"fmt"
	"os"
	"path/filepath"
	"slices"
	"strings"
	"testing"

	"github.com/google/go-cmp/cmp"

	"github.com/skeindb/skein/engine/revision"
	"github.com/skeindb/skein/integration/pgtest"
	"github.com/skeindb/skein/integration/skeintest"
	"github.com/skeindb/skein/integration/sqlitetest"
)

// filesWithTables are SQLite tenants t01 and so on, over a chain of revisions u1, u2 that make tables of their name.
func filesWithTables(t *testing.T, n int) (*skeintest.Project, *fileHome) {
	t.Helper()
	home := &fileHome{t: t, dir: filepath.Join(t.TempDir(), "data")}
	for i := range n {
		home.create(fmt.Sprintf("t%02d", i+1))
	}
	p := skeintest.New(t, "fleet: f\n"+home.config()+"guards: {max_shrink: 100%}\n", nil)
	writeTable(p, "u1", "none")
	return p, home
}

func writeTable(p *skeintest.Project, id, on string) {
	p.Write("migrations/"+id+"_x.sql", fmt.Sprintf("-- revision: %[1]s\n-- revises: %s\n-- message: x\n\n-- upgrade\nCREATE TABLE %[1]s (x);\n\n-- downgrade\nDROP TABLE %[1]s;\n", id, on))
}

// latest is the id of the fleet's latest rollout.
func latest(t *testing.T, p *skeintest.Project) string {
	t.Helper()
	var list []struct{ ID string }
	p.Must(0, "rollout", "list", "--json").JSON(&list)
	if len(list) == 0 {
		t.Fatal("there is no rollout")
	}
	return list[0].ID
}

// takenDown are the tenants that a stream shows as done.
func takenDown(t *testing.T, r skeintest.Result) []string {
	t.Helper()
	var ids []string
	for _, e := range r.Events() {
		if e["kind"] == "tenant" && e["outcome"] == "done" {
			ids = append(ids, e["tenant"].(string))
		}
	}
	slices.Sort(ids)
	return ids
}

// TestRollbackLeavesWhatLaterRolloutsApplied has tenants made again, taken down and up again, stamped, restored, renamed
// and copied since.
func TestRollbackLeavesWhatLaterRolloutsApplied(t *testing.T) {
	t.Parallel()
	p, home := filesWithTables(t, 9)
	home.copy("t05", "backup")
	p.Must(0, "upgrade", "-q")
	first := latest(t, p)

	home.drop("t01") // and make it again
	home.create("t01")
	p.Must(0, "downgrade", "base", "--yes", "-q", "-t", "id=t02")
	p.Must(0, "upgrade", "-q", "-t", "id in (t01, t02)")
	p.Must(0, "stamp", "base", "-q", "-t", "id in (t03, t04)")
	p.Must(0, "stamp", "u1", "-q", "-t", "id=t03")
	home.drop("t05") // and restore it
	home.copy("backup", "t05")
	home.drop("backup")
	home.rename("t06", "t16")
	home.copy("t07", "t17")

	before := map[string][]versionRow{}
	for _, id := range []string{"t01", "t02", "t03", "t04", "t05"} {
		before[id] = home.rows(id)
	}
	r := p.Must(0, "rollout", "rollback", first, "--dry-run")
	wantWords(t, r.Stdout+r.Stderr, "t16, t17", "renamed or copied since", "5 tenants that rollout "+first+" changed have nothing of it any more")
	r = p.Must(0, "rollout", "rollback", first, "--yes", "--json")
	if diff := cmp.Diff([]string{"t07", "t08", "t09", "t16", "t17"}, takenDown(t, r)); diff != "" {
		t.Errorf("taken down were (-want +got):\n%s", diff)
	}
	for id, rows := range before {
		if diff := cmp.Diff(rows, home.rows(id), cmp.AllowUnexported(versionRow{})); diff != "" {
			t.Errorf("%s (-before +after):\n%s", id, diff)
		}
	}
	for _, id := range []string{"t07", "t08", "t09", "t16", "t17"} {
		if rows, tables := home.rows(id), home.tables(id); len(rows) > 0 || !slices.Equal(tables, []string{"own"}) {
			t.Errorf("%s has %v and %v", id, rows, tables)
		}
	}
	r = p.Run("rollout", "rollback", first, "--yes")
	r.Want(1)
	wantWords(t, r.Stderr, "there is nothing to take back")
}

// TestRollbackOfAnUpgradeThatAnotherFinished takes back a killed upgrade, and not what the one after it applied to tenants
// that the killed one was about to begin.
func TestRollbackOfAnUpgradeThatAnotherFinished(t *testing.T) {
	t.Parallel()
	f, open, p := startMidWave(t)
	p.kill()
	open()
	f.backend.quiet()
	killed := latest(t, f.Project)
	f.Must(0, "rollout", "abort", killed, "--reason", "start again")
	f.Must(0, "upgrade", "-q")
	f.want(nil, 2)
	var own []string
	for _, id := range f.ids {
		by := pgtest.QueryRows(t, f.url(), fmt.Sprintf("SELECT rollout FROM %s.skein_version WHERE revision = 'r002'", id))
		if by[0] == killed {
			own = append(own, id)
		}
	}
	if len(own) == 0 || len(own) == len(f.ids) {
		t.Fatalf("%d tenants were upgraded by the killed rollout", len(own))
	}
	r := f.Must(0, "rollout", "rollback", killed, "--yes", "--json")
	if diff := cmp.Diff(own, takenDown(t, r)); diff != "" {
		t.Errorf("taken down were (-want +got):\n%s", diff)
	}
	f.wantOf(own, nil, 1)
	f.wantOf(f.besides(own), nil, 2)
}

// TestRollbackByTheKeptDowngrade has the file of the upgrade taken out of the checkout: the way back was kept, and the
// output says so. A rollback that was halted continues with it.
func TestRollbackByTheKeptDowngrade(t *testing.T) {
	t.Parallel()
	p, home := filesWithTables(t, 3)
	p.Must(0, "upgrade", "-q")
	writeTable(p, "u2", "u1")
	p.Must(0, "upgrade", "-q")
	first := latest(t, p)
	p.Remove("migrations/u2_x.sql")
	marked := "revision u2 is taken down by the downgrade section that rollout " + first + " kept: its file, u2_x.sql, is not among the revisions here"
	r := p.Must(0, "rollout", "rollback", "--dry-run")
	wantWords(t, r.Stdout, marked)

	ids := []string{"t01", "t02", "t03"}
	for _, id := range ids { // it fails everywhere
		sqlitetest.Exec(t, home.path(id), "ALTER TABLE u2 RENAME TO other")
	}
	r = p.Run("rollout", "rollback", "--yes")
	r.Want(3)
	wantWords(t, r.Stdout+r.Stderr, marked, "u2_x.sql:9")
	for _, id := range ids {
		sqlitetest.Exec(t, home.path(id), "ALTER TABLE other RENAME TO u2")
	}
	r = p.Must(0, "rollout", "resume", "--json")
	if diff := cmp.Diff(ids, takenDown(t, r)); diff != "" {
		t.Errorf("taken down were (-want +got):\n%s", diff)
	}
	for _, id := range ids {
		if tables := home.tables(id); !slices.Equal(tables, []string{"own", "u1"}) {
			t.Errorf("%s has %v", id, tables)
		}
	}
}

// TestRollbackWithoutTheFile has nothing kept, and follows the hint: with the file back, it succeeds.
func TestRollbackWithoutTheFile(t *testing.T) {
	t.Parallel()
	p, home := filesWithTables(t, 3)
	p.Env = append(p.Env, "SKEIN_STATE__KEEP_DOWNGRADES=false")
	p.Must(0, "upgrade", "-q")
	writeTable(p, "u2", "u1")
	p.Must(0, "upgrade", "-q")
	text, err := os.ReadFile(p.Path("migrations/u2_x.sql"))
	if err != nil {
		t.Fatal(err)
	}
	p.Remove("migrations/u2_x.sql")
	for _, args := range [][]string{{"--yes"}, {"--yes", "--partial"}, {"--dry-run"}} {
		r := p.Run(append([]string{"rollout", "rollback", "--json"}, args...)...)
		r.Want(1)
		var said struct {
			Error struct{ Message, Hint string }
		}
		if err := json.Unmarshal([]byte(r.Stdout), &said); err != nil {
			t.Fatalf("%v: %s", err, r.Stdout)
		}
		wantWords(t, said.Error.Message, "3 tenants", "revision u2", "is not among the revisions here")
		wantWords(t, said.Error.Hint, "restore its file, u2_*.sql")
	}
	p.Write("migrations/u2_x.sql", string(text))
	p.Must(0, "rollout", "rollback", "--yes", "-q")
	for _, id := range []string{"t01", "t02", "t03"} {
		if tables := home.tables(id); !slices.Equal(tables, []string{"own", "u1"}) {
			t.Errorf("%s has %v", id, tables)
		}
	}
}

// TestRollbackAndResumeAwaitTenantsWithTheirOwnURL kills runs whose tenants bring their own URL: what a backend of a
// dead run is about to commit is waited for, and taken back.
func TestRollbackAndResumeAwaitTenantsWithTheirOwnURL(t *testing.T) {
	t.Parallel()
	f := newFleet(t, revision.Postgres, 2, nil, "")
	f.Write("migrations/r001_step.sql", "-- revision: r001\n-- revises: none\n-- message: x\n\n-- upgrade\n"+
		"CREATE TABLE made (x int);\nSET LOCAL client_connection_check_interval = 0;\n"+gate+"\n-- downgrade\nDROP TABLE made;\n")
	f.Write("tenants.jsonl", `{"id":"a","schema":"tenant_0001","url_env":"OWN_URL"}`+"\n"+`{"id":"b","schema":"tenant_0002","url_env":"OWN_URL"}`+"\n")
	f.Write("skein.yaml", "fleet: acme\nrevisions: {dialect: postgres}\ntenants: [{file: tenants.jsonl}]\nrollout: {concurrency: 2}\n")
	f.Env = append(f.Env, "OWN_URL="+f.url())
	for _, again := range []string{"resume", "rollback"} {
		open := f.shut()
		p := f.start("upgrade", "--json")
		f.atGate(2)
		p.kill()
		args := []string{"rollout", again, "--json"}
		if again == "rollback" {
			args = append(args, "--yes")
		}
		p = f.start(args...)
		waitUntil(t, "the "+again+" to say that it waits for the dead run", func() bool {
			return strings.Contains(p.Stderr(), "waiting for 2 backends of the earlier run on $OWN_URL")
		})
		open()
		p.end().Want(0)
		want := map[string]string{"resume": "2", "rollback": "0"}[again]
		if got := pgtest.QueryRows(t, f.url(), "SELECT count(*) FROM pg_tables WHERE tablename = 'made'")[0]; got != want {
			t.Errorf("after the %s %s tenants have the table, want %s", again, got, want)
		}
		f.Must(0, "downgrade", "base", "--yes", "-q")
	}
}

// TestResumeOfARollbackGoesByTheRows has a rollback halted, its tenants upgraded by another rollout, restored and renamed,
// and takes the rollback up again.
func TestResumeOfARollbackGoesByTheRows(t *testing.T) {
	t.Parallel()
	p, home := filesWithTables(t, 4)
	p.Must(0, "upgrade", "-q")
	first := latest(t, p)
	for _, id := range []string{"t01", "t02", "t03", "t04"} { // it fails everywhere
		sqlitetest.Exec(t, home.path(id), "DROP TABLE u1")
	}
	p.Must(3, "rollout", "rollback", "--yes", "-q")
	back := latest(t, p)
	for _, id := range []string{"t01", "t02", "t03", "t04"} {
		sqlitetest.Exec(t, home.path(id), "CREATE TABLE u1 (x)")
	}
	p.Must(0, "downgrade", "base", "--yes", "-q", "-t", "id=t01")
	p.Must(0, "upgrade", "-q", "-t", "id=t01")
	home.rename("t02", "t12")
	home.create("t02")
	before := home.rows("t01")

	r := p.Must(0, "rollout", "resume", back, "--json")
	wantWords(t, r.Stderr, "1 tenant that rollout "+first+" applied revisions to is not named by this rollback: t12; `skein rollout rollback "+first+"` takes them back")
	if diff := cmp.Diff([]string{"t03", "t04"}, takenDown(t, r)); diff != "" {
		t.Errorf("taken down were (-want +got):\n%s", diff)
	}
	if diff := cmp.Diff(before, home.rows("t01"), cmp.AllowUnexported(versionRow{})); diff != "" {
		t.Errorf("t01 (-before +after):\n%s", diff)
	}
	r = p.Must(0, "rollout", "rollback", first, "--yes", "--json")
	if diff := cmp.Diff([]string{"t12"}, takenDown(t, r)); diff != "" {
		t.Errorf("then taken down were (-want +got):\n%s", diff)
	}
}

// TestRollbackTakesTenantsAlongThatTheSourcesForget has a list that forgets one tenant which is there, and one which is not.
func TestRollbackTakesTenantsAlongThatTheSourcesForget(t *testing.T) {
	t.Parallel()
	p, home := filesWithTables(t, 3)
	list := func(ids ...string) {
		var lines strings.Builder
		for _, id := range ids {
			fmt.Fprintf(&lines, "{\"id\": %q, \"file\": %q}\n", id, filepath.Join(home.dir, id+".db"))
		}
		p.Write("tenants.jsonl", lines.String())
	}
	list("t01", "t02", "t03")
	p.Write("skein.yaml", "fleet: f\nrevisions: {dialect: sqlite}\ntenants: [{file: tenants.jsonl}]\nguards: {max_shrink: 100%}\n")
	p.Must(0, "upgrade", "-q")
	list("t01")
	if err := os.Remove(filepath.Join(home.dir, "t03.db")); err != nil {
		t.Fatal(err)
	}
	r := p.Must(0, "rollout", "rollback", "--yes", "--json")
	if got := takenDown(t, r); !slices.Equal(got, []string{"t01", "t02"}) {
		t.Errorf("taken down: %q\n%s", got, r.Stderr)
	}
	for _, want := range []string{"1 tenant is no longer listed by the sources, but is not gone: it stays in the rollout: t02", "t03"} {
		if !strings.Contains(r.Stderr+r.Stdout, want) {
			t.Errorf("no %q in\n%s%s", want, r.Stdout, r.Stderr)
		}
	}
}
