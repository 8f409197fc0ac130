package integration_test

import (
	"fmt"
	"maps"
	"slices"
	"strings"
	"testing"

	"github.com/google/go-cmp/cmp"

	"github.com/skeindb/skein/engine/revision"
	"github.com/skeindb/skein/integration/pgtest"
	"github.com/skeindb/skein/integration/skeintest"
)

// TestPauseInMidWave pauses a rollout from another process while tenants of its last wave are running: they finish,
// no other tenant begins, and a resume does the others.
func TestPauseInMidWave(t *testing.T) {
	t.Parallel()
	f, open, p := startMidWave(t)
	f.Must(0, "rollout", "pause", "--reason", "the pager rang", "--json")
	p.must("the pager rang", 1) // it has taken the command in
	open()
	r := p.end()
	report := wantEnd(t, r, 3, "paused", map[string]int{"done": 12 + atOnce, "pending": few - 12 - atOnce})
	wantWords(t, report.Reason, "the pager rang", userName())
	if report.Next != "skein rollout resume "+report.Rollout {
		t.Errorf("next is %q", report.Next)
	}
	if s := f.show(); s.State != "paused" || s.Rollout != report.Rollout {
		t.Errorf("shown is %+v", s)
	}
	f.wantDrained()
	wantRefusal(t, f, "no process runs rollout", "rollout", "pause", "--json")
	r = f.Run("rollout", "resume", "--json")
	wantEnd(t, r, 0, "finished", map[string]int{"done": few})
	f.want(nil, 2)
	wantRefusal(t, f, "it has ended", "rollout", "pause", "--json")
	wantWords(t, f.Must(0, "rollout", "audit").Stdout, userName()+"@", "pause", "the pager rang", "resume")
}

// TestAbortInMidWave aborts a rollout while tenants are running. It is over for good; what it did, and only
// that, can be taken back.
func TestAbortInMidWave(t *testing.T) {
	t.Parallel()
	f, open, p := startMidWave(t)
	dumps := f.backend.reference(steps(2))
	f.Must(0, "rollout", "abort", "--reason", "wrong release", "--json")
	p.must("wrong release", 1)
	open()
	r := p.end()
	report := wantEnd(t, r, 3, "aborted", map[string]int{"done": 12 + atOnce, "pending": few - 12 - atOnce})
	wantWords(t, report.Reason, "wrong release")
	at := f.wantDrained()
	var changed []string
	for id, n := range at {
		if n == 2 {
			changed = append(changed, id)
		}
	}
	untouched := f.besides(changed)
	wantRefusal(t, f, "it is aborted", "rollout", "resume", report.Rollout, "--json")
	wantRefusal(t, f, "it is aborted", "rollout", "retry", "--rollout", report.Rollout, untouched[0], "--json")
	wantRefusal(t, f, "it is aborted", "rollout", "abort", report.Rollout, "--json")
	f.wantDrained()

	before := traces(t, f, untouched)
	r = f.Run("rollout", "rollback", report.Rollout, "--yes", "--json")
	wantEnd(t, r, 0, "finished", map[string]int{"done": 12 + atOnce})
	if diff := cmp.Diff(slices.Sorted(slices.Values(changed)), tenantsStarted(r)); diff != "" {
		t.Errorf("taken back were (-want +got):\n%s", diff)
	}
	f.want(dumps, 1)
	if after := traces(t, f, untouched); !slices.Equal(before, after) {
		t.Error("tenants were written that the rollout had not changed")
	}
}

// TestSkipOfAFailedTenant leaves a tenant out for good, so that the rollout can end.
func TestSkipOfAFailedTenant(t *testing.T) {
	t.Parallel()
	f := newFleetAtFirstStep(t, "SELECT 1 / n FROM log WHERE n < 1;\n", threeWaves(nil))
	bad := f.members()["rest"][7]
	f.execInTenants([]string{bad}, "INSERT INTO log VALUES (0);")
	f.Must(3, "upgrade", "--json")
	r := f.Run("rollout", "resume", "--json")
	r.Want(3)
	if got := failedTenantsOf(r.Report()); !slices.Equal(got, []string{bad}) {
		t.Fatalf("failed are %q", got)
	}
	f.Must(0, "rollout", "skip", bad, "--reason", "its owner repairs it", "--json")
	if s := f.show(); s.Counts["failed"] != 0 || s.Counts["skipped"] != 1 {
		t.Errorf("shown is %+v", s)
	}
	r = f.Run("rollout", "resume", "--json")
	wantEnd(t, r, 0, "finished", map[string]int{"done": few - 1, "skipped": 1})
	if slices.Contains(tenantsStarted(r), bad) {
		t.Errorf("%s was touched", bad)
	}
	f.wantOf(f.besides([]string{bad}), nil, 2)
	wantRefusal(t, f, "it is done", "rollout", "skip", f.members()["rest"][0], "--reason", "too late", "--json")
}

// TestRetryOfNamedTenants retries one of two that failed, and no other tenant; no gate is asked for it.
func TestRetryOfNamedTenants(t *testing.T) {
	t.Parallel()
	f := newFleetAtFirstStep(t, "SELECT 1 / n FROM log WHERE n < 1;\n", threeWaves(map[string]string{"rest": "exec: [sh, gate.sh]"}, "max_failures: 5%"))
	f.writeGateScript()
	fixed, left := f.members()["rest"][7], f.members()["rest"][40]
	f.execInTenants([]string{fixed, left}, "INSERT INTO log VALUES (0);")
	wantEnd(t, f.Run("upgrade", "--json"), 2, "finished", map[string]int{"done": few - 2, "failed": 2})
	asked := f.asked()
	f.execInTenants([]string{fixed}, "DELETE FROM log WHERE n = 0;")
	r := f.Run("rollout", "retry", fixed, "--json")
	r.Want(2)
	report := r.Report()
	wantCounts(t, report, map[string]int{"done": few - 1, "failed": 1})
	if got := tenantsStarted(r); !slices.Equal(got, []string{fixed}) {
		t.Errorf("touched were %q", got)
	}
	if n := f.asked() - asked; n != 0 {
		t.Errorf("the gate was asked %d times", n)
	}
	f.wantOf(f.besides([]string{left}), nil, 2)
	wantRefusal(t, f, "no tenant has that id", "rollout", "retry", "nobody", "--json")
}

// startMidWave begins an upgrade and returns when as many tenants of its last wave are running as may be at once. They
// wait until open is called.
func startMidWave(t *testing.T) (f *testFleet, open func(), p *running) {
	t.Helper()
	rollout := threeWaves(nil, fmt.Sprintf("concurrency: %d", atOnce))
	f = newFleet(t, revision.Postgres, few, bothWays(""), "")
	f.Must(0, "upgrade", "r001", "-q")
	for name, file := range bothWays(gateOf(f.members()["rest"])) {
		f.Write("migrations/"+name, string(file.Data))
	}
	f.configure(rollout)
	open = f.shut()
	p = f.start("upgrade", "--json")
	f.atGate(atOnce)
	return f, open, p
}

// wantDrained fails the test unless the first two waves and those who waited in the middle of the last have both
// steps, and all others the first, whole.
func (f *testFleet) wantDrained() map[string]int {
	f.t.Helper()
	at := f.want(f.backend.reference(steps(2)), 1, 2)
	done := 0
	for _, steps := range at {
		done += steps - 1
	}
	if done != 12+atOnce {
		f.t.Errorf("%d tenants are done, want %d", done, 12+atOnce)
	}
	return at
}

// tenantsStarted are the tenants of a stream that were running, sorted.
func tenantsStarted(r skeintest.Result) []string {
	ids := map[string]bool{}
	for _, e := range r.Events() {
		if e["kind"] == "tenant" && e["outcome"] == "running" {
			ids[e["tenant"].(string)] = true
		}
	}
	return slices.Sorted(maps.Keys(ids))
}

// TestStrictBudgetIsNeverExceededByMoreThanOne has a revision that fails wherever it runs, with 16 tenants at once
// under either tolerance.
func TestStrictBudgetIsNeverExceededByMoreThanOne(t *testing.T) {
	t.Parallel()
	const tenants, width, budget = 60, 16, 3
	for _, c := range []struct {
		tolerance   string
		least, most int // failures
	}{{"strict", budget + 1, budget + 1}, {"soft", width, 2 * width}} {
		t.Run(c.tolerance, func(t *testing.T) {
			t.Parallel()
			f := newFleet(t, revision.Postgres, tenants, inFiles([]string{steps(1)[0], ": lock_timeout=0\n" + gate + "SELECT 1 / 0;\n"}), "")
			f.Must(0, "upgrade", "r001", "-q")
			f.configure(fmt.Sprintf("rollout: {concurrency: %d, max_failures: %d, tolerance: %s, systemic: 0}\n", width, budget, c.tolerance))
			open := f.shut()
			p := f.start("upgrade", "--json")
			f.atGate(c.least)
			open()
			r := p.end()
			n := len(tenantsStarted(r))
			report := wantEnd(t, r, 3, "halted", map[string]int{"failed": n, "pending": tenants - n})
			if n < c.least || n > c.most {
				t.Errorf("%d tenants were begun and failed, want %d to %d", n, c.least, c.most)
			}
			wantWords(t, report.Reason, fmt.Sprint(budget))
			f.want(nil, 1)
		})
	}
}

// TestBrokenServerIsBlockedAlone has a revision that fails everywhere on one of two servers: nothing more is begun
// there, and the other is done.
func TestBrokenServerIsBlockedAlone(t *testing.T) {
	t.Parallel()
	const each, width, systemic = 30, 2, 5
	server := pgtest.Server(t)
	well, _ := pgtest.Database(t, server)
	ill, _ := pgtest.Database(t, server)
	pgtest.Schemas(t, well, "tenant_", each)
	ids := pgtest.Schemas(t, ill, "tenant_", each)
	pgtest.Exec(t, well, "CREATE TABLE public.plans (id text PRIMARY KEY)") // what the other server lacks
	p := skeintest.New(t, fmt.Sprintf(`fleet: acme
servers:
  well: {url: %q}
  ill: {url: %q}
tenants:
  - {server: well, id: "{server}/{schema}", include_schemas: ["tenant_*"]}
  - {server: ill, id: "{server}/{schema}", include_schemas: ["tenant_*"]}
rollout: {max_failures: 100%%, per_server: %d, systemic: %d}
`, well, ill, width, systemic), nil)
	p.Write("migrations/s1_plans.sql", revisionFile("s1", "none",
		": lock_timeout=0\nCREATE TABLE mine (id integer);\n"+gate+"INSERT INTO mine SELECT count(*) FROM public.plans;", ""))

	// Turn by turn: some of the one are done, then some of the other fail, so that the failures of all are never in a
	// row, and those of the one server always are.
	turnWell, openWell := oneAtGate(t, well)
	turnIll, openIll := oneAtGate(t, ill)
	r := startProcess(t, p, "upgrade", "--json")
	for k, done := 1, 0; ; k++ {
		atGateOf(t, well, width)
		turnWell()
		done += width
		r.must(isDone, done)
		if k > (systemic+width-1)/width {
			break
		}
		atGateOf(t, ill, width)
		turnIll()
		r.must(`"outcome":"failed"`, min(systemic, k*width))
	}
	openWell()
	openIll()
	got := r.end()
	got.Want(3)
	report := got.Report()
	if n := report.Counts["failed"]; n < systemic || n >= systemic+width {
		t.Errorf("%d tenants failed, want %d, and those that were running", n, systemic)
	}
	wantCounts(t, report, map[string]int{"done": each, "failed": report.Counts["failed"], "pending": each - report.Counts["failed"]})
	for _, id := range failedTenantsOf(report) {
		if !strings.HasPrefix(id, "ill/") {
			t.Errorf("%s failed", id)
		}
	}
	if n := warnings(got, "server paused"); n != 1 {
		t.Errorf("%d servers were paused, want 1", n)
	}
	wantEach(t, "structure", "", pgtest.DumpAll(t, ill, ids))
	if n := len(pgtest.QueryRows(t, well, having, "mine")); n != each {
		t.Errorf("%d tenants have the table, want %d", n, each)
	}
}
