package orchestrator_test

import (
	"context"
	"errors"
	"testing"
	"time"

	"github.com/skeindb/skein/orchestrator"
	"github.com/skeindb/skein/orchestrator/control"
	"github.com/skeindb/skein/orchestrator/plan"
	"github.com/skeindb/skein/orchestrator/rollout"
)

// A rollout waits for an approval that no run waits for. Meanwhile it is shown, one tenant is skipped, and it is aborted.
func TestRolloutThatNoProcessRunsIsOperated(t *testing.T) {
	t.Parallel()
	ctx := t.Context()
	cfg, remove := shop()
	t.Cleanup(remove)
	cfg.NoWait = true
	cfg.Policy.Waves = []plan.WaveSpec{
		{Name: "canary", Size: plan.Size{Count: 1}, Gate: plan.Gate{Approval: true}}, {Name: "rest"},
	}
	o, err := orchestrator.New(cfg)
	if err != nil {
		t.Fatal(err)
	}
	report, err := o.Apply(ctx, orchestrator.UpgradeTo("heads"))
	if err != nil || report.State != rollout.StateWaiting {
		t.Fatalf("got %v, %v, want a rollout that waits", report, err)
	}
	id := report.Rollout

	all, err := o.List(ctx, 0)
	if err != nil || len(all) != 1 || all[0].ID != id || all[0].State != rollout.StateWaiting {
		t.Errorf("List: got %+v, %v, want the one that waits", all, err)
	}
	shown, err := o.Show(ctx, id)
	if err != nil || shown.Report.Count(plan.OutcomePending) != 2 {
		t.Fatalf("Show: got %+v, %v, want two pending tenants", shown, err)
	}
	status, err := o.Status(ctx)
	if err != nil || len(status.Members) != 3 || status.Last == nil || status.Last.ID != id || len(status.Heads) != 1 {
		t.Errorf("Status: got %+v, %v, want three tenants and the rollout", status, err)
	}

	by := control.By{User: "alice", Reason: "moves away"}
	var refused *control.Error
	if _, err := o.Pause(ctx, id, by); !errors.As(err, &refused) || refused.Reason != control.NotRunning {
		t.Errorf("Pause: got %v, want that no process runs it", err)
	}
	skipped := shown.Plan.Waves[1].Items[0].Tenant.ID
	answer, err := o.Skip(ctx, id, []string{skipped}, by)
	if err != nil || !answer.Acknowledged || answer.Report.Outcome(skipped) != plan.OutcomeSkipped {
		t.Errorf("Skip: got %+v, %v, want that %s is skipped", answer, err, skipped)
	}
	if answer, err = o.Abort(ctx, id, by); err != nil || answer.Report.State != rollout.StateAborted {
		t.Errorf("Abort: got %+v, %v, want that it is aborted", answer, err)
	}
	var aborted *plan.Error
	if _, err := o.Resume(ctx, id, by); err == nil || !errors.As(err, &aborted) && !errors.As(err, &refused) {
		t.Errorf("Resume: got %v, want that it was aborted", err)
	}
}

// A pause reaches a rollout that waits in another goroutine.
func TestPauseReachesARunningRollout(t *testing.T) {
	t.Parallel()
	cfg, remove := shop()
	t.Cleanup(remove)
	cfg.Policy.Waves = []plan.WaveSpec{
		{Name: "canary", Size: plan.Size{Count: 1}, Gate: plan.Gate{Approval: true}}, {Name: "rest"},
	}
	waits := make(chan string, 1)
	cfg.Observers = []rollout.Observer{observerFunc(func(e rollout.Event) {
		if _, ok := e.Fact.(rollout.ApprovalAwaited); ok {
			waits <- e.Rollout
		}
	})}
	o, err := orchestrator.New(cfg)
	if err != nil {
		t.Fatal(err)
	}
	ctx, cancel := context.WithTimeout(t.Context(), time.Minute)
	defer cancel()
	ended := make(chan error, 1)
	go func() {
		report, err := o.Apply(ctx, orchestrator.UpgradeTo("heads"))
		if err == nil && report.State != rollout.StatePaused {
			err = errors.New("it ended " + string(report.State) + ", want paused")
		}
		ended <- err
	}()
	select {
	case id := <-waits:
		answer, err := o.Pause(ctx, id, control.By{User: "bob"})
		if err != nil || !answer.Acknowledged || !answer.Running {
			t.Errorf("Pause: got %+v, %v, want that the running rollout acknowledged it", answer, err)
		}
	case <-ctx.Done():
		t.Fatal("the rollout does not wait for its approval")
	}
	if err := <-ended; err != nil {
		t.Error(err)
	}
}

type observerFunc func(rollout.Event)

func (f observerFunc) Observe(e rollout.Event) { f(e) }

// A plan that was kept is carried out if nothing changed since, and refused if something did.
func TestSamePlanIsAppliedOnlyWhileItHolds(t *testing.T) {
	t.Parallel()
	cfg, remove := shop()
	t.Cleanup(remove)
	o, err := orchestrator.New(cfg)
	if err != nil {
		t.Fatal(err)
	}
	p, err := o.Plan(t.Context(), orchestrator.UpgradeTo("heads"))
	if err != nil {
		t.Fatal(err)
	}
	kept := p.Stored()
	if report, err := o.Apply(t.Context(), orchestrator.Same(kept)); err != nil || report.Count(plan.OutcomeDone) != 3 {
		t.Errorf("got %v, %v, want three tenants that are done", report, err)
	}
	var changed *orchestrator.ChangedError
	if _, err := o.Apply(t.Context(), orchestrator.Same(kept)); !errors.As(err, &changed) || len(changed.Differences) == 0 {
		t.Errorf("got %v, want what has changed", err)
	}
}
