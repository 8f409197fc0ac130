package orchestrator_test

import (
	"fmt"
	"testing"
	"time"

	"github.com/google/go-cmp/cmp"
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
				"ways":    func(r *orchestrator.Report) any { return r.Ways() },
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
		if diff := cmp.Diff(want, got); diff != "" {
			t.Errorf("%s (-want +got):\n%s", kind, diff)
		}
	}
	if len(kinds) != 14 {
		t.Errorf("%d kinds of facts were tried, want all 14", len(kinds))
	}
	if _, err := orchestrator.Decode("tenant_beamed", []byte("{}")); err == nil {
		t.Error("an unknown kind was decoded")
	}
}

func TestExitCodeAndNext(t *testing.T) {
	t.Parallel()
	for _, test := range []struct {
		state  orchestrator.State
		failed bool
		exit   int
		next   string
	}{
		{orchestrator.StateFinished, false, 0, ""},
		{orchestrator.StateFinished, true, 2, "skein rollout resume r1"},
		{orchestrator.StateHalted, true, 3, "skein rollout resume r1"},
		{orchestrator.StateHalted, false, 3, "skein rollout resume r1"},
		{orchestrator.StateInterrupted, true, 130, "skein rollout resume r1"},
		{orchestrator.StateAborted, false, 3, ""},
	} {
		r := &orchestrator.Report{}
		facts := []orchestrator.Fact{orchestrator.RolloutStarted{Run: 1, Waves: []orchestrator.WavePlanned{{Name: "all", Tenants: 1}}}}
		if test.failed {
			facts = append(facts, orchestrator.TenantFinished{Tenant: "a", Wave: "all", Outcome: orchestrator.Failed})
		}
		for _, e := range statetest.Events("r1", 1, append(facts, orchestrator.RolloutEnded{State: test.state})...) {
			r.Apply(e)
		}
		if r.ExitCode() != test.exit || r.Next() != test.next {
			t.Errorf("%s, failed %v: exit %d, next %q", test.state, test.failed, r.ExitCode(), r.Next())
		}
	}
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
