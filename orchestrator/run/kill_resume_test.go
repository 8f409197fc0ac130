package run_test

import (
	"context"
	"fmt"
	"sync"
	"testing"
	"testing/synctest"
	"time"

	"github.com/google/go-cmp/cmp"

	"github.com/skeindb/skein/orchestrator/plan"
	"github.com/skeindb/skein/orchestrator/rollout"
	"github.com/skeindb/skein/orchestrator/run"
)

// dyingStore is a store that loses every fact from the one on of which dies says so: the process was killed just
// before it was durable.
type dyingStore struct {
	rollout.FullStore
	dies func(rollout.Event) bool
	kill func()

	mu   sync.Mutex
	dead bool
}

func (m *dyingStore) Append(ctx context.Context, events []rollout.Event) error {
	m.mu.Lock()
	defer m.mu.Unlock()
	for i, e := range events {
		if !m.dead && m.dies(e) {
			m.dead = true
			m.kill()
		}
		if m.dead {
			if i == 0 {
				return nil
			}
			return m.FullStore.Append(ctx, events[:i])
		}
	}
	return m.FullStore.Append(ctx, events)
}

// killAfter runs until the fact after the first for which last says so; then the process is killed: its tenants under
// work are cut off, and no fact is stored any more. It returns the fold of what is.
func (s *fakeFleet) killAfter(t testing.TB, cfg run.Config, last func(rollout.Fact) bool) *rollout.Report {
	t.Helper()
	over := false
	return s.kill(t, cfg, func(e rollout.Event) bool {
		if over {
			return true
		}
		over = last(e.Fact)
		return false
	})
}

func (s *fakeFleet) kill(t testing.TB, cfg run.Config, dies func(rollout.Event) bool) *rollout.Report {
	t.Helper()
	ctx, cancel := context.WithCancel(context.Background())
	defer cancel()
	cfg.Store = &dyingStore{FullStore: s.store, dies: dies, kill: cancel}
	if _, err := run.Run(ctx, cfg); err != nil {
		t.Fatal(err)
	}
	r := &rollout.Report{}
	for _, e := range s.facts(t) {
		r.Apply(e)
	}
	return r
}

// newEventfulFleet is a rollout that goes through all there is: three waves, a gate that measures, bakes and wants an
// approval, one that is asked in vain at first, tenants that come and go, one that fails at first, and one that an
// operator skips.
func newEventfulFleet(t testing.TB) *fakeFleet {
	t.Helper()
	checks := gateOf(meterOf(unknown, pass), nil)
	checks.Bake, checks.Approval = time.Minute, true
	s := newFakeFleet(t, 24, map[string]plan.Gate{
		"canary": checks, "early": gateOf(meterOf(pass), nil), "rest": {Bake: 10 * time.Second},
	})
	s.followFleet()
	s.approveAll()
	early, rest := s.inWave("early"), s.inWave("rest")
	moved := false
	s.reactions = append(s.reactions, func(f rollout.Fact) {
		w, ok := f.(rollout.ApprovalAwaited)
		if !ok || w.Wave != "canary" || moved {
			return
		}
		moved = true
		s.remove(early[0])
		s.remove(rest[1])
		s.create("late-1", "late-2")
		s.command(commandOf(rollout.ActionSkip, rest[2]))
	})
	return s
}

// end is what a rollout has come to, as far as it must not depend on who was killed when.
func (s *fakeFleet) finalState(t testing.TB) map[string]any {
	t.Helper()
	r := &rollout.Report{}
	for _, e := range s.facts(t) {
		r.Apply(e)
	}
	end := map[string]any{"state": r.State, "exit": exitCode(r), "planned": r.Planned(), "warnings": r.Warnings}
	for tr := range r.Tenants() {
		outcome := tr.Outcome
		if outcome == plan.OutcomeUnchanged { // it was changed, but that was not recorded
			outcome = plan.OutcomeDone
		}
		end[tr.Tenant] = fmt.Sprint(outcome, " ", tr.Wave, " ", s.appliedTo(tr.Tenant))
	}
	for _, w := range r.Waves {
		end["wave "+w.Name] = fmt.Sprint(w.Planned, w.Joined, w.Finished, w.Gate.Passed())
	}
	return end
}

// TestKillAnywhereAndResumeEndAlike kills the process before each fact in turn and resumes.
func TestKillAnywhereAndResumeEndAlike(t *testing.T) {
	t.Parallel()
	var want map[string]any
	var facts int64
	synctest.Test(t, func(t *testing.T) {
		s := newEventfulFleet(t)
		r := s.run(t)
		want, facts = s.finalState(t), r.Seq
		if r.State != rollout.StateFinished || r.Count(plan.OutcomeGone) != 2 || r.Count(plan.OutcomeSkipped) != 1 || r.Count(plan.OutcomeDone) != 23 {
			t.Fatalf("%s: %s, %v, %q", r.State, r.Reason, r.Counts(), s.sequence(t))
		}
	})
	for k := int64(1); k <= facts; k++ {
		for _, again := range []bool{false, true} { // the resumed run may be killed as well
			synctest.Test(t, func(t *testing.T) {
				s := newEventfulFleet(t)
				dead := s.kill(t, s.cfg, func(e rollout.Event) bool { return e.Seq == k })
				if dead.Seq != k-1 || dead.Seq > 0 && dead.State != rollout.StateRunning && dead.State != rollout.StateWaiting {
					t.Fatalf("killed before fact %d: %d are stored, %s", k, dead.Seq, dead.State)
				}
				s.planResume(t)
				if again {
					s.kill(t, s.cfg, func(e rollout.Event) bool { return e.Seq == k+9 })
					s.planResume(t)
				}
				s.run(t)
				if diff := cmp.Diff(want, s.finalState(t)); diff != "" {
					t.Errorf("killed before fact %d, again %v (-whole +killed):\n%s\n%q", k, again, diff, s.sequence(t))
				}
			})
			if t.Failed() {
				return
			}
		}
	}
}

// An abort that was taken in holds, though the process died before it could end.
func TestAbortOutlivesItsProcess(t *testing.T) {
	t.Parallel()
	for _, pending := range []bool{true, false} {
		synctest.Test(t, func(t *testing.T) {
			s := newFakeFleet(t, 20, nil)
			s.duration = time.Minute
			s.commandAfter(90*time.Second, commandOf(rollout.ActionAbort))
			dead := s.killAfter(t, s.cfg, func(f rollout.Fact) bool {
				_, ok := f.(rollout.Commanded)
				return ok
			})
			if dead.State != rollout.StateRunning {
				t.Fatal(dead.State)
			}
			touched := s.engine.touched()
			var r *rollout.Report
			if pending {
				r = s.applyPending(t)
			} else {
				r = s.resume(t)
			}
			if r.State != rollout.StateAborted || s.engine.touched() != touched {
				t.Errorf("%s, %d touched", r.State, s.engine.touched()-touched)
			}
		})
	}
}
