package integration_test

import (
	"slices"
	"strings"
	"testing"
	"time"

	"github.com/skeindb/skein/engine/revision"
	"github.com/skeindb/skein/integration/pgtest"
	"github.com/skeindb/skein/integration/skeintest"
)

// phase is a moment of a rollout in which skein is killed.
type phase struct {
	name   string
	canary string                                       // its gate
	listed bool                                         // the tenants come from a program that can be made to wait
	held   bool                                         // one tenant of the second wave waits in its revision
	reach  func(f *testFleet, p *running) (heal func()) // returns in that moment; heal lets go on what was held up
	state  string                                       // as another process sees it when skein is dead
}

const asksGateScript = "checks: [{name: script, exec: [sh, gate.sh], interval: 1s, timeout: 1m}]"

// phases are all there are: each is reached by something seen from outside, never by the time that passes.
var phases = []phase{
	{
		name: "between waves", canary: asksGateScript, listed: true, state: "interrupted",
		reach: func(f *testFleet, p *running) func() {
			p.until("the gate to be asked", func() bool { return f.asked() == 1 })
			lists := f.linesOf("listed")
			f.Write("shut-list", "")
			f.Remove("shut-canary")
			p.until("the tenants to be listed again", func() bool { return f.linesOf("listed") > lists })
			return func() { f.Remove("shut-list") }
		},
	},
	{
		name: "in a wave", held: true, state: "interrupted",
		reach: func(f *testFleet, p *running) func() {
			f.atGate(1)
			p.until("the others of the wave to be done", func() bool { return len(pgtest.QueryRows(f.t, f.url(), having, "t2")) == 9+2 })
			return nil
		},
	},
	{
		name: "in a measure", canary: asksGateScript, state: "interrupted",
		reach: func(f *testFleet, p *running) func() {
			p.until("the gate to be asked", func() bool { return f.asked() == 1 })
			return func() { f.Remove("shut-canary") }
		},
	},
	{
		name: "in the bake", canary: "bake: 4s, " + asksGateScript, state: "interrupted",
		reach: func(f *testFleet, p *running) func() {
			f.Remove("shut-canary")
			p.until("the gate to be asked again", func() bool { return f.asked() >= 2 })
			return nil
		},
	},
	{
		name: "awaiting approval", canary: "approval: true, " + asksGateScript, state: "waiting",
		reach: func(f *testFleet, p *running) func() {
			f.Remove("shut-canary")
			f.atApproval()
			return func() { f.Must(0, "rollout", "approve", "--json") }
		},
	},
}

// TestKilledInEachPhase kills skein in every phase of a rollout in waves. After the resume everything is as after a
// rollout that was not killed: structures, what ran, and the report.
func TestKilledInEachPhase(t *testing.T) {
	t.Parallel()
	for _, ph := range phases {
		t.Run(ph.name, func(t *testing.T) {
			t.Parallel()
			killedIn(t, ph)
		})
	}
}

func killedIn(t *testing.T, ph phase) {
	f := newFleet(t, revision.Postgres, few, bothWays(""), "")
	dumps := f.backend.reference(steps(2))
	f.Must(0, "upgrade", "r001", "-q")
	members := f.members()
	open := func() {}
	if ph.held {
		for name, file := range bothWays(gateOf(members["early"][:1])) {
			f.Write("migrations/"+name, string(file.Data))
		}
		open = f.shut()
	}
	f.writeGateScript()
	f.Write("shut-canary", "")
	f.configure(threeWaves(map[string]string{"canary": ph.canary}))
	if ph.listed {
		f.list(threeWaves(map[string]string{"canary": ph.canary}))
	}

	p := f.start("upgrade", "--json")
	heal := ph.reach(f, p)
	if r := p.kill(); r.Code != -1 {
		t.Fatalf("it ended with %d before it was killed\n%s\n%s", r.Code, tailOf(r.Stdout), tailOf(r.Stderr))
	}
	if heal != nil {
		heal()
	}
	open()
	f.backend.quiet()
	at := f.want(dumps, 1, 2) // no tenant is half-way
	for _, id := range members["canary"] {
		if at[id] != 2 {
			t.Errorf("%s of the canary has %d steps", id, at[id])
		}
	}
	for _, id := range members["rest"] {
		if at[id] != 1 {
			t.Errorf("%s of the rest has %d steps", id, at[id])
		}
	}
	before := f.show()
	if before.State != ph.state {
		t.Errorf("the dead one is shown as %s, want %s", before.State, ph.state)
	}
	asked := f.asked()

	r := f.Run("rollout", "resume", "--json")
	r.Want(0)
	report := r.Report()
	wantAll(t, report)
	if report.Rollout != before.Rollout {
		t.Errorf("resumed was %s in place of %s", report.Rollout, before.Rollout)
	}
	f.want(dumps, 2)
	f.wantOrder(r)
	for _, id := range members["canary"] {
		if slices.Contains(tenantsStarted(r), id) {
			t.Errorf("%s was touched again", id)
		}
	}
	after := f.show()
	wantAll(t, after.Report)
	if ph.canary != "" {
		f.wantGateKept(before, after, r, asked)
	}
}

// wantAll fails the test unless a rollout that was killed and resumed has finished, and all its tenants are where
// wanted.
func wantAll(t *testing.T, r skeintest.Report) {
	t.Helper()
	if n := r.Counts["done"]; r.State != "finished" || n != few || sumOfCounts(r.Counts) != few {
		t.Errorf("%s: %v, want %d that are where wanted", r.State, r.Counts, few)
	}
}

// wantGateKept fails the test unless the gate of the canary is the one that was closed before the kill: a bake that
// had begun is not begun again, and what had passed is not asked again.
func (f *testFleet) wantGateKept(before, after shown, r skeintest.Result, asked int) {
	t := f.t
	t.Helper()
	was, is := before.canaryGate(t), after.canaryGate(t)
	if is.Verdict != "pass" {
		t.Errorf("the gate is %+v", is)
	}
	if !is.Closed.Equal(was.Closed) || is.Until.Sub(was.Until).Abs() >= time.Millisecond {
		t.Errorf("the gate was closed again: %s to %s became %s to %s", was.Closed, was.Until, is.Closed, is.Until)
	}
	if was.Verdict == "pass" && f.asked() != asked {
		t.Errorf("the gate had passed, and was asked %d times more", f.asked()-asked)
	}
	settled := "" // as text: RFC 3339 with the same zone
	for _, e := range r.Events() {
		if hasValues(e, skeintest.Event{"kind": "gate", "wave": "canary", "state": "settled", "verdict": "pass"}) {
			settled = e["time"].(string)
		}
		if e["kind"] == "tenant" && e["outcome"] == "running" && was.Verdict != "pass" && settled == "" {
			t.Fatalf("%v was begun before the gate was settled", e["tenant"])
		}
	}
	switch {
	case was.Verdict == "pass" && settled != "":
		t.Error("the gate had passed, and was settled again")
	case was.Verdict != "pass" && settled == "":
		t.Error("the gate was never settled")
	case was.Verdict != "pass" && settled < is.Until.UTC().Format("2006-01-02T15:04:05"):
		t.Errorf("the gate was settled at %s, before the end of the bake at %s", settled, is.Until)
	}
}

// list makes the tenants come from a program, which writes down that it ran and waits while there is a file
// shut-list.
func (f *testFleet) list(rollout string) {
	f.t.Helper()
	var all strings.Builder
	for _, id := range f.ids {
		all.WriteString(`{"id": "` + id + `", "server": "main", "schema": "` + id + `"}` + "\n")
	}
	f.Write("tenants.jsonl", all.String())
	f.Write("listed", "")
	f.Write("list.sh", "echo listed >> listed\nwhile [ -e shut-list ]; do sleep 0.02; done\ncat tenants.jsonl\n")
	f.Write("skein.yaml", "fleet: acme\nservers:\n  main:\n    url: "+f.url()+"\ntenants:\n  - {command: [sh, list.sh]}\n"+rollout)
}
