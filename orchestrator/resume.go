package orchestrator

import (
	"context"
	"fmt"
	"strings"

	"github.com/skeindb/skein/engine"
	"github.com/skeindb/skein/engine/text"
	"github.com/skeindb/skein/orchestrator/control"
	"github.com/skeindb/skein/orchestrator/plan"
	"github.com/skeindb/skein/orchestrator/rollout"
	"github.com/skeindb/skein/orchestrator/run"
	"github.com/skeindb/skein/tenant"
)

// Resume continues a rollout that failed for some tenants, was paused, halted, interrupted or killed, in a new run: every
// tenant is asked where it stands, and those that are not where the rollout planned them are tried with fresh attempts and a
// fresh budget. Skipped tenants are left alone, and gates that passed are not asked again. It refuses a rollout that was
// aborted or rolled back, and one of whose plan a revision changed or is missing. Errors are as those of [Orchestrator.Run].
func (o *Orchestrator) Resume(ctx context.Context, id string, by control.By) (*rollout.Report, error) {
	return o.again(ctx, id, control.Request{Action: rollout.ActionResume, By: by})
}

// Retry is Resume for some tenants only. No gate is asked.
func (o *Orchestrator) Retry(ctx context.Context, id string, tenants []string, by control.By) (*rollout.Report, error) {
	return o.again(ctx, id, control.Request{Action: rollout.ActionRetry, Tenants: tenants, By: by})
}

// again makes another run of a rollout, for all of its tenants or for those that the request names.
func (o *Orchestrator) again(ctx context.Context, id string, req control.Request) (*rollout.Report, error) {
	return o.locked(ctx, id, func(lease rollout.Lease) (*rollout.Report, error) {
		stored, err := o.control.Load(ctx, id)
		if err != nil {
			return nil, err
		}
		eng := o.engineFor(stored.Plan)
		if err := o.awaitOrphans(ctx, stored.Plan); err != nil {
			return nil, err
		}
		w := work{engine: eng, policy: o.cfg.Policy, rules: o.rules(false)}
		w.plan, err = o.planResume(ctx, eng, stored, plan.ResumeOptions{Rules: w.rules, Only: req.Tenants})
		if err != nil {
			return nil, err
		}
		if err := idle(w.plan, stored, req.Tenants); err != nil {
			return nil, err
		}
		asked := o.control.Command(id, req)
		return o.run(ctx, w, run.Config{Lease: lease, Earlier: stored.Events, Command: &asked})
	})
}

// planResume asks the tenants of a rollout where they stand, and plans what is left.
func (o *Orchestrator) planResume(ctx context.Context, eng *engine.Engine, stored *control.Record, how plan.ResumeOptions) (*plan.Runnable, error) {
	sc, err := o.scopeOf(stored.Plan)
	if err != nil {
		return nil, err
	}
	fleet, _, err := o.gather(ctx, sc)
	if err != nil {
		return nil, err
	}
	if stored.Plan.Kind == plan.KindRollback {
		o.warnOfUnnamed(ctx, eng, stored.Plan, fleet)
	}
	where := run.Locate(ctx, eng, stored.Plan, stored.Plan.Planned(), fleet, func(tenant.Tenant) bool {
		return stored.Report.State != rollout.StateFinished // else it does not join, and its place is that of the old name
	})
	if err := o.located(ctx, &where); err != nil {
		return nil, err
	}
	p, err := plan.Resume(stored.Plan, rollout.HistoryOf(stored.Events), where.Members, eng.Graph(), how)
	if err != nil {
		return nil, err
	}
	return p, o.screen(ctx, eng, p)
}

// warnOfUnnamed warns of tenants that a rollback which is resumed does not know, though they have revisions that it takes
// back: they were renamed or copied since it was planned.
func (o *Orchestrator) warnOfUnnamed(ctx context.Context, eng *engine.Engine, p *plan.Plan, tenants []tenant.Tenant) {
	var left []string
	for _, m := range run.SurveyFor(ctx, eng, p.Others(tenants), p) {
		if len(m.Standing.Applied.Of(p.Of)) > 0 {
			left = append(left, m.Tenant.ID)
		}
	}
	if len(left) > 0 {
		o.cfg.Warn(fmt.Sprintf("%s that rollout %s applied revisions to %s not named by this rollback: %s; `Rollback(%s)` takes them back",
			text.Count(len(left), "tenant"), p.Of, text.Plural(len(left), "is", "are"), strings.Join(left, ", "), p.Of))
	}
}

// idle refuses a retry of tenants none of which has anything left to do, and says of each why.
func idle(p *plan.Runnable, stored *control.Record, tenants []string) error {
	if len(tenants) == 0 || p.Len() > 0 {
		return nil
	}
	are := make([]string, 0, len(tenants))
	for _, id := range tenants {
		are = append(are, fmt.Sprintf("%s is %s", id, stored.Report.Outcome(id)))
	}
	return &control.Error{
		Reason: control.NothingToDo, Rollout: p.Rollout,
		Message: "nothing is left to do: " + text.Some(are, 5), Advice: "`Show` lists the tenants that failed",
	}
}
