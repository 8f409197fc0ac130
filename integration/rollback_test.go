package integration_test

import (
	"fmt"
	"slices"
	"strings"
	"testing"

	"github.com/google/go-cmp/cmp"

	"github.com/skeindb/skein/engine/revision"
)

// saysNo is a gate that halts.
const saysNo = `sql: "select false"`

// TestRollbackOfACanary takes back a canary that its gate did not like: just that, and wholly.
func TestRollbackOfACanary(t *testing.T) {
	t.Parallel()
	f := newFleetAtFirstStep(t, "", threeWaves(map[string]string{"canary": saysNo}))
	dumps := f.backend.reference(steps(2))
	canary := f.members()["canary"]
	others := f.besides(canary)
	before := traces(t, f, others)

	r := f.Run("upgrade", "--json")
	old := wantEnd(t, r, 3, "halted", map[string]int{"done": 9, "pending": few - 9})
	f.wantOf(canary, dumps, 2)
	wantRefusal(t, f, "no terminal to ask on", "rollout", "rollback", "--json")
	f.wantOf(canary, dumps, 2)

	r = f.Run("rollout", "rollback", "--yes", "--json")
	report := wantEnd(t, r, 0, "finished", map[string]int{"done": 9})
	if diff := cmp.Diff(canary, tenantsStarted(r)); diff != "" {
		t.Errorf("taken back were (-want +got):\n%s", diff)
	}
	s := f.show()
	if s.Type != "rollback" || s.Rollout != report.Rollout || s.Rollout == old.Rollout {
		t.Errorf("shown is %+v", s)
	}
	f.want(dumps, 1)
	if !slices.Equal(before, traces(t, f, others)) {
		t.Error("tenants were written that the rollout had not changed")
	}

	// What was taken back can be done again, and the others with it.
	f.configure(threeWaves(nil))
	wantEnd(t, f.Run("upgrade", "--json"), 0, "finished", map[string]int{"done": few})
	f.want(dumps, 2)
}

// TestRollbackOfAWholeRollout goes through the waves from the last to the first.
func TestRollbackOfAWholeRollout(t *testing.T) {
	t.Parallel()
	f := newFleetAtFirstStep(t, "", threeWaves(map[string]string{"canary": `sql: "select true"`}))
	dumps := f.backend.reference(steps(2))
	old := wantEnd(t, f.Run("upgrade", "--json"), 0, "finished", map[string]int{"done": few})
	r := f.Run("rollout", "rollback", old.Rollout, "--yes", "--json")
	wantEnd(t, r, 0, "finished", map[string]int{"done": few})
	members := f.members()
	var waves []string // of the tenants, in the order they were begun
	for _, e := range r.Events() {
		if e["kind"] != "tenant" || e["outcome"] != "running" {
			continue
		}
		for _, w := range waveNames {
			if slices.Contains(members[w], e["tenant"].(string)) {
				waves = append(waves, w)
			}
		}
	}
	if got := slices.Compact(waves); !slices.Equal(got, []string{"rest", "early", "canary"}) {
		t.Errorf("the waves went down in the order %q", got)
	}
	f.want(dumps, 1)
}

// TestRollbackOfWhatCannotBeTakenBack has a revision without a downgrade section between: the error comes before any tenant is
// touched, and with --partial those go down that did not go up through it.
func TestRollbackOfWhatCannotBeTakenBack(t *testing.T) {
	t.Parallel()
	f := newFleetAtFirstStep(t, "", "")
	bodies := steps(3)
	dumps := f.backend.reference(bodies)
	f.Write("migrations/r002_step.sql", "-- revision: r002\n-- revises: r001\n-- message: no way back\n\n-- upgrade\n"+bodies[1])
	f.Write("migrations/r003_step.sql", revisionFile("r003", "r002", bodies[2],
		"DELETE FROM log WHERE n = 3;\nUPDATE base SET qty = qty - 1;\nALTER TABLE base DROP COLUMN c3;\nDROP TABLE t3;"))
	canary := f.members()["canary"]
	ahead, others := canary[:3], f.besides(canary)
	f.Must(0, "upgrade", "r002", "-t", "id in ("+strings.Join(ahead, ",")+")", "-q")

	f.configure(threeWaves(map[string]string{"canary": saysNo}))
	wantEnd(t, f.Run("upgrade", "--json"), 3, "halted", map[string]int{"done": 9, "pending": few - 9})
	f.wantOf(canary, dumps, 3)
	before := traces(t, f, f.ids)

	message, hint := wantRefusal(t, f, "there is no way back", "rollout", "rollback", "--yes", "--json")
	wantWords(t, message+" "+hint, "r002", "r002_step.sql", "6", "--partial")
	if !slices.Equal(before, traces(t, f, f.ids)) {
		t.Error("tenants were touched")
	}
	if s := f.show(); s.Type != "upgrade" {
		t.Errorf("a refused rollback is in the record: %+v", s)
	}

	r := f.Run("rollout", "rollback", "--partial", "--yes", "--json")
	wantEnd(t, r, 0, "finished", map[string]int{"done": 3, "skipped": 6})
	if diff := cmp.Diff(ahead, tenantsStarted(r)); diff != "" {
		t.Errorf("taken back were (-want +got):\n%s", diff)
	}
	f.wantOf(ahead, dumps, 2)
	f.wantOf(canary[3:], dumps, 3)
	f.wantOf(others, dumps, 1)
}

// TestRollbackAfterAKill takes back what a killed rollout did, of which it could not write down all: at once, and after
// it was resumed.
func TestRollbackAfterAKill(t *testing.T) {
	t.Parallel()
	f, open, p := startMidWave(t)
	dumps := f.backend.reference(steps(2))
	for _, resumed := range []bool{false, true} {
		if resumed {
			open = f.shut()
			p = f.start("upgrade", "--json")
			f.atGate(atOnce)
		}
		shown := strings.Count(p.kill().Stdout, isDone)
		open() // the statements of the dead one may go through before their server notices
		f.backend.quiet()
		done := 0
		for _, n := range f.want(dumps, 1, 2) {
			done += n - 1
		}
		if done < 9+3 || done > 9+3+atOnce {
			t.Errorf("%d tenants are done", done)
		}
		if resumed {
			wantAll(t, f.Must(0, "rollout", "resume", "--json").Report())
			f.want(nil, 2)
		}
		report := f.Must(0, "rollout", "rollback", "--yes", "--json").Report()
		t.Logf("resumed %v: of %d tenants that were done at the kill %d had been shown; the rollback says %v", resumed, done, shown, report.Counts)
		if report.State != "finished" || report.Counts["failed"]+report.Counts["pending"]+report.Counts["skipped"] > 0 {
			t.Errorf("%+v", report)
		}
		f.want(dumps, 1)
	}
}

// TestRollbackThatIsKilled kills a rollback among tenants that go down, and resumes it. It is not taken back
// itself.
func TestRollbackThatIsKilled(t *testing.T) {
	t.Parallel()
	f := newFleet(t, revision.Postgres, few, bothWays(""), "")
	dumps := f.backend.reference(steps(2))
	f.Must(0, "upgrade", "r001", "-q")
	up, down, _ := strings.Cut(string(bothWays("")["r002_step.sql"].Data), "\n-- downgrade\n")
	f.Write("migrations/r002_step.sql", up+"\n-- downgrade: lock_timeout=0\n"+
		"SELECT pg_advisory_xact_lock_shared(4711) WHERE current_schema() > 'tenant_0030';\n"+down)
	f.configure(threeWaves(nil, fmt.Sprintf("concurrency: %d", atOnce)))
	old := wantEnd(t, f.Run("upgrade", "--json"), 0, "finished", map[string]int{"done": few})

	open := f.shut()
	p := f.start("rollout", "rollback", "--yes", "--json")
	f.atGate(atOnce)
	p.kill()
	open()
	f.backend.quiet()
	f.want(dumps, 1, 2)
	before := f.show()
	if before.Type != "rollback" || before.State != "interrupted" || before.Rollout == old.Rollout {
		t.Errorf("shown is %+v", before)
	}
	report := f.Must(0, "rollout", "resume", "--json").Report()
	wantAll(t, report)
	if report.Rollout != before.Rollout {
		t.Errorf("resumed was %s in place of %s", report.Rollout, before.Rollout)
	}
	f.want(dumps, 1)
	wantRefusal(t, f, "it is a rollback itself", "rollout", "rollback", report.Rollout, "--yes", "--json")
	wantRefusal(t, f, "nothing of it is left", "rollout", "rollback", old.Rollout, "--yes", "--json")
}
