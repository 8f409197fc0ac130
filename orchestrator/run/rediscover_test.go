package run_test

import (
	"context"
	"errors"
	"fmt"
	"slices"
	"strings"
	"testing"
	"testing/synctest"
	"time"

	"github.com/google/go-cmp/cmp"

	"github.com/skeindb/skein/engine"
	"github.com/skeindb/skein/orchestrator/plan"
	"github.com/skeindb/skein/orchestrator/rollout"
	"github.com/skeindb/skein/orchestrator/run"
	"github.com/skeindb/skein/tenant"
)

// runInChangingFleet is a rollout of 20 tenants, a second each, in a fleet that change alters, so long after the start.
func runInChangingFleet(t *testing.T, after time.Duration, change func(*fakeFleet)) (*fakeFleet, *rollout.Report) {
	t.Helper()
	s := newFakeFleet(t, 20, nil)
	s.followFleet()
	time.AfterFunc(after, func() { change(s) })
	return s, s.run(t)
}

const inCanary, inEarly, inRest = 500 * time.Millisecond, 1500 * time.Millisecond, 2500 * time.Millisecond

func TestNewTenantsJoinTheLastWave(t *testing.T) {
	t.Parallel()
	for name, after := range map[string]time.Duration{"in the canary": inCanary, "in early": inEarly, "in the last wave": inRest} {
		t.Run(name, func(t *testing.T) {
			t.Parallel()
			synctest.Test(t, func(t *testing.T) {
				s, r := runInChangingFleet(t, after, func(s *fakeFleet) { s.create("new-1", "new-2", "new-3") })
				if r.State != rollout.StateFinished || r.Planned() != 23 || r.Count(plan.OutcomeDone) != 23 {
					t.Errorf("%s: %s, %v", r.State, r.Reason, r.Counts())
				}
				if w := r.Waves[2]; w.Joined != 3 || w.Planned != 17 || !w.Finished || r.Waves[0].Joined != 0 {
					t.Errorf("%+v", w)
				}
				for _, id := range []string{"new-1", "new-2", "new-3"} {
					if s.appliedTo(id) != "[a b c]" {
						t.Errorf("%s stands at %s", id, s.appliedTo(id))
					}
				}
				if n := len(emitted[rollout.TenantsJoined](t, s.fakeRun)); n != 1 {
					t.Errorf("they joined %d times", n)
				}
				plan, events, err := s.store.Load(t.Context(), "r1")
				if err != nil || rollout.Current(plan, events).Len() != 23 {
					t.Errorf("%v, amended to %d", err, rollout.Current(plan, events).Len())
				}
				if s.cfg.Plan.Len() != 20 {
					t.Errorf("the caller's plan grew to %d", s.cfg.Plan.Len())
				}
			})
		})
	}
}

func TestTenantsThatComeAtTheEndAreUpgraded(t *testing.T) {
	t.Parallel()
	synctest.Test(t, func(t *testing.T) {
		s := newFakeFleet(t, 10, map[string]plan.Gate{"rest": {Bake: time.Minute}})
		s.followFleet()
		time.AfterFunc(30*time.Second, func() { s.create("in-the-bake") })
		time.AfterFunc(time.Minute+3500*time.Millisecond, func() { s.create("after-it") })
		r := s.run(t)
		if r.State != rollout.StateFinished || r.Count(plan.OutcomeDone) != 12 || r.Waves[2].Joined != 2 {
			t.Errorf("%s: %s, %v", r.State, r.Reason, r.Counts())
		}
		want := []string{"run 1", "canary", "early", "rest", "rest closed", "rest pass", "rest", "rest", "finished"}
		if diff := cmp.Diff(want, s.sequence(t)); diff != "" {
			t.Error(diff)
		}
	})
}

// Those that come while the last wave runs are there when its gate is asked.
func TestLastGateIsAskedAboutLateTenants(t *testing.T) {
	t.Parallel()
	synctest.Test(t, func(t *testing.T) {
		m := meterOf(pass)
		s := newFakeFleet(t, 10, map[string]plan.Gate{"rest": gateOf(m, nil)})
		s.followFleet()
		time.AfterFunc(inRest, func() { s.create("late") })
		if r := s.run(t); r.State != rollout.StateFinished || len(m.at) != 1 || len(m.subjects[0].Tenants) != 5 {
			t.Errorf("%s; %d measures, about %d tenants", r.State, len(m.at), len(m.subjects[0].Tenants))
		}
	})
}

func TestFleetThatGrowsWithoutEndIsLeftToTheNextRollout(t *testing.T) {
	t.Parallel()
	synctest.Test(t, func(t *testing.T) {
		s := newFakeFleet(t, 10, nil)
		s.followFleet()
		n := 0
		s.cfg.Discover = func(ctx context.Context) ([]tenant.Tenant, error) {
			n++
			s.create(fmt.Sprint("new-", n))
			return s.discover(ctx)
		}
		r := s.run(t)
		if r.State != rollout.StateFinished || r.Left() != 0 || n != 12 || len(r.Warnings) != 1 {
			t.Errorf("%s: %s, %d looks, %v, %q", r.State, r.Reason, n, r.Counts(), r.Warnings)
		}
	})
}

func TestDroppedTenantsAreGone(t *testing.T) {
	t.Parallel()
	synctest.Test(t, func(t *testing.T) {
		var gone []string
		s, r := runInChangingFleet(t, inCanary, func(s *fakeFleet) {
			gone = []string{s.inWave("early")[0], s.inWave("rest")[0], s.inWave("rest")[5]}
			for _, id := range gone {
				s.remove(id)
			}
			s.remove(s.inWave("canary")[0]) // it is running, and will be done
		})
		if diff := cmp.Diff(counts(plan.OutcomeDone, 17, plan.OutcomeGone, 3), r.Counts()); diff != "" || r.State != rollout.StateFinished {
			t.Errorf("%s: %s, %s", r.State, r.Reason, diff)
		}
		for _, id := range gone {
			if r.Outcome(id) != plan.OutcomeGone || len(s.engine.attempts[id]) > 0 {
				t.Errorf("%s is %s, tried %d times", id, r.Outcome(id), len(s.engine.attempts[id]))
			}
		}
	})
}

func TestRenamedTenantIsGoneAndNew(t *testing.T) {
	t.Parallel()
	synctest.Test(t, func(t *testing.T) {
		var old string
		s, r := runInChangingFleet(t, inCanary, func(s *fakeFleet) {
			old = s.inWave("rest")[3]
			s.remove(old)
			s.create("renamed")
		})
		if r.Outcome(old) != plan.OutcomeGone || r.Outcome("renamed") != plan.OutcomeDone || s.appliedTo("renamed") != "[a b c]" || exitCode(r) != 0 {
			t.Errorf("%s and %s, exit %d", r.Outcome(old), r.Outcome("renamed"), exitCode(r))
		}
	})
}

func TestTenantsAreWorkedOnWhereTheyAreNow(t *testing.T) {
	t.Parallel()
	synctest.Test(t, func(t *testing.T) {
		var moved, ahead, again, done string
		s, r := runInChangingFleet(t, inCanary, func(s *fakeFleet) {
			rest := s.inWave("rest")
			moved, ahead, again, done = rest[0], rest[1], rest[2], rest[3]
			s.mu.Lock()
			defer s.mu.Unlock()
			for i := range s.db.tenants {
				if s.db.tenants[i].ID == moved {
					s.db.tenants[i].Location.Server, s.db.tenants[i].Location.Schema = "s2", "elsewhere"
					s.engine.mu.Lock()
					s.engine.ids[s.db.tenants[i].Location] = moved
					s.engine.mu.Unlock()
				}
			}
			s.db.applied["elsewhere"] = []string{"a"}
			s.db.applied[ahead] = []string{"a", "b"}
			s.db.applied[again] = nil // dropped and recreated
			s.db.applied[done] = []string{"a", "b", "c"}
		})
		if r.State != rollout.StateFinished || r.Count(plan.OutcomeDone) != 19 || r.Outcome(done) != plan.OutcomeUnchanged {
			t.Errorf("%s: %s, %v", r.State, r.Reason, r.Counts())
		}
		if s.appliedTo("elsewhere") != "[a b c]" || s.appliedTo(moved) != "[]" || s.appliedTo(ahead) != "[a b c]" || s.appliedTo(again) != "[a b c]" {
			t.Errorf("%s %s %s %s", s.appliedTo("elsewhere"), s.appliedTo(moved), s.appliedTo(ahead), s.appliedTo(again))
		}
		if s.engine.peak["s2"] != 1 {
			t.Errorf("%d at once on s2", s.engine.peak["s2"])
		}
		for tr := range r.Tenants() {
			if tr.Tenant == ahead && (tr.Steps != 1 || fmt.Sprint(tr.From) != "[b]") {
				t.Errorf("%+v", tr)
			}
		}
	})
}

func TestOnlySelectedTenantsJoin(t *testing.T) {
	t.Parallel()
	synctest.Test(t, func(t *testing.T) {
		s := newFakeFleet(t, 20, nil)
		s.followFleet()
		s.cfg.Joins = func(tn tenant.Tenant) bool { return strings.HasPrefix(tn.ID, "gold") }
		skipped := s.inWave("rest")[0]
		time.AfterFunc(inCanary, func() {
			s.create("gold-1", "lead-1")
			s.command(commandOf(rollout.ActionSkip, skipped)) // it is known, and does not join
		})
		r := s.run(t)
		if r.Planned() != 21 || r.Count(plan.OutcomeDone) != 20 || s.appliedTo("lead-1") != "[]" || r.Outcome(skipped) != plan.OutcomeSkipped {
			t.Errorf("%d planned, %v", r.Planned(), r.Counts())
		}
	})
}

func TestFleetIsDiscoveredOncePerWaveAndAtTheEnd(t *testing.T) {
	t.Parallel()
	synctest.Test(t, func(t *testing.T) {
		s := newFakeFleet(t, 20, nil)
		s.followFleet()
		if s.run(t); s.discoveries != 3 {
			t.Errorf("%d looks, want one each before early and rest, and one at the end", s.discoveries)
		}
		idle := newFakeFleet(t, 20, nil)
		for _, tn := range idle.db.tenants {
			idle.db.applied[tn.ID] = []string{"a", "b", "c"}
		}
		idle.policy.Waves = nil
		idle.plan(t, request())
		idle.followFleet()
		if r := idle.run(t); idle.discoveries != 0 || r.Count(plan.OutcomeUnchanged) != 20 {
			t.Errorf("%d discoveries where no tenant was touched, %v", idle.discoveries, r.Counts())
		}
	})
}

// A resume of a finished rollout does the rest of it; one of a rollout that was cut off does all of it.
func TestTenantsThatComeBetweenTwoRunsJoinAnUnfinishedRollout(t *testing.T) {
	t.Parallel()
	for name, test := range map[string]struct {
		budget  int
		state   rollout.State
		planned int
	}{"it had finished": {1, rollout.StateFinished, 20}, "it had halted": {0, rollout.StateHalted, 21}} {
		t.Run(name, func(t *testing.T) {
			t.Parallel()
			synctest.Test(t, func(t *testing.T) {
				s := newFakeFleet(t, 20, nil)
				s.followFleet()
				s.cfg.Policy.MaxFailures.Count = test.budget
				bad := s.cfg.Plan.Waves[2].Items[0].Tenant.ID
				s.failures[bad] = engineError(engine.Data, "duplicates")
				if r := s.run(t); r.State != test.state || r.Count(plan.OutcomeFailed) != 1 {
					t.Fatalf("%s: %s, %v", r.State, r.Reason, r.Counts())
				}
				delete(s.failures, bad)
				s.create("new-1")
				if r := s.resume(t); r.State != rollout.StateFinished || r.Count(plan.OutcomeDone) != test.planned || r.Planned() != test.planned {
					t.Errorf("%s: %s, %v", r.State, r.Reason, r.Counts())
				}
			})
		})
	}
}

func TestGuardHalts(t *testing.T) {
	t.Parallel()
	synctest.Test(t, func(t *testing.T) {
		guard := &tenant.GuardError{Guard: "min_tenants", Found: 3, Min: 10}
		s := newFakeFleet(t, 20, nil)
		s.followFleet()
		s.discoverErrors = []error{errors.Join(errors.New("x"), guard)}
		r := s.run(t)
		if r.State != rollout.StateHalted || !strings.Contains(r.Reason, guard.Error()) || s.engine.touched() != 2 || s.discoveries != 1 {
			t.Errorf("%s: %s; %d touched, %d looks", r.State, r.Reason, s.engine.touched(), s.discoveries)
		}
		if r := s.resume(t); r.State != rollout.StateFinished || r.Count(plan.OutcomeDone) != 20 {
			t.Errorf("%s, %v", r.State, r.Counts())
		}
	})
}

func TestFleetThatCannotBeListedIsTriedAgain(t *testing.T) {
	t.Parallel()
	synctest.Test(t, func(t *testing.T) {
		s := newFakeFleet(t, 20, nil)
		s.followFleet()
		s.discoverErrors = []error{errSource, errSource, errSource, nil, nil}
		r := s.run(t)
		if r.State != rollout.StateFinished || len(r.Warnings) != 1 || !strings.Contains(r.Warnings[0], errSource.Error()) || s.discoveries != 6 {
			t.Errorf("%s: %s, %d looks, %q", r.State, r.Reason, s.discoveries, r.Warnings)
		}
	})
}

// When all is done there is nothing to halt any more.
func TestFleetThatCannotBeListedAtTheEndIsAWarning(t *testing.T) {
	t.Parallel()
	synctest.Test(t, func(t *testing.T) {
		s := newFakeFleet(t, 20, nil)
		s.followFleet()
		s.discoverErrors = []error{nil, nil, errSource}
		r := s.run(t)
		if r.State != rollout.StateFinished || len(r.Warnings) != 1 || !strings.Contains(r.Warnings[0], "left to the next rollout") || s.discoveries != 3 {
			t.Errorf("%s: %s, %d looks, %q", r.State, r.Reason, s.discoveries, r.Warnings)
		}
	})
}

func TestFleetThatCannotBeListedForLongHalts(t *testing.T) {
	t.Parallel()
	synctest.Test(t, func(t *testing.T) {
		s := newFakeFleet(t, 20, nil)
		s.followFleet()
		s.cfg.Discover = func(context.Context) ([]tenant.Tenant, error) { return nil, errSource }
		r := s.run(t)
		if took := r.Finished.Sub(r.Started); r.State != rollout.StateHalted || took < 5*time.Minute || took > 6*time.Minute || s.engine.touched() != 2 {
			t.Errorf("%s: %s after %s", r.State, r.Reason, took)
		}
	})
}

// One server that stays away keeps the tenants of the others from nothing: after a while it is done without.
func TestFleetThatCannotBeListedForLongIsThePlannedOne(t *testing.T) {
	t.Parallel()
	synctest.Test(t, func(t *testing.T) {
		s := newFakeFleet(t, 20, nil)
		s.followFleet()
		s.cfg.DiscoverAway = s.cfg.Discover
		s.cfg.Discover = func(context.Context) ([]tenant.Tenant, error) { return nil, errSource }
		r := s.run(t)
		if took := r.Finished.Sub(r.Started); r.State != rollout.StateFinished || took < 5*time.Minute || r.Count(plan.OutcomeDone) != 20 {
			t.Errorf("%s: %s after %s, %v", r.State, r.Reason, took, r.Counts())
		}
		if !slices.ContainsFunc(r.Warnings, func(w string) bool { return strings.Contains(w, "continues with the planned tenants") }) {
			t.Errorf("%q", r.Warnings)
		}
	})
}

func TestDiscoveryCanBeStopped(t *testing.T) {
	t.Parallel()
	for _, hangs := range []bool{true, false} { // or between two tries
		synctest.Test(t, func(t *testing.T) {
			s := newFakeFleet(t, 20, nil)
			s.followFleet()
			s.cfg.Discover = func(ctx context.Context) ([]tenant.Tenant, error) {
				if hangs {
					<-ctx.Done()
				}
				return nil, errSource
			}
			s.commandAfter(time.Minute, commandOf(rollout.ActionPause))
			r := s.run(t)
			if r.State != rollout.StatePaused || r.Finished.Sub(r.Started) > 62*time.Second || s.engine.touched() != 2 {
				t.Errorf("%s: %s after %s", r.State, r.Reason, r.Finished.Sub(r.Started))
			}
		})
	}
}

// slowSurveyor is a Surveyor that takes its time, and then cannot read anything if it was cancelled.
type slowSurveyor struct{ *fakeFleet }

func (s slowSurveyor) Survey(ctx context.Context, targets []engine.Location) []engine.Standing {
	if err := taking(time.Minute)(ctx, engine.Job{}); err == nil {
		return s.fakeFleet.Survey(ctx, targets)
	}
	return repeatStanding(len(targets), engine.Standing{State: engine.Unreachable, Err: engineError(engine.Canceled, "cancelled")})
}

func TestCancelledSurveyFailsNoTenant(t *testing.T) {
	t.Parallel()
	synctest.Test(t, func(t *testing.T) {
		s := newFakeFleet(t, 20, nil)
		s.followFleet()
		s.cfg.Surveyor = slowSurveyor{s}
		ctx, cancel := context.WithCancel(t.Context())
		time.AfterFunc(30*time.Second, cancel)
		skipped := s.inWave("early")[0]
		s.commandAfter(10*time.Second, commandOf(rollout.ActionSkip, skipped))
		r, err := run.Run(ctx, s.cfg)
		if err != nil {
			t.Fatal(err)
		}
		s.check(t, r)
		if r.State != rollout.StateInterrupted || r.Count(plan.OutcomeFailed) != 0 || r.Count(plan.OutcomePending) != 17 {
			t.Errorf("%s: %s, %v", r.State, r.Reason, r.Counts())
		}
	})
}

// cancellingSurveyor is a Surveyor during which the run is cancelled.
type cancellingSurveyor struct {
	*fakeFleet
	cancel func()
}

func (b cancellingSurveyor) Survey(_ context.Context, targets []engine.Location) []engine.Standing {
	b.cancel()
	return repeatStanding(len(targets), engine.Standing{State: engine.Unreachable, Err: engineError(engine.Canceled, "cancelled")})
}

func TestSurveyThatEndsWithTheRunFailsNoTenant(t *testing.T) {
	t.Parallel()
	synctest.Test(t, func(t *testing.T) {
		for range 3 { // which of the two is heard first is left to the moment
			s := newFakeFleet(t, 20, nil)
			s.followFleet()
			ctx, cancel := context.WithCancel(t.Context())
			s.cfg.Surveyor = cancellingSurveyor{s, cancel}
			if r, err := run.Run(ctx, s.cfg); err != nil || r.State != rollout.StateInterrupted || r.Count(plan.OutcomePending) != 18 {
				t.Errorf("%v, %s: %s, %v", err, r.State, r.Reason, r.Counts())
			}
		}
	})
}

func TestTenantSkippedDuringTheSurveyStaysSkipped(t *testing.T) {
	t.Parallel()
	synctest.Test(t, func(t *testing.T) {
		s := newFakeFleet(t, 20, nil)
		s.followFleet()
		s.cfg.Surveyor = slowSurveyor{s}
		skipped := s.inWave("early")[0]
		s.commandAfter(10*time.Second, commandOf(rollout.ActionSkip, skipped))
		if r := s.run(t); r.Outcome(skipped) != plan.OutcomeSkipped || s.appliedTo(skipped) != "[]" || r.Count(plan.OutcomeDone) != 19 {
			t.Errorf("%s, %v", r.State, r.Counts())
		}
	})
}

func TestNoTenantJoinsAStamp(t *testing.T) {
	t.Parallel()
	synctest.Test(t, func(t *testing.T) {
		s := newFakeFleet(t, 20, nil)
		req := request()
		req.Kind = plan.KindStamp
		s.plan(t, req)
		s.followFleet()
		time.AfterFunc(inCanary, func() { s.create("new"); s.remove(s.inWave("rest")[0]) })
		if r := s.run(t); r.Planned() != 20 || s.appliedTo("new") != "[]" || r.Count(plan.OutcomeGone) != 1 || r.State != rollout.StateFinished {
			t.Errorf("%s, %v", r.State, r.Counts())
		}
	})
}

func TestDiscoveryNeedsASurveyor(t *testing.T) {
	t.Parallel()
	synctest.Test(t, func(t *testing.T) {
		s := newFakeFleet(t, 2, nil)
		s.followFleet()
		s.cfg.Surveyor = nil
		if r, err := run.Run(t.Context(), s.cfg); err == nil || r != nil {
			t.Error("it ran")
		}
	})
}

// Tenants that joined are part of the rollout ever after, also for the budget.
func TestResumeKnowsTheJoinedTenants(t *testing.T) {
	t.Parallel()
	synctest.Test(t, func(t *testing.T) {
		s := newFakeFleet(t, 20, nil)
		s.followFleet()
		s.failures["new-1"] = engineError(engine.Data, "duplicates")
		time.AfterFunc(inCanary, func() { s.create("new-1", "new-2") })
		r := s.run(t)
		if r.State != rollout.StateHalted || r.Outcome("new-1") != plan.OutcomeFailed || r.Planned() != 22 {
			t.Fatalf("%s: %s, %v", r.State, r.Reason, r.Counts())
		}
		delete(s.failures, "new-1")
		s.create("new-3")
		r = s.resume(t)
		if r.State != rollout.StateFinished || r.Planned() != 23 || r.Waves[2].Joined != 3 || r.Count(plan.OutcomeDone) != 23 {
			t.Errorf("%s: %s, %v, %+v", r.State, r.Reason, r.Counts(), r.Waves[2])
		}
	})
}

// The budget is that of the wave, whenever its tenants came.
func TestLateTenantsShareTheBudget(t *testing.T) {
	t.Parallel()
	for budget, state := range map[int]rollout.State{1: rollout.StateHalted, 2: rollout.StateFinished} {
		synctest.Test(t, func(t *testing.T) {
			s := newFakeFleet(t, 20, nil)
			s.followFleet()
			s.cfg.Policy.MaxFailures.Count = budget
			s.failures[s.inWave("rest")[0]], s.failures["late"] = engineError(engine.Data, "duplicates"), engineError(engine.Data, "duplicates")
			time.AfterFunc(inRest, func() { s.create("late") })
			if r := s.run(t); r.State != state || r.Count(plan.OutcomeFailed) != 2 || r.Waves[2].Failures != 2 {
				t.Errorf("a budget of %d: %s: %s, %v", budget, r.State, r.Reason, r.Counts())
			}
		})
	}
}
