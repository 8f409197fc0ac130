package integration_test

import (
	"context"
	"crypto/sha256"
	"encoding/json"
	"fmt"
	"maps"
	"os"
	"slices"
	"strings"
	"testing"
	"testing/fstest"
	"time"

	"github.com/google/go-cmp/cmp"

	"github.com/skeindb/skein/engine/revision"
	"github.com/skeindb/skein/integration/pgtest"
	"github.com/skeindb/skein/integration/skeintest"
	"github.com/skeindb/skein/integration/sqlitetest"
)

// revisionsThatSomeFail are three revisions that not every tenant's rows can bear. Their SQL is the same in both dialects.
func revisionsThatSomeFail() fstest.MapFS {
	files := fstest.MapFS{}
	add := func(id, revises, up, down string) {
		files[id+"_test.sql"] = &fstest.MapFile{Data: []byte(revisionFile(id, revises, up, down))}
	}
	add("u1", "none", "CREATE TABLE users (id integer PRIMARY KEY, email text, age integer);\nINSERT INTO users VALUES (1, 'ada@example.com', 36);", "DROP TABLE users;")
	add("u2", "u1", "ALTER TABLE users ADD COLUMN name text;\nCREATE UNIQUE INDEX users_email ON users (email);", "DROP INDEX users_email;\nALTER TABLE users DROP COLUMN name;")
	add("u3", "u2", "CREATE TABLE ages (id integer PRIMARY KEY, age integer NOT NULL);\nINSERT INTO ages SELECT id, age FROM users;", "DROP TABLE ages;")
	return files
}

// makeFailingTenants makes seven tenants that u2 or u3 fails in, and returns what is to be said of each.
func makeFailingTenants(f *testFleet) map[string]string {
	f.t.Helper()
	const (
		unique = "u2 migrations/u2_test.sql:7 CREATE UNIQUE INDEX users_email ON users (email)"
		create = "u3 migrations/u3_test.sql:6 CREATE TABLE ages (id integer PRIMARY KEY, age integer NOT NULL)"
		insert = "u3 migrations/u3_test.sql:7 INSERT INTO ages SELECT id, age FROM users"
	)
	spoilt := map[string]string{}
	for k, how := range []struct{ said, sql string }{
		{unique, "INSERT INTO users VALUES (2, 'ada@example.com', 1)"},
		{unique, "INSERT INTO users VALUES (3, 'bob@example.com', 1), (4, 'bob@example.com', 1)"},
		{unique, "UPDATE users SET age = 1; INSERT INTO users VALUES (7, 'ada@example.com', NULL)"},
		{create, "CREATE TABLE ages (id integer)"},
		{create, "CREATE TABLE ages (age text)"},
		{insert, "INSERT INTO users VALUES (2, NULL, NULL)"},
		{insert, "UPDATE users SET age = NULL"},
	} {
		id := f.ids[(k+1)*len(f.ids)/8]
		f.backend.exec(id, how.sql)
		spoilt[id] = how.said
	}
	return spoilt
}

// wantFailed fails the test unless exactly these tenants failed, and each for what is to be said of it.
func wantFailed(t testing.TB, r skeintest.Result, want map[string]string) {
	t.Helper()
	got := map[string]string{}
	for _, f := range r.Report().Failed {
		got[f.Tenant] = fmt.Sprintf("%s %s:%d %s", f.Revision, f.File, f.Line, f.Statement)
	}
	if diff := cmp.Diff(want, got); diff != "" {
		t.Errorf("the tenants that fail (-want +got):\n%s", diff)
	}
}

// rehearsal is what the report of one has besides.
type rehearsal struct {
	Planned int
	Locks   []struct {
		Object, Mode, Tenant string
		Longest              float64 `json:"longest_ms"`
		Tenants              int
	}
	Untried []struct{ Revision, Why string }
}

func decodeRehearsal(t testing.TB, r skeintest.Result) rehearsal {
	t.Helper()
	lines := strings.Split(strings.TrimSpace(r.Stdout), "\n")
	var end struct{ Rehearsal rehearsal }
	if err := json.Unmarshal([]byte(lines[len(lines)-1]), &end); err != nil {
		t.Fatal(err)
	}
	return end.Rehearsal
}

// locked are in how many tenants there was a lock, by `object mode`. A lock without a time or a tenant does not count.
func (r rehearsal) locked() map[string]int {
	all := map[string]int{}
	for _, l := range r.Locks {
		if l.Longest > 0 && l.Tenant != "" {
			all[l.Object+" "+l.Mode] += l.Tenants
		}
	}
	return all
}

// stateOfEachTenant is all there is to see of each tenant: on PostgreSQL structure, rows, who wrote them, and where they are
// kept; the bytes of a file.
func stateOfEachTenant(f *testFleet) map[string]string {
	f.t.Helper()
	all := map[string]string{}
	if backend, ok := f.backend.(*plainFiles); ok {
		for _, id := range f.ids {
			text, err := os.ReadFile(backend.path(id))
			if err != nil {
				f.t.Fatal(err)
			}
			all[id] = fmt.Sprintf("%d bytes %x", len(text), sha256.Sum256(text))
		}
		return all
	}
	const seen = `SELECT concat_ws(E'\n', (SELECT string_agg(u::text || ' by ' || xmin, ';' ORDER BY id) FROM %s.users AS u),
		(SELECT string_agg(v::text || ' by ' || xmin, ';' ORDER BY revision) FROM %s.skein_version AS v),
		(SELECT string_agg(relname || ' ' || oid || ' in ' || relfilenode, ';' ORDER BY oid) FROM pg_class WHERE relnamespace = '%s'::regnamespace))`
	all = inEach(f.t, f.url(), f.ids, seen)
	for id, dump := range pgtest.DumpAll(f.t, f.url(), f.ids) {
		all[id] += "\n" + dump
	}
	return all
}

// same fails the test unless nothing of any tenant is other than before, nor the list of rollouts.
func (f *testFleet) same(what string, before map[string]string, listed string) {
	f.t.Helper()
	after, changed := stateOfEachTenant(f), []string{}
	for _, id := range slices.Sorted(maps.Keys(before)) {
		if after[id] != before[id] {
			changed = append(changed, id)
		}
	}
	if len(changed) > 0 {
		f.t.Errorf("%s changed %d tenants (-before +after): %s", what, len(changed), cmp.Diff(before[changed[0]], after[changed[0]]))
	}
	if now := listRollouts(f.Project); now != listed {
		f.t.Errorf("%s is in the list of rollouts: %s", what, now)
	}
}

// TestRehearsalFindsThoseThatWouldFail rehearses two revisions in a fleet of which seven cannot bear them.
func TestRehearsalFindsThoseThatWouldFail(t *testing.T) { inBothDialects(t, rehearsalFinds) }

func rehearsalFinds(t *testing.T, d revision.Dialect) {
	tenants := 500
	if d == revision.SQLite {
		tenants = 48
	}
	f := newFleet(t, d, tenants, revisionsThatSomeFail(), "")
	f.Must(0, "upgrade", "u1")
	spoilt := makeFailingTenants(f)
	before, listed := stateOfEachTenant(f), listRollouts(f.Project)

	r := f.Must(2, "upgrade", "--rehearse", "--json")
	wantFailed(t, r, spoilt)
	held := decodeRehearsal(t, r)
	lock := "users AccessExclusiveLock"
	if d == revision.SQLite {
		lock = "the file write"
	}
	if n := held.locked()[lock]; n < tenants-7 || n > tenants || held.Planned != tenants || len(held.Untried) != 0 || r.Report().Next != "" {
		t.Errorf("%d of %d tenants had the lock %q: %+v", n, tenants, lock, held)
	}
	f.same("the rehearsal", before, listed)

	// The same for people, and for some of them.
	some := append(slices.Sorted(maps.Keys(spoilt)), f.ids[:3]...)
	who := "id in (" + strings.Join(some, ",") + ")"
	r = f.Must(2, "upgrade", "--rehearse", "-t", who)
	wantText(t, "the rehearsal for people", r.Stdout, "rehearsed 10 tenants: 3 would succeed, 7 would fail; everything was rolled back",
		strings.Fields(lock)[0], "migrations/u2_test.sql:7", "CREATE UNIQUE INDEX users_email ON users (email)")

	// What cannot be rolled back is not tried, nor what follows it; and that is said.
	f.Write("migrations/u4_outside.sql", revisionFile("u4", "u3", ": no-transaction\nCREATE INDEX users_age ON users (age);", "DROP INDEX users_age;"))
	r = f.Must(2, "upgrade", "--rehearse", "--json", "-t", who)
	wantFailed(t, r, spoilt)
	if got := decodeRehearsal(t, r).Untried; len(got) != 1 || got[0].Revision != "u4" || got[0].Why == "" {
		t.Errorf("not tried: %+v, want u4", got)
	}
	f.same("the rehearsal of a revision outside a transaction", before, listed)

	// So it is when it comes to it.
	f.Remove("migrations/u4_outside.sql")
	r = f.Must(2, "upgrade", "--json", "--max-failures", "7")
	wantFailed(t, r, spoilt)
	wantCounts(t, r.Report(), map[string]int{"done": tenants - 7, "failed": 7})
}

// TestRehearsalOfASample takes one tenant of each cohort and size, not all.
func TestRehearsalOfASample(t *testing.T) { inBothDialects(t, rehearsalOfASample) }

func rehearsalOfASample(t *testing.T, d revision.Dialect) {
	const tenants = 60
	f := newFleet(t, d, tenants, revisionsThatSomeFail(), "")
	f.Must(0, "upgrade", "u1")
	f.Must(0, "upgrade", "u2", "-t", "id in ("+strings.Join(f.ids[:3], ",")+")") // one cohort that is small
	before, listed := stateOfEachTenant(f), listRollouts(f.Project)
	r := f.Must(0, "upgrade", "--rehearse=sample", "--json")
	f.same("the rehearsal of a sample", before, listed)

	tried, from := 0, map[string]bool{}
	for _, e := range r.Events() {
		if e["kind"] == "tenant" && e["outcome"] == "done" {
			tried++
			from[fmt.Sprint(e["from"])] = true
		}
	}
	if tried < 2 || tried > tenants/4 {
		t.Errorf("%d of %d tenants were tried", tried, tenants)
	}
	if planned := decodeRehearsal(t, r).Planned; planned != tenants {
		t.Errorf("%d tenants were planned, want %d", planned, tenants)
	}
	if diff := cmp.Diff(map[string]bool{"[u1]": true, "[u2]": true}, from); diff != "" {
		t.Errorf("the cohorts that were tried (-want +got):\n%s", diff)
	}
}

// TestRehearsalDoesNotWaitForLocks rehearses while another session locks a table of one tenant all the time.
func TestRehearsalDoesNotWaitForLocks(t *testing.T) { inBothDialects(t, rehearsalDoesNotWait) }

func rehearsalDoesNotWait(t *testing.T, d revision.Dialect) {
	const tenants = 20
	f := newFleet(t, d, tenants, revisionsThatSomeFail(), "rollout: {lock_timeout: 300ms}\n")
	f.Must(0, "upgrade", "u1")
	held, longest := f.ids[4], func() time.Duration { return 0 }
	if d == revision.Postgres {
		defer lockTable(t, urlInSchema(f.url(), held), "users")()
		longest = watchWaits(t, f.url())
	} else {
		defer (&files{t, f.backend.(*plainFiles).dir}).lock(held, "users")()
	}
	r := f.Must(2, "upgrade", "--rehearse", "--json")
	report := r.Report()
	if len(report.Failed) != 1 || report.Failed[0].Tenant != held || report.Failed[0].Class != "busy" {
		t.Errorf("the tenants that fail: %+v", report.Failed)
	}
	// The server's own clock says how long each session waited; a wait that was not bounded would never have ended.
	if waited := longest(); waited > 5*time.Second {
		t.Errorf("it waited for a lock %s long", waited)
	}
	if d == revision.SQLite { // a locked file can be read
		if got := sqlitetest.QueryRows(t, f.file(held), "SELECT count(*) FROM skein_version"); got[0] != "1" {
			t.Errorf("%s has %s revisions", held, got)
		}
	}
}

// watchWaits returns what ends the watch and says how long a session of skein waited for a lock at most.
func watchWaits(t *testing.T, url string) (longest func() time.Duration) {
	t.Helper()
	conn := pgtest.Connect(t, url)
	ctx, cancel := context.WithCancel(t.Context())
	result := make(chan time.Duration, 1)
	go func() {
		most := time.Duration(0)
		for ctx.Err() == nil {
			var ms float64
			err := conn.QueryRow(context.Background(), `SELECT coalesce(max(1000 * extract(epoch FROM clock_timestamp() - l.waitstart)), 0)::float8
				FROM pg_locks AS l JOIN pg_stat_activity AS a USING (pid) WHERE NOT l.granted AND a.application_name LIKE 'skein%'`).Scan(&ms)
			if err != nil {
				t.Errorf("watch the locks: %v", err)
				break
			}
			most = max(most, time.Duration(ms*float64(time.Millisecond)))
		}
		result <- most
	}()
	return func() time.Duration {
		cancel()
		most := <-result
		if most == 0 {
			t.Error("no session waited for a lock, so this shows nothing")
		}
		return most
	}
}
