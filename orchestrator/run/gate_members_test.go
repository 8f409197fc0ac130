package run_test

import (
	"context"
	"slices"
	"strings"
	"testing"
	"testing/synctest"
	"time"

	"github.com/google/go-cmp/cmp"

	"github.com/skeindb/skein/engine"
	"github.com/skeindb/skein/orchestrator/plan"
	"github.com/skeindb/skein/orchestrator/rollout"
)

// emptyCanary is a way in which no tenant of a canary can show whether the new revisions work.
type emptyCanary struct {
	plan func(t *testing.T, s *fakeFleet) // before the rollout is planned; nil = nothing
	run  func(s *fakeFleet)               // before it is run; nil = nothing
}

var emptyCanaries = map[string]emptyCanary{
	"no tenant matches": {plan: func(t *testing.T, s *fakeFleet) { s.policy.Waves[0].Tenants = selector(t, "id=x") }},
	"all are frozen": {plan: func(t *testing.T, s *fakeFleet) {
		s.policy.Pins = []plan.Pin{{Tenants: selector(t, canaries(s)), Freeze: true, Reason: "audit"}}
	}},
	"all are pinned to an older revision": {plan: func(t *testing.T, s *fakeFleet) {
		s.policy.Pins = []plan.Pin{{Tenants: selector(t, canaries(s)), Target: "b", Reason: "old client"}}
	}},
	"all are skipped": {
		plan: func(_ *testing.T, s *fakeFleet) {
			s.policy.Retry = plan.Retry{Base: time.Minute, Max: time.Hour}
		},
		run: func(s *fakeFleet) {
			ids := s.inWave("canary")
			for _, id := range ids {
				s.failures[id] = engineError(engine.Busy, "a lock")
			}
			s.commandAfter(30*time.Second, rollout.Command{Action: rollout.ActionSkip, Tenants: ids})
		},
	},
	"all failed": {
		plan: func(_ *testing.T, s *fakeFleet) { s.policy.OnFailure = plan.OnFailureContinue },
		run: func(s *fakeFleet) {
			for _, id := range s.inWave("canary") {
				s.failures[id] = engineError(engine.Data, "duplicates")
			}
		},
	},
	"all are gone": {run: func(s *fakeFleet) {
		s.followFleet()
		for _, id := range s.inWave("canary") {
			s.failures[id] = engineError(engine.Gone, "there is no schema")
			s.remove(id)
		}
	}},
}

func canaries(s *fakeFleet) string { return "id in (" + strings.Join(s.inWave("canary"), ",") + ")" }

// newEmptyCanary is a fleet whose canary is empty in one of these ways, with a gate.
func newEmptyCanary(t *testing.T, how emptyCanary, gate plan.Gate, allow bool) *fakeFleet {
	t.Helper()
	s := newFakeFleet(t, 10, map[string]plan.Gate{"canary": gate})
	s.policy.Waves[0].AllowEmpty = allow
	if how.plan != nil {
		how.plan(t, s)
	}
	s.plan(t, request())
	if how.run != nil {
		how.run(s)
	}
	return s
}

// TestGateWithoutTenantsDoesNotOpen has no tenant in the canary by which its gate could be judged: with checks or a bake it
// is inconclusive at once, with an approval alone that is awaited.
func TestGateWithoutTenantsDoesNotOpen(t *testing.T) {
	t.Parallel()
	for name, how := range emptyCanaries {
		for kind, gate := range map[string]plan.Gate{
			"check": gateOf(meterOf(pass), nil), "bake": {Bake: time.Hour}, "approval": {Approval: true},
			"check and approval": {Checks: gateOf(meterOf(pass), nil).Checks, Approval: true},
		} {
			t.Run(name+", "+kind, func(t *testing.T) {
				t.Parallel()
				synctest.Test(t, func(t *testing.T) {
					s := newEmptyCanary(t, how, gate, false)
					s.cfg.NoWait = true
					r := s.run(t)
					want := rollout.StatePaused
					if kind == "approval" {
						want = rollout.StateWaiting
					}
					g := r.Waves[0].Gate
					if r.State != want || g.Passed() || exitCode(r) != 3 || r.Waves[1].Started {
						t.Fatalf("%s: %s\n%v", r.State, r.Reason, s.sequence(t))
					}
					if took := r.Finished.Sub(r.Started); took > 10*time.Minute {
						t.Errorf("it took %s", took)
					}
					if said := r.Reason + strings.Join(r.Warnings, " "); !strings.Contains(said, "none to look at") {
						t.Errorf("%s", said)
					}
					noted := slices.ContainsFunc(s.cfg.Plan.Notes, func(n string) bool { return strings.Contains(n, "allow_empty: true") })
					if foreseen := name == "no tenant matches" || strings.Contains(name, "frozen") || strings.Contains(name, "pinned"); noted != foreseen {
						t.Errorf("the plan says %q", s.cfg.Plan.Notes)
					}
				})
			})
		}
	}
}

// TestGateWithoutTenantsOpensWhereThatIsAllowed lets the rollout continue, and says why; a canary that failed is not empty.
func TestGateWithoutTenantsOpensWhereThatIsAllowed(t *testing.T) {
	t.Parallel()
	for name, how := range emptyCanaries {
		t.Run(name, func(t *testing.T) {
			t.Parallel()
			synctest.Test(t, func(t *testing.T) {
				m := meterOf(fail)
				gate := gateOf(m, nil)
				gate.Approval = true
				s := newEmptyCanary(t, how, gate, true)
				r := s.run(t)
				if name == "all failed" {
					if r.State != rollout.StatePaused || strings.Contains(r.Reason, "allow_empty") {
						t.Errorf("%s: %s", r.State, r.Reason)
					}
					return
				}
				if r.State != rollout.StateFinished || len(m.at) > 0 || !strings.Contains(r.Waves[0].Gate.Reason, "allow_empty permits that") {
					t.Errorf("%s: %s, %d measures, %+v", r.State, r.Reason, len(m.at), r.Waves[0].Gate)
				}
				for _, n := range s.cfg.Plan.Notes {
					if strings.Contains(n, "allow_empty") {
						t.Errorf("the plan says %q", n)
					}
				}
			})
		})
	}
}

// TestGateWithoutTenantsIsPassedOnceThatIsAllowed follows what the reason of the pause says.
func TestGateWithoutTenantsIsPassedOnceThatIsAllowed(t *testing.T) {
	t.Parallel()
	synctest.Test(t, func(t *testing.T) {
		s := newEmptyCanary(t, emptyCanaries["all are frozen"], gateOf(meterOf(pass), nil), false)
		if r := s.run(t); !strings.Contains(r.Reason, "with `allow_empty: true` on the wave, a resume passes it") {
			t.Fatal(r.Reason)
		}
		s.cfg.Policy.Waves[0].AllowEmpty = true
		if r := s.resume(t); r.State != rollout.StateFinished || r.Count(plan.OutcomeDone) != 8 {
			t.Errorf("%s: %s, %v", r.State, r.Reason, r.Counts())
		}
	})
}

// TestEmptyWaveBeforeNothingNeedsNoGate is the nightly upgrade that has nothing to do.
func TestEmptyWaveBeforeNothingNeedsNoGate(t *testing.T) {
	t.Parallel()
	synctest.Test(t, func(t *testing.T) {
		s := newFakeFleet(t, 10, map[string]plan.Gate{"canary": {Approval: true}, "early": gateOf(meterOf(fail), nil)})
		s.policy.Waves[0].Tenants = selector(t, "id=x")
		for _, tn := range s.db.tenants {
			s.db.applied[tn.ID] = []string{"a", "b", "c"}
		}
		s.plan(t, request())
		if r := s.run(t); r.State != rollout.StateFinished || r.Waves[0].Gate != nil {
			t.Errorf("%s: %s", r.State, r.Reason)
		}
	})
}

// TestBakeIsCountedFromTheLastTenant has the canary upgraded by a second run, long after its gate was first closed.
func TestBakeIsCountedFromTheLastTenant(t *testing.T) {
	t.Parallel()
	for name, broken := range map[string]int{"all of the canary": 2, "one of it": 1} {
		t.Run(name, func(t *testing.T) {
			t.Parallel()
			synctest.Test(t, func(t *testing.T) {
				gate := gateOf(meterOf(pass), nil)
				gate.Bake = time.Hour
				s := newFakeFleet(t, 10, map[string]plan.Gate{"canary": gate})
				s.cfg.Policy.OnFailure = plan.OnFailureContinue
				bad := s.inWave("canary")[:broken]
				for _, id := range bad {
					s.failures[id] = engineError(engine.Data, "duplicates")
				}
				s.commandAfter(30*time.Minute, rollout.Command{Action: rollout.ActionPause})
				if r := s.run(t); r.State != rollout.StatePaused {
					t.Fatal(r.State, r.Reason)
				}
				time.Sleep(2 * time.Hour)
				for _, id := range bad {
					delete(s.failures, id)
				}
				r := s.resume(t)
				if took := r.Finished.Sub(r.Resumed); r.State != rollout.StateFinished || took < time.Hour || took > time.Hour+time.Minute {
					t.Errorf("%s after %s, want an hour", r.State, took)
				}
				if until := r.Waves[0].Gate.Until; !until.Equal(r.Waves[0].Upgraded.Add(time.Hour)) {
					t.Errorf("until %s, the last was upgraded at %s", until, r.Waves[0].Upgraded)
				}
			})
		})
	}
}

// TestTenantsThatVanishInTheBakeAreNotAsked drops, replaces and restores tenants of the canary while its gate bakes.
func TestTenantsThatVanishInTheBakeAreNotAsked(t *testing.T) {
	t.Parallel()
	for name, test := range map[string]struct {
		away  func(s *fakeFleet, id string)
		n     int // of the two
		state rollout.State
	}{
		"one is dropped":    {(*fakeFleet).remove, 1, rollout.StateFinished},
		"one is made again": {func(s *fakeFleet, id string) { s.remake(id, "a", "b", "c") }, 1, rollout.StateFinished},
		"one is restored": {func(s *fakeFleet, id string) {
			s.mu.Lock()
			defer s.mu.Unlock()
			s.db.applied[id] = []string{"a"}
		}, 1, rollout.StateFinished},
		"both are dropped": {(*fakeFleet).remove, 2, rollout.StatePaused},
	} {
		for _, verdict := range []plan.Verdict{unknown, fail, pass} { // of a query to a tenant that is not there
			t.Run(name+", which is a "+string(verdict), func(t *testing.T) {
				t.Parallel()
				synctest.Test(t, func(t *testing.T) {
					away := map[string]bool{}
					m := &meter{}
					gate := gateOf(m, func(c *plan.Check) { c.Inconclusive = -1 })
					gate.Bake = time.Hour
					s := newFakeFleet(t, 10, map[string]plan.Gate{"canary": gate})
					s.followFleet()
					m.says = func(_ context.Context, n int) plan.Measure {
						s.mu.Lock()
						defer s.mu.Unlock()
						for _, tn := range m.subjects[n].Tenants {
							if away[tn.ID] {
								return plan.Measure{Verdict: verdict, Evidence: "it is not there", Tenants: []string{tn.ID}}
							}
						}
						return plan.Measure{Verdict: pass, Evidence: "good"}
					}
					time.AfterFunc(30*time.Minute, func() {
						for _, id := range s.inWave("canary")[:test.n] {
							test.away(s, id)
							s.mu.Lock()
							away[id] = true
							s.mu.Unlock()
						}
					})
					r := s.run(t)
					if r.State != test.state {
						t.Fatalf("%s: %s", r.State, r.Reason)
					}
					if c := r.Waves[0].Gate.Checks[0]; c.Unknown+c.Failures > 0 {
						t.Errorf("%+v", c)
					}
					last := m.subjects[len(m.subjects)-1]
					if verdict != pass && len(last.Tenants) != 2-test.n && test.n == 1 {
						t.Errorf("asked about %v", last.Tenants)
					}
					if diff := cmp.Diff(1, len(r.Warnings)); diff != "" || !strings.Contains(r.Warnings[0], "not asked: s1-") {
						t.Errorf("warned of %q", r.Warnings)
					}
				})
			})
		}
	}
}

// TestTenantThatCannotBeReadStaysOnTheList does not take a silent server for a tenant that vanished.
func TestTenantThatCannotBeReadStaysOnTheList(t *testing.T) {
	t.Parallel()
	synctest.Test(t, func(t *testing.T) {
		m := meterOf(unknown)
		s := newFakeFleet(t, 10, map[string]plan.Gate{"canary": gateOf(m, nil)})
		s.cfg.Surveyor = unreachableSurveyor{}
		if r := s.run(t); r.State != rollout.StatePaused || len(m.at) != 4 || len(r.Warnings) > 0 {
			t.Errorf("%s: %s, %d measures, %q", r.State, r.Reason, len(m.at), r.Warnings)
		}
	})
}

// unreachableSurveyor is a Surveyor that reads nothing.
type unreachableSurveyor struct{}

func (unreachableSurveyor) Survey(_ context.Context, targets []engine.Location) []engine.Standing {
	return repeatStanding(len(targets), engine.Standing{State: engine.Unreachable, Err: engineError(engine.Connection, "no answer")})
}

func (n unreachableSurveyor) SurveyRollout(ctx context.Context, targets []engine.Location, _ string) []engine.Standing {
	return n.Survey(ctx, targets)
}
