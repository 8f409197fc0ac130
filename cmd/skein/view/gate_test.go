package view_test

import (
	"bytes"
	"encoding/json"
	"strings"
	"testing"
	"time"

	"github.com/google/go-cmp/cmp"

	"github.com/skeindb/skein/cmd/skein/view"
	"github.com/skeindb/skein/orchestrator"
	"github.com/skeindb/skein/orchestrator/plan"
	"github.com/skeindb/skein/orchestrator/rollout"
)

// gated is a rollout of two waves. Its canary passes a gate of a check that fails once, and of an approval.
func gated() []rollout.Event {
	ada := rollout.Command{Rollout: "r1", Seq: 1, Action: rollout.ActionApprove, Wave: "canary", Reason: "looked well", User: "ada", Host: "laptop", At: start}
	eve := rollout.Command{Rollout: "r1", Seq: 2, Action: rollout.ActionSkip, Tenants: []string{"t1"}, User: "eve", Host: "desk", At: start}
	facts := []rollout.Fact{
		rollout.Started{Run: 1, Fleet: "acme", Kind: plan.KindUpgrade, Target: "heads", Width: 8, Waves: []rollout.WavePlanned{{Name: "canary", Tenants: 1}, {Name: "rest", Tenants: 1}}},
		rollout.WaveStarted{Wave: "canary"},
		rollout.TenantFinished{Tenant: "t1", Wave: "canary", Outcome: plan.OutcomeDone, From: []string{"a1"}, To: []string{"b2"}, Steps: 1, Attempt: 1},
		rollout.WaveFinished{Wave: "canary"},
		rollout.GateClosed{Wave: "canary", Until: start.Add(10 * time.Minute), Checks: []string{"api"}, Approval: true},
		rollout.GateMeasured{Wave: "canary", Check: "api", Verdict: plan.VerdictFail, Evidence: "503"},
		rollout.GateMeasured{Wave: "canary", Check: "api", Verdict: plan.VerdictPass, Evidence: "200"},
		rollout.GateMeasured{Wave: "canary", Check: "api", Verdict: plan.VerdictPass, Evidence: "200 again"},
		rollout.ApprovalAwaited{Wave: "canary"},
		rollout.Commanded{Command: eve, Refused: "tenant t1 is done"},
		rollout.Commanded{Command: ada},
		rollout.GateSettled{Wave: "canary", Verdict: plan.VerdictPass, Reason: "approved by ada on laptop"},
		rollout.TenantsJoined{Wave: "rest", Items: make([]plan.Item, 1)},
		rollout.WaveStarted{Wave: "rest"},
		rollout.TenantFinished{Tenant: "t2", Wave: "rest", Outcome: plan.OutcomeDone, From: []string{"a1"}, To: []string{"b2"}, Steps: 1, Attempt: 1},
		rollout.TenantFinished{Tenant: "t3", Wave: "rest", Outcome: plan.OutcomeUnchanged, From: []string{"b2"}, To: []string{"b2"}},
		rollout.WaveFinished{Wave: "rest"},
		rollout.Ended{State: rollout.StateFinished},
	}
	joined := facts[12].(rollout.TenantsJoined)
	joined.Items[0].Tenant.ID = "t3"
	events := make([]rollout.Event, len(facts))
	for i, fact := range facts {
		events[i] = rollout.Event{Rollout: "r1", Seq: int64(i + 1), Time: start, Fact: fact}
	}
	return events
}

func TestPlainShowsWavesAndGates(t *testing.T) {
	t.Parallel()
	var out bytes.Buffer
	text := show(view.NewPlain(&out, view.Options{}), &out, gated())
	at := 0
	for _, want := range []string{ // in this order
		"rollout r1: upgrade 2 tenants in 2 waves, target heads, at most 8 at once\n",
		"wave canary: 1 tenant\n",
		"gate of wave canary: 10m bake, check api, approval, until 03:10:00 UTC\n",
		"check api: fail: 503\n",
		"check api: pass: 200\n",
		"waiting for an approval of wave canary:  skein rollout approve r1\n",
		"skip t1 by eve on desk; refused: tenant t1 is done\n",
		"approve wave canary by ada on laptop: looked well\n",
		"gate of wave canary passed: approved by ada on laptop\n",
		"joined wave rest: t3\n",
		"  canary  1             1 done               passed\n",
		"  rest    2 (1 joined)  1 done, 1 unchanged  –\n",
		"gate of wave canary: passed: approved by ada on laptop\n",
		"  api  pass  200 again  1 failed\n",
	} {
		i := strings.Index(text[at:], want)
		if i < 0 {
			t.Fatalf("after %q the text lacks %q:\n%s", text[:at], want, text)
		}
		at += i + len(want)
	}
	if n := strings.Count(text, "200 again"); n != 1 { // in the report only: it says the same as the measure before
		t.Errorf("a check that keeps passing is shown %d times", n)
	}
}

func TestQuietShowsWhoIsWaitedFor(t *testing.T) {
	t.Parallel()
	var out bytes.Buffer
	text := show(view.NewPlain(&out, view.Options{Quiet: true}), &out, gated())
	lines := strings.Split(strings.TrimSpace(text), "\n")
	if len(lines) != 4 || !strings.HasPrefix(lines[0], "waiting for an approval") || !strings.Contains(lines[1], "refused") || !strings.HasPrefix(lines[3], "upgrade finished") {
		t.Errorf("quiet is:\n%s", text)
	}
}

func TestJSONHasGatesAndCommands(t *testing.T) {
	t.Parallel()
	var out bytes.Buffer
	text := show(view.NewJSON(&out, "v1", view.Options{}), &out, gated())
	var got []string
	for line := range strings.Lines(text) {
		var f map[string]any
		if err := json.Unmarshal([]byte(line), &f); err != nil {
			t.Fatal(err)
		}
		for _, key := range []string{"verdict", "refused"} {
			if f[key] != nil {
				f["state"] = strings.TrimSpace(strings.Join([]string{text0(f["state"]), f[key].(string)}, " "))
			}
		}
		got = append(got, strings.TrimSpace(text0(f["kind"])+" "+text0(f["state"])))
	}
	want := []string{
		"version", "rollout running", "wave started", "tenant", "wave finished", "gate closed", "gate measured fail", "gate measured pass",
		"gate measured pass", "gate waiting", "command tenant t1 is done", "command", "gate settled pass", "wave joined", "wave started", "tenant", "tenant",
		"wave finished", "rollout finished", "report finished",
	}
	if diff := cmp.Diff(want, got); diff != "" {
		t.Errorf("-want +got\n%s", diff)
	}
}

func text0(v any) string {
	s, _ := v.(string)
	return s
}

func TestWavesOfAReportAsJSON(t *testing.T) {
	t.Parallel()
	events := gated()
	for _, test := range []struct {
		name   string
		events int
		state  []string // of the waves
		gate   string   // keys and what matters of them
	}{
		{"in the gate", 8, []string{"finished", "pending"}, ` false`},
		{"waiting", 9, []string{"finished", "pending"}, ` true`},
		{"finished", len(events), []string{"finished", "finished"}, `pass false`},
	} {
		t.Run(test.name, func(t *testing.T) {
			t.Parallel()
			r := &rollout.Report{}
			for _, e := range events[:test.events] {
				r.Apply(e)
			}
			text, err := json.Marshal(view.WavesJSON(r))
			if err != nil {
				t.Fatal(err)
			}
			var waves []struct {
				State string
				Gate  *struct {
					Verdict  string
					Bake     string
					Waiting  bool
					Approved *struct{ User string }
					Checks   []struct{ Evidence string }
				}
			}
			if err := json.Unmarshal(text, &waves); err != nil {
				t.Fatal(err)
			}
			if got := []string{waves[0].State, waves[1].State}; !cmp.Equal(got, test.state) {
				t.Errorf("the waves are %q, want %q", got, test.state)
			}
			g := waves[0].Gate
			if got := g.Verdict + " " + map[bool]string{true: "true", false: "false"}[g.Waiting]; got != test.gate || g.Bake != "10m" || len(g.Checks) != 1 {
				t.Errorf("the gate is %s", text)
			}
			if (g.Approved != nil) != (test.name == "finished") || waves[1].Gate != nil {
				t.Errorf("the gate is %s", text)
			}
		})
	}
}

func TestRehearsalSaysWould(t *testing.T) {
	t.Parallel()
	o := view.Options{Folder: "migrations", Rehearsal: &orchestrator.Rehearsal{
		Of: 500, Locks: []orchestrator.Lock{{Object: "users", Mode: "ShareLock", Longest: 1234 * time.Microsecond, Tenant: "t7", Tenants: 18}},
		Untried: []orchestrator.Untried{{Revision: "c3", Why: "it runs outside a transaction"}, {Revision: "d4", Why: "it runs outside a transaction"}},
	}}
	var out bytes.Buffer
	text := show(view.NewPlain(&out, o), &out, story(20, 2))
	for _, want := range []string{
		"rehearsal: upgrade 20 tenants, target heads, at most 8 at once; everything is rolled back\n",
		"would fail t000: Key (email)=(ada) is duplicated\n",
		"rehearsed 20 of 500 tenants: 18 would succeed, 2 would fail; everything was rolled back\n",
		"  users   ShareLock  1.2ms    t7         18\n",
		"not tried\n  c3, d4: it runs outside a transaction\n",
	} {
		if !strings.Contains(text, want) {
			t.Errorf("the text lacks %q:\n%s", want, text)
		}
	}
	if strings.Contains(text, "rollout") {
		t.Errorf("the text mentions a rollout that does not exist:\n%s", text)
	}
	out.Reset()
	text = show(view.NewJSON(&out, "v1", o), &out, story(20, 2))
	if strings.Contains(text, `"kind":"rollout"`) || strings.Contains(text, "resume") {
		t.Errorf("the stream mentions a rollout that does not exist:\n%s", text)
	}
	if !strings.Contains(text, `"rehearsal":{"planned":500,"locks":[{"object":"users","mode":"ShareLock","longest_ms":1.234,"tenant":"t7","tenants":18}],"untried":[{"revision":"c3"`) {
		t.Errorf("the report is\n%s", text)
	}
}

func TestABakeThatWasBegunBeforeHasSomeLeft(t *testing.T) {
	t.Parallel()
	closed := rollout.Event{Rollout: "r1", Seq: 20, Time: start.Add(7 * time.Minute), Fact: rollout.GateClosed{
		Wave: "canary", Until: start.Add(10 * time.Minute), Checks: []string{"api"}, Approval: true,
	}}
	for _, test := range []struct {
		name    string
		earlier []rollout.Event
		want    string
	}{
		{"begun in an earlier run", gated()[:9], "gate of wave canary: bake, 3m left, check api, approval, until 03:10:00 UTC\n"},
		{"begun now", nil, "gate of wave canary: 3m bake, check api, approval, until 03:10:00 UTC\n"},
	} {
		t.Run(test.name, func(t *testing.T) {
			t.Parallel()
			var out bytes.Buffer
			view.NewPlain(&out, view.Options{Earlier: test.earlier}).Observe(closed)
			if diff := cmp.Diff(test.want, out.String()); diff != "" {
				t.Errorf("-want +got\n%s", diff)
			}
		})
	}
}

func TestAnEndedRolloutWaitsForNoApproval(t *testing.T) {
	t.Parallel()
	for _, test := range []struct {
		state rollout.State
		want  string
	}{
		{rollout.StateAborted, "not passed"},
		{rollout.StateHalted, "not passed"},
		{rollout.StateWaiting, "waits for an approval"},
		{rollout.StateInterrupted, "waits for an approval"},
	} {
		t.Run(string(test.state), func(t *testing.T) {
			t.Parallel()
			r := &rollout.Report{}
			for _, e := range gated()[:9] { // up to where an approval is awaited
				r.Apply(e)
			}
			r.Apply(rollout.Event{Rollout: "r1", Seq: 10, Time: start, Fact: rollout.Ended{State: test.state}})
			var out bytes.Buffer
			view.WriteReport(&out, r, view.Options{})
			if n := strings.Count(out.String(), test.want); n != 2 { // in the table of the waves, and of the gate
				t.Errorf("%q %d times in:\n%s", test.want, n, out.String())
			}
			doc, err := json.Marshal(view.WavesJSON(r))
			if err != nil {
				t.Fatal(err)
			}
			if waits := test.want == "waits for an approval"; strings.Contains(string(doc), `"waiting":true`) != waits {
				t.Errorf("want waiting %t in %s", waits, doc)
			}
		})
	}
}
