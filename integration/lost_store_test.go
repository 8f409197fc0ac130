package integration_test

import (
	"os"
	"path/filepath"
	"strings"
	"testing"

	"github.com/skeindb/skein/engine/revision"
	"github.com/skeindb/skein/integration/pgtest"
	"github.com/skeindb/skein/integration/skeintest"
)

// slowSecondStep are two steps. The second waits at the gate, and takes long enough for something to be noticed between tenants.
func slowSecondStep() []string {
	bodies := steps(2)
	bodies[1] = ": lock_timeout=0\n" + gate + bodies[1] + "SELECT pg_sleep(0.1);\n"
	return bodies
}

// lostStore is something that happens to the store's file while a rollout runs.
type lostStore struct {
	name  string
	spoil func(t *testing.T, dir string) // dir is the store's folder
	why   string                         // the rollout halts with; "" = it does not
	undo  func(t *testing.T, dir string) // nil = it cannot be undone
}

func rename(t *testing.T, from, to string) {
	t.Helper()
	if err := os.Rename(from, to); err != nil {
		t.Fatal(err)
	}
}

func removeAll(t *testing.T, path string) {
	t.Helper()
	if err := os.RemoveAll(path); err != nil {
		t.Fatal(err)
	}
}

var lostStores = []lostStore{
	{
		name: "removed", why: "was re", // removed; or replaced, by the store that the second command makes
		spoil: func(t *testing.T, dir string) { removeAll(t, dir) },
	},
	{
		name: "moved away", why: "was re",
		spoil: func(t *testing.T, dir string) { rename(t, dir, dir+"-elsewhere") },
		undo:  func(t *testing.T, dir string) { removeAll(t, dir); rename(t, dir+"-elsewhere", dir) },
	},
	{
		name: "replaced", why: "was replaced by another file",
		spoil: func(t *testing.T, dir string) {
			removeAll(t, dir)
			if err := os.Mkdir(dir, 0o700); err != nil {
				t.Fatal(err)
			}
			if err := os.WriteFile(filepath.Join(dir, "state.db"), nil, 0o600); err != nil {
				t.Fatal(err)
			}
		},
	},
	{
		name: "without its lock files",
		spoil: func(t *testing.T, dir string) {
			locks, err := filepath.Glob(filepath.Join(dir, "*.lock"))
			if err != nil || len(locks) == 0 {
				t.Fatalf("%v %v, want lock files", locks, err)
			}
			for _, lock := range locks {
				removeAll(t, lock)
			}
		},
	},
}

// TestLostStore takes the store away from a rollout that runs. It notices, and nothing runs beside it meanwhile.
func TestLostStore(t *testing.T) {
	t.Parallel()
	for _, c := range lostStores {
		t.Run(c.name, func(t *testing.T) {
			t.Parallel()
			const tenants = 60
			f := newFleet(t, revision.Postgres, tenants, inFiles(slowSecondStep()), "rollout: {per_server: 2}\n")
			f.Must(0, "upgrade", "r001")
			dir := f.Path(".skein")
			open := f.shut()
			p := f.start("upgrade", "--json")
			f.atGate(2)
			c.spoil(t, dir)
			for _, command := range [][]string{{"upgrade"}, {"downgrade", "base", "--yes"}} {
				message, hint := errorOf(f.Must(5, append(command, "--json")...))
				wantText(t, command[0], message, "rollout 20", "pid")
				wantText(t, command[0], hint, "wait for it")
			}
			open()
			r := p.end()
			report := r.Report()
			if c.why == "" {
				r.Want(0)
				f.want(nil, 2)
				return
			}
			r.Want(3)
			if report.State != "halted" || !strings.Contains(report.Reason, dir+"/state.db "+c.why) || report.Next != "" || report.Counts["pending"] == 0 {
				t.Errorf("got %+v\nwant State halted, Reason with %q, no Next, pending above 0", report, dir+"/state.db "+c.why)
			}
			f.want(nil, 1, 2)
			// What the reason says is to be done helps.
			again := []string{"upgrade"}
			if c.undo != nil {
				c.undo(t, dir)
				again = []string{"rollout", "resume"}
			} else {
				removeAll(t, dir)
			}
			f.Must(0, again...)
			f.want(nil, 2)
		})
	}
}

// yaml is the project's config.
func (f *testFleet) yaml() string {
	f.t.Helper()
	text, err := os.ReadFile(f.Path("skein.yaml"))
	if err != nil {
		f.t.Fatal(err)
	}
	return string(text)
}

// TestStoreByTwoPaths has two checkouts that share a store by symbolic links: of its file, not there yet, and of its
// folder.
func TestStoreByTwoPaths(t *testing.T) {
	t.Parallel()
	for name, link := range map[string]func(shared, dir string) error{
		"a link to the file": func(shared, dir string) error {
			if err := os.Mkdir(dir, 0o700); err != nil {
				return err
			}
			return os.Symlink(filepath.Join(shared, "state.db"), filepath.Join(dir, "state.db"))
		},
		"a link to the folder": os.Symlink,
	} {
		t.Run(name, func(t *testing.T) {
			t.Parallel()
			f := newFleet(t, revision.Postgres, 20, inFiles(slowSecondStep()), "rollout: {per_server: 2}\n")
			other := skeintest.New(t, f.yaml(), inFiles(slowSecondStep()))
			shared := t.TempDir()
			for _, p := range []*skeintest.Project{f.Project, other} {
				if err := link(shared, p.Path(".skein")); err != nil {
					t.Fatal(err)
				}
			}
			f.Must(0, "upgrade", "r001")
			open := f.shut()
			p := f.start("upgrade", "--json")
			f.atGate(2)
			message, _ := errorOf(other.Must(5, "upgrade", "--json"))
			wantText(t, name, message, "rollout 20", "pid")
			open()
			p.end().Want(0)
			other.Must(0, "rollout", "show")
			f.want(nil, 2)
		})
	}
}

// TestStoreWithTwoNames: SQLite names its journal after the path, so that two hard links would destroy the file.
func TestStoreWithTwoNames(t *testing.T) {
	t.Parallel()
	f := newFleet(t, revision.SQLite, 2, inFiles(steps(1)), "")
	f.Must(0, "rollout", "list")
	if err := os.Link(f.Path(".skein/state.db"), f.Path("other.db")); err != nil {
		t.Skipf("this file system has no hard links: %v", err)
	}
	message, hint := errorOf(f.Must(1, "upgrade", "--json"))
	wantText(t, "message", message, "state.db has 2 names")
	wantText(t, "hint", hint, "ln -s")
	f.want(nil, 0)
	removeAll(t, f.Path("other.db"))
	f.Must(0, "upgrade")
}

// TestLostStoreOnPostgres takes a store on a server away from a rollout in the ways of servers.
func TestLostStoreOnPostgres(t *testing.T) {
	t.Parallel()
	for _, c := range []struct {
		name, sql, why, undo string
	}{
		{"table dropped", "DROP TABLE skein.fact", `"skein.fact" does not exist`, ""},
		{"schema dropped", "DROP SCHEMA skein CASCADE", `"skein.rollout" does not exist`, ""},
		{
			"read-only", "ALTER DATABASE %s SET default_transaction_read_only = on; SELECT pg_terminate_backend(pid) FROM pg_stat_activity WHERE datname = current_database() AND pid <> pg_backend_pid()",
			"", "SET default_transaction_read_only = off; ALTER DATABASE %s RESET default_transaction_read_only",
		},
	} {
		t.Run(c.name, func(t *testing.T) {
			t.Parallel()
			server := pgtest.Server(t)
			url, name := pgtest.Database(t, server)
			f := newFleet(t, revision.Postgres, 60, inFiles(slowSecondStep()), "state: {store: \""+url+"\"}\nrollout: {per_server: 2}\n")
			f.Must(0, "upgrade", "r001")
			p := f.start("upgrade", "--json")
			p.must(isDone, 4)
			pgtest.Exec(t, url, strings.Split(strings.ReplaceAll(c.sql, "%s", name), "; ")...)
			r := p.end()
			r.Want(3)
			report := r.Report()
			if report.State != "halted" || !strings.Contains(report.Reason, c.why) || report.Counts["pending"] == 0 {
				t.Errorf("got %+v\nwant State halted, Reason with %q, pending above 0", report, c.why)
			}
			f.want(nil, 1, 2)
			switch c.name {
			case "table dropped":
				message, hint := errorOf(f.Must(1, "rollout", "resume", "--json"))
				wantText(t, "message", message, "the store in PostgreSQL", "does not exist")
				wantText(t, "hint", hint, "DROP SCHEMA skein CASCADE")
				pgtest.Exec(t, url, "DROP SCHEMA skein CASCADE")
				f.Must(0, "upgrade")
			case "schema dropped":
				f.Must(0, "upgrade")
			default:
				message, hint := errorOf(f.Must(1, "rollout", "resume", "--json"))
				wantText(t, "message", message, "store", "read-only")
				wantText(t, "hint", hint, "default_transaction_read_only")
				pgtest.Exec(t, url, strings.Split(strings.ReplaceAll(c.undo, "%s", name), "; ")...)
				f.Must(0, "rollout", "resume")
			}
			f.want(nil, 2)
		})
	}
}
