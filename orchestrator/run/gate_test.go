package run_test

import (
	"context"
	"errors"
	"fmt"
	"strings"
	"testing"
	"testing/synctest"
	"time"

	"github.com/google/go-cmp/cmp"

	"github.com/skeindb/skein/engine"
	"github.com/skeindb/skein/orchestrator/plan"
	"github.com/skeindb/skein/orchestrator/rollout"
	"github.com/skeindb/skein/orchestrator/run"
)

const (
	pass    = plan.VerdictPass
	fail    = plan.VerdictFail
	unknown = plan.VerdictInconclusive
)

// runWithGate runs a rollout of ten tenants with a gate after the canary, and checks its course and the end.
func runWithGate(t *testing.T, gate plan.Gate, prepare func(*fakeFleet), want ...string) (*fakeFleet, *rollout.Report) {
	t.Helper()
	s := newFakeFleet(t, 10, map[string]plan.Gate{"canary": gate})
	if prepare != nil {
		prepare(s)
	}
	r := s.run(t)
	if diff := cmp.Diff(want, s.sequence(t)); diff != "" {
		t.Errorf("the course (-want +got):\n%s", diff)
	}
	return s, r
}

var (
	sequencePassed = []string{"run 1", "canary", "canary closed", "canary pass", "early", "rest", "finished"}
	sequenceHalted = []string{"run 1", "canary", "canary closed", "canary fail", "halted"}
	sequencePaused = []string{"run 1", "canary", "canary closed", "canary inconclusive", "paused"}
)

func TestWavesGoOneAfterTheOther(t *testing.T) {
	t.Parallel()
	synctest.Test(t, func(t *testing.T) {
		s := newFakeFleet(t, 30, nil)
		r := s.run(t)
		if r.State != rollout.StateFinished || r.Count(plan.OutcomeDone) != 30 {
			t.Fatal(r.State, r.Reason, r.Counts())
		}
		place := map[string]int{}
		for _, w := range r.Waves {
			place[w.Name] = len(place)
			if !w.Started || !w.Finished || w.Gate != nil || w.Count(plan.OutcomeDone) != w.Planned {
				t.Errorf("%+v", w)
			}
		}
		last := 0
		for _, id := range s.engine.order {
			for name, at := range place {
				for _, member := range s.inWave(name) {
					if member == id && at < last {
						t.Errorf("%s of wave %s was begun after a later wave", id, name)
					} else if member == id {
						last = at
					}
				}
			}
		}
		if diff := cmp.Diff([]string{"run 1", "canary", "early", "rest", "finished"}, s.sequence(t)); diff != "" {
			t.Error(diff)
		}
	})
}

func TestGateWithoutBakeNeedsOnePass(t *testing.T) {
	t.Parallel()
	synctest.Test(t, func(t *testing.T) {
		m := meterOf(pass)
		s, r := runWithGate(t, gateOf(m, nil), nil, sequencePassed...)
		if len(m.at) != 1 || r.Count(plan.OutcomeDone) != 10 {
			t.Errorf("%d measures, %v", len(m.at), r.Counts())
		}
		subject := m.subjects[0]
		if subject.Rollout != "r1" || subject.Fleet != "acme" || subject.Target != "heads" || subject.Wave != "canary" {
			t.Errorf("%+v", subject)
		}
		var asked []string
		for _, tn := range subject.Tenants {
			asked = append(asked, tn.ID)
		}
		if canary := s.inWave("canary"); len(asked) != 2 || asked[0] > asked[1] || !strings.Contains(fmt.Sprint(asked), canary[0]) {
			t.Errorf("asked about %v, want %v", asked, canary)
		}
		want := &rollout.GateReport{
			Closed: r.Started.Add(time.Second), Until: r.Started.Add(time.Second), Verdict: pass,
			Checks: []rollout.CheckReport{{Name: "probe", Passes: 1, Verdict: pass, Evidence: "it says pass", At: r.Started.Add(time.Second)}},
		}
		if diff := cmp.Diff(want, r.Waves[0].Gate); diff != "" {
			t.Error(diff)
		}
		if r.Waves[1].Gate != nil {
			t.Error("early has a gate")
		}
	})
}

func TestBakeMeasuresEveryIntervalUntilItIsOver(t *testing.T) {
	t.Parallel()
	synctest.Test(t, func(t *testing.T) {
		m := meterOf(pass)
		slow := &meter{says: func(context.Context, int) plan.Measure {
			time.Sleep(4 * time.Second)
			return plan.Measure{Verdict: pass}
		}}
		gate := gateOf(m, nil)
		gate.Bake = 2 * time.Minute
		gate.Checks = append(gate.Checks, plan.Check{Name: "slow", Meter: slow, Interval: 28 * time.Second})
		_, r := runWithGate(t, gate, nil, sequencePassed...)
		if diff := cmp.Diff([]time.Duration{0, 30 * time.Second, time.Minute, 90 * time.Second}, m.since()); diff != "" {
			t.Error(diff)
		}
		if diff := cmp.Diff([]time.Duration{0, 32 * time.Second, 64 * time.Second, 96 * time.Second}, slow.since()); diff != "" {
			t.Error(diff)
		}
		if took := r.Finished.Sub(r.Started); took != time.Second+2*time.Minute+2*time.Second {
			t.Errorf("it took %s", took)
		}
		if m.twice || slow.twice {
			t.Error("a meter was asked from two goroutines at a time")
		}
	})
}

func TestBakeAloneIsAWait(t *testing.T) {
	t.Parallel()
	synctest.Test(t, func(t *testing.T) {
		_, r := runWithGate(t, plan.Gate{Bake: time.Hour}, nil, sequencePassed...)
		if took := r.Finished.Sub(r.Started); took != time.Hour+3*time.Second {
			t.Errorf("it took %s", took)
		}
	})
}

func TestCheckThatDoesNotPassWhenTheBakeIsOverContinues(t *testing.T) {
	t.Parallel()
	synctest.Test(t, func(t *testing.T) {
		m := meterOf(pass, pass, fail, unknown, fail, pass, pass, pass)
		gate := gateOf(m, func(c *plan.Check) { c.Interval, c.Failures = 10*time.Second, 2 })
		gate.Bake = 25 * time.Second
		runWithGate(t, gate, nil, sequencePassed...)
		if got := len(m.at); got != 6 {
			t.Errorf("%d measures, want to stop at the first pass after the bake, the sixth", got)
		}
	})
}

func TestMeasureThatIsUnderWayWhenTheBakeEndsCounts(t *testing.T) {
	t.Parallel()
	synctest.Test(t, func(t *testing.T) {
		m := &meter{says: func(_ context.Context, n int) plan.Measure {
			time.Sleep(9 * time.Second)
			return plan.Measure{Verdict: []plan.Verdict{pass, fail}[n]}
		}}
		gate := gateOf(m, nil)
		gate.Bake = 40 * time.Second
		_, r := runWithGate(t, gate, nil, sequenceHalted...)
		if took := r.Finished.Sub(r.Started); took != time.Second+48*time.Second {
			t.Errorf("it took %s", took)
		}
	})
}

func TestCheckThatPassesWhenTheBakeIsOverIsAskedNoMore(t *testing.T) {
	t.Parallel()
	synctest.Test(t, func(t *testing.T) {
		good, late := meterOf(pass), meterOf(fail, fail, fail, fail, pass)
		gate := gateOf(good, nil)
		gate.Bake = 45 * time.Second
		gate.Checks = append(gate.Checks, plan.Check{Name: "late", Meter: late, Failures: 9})
		runWithGate(t, gate, nil, sequencePassed...)
		if len(good.at) != 2 || len(late.at) != 5 {
			t.Errorf("%d and %d measures", len(good.at), len(late.at))
		}
	})
}

func TestGateFailsAtTheLimit(t *testing.T) {
	t.Parallel()
	for _, limit := range []int{0, 2} {
		synctest.Test(t, func(t *testing.T) {
			m := meterOf(fail, pass, fail, pass, fail, pass)
			gate := gateOf(m, func(c *plan.Check) { c.Failures = limit })
			gate.Bake = time.Hour
			s, r := runWithGate(t, gate, nil, sequenceHalted...)
			if len(m.at) != 2*limit+1 {
				t.Errorf("%d measures with %d failures allowed", len(m.at), limit)
			}
			if exitCode(r) != 3 || r.Count(plan.OutcomeDone) != 2 || s.engine.touched() != 2 || !strings.HasPrefix(r.Reason, "gate of wave canary: check probe failed") {
				t.Errorf("exit %d, %v: %s", exitCode(r), r.Counts(), r.Reason)
			}
			if g := r.Waves[0].Gate; g.Verdict != fail || g.Passed() || g.Checks[0].Failures != limit+1 {
				t.Errorf("%+v", g)
			}
		})
	}
}

func TestInconclusiveGatePauses(t *testing.T) {
	t.Parallel()
	for limit, measures := range map[int]int{0: 4, 1: 2, -1: 1} {
		synctest.Test(t, func(t *testing.T) {
			m := meterOf(unknown)
			_, r := runWithGate(t, gateOf(m, func(c *plan.Check) { c.Inconclusive = limit }), nil, sequencePaused...)
			if len(m.at) != measures {
				t.Errorf("limit %d: %d measures, want %d", limit, len(m.at), measures)
			}
			if exitCode(r) != 3 || r.Next() != nextR1(rollout.ActionResume) || !strings.HasPrefix(r.Reason, "gate of wave canary: check probe was inconclusive") {
				t.Errorf("exit %d, next %+v, %s", exitCode(r), r.Next(), r.Reason)
			}
		})
	}
}

func TestGateThatIsInconclusiveAtFirstPassesThen(t *testing.T) {
	t.Parallel()
	synctest.Test(t, func(t *testing.T) {
		m := meterOf(unknown, unknown, unknown, pass, unknown, unknown, unknown, pass) // never four in a row
		gate := gateOf(m, nil)
		gate.Bake = 4 * time.Minute
		runWithGate(t, gate, nil, sequencePassed...)
	})
}

func TestMeterIsBoundByItsTimeout(t *testing.T) {
	t.Parallel()
	synctest.Test(t, func(t *testing.T) {
		m := &meter{says: func(ctx context.Context, n int) plan.Measure {
			if n == 0 {
				<-ctx.Done()
			}
			return plan.Measure{Verdict: pass}
		}}
		s, r := runWithGate(t, gateOf(m, nil), nil, sequencePassed...)
		measures := emitted[rollout.GateMeasured](t, s.fakeRun)
		want := []rollout.GateMeasured{
			{Wave: "canary", Check: "probe", Verdict: unknown, Evidence: "no answer in 10s", Took: 10 * time.Second},
			{Wave: "canary", Check: "probe", Verdict: pass},
		}
		if diff := cmp.Diff(want, measures); diff != "" {
			t.Error(diff)
		}
		if c := r.Waves[0].Gate.Checks[0]; c.Unknown != 1 || c.Passes != 1 {
			t.Errorf("%+v", c)
		}
	})
}

func TestMeterThatPanicsIsInconclusive(t *testing.T) {
	t.Parallel()
	synctest.Test(t, func(t *testing.T) {
		m := &meter{says: func(context.Context, int) plan.Measure { panic("index out of range\nmore") }}
		s, _ := runWithGate(t, gateOf(m, func(c *plan.Check) { c.Inconclusive = -1 }), nil, sequencePaused...)
		if f := emitted[rollout.GateMeasured](t, s.fakeRun); len(f) != 1 || f[0].Evidence != "panic: index out of range" {
			t.Errorf("%+v", f)
		}
	})
}

func TestUnknownVerdictIsInconclusive(t *testing.T) {
	t.Parallel()
	synctest.Test(t, func(t *testing.T) {
		m := meterOf("")
		_, r := runWithGate(t, gateOf(m, func(c *plan.Check) { c.Inconclusive = -1 }), nil, sequencePaused...)
		if v := r.Waves[0].Gate.Checks[0].Verdict; v != unknown {
			t.Errorf("verdict %q", v)
		}
	})
}

func TestSamePassesAreStoredOnceAMinute(t *testing.T) {
	t.Parallel()
	synctest.Test(t, func(t *testing.T) {
		m := meterOf(pass)
		gate := gateOf(m, func(c *plan.Check) { c.Interval = time.Second })
		gate.Bake = 10 * time.Minute
		s, _ := runWithGate(t, gate, nil, sequencePassed...)
		if len(m.at) != 600 {
			t.Errorf("%d measures", len(m.at))
		}
		if n := len(emitted[rollout.GateMeasured](t, s.fakeRun)); n != 10 {
			t.Errorf("%d measures were stored, want one a minute", n)
		}
	})
}

func TestEvidenceThatChangesIsStored(t *testing.T) {
	t.Parallel()
	synctest.Test(t, func(t *testing.T) {
		m := &meter{says: func(_ context.Context, n int) plan.Measure {
			return plan.Measure{Verdict: pass, Evidence: fmt.Sprint(n), Tenants: make([]string, 12)}
		}}
		gate := gateOf(m, func(c *plan.Check) { c.Interval = time.Second })
		gate.Bake = 20 * time.Second
		s, _ := runWithGate(t, gate, nil, sequencePassed...)
		f := emitted[rollout.GateMeasured](t, s.fakeRun)
		if len(f) != 20 || len(f[0].Tenants) != 10 {
			t.Errorf("%d measures were stored, with %d tenants", len(f), len(f[0].Tenants))
		}
	})
}

func TestApprovalOpensTheGate(t *testing.T) {
	t.Parallel()
	synctest.Test(t, func(t *testing.T) {
		m := meterOf(pass)
		gate := gateOf(m, nil)
		gate.Approval = true
		var during []rollout.State
		seen := &rollout.Report{}
		s, r := runWithGate(t, gate, func(s *fakeFleet) {
			s.commandAfter(3*time.Minute, rollout.Command{Action: rollout.ActionApprove, Wave: "early"})
			s.commandAfter(4*time.Minute, rollout.Command{Action: rollout.ActionApprove})
			s.commandAfter(5*time.Minute, rollout.Command{Action: rollout.ActionApprove, Wave: "canary", Reason: "looks good"})
			s.commandAfter(6*time.Minute, rollout.Command{Action: rollout.ActionApprove, Wave: "canary"})
			s.cfg.Observers = append(s.cfg.Observers, observer(func(e rollout.Event) {
				seen.Apply(e)
				if len(during) == 0 || during[len(during)-1] != seen.State {
					during = append(during, seen.State)
				}
			}))
			s.duration = 2 * time.Minute // so that it is still running when the last one comes
		}, "run 1", "canary", "canary closed", "canary waits", "approve refused", "approve refused", "approve", "canary pass", "early", "approve refused", "rest", "finished")
		if len(m.at) != 1 {
			t.Errorf("%d measures: it was measured while it waited", len(m.at))
		}
		if g := r.Waves[0].Gate; g.Reason != "approved by eve on laptop: looks good" || g.Waiting || g.Approved == nil || g.Approved.Seq != 3 {
			t.Errorf("%+v", g)
		}
		want := []rollout.State{rollout.StateRunning, rollout.StateWaiting, rollout.StateRunning, rollout.StateFinished}
		if diff := cmp.Diff(want, during); diff != "" {
			t.Error(diff)
		}
		for i, want := range []string{"has not reached its gate", "names no wave", "", "open already"} {
			if got := emitted[rollout.Commanded](t, s.fakeRun)[i].Refused; !strings.Contains(got, want) || (got == "") != (want == "") {
				t.Errorf("%q, want %q", got, want)
			}
		}
	})
}

type observer func(rollout.Event)

func (o observer) Observe(e rollout.Event) { o(e) }

func TestNoWaitEndsWhereAnApprovalIsAwaited(t *testing.T) {
	t.Parallel()
	synctest.Test(t, func(t *testing.T) {
		s, r := runWithGate(t, plan.Gate{Approval: true}, func(s *fakeFleet) { s.cfg.NoWait = true },
			"run 1", "canary", "canary closed", "canary waits", "waiting")
		if r.State != rollout.StateWaiting || exitCode(r) != 3 || r.Next() != nextR1(rollout.ActionApprove) || !r.Waves[0].Gate.Waiting {
			t.Errorf("%s, exit %d, next %+v", r.State, exitCode(r), r.Next())
		}
		s.command(rollout.Command{Action: rollout.ActionApprove, Wave: "canary"})
		if r := s.resume(t); r.State != rollout.StateFinished || r.Count(plan.OutcomeDone) != 10 {
			t.Errorf("%s: %s, %v", r.State, r.Reason, r.Counts())
		}
		want := []string{"run 1", "canary", "canary closed", "canary waits", "waiting", "run 2", "approve", "canary", "canary closed", "canary pass", "early", "rest", "finished"}
		if diff := cmp.Diff(want, s.sequence(t)); diff != "" {
			t.Error(diff)
		}
	})
}

func TestApprovalCountsOnceTheChecksPass(t *testing.T) {
	t.Parallel()
	synctest.Test(t, func(t *testing.T) {
		gate := gateOf(meterOf(pass), nil)
		gate.Bake, gate.Approval = 10*time.Minute, true
		_, r := runWithGate(t, gate, func(s *fakeFleet) {
			s.commandAfter(time.Minute, rollout.Command{Action: rollout.ActionApprove, Wave: "canary"})
		}, "run 1", "canary", "canary closed", "approve", "canary pass", "early", "rest", "finished")
		if took := r.Finished.Sub(r.Started); took < 10*time.Minute {
			t.Errorf("the approval cut the bake short: %s", took)
		}
	})
}

func TestGateThatFailedNeedsANewApproval(t *testing.T) {
	t.Parallel()
	synctest.Test(t, func(t *testing.T) {
		m := meterOf(pass, fail, pass)
		gate := gateOf(m, nil)
		gate.Approval, gate.Bake = true, time.Minute
		s, _ := runWithGate(t, gate, func(s *fakeFleet) {
			s.commandAfter(2*time.Second, rollout.Command{Action: rollout.ActionApprove, Wave: "canary"})
		}, "run 1", "canary", "canary closed", "approve", "canary fail", "halted")
		s.command(rollout.Command{Action: rollout.ActionApprove, Wave: "canary"}) // which the CLI would not have let pass
		s.cfg.NoWait = true
		if r := s.resume(t); r.State != rollout.StateWaiting {
			t.Errorf("%s: %s", r.State, r.Reason)
		}
		if c := emitted[rollout.Commanded](t, s.fakeRun); c[1].Refused == "" {
			t.Errorf("%+v", c[1])
		}
	})
}

// phaseTimes are the points of time at which the rollout of newPhasedFleet is in each of its phases.
var phaseTimes = map[string]time.Duration{
	"in the canary": 5 * time.Second, "in the bake": 30 * time.Second, "waiting": 3 * time.Minute, "in the rest": 10*time.Minute + 25*time.Second,
}

// newPhasedFleet is a rollout whose tenants take 10 s, with a bake of a minute and an approval, which comes after ten.
func newPhasedFleet(t *testing.T) *fakeFleet {
	t.Helper()
	gate := gateOf(meterOf(pass), nil)
	gate.Bake, gate.Approval = time.Minute, true
	s := newFakeFleet(t, 40, map[string]plan.Gate{"canary": gate})
	s.duration = 10 * time.Second
	s.commandAfter(10*time.Minute, rollout.Command{Action: rollout.ActionApprove, Wave: "canary"})
	return s
}

func TestEveryPhaseCanBeStopped(t *testing.T) {
	t.Parallel()
	type stopper struct {
		state  rollout.State
		exit   int
		drains bool
		do     func(s *fakeFleet, after time.Duration) (ctx context.Context)
	}
	stoppers := map[string]stopper{
		"signal": {rollout.StateInterrupted, 130, true, func(s *fakeFleet, after time.Duration) context.Context {
			stop := make(chan struct{})
			s.cfg.Drain = stop
			time.AfterFunc(after, func() { close(stop) })
			return context.Background()
		}},
		"cancel": {rollout.StateInterrupted, 130, false, func(_ *fakeFleet, after time.Duration) context.Context {
			ctx, cancel := context.WithCancel(context.Background())
			time.AfterFunc(after, cancel)
			return ctx
		}},
		"lease": {rollout.StateHalted, 3, true, func(s *fakeFleet, after time.Duration) context.Context {
			l := fakeLease{make(chan struct{})}
			s.cfg.Lease = l
			time.AfterFunc(after, func() { close(l.lost) })
			return context.Background()
		}},
		"pause": {rollout.StatePaused, 3, true, func(s *fakeFleet, after time.Duration) context.Context {
			s.commandAfter(after, rollout.Command{Action: rollout.ActionPause, Reason: "lunch"})
			return context.Background()
		}},
		"abort": {rollout.StateAborted, 3, true, func(s *fakeFleet, after time.Duration) context.Context {
			s.commandAfter(after, rollout.Command{Action: rollout.ActionAbort, Reason: "wrong"})
			return context.Background()
		}},
	}
	for phase, after := range phaseTimes {
		for name, stopper := range stoppers {
			t.Run(name+" "+phase, func(t *testing.T) {
				t.Parallel()
				synctest.Test(t, func(t *testing.T) {
					s := newPhasedFleet(t)
					ctx := stopper.do(s, after)
					r, err := run.Run(ctx, s.cfg)
					if err != nil {
						t.Fatal(err)
					}
					s.check(t, r)
					if r.State != stopper.state || exitCode(r) != stopper.exit || r.Reason == "" {
						t.Errorf("%s: %s, exit %d", r.State, r.Reason, exitCode(r))
					}
					took := r.Finished.Sub(r.Started)
					if took < after || took > after+11*time.Second || s.engine.now != 0 {
						t.Errorf("it ended after %s, with %d running", took, s.engine.now)
					}
					if done := r.Count(plan.OutcomeDone); stopper.drains && done != s.engine.touched() {
						t.Errorf("%d of %d that were begun are done", done, s.engine.touched())
					}
					if r.CurrentWave() != nil || r.Left() == 0 {
						t.Errorf("%d left, in %v", r.Left(), r.CurrentWave())
					}
					if stopper.state == rollout.StateAborted {
						if next := r.Next(); next != nextR1(rollout.ActionRollback) {
							t.Errorf("next %+v", next)
						}
						s.cfg.Earlier = s.facts(t)
						if _, err := run.Run(t.Context(), s.cfg); err == nil {
							t.Error("an aborted rollout was taken up again")
						}
						return
					}
					s.cfg.Drain, s.cfg.Lease = nil, nil
					s.approveAll()
					if r := s.resume(t); r.State != rollout.StateFinished || r.Count(plan.OutcomeDone) != 40 || !r.Waves[0].Gate.Passed() {
						t.Errorf("resumed: %s, %s, %v", r.State, r.Reason, r.Counts())
					}
				})
			})
		}
	}
}

func TestStoreThatFailsInAGateHalts(t *testing.T) {
	t.Parallel()
	for _, phase := range []string{"in the bake", "waiting"} {
		synctest.Test(t, func(t *testing.T) {
			s := newPhasedFleet(t)
			s.cfg.Policy.Waves[0].Gate.Checks[0].Meter = &meter{says: func(_ context.Context, n int) plan.Measure {
				return plan.Measure{Verdict: pass, Evidence: fmt.Sprint(n)}
			}}
			time.AfterFunc(phaseTimes[phase]-500*time.Millisecond, func() { s.store.fail(errDisk) })
			s.commandAfter(phaseTimes[phase], rollout.Command{Action: rollout.ActionApprove, Wave: "early"}) // a fact that cannot be stored
			r, err := run.Run(t.Context(), s.cfg)
			if err == nil || !errors.Is(err, errDisk) || r.State != rollout.StateHalted || r.Finished.Sub(r.Started) > 5*time.Minute {
				t.Errorf("%v, %s %s after %s", err, r.State, r.Reason, r.Finished.Sub(r.Started))
			}
		})
	}
}

func TestMetersAreCancelledWhenTheGateEnds(t *testing.T) {
	t.Parallel()
	synctest.Test(t, func(t *testing.T) {
		cancelled := false
		hangs := &meter{says: func(ctx context.Context, _ int) plan.Measure {
			<-ctx.Done()
			cancelled = ctx.Err() == context.Canceled
			return plan.Measure{Verdict: pass}
		}}
		gate := gateOf(hangs, func(c *plan.Check) { c.Timeout = time.Hour })
		gate.Checks = append(gate.Checks, plan.Check{Name: "other", Meter: meterOf(fail)})
		s, _ := runWithGate(t, gate, nil, sequenceHalted...)
		if f := emitted[rollout.GateMeasured](t, s.fakeRun); !cancelled || len(f) != 1 {
			t.Errorf("cancelled: %v, %+v", cancelled, f)
		}
	})
}

// A gate guards the waves that follow, whichever rollout upgraded the canary; where nothing follows and nothing was done
// it stands before nothing.
func TestGateIsAskedWhereThereIsSomethingToGuard(t *testing.T) {
	t.Parallel()
	for name, test := range map[string]struct {
		there func(*fakeFleet) []string // who stands at the target already
		want  []string
	}{
		"nobody": {func(*fakeFleet) []string { return nil }, sequenceHalted},
		"the canary, as a rollout left it that halted at this gate": {func(s *fakeFleet) []string { return s.inWave("canary") }, sequenceHalted},
		"all but the canary": {func(s *fakeFleet) []string { return append(s.inWave("early"), s.inWave("rest")...) }, sequenceHalted},
		"all": {func(s *fakeFleet) []string {
			return append(append(s.inWave("canary"), s.inWave("early")...), s.inWave("rest")...)
		}, []string{"run 1", "canary", "early", "rest", "finished"}},
	} {
		t.Run(name, func(t *testing.T) {
			t.Parallel()
			synctest.Test(t, func(t *testing.T) {
				s := newFakeFleet(t, 10, map[string]plan.Gate{"canary": gateOf(meterOf(fail), nil)})
				for _, id := range test.there(s) {
					s.db.applied[id] = []string{"a", "b", "c"}
				}
				s.plan(t, request())
				s.run(t)
				if diff := cmp.Diff(test.want, s.sequence(t)); diff != "" {
					t.Error(diff)
				}
			})
		})
	}
}

// The reason of a gate names all that is wrong: the results of the other checks are waited for, for a while.
func TestFailingGateWaitsForTheOtherChecks(t *testing.T) {
	t.Parallel()
	for name, test := range map[string]struct {
		takes    time.Duration
		measures int
	}{"in time": {5 * time.Second, 2}, "too late": {time.Minute, 1}} {
		t.Run(name, func(t *testing.T) {
			t.Parallel()
			synctest.Test(t, func(t *testing.T) {
				slow := &meter{says: func(ctx context.Context, _ int) plan.Measure {
					select {
					case <-ctx.Done():
					case <-time.After(test.takes):
					}
					return plan.Measure{Verdict: fail, Evidence: "slow and wrong"}
				}}
				gate := gateOf(slow, func(c *plan.Check) { c.Timeout = time.Hour })
				gate.Checks = append(gate.Checks, plan.Check{Name: "other", Meter: meterOf(fail)})
				s, r := runWithGate(t, gate, nil, sequenceHalted...)
				if f := emitted[rollout.GateMeasured](t, s.fakeRun); len(f) != test.measures {
					t.Errorf("%+v", f)
				}
				if !strings.Contains(r.Reason, "check other failed") {
					t.Error(r.Reason)
				}
			})
		})
	}
}

// What a meter says when the run is cancelled counts for nothing.
func TestMeasureThatEndsWithTheRunDecidesNothing(t *testing.T) {
	t.Parallel()
	synctest.Test(t, func(t *testing.T) {
		for range 3 { // which of the two is heard first is left to the moment
			ctx, cancel := context.WithCancel(t.Context())
			m := &meter{says: func(context.Context, int) plan.Measure {
				cancel()
				return plan.Measure{Verdict: unknown, Evidence: "cancelled"}
			}}
			s := newFakeFleet(t, 10, map[string]plan.Gate{"canary": gateOf(m, func(c *plan.Check) { c.Inconclusive = -1 })})
			if r, err := run.Run(ctx, s.cfg); err != nil || r.State != rollout.StateInterrupted || r.Waves[0].Gate.Verdict != "" {
				t.Errorf("%v, %s: %s", err, r.State, r.Reason)
			}
		}
	})
}

// The bake continues while no run is active: the tenants are in use meanwhile.
func TestBakeIsCountedFromTheFirstTime(t *testing.T) {
	t.Parallel()
	for away, left := range map[time.Duration]time.Duration{10 * time.Minute: 20 * time.Minute, 2 * time.Hour: 0} {
		synctest.Test(t, func(t *testing.T) {
			m := meterOf(pass)
			gate := gateOf(m, nil)
			gate.Bake = time.Hour
			s := newFakeFleet(t, 10, map[string]plan.Gate{"canary": gate})
			s.commandAfter(30*time.Minute, rollout.Command{Action: rollout.ActionPause})
			first := s.run(t)
			time.Sleep(away)
			before := len(m.at)
			r := s.resume(t)
			if took := r.Finished.Sub(r.Resumed).Round(time.Second); took.Round(10*time.Second) != left || r.State != rollout.StateFinished {
				t.Errorf("%s after %s, want %s", r.State, took, left)
			}
			if !r.Waves[0].Gate.Closed.Equal(first.Waves[0].Gate.Closed) || len(m.at) == before {
				t.Errorf("closed %s, then %s; %d measures", first.Waves[0].Gate.Closed, r.Waves[0].Gate.Closed, len(m.at)-before)
			}
			if n := len(m.subjects[before].Tenants); n != 2 {
				t.Errorf("asked about %d tenants, want those that were done before", n)
			}
		})
	}
}

func TestGateThatPassedIsNotAskedAgain(t *testing.T) {
	t.Parallel()
	synctest.Test(t, func(t *testing.T) {
		m := meterOf(pass, fail)
		s := newFakeFleet(t, 20, map[string]plan.Gate{"canary": gateOf(m, nil)})
		bad := s.inWave("rest")[0]
		s.failures[bad] = engineError(engine.Data, "duplicates")
		if r := s.run(t); r.State != rollout.StateHalted {
			t.Fatal(r.State)
		}
		delete(s.failures, bad)
		s.cfg.Policy.Waves = nil // nor is it missed
		if r := s.resume(t); r.State != rollout.StateFinished || len(m.at) != 1 {
			t.Errorf("%s: %s; %d measures", r.State, r.Reason, len(m.at))
		}
	})
}

func TestLastGateHaltsTheRollout(t *testing.T) {
	t.Parallel()
	synctest.Test(t, func(t *testing.T) {
		s := newFakeFleet(t, 10, map[string]plan.Gate{"rest": gateOf(meterOf(fail, pass), nil)})
		if r := s.run(t); r.State != rollout.StateHalted || r.Left() != 0 || exitCode(r) != 3 {
			t.Errorf("%s, %d left, exit %d", r.State, r.Left(), exitCode(r))
		}
		if r := s.resume(t); r.State != rollout.StateFinished || exitCode(r) != 0 || s.engine.touched() != 10 {
			t.Errorf("%s, exit %d", r.State, exitCode(r))
		}
	})
}

func TestWaveWithoutTenantsAsksNothing(t *testing.T) {
	t.Parallel()
	synctest.Test(t, func(t *testing.T) {
		m := meterOf(fail)
		s := newFakeFleet(t, 2, map[string]plan.Gate{"early": gateOf(m, nil), "rest": gateOf(m, nil)})
		if r := s.run(t); r.State != rollout.StateFinished || len(m.at) > 0 {
			t.Errorf("%s: %s", r.State, r.Reason)
		}
	})
}

func TestGateIsNotAskedWhenTheWaveHalts(t *testing.T) {
	t.Parallel()
	synctest.Test(t, func(t *testing.T) {
		m := meterOf(pass)
		s := newFakeFleet(t, 10, map[string]plan.Gate{"canary": gateOf(m, nil)})
		s.failures[s.inWave("canary")[0]] = engineError(engine.Data, "duplicates")
		if r := s.run(t); r.State != rollout.StateHalted || len(m.at) > 0 {
			t.Errorf("%s: %s", r.State, r.Reason)
		}
	})
}

func TestRunForSomeTenantsAsksNoGate(t *testing.T) {
	t.Parallel()
	synctest.Test(t, func(t *testing.T) {
		m := meterOf(pass)
		s := newFakeFleet(t, 2, map[string]plan.Gate{"canary": gateOf(m, nil)})
		bad := s.inWave("canary")[0]
		s.failures[bad] = engineError(engine.Data, "duplicates")
		s.run(t)
		delete(s.failures, bad)
		p, events, err := s.store.Load(t.Context(), "r1")
		if err != nil {
			t.Fatal(err)
		}
		s.cfg.Earlier = events
		s.cfg.Plan, err = plan.Resume(rollout.Current(p, events), rollout.HistoryOf(events), members(s.db.tenants, s.db.survey()), s.db.g, plan.ResumeOptions{Only: []string{bad}})
		if err != nil {
			t.Fatal(err)
		}
		r := s.run(t)
		if len(m.at) > 0 || r.Count(plan.OutcomeDone) != 2 || r.State != rollout.StateHalted || r.Reason != "the gate of wave canary was not part of this run" {
			t.Errorf("%d measures, %v, %s: %s", len(m.at), r.Counts(), r.State, r.Reason)
		}
		if r := s.resume(t); r.State != rollout.StateFinished || len(m.at) != 1 {
			t.Errorf("%s: %s", r.State, r.Reason)
		}
	})
}

func TestRunForSomeTenantsLeavesTheOthers(t *testing.T) {
	t.Parallel()
	synctest.Test(t, func(t *testing.T) {
		s := newFakeFleet(t, 10, nil)
		s.followFleet()
		bad := s.inWave("canary")[0]
		s.failures[bad] = engineError(engine.Data, "duplicates")
		s.duration = 10 * time.Second
		s.run(t)
		delete(s.failures, bad)
		s.create("new") // which joins no run for others
		p, events, err := s.store.Load(t.Context(), "r1")
		if err != nil {
			t.Fatal(err)
		}
		known := p.Pick(s.db.tenants)
		s.cfg.Earlier = events
		s.cfg.Plan, err = plan.Resume(rollout.Current(p, events), rollout.HistoryOf(events), members(known, s.db.survey()[:len(known)]), s.db.g, plan.ResumeOptions{Only: []string{bad}})
		if err != nil {
			t.Fatal(err)
		}
		s.commandAfter(500*time.Millisecond, commandOf(rollout.ActionSkip, s.inWave("canary")[0], "s1-0007"))
		r := s.run(t)
		if r.State != rollout.StateHalted || r.Reason != "8 tenants are left, not part of this run" || r.Planned() != 10 {
			t.Errorf("%s: %s, %d planned", r.State, r.Reason, r.Planned())
		}
		if diff := cmp.Diff([]string{"skip: tenant " + bad + " is being migrated"}, replies(r)); diff != "" {
			t.Error(diff)
		}
		if r := s.resume(t); r.State != rollout.StateFinished || r.Count(plan.OutcomeDone) != 11 {
			t.Errorf("%s: %s, %v", r.State, r.Reason, r.Counts())
		}
	})
}

func TestGateThatCannotBeAskedIsRefused(t *testing.T) {
	t.Parallel()
	synctest.Test(t, func(t *testing.T) {
		for what, change := range map[string]func(*plan.Policy){
			"no wave of that name": func(p *plan.Policy) { p.Waves = p.Waves[1:] },
			"has none there":       func(p *plan.Policy) { p.Waves[0].Gate = plan.Gate{} },
		} {
			s := newFakeFleet(t, 10, map[string]plan.Gate{"canary": gateOf(meterOf(pass), nil)})
			change(&s.cfg.Policy)
			r, err := run.Run(t.Context(), s.cfg)
			var gate *plan.Error
			if r != nil || !errors.As(err, &gate) || gate.Reason != plan.ReasonGate || gate.Wave != "canary" || !strings.Contains(err.Error(), what) || gate.Hint() == "" || s.engine.touched() > 0 {
				t.Errorf("%v, %v", r, err)
			}
		}
	})
}

func TestGateHasNoETAAndDoesNotDistortIt(t *testing.T) {
	t.Parallel()
	synctest.Test(t, func(t *testing.T) {
		s := newFakeFleet(t, 14, map[string]plan.Gate{"canary": {Bake: time.Hour}})
		s.cfg.Policy.Concurrency = 1
		seen := &rollout.Report{}
		s.cfg.Observers = append(s.cfg.Observers, observer(func(e rollout.Event) {
			seen.Apply(e)
			now := e.Time.Add(time.Minute)
			switch f := e.Fact.(type) {
			case rollout.GateClosed:
				if eta, ok := seen.ETA(now); ok || seen.Rate(now) != 1 || seen.CurrentWave().Name != "canary" {
					t.Errorf("at the gate: %s %v, %v a second, in %v", eta, ok, seen.Rate(now), seen.CurrentWave())
				}
			case rollout.WaveStarted:
				if eta, ok := seen.ETA(e.Time); f.Wave == "rest" && (!ok || eta != 8*time.Second || seen.CurrentWave().Name != "rest") {
					t.Errorf("after the gate: %s %v", eta, ok)
				}
			}
		}))
		if r := s.run(t); r.Rate(r.Finished.Add(time.Hour)) != 1 {
			t.Errorf("%v a second", r.Rate(r.Finished))
		}
	})
}
