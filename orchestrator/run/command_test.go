package run_test

import (
	"context"
	"errors"
	"strings"
	"sync/atomic"
	"testing"
	"testing/synctest"
	"time"

	"github.com/google/go-cmp/cmp"

	"github.com/skeindb/skein/engine"
	"github.com/skeindb/skein/orchestrator/plan"
	"github.com/skeindb/skein/orchestrator/rollout"
	"github.com/skeindb/skein/orchestrator/run"
)

func commandOf(action rollout.Action, tenants ...string) rollout.Command {
	return rollout.Command{Action: action, Tenants: tenants}
}

// replies are what came of each command, in words.
func replies(r *rollout.Report) []string {
	all := []string{}
	for _, c := range r.Commands {
		if c.Refused != "" {
			all = append(all, string(c.Command.Action)+": "+c.Refused)
		} else {
			all = append(all, string(c.Command.Action))
		}
	}
	return all
}

func TestPauseDrainsAndResumeContinues(t *testing.T) {
	t.Parallel()
	synctest.Test(t, func(t *testing.T) {
		s := newFakeFleet(t, 100, nil)
		s.duration = 10 * time.Second
		s.commandAfter(25*time.Second, rollout.Command{Action: rollout.ActionPause, Reason: "lunch"})
		r := s.run(t)
		if r.State != rollout.StatePaused || r.Reason != "eve on laptop asked for it: lunch" || exitCode(r) != 3 || r.Next() != nextR1(rollout.ActionResume) {
			t.Errorf("%s: %s, exit %d, next %+v", r.State, r.Reason, exitCode(r), r.Next())
		}
		if diff := cmp.Diff(counts(plan.OutcomeDone, 14, plan.OutcomePending, 86), r.Counts()); diff != "" {
			t.Error(diff)
		}
		if r := s.resume(t); r.State != rollout.StateFinished || r.Count(plan.OutcomeDone) != 100 || s.engine.touched() != 100 {
			t.Errorf("%s: %s, %v", r.State, r.Reason, r.Counts())
		}
	})
}

func TestCommandIsHandledWhileNothingElseHappens(t *testing.T) {
	t.Parallel()
	synctest.Test(t, func(t *testing.T) {
		s := newFakeFleet(t, 4, nil)
		s.duration = time.Hour
		s.commandAfter(10*time.Minute, commandOf(rollout.ActionAbort))
		r := s.run(t)
		for _, e := range s.facts(t) {
			if c, ok := e.Fact.(rollout.Commanded); ok && e.Time.Sub(c.Command.At) > time.Second+100*time.Millisecond {
				t.Errorf("heard after %s", e.Time.Sub(c.Command.At))
			}
		}
		if r.State != rollout.StateAborted || r.Count(plan.OutcomeDone) != 2 {
			t.Errorf("%s, %v", r.State, r.Counts())
		}
	})
}

func TestSkipLeavesTenantsAlone(t *testing.T) {
	t.Parallel()
	synctest.Test(t, func(t *testing.T) {
		s := newFakeFleet(t, 60, nil)
		s.cfg.Policy.MaxFailures.Count = 3
		s.cfg.Policy.Retry.Base = time.Hour
		s.cfg.Policy.Retry.Max = time.Hour
		s.duration = 10 * time.Second
		canary, early, rest := s.inWave("canary"), s.inWave("early"), s.inWave("rest")
		s.failures[early[0]] = engineError(engine.Data, "duplicates")
		s.failures[rest[0]] = engineError(engine.Transient, "deadlock")
		s.failures[rest[1]] = engineError(engine.Busy, "held")
		at := func(d time.Duration, ids ...string) { s.commandAfter(d, commandOf(rollout.ActionSkip, ids...)) }
		at(1*time.Second, rest[20], rest[20])                     // of a later wave
		at(2*time.Second, early[1])                               // of the next
		at(13*time.Second, early[2])                              // running
		at(14*time.Second, canary[0])                             // done
		at(22*time.Second, early[0])                              // failed
		at(23*time.Second, rest[2])                               // running
		at(24*time.Second, rest[50], rest[3])                     // one of them is running: neither
		at(25*time.Second, rest[30], rest[31])                    // waiting for their turn
		at(35*time.Second, rest[0])                               // between two tries
		at(36*time.Second, rest[1])                               // put off to the end of the wave
		at(37*time.Second, "nobody")                              // of no rollout
		at(38 * time.Second)                                      // names no tenant
		at(39*time.Second, rest[30])                              // once more
		s.commandAfter(40*time.Second, commandOf("dance", "all")) // of a newer skein
		r := s.run(t)
		want := []string{
			"skip", "skip", "skip: tenant " + early[2] + " is being migrated", "skip: tenant " + canary[0] + " is done", "skip",
			"skip: tenant " + rest[2] + " is being migrated", "skip: tenant " + rest[3] + " is being migrated", "skip", "skip", "skip",
			"skip: tenant nobody is not part of this run", "skip: it names no tenant", "skip", `dance: unknown action "dance"`,
		}
		if diff := cmp.Diff(want, replies(r)); diff != "" {
			t.Error(diff)
		}
		if diff := cmp.Diff(counts(plan.OutcomeDone, 53, plan.OutcomeSkipped, 7), r.Counts()); diff != "" || r.State != rollout.StateFinished || exitCode(r) != 0 {
			t.Errorf("%s %s, exit %d: %s", r.State, r.Reason, exitCode(r), diff)
		}
		for _, id := range []string{rest[20], early[1], rest[30], rest[31]} {
			if tries := s.engine.attempts[id]; len(tries) > 0 || s.appliedTo(id) != "[]" {
				t.Errorf("%s was touched", id)
			}
		}
		for _, id := range []string{rest[0], rest[1]} {
			if tries := s.engine.attempts[id]; len(tries) != 1 {
				t.Errorf("%s was tried %d times", id, len(tries))
			}
		}
		for tr := range r.Tenants() {
			if tr.Outcome == plan.OutcomeSkipped && tr.Reason != "skipped by eve on laptop" {
				t.Errorf("%+v", tr)
			}
		}
	})
}

func TestSkipOfTheLastTenantsEndsTheWave(t *testing.T) {
	t.Parallel()
	synctest.Test(t, func(t *testing.T) {
		g := linearGraph(t)
		s := newFakeRun(t, g, newPlan(t, g, append(tenantsOn("s1", 3), tenantsOn("s2", 3)...), repeatStanding(6, standingAt(g))))
		s.cfg.Prober = &outage{server: "s1", until: time.Now().Add(time.Hour)}
		s.engine.do = (&outage{server: "s1", until: time.Now().Add(time.Hour), class: engine.Connection}).do
		time.AfterFunc(time.Minute, func() {
			_, err := s.store.Send(context.Background(), rollout.Command{Rollout: "r1", Action: rollout.ActionSkip, Tenants: []string{"s1-0001", "s1-0002", "s1-0003"}})
			if err != nil {
				t.Error(err)
			}
		})
		r := s.run(t)
		if diff := cmp.Diff(counts(plan.OutcomeDone, 3, plan.OutcomeSkipped, 3), r.Counts()); diff != "" {
			t.Error(diff)
		}
		if r.State != rollout.StateFinished || r.Finished.Sub(r.Started) > 62*time.Second {
			t.Errorf("%s after %s", r.State, r.Finished.Sub(r.Started))
		}
	})
}

func TestSkippedTenantsStaySkipped(t *testing.T) {
	t.Parallel()
	synctest.Test(t, func(t *testing.T) {
		s := newFakeFleet(t, 20, nil)
		rest := s.inWave("rest")
		s.commandAfter(500*time.Millisecond, commandOf(rollout.ActionSkip, rest[9]))
		s.failures[rest[0]] = engineError(engine.Data, "duplicates")
		if r := s.run(t); r.State != rollout.StateHalted {
			t.Fatal(r.State, r.Reason)
		}
		delete(s.failures, rest[0])
		if r := s.resume(t); r.State != rollout.StateFinished || r.Outcome(rest[9]) != plan.OutcomeSkipped || r.Count(plan.OutcomeDone) != 19 {
			t.Errorf("%s: %s, %v", r.State, r.Reason, r.Counts())
		}
	})
}

func TestLateStopsAreRefusedAndAbortOverridesAll(t *testing.T) {
	t.Parallel()
	synctest.Test(t, func(t *testing.T) {
		s := newFakeFleet(t, 30, nil)
		s.duration = time.Minute
		bad := s.inWave("rest")[0]
		s.failures[bad] = engineError(engine.Data, "duplicates")
		s.reactions = append(s.reactions, func(f rollout.Fact) {
			if e, ok := f.(rollout.TenantFinished); ok && e.Outcome == plan.OutcomeFailed {
				s.command(commandOf(rollout.ActionPause))
			}
		})
		s.engine.do = func(ctx context.Context, job engine.Job) error {
			if job.Location.Schema == bad {
				return s.failures[bad]
			}
			return taking(s.duration)(ctx, job)
		}
		s.commandAfter(2*time.Minute+20*time.Second, commandOf(rollout.ActionAbort))
		s.commandAfter(2*time.Minute+30*time.Second, commandOf(rollout.ActionAbort))
		r := s.run(t)
		want := []string{
			"pause: the run is ending already: more tenants failed in wave rest than max_failures allows (none)", "abort",
			"abort: the run is ending already: eve on laptop asked for it; before that: more tenants failed in wave rest than max_failures allows (none)",
		}
		if diff := cmp.Diff(want, replies(r)); diff != "" {
			t.Error(diff)
		}
		if r.State != rollout.StateAborted || r.Count(plan.OutcomeDone) == 0 {
			t.Errorf("%s, %v", r.State, r.Counts())
		}
	})
}

func TestCommandsFromBeforeTheRun(t *testing.T) {
	t.Parallel()
	prepared := func(t *testing.T) *fakeFleet {
		s := newFakeFleet(t, 20, nil)
		s.commandAfter(500*time.Millisecond, commandOf(rollout.ActionPause))
		if r := s.run(t); r.State != rollout.StatePaused {
			t.Fatal(r.State)
		}
		return s
	}
	t.Run("a pause was for an earlier run", func(t *testing.T) {
		t.Parallel()
		synctest.Test(t, func(t *testing.T) {
			s := prepared(t)
			s.command(commandOf(rollout.ActionPause))
			s.command(commandOf(rollout.ActionSkip, s.inWave("rest")[0]))
			s.command(commandOf(rollout.ActionRetry, "x"))
			s.cfg.Command = &rollout.Command{Rollout: "r1", Action: rollout.ActionResume, User: "eve", At: time.Now()}
			r := s.resume(t)
			want := []string{"pause", "pause: it was given before this run began", "skip", "retry", "resume"}
			if diff := cmp.Diff(want, replies(r)); diff != "" {
				t.Error(diff)
			}
			if r.State != rollout.StateFinished || r.Count(plan.OutcomeSkipped) != 1 || r.Count(plan.OutcomeDone) != 19 {
				t.Errorf("%s, %v", r.State, r.Counts())
			}
		})
	})
	t.Run("an abort ends it", func(t *testing.T) {
		t.Parallel()
		synctest.Test(t, func(t *testing.T) {
			s := prepared(t)
			touched := s.engine.touched()
			s.command(commandOf(rollout.ActionAbort))
			if r := s.resume(t); r.State != rollout.StateAborted || s.engine.touched() != touched {
				t.Errorf("%s, %d touched", r.State, s.engine.touched())
			}
		})
	})
	t.Run("the run's own is stored once", func(t *testing.T) {
		t.Parallel()
		synctest.Test(t, func(t *testing.T) {
			s := newFakeFleet(t, 3, nil)
			s.cfg.Command = &rollout.Command{Rollout: "r1", Action: rollout.ActionResume, User: "eve", At: time.Now()}
			r := s.run(t)
			stored, err := s.store.Since(t.Context(), "r1", 0)
			if err != nil || len(stored) != 1 || len(r.Commands) != 1 || r.Commands[0].Command.Seq != 1 {
				t.Errorf("%v, %+v, %+v", err, stored, r.Commands)
			}
			s.cfg.Command = &stored[0]
			if r := s.resume(t); len(r.Commands) != 1 {
				t.Errorf("%+v", r.Commands)
			}
		})
	})
}

// deaf is a store whose commands cannot be read for a while.
type unreadableCommands struct {
	rollout.FullStore
	failing atomic.Bool
}

func (d *unreadableCommands) Since(ctx context.Context, rollout string, after int64) ([]rollout.Command, error) {
	if d.failing.Load() {
		return nil, errors.New("connection refused")
	}
	return d.FullStore.Since(ctx, rollout, after)
}

func TestUnreadableCommandsDoNotStopTheRun(t *testing.T) {
	t.Parallel()
	synctest.Test(t, func(t *testing.T) {
		s := newFakeFleet(t, 2, nil)
		s.duration = time.Hour
		d := &unreadableCommands{FullStore: s.store}
		s.cfg.Store = d
		for _, after := range []time.Duration{2 * time.Minute, 20 * time.Minute} {
			time.AfterFunc(after, func() { d.failing.Store(true) })
			time.AfterFunc(after+10*time.Minute, func() { d.failing.Store(false) })
		}
		time.AfterFunc(40*time.Minute, func() { d.failing.Store(true) })
		time.AfterFunc(40*time.Minute+50*time.Second, func() { d.failing.Store(false) }) // too short to speak of
		s.commandAfter(25*time.Minute, commandOf(rollout.ActionPause))
		r := s.run(t)
		if len(r.Warnings) != 2 || !strings.Contains(r.Warnings[0], "connection refused") {
			t.Errorf("%q", r.Warnings)
		}
		if diff := cmp.Diff([]string{"pause"}, replies(r)); diff != "" {
			t.Error(diff)
		}
	})
}

func TestRunThatCannotReadItsCommandsTouchesNoTenant(t *testing.T) {
	t.Parallel()
	synctest.Test(t, func(t *testing.T) {
		s := newFakeFleet(t, 2, nil)
		d := &unreadableCommands{FullStore: s.store}
		d.failing.Store(true)
		s.cfg.Store, s.cfg.Earlier = d, []rollout.Event{}
		if err := s.store.Create(t.Context(), s.cfg.Plan.Stored()); err != nil {
			t.Fatal(err)
		}
		if r, err := run.Run(t.Context(), s.cfg); err == nil || r != nil || s.engine.touched() > 0 {
			t.Errorf("%v, %v", r, err)
		}
	})
}

// While the budget is strict no more tenants run than may fail and one.
func TestStrictBudgetIsNeverExceededByMoreThanOne(t *testing.T) {
	t.Parallel()
	for _, test := range []struct{ budget, fails, most int }{{0, 50, 1}, {3, 50, 4}, {3, 2, 4}, {5, 0, 6}} {
		synctest.Test(t, func(t *testing.T) {
			s := newFakeFleet(t, 100, nil)
			s.cfg.Policy.Waves, s.cfg.Policy.Systemic = nil, -1
			s.cfg.Policy.Tolerance, s.cfg.Policy.MaxFailures.Count = plan.ToleranceStrict, test.budget
			for _, id := range s.inWave("rest")[:test.fails] {
				s.failures[id] = engineError(engine.Data, "duplicates")
			}
			r := s.run(t)
			if failed := r.Count(plan.OutcomeFailed); failed != min(test.fails, test.budget+1) || s.engine.most != test.most {
				t.Errorf("budget %d: %d failed, %d at once", test.budget, failed, s.engine.most)
			}
			if w := emitted[rollout.Started](t, s.fakeRun)[0].Width; w > test.budget+1 {
				t.Errorf("a width of %d was recorded", w)
			}
		})
	}
}

// A tenant that was put aside, for it is not what was planned, can be skipped until it has its second turn.
func TestDeferredTenantCanBeSkipped(t *testing.T) {
	t.Parallel()
	for what, after := range map[string]time.Duration{"while others are running": 33 * time.Second, "during the survey": 60 * time.Second} {
		t.Run(what, func(t *testing.T) {
			t.Parallel()
			synctest.Test(t, func(t *testing.T) {
				s := newFakeFleet(t, 20, nil)
				s.followFleet()
				s.policy.Waves = nil
				s.plan(t, request())
				s.followFleet()
				s.duration = 20 * time.Second
				s.cfg.Surveyor = slowSurveyor{s}
				stale := s.inWave("all")[0]
				s.failures[stale] = engineError(engine.Stale, "the tenant does not stand where the plan says")
				s.commandAfter(after, commandOf(rollout.ActionSkip, stale))
				r := s.run(t)
				if r.Outcome(stale) != plan.OutcomeSkipped || len(s.engine.attempts[stale]) != 1 || r.Count(plan.OutcomeDone) != 19 || r.State != rollout.StateFinished {
					t.Errorf("%s: %s, %s was tried %d times, %v", r.State, r.Reason, r.Outcome(stale), len(s.engine.attempts[stale]), r.Counts())
				}
			})
		})
	}
}
