package integration_test

import (
	"context"
	"fmt"
	"maps"
	"net/http"
	"net/http/httptest"
	"slices"
	"strings"
	"sync"
	"testing"
	"testing/fstest"

	"github.com/google/go-cmp/cmp"

	"github.com/skeindb/skein/engine/revision"
	"github.com/skeindb/skein/integration/pgtest"
	"github.com/skeindb/skein/integration/skeintest"
)

// gatePoller is an HTTP check that looks at the database itself each time a gate asks: GET /WAVE/TABLE writes down
// which tenants have the table at that moment.
type gatePoller struct {
	url  string
	mu   sync.Mutex
	seen map[string][]string // guarded by mu; by path, the last look
}

func newGatePoller(t *testing.T, f *testFleet) *gatePoller {
	t.Helper()
	o := &gatePoller{seen: map[string][]string{}}
	conn := pgtest.Connect(t, f.url())
	s := httptest.NewServer(http.HandlerFunc(func(w http.ResponseWriter, r *http.Request) {
		o.mu.Lock() // guards the connection, too
		defer o.mu.Unlock()
		_, table, _ := strings.Cut(strings.TrimPrefix(r.URL.Path, "/"), "/")
		rows, err := conn.Query(context.Background(), having, table)
		if err != nil {
			t.Errorf("look at the database: %v", err)
			return
		}
		defer rows.Close()
		var ids []string
		for rows.Next() {
			var id string
			if err := rows.Scan(&id); err != nil {
				t.Errorf("look at the database: %v", err)
			}
			ids = append(ids, id)
		}
		o.seen[r.URL.Path] = ids
	}))
	t.Cleanup(s.Close)
	o.url = s.URL
	return o
}

// gates asks the gatePoller after each wave.
func (o *gatePoller) gates(table string) map[string]string {
	g := map[string]string{}
	for _, w := range waveNames {
		g[w] = fmt.Sprintf("http: %q", o.url+"/"+w+"/"+table)
	}
	return g
}

// TestWavesGoOneAfterAnother upgrades 600 tenants in three waves, twice. What the gates see of the database, which
// is asked by other means than skein's, is exactly the waves so far, and the waves are the same each time.
func TestWavesGoOneAfterAnother(t *testing.T) {
	t.Parallel()
	const tenants = 600
	bodies := steps(2)
	f := newFleet(t, revision.Postgres, tenants, inFiles(bodies), "")
	dumps := f.backend.reference(bodies)
	members := f.members()
	if len(members["canary"]) != 9 || len(members["early"]) != 30 || len(members["rest"]) != tenants-39 {
		t.Fatalf("the waves of the test are wrong: %v", members)
	}
	look := newGatePoller(t, f)
	for _, step := range []struct {
		target, table string
		n             int
	}{{"r001", "base", 1}, {"r002", "t2", 2}} {
		f.configure(threeWaves(look.gates(step.table)))
		if diff := cmp.Diff(members, f.planned(step.target)); diff != "" {
			t.Errorf("waves of the plan (-want +got):\n%s", diff)
		}
		r := f.Must(0, "upgrade", step.target, "--json")
		report := wantEnd(t, r, 0, "finished", map[string]int{"done": tenants})
		if diff := cmp.Diff(map[string]int{"canary": 9, "early": 30, "rest": tenants - 39}, f.wantOrder(r, waveNames...)); diff != "" {
			t.Errorf("tenants begun (-want +got):\n%s", diff)
		}
		if report.Next != "" {
			t.Errorf("next is %q", report.Next)
		}
		var soFar []string
		for _, w := range waveNames {
			soFar = slices.Sorted(slices.Values(append(soFar, members[w]...)))
			if diff := cmp.Diff(soFar, look.seen["/"+w+"/"+step.table]); diff != "" {
				t.Errorf("the gate of %s saw (-want +got):\n%s", w, diff)
			}
		}
		f.want(nil, step.n)
	}
	f.want(dumps, 2)
}

// planned are the tenants of each wave, sorted, as `plan` prints them.
func (f *testFleet) planned(args ...string) map[string][]string {
	f.t.Helper()
	var plan struct {
		Waves []struct {
			Name    string
			Tenants []string
		}
	}
	f.Must(0, append([]string{"plan", "--json"}, args...)...).JSON(&plan)
	waves := map[string][]string{}
	for _, w := range plan.Waves {
		waves[w.Name] = slices.Sorted(slices.Values(w.Tenants))
	}
	return waves
}

// TestCanaryFlag puts a canary in front of what the config says, and goes no further when only that is asked for.
func TestCanaryFlag(t *testing.T) {
	t.Parallel()
	const tenants = 60
	f := newFleet(t, revision.Postgres, tenants, inFiles(steps(1)), "rollout:\n  waves:\n    - {name: early, size: 5%}\n")
	const migrated = "SELECT count(*) FROM pg_tables WHERE tablename = 'base'"
	r := f.Must(0, "upgrade", "--canary", "5", "--wave", "canary", "--json")
	wantEnd(t, r, 0, "finished", map[string]int{"done": 5})
	first := slices.Sorted(slices.Values(f.order()[:5]))
	if diff := cmp.Diff(first, pgtest.QueryRows(t, f.url(), having, "base")); diff != "" {
		t.Errorf("in the canary (-want +got):\n%s", diff)
	}

	// The others, later: the canary's have nothing to do any more.
	r = f.Must(0, "upgrade", "--canary", "5", "--json")
	wantEnd(t, r, 0, "finished", map[string]int{"done": tenants - 5, "unchanged": 5})
	var waves []any
	for _, e := range r.Events() {
		if e["kind"] == "rollout" && e["state"] == "running" {
			waves = e["waves"].([]any)
		}
	}
	want := []any{
		map[string]any{"name": "canary", "tenants": 5.0},
		map[string]any{"name": "early", "tenants": 3.0},
		map[string]any{"name": "rest", "tenants": 52.0},
	}
	if diff := cmp.Diff(want, waves); diff != "" {
		t.Errorf("waves (-want +got):\n%s", diff)
	}
	if n := pgtest.Scalar[int](t, f.url(), migrated); n != tenants {
		t.Errorf("%d tenants have the table", n)
	}
	if message, hint := errorOf(f.Must(1, "upgrade", "--wave", "nobody", "--json")); !strings.Contains(message+hint, "early") {
		t.Errorf("an unknown wave: %q %q does not name those there are", message, hint)
	}
}

// uniqueEmails is a revision that people of the same address make impossible, half-way through.
var uniqueEmails = fstest.MapFS{"u1_emails.sql": &fstest.MapFile{Data: []byte(revisionFile("u1", "none",
	"CREATE TABLE notes (id integer PRIMARY KEY);\nCREATE UNIQUE INDEX people_email ON people (email);",
	"DROP INDEX people_email;\nDROP TABLE notes;"))}}

const people = "CREATE TABLE people (email text NOT NULL); INSERT INTO people VALUES ('ada@example.org'), ('bob@example.org');"

// TestSomeFailWithinTheBudget has rows that do not fit in 2 % of 600 tenants, where 3 % of each wave may fail. They are
// whole afterwards, all others are done, and those that were repaired continue.
func TestSomeFailWithinTheBudget(t *testing.T) {
	t.Parallel()
	const tenants = 600
	f := newFleet(t, revision.Postgres, tenants, uniqueEmails, threeWaves(nil, "max_failures: 3%"))
	f.execInTenants(f.ids, people)
	plain := pgtest.Schemas(t, f.url(), "plain_", 1)
	f.execInTenants(plain, people)
	pgtest.Exec(t, urlInSchema(f.url(), plain[0]), upgradesOf(t, uniqueEmails)...)
	want := pgtest.Dump(t, f.url(), plain[0])

	// Of nine and of thirty none may fail; of the rest sixteen may. They are spread as accidents are.
	var double []string
	rest := slices.DeleteFunc(f.order(), func(id string) bool { return !slices.Contains(f.members()["rest"], id) })
	for k := 20; len(double) < tenants/50; k += 40 {
		double = append(double, rest[k])
	}
	slices.Sort(double)
	f.execInTenants(double, "INSERT INTO people VALUES ('ada@example.org');")
	before := pgtest.DumpAll(t, f.url(), double)

	r := f.Run("upgrade", "--json")
	report := wantEnd(t, r, 2, "finished", map[string]int{"done": tenants - len(double), "failed": len(double)})
	if diff := cmp.Diff(double, failedTenantsOf(report)); diff != "" {
		t.Errorf("failed (-want +got):\n%s", diff)
	}
	for _, c := range report.Failed {
		if c.Class != "data" || c.SQLState != "23505" || c.Revision != "u1" || c.File != "migrations/u1_emails.sql" || !strings.Contains(c.Statement, "people_email") {
			t.Errorf("got %+v\nwant Class data, SQLState 23505, Revision u1, File migrations/u1_emails.sql, Statement with %q", c, "people_email")
		}
	}
	wantSame(t, before, pgtest.DumpAll(t, f.url(), double))
	f.wantNothingApplied(double)
	wantEach(t, "structure", want, pgtest.DumpAll(t, f.url(), f.besides(double)))

	f.execInTenants(double, "DELETE FROM people WHERE ctid = (SELECT max(ctid) FROM people);")
	r = f.Run("rollout", "resume", "--json")
	wantEnd(t, r, 0, "finished", map[string]int{"done": tenants})
	if diff := cmp.Diff(double, slices.Sorted(maps.Keys(outcomes(r)))); diff != "" {
		t.Errorf("touched by the resume (-want +got):\n%s", diff)
	}
	wantEach(t, "structure", want, pgtest.DumpAll(t, f.url(), double))
}

// TestWrongMigrationStopsInTheCanary has a revision that fails everywhere: with a budget that would bear it the same
// cause again and again halts, without a budget the first failure does. Only the canary is ever touched.
func TestWrongMigrationStopsInTheCanary(t *testing.T) {
	t.Parallel()
	const tenants, width = 600, 4
	wrong := fstest.MapFS{"w1_wrong.sql": &fstest.MapFile{Data: []byte(revisionFile("w1", "none",
		"CREATE TABLE notes (id integer PRIMARY KEY);\nALTER TABLE people ADD COLUMN name text REFERENCES nobody (id);", ""))}}
	f := newFleet(t, revision.Postgres, tenants, wrong, "rollout:\n  waves:\n    - {name: canary, size: 10%}\n    - {name: early, size: 5%}\n    - {name: rest}\n")
	f.execInTenants(f.ids, people)
	before := pgtest.DumpAll(t, f.url(), f.ids)
	canary := f.order()[:tenants/10]

	for _, c := range []struct {
		name        string
		args        []string
		least, most int
		reason      string
	}{
		{"systemic", []string{"--max-failures", "100%", "--concurrency", fmt.Sprint(width)}, 10, 10 + width - 1, "systemic"},
		{"no budget", []string{"--concurrency", "1"}, 1, 1, "max_failures allows (none)"},
	} {
		r := f.Run(append([]string{"upgrade", "--json"}, c.args...)...)
		r.Want(3)
		report := r.Report()
		if report.State != "halted" || !strings.Contains(report.Reason, c.reason) || sumOfCounts(report.Counts) != tenants || report.Counts["done"] != 0 {
			t.Errorf("%s: %s because %q, %v", c.name, report.State, report.Reason, report.Counts)
		}
		failed := failedTenantsOf(report)
		if n := len(failed); n < c.least || n > c.most || n != report.Counts["failed"] {
			t.Errorf("%s: %d tenants failed, want %d to %d", c.name, n, c.least, c.most)
		}
		for _, id := range failed {
			if !slices.Contains(canary, id) {
				t.Errorf("%s: %s failed, which is not of the canary", c.name, id)
			}
		}
		onlyCanary(t, c.name, r, canary)
	}
	wantSame(t, before, pgtest.DumpAll(t, f.url(), f.ids))
	f.wantNothingApplied(f.ids)
	for _, id := range f.withVersions(f.ids) {
		if !slices.Contains(canary, id) {
			t.Errorf("%s has a version table", id)
		}
	}
}

// withVersions are those tenants that have a version table, empty or not.
func (f *testFleet) withVersions(ids []string) []string {
	f.t.Helper()
	return slices.DeleteFunc(pgtest.QueryRows(f.t, f.url(), having, "skein_version"), func(id string) bool { return !slices.Contains(ids, id) })
}

// wantNothingApplied fails the test when a tenant's version table has a row.
func (f *testFleet) wantNothingApplied(ids []string) {
	f.t.Helper()
	wantEach(f.t, "revisions", "0", inEach(f.t, f.url(), f.withVersions(ids), "SELECT count(*) FROM %s.skein_version"))
}

// onlyCanary fails the test when a stream has a tenant outside the canary.
func onlyCanary(t *testing.T, name string, r skeintest.Result, canary []string) {
	t.Helper()
	for id, outcome := range outcomes(r) {
		if !slices.Contains(canary, id) {
			t.Errorf("%s: %s became %s", name, id, outcome)
		}
	}
}
