package run_test

import (
	"context"
	"errors"
	"testing"
	"testing/synctest"
	"time"

	"github.com/google/go-cmp/cmp"

	"github.com/skeindb/skein/engine"
	"github.com/skeindb/skein/orchestrator/control"
	"github.com/skeindb/skein/orchestrator/plan"
	"github.com/skeindb/skein/orchestrator/rollout"
)

// applyPending handles the pending commands of r1, and checks that what is stored folds to what was returned.
func (s *fakeFleet) applyPending(t testing.TB) *rollout.Report {
	t.Helper()
	r, err := control.ApplyPending(context.Background(), s.store, "r1")
	if err != nil {
		t.Fatal(err)
	}
	s.check(t, r)
	return r
}

func TestPendingCommandsOfADeadRun(t *testing.T) {
	t.Parallel()
	synctest.Test(t, func(t *testing.T) {
		s := newFakeFleet(t, 60, map[string]plan.Gate{"canary": {Approval: true}})
		s.approveAll()
		rest := s.inWave("rest")
		s.failures[rest[0]] = engineError(engine.Data, "duplicates")
		halted := s.run(t)
		if halted.State != rollout.StateHalted {
			t.Fatal(halted.State)
		}
		facts := len(s.facts(t))
		if r := s.applyPending(t); len(s.facts(t)) != facts || r.Seq != halted.Seq {
			t.Error("facts out of nothing")
		}
		s.command(commandOf(rollout.ActionPause))
		s.command(commandOf(rollout.ActionSkip, rest[0], rest[50], rest[50]))
		s.command(commandOf(rollout.ActionSkip, s.inWave("canary")[0]))
		s.command(commandOf(rollout.ActionSkip, "nobody"))
		s.command(commandOf(rollout.ActionSkip))
		s.command(commandOf(rollout.ActionRetry))
		s.command(rollout.Command{Action: rollout.ActionApprove, Wave: "canary"})
		s.command(commandOf("dance"))
		r := s.applyPending(t)
		want := []string{
			"approve", "pause: no process runs the rollout", "skip", "skip: tenant " + s.inWave("canary")[0] + " is done",
			"skip: tenant nobody is not part of the rollout", "skip: it names no tenant", "retry", "approve: the gate of wave canary is open already",
			`dance: unknown action "dance"`,
		}
		if diff := cmp.Diff(want, replies(r)); diff != "" {
			t.Error(diff)
		}
		if r.State != rollout.StateHalted || r.Count(plan.OutcomeFailed) != 0 || r.Count(plan.OutcomeSkipped) != 2 {
			t.Errorf("%s, %v", r.State, r.Counts())
		}
		if r := s.resume(t); r.State != rollout.StateFinished || r.Count(plan.OutcomeSkipped) != 2 || r.Count(plan.OutcomeDone) != 58 {
			t.Errorf("%s, %v", r.State, r.Counts())
		}
		s.command(commandOf(rollout.ActionAbort))
		if got := replies(s.applyPending(t)); got[len(got)-1] != "abort: the rollout is finished already" {
			t.Errorf("%q", got)
		}
	})
}

func TestSkipOfTheOnlyFailedTenantFinishesTheRollout(t *testing.T) {
	t.Parallel()
	synctest.Test(t, func(t *testing.T) {
		s := newFakeFleet(t, 20, nil)
		s.cfg.Policy.OnFailure = plan.OnFailureContinue
		bad := s.inWave("early")[1]
		s.failures[bad] = engineError(engine.Data, "duplicates")
		if r := s.run(t); exitCode(r) != 2 {
			t.Fatal(exitCode(r))
		}
		s.command(rollout.Command{Action: rollout.ActionSkip, Tenants: []string{bad}, Reason: "leaves anyway"})
		r := s.applyPending(t)
		if exitCode(r) != 0 || !r.Next().IsZero() || r.State != rollout.StateFinished {
			t.Errorf("exit %d, next %+v, %s", exitCode(r), r.Next(), r.State)
		}
		for tr := range r.Tenants() {
			if tr.Tenant == bad && (tr.Reason != "skipped by eve on laptop: leaves anyway" || tr.Wave != "early" || tr.Failure != nil) {
				t.Errorf("%+v", tr)
			}
		}
	})
}

func TestAbortOfARolloutWhoseProcessDied(t *testing.T) {
	t.Parallel()
	synctest.Test(t, func(t *testing.T) {
		s := newFakeFleet(t, 20, nil)
		s.duration = 10 * time.Second
		dead := s.killAfter(t, s.cfg, func(f rollout.Fact) bool {
			d, ok := f.(rollout.TenantsDispatched)
			return ok && len(d.Tenants) == 14
		})
		if dead.State != rollout.StateRunning {
			t.Fatal(dead.State)
		}
		rest := s.inWave("rest")
		s.command(commandOf(rollout.ActionSkip, rest[0], rest[13])) // the first was running
		s.command(commandOf(rollout.ActionAbort))
		s.command(commandOf(rollout.ActionSkip, rest[1]))
		s.command(rollout.Command{Action: rollout.ActionApprove, Wave: "canary"})
		time.Sleep(time.Second)
		s.command(commandOf(rollout.ActionAbort))
		r := s.applyPending(t)
		want := []string{"skip", "abort", "skip: the rollout was aborted", "approve: the rollout was aborted", "abort: the rollout is aborted already"}
		if diff := cmp.Diff(want, replies(r)); diff != "" {
			t.Error(diff)
		}
		if r.State != rollout.StateAborted || r.Count(plan.OutcomeSkipped) != 2 || r.Count(plan.OutcomePending) != 12 || exitCode(r) != 3 {
			t.Errorf("%s: %s, %v", r.State, r.Reason, r.Counts())
		}
	})
}

func TestApprovalWaitsForTheNextRun(t *testing.T) {
	t.Parallel()
	synctest.Test(t, func(t *testing.T) {
		s := newFakeFleet(t, 20, map[string]plan.Gate{"canary": {Approval: true}})
		s.cfg.NoWait = true
		if r := s.run(t); r.State != rollout.StateWaiting {
			t.Fatal(r.State)
		}
		s.command(rollout.Command{Action: rollout.ActionApprove, Wave: "early"})
		s.command(rollout.Command{Action: rollout.ActionApprove, Wave: "canary"})
		s.command(commandOf(rollout.ActionSkip, s.inWave("rest")[0]))
		r := s.applyPending(t)
		if diff := cmp.Diff([]string{"approve: wave early has not reached its gate", "skip"}, replies(r)); diff != "" {
			t.Error(diff)
		}
		if again := s.applyPending(t); again.Seq != r.Seq || again.State != rollout.StateWaiting {
			t.Errorf("%s, fact %d after %d", again.State, again.Seq, r.Seq)
		}
		r = s.resume(t)
		if diff := cmp.Diff([]string{"approve: wave early has not reached its gate", "skip", "approve"}, replies(r)); diff != "" {
			t.Error(diff)
		}
		if r.State != rollout.StateFinished || r.Count(plan.OutcomeDone) != 19 {
			t.Errorf("%s, %v", r.State, r.Counts())
		}
		if s.applyPending(t); len(emitted[rollout.Commanded](t, s.fakeRun)) != 3 {
			t.Error("a command was taken in twice")
		}
	})
}

func TestRolloutThatDiedBeforeItsFirstFact(t *testing.T) {
	t.Parallel()
	synctest.Test(t, func(t *testing.T) {
		s := newFakeFleet(t, 5, nil)
		if err := s.store.Create(t.Context(), s.cfg.Plan.Stored()); err != nil {
			t.Fatal(err)
		}
		s.command(commandOf(rollout.ActionAbort))
		r := s.applyPending(t)
		if r.State != rollout.StateAborted || r.Kind != plan.KindUpgrade || r.Planned() != 5 || !r.Next().IsZero() {
			t.Errorf("%+v", r)
		}
	})
}

// conflictingStore is a store that another process writes, too.
type conflictingStore struct{ rollout.FullStore }

func (c conflictingStore) Append(context.Context, []rollout.Event) error {
	return &rollout.ConflictError{Rollout: "r1", Seq: 7}
}

func TestApplyPendingEndsWhenAnotherProcessWrites(t *testing.T) {
	t.Parallel()
	synctest.Test(t, func(t *testing.T) {
		s := newFakeFleet(t, 5, nil)
		s.run(t)
		s.command(commandOf(rollout.ActionAbort))
		var conflict *rollout.ConflictError
		if r, err := control.ApplyPending(t.Context(), conflictingStore{s.store}, "r1"); r != nil || !errors.As(err, &conflict) {
			t.Errorf("%v, %v", r, err)
		}
		if _, err := control.ApplyPending(t.Context(), s.store, "r2"); !errors.Is(err, rollout.ErrNoRollout) {
			t.Error(err)
		}
	})
}
