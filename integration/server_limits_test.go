package integration_test

import (
	"bytes"
	"fmt"
	"io/fs"
	"os"
	"path/filepath"
	"slices"
	"strings"
	"testing"

	"github.com/jackc/pgx/v5"

	"github.com/skeindb/skein/engine/revision"
	"github.com/skeindb/skein/integration/pgtest"
	"github.com/skeindb/skein/integration/skeintest"
	"github.com/skeindb/skein/integration/sqlitetest"
)

// TestFullServer leaves two connections to a rollout that would like eight.
func TestFullServer(t *testing.T) {
	t.Parallel()
	server := pgtest.New(t, pgtest.Options{Settings: map[string]string{"max_connections": "20", "superuser_reserved_connections": "3"}})
	url, _ := pgtest.Database(t, server)
	f := newFleetOfRole(t, url, "app", "LOGIN PASSWORD 'app'", "app", 80)
	f.Must(0, "upgrade", "r001")
	for range 15 { // 5 are left, of which 3 are for superusers
		pgtest.Connect(t, strings.Replace(server.DatabaseURL("postgres"), "sslmode=", "application_name=others&sslmode=", 1))
	}
	r := f.Must(0, "upgrade", "--json")
	wantFewerConnections(t, f, r)
}

// TestRoleLimit gives the role of a rollout three connections.
func TestRoleLimit(t *testing.T) {
	t.Parallel()
	url, name := pgtest.Database(t, pgtest.Server(t))
	f := newFleetOfRole(t, url, name, "LOGIN PASSWORD 'app' CONNECTION LIMIT 3", "app", 80)
	f.Must(0, "upgrade", "r001")
	r := f.Must(0, "upgrade", "--json")
	wantFewerConnections(t, f, r)
}

func wantFewerConnections(t *testing.T, f *testFleet, r skeintest.Result) {
	t.Helper()
	report := r.Report()
	if report.State != "finished" || report.Counts["done"] != len(f.ids) {
		t.Errorf("got %+v\nwant State finished, done %v", report, len(f.ids))
	}
	if warnings(r, "width changed") == 0 {
		t.Error("it did not get narrower, so this proves nothing")
	}
	attemptsCounted(t, r)
	f.want(nil, 2)
}

// newFleetOfRole is a fleet that skein reaches as a role of its own, which owns the schemas.
func newFleetOfRole(t *testing.T, url, role, options, password string, tenants int) *testFleet {
	t.Helper()
	pgtest.Exec(t, url, "CREATE ROLE "+pgtest.Quote(role)+" "+options,
		"DO $$ BEGIN EXECUTE format('GRANT CREATE ON DATABASE %I TO "+pgtest.Quote(role)+"', current_database()); END $$")
	t.Cleanup(func() {
		pgtest.Exec(t, url, "DROP OWNED BY "+pgtest.Quote(role)+" CASCADE", "DROP ROLE "+pgtest.Quote(role))
	})
	f := newFleetAt(t, url, urlOfRole(t, url, role, password), tenants, inFiles(slowLastStep()), "")
	for part := range slices.Chunk(f.ids, 40) {
		var sql strings.Builder
		for _, id := range part {
			fmt.Fprintf(&sql, "ALTER SCHEMA %s OWNER TO %s;", id, pgtest.Quote(role))
		}
		pgtest.Exec(t, url, sql.String())
	}
	return f
}

// urlOfRole is a URL for another role; without a password there is none in it.
func urlOfRole(t *testing.T, url, role, password string) string {
	t.Helper()
	c, err := pgx.ParseConfig(url)
	if err != nil {
		t.Fatal(err)
	}
	user := role
	if password != "" {
		user += ":" + password
	}
	return fmt.Sprintf("postgres://%s@%s:%d/%s?sslmode=disable", user, c.Host, c.Port, c.Database)
}

// TestWrongPassword looks for the password in all that skein prints and writes.
func TestWrongPassword(t *testing.T) {
	t.Parallel()
	const right, wrong = "sesame-2f1c-right", "sesame-77aa-wrong"
	url, role := pgtest.Database(t, pgtest.Server(t))
	f := newFleetOfRole(t, url, role, "LOGIN PASSWORD '"+right+"'", "", 40)
	config, err := os.ReadFile(f.Path("skein.yaml"))
	if err != nil {
		t.Fatal(err)
	}
	f.Write("skein.yaml", strings.Replace(string(config), "\ntenants:", "\n    password: {env: APP_PASSWORD}\ntenants:", 1))

	f.Env = []string{"APP_PASSWORD=" + wrong}
	for _, command := range [][]string{{"upgrade", "r001"}, {"upgrade", "r001", "--json"}, {"status", "-v"}, {"config", "show"}} {
		r := f.Run(command...)
		if command[0] == "upgrade" && (r.Code != 1 || !strings.Contains(r.Stdout+r.Stderr, "password authentication failed")) {
			t.Errorf("skein %v: exit %d\n%s%s", command, r.Code, r.Stdout, r.Stderr)
		}
		wantNowhere(t, f, r, wrong)
	}
	f.want(nil, 0)

	f.Env = []string{"APP_PASSWORD=" + right}
	wantNowhere(t, f, f.Must(0, "upgrade", "r001", "--json"), right)

	// In the middle of a rollout the password is changed and the connections are ended.
	p := f.start("upgrade", "--json")
	p.must(isDone, 5)
	pgtest.Exec(t, url, "ALTER ROLE "+pgtest.Quote(role)+" PASSWORD 'another'",
		"SELECT pg_terminate_backend(pid) FROM pg_stat_activity WHERE datname = current_database() AND application_name LIKE 'skein%'")
	r := p.end()
	r.Want(3)
	report := r.Report()
	if report.State != "halted" || !strings.Contains(report.Reason, "password authentication failed") || report.Counts["failed"] != 0 || report.Counts["pending"] == 0 {
		t.Errorf("got %+v\nwant State halted, Reason with %q, failed 0, pending above 0", report, "password authentication failed")
	}
	wantNowhere(t, f, r, right)
	wantReportedAsStored(t, f, r)
	f.Env = []string{"APP_PASSWORD=another"}
	wantNowhere(t, f, f.Must(0, "rollout", "resume", "--json"), right)
	f.want(nil, 2)
}

// wantNowhere fails the test when a secret is in what a command printed or in a file of the project.
func wantNowhere(t *testing.T, f *testFleet, r skeintest.Result, secret string) {
	t.Helper()
	if strings.Contains(r.Stdout+r.Stderr, secret) {
		t.Errorf("skein %v prints the password:\n%s%s", r.Args, r.Stdout, r.Stderr)
	}
	err := filepath.WalkDir(f.Dir, func(path string, d fs.DirEntry, err error) error {
		if err != nil || !d.Type().IsRegular() {
			return err
		}
		text, err := os.ReadFile(path)
		if err == nil && bytes.Contains(text, []byte(secret)) {
			t.Errorf("the password is in %s", path)
		}
		return err
	})
	if err != nil {
		t.Error(err)
	}
}

// TestStoreThatCannotBeOpened: nothing is touched where nothing can be remembered.
func TestStoreThatCannotBeOpened(t *testing.T) {
	t.Parallel()
	f := newFleet(t, revision.SQLite, 5, inFiles(steps(1)), "state: {store: .skein/state.db}\n")
	store := f.Path(".skein/state.db")
	refused := func(why string) {
		t.Helper()
		for _, command := range [][]string{{"upgrade"}, {"upgrade", "--json"}, {"rollout", "list"}} {
			r := f.Run(command...)
			if said := r.Stdout + r.Stderr; r.Code != 1 || !strings.Contains(said, "state.db") || strings.Contains(said, "goroutine ") {
				t.Errorf("%s: skein %v: exit %d\n%s", why, command, r.Code, said)
			}
		}
		f.want(nil, 0)
	}

	f.Write(".skein", "a file where a folder is wanted")
	refused("no folder")
	f.Remove(".skein")
	f.Write(".skein/state.db", "this is no database, although it is long enough to look like one: "+strings.Repeat("x", 5000))
	refused("no database")
	f.Remove(".skein/state.db")

	f.Must(0, "rollout", "list")
	text, err := os.ReadFile(store)
	if err != nil {
		t.Fatal(err)
	}
	for k := 200; k < len(text); k++ {
		text[k] = 0xff
	}
	_ = os.Remove(store + "-wal") // it may be there or not
	if err := os.WriteFile(store, text, 0o600); err != nil {
		t.Fatal(err)
	}
	refused("damaged")
	f.Remove(".skein/state.db")
	f.Must(0, "upgrade")
	f.want(nil, 1)
}

// TestStoreFillsUp: a store that takes no more facts stops a rollout, which continues once there is room.
func TestStoreFillsUp(t *testing.T) {
	t.Parallel()
	const tenants = 150
	f := newFleet(t, revision.Postgres, tenants, inFiles(slowLastStep()), "")
	f.Must(0, "upgrade", "r001")
	store := f.Path(".skein/state.db")
	sqlitetest.Exec(t, store, "CREATE TRIGGER full BEFORE INSERT ON fact WHEN new.seq > 60 BEGIN SELECT RAISE(FAIL, 'database or disk is full'); END")
	r := f.Must(3, "upgrade", "--json")
	wantHaltedByStore(t, f, r, "database or disk is full")
	sqlitetest.Exec(t, store, "DROP TRIGGER full")
	f.Must(0, "rollout", "resume")
	f.want(nil, 2)
}

// wantHaltedByStore looks at a rollout whose store failed it: its report is true, and is printed.
func wantHaltedByStore(t *testing.T, f *testFleet, r skeintest.Result, why string) {
	t.Helper()
	report := r.Report()
	if report.State != "halted" || !strings.Contains(report.Reason, why) || report.Counts["failed"] != 0 || report.Next == "" {
		t.Errorf("got %+v\nwant State halted, Reason with %q, failed 0, a Next", report, why)
	}
	if !strings.Contains(r.Stderr, why) {
		t.Errorf("stderr does not say why: %s", r.Stderr)
	}
	done := 0
	for _, n := range f.want(nil, 1, 2) {
		done += n - 1
	}
	if done != report.Counts["done"] || done == len(f.ids) || done == 0 {
		t.Errorf("%d tenants of %d are done, the report says %d", done, len(f.ids), report.Counts["done"])
	}
}

// TestStoreOnPostgresGoesAway takes away the server with the store while the tenants' one works on.
func TestStoreOnPostgresGoesAway(t *testing.T) {
	t.Parallel()
	const tenants = 150
	server := pgtest.Server(t)
	url, _ := pgtest.Database(t, server)
	proxy := pgtest.Proxy(t, server)
	f := newFleet(t, revision.Postgres, tenants, inFiles(slowLastStep()), "state: {store: \""+proxy.Through(url)+"\"}\n")
	f.Must(0, "upgrade", "r001")
	p := f.start("upgrade", "--json")
	p.must(isDone, 20)
	proxy.Disable()
	quiet := 0
	waitUntil(t, "the tenants to be left alone", func() bool {
		if quiet++; pgtest.Scalar[int](t, f.url(), backendsOfSkein+" AND state <> 'idle'") > 0 {
			quiet = 0
		}
		return quiet > 20
	})
	proxy.Enable() // soon enough for the store to hear how it ended
	r := p.end()
	r.Want(3)
	report := r.Report()
	if report.State != "halted" || report.Counts["failed"] != 0 || report.Counts["pending"] == 0 || report.Next == "" {
		t.Errorf("got %+v\nwant State halted, failed 0, pending above 0, a Next", report)
	}
	wantReportedAsStored(t, f, r)
	var list []struct{ State string }
	f.Must(0, "rollout", "list", "--json").JSON(&list)
	if list[0].State != "halted" {
		t.Errorf("the store has %+v", list)
	}
	f.Must(0, "rollout", "resume", "--json")
	f.want(nil, 2)
}
