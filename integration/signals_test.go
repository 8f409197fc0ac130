package integration_test

import (
	"os"
	"os/user"
	"strings"
	"testing"
	"time"

	"github.com/skeindb/skein/engine/revision"
	"github.com/skeindb/skein/integration/pgtest"
)

func userName() string {
	if u, err := user.Current(); err == nil {
		return u.Username
	}
	return "unknown"
}

// TestInterruptDrains interrupts a rollout: running tenants finish, no other begins.
func TestInterruptDrains(t *testing.T) {
	t.Parallel()
	const tenants = 60
	f := newFleet(t, revision.Postgres, tenants, inFiles(append(steps(1), steps(2)[1]+gate)), "rollout: {lock_timeout: 0, concurrency: 5}\n")
	f.Must(0, "upgrade", "r001")
	open := f.shut()
	p := f.start("upgrade", "--json")
	f.atGate(5)
	p.Signal(os.Interrupt)
	select { // it waits for those that are running
	case <-p.ended:
		t.Fatalf("it ended with %d while tenants were running", p.result.Code)
	case <-time.After(300 * time.Millisecond):
	}
	open()
	r := p.end()
	r.Want(130)
	report := r.Report()
	if report.State != "interrupted" || report.Counts["done"] != 5 || report.Counts["pending"] != tenants-5 || !strings.Contains(report.Next, "rollout resume") {
		t.Errorf("got %+v\nwant State interrupted, done 5, pending %v, Next with %q", report, tenants-5, "rollout resume")
	}
	done := 0
	for _, n := range f.want(nil, 1, 2) {
		done += n - 1
	}
	if done != 5 {
		t.Errorf("%d tenants are done, want the 5 that were running", done)
	}
	f.Must(0, "rollout", "resume")
	f.want(nil, 2)
}

// TestSecondInterruptCancels interrupts twice while statements run that would take minutes.
func TestSecondInterruptCancels(t *testing.T) { inBothDialects(t, secondInterrupt) }

func secondInterrupt(t *testing.T, d revision.Dialect) {
	slow := "SELECT pg_sleep(300);\n"
	if d == revision.SQLite {
		slow = "WITH RECURSIVE n (i) AS (SELECT 1 UNION ALL SELECT i + 1 FROM n WHERE i < 1000000000) SELECT count(*) FROM n;\n"
	}
	f := newFleet(t, d, 12, inFiles(append(steps(1), steps(2)[1]+slow)), "rollout: {concurrency: 3}\n")
	dumps := f.backend.reference(steps(1))
	f.Must(0, "upgrade", "r001")
	p := f.start("upgrade", "--json")
	p.must(isRunning, 3)
	if d == revision.Postgres {
		waitUntil(t, "statements to run", func() bool {
			return pgtest.Scalar[int](t, f.url(), "SELECT count(*) FROM pg_stat_activity WHERE datname = current_database() AND wait_event = 'PgSleep'") == 3
		})
	}
	begun := time.Now()
	p.Signal(os.Interrupt)
	p.Signal(os.Interrupt)
	waitUntil(t, "the end after two interrupts", func() bool { // two of the same signal may be taken for one
		select {
		case <-p.ended:
			return true
		case <-time.After(500 * time.Millisecond):
			p.Signal(os.Interrupt)
			return false
		}
	})
	r := p.end()
	r.Want(130)
	took := time.Since(begun)
	if took += f.backend.quiet(); took > 15*time.Second {
		t.Errorf("it took %s until all was over", took)
	}
	report := r.Report()
	if report.State != "interrupted" || report.Counts["done"] != 0 || report.Counts["failed"] != 0 || report.Counts["pending"] != 12 {
		t.Errorf("got %+v\nwant State interrupted, done 0, failed 0, pending 12", report)
	}
	f.want(dumps, 1)
}
