package integration_test

import (
	"net/http"
	"net/http/httptest"
	"os"
	"slices"
	"strings"
	"sync/atomic"
	"testing"

	"github.com/google/go-cmp/cmp"

	"github.com/skeindb/skein/engine/revision"
	"github.com/skeindb/skein/integration/pgtest"
	"github.com/skeindb/skein/integration/skeintest"
)

// TestGateThatFailsHalts has one tenant of the canary say no: the others stay as they are until the cause is removed.
func TestGateThatFailsHalts(t *testing.T) {
	t.Parallel()
	f := newFleetAtFirstStep(t, "", threeWaves(map[string]string{
		"canary": `sql: "select bool_and(ok) from flags", checks: [{name: ready, sql: "select count(*) from public.ready", per: server, expect: "> 0"}]`,
		"early":  `sql: "select bool_and(ok) from flags"`,
	}))
	f.execInTenants(f.ids, "CREATE TABLE flags (ok boolean NOT NULL); INSERT INTO flags VALUES (true);")
	f.execInTenants([]string{"tenant_0003"}, "UPDATE flags SET ok = false;")
	pgtest.Exec(t, f.url(), "CREATE TABLE public.ready (); INSERT INTO public.ready DEFAULT VALUES")
	canary := f.members()["canary"]

	for run, command := range [][]string{{"upgrade", "--json"}, {"rollout", "resume", "--json"}} { // nothing was repaired
		r := f.Run(command...)
		report := wantEnd(t, r, 3, "halted", map[string]int{"done": len(canary), "pending": few - len(canary)})
		wantWords(t, report.Reason, "gate", "canary", "sql")
		if report.Next != "skein rollout resume "+report.Rollout {
			t.Errorf("next is %q", report.Next)
		}
		f.wantOf(canary, nil, 2)
		f.wantOf(f.besides(canary), nil, 1)
		s := f.show()
		g := s.canaryGate(t)
		if s.State != "halted" || g.Verdict != "fail" || len(g.Checks) != 2 {
			t.Fatalf("run %d shows %+v", run+1, s)
		}
		sql, ready := g.Checks[0], g.Checks[1]
		if sql.Name != "sql" {
			sql, ready = ready, sql
		}
		if sql.Name != "sql" || sql.Verdict != "fail" || !strings.Contains(sql.Evidence, "1 of 9 tenants") || !slices.Equal(sql.Tenants, []string{"tenant_0003"}) {
			t.Errorf("the evidence is %+v", sql)
		}
		if ready.Name != "ready" || ready.Verdict != "pass" {
			t.Errorf("the other check is %+v", ready)
		}
		wantWords(t, f.Must(0, "rollout", "show").Stdout, "halted", "canary", sql.Evidence)
	}

	f.execInTenants([]string{"tenant_0003"}, "UPDATE flags SET ok = true;")
	r := f.Run("rollout", "resume", "--json")
	wantEnd(t, r, 0, "finished", map[string]int{"done": few})
	if diff := cmp.Diff(map[string]int{"early": 3, "rest": few - 12}, f.wantOrder(r, "canary", "early")); diff != "" {
		t.Errorf("tenants begun (-want +got):\n%s", diff)
	}
	f.want(nil, 2)
}

// TestInconclusiveGate is asked again, and pauses the rollout when it has not been able to tell too often.
func TestInconclusiveGate(t *testing.T) {
	t.Parallel()
	const tempFail = 75
	exec := func(limit string) string {
		return "checks: [{name: script, exec: [sh, gate.sh], interval: 1s, inconclusive: " + limit + "}]"
	}
	for _, c := range []struct {
		name, gate string
		answers    []int
		runs       []int // asked at the end of each run; all but the last are paused
	}{
		{"twice, then it passes", exec("3"), []int{tempFail, tempFail, 0}, []int{3}},
		{"more often than is allowed", exec("1"), []int{tempFail, tempFail, 0}, []int{2, 3}},
		{"again and again", exec("0"), []int{tempFail, tempFail, 0}, []int{1, 2, 3}},
	} {
		t.Run(c.name, func(t *testing.T) {
			t.Parallel()
			f := newFleetAtFirstStep(t, "", threeWaves(map[string]string{"canary": c.gate}))
			f.writeGateScript(c.answers...)
			command := []string{"upgrade", "--json"}
			for k, asked := range c.runs {
				r := f.Run(command...)
				if k == len(c.runs)-1 {
					wantEnd(t, r, 0, "finished", map[string]int{"done": few})
				} else {
					report := wantEnd(t, r, 3, "paused", map[string]int{"done": 9, "pending": few - 9})
					wantWords(t, report.Reason, "gate", "canary", "script")
					g := f.show().canaryGate(t)
					if g.Verdict != "inconclusive" || len(g.Checks) != 1 || g.Checks[0].Verdict != "inconclusive" || g.Checks[0].Evidence == "" {
						t.Errorf("shown is %+v", g)
					}
					f.wantOf(f.besides(f.members()["canary"]), nil, 1)
				}
				if n := f.asked(); n != asked {
					t.Errorf("asked %d times by the end of run %d, want %d", n, k+1, asked)
				}
				command = []string{"rollout", "resume", "--json"}
			}
			g := f.show().canaryGate(t)
			if g.Verdict != "pass" || len(g.Checks) != 1 || !strings.Contains(g.Checks[0].Evidence, "the script says 0") {
				t.Errorf("shown is %+v", g)
			}
			f.want(nil, 2)
		})
	}
}

// TestGateOverHTTP asks a service that is too busy at first, and one that says no.
func TestGateOverHTTP(t *testing.T) {
	t.Parallel()
	var asked atomic.Int64
	var broken atomic.Bool
	s := httptest.NewServer(http.HandlerFunc(func(w http.ResponseWriter, r *http.Request) {
		switch {
		case r.Header.Get("Authorization") != "Bearer s3cret":
			http.Error(w, "who are you?", http.StatusForbidden)
		case r.URL.Path == "/busy" && asked.Add(1) <= 2:
			http.Error(w, "not now", http.StatusTooManyRequests)
		case r.URL.Path == "/broken" && broken.Load():
			http.Error(w, "errors are at 7 %", http.StatusServiceUnavailable)
		}
	}))
	t.Cleanup(s.Close)
	check := func(path string) string {
		return "checks: [{name: api, http: \"" + s.URL + path + "?key=hidden\", interval: 1s, headers: {Authorization: {env: TOKEN}}}]"
	}
	f := newFleetAtFirstStep(t, "", threeWaves(map[string]string{"canary": check("/busy"), "early": check("/broken")}))
	f.Env = []string{"TOKEN=Bearer s3cret"}
	broken.Store(true)

	r := f.Run("upgrade", "--json")
	wantEnd(t, r, 3, "halted", map[string]int{"done": 12, "pending": few - 12})
	if n := asked.Load(); n != 3 {
		t.Errorf("the busy one was asked %d times, want 3", n)
	}
	show := f.Must(0, "rollout", "show", "--json").Stdout
	wantWords(t, show, "503", "errors are at 7 %")
	for _, secret := range []string{"hidden", "s3cret"} {
		if strings.Contains(show+r.Stdout+r.Stderr, secret) {
			t.Errorf("%q is shown", secret)
		}
	}
	f.wantOf(f.members()["rest"], nil, 1)

	broken.Store(false)
	r = f.Run("rollout", "resume", "--json")
	wantEnd(t, r, 0, "finished", map[string]int{"done": few})
	if n := asked.Load(); n != 3 {
		t.Errorf("a gate that had passed was asked again: %d times", n)
	}
	f.wantOrder(r, "early")
	f.want(nil, 2)
}

// TestApprovalFromAnotherProcess lets a rollout wait for an approval, which another process sends.
func TestApprovalFromAnotherProcess(t *testing.T) {
	t.Parallel()
	f := newFleetAtFirstStep(t, "", threeWaves(map[string]string{"canary": "exec: [sh, gate.sh], approval: true"}))
	f.writeGateScript()
	f.Write("shut-canary", "")
	canary := f.members()["canary"]

	p := f.start("upgrade", "--json")
	p.until("the gate to be asked", func() bool { return f.asked() == 1 })
	wantRefusal(t, f, "nothing waits yet", "rollout", "approve", "--json")
	f.Remove("shut-canary")
	f.atApproval()
	if g := f.show().canaryGate(t); !g.Waiting || g.Verdict != "" {
		t.Errorf("shown is %+v", g)
	}
	f.wantOf(f.besides(canary), nil, 1)
	f.Must(5, "upgrade", "--json") // it holds the fleet while it waits
	f.Must(0, "rollout", "approve", "--json")
	r := p.end()
	wantEnd(t, r, 0, "finished", map[string]int{"done": few})
	f.wantOrder(r, "canary")
	f.want(nil, 2)
	if g := f.show().canaryGate(t); g.Verdict != "pass" || !strings.Contains(g.Reason, userName()) {
		t.Errorf("it is not said who approved: %+v", g)
	}
	wantRefusal(t, f, "nothing waits any more", "rollout", "approve", "--json")
}

// TestApprovalOfARolloutThatDoesNotWait ends the process where an approval is due.
func TestApprovalOfARolloutThatDoesNotWait(t *testing.T) {
	t.Parallel()
	f := newFleetAtFirstStep(t, "", threeWaves(map[string]string{"canary": "exec: [sh, gate.sh], approval: true"}))
	f.writeGateScript()
	r := f.Run("upgrade", "--no-wait", "--json")
	report := wantEnd(t, r, 3, "waiting", map[string]int{"done": 9, "pending": few - 9})
	if !strings.Contains(report.Next, "rollout approve") {
		t.Errorf("next is %q", report.Next)
	}
	r = f.Run("rollout", "resume", "--no-wait", "--json") // it is not approved yet
	wantEnd(t, r, 3, "waiting", map[string]int{"done": 9, "pending": few - 9})

	f.Must(0, "rollout", "approve", "--json")
	wantRefusal(t, f, "it is approved already", "rollout", "approve", "--json")
	f.wantOf(f.members()["rest"], nil, 1)
	r = f.Run("rollout", "resume", "--no-wait", "--json")
	wantEnd(t, r, 0, "finished", map[string]int{"done": few})
	f.want(nil, 2)
}

// TestApprovalOfARolloutThatWasStoppedWhileItWaited names no rollout: the one that waits is meant, whatever stopped it.
func TestApprovalOfARolloutThatWasStoppedWhileItWaited(t *testing.T) {
	t.Parallel()
	for name, stop := range map[string]func(f *testFleet, p *running){
		"paused":      func(f *testFleet, p *running) { f.Must(0, "rollout", "pause"); p.end().Want(3) },
		"interrupted": func(_ *testFleet, p *running) { p.Signal(os.Interrupt); p.end().Want(130) },
		"killed":      func(_ *testFleet, p *running) { p.Signal(os.Kill); p.end() },
	} {
		t.Run(name, func(t *testing.T) {
			t.Parallel()
			f := newFleet(t, revision.SQLite, 4, inFiles(steps(1)), "rollout: {waves: [{name: canary, size: 2, gate: {approval: true}}]}\n")
			p := f.start("upgrade", "--json")
			p.comes(skeintest.Event{"kind": "gate", "state": "waiting"})
			stop(f, p)
			f.Must(0, "rollout", "approve", "--reason", "looks good")
			wantRefusal(t, f, "it is approved already", "rollout", "approve", "--json")
			r := f.Must(0, "rollout", "resume", "--json")
			wantCounts(t, r.Report(), map[string]int{"done": 4})
			wantRefusal(t, f, "nothing waits any more", "rollout", "approve", "--json")
		})
	}
}

// TestApprovalIsNotForARolloutThatWasOvertaken stops a rollout while it waits, and upgrades the tenants by another.
func TestApprovalIsNotForARolloutThatWasOvertaken(t *testing.T) {
	t.Parallel()
	f := newFleet(t, revision.SQLite, 4, inFiles(steps(1)), "rollout: {waves: [{name: canary, size: 2, gate: {approval: true}}]}\n")
	p := f.start("upgrade", "--json")
	p.comes(skeintest.Event{"kind": "gate", "state": "waiting"})
	f.Must(0, "rollout", "pause")
	id := p.end().Report().Rollout
	f.Must(0, "upgrade", "-c", f.plain())
	message, _ := wantRefusal(t, f, "another came after it", "rollout", "approve", "--json")
	wantText(t, "the refusal", message, "no rollout waits for an approval")
	f.Must(0, "rollout", "approve", id)
}

// TestStoppedInAGate stops rollouts while their gates are closed. A resume continues with the gate.
func TestStoppedInAGate(t *testing.T) {
	t.Parallel()
	for _, c := range []struct {
		name, gate string
		closed     string // what the stream says when the gate is closed
		stop       func(f *testFleet, p *running)
		code       int
		state      string
	}{
		{
			"interrupted in the bake", "bake: 3s, exec: [sh, gate.sh]", `"state":"measured"`,
			func(_ *testFleet, p *running) { p.Signal(os.Interrupt) }, 130, "interrupted",
		},
		{
			"interrupted awaiting approval", "approval: true", `"state":"waiting"`,
			func(_ *testFleet, p *running) { p.Signal(os.Interrupt) }, 130, "interrupted",
		},
		{
			"paused awaiting approval", "approval: true", `"state":"waiting"`,
			func(f *testFleet, _ *running) { f.Must(0, "rollout", "pause", "--json") }, 3, "paused",
		},
		{
			"aborted awaiting approval", "approval: true", `"state":"waiting"`,
			func(f *testFleet, _ *running) { f.Must(0, "rollout", "abort", "--json") }, 3, "aborted",
		},
	} {
		t.Run(c.name, func(t *testing.T) {
			t.Parallel()
			f := newFleetAtFirstStep(t, "", threeWaves(map[string]string{"canary": c.gate}))
			f.writeGateScript()
			canary := f.members()["canary"]
			p := f.start("upgrade", "--json")
			p.must(c.closed, 1)
			c.stop(f, p)
			report := wantEnd(t, p.end(), c.code, c.state, map[string]int{"done": len(canary), "pending": few - len(canary)})
			f.wantOf(canary, nil, 2)
			f.wantOf(f.besides(canary), nil, 1)
			before := f.show()
			if before.State != c.state {
				t.Errorf("shown is %s, want %s", before.State, c.state)
			}
			if c.state == "aborted" {
				wantRefusal(t, f, "it is aborted", "rollout", "approve", "--json")
				wantRefusal(t, f, "it is aborted", "rollout", "resume", report.Rollout, "--json")
				return
			}
			p = f.start("rollout", "resume", "--json")
			if strings.Contains(c.gate, "approval") {
				f.atApproval()
				f.Must(0, "rollout", "approve", "--json")
			}
			r := p.end()
			wantEnd(t, r, 0, "finished", map[string]int{"done": few})
			f.wantGateKept(before, f.show(), r, f.asked())
			f.want(nil, 2)
		})
	}
}

// wantRefusal fails the test unless a command ends with 1, and says why and what to do.
func wantRefusal(t *testing.T, f *testFleet, why string, args ...string) (message, hint string) {
	t.Helper()
	r := f.Run(args...)
	if r.Code != 1 {
		t.Errorf("%s: skein %s: exit %d, want 1\n%s\n%s", why, strings.Join(args, " "), r.Code, tailOf(r.Stdout), tailOf(r.Stderr))
		return "", ""
	}
	if message, hint = errorOf(r); message == "" {
		t.Errorf("%s: skein %s does not say why", why, strings.Join(args, " "))
	}
	return message, hint
}
