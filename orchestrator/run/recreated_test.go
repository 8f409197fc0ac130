package run_test

import (
	"testing"
	"testing/synctest"
	"time"

	"github.com/skeindb/skein/engine"
	"github.com/skeindb/skein/orchestrator/plan"
	"github.com/skeindb/skein/orchestrator/rollout"
)

// The waves of the fleet are canary (2), early (4), rest (4). A tenant takes a second, and there are two at once: early
// begins after one second, rest after three.
func TestRecreatedTenantsAreUpgradedInEveryPhase(t *testing.T) {
	t.Parallel()
	for name, test := range map[string]struct {
		wave  int
		after time.Duration
	}{
		"before their wave":                {2, 500 * time.Millisecond},
		"in their wave":                    {2, 3500 * time.Millisecond},
		"when they were done, a wave late": {0, 1500 * time.Millisecond},
		"when they were done, at the end":  {1, 4500 * time.Millisecond},
	} {
		t.Run(name, func(t *testing.T) {
			t.Parallel()
			synctest.Test(t, func(t *testing.T) {
				s := newFakeFleet(t, 10, nil)
				s.followFleet()
				s.cfg.Policy.Concurrency = 2
				items := s.cfg.Plan.Waves[test.wave].Items
				id := items[len(items)-1].Tenant.ID
				time.AfterFunc(test.after, func() { s.remake(id, "a") })
				r := s.run(t)
				if r.State != rollout.StateFinished || r.Count(plan.OutcomeDone) != 10 || r.Planned() != 10 {
					t.Errorf("%s: %s, %v", r.State, r.Reason, r.Counts())
				}
				if got := s.appliedTo(id); got != "[a b c]" {
					t.Errorf("%s stands at %s", id, got)
				}
			})
		})
	}
}

// A tenant that is another one each time it is asked has two turns, and has then failed: it is there.
func TestTenantThatIsRecreatedForEverEnds(t *testing.T) {
	t.Parallel()
	synctest.Test(t, func(t *testing.T) {
		s := newFakeFleet(t, 4, nil)
		s.followFleet()
		id := s.cfg.Plan.Waves[1].Items[0].Tenant.ID
		s.failures[id] = engineError(engine.Gone, "it is another one")
		s.cfg.Policy.OnFailure = plan.OnFailureContinue
		r := s.run(t)
		if r.State != rollout.StateFinished || r.Count(plan.OutcomeDone) != 3 || r.Outcome(id) != plan.OutcomeFailed || exitCode(r) != 2 {
			t.Errorf("%s: %s, %v, exit %d", r.State, r.Reason, r.Counts(), exitCode(r))
		}
		if f := r.Failed()[0].Failure; f.Class != engine.Stale || f.Message != "it is another one" {
			t.Errorf("%+v", f)
		}
	})
}

func TestTenantThatWasGoneAndIsBackIsUpgraded(t *testing.T) {
	t.Parallel()
	synctest.Test(t, func(t *testing.T) {
		s := newFakeFleet(t, 10, nil)
		s.followFleet()
		lost := s.cfg.Plan.Waves[1].Items[0].Tenant
		time.AfterFunc(inCanary, func() { s.remove(lost.ID) })
		time.AfterFunc(inRest, func() { s.create(lost.ID) })
		r := s.run(t)
		if r.State != rollout.StateFinished || r.Count(plan.OutcomeDone) != 10 || s.appliedTo(lost.ID) != "[a b c]" {
			t.Errorf("%s: %s, %v, stands at %s", r.State, r.Reason, r.Counts(), s.appliedTo(lost.ID))
		}
	})
}
