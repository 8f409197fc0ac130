package orchestrator

import (
	"context"

	"github.com/skeindb/skein/orchestrator/control"
	"github.com/skeindb/skein/orchestrator/plan"
	"github.com/skeindb/skein/orchestrator/rollout"
)

// Pause asks a running rollout to dispatch no more tenants, let the running ones finish, and end.
func (o *Orchestrator) Pause(ctx context.Context, id string, by control.By) (*control.Answer, error) {
	return o.control.Send(ctx, id, control.Request{Action: rollout.ActionPause, By: by})
}

// Approve opens the gate that waits for an approval: that of the wave, or with "" whichever waits. Where no process runs the
// rollout, the approval is stored for the next run.
func (o *Orchestrator) Approve(ctx context.Context, id, wave string, by control.By) (*control.Answer, error) {
	return o.control.Send(ctx, id, control.Request{Action: rollout.ActionApprove, Wave: wave, By: by})
}

// Skip leaves tenants alone that the rollout has not begun, or that failed.
func (o *Orchestrator) Skip(ctx context.Context, id string, tenants []string, by control.By) (*control.Answer, error) {
	return o.control.Send(ctx, id, control.Request{Action: rollout.ActionSkip, Tenants: tenants, By: by})
}

// Abort ends a rollout for good: as Pause, and it cannot be resumed. What was done stays.
func (o *Orchestrator) Abort(ctx context.Context, id string, by control.By) (*control.Answer, error) {
	return o.control.Send(ctx, id, control.Request{Action: rollout.ActionAbort, By: by})
}

// Show returns a rollout as the store has it, in the state in which it really is.
func (o *Orchestrator) Show(ctx context.Context, id string) (*control.Record, error) {
	return o.control.Load(ctx, id)
}

// List returns the fleet's rollouts, at most limit (0 = all), the latest first.
func (o *Orchestrator) List(ctx context.Context, limit int) ([]rollout.Summary, error) {
	return o.control.List(ctx, limit)
}

// Find returns the rollout that an action is meant for when none is named: the latest that fits; "" = the latest of all.
func (o *Orchestrator) Find(ctx context.Context, action rollout.Action) (string, error) {
	return o.control.Find(ctx, action)
}

// Status is where a fleet stands.
type Status struct {
	Members []plan.Member    // by id
	Heads   []string         // of the revisions
	Last    *rollout.Summary // the fleet's latest rollout; nil when there is none
}

// Status asks the tenants that match all selectors where they stand, and the store for the latest rollout.
func (o *Orchestrator) Status(ctx context.Context, selectors ...string) (*Status, error) {
	members, err := o.Survey(ctx, selectors...)
	if err != nil {
		return nil, err
	}
	last, err := o.List(ctx, 1)
	if err != nil {
		return nil, err
	}
	status := &Status{Members: members, Heads: o.cfg.Engine.Graph().RealHeads()}
	if len(last) > 0 {
		status.Last = &last[0]
	}
	return status, nil
}
