package run_test

import (
	"context"
	"fmt"
	"slices"
	"strings"
	"testing"
	"testing/synctest"
	"time"

	"github.com/google/go-cmp/cmp"
	"github.com/google/go-cmp/cmp/cmpopts"

	"github.com/skeindb/skein/engine"
	"github.com/skeindb/skein/orchestrator/plan"
	"github.com/skeindb/skein/orchestrator/rollout"
	"github.com/skeindb/skein/orchestrator/run"
)

// sameReports compares all that a report says.
func sameReports(t testing.TB, want, got *rollout.Report) {
	t.Helper()
	if diff := cmp.Diff(want, got, cmpopts.IgnoreUnexported(rollout.Report{}, rollout.WaveReport{})); diff != "" {
		t.Errorf("the fold of the stored facts is not the live report (-stored +live):\n%s", diff)
	}
	tenants := func(r *rollout.Report) []rollout.TenantReport { return slices.Collect(r.Tenants()) }
	for name, of := range map[string]func(*rollout.Report) any{
		"counts":  func(r *rollout.Report) any { return r.Counts() },
		"tenants": func(r *rollout.Report) any { return tenants(r) },
		"ways":    func(r *rollout.Report) any { return r.Transitions() },
		"causes":  func(r *rollout.Report) any { return r.Causes() },
		"running": func(r *rollout.Report) any { return r.Running() },
		"next":    func(r *rollout.Report) any { return r.Next() },
		"exit":    func(r *rollout.Report) any { return exitCode(r) },
		"summary": func(r *rollout.Report) any { return r.Summary() },
		"rate":    func(r *rollout.Report) any { return r.Rate(r.Finished.Add(time.Hour)) },
		"wave":    func(r *rollout.Report) any { return r.CurrentWave() == nil },
	} {
		if diff := cmp.Diff(of(want), of(got)); diff != "" {
			t.Errorf("%s of the stored facts and of the live report differ (-stored +live):\n%s", name, diff)
		}
	}
}

func TestAllTenantsAreUpgraded(t *testing.T) {
	t.Parallel()
	synctest.Test(t, func(t *testing.T) {
		g := linearGraph(t)
		tenants := append(tenantsOn("s1", 300), tenantsOn("s2", 200)...)
		standings := append(repeatStanding(300, standingAt(g)), repeatStanding(200, standingAt(g, "a"))...)
		s := newFakeRun(t, g, newPlan(t, g, tenants, standings))
		s.engine.perServer, s.engine.do = 16, taking(time.Second)
		r := s.run(t)
		if r.State != rollout.StateFinished || exitCode(r) != 0 || !r.Next().IsZero() {
			t.Errorf("%s %q, exit %d, next %+v", r.State, r.Reason, exitCode(r), r.Next())
		}
		if diff := cmp.Diff(counts(plan.OutcomeDone, 500), r.Counts()); diff != "" {
			t.Error(diff)
		}
		want := []rollout.Transition{
			{From: []string{}, To: []string{"c"}, Outcome: plan.OutcomeDone, Tenants: 300},
			{From: []string{"a"}, To: []string{"c"}, Outcome: plan.OutcomeDone, Tenants: 200},
		}
		if diff := cmp.Diff(want, r.Transitions()); diff != "" {
			t.Error(diff)
		}
		// 300 tenants of a second each on one server: 8 at once, later 16.
		if took := r.Finished.Sub(r.Started); took > 30*time.Second {
			t.Errorf("it took %s", took)
		}
	})
}

func TestNothingToDoTouchesNoTenant(t *testing.T) {
	t.Parallel()
	synctest.Test(t, func(t *testing.T) {
		g := linearGraph(t)
		s := newFakeRun(t, g, newPlan(t, g, tenantsOn("s1", 50), repeatStanding(50, standingAt(g, "a", "b", "c"))))
		r := s.run(t)
		if s.engine.touched() != 0 || r.Count(plan.OutcomeUnchanged) != 50 || exitCode(r) != 0 {
			t.Errorf("%d touched, %v, exit %d", s.engine.touched(), r.Counts(), exitCode(r))
		}
	})
}

func TestBudget(t *testing.T) {
	t.Parallel()
	for _, test := range []struct {
		budget plan.Budget
		fails  int
		halts  bool
	}{
		{plan.Budget{}, 0, false},
		{plan.Budget{}, 1, true},
		{plan.Budget{Count: 3}, 3, false},
		{plan.Budget{Count: 3}, 4, true},
		{plan.Budget{Percent: 1}, 1, false}, // of 150: 1.5
		{plan.Budget{Percent: 1}, 2, true},
		{plan.Budget{Percent: 0.5}, 1, true}, // 0.75
		{plan.Budget{Percent: 100}, 150, false},
	} {
		t.Run(fmt.Sprintf("%s of 150, %d fail", test.budget, test.fails), func(t *testing.T) {
			t.Parallel()
			synctest.Test(t, func(t *testing.T) {
				g := linearGraph(t)
				s := newFakeRun(t, g, newPlan(t, g, tenantsOn("s1", 150), repeatStanding(150, standingAt(g))))
				s.cfg.Policy.MaxFailures, s.cfg.Policy.Systemic = test.budget, -1
				s.engine.do = func(ctx context.Context, job engine.Job) error {
					var n int
					_, _ = fmt.Sscanf(job.Location.Schema, "s1-%d", &n)
					if n <= test.fails {
						return engineError(engine.Data, "duplicates")
					}
					return taking(time.Second)(ctx, job)
				}
				r := s.run(t)
				if halted := r.State == rollout.StateHalted; halted != test.halts {
					t.Errorf("%s: %s", r.State, r.Reason)
				}
				want := map[bool]int{true: 3, false: 2}[test.halts]
				if test.fails == 0 {
					want = 0
				}
				if exitCode(r) != want {
					t.Errorf("exit %d, want %d", exitCode(r), want)
				}
			})
		})
	}
}

func TestHaltLetsRunningTenantsFinish(t *testing.T) {
	t.Parallel()
	synctest.Test(t, func(t *testing.T) {
		g := linearGraph(t)
		p := newPlan(t, g, tenantsOn("s1", 100), repeatStanding(100, standingAt(g)))
		s := newFakeRun(t, g, p)
		bad := p.Waves[0].Items[3].Tenant.ID
		s.engine.do = func(ctx context.Context, job engine.Job) error {
			if s.engine.ids[job.Location] == bad {
				time.Sleep(time.Second)
				return engineError(engine.Revision, "no such column")
			}
			if err := taking(time.Minute)(ctx, job); err != nil {
				t.Errorf("a sibling was cancelled: %v", err)
			}
			return nil
		}
		r := s.run(t)
		if diff := cmp.Diff(counts(plan.OutcomeDone, 7, plan.OutcomeFailed, 1, plan.OutcomePending, 92), r.Counts()); diff != "" {
			t.Error(diff)
		}
		if r.State != rollout.StateHalted || r.Next() != nextR1(rollout.ActionResume) {
			t.Errorf("%s, next %+v", r.State, r.Next())
		}
	})
}

func TestContinueIgnoresTheBudget(t *testing.T) {
	t.Parallel()
	synctest.Test(t, func(t *testing.T) {
		g := linearGraph(t)
		s := newFakeRun(t, g, newPlan(t, g, tenantsOn("s1", 40), repeatStanding(40, standingAt(g))))
		s.cfg.Policy.OnFailure = plan.OnFailureContinue
		s.engine.do = func(context.Context, engine.Job) error { return engineError(engine.Revision, "no such column") }
		r := s.run(t)
		if r.Count(plan.OutcomeFailed) != 40 || exitCode(r) != 2 || r.State != rollout.StateFinished {
			t.Errorf("%v, %s, exit %d", r.Counts(), r.State, exitCode(r))
		}
		if c := r.Causes(); len(c) != 1 || c[0].Count != 40 || len(c[0].Tenants) != 5 {
			t.Errorf("causes: %+v", c)
		}
	})
}

func TestRefusedTenantsCountAndAreNotTouched(t *testing.T) {
	t.Parallel()
	synctest.Test(t, func(t *testing.T) {
		g := linearGraph(t)
		standings := repeatStanding(5, standingAt(g))
		standings[1] = engine.Standing{State: engine.Missing, Err: engineError(engine.Gone, `schema "s1-0002" is not there`)}
		standings[2] = standingAt(g, "a", "zzz")
		s := newFakeRun(t, g, newPlan(t, g, tenantsOn("s1", 5), standings))
		s.cfg.Policy.MaxFailures.Count = 2
		r := s.run(t)
		if diff := cmp.Diff(counts(plan.OutcomeDone, 3, plan.OutcomeFailed, 2), r.Counts()); diff != "" {
			t.Error(diff)
		}
		if f := r.Failed(); f[0].Failure.Message != `schema "s1-0002" is not there` || f[0].Attempt != 0 {
			t.Errorf("%+v", f[0])
		}
		again := newFakeRun(t, g, newPlan(t, g, tenantsOn("s1", 5), standings))
		if r := again.run(t); r.State != rollout.StateHalted || again.engine.touched() != 0 {
			t.Errorf("without a budget: %s, %d touched", r.State, again.engine.touched())
		}
	})
}

func TestInterruptDrains(t *testing.T) {
	t.Parallel()
	synctest.Test(t, func(t *testing.T) {
		g := linearGraph(t)
		s := newFakeRun(t, g, newPlan(t, g, tenantsOn("s1", 100), repeatStanding(100, standingAt(g))))
		s.engine.do = taking(10 * time.Second)
		stop := make(chan struct{})
		s.cfg.Drain = stop
		time.AfterFunc(15*time.Second, func() { close(stop) })
		r := s.run(t)
		if diff := cmp.Diff(counts(plan.OutcomeDone, 16, plan.OutcomePending, 84), r.Counts()); diff != "" {
			t.Error(diff)
		}
		if exitCode(r) != 130 || r.Finished.Sub(r.Started) != 20*time.Second {
			t.Errorf("exit %d after %s", exitCode(r), r.Finished.Sub(r.Started))
		}
	})
}

func TestSecondSignalCancels(t *testing.T) {
	t.Parallel()
	synctest.Test(t, func(t *testing.T) {
		g := linearGraph(t)
		p := newPlan(t, g, tenantsOn("s1", 100), repeatStanding(100, standingAt(g)))
		s := newFakeRun(t, g, p)
		stop := make(chan struct{})
		s.cfg.Drain = stop
		ctx, cancel := context.WithCancel(t.Context())
		ended := p.Waves[0].Items[0].Tenant.ID
		s.engine.do = func(ctx context.Context, job engine.Job) error {
			err := taking(time.Hour)(ctx, job)
			if s.engine.ids[job.Location] == ended {
				return nil // its commit was under way
			}
			return err
		}
		time.AfterFunc(time.Second, func() { close(stop) })
		time.AfterFunc(time.Minute, cancel)
		r, err := run.Run(ctx, s.cfg)
		if err != nil {
			t.Fatal(err)
		}
		s.check(t, r)
		if diff := cmp.Diff(counts(plan.OutcomeDone, 1, plan.OutcomePending, 99), r.Counts()); diff != "" {
			t.Error(diff)
		}
		if exitCode(r) != 130 || r.Finished.Sub(r.Started) != time.Minute {
			t.Errorf("exit %d after %s", exitCode(r), r.Finished.Sub(r.Started))
		}
	})
}

func TestStoreFailureHaltsDispatch(t *testing.T) {
	t.Parallel()
	synctest.Test(t, func(t *testing.T) {
		g := linearGraph(t)
		s := newFakeRun(t, g, newPlan(t, g, tenantsOn("s1", 1000), repeatStanding(1000, standingAt(g))))
		s.engine.do = taking(time.Second)
		time.AfterFunc(2500*time.Millisecond, func() { s.store.fail(errDisk) })
		r, err := run.Run(t.Context(), s.cfg)
		if err == nil || r == nil {
			t.Fatalf("%v, want a report and an error", err)
		}
		if r.State != rollout.StateHalted || s.engine.touched() > 40 {
			t.Errorf("%s: %s; %d touched", r.State, r.Reason, s.engine.touched())
		}
		if got := r.Count(plan.OutcomeDone); got != s.engine.touched() {
			t.Errorf("%d done, %d touched: it did not drain", got, s.engine.touched())
		}
	})
}

func TestStoreThatRecoversHasAllFacts(t *testing.T) {
	t.Parallel()
	synctest.Test(t, func(t *testing.T) {
		g := linearGraph(t)
		s := newFakeRun(t, g, newPlan(t, g, tenantsOn("s1", 1000), repeatStanding(1000, standingAt(g))))
		s.engine.do = taking(10 * time.Second)
		time.AfterFunc(19*time.Second, func() { s.store.fail(errDisk) })
		time.AfterFunc(25*time.Second, func() { s.store.fail(nil) })
		r := s.run(t) // folds the store
		if r.State != rollout.StateHalted || r.Left() == 0 {
			t.Errorf("%s, %d left", r.State, r.Left())
		}
	})
}

func TestStoreThatCannotBeWrittenTouchesNoTenant(t *testing.T) {
	t.Parallel()
	synctest.Test(t, func(t *testing.T) {
		g := linearGraph(t)
		s := newFakeRun(t, g, newPlan(t, g, tenantsOn("s1", 10), repeatStanding(10, standingAt(g))))
		s.store.fail(errDisk)
		if _, err := run.Run(t.Context(), s.cfg); err == nil || s.engine.touched() > 0 {
			t.Errorf("%v, %d touched", err, s.engine.touched())
		}
	})
}

type fakeLease struct{ lost chan struct{} }

func (l fakeLease) Lost() <-chan struct{} { return l.lost }
func (l fakeLease) Err() error {
	select {
	case <-l.lost:
		return &rollout.StoreLostError{Path: "state.db", What: "was removed"}
	default:
		return nil
	}
}
func (l fakeLease) Release(context.Context) error { return nil }

func TestLostLockHalts(t *testing.T) {
	t.Parallel()
	synctest.Test(t, func(t *testing.T) {
		g := linearGraph(t)
		s := newFakeRun(t, g, newPlan(t, g, tenantsOn("s1", 100), repeatStanding(100, standingAt(g))))
		s.engine.do = taking(time.Second)
		l := fakeLease{make(chan struct{})}
		s.cfg.Lease = l
		time.AfterFunc(1500*time.Millisecond, func() { close(l.lost) })
		r := s.run(t)
		if r.State != rollout.StateHalted || r.Count(plan.OutcomeDone) != 16 {
			t.Errorf("%s: %s, %v", r.State, r.Reason, r.Counts())
		}
		if !strings.Contains(r.Reason, "state.db was removed") || !r.Next().IsZero() {
			t.Errorf("because %s; next %+v", r.Reason, r.Next())
		}
	})
}

func TestPanicFailsTheTenant(t *testing.T) {
	t.Parallel()
	synctest.Test(t, func(t *testing.T) {
		g := linearGraph(t)
		s := newFakeRun(t, g, newPlan(t, g, tenantsOn("s1", 20), repeatStanding(20, standingAt(g))))
		s.cfg.Policy.MaxFailures.Count = 1
		s.engine.do = func(_ context.Context, job engine.Job) error {
			if job.Location.Schema == "s1-0004" {
				panic("index out of range")
			}
			return nil
		}
		r := s.run(t)
		if diff := cmp.Diff(counts(plan.OutcomeDone, 19, plan.OutcomeFailed, 1), r.Counts()); diff != "" {
			t.Error(diff)
		}
		if f := r.Failed()[0].Failure; f.Class != engine.Internal || f.Message != "panic: index out of range" {
			t.Errorf("%+v", f)
		}
		if len(r.Warnings) != 1 {
			t.Errorf("%d warnings, want the stack", len(r.Warnings))
		}
	})
}

type slowObserver struct{ seen []rollout.Event }

func (o *slowObserver) Observe(e rollout.Event) {
	time.Sleep(time.Second)
	o.seen = append(o.seen, e)
}

func TestSlowObserverDelaysNothing(t *testing.T) {
	t.Parallel()
	synctest.Test(t, func(t *testing.T) {
		g := linearGraph(t)
		s := newFakeRun(t, g, newPlan(t, g, tenantsOn("s1", 100), repeatStanding(100, standingAt(g))))
		o := &slowObserver{}
		s.cfg.Observers = []rollout.Observer{o}
		s.engine.do = taking(time.Second)
		r := s.run(t)
		if took := r.Finished.Sub(r.Started); took > 15*time.Second {
			t.Errorf("the rollout took %s", took)
		}
		seen := &rollout.Report{}
		last := int64(0)
		for _, e := range o.seen {
			if !e.Tick() && e.Seq != last+1 {
				t.Fatalf("fact %d after %d", e.Seq, last)
			}
			last = max(last, e.Seq)
			seen.Apply(e)
		}
		sameReports(t, r, seen)
	})
}

func TestFirstReasonStandsUnlessAnOperatorStops(t *testing.T) {
	t.Parallel()
	for _, signal := range []time.Duration{0, time.Second, 4 * time.Second} { // never; before the tenants fail; after the first did
		synctest.Test(t, func(t *testing.T) {
			g := linearGraph(t)
			p := newPlan(t, g, tenantsOn("s1", 100), repeatStanding(100, standingAt(g)))
			s := newFakeRun(t, g, p)
			s.engine.do = func(ctx context.Context, job engine.Job) error {
				for i := range 3 {
					if p.Waves[0].Items[i].Tenant.Location == job.Location {
						_ = taking(time.Duration(2+2*i)*time.Second)(ctx, job)
						return engineError(engine.Data, "duplicates")
					}
				}
				return taking(time.Minute)(ctx, job)
			}
			want, reason := rollout.StateHalted, "more tenants failed in wave all than max_failures allows (none)"
			if signal > 0 {
				stop := make(chan struct{})
				s.cfg.Drain = stop
				time.AfterFunc(signal+500*time.Millisecond, func() { close(stop) })
				if want = rollout.StateInterrupted; signal < 2*time.Second {
					reason = "interrupted"
				} else {
					reason = "interrupted; before that: " + reason
				}
			}
			if r := s.run(t); r.State != want || r.Reason != reason || r.Count(plan.OutcomeFailed) != 3 {
				t.Errorf("%s: %s, %v", r.State, r.Reason, r.Counts())
			}
		})
	}
}
