package integration_test

import (
	"fmt"
	"maps"
	"os"
	"path"
	"slices"
	"strings"
	"testing"
	"testing/fstest"
	"time"

	"github.com/jackc/pgx/v5"

	"github.com/skeindb/skein/engine/revision"
	"github.com/skeindb/skein/integration/pgtest"
	"github.com/skeindb/skein/integration/skeintest"
)

// waveNames are the waves of threeWaves, in order.
var waveNames = []string{"canary", "early", "rest"}

// threeWaves is the rollout of a skein.yaml: nine tenants, one in twenty, and the rest. gates are in YAML's flow
// style, by wave; more are further keys, each a line.
func threeWaves(gates map[string]string, more ...string) string {
	var b strings.Builder
	b.WriteString("rollout:\n")
	for _, line := range more {
		b.WriteString("  " + line + "\n")
	}
	b.WriteString("  waves:\n")
	for _, w := range []struct{ name, who string }{{"canary", `, tenants: "id=tenant_000?"`}, {"early", ", size: 5%"}, {"rest", ""}} {
		gate := ""
		if gates[w.name] != "" {
			gate = ", gate: {" + gates[w.name] + "}"
		}
		fmt.Fprintf(&b, "    - {name: %s%s%s}\n", w.name, w.who, gate)
	}
	return b.String()
}

// members are the tenants of each of threeWaves, worked out without skein.
func (f *testFleet) members() map[string][]string {
	early := (len(f.ids) + 19) / 20
	m := map[string][]string{}
	for _, id := range f.order() {
		w := "rest"
		if ok, _ := path.Match("tenant_000?", id); ok {
			w = "canary"
		} else if len(m["early"]) < early {
			w = "early"
		}
		m[w] = append(m[w], id)
	}
	for _, ids := range m {
		slices.Sort(ids)
	}
	return m
}

// besides are the tenants that are not among ids.
func (f *testFleet) besides(ids []string) []string {
	return slices.DeleteFunc(slices.Clone(f.ids), func(id string) bool { return slices.Contains(ids, id) })
}

// undo takes back what steps do; the first two are enough here.
var undo = []string{
	"DROP TABLE base;\nDROP TABLE log;\n",
	"DELETE FROM log WHERE n = 2;\nUPDATE base SET qty = qty - 1;\nALTER TABLE base DROP COLUMN c2;\nDROP TABLE t2;\n",
}

// bothWays are the first two steps with their way back. more is put at the end of the second; it begins with options
// if it begins with a colon.
func bothWays(more string) fstest.MapFS {
	bodies := steps(2)
	if rest, ok := strings.CutPrefix(more, ":"); ok {
		options, rest, _ := strings.Cut(rest, "\n")
		bodies[1] = ":" + options + "\n" + bodies[1] + rest
	} else {
		bodies[1] += more
	}
	files := inFiles(bodies)
	for k := range bodies {
		file := files[stepID(k+1)+"_step.sql"]
		file.Data = append(file.Data, "\n-- downgrade\n"+undo[k]...)
	}
	return files
}

// few are as many tenants as a rollout in waves needs to be one; atOnce of them may run at once, where
// that matters.
const (
	few    = 60
	atOnce = 5
)

// newFleetAtFirstStep makes a few tenants that stand at the first step, and then gives their fleet a rollout to go by. more is put at
// the end of the second step.
func newFleetAtFirstStep(t testing.TB, more, rollout string) *testFleet {
	t.Helper()
	f := newFleet(t, revision.Postgres, few, bothWays(more), "")
	f.Must(0, "upgrade", "r001", "-q")
	f.configure(rollout)
	return f
}

// configure writes another end of skein.yaml.
func (f *testFleet) configure(more string) {
	f.Write("skein.yaml", "fleet: acme\n"+f.backend.config()+more)
}

// execInTenants runs SQL in every tenant, without skein.
func (f *testFleet) execInTenants(ids []string, sql string) {
	f.t.Helper()
	for part := range slices.Chunk(ids, 200) {
		var b strings.Builder
		for _, id := range part {
			b.WriteString("SET search_path = " + id + ";\n" + sql + "\n")
		}
		pgtest.Exec(f.t, f.url(), b.String())
	}
}

// having are the tenants that have a table of this name, sorted.
const having = `SELECT n.nspname FROM pg_class AS c JOIN pg_namespace AS n ON n.oid = c.relnamespace
	WHERE c.relname = $1 AND n.nspname LIKE 'tenant\_%' ORDER BY 1`

// gateOf is a place in a revision where only these tenants wait, as at gate.
func gateOf(ids []string) string {
	return ": lock_timeout=0\nSELECT pg_advisory_xact_lock_shared(4711) WHERE current_schema() IN ('" + strings.Join(ids, "', '") + "');\n"
}

// atGateOf waits until n tenants are at the gate of a database.
func atGateOf(t testing.TB, url string, n int) {
	t.Helper()
	waitUntil(t, fmt.Sprintf("%d tenants at the gate", n), func() bool {
		return pgtest.Scalar[int](t, url, `SELECT count(*) FROM pg_locks AS l JOIN pg_stat_activity AS a USING (pid)
			WHERE locktype = 'advisory' AND objid = 4711 AND NOT granted AND application_name LIKE 'skein%' AND a.datname = current_database()`) >= n
	})
}

// oneAtGate lets those who wait at the gate of a database through, and no others.
func oneAtGate(t testing.TB, url string) (turn, open func()) {
	t.Helper()
	conn := pgtest.Connect(t, url)
	run := func(sql string) {
		t.Helper()
		if _, err := conn.Exec(t.Context(), sql, pgx.QueryExecModeSimpleProtocol); err != nil {
			t.Fatal(err)
		}
	}
	run("SELECT pg_advisory_lock(4711)")
	// A session that comes after the new request queues behind it.
	turn = func() { t.Helper(); run("SELECT pg_advisory_unlock(4711); SELECT pg_advisory_lock(4711)") }
	open = func() { t.Helper(); run("SELECT pg_advisory_unlock(4711)") }
	return turn, open
}

// gateScript is a check of a gate, run by sh: it writes down that it was asked, waits while there is a file shut-WAVE, and
// ends with the code on its line of the file answers, else 0.
const gateScript = `echo "$SKEIN_WAVE" >> asked
n=$(wc -l < asked)
while [ -e "shut-$SKEIN_WAVE" ]; do sleep 0.02; done
code=
[ -e answers ] && code=$(sed -n "${n}p" answers)
echo "the script says ${code:-0}"
exit "${code:-0}"
`

// writeGateScript makes the check of gates that run [sh, gate.sh]. answers are the codes of the first calls.
func (f *testFleet) writeGateScript(answers ...int) {
	f.t.Helper()
	f.Write("gate.sh", gateScript)
	f.Write("asked", "")
	if len(answers) > 0 {
		f.Write("answers", strings.Trim(strings.ReplaceAll(fmt.Sprint(answers), " ", "\n"), "[]")+"\n")
	}
}

// asked is how often the script was run.
func (f *testFleet) asked() int {
	f.t.Helper()
	return f.linesOf("asked")
}

// linesOf counts the lines of a file of the project.
func (f *testFleet) linesOf(name string) int {
	f.t.Helper()
	text, err := os.ReadFile(f.Path(name))
	if err != nil {
		f.t.Fatal(err)
	}
	return strings.Count(string(text), "\n")
}

// shown is what `rollout show --json` says.
type shown struct {
	skeintest.Report
	Type  string      `json:"type"`
	Waves []shownWave `json:"waves"`
}

type shownWave struct {
	Name string     `json:"name"`
	Gate *shownGate `json:"gate"`
}

type shownGate struct {
	Closed  time.Time `json:"closed"`
	Until   time.Time `json:"until"`
	Waiting bool      `json:"waiting"`
	Verdict string    `json:"verdict"`
	Reason  string    `json:"reason"`
	Checks  []struct {
		Name     string   `json:"name"`
		Verdict  string   `json:"verdict"`
		Evidence string   `json:"evidence"`
		Tenants  []string `json:"tenants"`
	} `json:"checks"`
}

// show asks another process about the latest rollout.
func (f *testFleet) show() shown {
	f.t.Helper()
	var s shown
	f.Must(0, "rollout", "show", "--json").JSON(&s)
	return s
}

// canaryGate returns the gate of the canary, and fails the test when it is not shown.
func (s shown) canaryGate(t testing.TB) shownGate {
	t.Helper()
	for _, w := range s.Waves {
		if w.Name == "canary" && w.Gate != nil {
			return *w.Gate
		}
	}
	t.Fatalf("no gate of the canary is shown: %+v", s)
	return shownGate{}
}

// atApproval waits until another process sees that the latest rollout waits for an approval.
func (f *testFleet) atApproval() {
	f.t.Helper()
	waitUntil(f.t, "the rollout to wait for an approval", func() bool { return f.show().State == "waiting" })
}

// wantEnd fails the test unless a command ended with this code, and its report has this state and these counts.
func wantEnd(t testing.TB, r skeintest.Result, code int, state string, counts map[string]int) skeintest.Report {
	t.Helper()
	r.Want(code)
	report := r.Report()
	if report.State != state || report.Exit != code {
		t.Errorf("the report says %s and exit %d, want %s and %d; reason: %s", report.State, report.Exit, state, code, report.Reason)
	}
	wantCounts(t, report, counts)
	return report
}

// wantOrder fails the test unless each wave was begun after all tenants of the waves before it had ended,
// and after these gates had passed in this very stream. It returns how many tenants were begun in each wave.
func (f *testFleet) wantOrder(r skeintest.Result, gates ...string) map[string]int {
	f.t.Helper()
	waveOf := map[string]int{}
	for w, ids := range f.members() {
		for _, id := range ids {
			waveOf[id] = slices.Index(waveNames, w)
		}
	}
	passed := map[string]bool{}
	working := map[string]bool{}
	begun := map[string]map[string]bool{}
	furthest := 0
	for k, e := range r.Events() {
		if e["kind"] == "gate" && e["state"] == "settled" && e["verdict"] == "pass" {
			passed[e["wave"].(string)] = true
		}
		if e["kind"] != "tenant" {
			continue
		}
		id := e["tenant"].(string)
		switch e["outcome"] {
		case "retrying", "deferred":
			continue
		case "running":
		default:
			delete(working, id)
			continue
		}
		mine := waveOf[id]
		for other := range working {
			if waveOf[other] != mine {
				f.t.Fatalf("line %d: %s of wave %s was begun while %s of wave %s was running", k+1, id, waveNames[mine], other, waveNames[waveOf[other]])
			}
		}
		for _, w := range gates {
			if slices.Index(waveNames, w) < mine && !passed[w] {
				f.t.Fatalf("line %d: %s of wave %s was begun before the gate of %s had passed", k+1, id, waveNames[mine], w)
			}
		}
		if mine < furthest {
			f.t.Fatalf("line %d: %s of wave %s was begun after others of wave %s", k+1, id, waveNames[mine], waveNames[furthest])
		}
		furthest = mine
		working[id] = true
		if begun[waveNames[mine]] == nil {
			begun[waveNames[mine]] = map[string]bool{}
		}
		begun[waveNames[mine]][id] = true
	}
	counts := map[string]int{}
	for w, ids := range begun {
		counts[w] = len(ids)
	}
	return counts
}

// until waits for a condition that comes about while the command runs.
func (r *running) until(what string, ok func() bool) {
	r.t.Helper()
	waitUntil(r.t, what, func() bool {
		select {
		case <-r.ended:
			r.t.Fatalf("skein ended with %d before %s\nstdout:\n%s\nstderr:\n%s", r.result.Code, what, tailOf(r.result.Stdout), tailOf(r.result.Stderr))
		default:
		}
		return ok()
	})
}

// sumOfCounts is the sum of a report's counts.
func sumOfCounts(counts map[string]int) int {
	n := 0
	for _, c := range counts {
		n += c
	}
	return n
}

// failedTenantsOf are the tenants that a report names as failed, sorted.
func failedTenantsOf(r skeintest.Report) []string {
	var ids []string
	for _, f := range r.Failed {
		ids = append(ids, f.Tenant)
	}
	return slices.Sorted(slices.Values(ids))
}

// wantSame fails the test unless the structure of tenants is as it was.
func wantSame(t testing.TB, before, after map[string]string) {
	t.Helper()
	for _, id := range slices.Sorted(maps.Keys(before)) {
		if before[id] != after[id] {
			t.Fatalf("the structure of %s has changed from\n%s\nto\n%s", id, before[id], after[id])
		}
	}
}
