package orchestrator_test

import (
	"fmt"
	"testing"
	"time"

	"github.com/google/go-cmp/cmp"
	"github.com/google/go-cmp/cmp/cmpopts"
	"pgregory.net/rapid"

	"github.com/skeindb/skein/engine"
	"github.com/skeindb/skein/orchestrator"
	"github.com/skeindb/skein/orchestrator/state/statetest"
)

// TestFoldOfWhatIsStored lets rollouts take any legal course and compares the live report, which sees
// ticks, with the fold of what went through a store's text.
func TestFoldOfWhatIsStored(t *testing.T) {
	t.Parallel()
	rapid.Check(t, func(t *rapid.T) {
		n := rapid.IntRange(1, 12).Draw(t, "tenants")
		live, stored := &orchestrator.Report{}, &orchestrator.Report{}
		seq, clock := int64(0), begin
		emit := func(f orchestrator.Fact, tick bool) {
			clock = clock.Add(time.Millisecond)
			e := orchestrator.Event{Rollout: "r1", Time: clock, Fact: f}
			if !tick {
				seq++
				e.Seq = seq
			}
			live.Apply(e)
			if !tick {
				kind, body, err := orchestrator.Encode(f)
				if err != nil {
					t.Fatal(err)
				}
				if e.Fact, err = orchestrator.Decode(kind, body); err != nil {
					t.Fatal(err)
				}
				stored.Apply(e)
				stored.Apply(e) // twice is once
			}
			for _, r := range []*orchestrator.Report{live, stored} {
				sum := 0
				for _, k := range r.Counts() {
					if k < 0 {
						t.Fatalf("%v after %+v", r.Counts(), f)
					}
					sum += k
				}
				if sum != n || r.Planned() != n {
					t.Fatalf("%v, of %d planned, after %+v", r.Counts(), n, f)
				}
			}
		}
		ended := rapid.SampledFrom([]orchestrator.Outcome{
			orchestrator.Done, orchestrator.Unchanged, orchestrator.Failed, orchestrator.Skipped, orchestrator.Gone,
		})
		for run := 1; run <= rapid.IntRange(1, 3).Draw(t, "runs"); run++ {
			emit(orchestrator.RolloutStarted{Run: run, Kind: orchestrator.Upgrade, Waves: []orchestrator.WavePlanned{{Name: "all", Tenants: n}}}, false)
			emit(orchestrator.WaveStarted{Wave: "all"}, false)
			for i := range n {
				id := fmt.Sprintf("t%d", i)
				failure := orchestrator.Failure{Class: engine.Data, Message: rapid.SampledFrom([]string{"x " + id, "y"}).Draw(t, "message")}
				if !rapid.Bool().Draw(t, "dispatched") {
					if rapid.Bool().Draw(t, "refused") {
						emit(orchestrator.TenantFinished{Tenant: id, Wave: "all", Outcome: orchestrator.Failed, Failure: &failure}, false)
					}
					continue
				}
				emit(orchestrator.TenantsDispatched{Tenants: []string{id}}, false)
				attempt, over := 0, false
				for !over && rapid.Bool().Draw(t, "try") {
					attempt++
					emit(orchestrator.TenantStarted{Tenant: id, Attempt: attempt}, true)
					switch rapid.IntRange(0, 3).Draw(t, "answer") {
					case 0:
						emit(orchestrator.TenantRetrying{Tenant: id, Attempt: attempt, Failure: failure}, false)
					case 1:
						emit(orchestrator.TenantDeferred{Tenant: id, Attempt: attempt, Failure: failure}, false)
					case 2:
						emit(orchestrator.TenantReturned{Tenant: id, Failure: failure}, true)
						attempt--
					case 3:
						over = true
						emit(orchestrator.TenantFinished{
							Tenant: id, Wave: "all", Outcome: ended.Draw(t, "outcome"), From: []string{"a"},
							To: []string{rapid.SampledFrom([]string{"b", "c"}).Draw(t, "to")}, Attempt: attempt, Failure: &failure,
						}, false)
					}
				}
			}
			emit(orchestrator.RolloutEnded{State: orchestrator.StateHalted, Reason: "x"}, false)
			if live.Left() != live.Count(orchestrator.Pending) || len(live.Running()) > 0 {
				t.Fatalf("under way after the end: %v", live.Counts())
			}
			for name, of := range map[string]func(*orchestrator.Report) any{
				"counts":  func(r *orchestrator.Report) any { return r.Counts() },
				"failed":  func(r *orchestrator.Report) any { return r.Failed() },
				"ways":    func(r *orchestrator.Report) any { return r.Transitions() },
				"causes":  func(r *orchestrator.Report) any { return r.Causes() },
				"summary": func(r *orchestrator.Report) any { return r.Summary() },
			} {
				if diff := cmp.Diff(of(stored), of(live)); diff != "" {
					t.Fatalf("%s (-stored +live):\n%s", name, diff)
				}
			}
		}
	})
}

func TestFactsSurviveText(t *testing.T) {
	t.Parallel()
	facts := append(statetest.Facts(),
		orchestrator.TenantStarted{Tenant: "a", Attempt: 2, From: []string{}},
		orchestrator.TenantReturned{Tenant: "a", Failure: orchestrator.Failure{Message: "full"}},
	)
	kinds := map[string]bool{}
	for _, want := range facts {
		kind, body, err := orchestrator.Encode(want)
		if err != nil {
			t.Fatal(err)
		}
		kinds[kind] = true
		got, err := orchestrator.Decode(kind, body)
		if err != nil {
			t.Fatal(err)
		}
		if diff := cmp.Diff(want, got, cmpopts.IgnoreUnexported(orchestrator.Cohort{})); diff != "" {
			t.Errorf("%s (-want +got):\n%s", kind, diff)
		}
	}
	if len(kinds) != 21 {
		t.Errorf("%d kinds of facts were tried, want all 21", len(kinds))
	}
	if _, err := orchestrator.Decode("tenant_beamed", []byte("{}")); err == nil {
		t.Error("an unknown kind was decoded")
	}
}

// An outcome that means "not upgraded", or not known, ends in 0 only where it was asked for, or where there is nothing to
// upgrade any more.
func TestExitCodeAndNextByStateAndOutcome(t *testing.T) {
	t.Parallel()
	const resume, approve = "skein rollout resume r1", "skein rollout approve r1"
	finished := map[orchestrator.Outcome]int{
		orchestrator.Done: 0, orchestrator.Unchanged: 0, orchestrator.Skipped: 0, orchestrator.Gone: 0, orchestrator.Failed: 2, orchestrator.Uncertain: 2,
		orchestrator.Pending: 2, orchestrator.Running: 2, orchestrator.Retrying: 2, orchestrator.Deferred: 2,
	}
	for _, state := range []struct {
		orchestrator.State
		exit int // whatever became of the tenant; -1 = as finished says
		next string
	}{
		{orchestrator.StateFinished, -1, resume},
		{orchestrator.StateHalted, 3, resume},
		{orchestrator.StateInterrupted, 130, resume},
		{orchestrator.StateAborted, 3, ""},
		{orchestrator.StatePaused, 3, resume},
		{orchestrator.StateWaiting, 3, approve},
	} {
		for outcome, exit := range finished {
			want, next := state.exit, state.next
			if want < 0 {
				want = exit
			}
			if want == 0 {
				next = ""
			}
			if state.State == orchestrator.StateAborted && outcome == orchestrator.Done {
				next = "skein rollout rollback r1"
			}
			r := endedWith(outcome, state.State)
			if r.ExitCode() != want || r.Next() != next {
				t.Errorf("%s, a tenant %s: exit %d, next %q; want %d, %q", state.State, outcome, r.ExitCode(), r.Next(), want, next)
			}
		}
	}
}

// endedWith is the report of an upgrade of two tenants that ended so; the other one stood there already.
func endedWith(outcome orchestrator.Outcome, state orchestrator.State) *orchestrator.Report {
	facts := []orchestrator.Fact{
		orchestrator.RolloutStarted{Run: 1, Kind: orchestrator.Upgrade, Waves: []orchestrator.WavePlanned{{Name: "all", Tenants: 2}}},
		orchestrator.TenantFinished{Tenant: "b", Wave: "all", Outcome: orchestrator.Unchanged},
	}
	switch outcome {
	case orchestrator.Pending:
	case orchestrator.Running:
		facts = append(facts, orchestrator.TenantsDispatched{Tenants: []string{"a"}}, orchestrator.TenantStarted{Tenant: "a", Attempt: 1})
	case orchestrator.Retrying:
		facts = append(facts, orchestrator.TenantRetrying{Tenant: "a", Attempt: 1})
	case orchestrator.Deferred:
		facts = append(facts, orchestrator.TenantDeferred{Tenant: "a", Attempt: 1})
	default:
		facts = append(facts, orchestrator.TenantFinished{Tenant: "a", Wave: "all", Outcome: outcome})
	}
	r := &orchestrator.Report{}
	for _, e := range statetest.Events("r1", 1, append(facts, orchestrator.RolloutEnded{State: state})...) {
		r.Apply(e)
	}
	return r
}

func TestRateAndETA(t *testing.T) {
	t.Parallel()
	r := &orchestrator.Report{}
	add := func(after time.Duration, f orchestrator.Fact) {
		r.Apply(orchestrator.Event{Rollout: "r1", Seq: r.Seq + 1, Time: begin.Add(after), Fact: f})
	}
	add(0, orchestrator.RolloutStarted{Run: 1, Waves: []orchestrator.WavePlanned{{Name: "all", Tenants: 100}}})
	if _, ok := r.ETA(begin.Add(time.Second)); ok {
		t.Error("an estimate out of nothing")
	}
	for i := range 50 { // half of it stood there already and says nothing about the rate
		add(time.Second, orchestrator.TenantFinished{Tenant: fmt.Sprint("u", i), Wave: "all", Outcome: orchestrator.Unchanged})
	}
	for i := range 20 {
		add(10*time.Second, orchestrator.TenantFinished{Tenant: fmt.Sprint("d", i), Wave: "all", Outcome: orchestrator.Done, Attempt: 1})
	}
	if eta, ok := r.ETA(begin.Add(10 * time.Second)); !ok || eta != 15*time.Second || r.Rate(begin.Add(10*time.Second)) != 2 {
		t.Errorf("%s %v, %v a second", eta, ok, r.Rate(begin.Add(10*time.Second)))
	}
}

// TestAnyFactsInAnyOrderMakeAWholeReport feeds the fold what no run makes: it must be whole nevertheless, for a
// store may have lost something, and views ask it anything at any time.
func TestAnyFactsInAnyOrderMakeAWholeReport(t *testing.T) {
	t.Parallel()
	rapid.Check(t, func(t *rapid.T) {
		wave := rapid.SampledFrom([]string{"canary", "early", "rest", ""})
		id := rapid.SampledFrom([]string{"a", "b", "c", "d", "e", "f"})
		check := rapid.SampledFrom([]string{"rows", "errors"})
		verdict := rapid.SampledFrom([]orchestrator.Verdict{orchestrator.Pass, orchestrator.Fail, orchestrator.Inconclusive, "", "maybe"})
		failure := orchestrator.Failure{Class: engine.Data, Message: "x"}
		facts := []func() orchestrator.Fact{
			func() orchestrator.Fact {
				return orchestrator.RolloutStarted{Run: rapid.IntRange(0, 3).Draw(t, "run"), Waves: []orchestrator.WavePlanned{
					{Name: wave.Draw(t, "wave"), Tenants: rapid.IntRange(0, 3).Draw(t, "planned")}, {Name: "rest", Tenants: 2},
				}}
			},
			func() orchestrator.Fact { return orchestrator.WaveStarted{Wave: wave.Draw(t, "wave")} },
			func() orchestrator.Fact {
				return orchestrator.TenantsDispatched{Tenants: rapid.SliceOfN(id, 0, 3).Draw(t, "ids")}
			},
			func() orchestrator.Fact { return orchestrator.TenantStarted{Tenant: id.Draw(t, "id"), Attempt: 1} },
			func() orchestrator.Fact {
				return orchestrator.TenantReturned{Tenant: id.Draw(t, "id"), Failure: failure}
			},
			func() orchestrator.Fact {
				return orchestrator.TenantRetrying{Tenant: id.Draw(t, "id"), Failure: failure}
			},
			func() orchestrator.Fact {
				return orchestrator.TenantDeferred{Tenant: id.Draw(t, "id"), Failure: failure}
			},
			func() orchestrator.Fact {
				return orchestrator.TenantFinished{
					Tenant: id.Draw(t, "id"), Wave: wave.Draw(t, "wave"), Outcome: rapid.SampledFrom(append(ends, "beamed")).Draw(t, "outcome"),
					From: []string{"a"}, To: []string{"b"}, Attempt: rapid.IntRange(0, 2).Draw(t, "attempt"),
				}
			},
			func() orchestrator.Fact {
				return orchestrator.ServerPaused{Server: "s1", Failure: failure, Operator: true}
			},
			func() orchestrator.Fact { return orchestrator.ServerResumed{Server: "s1"} },
			func() orchestrator.Fact { return orchestrator.WidthChanged{Server: "s2", Width: 3} },
			func() orchestrator.Fact { return orchestrator.Warned{Message: "x"} },
			func() orchestrator.Fact {
				return orchestrator.TenantsJoined{Wave: wave.Draw(t, "wave"), Items: make([]orchestrator.Item, rapid.IntRange(0, 2).Draw(t, "joined"))}
			},
			func() orchestrator.Fact {
				return orchestrator.TenantsReplanned{Wave: wave.Draw(t, "wave"), Items: make([]orchestrator.Item, 1)}
			},
			func() orchestrator.Fact {
				return orchestrator.GateClosed{Wave: wave.Draw(t, "wave"), Checks: []string{check.Draw(t, "check")}, Approval: true}
			},
			func() orchestrator.Fact {
				return orchestrator.GateMeasured{Wave: wave.Draw(t, "wave"), Check: check.Draw(t, "check"), Verdict: verdict.Draw(t, "verdict")}
			},
			func() orchestrator.Fact { return orchestrator.ApprovalAwaited{Wave: wave.Draw(t, "wave")} },
			func() orchestrator.Fact {
				return orchestrator.GateSettled{Wave: wave.Draw(t, "wave"), Verdict: verdict.Draw(t, "verdict")}
			},
			func() orchestrator.Fact {
				return orchestrator.Commanded{Refused: rapid.SampledFrom([]string{"", "no"}).Draw(t, "refused"), Command: orchestrator.Command{
					Seq: rapid.Int64Range(-1, 5).Draw(t, "seq"), Wave: wave.Draw(t, "wave"), Tenants: []string{id.Draw(t, "id")},
					Action: rapid.SampledFrom([]orchestrator.Action{orchestrator.ActionApprove, orchestrator.ActionAbort, orchestrator.ActionSkip, "dance"}).Draw(t, "action"),
				}}
			},
			func() orchestrator.Fact { return orchestrator.WaveFinished{Wave: wave.Draw(t, "wave")} },
			func() orchestrator.Fact {
				return orchestrator.RolloutEnded{State: rapid.SampledFrom([]orchestrator.State{
					orchestrator.StateFinished, orchestrator.StateHalted, orchestrator.StateWaiting, orchestrator.StateAborted, orchestrator.StateRunning,
				}).Draw(t, "state")}
			},
		}
		r, clock := &orchestrator.Report{}, begin
		for range rapid.IntRange(1, 60).Draw(t, "facts") {
			f := facts[rapid.IntRange(0, len(facts)-1).Draw(t, "fact")]()
			clock = clock.Add(time.Duration(rapid.IntRange(-1, 5).Draw(t, "seconds")) * time.Second)
			e := orchestrator.Event{Rollout: "r1", Time: clock, Fact: f}
			if rapid.IntRange(0, 4).Draw(t, "stored") > 0 {
				e.Seq = r.Seq + 1
			}
			r.Apply(e)
			whole(t, r)
			if w := r.CurrentWave(); w != nil && r.State != orchestrator.StateRunning && r.State != orchestrator.StateWaiting {
				t.Fatalf("%s in wave %s", r.State, w.Name)
			}
			if eta, ok := r.ETA(clock); ok && eta < 0 {
				t.Fatalf("%s to go", eta)
			}
			if rate := r.Rate(clock.Add(time.Second)); rate < 0 {
				t.Fatalf("%v a second", rate)
			}
			ways := 0
			for _, w := range r.Transitions() {
				ways += w.Tenants
			}
			if ways > r.Planned() || len(r.Failed()) != r.Count(orchestrator.Failed) || len(r.Running()) > r.Count(orchestrator.Running) {
				t.Fatalf("%d on their ways of %d; %d failed of %d; %d running of %d", ways, r.Planned(), len(r.Failed()), r.Count(orchestrator.Failed),
					len(r.Running()), r.Count(orchestrator.Running))
			}
			_, _, _, _ = r.Causes(), r.Summary(), r.Next(), r.ExitCode()
		}
	})
}

func TestReportKeepsWhatAnEarlierRunPassed(t *testing.T) {
	t.Parallel()
	r := &orchestrator.Report{}
	planned := []orchestrator.WavePlanned{{Name: "canary", Tenants: 1}, {Name: "rest", Tenants: 2}}
	add := func(at time.Duration, facts ...orchestrator.Fact) {
		for _, f := range facts {
			r.Apply(orchestrator.Event{Rollout: "r1", Seq: r.Seq + 1, Time: begin.Add(at), Fact: f})
		}
	}
	add(0, orchestrator.RolloutStarted{Run: 1, Waves: planned}, orchestrator.WaveStarted{Wave: "canary"},
		orchestrator.TenantFinished{Tenant: "a", Wave: "canary", Outcome: orchestrator.Done, Attempt: 1},
		orchestrator.WaveFinished{Wave: "canary"},
		orchestrator.TenantsJoined{Wave: "rest", Items: make([]orchestrator.Item, 3)},
		orchestrator.GateClosed{Wave: "canary", Until: begin.Add(time.Hour), Checks: []string{"rows"}, Approval: true},
		orchestrator.GateMeasured{Wave: "canary", Check: "rows", Verdict: orchestrator.Pass},
		orchestrator.ApprovalAwaited{Wave: "canary"})
	if r.State != orchestrator.StateWaiting || r.Next() != "skein rollout approve r1" || r.ExitCode() != 3 || r.CurrentWave().Name != "canary" {
		t.Errorf("%s, next %q", r.State, r.Next())
	}
	planned[1].Tenants = 5 // late ones included
	add(time.Minute, orchestrator.RolloutStarted{Run: 2, Waves: planned})
	if g := r.Waves[0].Gate; g.Waiting || r.State != orchestrator.StateRunning || r.Waves[1].Planned != 5 || r.Waves[1].Joined != 3 || r.Planned() != 6 {
		t.Errorf("%+v, %s, %+v", g, r.State, r.Waves[1])
	}
	add(2*time.Minute, orchestrator.WaveStarted{Wave: "canary"}, orchestrator.GateClosed{Wave: "canary", Until: begin.Add(time.Hour), Checks: []string{"rows"}, Approval: true})
	if g := r.Waves[0].Gate; !g.Closed.Equal(begin) || g.Checks[0].Passes != 0 || g.Passed() {
		t.Errorf("%+v", g)
	}
	add(3*time.Minute, orchestrator.Commanded{Command: orchestrator.Command{Seq: 1, Action: orchestrator.ActionApprove, Wave: "canary", User: "eve"}},
		orchestrator.GateSettled{Wave: "canary", Verdict: orchestrator.Pass}, orchestrator.RolloutEnded{State: orchestrator.StatePaused},
		orchestrator.RolloutStarted{Run: 3, Waves: planned})
	if g := r.Waves[0].Gate; !g.Passed() || g.Approved.User != "eve" {
		t.Errorf("%+v", g)
	}
}

func TestTenantCountsInOneWave(t *testing.T) {
	t.Parallel()
	r := &orchestrator.Report{}
	for _, f := range []orchestrator.Fact{
		orchestrator.RolloutStarted{Run: 1, Waves: []orchestrator.WavePlanned{{Name: "canary", Tenants: 1}, {Name: "rest", Tenants: 1}}},
		orchestrator.WaveStarted{Wave: "canary"},
		orchestrator.TenantsDispatched{Tenants: []string{"a"}},
		orchestrator.TenantFinished{Tenant: "a", Wave: "rest", Outcome: orchestrator.Done},
	} {
		r.Apply(orchestrator.Event{Rollout: "r1", Seq: r.Seq + 1, Time: begin, Fact: f})
	}
	if diff := cmp.Diff(counts(orchestrator.Done, 1, orchestrator.Pending, 1), r.Counts()); diff != "" || r.Planned() != 2 || r.Waves[1].Count(orchestrator.Done) != 1 {
		t.Errorf("%d planned, %s", r.Planned(), diff)
	}
}
