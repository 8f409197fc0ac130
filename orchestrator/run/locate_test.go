package run_test

import (
	"context"
	"strings"
	"testing"
	"testing/synctest"
	"time"

	"github.com/google/go-cmp/cmp"

	"github.com/skeindb/skein/engine"
	"github.com/skeindb/skein/orchestrator/plan"
	"github.com/skeindb/skein/orchestrator/rollout"
)

func TestUnlistedTenantsStayInTheRollout(t *testing.T) {
	t.Parallel()
	synctest.Test(t, func(t *testing.T) {
		var forgotten []string
		s, r := runInChangingFleet(t, inCanary, func(s *fakeFleet) {
			forgotten = append(s.inWave("early"), s.inWave("rest")[0], s.inWave("rest")[1])
			for _, id := range forgotten {
				s.unlist(id)
			}
			s.remove(s.inWave("rest")[2])
		})
		if diff := cmp.Diff(counts(plan.OutcomeDone, 19, plan.OutcomeGone, 1), r.Counts()); diff != "" || r.State != rollout.StateFinished || exitCode(r) != 0 {
			t.Errorf("%s: %s, %s", r.State, r.Reason, diff)
		}
		for _, id := range forgotten {
			if s.appliedTo(id) != "[a b c]" {
				t.Errorf("%s stands at %s", id, s.appliedTo(id))
			}
		}
		if len(r.Warnings) != 2 || !strings.HasPrefix(r.Warnings[0], "4 tenants are no longer listed") || !strings.Contains(r.Warnings[1], forgotten[4]) {
			t.Errorf("warnings %q", r.Warnings)
		}
	})
}

func TestUnlistedTenantThatIsRecreatedIsUpgraded(t *testing.T) {
	t.Parallel()
	synctest.Test(t, func(t *testing.T) {
		var id string
		s, r := runInChangingFleet(t, inRest, func(s *fakeFleet) {
			s.cfg.Policy.Concurrency = 1
			rest := s.inWave("rest")
			id = rest[len(rest)-1]
			s.remake(id, "a")
			s.unlist(id)
		})
		if r.Outcome(id) != plan.OutcomeDone || s.appliedTo(id) != "[a b c]" || exitCode(r) != 0 {
			t.Errorf("%s is %s and stands at %s; exit %d", id, r.Outcome(id), s.appliedTo(id), exitCode(r))
		}
	})
}

func TestUnlistedTenantThatCannotBeReadIsNotGone(t *testing.T) {
	t.Parallel()
	synctest.Test(t, func(t *testing.T) {
		s := newFakeFleet(t, 10, nil)
		s.followFleet()
		id := s.inWave("rest")[0]
		s.cfg.Surveyor = partialSurveyor{s, id}
		s.cfg.Policy.OnFailure = plan.OnFailureContinue
		time.AfterFunc(inCanary, func() { s.unlist(id) })
		if r := s.run(t); r.Outcome(id) != plan.OutcomeFailed || exitCode(r) != 2 {
			t.Errorf("%s is %s, exit %d", id, r.Outcome(id), exitCode(r))
		}
	})
}

// partialSurveyor is a survey that cannot read one tenant.
type partialSurveyor struct {
	*fakeFleet
	id string
}

func (d partialSurveyor) Survey(ctx context.Context, targets []engine.Location) []engine.Standing {
	all := d.fakeFleet.Survey(ctx, targets)
	for i := range all {
		if targets[i].Schema == d.id {
			all[i] = engine.Standing{State: engine.Unreachable, Err: &engine.Error{Class: engine.Connection, Message: "no answer"}}
		}
	}
	return all
}

func TestResumeKeepsUnlistedTenants(t *testing.T) {
	t.Parallel()
	synctest.Test(t, func(t *testing.T) {
		s := newFakeFleet(t, 10, nil)
		id, gone := s.inWave("rest")[0], s.inWave("rest")[1]
		s.failures[id], s.failures[gone] = engineError(engine.Data, "no"), engineError(engine.Data, "no")
		if r := s.run(t); r.Outcome(id) == plan.OutcomeDone || exitCode(r) == 0 {
			t.Fatal(r.Counts())
		}
		clear(s.failures)
		s.unlist(id)
		s.remove(gone)
		r := s.resume(t)
		if r.Outcome(id) != plan.OutcomeDone || r.Outcome(gone) != plan.OutcomeGone || exitCode(r) != 0 {
			t.Errorf("%s is %s, %s is %s, exit %d", id, r.Outcome(id), gone, r.Outcome(gone), exitCode(r))
		}
	})
}
