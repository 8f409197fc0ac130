package run_test

import (
	"context"
	"fmt"
	"strings"
	"testing"
	"testing/synctest"
	"time"

	"github.com/google/go-cmp/cmp"
	"pgregory.net/rapid"

	"github.com/skeindb/skein/engine"
	"github.com/skeindb/skein/orchestrator/plan"
	"github.com/skeindb/skein/orchestrator/rollout"
)

// runFailing runs 100 tenants one by one, of which the n-th, counted from 1, ends as what says.
func runFailing(t testing.TB, policy plan.Policy, what func(n int) error) *rollout.Report {
	t.Helper()
	g := linearGraph(t)
	s := newFakeRun(t, g, newPlan(t, g, tenantsOn("s1", 100), repeatStanding(100, standingAt(g))))
	policy.Concurrency = 1
	policy.Retry.Attempts = 1
	s.cfg.Policy = policy
	n := 0
	s.engine.do = func(context.Context, engine.Job) error { n++; return what(n) }
	return s.run(t)
}

func TestSameErrorInARowHaltsWithinTheBudget(t *testing.T) {
	t.Parallel()
	budget := plan.Budget{Percent: 100}
	everyone := func(n int) error { return engineError(engine.Data, fmt.Sprintf("tenant %d has duplicates", n)) }
	for _, test := range []struct {
		name   string
		policy plan.Policy
		what   func(n int) error
		fail   int // tenants
		halts  bool
	}{
		{"by default after ten", plan.Policy{MaxFailures: budget}, everyone, 10, true},
		{"after as many as asked for", plan.Policy{MaxFailures: budget, Systemic: 8}, everyone, 8, true},
		{"never", plan.Policy{MaxFailures: budget, Systemic: -1}, everyone, 100, false},
		{"not under continue", plan.Policy{OnFailure: plan.OnFailureContinue}, everyone, 100, false},
		{"a success between", plan.Policy{MaxFailures: budget}, func(n int) error {
			if n%10 == 0 {
				return nil
			}
			return everyone(n)
		}, 90, false},
		{"other errors between", plan.Policy{MaxFailures: budget}, func(n int) error {
			if n%2 == 0 {
				return engineError(engine.Data, "something else")
			}
			return everyone(n)
		}, 19, true},
		{"each its own", plan.Policy{MaxFailures: budget}, func(n int) error {
			return engineError(engine.Data, strings.Repeat("x", n))
		}, 100, false},
		{"the budget first", plan.Policy{MaxFailures: plan.Budget{Count: 2}}, everyone, 3, false},
		{"those that vanish do not count", plan.Policy{MaxFailures: budget}, func(int) error { return engineError(engine.Gone, "dropped") }, 0, false},
	} {
		t.Run(test.name, func(t *testing.T) {
			t.Parallel()
			synctest.Test(t, func(t *testing.T) {
				r := runFailing(t, test.policy, test.what)
				if r.Count(plan.OutcomeFailed) != test.fail || strings.HasPrefix(r.Reason, "systemic: ") != test.halts {
					t.Errorf("%v, %s: %s", r.Counts(), r.State, r.Reason)
				}
				if test.halts && r.State != rollout.StateHalted {
					t.Error(r.State)
				}
			})
		})
	}
}

// A migration that is wrong everywhere shows in the canary, and no other tenant is touched.
func TestWrongEverywhereHaltsInTheCanary(t *testing.T) {
	t.Parallel()
	synctest.Test(t, func(t *testing.T) {
		s := newFakeFleet(t, 200, nil)
		s.cfg.Policy.Waves[0].Size = plan.Size{Count: 20}
		s.policy = s.cfg.Policy
		s.plan(t, request())
		s.cfg.Policy.MaxFailures = plan.Budget{Percent: 50}
		s.cfg.Policy.Concurrency = 2
		for _, tn := range s.db.tenants {
			s.failures[tn.ID] = engineError(engine.Revision, `column "x" does not exist`)
		}
		r := s.run(t)
		if r.State != rollout.StateHalted || !strings.Contains(r.Reason, "systemic: 10 tenants in a row failed with the same error") || s.engine.touched() > 11 {
			t.Errorf("%s: %s; %d touched", r.State, r.Reason, s.engine.touched())
		}
	})
}

func TestServerOnWhichAllFailIsBlocked(t *testing.T) {
	t.Parallel()
	synctest.Test(t, func(t *testing.T) {
		g := linearGraph(t)
		s := newFakeRun(t, g, newPlan(t, g, append(tenantsOn("s1", 100), tenantsOn("s2", 100)...), repeatStanding(200, standingAt(g))))
		s.cfg.Policy.MaxFailures, s.cfg.Policy.PerServer = plan.Budget{Percent: 50}, 1
		s.engine.do = func(ctx context.Context, job engine.Job) error {
			if job.Location.Server == "s1" {
				_ = taking(1500*time.Millisecond)(ctx, job)
				return engineError(engine.Data, "extension is not installed")
			}
			return taking(time.Second)(ctx, job)
		}
		r := s.run(t)
		if diff := cmp.Diff(counts(plan.OutcomeDone, 100, plan.OutcomeFailed, 10, plan.OutcomePending, 90), r.Counts()); diff != "" {
			t.Error(diff)
		}
		if sr := r.Servers["s1"]; !sr.Operator || !strings.HasPrefix(sr.Paused.Message, "10 tenants in a row failed with the same error: extension") {
			t.Errorf("%+v", sr)
		}
		if r.State != rollout.StateHalted || !strings.HasPrefix(r.Reason, "server s1: 10 tenants in a row") {
			t.Errorf("%s: %s", r.State, r.Reason)
		}
	})
}

func TestConnectionsLostByAllTenantsCountAsOneCause(t *testing.T) {
	t.Parallel()
	synctest.Test(t, func(t *testing.T) {
		g := linearGraph(t)
		s := newFakeRun(t, g, newPlan(t, g, tenantsOn("s1", 100), repeatStanding(100, standingAt(g))))
		s.cfg.Policy.MaxFailures, s.cfg.Policy.Concurrency = plan.Budget{Percent: 100}, 1
		s.cfg.Policy.Systemic = 5
		s.cfg.Prober = &outage{} // it is always back
		s.engine.do = func(context.Context, engine.Job) error {
			return engineError(engine.Connection, "server closed the connection")
		}
		if r := s.run(t); r.Count(plan.OutcomeFailed) != 5 || !strings.HasPrefix(r.Reason, "systemic: 5 tenants in a row failed with the same error: lost # times") {
			t.Errorf("%s: %s, %v", r.State, r.Reason, r.Counts())
		}
	})
}

func TestServerOnWhichSomeSucceedIsNotBlocked(t *testing.T) {
	t.Parallel()
	synctest.Test(t, func(t *testing.T) {
		g := linearGraph(t)
		s := newFakeRun(t, g, newPlan(t, g, append(tenantsOn("s1", 60), tenantsOn("s2", 60)...), repeatStanding(120, standingAt(g))))
		s.cfg.Policy.MaxFailures, s.cfg.Policy.PerServer = plan.Budget{Percent: 50}, 1
		n := 0
		s.engine.do = func(ctx context.Context, job engine.Job) error {
			if job.Location.Server == "s1" { // one by one
				_ = taking(1500*time.Millisecond)(ctx, job)
				if n++; n%4 != 0 {
					return engineError(engine.Data, "duplicates")
				}
				return nil
			}
			return taking(time.Second)(ctx, job)
		}
		r := s.run(t)
		if r.State != rollout.StateFinished || r.Count(plan.OutcomeFailed) < 30 || r.Servers["s1"].Operator {
			t.Errorf("%s: %s, %v, %+v", r.State, r.Reason, r.Counts(), r.Servers)
		}
	})
}

func TestOnlyServerIsNotBlocked(t *testing.T) {
	t.Parallel()
	synctest.Test(t, func(t *testing.T) {
		r := runFailing(t, plan.Policy{MaxFailures: plan.Budget{Percent: 100}, Systemic: 3}, func(n int) error {
			if n%3 == 0 {
				return nil
			}
			return engineError(engine.Data, "duplicates")
		})
		if len(r.Servers) > 0 && r.Servers["s1"].Operator || r.State != rollout.StateFinished {
			t.Errorf("%s: %s, %+v", r.State, r.Reason, r.Servers)
		}
	})
}

// Whatever fails, in whatever order, and however wide: a strict budget is never exceeded by more than one.
func TestStrictNeverOvershoots(t *testing.T) {
	t.Parallel()
	rapid.Check(t, func(rt *rapid.T) {
		n := rapid.IntRange(1, 60).Draw(rt, "tenants")
		bad := map[string]time.Duration{}
		for i := range n {
			if rapid.IntRange(0, 3).Draw(rt, "fails") == 0 {
				bad[fmt.Sprintf("s1-%04d", i+1)] = time.Duration(rapid.IntRange(0, 5000).Draw(rt, "after")) * time.Millisecond
			}
		}
		policy := plan.Policy{
			Tolerance: plan.ToleranceStrict, Systemic: -1, Concurrency: rapid.IntRange(0, 20).Draw(rt, "concurrency"),
			MaxFailures: plan.Budget{Percent: float64(rapid.IntRange(0, 60).Draw(rt, "percent"))},
		}
		var failed, most int
		synctest.Test(t, func(t *testing.T) {
			g := linearGraph(t)
			s := newFakeRun(t, g, newPlan(t, g, tenantsOn("s1", n), repeatStanding(n, standingAt(g))))
			s.cfg.Policy = policy
			s.engine.do = func(ctx context.Context, job engine.Job) error {
				after, fails := bad[job.Location.Schema]
				if !fails {
					return taking(time.Second)(ctx, job)
				}
				_ = taking(after)(ctx, job)
				return engineError(engine.Data, "duplicates")
			}
			r := s.run(t)
			failed, most = r.Count(plan.OutcomeFailed), s.engine.most
		})
		if budget := policy.MaxFailures.Of(n); failed > budget+1 || failed != min(len(bad), budget+1) || most > budget+1 {
			rt.Fatalf("%d of %d failed with a budget of %d, %d at once", failed, len(bad), budget, most)
		}
	})
}
