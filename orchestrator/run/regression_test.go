package run_test

import (
	"context"
	"errors"
	"fmt"
	"sync"
	"testing"
	"testing/synctest"
	"time"

	"github.com/skeindb/skein/engine"
	"github.com/skeindb/skein/orchestrator/plan"
	"github.com/skeindb/skein/orchestrator/rollout"
	"github.com/skeindb/skein/orchestrator/store/storetest"
)

// A tenant of a later wave that is done cannot be skipped while tenants of an earlier one are taken up again.
func TestDoneTenantsAreNotSkippedWhileOthersAreRevisited(t *testing.T) {
	t.Parallel()
	synctest.Test(t, func(t *testing.T) {
		s := newFakeFleet(t, 10, nil)
		s.followFleet()
		s.duration = 5 * time.Second
		first, done := s.inWave("canary")[0], s.inWave("rest")[0]
		time.AfterFunc(12*time.Second, func() { s.remake(first, "a") })
		s.commandAfter(16*time.Second, commandOf(rollout.ActionSkip, done))
		r := s.run(t)
		if r.Outcome(done) != plan.OutcomeDone {
			t.Errorf("%s stands at %s and is %s", done, s.appliedTo(done), r.Outcome(done))
		}
	})
}

// A skip that was taken in counts also for a tenant that was about to be taken up again.
func TestTenantsSkippedBeforeTheyAreRevisitedAreLeftAlone(t *testing.T) {
	t.Parallel()
	synctest.Test(t, func(t *testing.T) {
		s := newFakeFleet(t, 10, nil)
		s.followFleet()
		s.duration = 5 * time.Second
		first, second := s.inWave("canary")[0], s.inWave("early")[0]
		time.AfterFunc(12*time.Second, func() { s.remake(first, "a"); s.remake(second, "a") })
		s.commandAfter(16*time.Second, commandOf(rollout.ActionSkip, second))
		r := s.run(t)
		accepted := len(r.Commands) == 1 && r.Commands[0].Refused == ""
		if accepted && s.appliedTo(second) != "[a]" {
			t.Errorf("the skip of %s was taken in, and it stands at %s (%s)", second, s.appliedTo(second), r.Outcome(second))
		}
	})
}

// A retry says nothing of the waves that it has no business with.
func TestRetryFinishesNoWaveThatHasNotBegun(t *testing.T) {
	t.Parallel()
	synctest.Test(t, func(t *testing.T) {
		s := newFakeFleet(t, 10, nil)
		id := s.inWave("canary")[0]
		s.failures[id] = engineError(engine.Data, "duplicates")
		s.run(t)
		delete(s.failures, id)
		p, events, err := s.store.Load(t.Context(), "r1")
		if err != nil {
			t.Fatal(err)
		}
		s.cfg.Earlier = events
		s.cfg.Plan, err = plan.Resume(rollout.Current(p, events), rollout.HistoryOf(events), members(s.db.tenants, s.db.survey()), s.db.g, plan.ResumeOptions{Only: []string{id}})
		if err != nil {
			t.Fatal(err)
		}
		r := s.run(t)
		for _, w := range r.Waves {
			if w.Finished && w.Count(plan.OutcomePending) > 0 {
				t.Errorf("wave %s is finished, and %d of it are pending", w.Name, w.Count(plan.OutcomePending))
			}
		}
	})
}

// What a tenant committed before it was put aside is taken back as well.
func TestRollbackKnowsTheStepsOfADeferredTenant(t *testing.T) {
	t.Parallel()
	synctest.Test(t, func(t *testing.T) {
		s := newFakeFleet(t, 10, nil)
		s.followFleet()
		x := s.inWave("canary")[0]
		s.cfg.Engine = &changedMidway{fakeFleet: s, id: x}
		s.run(t)
		if steps := stepsOf(s.mustPlanRollback(t).Stored(), x); fmt.Sprint(steps) != "[c b a]" {
			t.Errorf("a was applied by the rollout, and the rollback leaves it: %s", steps)
		}
	})
}

// A canary of which no tenant is left, within a budget that allows it, proves nothing.
func TestGateStaysClosedWhenTheWholeCanaryFailed(t *testing.T) {
	t.Parallel()
	synctest.Test(t, func(t *testing.T) {
		s := newFakeFleet(t, 40, map[string]plan.Gate{"canary": {Bake: time.Minute}})
		s.cfg.Policy.MaxFailures = plan.Budget{Count: 3}
		for i, id := range s.inWave("canary") {
			s.failures[id] = engineError(engine.Data, fmt.Sprint("some error ", i))
		}
		r := s.run(t)
		if r.Count(plan.OutcomeDone) > 0 {
			t.Errorf("all of the canary failed, and %d others were upgraded", r.Count(plan.OutcomeDone))
		}
	})
}

// No tenant joins a rollout that was chosen by a sample, but its own tenants are right at its end.
func TestRecreatedTenantsAreUpgradedWhereNoTenantMayJoin(t *testing.T) {
	t.Parallel()
	synctest.Test(t, func(t *testing.T) {
		s := newFakeFleet(t, 10, nil)
		s.followFleet()
		s.cfg.Joins = nil
		x := s.inWave("canary")[0]
		time.AfterFunc(2500*time.Millisecond, func() { s.remake(x, "a") })
		r := s.run(t)
		if s.appliedTo(x) != "[a b c]" {
			t.Errorf("%s is %s and stands at %s; the rollout is %s", x, r.Outcome(x), s.appliedTo(x), r.State)
		}
	})
}

// What a tenant had before it was dropped and made again is not in the new one.
func TestRollbackLeavesARecreatedTenantAlone(t *testing.T) {
	t.Parallel()
	synctest.Test(t, func(t *testing.T) {
		s := newFakeFleet(t, 10, nil)
		s.followFleet()
		x := s.inWave("canary")[0]
		time.AfterFunc(2500*time.Millisecond, func() { s.remake(x, "a") })
		s.run(t)
		if steps := stepsOf(s.mustPlanRollback(t).Stored(), x); fmt.Sprint(steps) != "[c b]" {
			t.Errorf("the new %s was made at a, and goes down through %s", x, steps)
		}
	})
}

// A tenant is planned again in a run that is killed before its result is recorded.
func TestRollbackKnowsTheReplannedSteps(t *testing.T) {
	t.Parallel()
	synctest.Test(t, func(t *testing.T) {
		s := newFakeFleet(t, 10, nil)
		x := s.inWave("early")[0]
		s.db.applied[x] = []string{"a", "b"}
		s.plan(t, request())
		s.followFleet()
		time.AfterFunc(500*time.Millisecond, func() { s.remake(x) }) // empty, before its wave
		var kept []rollout.Event
		s.run(t)
		for _, e := range s.facts(t) { // killed before the end of x was stored
			if f, ok := e.Fact.(rollout.TenantFinished); ok && f.Tenant == x {
				break
			}
			kept = append(kept, e)
		}
		back, err := s.planRollback(t, kept, false)
		if err != nil {
			t.Fatal(err)
		}
		if steps := stepsOf(back.Stored(), x); fmt.Sprint(steps) != "[c b a]" {
			t.Errorf("%s went from base to c, and is taken down through %s only; notes %q", x, steps, back.Notes)
		}
	})
}

// Tenants that were done before a resume are looked at at its end, too.
func TestTenantsDoneInAnEarlierRunAreRevisited(t *testing.T) {
	t.Parallel()
	synctest.Test(t, func(t *testing.T) {
		s := newFakeFleet(t, 10, nil)
		s.followFleet()
		id := s.inWave("rest")[0]
		x := s.inWave("canary")[0]
		s.failures[id] = engineError(engine.Data, "duplicates")
		s.run(t)
		delete(s.failures, id)
		time.AfterFunc(500*time.Millisecond, func() { s.remake(x, "a") })
		r := s.resume(t)
		if s.appliedTo(x) != "[a b c]" {
			t.Errorf("%s is %s and stands at %s; the rollout is %s", x, r.Outcome(x), s.appliedTo(x), r.State)
		}
	})
}

// changedMidway is a fleet of which one tenant is found changed by another program after its first revision.
type changedMidway struct {
	*fakeFleet
	id   string
	once sync.Once
}

func (p *changedMidway) Apply(ctx context.Context, job engine.Job) (engine.Result, error) {
	if job.Location.Schema != p.id {
		return p.fakeFleet.Apply(ctx, job)
	}
	first := false
	p.once.Do(func() { first = true })
	if !first {
		return p.fakeFleet.Apply(ctx, job)
	}
	p.remake(p.id, "a:r1") // committed by us
	return engine.Result{Done: []string{"a"}}, &engine.Error{Class: engine.Stale, Message: "another program applied b meanwhile"}
}

// planRollback plans to take r1 back, by those of its facts that are given.
func (s *fakeFleet) planRollback(t *testing.T, events []rollout.Event, partial bool) (*plan.Runnable, error) {
	t.Helper()
	p, _, err := s.store.Load(t.Context(), "r1")
	if err != nil {
		t.Fatal(err)
	}
	req := plan.Options{Rollout: "r2", Fleet: "acme", Created: planCreated}
	return plan.NewRollback(rollout.Current(p, events), rollout.Touched(events), members(s.db.tenants, s.db.surveyRollout("r1")), s.db.g, req, partial)
}

// mustPlanRollback is back of all facts, and wants it to succeed.
func (s *fakeFleet) mustPlanRollback(t *testing.T) *plan.Runnable {
	t.Helper()
	p, err := s.planRollback(t, s.facts(t), false)
	if err != nil {
		t.Fatal(err)
	}
	return p
}

func stepsOf(p *plan.Plan, id string) []string {
	for _, w := range p.Waves {
		for _, item := range w.Items {
			if item.Tenant.ID == id {
				return p.Cohorts[item.Cohort].Steps
			}
		}
	}
	return nil
}

// A killed run brought a tenant to b, and another program to c, before the rollout to b was resumed.
func TestRollbackLeavesWhatAnotherProgramApplied(t *testing.T) {
	t.Parallel()
	synctest.Test(t, func(t *testing.T) {
		s := newFakeFleet(t, 10, nil)
		req := request()
		req.Targets = []string{"b"}
		s.plan(t, req)
		x := s.inWave("canary")[0]
		if err := s.store.Create(t.Context(), s.cfg.Plan.Stored()); err != nil {
			t.Fatal(err)
		}
		if err := s.store.Append(t.Context(), storetest.Events("r1", 1,
			rollout.Started{Run: 1, Fleet: "acme", Kind: plan.KindUpgrade, Target: "b", Waves: []rollout.WavePlanned{{Name: "canary", Tenants: 2}, {Name: "early", Tenants: 4}, {Name: "rest", Tenants: 4}}},
			rollout.WaveStarted{Wave: "canary"},
			rollout.TenantsDispatched{Tenants: s.inWave("canary")},
		)); err != nil {
			t.Fatal(err)
		}
		s.remake(x, "a:r1", "b:r1", "c:r7") // a b by the killed run, c by `skein upgrade -t id=x` since
		s.resume(t)
		_, err := s.planRollback(t, s.facts(t), false)
		if blocked, ok := errors.AsType[*plan.Error](err); !ok || blocked.Reason != plan.ReasonBlocked || blocked.Tenants != 1 || blocked.Example != x {
			t.Error(err)
		}
		back, err := s.planRollback(t, s.facts(t), true)
		if err != nil || len(stepsOf(back.Stored(), x)) > 0 {
			t.Errorf("%v: %s goes down through %s", err, x, stepsOf(back.Stored(), x))
		}
	})
}

// A tenant whose wave has not begun cannot be retried: the gate of the canary has failed.
func TestRetryDoesNotBypassAGate(t *testing.T) {
	t.Parallel()
	synctest.Test(t, func(t *testing.T) {
		s := newFakeFleet(t, 10, map[string]plan.Gate{"canary": gateOf(meterOf(plan.VerdictFail), nil)})
		id := s.inWave("rest")[0]
		s.run(t)
		p, events, err := s.store.Load(t.Context(), "r1")
		if err != nil {
			t.Fatal(err)
		}
		_, err = plan.Resume(rollout.Current(p, events), rollout.HistoryOf(events), members(s.db.tenants, s.db.survey()), s.db.g, plan.ResumeOptions{Only: []string{id}})
		if e, ok := errors.AsType[*plan.Error](err); !ok || e.Reason != plan.ReasonNotBegun || e.Wave != "rest" || e.Hint() == "" {
			t.Error(err)
		}
	})
}

// A tenant that is made again under its name while a rollback runs, and has nothing of the rollout, is left as it is.
func TestRollbackDoesNotTouchRecreatedTenants(t *testing.T) {
	t.Parallel()
	for name, after := range map[string]time.Duration{
		"before its wave": 500 * time.Millisecond, "in its wave": 5500 * time.Millisecond, // early begins after four seconds
	} {
		t.Run(name, func(t *testing.T) {
			t.Parallel()
			synctest.Test(t, func(t *testing.T) {
				s := newFakeFleet(t, 10, nil)
				s.run(t)
				back := s.mustPlanRollback(t)
				s.fakeRun = newFakeRun(t, s.db.g, back)
				s.cfg.Engine, s.cfg.Surveyor, s.engine.do = s, s, s.do
				s.cfg.Policy.Concurrency = 1
				s.followFleet()
				early := back.Waves[1].Items
				x := early[len(early)-1].Tenant.ID
				time.AfterFunc(after, func() { s.remake(x, "a", "b", "c") })
				r := s.run(t)
				if s.appliedTo(x) != "[a b c]" || r.Outcome(x) != plan.OutcomeUnchanged || r.Count(plan.OutcomeDone) != 9 {
					t.Errorf("%s stands at %s and is %s; %s, %v", x, s.appliedTo(x), r.Outcome(x), r.State, r.Counts())
				}
			})
		})
	}
}
