package run_test

import (
	"context"
	"fmt"
	"math/rand/v2"
	"sync"
	"testing"
	"testing/synctest"
	"time"

	"pgregory.net/rapid"

	"github.com/skeindb/skein/engine"
	"github.com/skeindb/skein/orchestrator/plan"
	"github.com/skeindb/skein/orchestrator/rollout"
	"github.com/skeindb/skein/orchestrator/run"
)

// TestFactsOfRandomRolloutsFoldToTheReport lets a rollout of three waves take any course that there is: tenants fail in any way
// and order, meters say anything, operators ask anything at any time, tenants come and go, and the process is signalled to
// stop or killed. After each run the fold of what is stored is the live report, every prefix of the facts is
// a legal state, and when all is calm in the end the rollout finishes, unless it was aborted.
func TestFactsOfRandomRolloutsFoldToTheReport(t *testing.T) {
	t.Parallel()
	rapid.Check(t, func(rt *rapid.T) {
		seed := rapid.Uint64().Draw(rt, "seed")
		synctest.Test(t, func(t *testing.T) { checkRandomRollout(t, rand.New(&sharedSource{source: rand.NewPCG(seed, 2)})) })
		if t.Failed() {
			rt.FailNow()
		}
	})
}

// sharedSource is a source for many goroutines.
type sharedSource struct {
	mu     sync.Mutex
	source rand.Source
}

func (s *sharedSource) Uint64() uint64 {
	s.mu.Lock()
	defer s.mu.Unlock()
	return s.source.Uint64()
}

func checkRandomRollout(t *testing.T, rng *rand.Rand) {
	t.Helper()
	s := newFakeFleet(t, 1+rng.IntN(40), randomGates(rng, false))
	s.followFleet()
	for run := 1; ; run++ {
		calm := run > 6
		if run > 12 {
			t.Fatalf("not home after %d runs: %q", run, s.sequence(t))
		}
		s.cfg.Policy = randomPolicy(rng, s.policy, calm)
		s.cfg.Observers = []rollout.Observer{s}
		s.reactions = nil
		if calm {
			s.approveAll()
			s.cfg.Store, s.cfg.Drain, s.cfg.NoWait = s.store, nil, false
			clear(s.failures)
			if r := s.run(t); r.State == rollout.StateFinished && r.Count(plan.OutcomeFailed) == 0 || r.State == rollout.StateAborted {
				return
			}
		} else if r := runRandomly(t, rng, s); r.State == rollout.StateAborted {
			return
		}
		if rng.IntN(3) == 0 {
			sendRandomCommand(rng, s)
			if s.applyPending(t).State == rollout.StateAborted {
				return
			}
		}
		s.planResume(t)
	}
}

// runRandomly runs once, with whatever may go wrong.
func runRandomly(t *testing.T, rng *rand.Rand, s *fakeFleet) *rollout.Report {
	t.Helper()
	for _, tn := range s.db.tenants {
		delete(s.failures, tn.ID)
		if rng.IntN(8) == 0 {
			classes := []engine.Class{engine.Transient, engine.Busy, engine.Data, engine.Revision, engine.Gone, engine.Timeout, engine.Connection}
			s.failures[tn.ID] = engineError(classes[rng.IntN(len(classes))], fmt.Sprint("error ", rng.IntN(2)))
		}
	}
	s.cfg.NoWait = rng.IntN(4) == 0
	stop := make(chan struct{})
	s.cfg.Drain = stop
	var timers []*time.Timer
	later := func(do func()) {
		timers = append(timers, time.AfterFunc(time.Duration(rng.Int64N(int64(3*time.Minute))), do))
	}
	for range rng.IntN(4) {
		later(func() { sendRandomCommand(rng, s) })
	}
	for i := range rng.IntN(3) {
		later(func() { s.create(fmt.Sprint("new-", rng.Uint32(), "-", i)) })
		later(func() { s.remove(fmt.Sprintf("s1-%04d", 1+rng.IntN(40))) })
	}
	if rng.IntN(4) == 0 {
		later(func() { close(stop) })
	}
	later(func() { // in the end an operator loses patience
		for _, w := range s.cfg.Plan.Waves {
			s.command(rollout.Command{Action: rollout.ActionApprove, Wave: w.Name})
		}
	})
	timers = append(timers, time.AfterFunc(time.Hour, func() { s.command(commandOf(rollout.ActionPause)) }))
	defer func() {
		for _, timer := range timers {
			timer.Stop()
		}
	}()
	if rng.IntN(3) == 0 {
		k := int64(1 + rng.IntN(60))
		if len(s.cfg.Earlier) > 0 {
			k += s.cfg.Earlier[len(s.cfg.Earlier)-1].Seq
		}
		r := s.kill(t, s.cfg, func(e rollout.Event) bool { return e.Seq == k })
		checkFacts(t, s.facts(t))
		return r
	}
	r, err := run.Run(context.Background(), s.cfg)
	if err != nil {
		t.Fatal(err)
	}
	s.check(t, r)
	if s.engine.now != 0 {
		t.Errorf("it ended with %d running tenants", s.engine.now)
	}
	return r
}

// randomPolicy is a policy with the waves of another, whose gates are asked by other meters.
func randomPolicy(rng *rand.Rand, of plan.Policy, calm bool) plan.Policy {
	p := of
	p.Waves = append([]plan.WaveSpec{}, of.Waves...)
	gates := randomGates(rng, calm)
	for i := range p.Waves {
		p.Waves[i].AllowEmpty = calm // a wave of which all tenants were skipped would wait for ever
		if g := &p.Waves[i].Gate; !g.IsZero() {
			g.Approval = gates[p.Waves[i].Name].Approval
			g.Checks = []plan.Check{{Name: "probe", Meter: meterOf(randomVerdicts(rng, calm)...), Interval: 7 * time.Second, Failures: rng.IntN(3)}}
		}
	}
	if rng.IntN(2) == 0 {
		p.Tolerance = plan.ToleranceStrict
	}
	if rng.IntN(3) == 0 {
		p.OnFailure = plan.OnFailureContinue
	}
	p.MaxFailures.Count, p.Concurrency, p.Systemic = rng.IntN(6), rng.IntN(6), rng.IntN(8)-1
	p.Retry = plan.Retry{Attempts: 1 + rng.IntN(3), Base: time.Second}
	p.ServerPatience = time.Minute
	return p
}

func randomGates(rng *rand.Rand, calm bool) map[string]plan.Gate {
	gates := map[string]plan.Gate{}
	for _, name := range []string{"canary", "early", "rest"} {
		if rng.IntN(3) == 0 {
			continue
		}
		g := gateOf(meterOf(randomVerdicts(rng, calm)...), nil)
		g.Bake, g.Approval = time.Duration(rng.IntN(90))*time.Second, rng.IntN(2) == 0
		gates[name] = g
	}
	return gates
}

func randomVerdicts(rng *rand.Rand, calm bool) []plan.Verdict {
	verdicts := []plan.Verdict{pass}
	for !calm && len(verdicts) < 5 {
		verdicts = append(verdicts, []plan.Verdict{pass, pass, fail, unknown, ""}[rng.IntN(5)])
	}
	return verdicts
}

// sendRandomCommand has an operator ask for anything; rarely for an abort.
func sendRandomCommand(rng *rand.Rand, s *fakeFleet) {
	actions := []rollout.Action{
		rollout.ActionPause, rollout.ActionApprove, rollout.ActionApprove, rollout.ActionSkip, rollout.ActionSkip,
		rollout.ActionResume, rollout.ActionRetry, "dance",
	}
	c := rollout.Command{Action: actions[rng.IntN(len(actions))], Wave: []string{"canary", "early", "rest", "", "x"}[rng.IntN(5)]}
	if rng.IntN(25) == 0 {
		c.Action = rollout.ActionAbort
	}
	for range rng.IntN(3) {
		c.Tenants = append(c.Tenants, fmt.Sprintf("s1-%04d", 1+rng.IntN(44)))
	}
	s.command(c)
}
