package run_test

import (
	"fmt"
	"testing"
	"time"

	"github.com/google/go-cmp/cmp"
	"github.com/google/go-cmp/cmp/cmpopts"
	"pgregory.net/rapid"

	"github.com/skeindb/skein/engine"
	"github.com/skeindb/skein/orchestrator/plan"
	"github.com/skeindb/skein/orchestrator/rollout"
	"github.com/skeindb/skein/orchestrator/store/storetest"
)

// TestFoldOfWhatIsStored lets rollouts take any legal course and compares the live report, which sees
// ticks, with the fold of what went through a store's text.
func TestFoldOfWhatIsStored(t *testing.T) {
	t.Parallel()
	rapid.Check(t, func(t *rapid.T) {
		n := rapid.IntRange(1, 12).Draw(t, "tenants")
		live, stored := &rollout.Report{}, &rollout.Report{}
		seq, clock := int64(0), planCreated
		emit := func(f rollout.Fact, tick bool) {
			clock = clock.Add(time.Millisecond)
			e := rollout.Event{Rollout: "r1", Time: clock, Fact: f}
			if !tick {
				seq++
				e.Seq = seq
			}
			live.Apply(e)
			if !tick {
				kind, body, err := rollout.Encode(f)
				if err != nil {
					t.Fatal(err)
				}
				if e.Fact, err = rollout.Decode(kind, body); err != nil {
					t.Fatal(err)
				}
				stored.Apply(e)
				stored.Apply(e) // twice is once
			}
			for _, r := range []*rollout.Report{live, stored} {
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
		ended := rapid.SampledFrom([]plan.Outcome{
			plan.OutcomeDone, plan.OutcomeUnchanged, plan.OutcomeFailed, plan.OutcomeSkipped, plan.OutcomeGone,
		})
		for run := 1; run <= rapid.IntRange(1, 3).Draw(t, "runs"); run++ {
			emit(rollout.Started{Run: run, Kind: plan.KindUpgrade, Waves: []rollout.WavePlanned{{Name: "all", Tenants: n}}}, false)
			emit(rollout.WaveStarted{Wave: "all"}, false)
			for i := range n {
				id := fmt.Sprintf("t%d", i)
				failure := plan.Failure{Class: engine.Data, Message: rapid.SampledFrom([]string{"x " + id, "y"}).Draw(t, "message")}
				if !rapid.Bool().Draw(t, "dispatched") {
					if rapid.Bool().Draw(t, "refused") {
						emit(rollout.TenantFinished{Tenant: id, Wave: "all", Outcome: plan.OutcomeFailed, Failure: &failure}, false)
					}
					continue
				}
				emit(rollout.TenantsDispatched{Tenants: []string{id}}, false)
				attempt, over := 0, false
				for !over && rapid.Bool().Draw(t, "try") {
					attempt++
					emit(rollout.TenantStarted{Tenant: id, Attempt: attempt}, true)
					switch rapid.IntRange(0, 3).Draw(t, "answer") {
					case 0:
						emit(rollout.TenantRetrying{Tenant: id, Attempt: attempt, Failure: failure}, false)
					case 1:
						emit(rollout.TenantDeferred{Tenant: id, Attempt: attempt, Failure: failure}, false)
					case 2:
						emit(rollout.TenantReturned{Tenant: id, Failure: failure}, true)
						attempt--
					case 3:
						over = true
						emit(rollout.TenantFinished{
							Tenant: id, Wave: "all", Outcome: ended.Draw(t, "outcome"), From: []string{"a"},
							To: []string{rapid.SampledFrom([]string{"b", "c"}).Draw(t, "to")}, Attempt: attempt, Failure: &failure,
						}, false)
					}
				}
			}
			emit(rollout.Ended{State: rollout.StateHalted, Reason: "x"}, false)
			if live.Left() != live.Count(plan.OutcomePending) || len(live.Running()) > 0 {
				t.Fatalf("under way after the end: %v", live.Counts())
			}
			for name, of := range map[string]func(*rollout.Report) any{
				"counts":  func(r *rollout.Report) any { return r.Counts() },
				"failed":  func(r *rollout.Report) any { return r.Failed() },
				"ways":    func(r *rollout.Report) any { return r.Transitions() },
				"causes":  func(r *rollout.Report) any { return r.Causes() },
				"summary": func(r *rollout.Report) any { return r.Summary() },
			} {
				if diff := cmp.Diff(of(stored), of(live)); diff != "" {
					t.Fatalf("%s (-stored +live):\n%s", name, diff)
				}
			}
		}
	})
}

func TestFactsRoundTripThroughText(t *testing.T) {
	t.Parallel()
	facts := append(storetest.Facts(),
		rollout.TenantStarted{Tenant: "a", Attempt: 2, From: []string{}},
		rollout.TenantReturned{Tenant: "a", Failure: plan.Failure{Message: "full"}},
	)
	kinds := map[string]bool{}
	for _, want := range facts {
		kind, body, err := rollout.Encode(want)
		if err != nil {
			t.Fatal(err)
		}
		kinds[kind] = true
		got, err := rollout.Decode(kind, body)
		if err != nil {
			t.Fatal(err)
		}
		if diff := cmp.Diff(want, got, cmpopts.IgnoreUnexported(plan.Cohort{})); diff != "" {
			t.Errorf("%s (-want +got):\n%s", kind, diff)
		}
	}
	if len(kinds) != 23 {
		t.Errorf("%d kinds of facts were tried, want all 23", len(kinds))
	}
	if _, err := rollout.Decode("tenant_beamed", []byte("{}")); err == nil {
		t.Error("an unknown kind was decoded")
	}
}

// An outcome that means "not upgraded", or not known, ends in 0 only where it was asked for, or where there is nothing to
// upgrade any more.
func TestExitCodeAndNextByStateAndOutcome(t *testing.T) {
	t.Parallel()
	resume, approve := nextR1(rollout.ActionResume), nextR1(rollout.ActionApprove)
	finished := map[plan.Outcome]int{
		plan.OutcomeDone: 0, plan.OutcomeUnchanged: 0, plan.OutcomeSkipped: 0, plan.OutcomeGone: 0, plan.OutcomeFailed: 2, plan.OutcomeUncertain: 2,
		plan.OutcomePending: 2, plan.OutcomeRunning: 2, plan.OutcomeRetrying: 2, plan.OutcomeDeferred: 2,
	}
	for _, state := range []struct {
		rollout.State
		exit int // whatever became of the tenant; -1 = as finished says
		next rollout.Next
	}{
		{rollout.StateFinished, -1, resume},
		{rollout.StateHalted, 3, resume},
		{rollout.StateInterrupted, 130, resume},
		{rollout.StateAborted, 3, rollout.Next{}},
		{rollout.StatePaused, 3, resume},
		{rollout.StateWaiting, 3, approve},
	} {
		for outcome, exit := range finished {
			want, next := state.exit, state.next
			if want < 0 {
				want = exit
			}
			if want == 0 {
				next = rollout.Next{}
			}
			if state.State == rollout.StateAborted && outcome == plan.OutcomeDone {
				next = nextR1(rollout.ActionRollback)
			}
			r := endedWith(outcome, state.State)
			if exitCode(r) != want || r.Next() != next {
				t.Errorf("%s, a tenant %s: exit %d, next %+v; want %d, %+v", state.State, outcome, exitCode(r), r.Next(), want, next)
			}
		}
	}
}

// endedWith is the report of an upgrade of two tenants that ended so; the other one stood there already.
func endedWith(outcome plan.Outcome, state rollout.State) *rollout.Report {
	facts := []rollout.Fact{
		rollout.Started{Run: 1, Kind: plan.KindUpgrade, Waves: []rollout.WavePlanned{{Name: "all", Tenants: 2}}},
		rollout.TenantFinished{Tenant: "b", Wave: "all", Outcome: plan.OutcomeUnchanged},
	}
	switch outcome {
	case plan.OutcomePending:
	case plan.OutcomeRunning:
		facts = append(facts, rollout.TenantsDispatched{Tenants: []string{"a"}}, rollout.TenantStarted{Tenant: "a", Attempt: 1})
	case plan.OutcomeRetrying:
		facts = append(facts, rollout.TenantRetrying{Tenant: "a", Attempt: 1})
	case plan.OutcomeDeferred:
		facts = append(facts, rollout.TenantDeferred{Tenant: "a", Attempt: 1})
	default:
		facts = append(facts, rollout.TenantFinished{Tenant: "a", Wave: "all", Outcome: outcome})
	}
	r := &rollout.Report{}
	for _, e := range storetest.Events("r1", 1, append(facts, rollout.Ended{State: state})...) {
		r.Apply(e)
	}
	return r
}

func TestRateAndETA(t *testing.T) {
	t.Parallel()
	r := &rollout.Report{}
	add := func(after time.Duration, f rollout.Fact) {
		r.Apply(rollout.Event{Rollout: "r1", Seq: r.Seq + 1, Time: planCreated.Add(after), Fact: f})
	}
	add(0, rollout.Started{Run: 1, Waves: []rollout.WavePlanned{{Name: "all", Tenants: 100}}})
	if _, ok := r.ETA(planCreated.Add(time.Second)); ok {
		t.Error("an estimate out of nothing")
	}
	for i := range 50 { // half of it stood there already and says nothing about the rate
		add(time.Second, rollout.TenantFinished{Tenant: fmt.Sprint("u", i), Wave: "all", Outcome: plan.OutcomeUnchanged})
	}
	for i := range 20 {
		add(10*time.Second, rollout.TenantFinished{Tenant: fmt.Sprint("d", i), Wave: "all", Outcome: plan.OutcomeDone, Attempt: 1})
	}
	if eta, ok := r.ETA(planCreated.Add(10 * time.Second)); !ok || eta != 15*time.Second || r.Rate(planCreated.Add(10*time.Second)) != 2 {
		t.Errorf("%s %v, %v a second", eta, ok, r.Rate(planCreated.Add(10*time.Second)))
	}
}

// TestAnyFactsInAnyOrderMakeAConsistentReport feeds the fold what no run makes: it must be whole nevertheless, for a
// store may have lost something, and views ask it anything at any time.
func TestAnyFactsInAnyOrderMakeAConsistentReport(t *testing.T) {
	t.Parallel()
	rapid.Check(t, func(t *rapid.T) {
		wave := rapid.SampledFrom([]string{"canary", "early", "rest", ""})
		id := rapid.SampledFrom([]string{"a", "b", "c", "d", "e", "f"})
		check := rapid.SampledFrom([]string{"rows", "errors"})
		verdict := rapid.SampledFrom([]plan.Verdict{plan.VerdictPass, plan.VerdictFail, plan.VerdictInconclusive, "", "maybe"})
		failure := plan.Failure{Class: engine.Data, Message: "x"}
		facts := []func() rollout.Fact{
			func() rollout.Fact {
				return rollout.Started{Run: rapid.IntRange(0, 3).Draw(t, "run"), Waves: []rollout.WavePlanned{
					{Name: wave.Draw(t, "wave"), Tenants: rapid.IntRange(0, 3).Draw(t, "planned")}, {Name: "rest", Tenants: 2},
				}}
			},
			func() rollout.Fact { return rollout.WaveStarted{Wave: wave.Draw(t, "wave")} },
			func() rollout.Fact {
				return rollout.TenantsDispatched{Tenants: rapid.SliceOfN(id, 0, 3).Draw(t, "ids")}
			},
			func() rollout.Fact { return rollout.TenantStarted{Tenant: id.Draw(t, "id"), Attempt: 1} },
			func() rollout.Fact {
				return rollout.TenantReturned{Tenant: id.Draw(t, "id"), Failure: failure}
			},
			func() rollout.Fact {
				return rollout.TenantRetrying{Tenant: id.Draw(t, "id"), Failure: failure}
			},
			func() rollout.Fact {
				return rollout.TenantDeferred{Tenant: id.Draw(t, "id"), Failure: failure}
			},
			func() rollout.Fact {
				return rollout.TenantFinished{
					Tenant: id.Draw(t, "id"), Wave: wave.Draw(t, "wave"), Outcome: rapid.SampledFrom(append(outcomesOfTenants, "beamed")).Draw(t, "outcome"),
					From: []string{"a"}, To: []string{"b"}, Attempt: rapid.IntRange(0, 2).Draw(t, "attempt"),
				}
			},
			func() rollout.Fact {
				return rollout.ServerPaused{Server: "s1", Failure: failure, Operator: true}
			},
			func() rollout.Fact { return rollout.ServerResumed{Server: "s1"} },
			func() rollout.Fact { return rollout.WidthChanged{Server: "s2", Width: 3} },
			func() rollout.Fact { return rollout.Warned{Message: "x"} },
			func() rollout.Fact {
				return rollout.TenantsJoined{Wave: wave.Draw(t, "wave"), Items: make([]plan.Item, rapid.IntRange(0, 2).Draw(t, "joined"))}
			},
			func() rollout.Fact {
				return rollout.TenantsReplanned{Wave: wave.Draw(t, "wave"), Items: make([]plan.Item, 1)}
			},
			func() rollout.Fact {
				return rollout.GateClosed{Wave: wave.Draw(t, "wave"), Checks: []string{check.Draw(t, "check")}, Approval: true}
			},
			func() rollout.Fact {
				return rollout.GateMeasured{Wave: wave.Draw(t, "wave"), Check: check.Draw(t, "check"), Verdict: verdict.Draw(t, "verdict")}
			},
			func() rollout.Fact { return rollout.ApprovalAwaited{Wave: wave.Draw(t, "wave")} },
			func() rollout.Fact {
				return rollout.GateSettled{Wave: wave.Draw(t, "wave"), Verdict: verdict.Draw(t, "verdict")}
			},
			func() rollout.Fact {
				return rollout.Commanded{Refused: rapid.SampledFrom([]string{"", "no"}).Draw(t, "refused"), Command: rollout.Command{
					Seq: rapid.Int64Range(-1, 5).Draw(t, "seq"), Wave: wave.Draw(t, "wave"), Tenants: []string{id.Draw(t, "id")},
					Action: rapid.SampledFrom([]rollout.Action{rollout.ActionApprove, rollout.ActionAbort, rollout.ActionSkip, "dance"}).Draw(t, "action"),
				}}
			},
			func() rollout.Fact { return rollout.WaveFinished{Wave: wave.Draw(t, "wave")} },
			func() rollout.Fact {
				return rollout.Ended{State: rapid.SampledFrom([]rollout.State{
					rollout.StateFinished, rollout.StateHalted, rollout.StateWaiting, rollout.StateAborted, rollout.StateRunning,
				}).Draw(t, "state")}
			},
		}
		r, clock := &rollout.Report{}, planCreated
		for range rapid.IntRange(1, 60).Draw(t, "facts") {
			f := facts[rapid.IntRange(0, len(facts)-1).Draw(t, "fact")]()
			clock = clock.Add(time.Duration(rapid.IntRange(-1, 5).Draw(t, "seconds")) * time.Second)
			e := rollout.Event{Rollout: "r1", Time: clock, Fact: f}
			if rapid.IntRange(0, 4).Draw(t, "stored") > 0 {
				e.Seq = r.Seq + 1
			}
			r.Apply(e)
			checkReport(t, r)
			if w := r.CurrentWave(); w != nil && r.State != rollout.StateRunning && r.State != rollout.StateWaiting {
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
			if ways > r.Planned() || len(r.Failed()) != r.Count(plan.OutcomeFailed) || len(r.Running()) > r.Count(plan.OutcomeRunning) {
				t.Fatalf("%d on their ways of %d; %d failed of %d; %d running of %d", ways, r.Planned(), len(r.Failed()), r.Count(plan.OutcomeFailed),
					len(r.Running()), r.Count(plan.OutcomeRunning))
			}
			_, _, _, _ = r.Causes(), r.Summary(), r.Next(), exitCode(r)
		}
	})
}

func TestReportKeepsWhatAnEarlierRunPassed(t *testing.T) {
	t.Parallel()
	r := &rollout.Report{}
	planned := []rollout.WavePlanned{{Name: "canary", Tenants: 1}, {Name: "rest", Tenants: 2}}
	add := func(at time.Duration, facts ...rollout.Fact) {
		for _, f := range facts {
			r.Apply(rollout.Event{Rollout: "r1", Seq: r.Seq + 1, Time: planCreated.Add(at), Fact: f})
		}
	}
	add(0, rollout.Started{Run: 1, Waves: planned}, rollout.WaveStarted{Wave: "canary"},
		rollout.TenantFinished{Tenant: "a", Wave: "canary", Outcome: plan.OutcomeDone, Attempt: 1},
		rollout.WaveFinished{Wave: "canary"},
		rollout.TenantsJoined{Wave: "rest", Items: make([]plan.Item, 3)},
		rollout.GateClosed{Wave: "canary", Until: planCreated.Add(time.Hour), Checks: []string{"rows"}, Approval: true},
		rollout.GateMeasured{Wave: "canary", Check: "rows", Verdict: plan.VerdictPass},
		rollout.ApprovalAwaited{Wave: "canary"})
	if r.State != rollout.StateWaiting || r.Next() != nextR1(rollout.ActionApprove) || exitCode(r) != 3 || r.CurrentWave().Name != "canary" {
		t.Errorf("%s, next %+v", r.State, r.Next())
	}
	planned[1].Tenants = 5 // late ones included
	add(time.Minute, rollout.Started{Run: 2, Waves: planned})
	if g := r.Waves[0].Gate; g.Waiting || r.State != rollout.StateRunning || r.Waves[1].Planned != 5 || r.Waves[1].Joined != 3 || r.Planned() != 6 {
		t.Errorf("%+v, %s, %+v", g, r.State, r.Waves[1])
	}
	add(2*time.Minute, rollout.WaveStarted{Wave: "canary"}, rollout.GateClosed{Wave: "canary", Until: planCreated.Add(time.Hour), Checks: []string{"rows"}, Approval: true})
	if g := r.Waves[0].Gate; !g.Closed.Equal(planCreated) || g.Checks[0].Passes != 0 || g.Passed() {
		t.Errorf("%+v", g)
	}
	add(3*time.Minute, rollout.Commanded{Command: rollout.Command{Seq: 1, Action: rollout.ActionApprove, Wave: "canary", User: "eve"}},
		rollout.GateSettled{Wave: "canary", Verdict: plan.VerdictPass}, rollout.Ended{State: rollout.StatePaused},
		rollout.Started{Run: 3, Waves: planned})
	if g := r.Waves[0].Gate; !g.Passed() || g.Approved.User != "eve" {
		t.Errorf("%+v", g)
	}
}

func TestTenantCountsInOneWave(t *testing.T) {
	t.Parallel()
	r := &rollout.Report{}
	for _, f := range []rollout.Fact{
		rollout.Started{Run: 1, Waves: []rollout.WavePlanned{{Name: "canary", Tenants: 1}, {Name: "rest", Tenants: 1}}},
		rollout.WaveStarted{Wave: "canary"},
		rollout.TenantsDispatched{Tenants: []string{"a"}},
		rollout.TenantFinished{Tenant: "a", Wave: "rest", Outcome: plan.OutcomeDone},
	} {
		r.Apply(rollout.Event{Rollout: "r1", Seq: r.Seq + 1, Time: planCreated, Fact: f})
	}
	if diff := cmp.Diff(counts(plan.OutcomeDone, 1, plan.OutcomePending, 1), r.Counts()); diff != "" || r.Planned() != 2 || r.Waves[1].Count(plan.OutcomeDone) != 1 {
		t.Errorf("%d planned, %s", r.Planned(), diff)
	}
}
