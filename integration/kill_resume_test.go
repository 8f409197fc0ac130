package integration_test

import (
	"flag"
	"fmt"
	"strings"
	"testing"
	"time"

	"github.com/skeindb/skein/engine/revision"
	"github.com/skeindb/skein/integration/pgtest"
	"github.com/skeindb/skein/integration/sqlitetest"
)

var kills = flag.Int("kills", 30, "how often a run is killed at any moment, on PostgreSQL and on SQLite each")

// TestKilledAtAnyMoment kills skein again and again, and looks at every tenant before it continues.
func TestKilledAtAnyMoment(t *testing.T) { inBothDialects(t, killedAtAnyMoment) }

func killedAtAnyMoment(t *testing.T, d revision.Dialect) {
	const tenants = 300
	rounds := *kills
	bodies := steps(2 + rounds + rounds/3)
	f := newFleet(t, d, tenants, inFiles(bodies), "rollout: {transaction: revision}\n")
	dumps := f.backend.reference(bodies)
	f.Must(0, "upgrade", "r001", "--json")
	usual := f.measure()
	f.want(dumps, 2)
	t.Logf("a whole run: first tenant after %s, end after %s", usual.first, usual.all)

	rng := newRandom(t)
	landed, partial, halfway, orphans := 0, 0, 0, time.Duration(0)
	for round, before := 0, 2; round < rounds; round++ {
		by := 1
		if round%3 == 2 {
			by = 2 // a chain that may be cut between its transactions
		}
		target := fmt.Sprintf("+%d", by)
		p := f.start("upgrade", target, "--json")
		switch {
		case round%6 == 0: // before the first tenant
			waitAtMost(p, time.Duration(rng.Int64N(int64(usual.first))))
		case round%6 == 5: // at the end
			p.has(isDone, tenants-rng.IntN(10))
		case round%2 == 0:
			waitAtMost(p, usual.first+time.Duration(rng.Int64N(int64(usual.all-usual.first))))
		default:
			p.has(isDone, 1+rng.IntN(tenants-50))
			waitAtMost(p, time.Duration(rng.Int64N(int64(20*time.Millisecond))))
		}
		r := p.kill()
		if r.Code == -1 {
			landed++
		}
		orphans = max(orphans, f.backend.quiet())
		done := 0
		for _, n := range f.want(dumps, before, before+1, before+by) {
			switch {
			case n == before+by:
				done++
			case n > before:
				halfway++
			}
		}
		if done > 0 && done < tenants {
			partial++
		}
		if shown := strings.Count(r.Stdout, isDone); shown > done {
			t.Errorf("round %d: skein reported %d tenants as done, but %d are", round, shown, done)
		}
		f.resumeAfterKill(target, r.Code, done)
		before += by
		f.want(nil, before) // the next round looks at the structures
		if t.Failed() {
			t.Fatalf("round %d: killed with %d of %d done, stdout ends with\n%s", round, done, tenants, tailOf(r.Stdout))
		}
	}
	f.want(dumps, len(bodies))
	t.Logf("%d of %d kills landed, %d in the middle of the tenants; %d tenants were halfway through their chain; the longest orphan lived for %s",
		landed, rounds, partial, halfway, orphans)
	if landed < rounds/2 || partial < rounds/6 {
		t.Errorf("%d kills landed, %d in the middle: that proves little", landed, partial)
	}
	if orphans > 5*time.Second {
		t.Errorf("an orphan lived for %s", orphans)
	}
}

// resumeAfterKill continues after a kill. Only where there was no rollout yet, or all of it was done, may there be nothing to
// resume.
func (f *testFleet) resumeAfterKill(target string, code, done int) {
	f.t.Helper()
	r := f.Run("rollout", "resume", "--json")
	switch {
	case r.Code == 0:
		report := r.Report()
		if report.State != "finished" || report.Counts["done"]+report.Counts["unchanged"] != len(f.ids) {
			f.t.Errorf("resumed: %s", tailOf(r.Stdout))
		}
	case r.Code == 1 && strings.Contains(r.Stdout, "no rollout has anything left to do") && (done == 0 || code == 0 || done == len(f.ids)):
		if done == 0 {
			f.Must(0, "upgrade", target, "--json")
		}
	default:
		f.t.Errorf("resume ended with %d\n%s\n%s", r.Code, tailOf(r.Stdout), tailOf(r.Stderr))
	}
}

// pace is how long a run takes.
type pace struct{ first, all time.Duration }

// measure runs one step undisturbed.
func (f *testFleet) measure() pace {
	f.t.Helper()
	begun := time.Now()
	p := f.start("upgrade", "+1", "--json")
	p.must(isDone, 1)
	first := time.Since(begun)
	p.end().Want(0)
	return pace{first, time.Since(begun)}
}

// waitAtMost waits for the end of the process, at most so long.
func waitAtMost(r *running, most time.Duration) {
	select {
	case <-r.ended:
	case <-time.After(most):
	}
}

// TestKilledBeforeTheFirstFact stops a rollout of which the store has the plan and nothing else.
func TestKilledBeforeTheFirstFact(t *testing.T) {
	t.Parallel()
	f := newFleet(t, revision.SQLite, 5, inFiles(steps(2)), "")
	f.Must(0, "upgrade", "r001")
	store := f.Path(".skein/state.db")
	sqlitetest.Exec(t, store, "CREATE TRIGGER no BEFORE INSERT ON fact BEGIN SELECT RAISE(FAIL, 'no room for facts'); END")
	r := f.Must(3, "upgrade", "--json")
	if !strings.Contains(r.Stderr, "no room for facts") {
		t.Errorf("it does not say why:\n%s", r.Stderr)
	}
	f.want(nil, 1)
	sqlitetest.Exec(t, store, "DROP TRIGGER no")
	if got := sqlitetest.QueryRows(t, store, "SELECT count(*) FROM rollout AS r WHERE NOT EXISTS (SELECT 1 FROM fact WHERE rollout = r.id)"); got[0] != "1" {
		t.Fatalf("%s rollouts without facts, want 1", got)
	}
	f.Must(0, "rollout", "list", "--json")
	f.Must(0, "rollout", "show")
	report := f.Must(0, "rollout", "resume", "--json").Report()
	if report.State != "finished" || report.Counts["done"] != 5 {
		t.Errorf("got %+v\nwant State finished, done 5", report)
	}
	f.want(nil, 2)
}

// TestKilledInConcurrentIndex kills skein while CREATE INDEX CONCURRENTLY waits for a writer.
func TestKilledInConcurrentIndex(t *testing.T) {
	t.Parallel()
	const tenants = 12
	indexes := ": no-transaction, template\n" +
		"CREATE INDEX CONCURRENTLY base_a ON {{ ident .Tenant.Schema }}.base (qty);\n" +
		"CREATE INDEX CONCURRENTLY base_b ON {{ ident .Tenant.Schema }}.base (qty, id);\n"
	f := newFleet(t, revision.Postgres, tenants, inFiles([]string{steps(1)[0], indexes}), "")
	f.Must(0, "upgrade", "r001")

	writer := pgtest.Connect(t, urlInSchema(f.url(), "tenant_0002"))
	if _, err := writer.Exec(t.Context(), "BEGIN; UPDATE base SET qty = 1"); err != nil {
		t.Fatal(err)
	}
	p := f.start("upgrade", "--json")
	invalid := func() []string {
		return pgtest.QueryRows(t, f.url(), "SELECT indexrelid::regclass FROM pg_index WHERE NOT indisvalid AND indexrelid::regclass::text LIKE 'tenant_%' ORDER BY 1")
	}
	waitUntil(t, "CREATE INDEX to wait for the writer", func() bool {
		return pgtest.Scalar[int](t, f.url(), "SELECT count(*) FROM pg_stat_activity WHERE $1 = ANY (pg_blocking_pids(pid)) AND query LIKE '%CONCURRENTLY%'", writer.PgConn().PID()) > 0
	})
	p.kill()
	if lived := f.backend.quiet(); lived > 20*time.Second {
		t.Errorf("the orphan lived for %s", lived)
	}
	left := invalid()
	if len(left) == 0 {
		t.Fatal("no invalid index was left behind, so this proves nothing")
	}
	t.Logf("left behind: %q", left)
	if _, err := writer.Exec(t.Context(), "ROLLBACK"); err != nil {
		t.Fatal(err)
	}
	report := f.Must(0, "rollout", "resume", "--json").Report()
	if n := report.Counts["done"] + report.Counts["unchanged"]; n != tenants || report.State != "finished" {
		t.Errorf("%+v", report)
	}
	if left := invalid(); len(left) > 0 {
		t.Errorf("invalid indexes: %q", left)
	}
	for _, id := range f.ids {
		got := pgtest.QueryRows(t, f.url(), "SELECT relname FROM pg_class WHERE relkind = 'i' AND relnamespace = to_regnamespace($1) AND relname LIKE 'base\\__%' ORDER BY 1", id)
		if strings.Join(got, " ") != "base_a base_b base_pkey" {
			t.Errorf("%s has the indexes %q", id, got)
		}
	}
	f.Must(0, "upgrade")
}

// TestOrphansAreShortLived kills skein while its statements would run for minutes: the server notices, and
// nothing of them stays.
func TestOrphansAreShortLived(t *testing.T) {
	t.Parallel()
	bodies := steps(1)
	f := newFleet(t, revision.Postgres, 40, inFiles(append(bodies, steps(2)[1]+gate)), "rollout: {lock_timeout: 0}\n")
	f.Must(0, "upgrade", "r001")
	open := f.shut()
	p := f.start("upgrade", "--json")
	f.atGate(8)
	p.kill()
	if lived := f.backend.quiet(); lived > 10*time.Second {
		t.Errorf("orphans lived for %s", lived)
	}
	f.want(nil, 1)
	if n := pgtest.Scalar[int](t, f.url(), "SELECT count(*) FROM pg_locks AS l JOIN pg_database AS d ON d.oid = l.database WHERE d.datname = current_database() AND l.pid <> pg_backend_pid() AND l.objid IS DISTINCT FROM 4711"); n > 0 {
		t.Errorf("%d locks are left", n)
	}

	// Once more, and resume waits for the orphans; and once more, and it ends them.
	p = f.start("rollout", "resume", "--json")
	f.atGate(8)
	p.kill()
	p = f.start("rollout", "resume", "--json")
	p.must(isRunning, 8)
	f.atGate(8)
	if r := p.kill(); !strings.Contains(r.Stderr, "waiting for 8 backends of the earlier run") {
		t.Errorf("it did not say that it waits: %s", r.Stderr)
	}
	p = f.start("rollout", "resume", "--terminate", "--json")
	open()
	p.end().Want(0)
	f.want(nil, 2)
}
