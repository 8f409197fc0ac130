package run

import (
	"context"

	"github.com/skeindb/skein/engine"
	"github.com/skeindb/skein/orchestrator/plan"
	"github.com/skeindb/skein/tenant"
)

// Surveyor reads where tenants stand; *engine.Engine is one.
type Surveyor interface {
	Survey(ctx context.Context, targets []engine.Location) []engine.Standing

	// SurveyRollout is Survey, and tells which rows the rollout wrote.
	SurveyRollout(ctx context.Context, targets []engine.Location, rollout string) []engine.Standing
}

// Survey reads where tenants stand. The result has their order and length; a tenant that could not be
// read is a Standing with an Err.
func Survey(ctx context.Context, s Surveyor, tenants []tenant.Tenant) []engine.Standing {
	return s.Survey(ctx, targetsOf(tenants))
}

// SurveyRollout is Survey, and tells which revisions a rollout applied, as the rows name it: what [RollbackPlan]
// needs to know of the rollout that is taken back.
func SurveyRollout(ctx context.Context, s Surveyor, tenants []tenant.Tenant, rollout string) []engine.Standing {
	return s.SurveyRollout(ctx, targetsOf(tenants), rollout)
}

// SurveyFor reads what planning a stored plan once more needs to know: see [ResumePlan].
func SurveyFor(ctx context.Context, s Surveyor, tenants []tenant.Tenant, p *plan.Plan) []engine.Standing {
	if p.Kind == plan.KindRollback {
		return SurveyRollout(ctx, s, tenants, p.Of)
	}
	return Survey(ctx, s, tenants)
}

func targetsOf(tenants []tenant.Tenant) []engine.Location {
	targets := make([]engine.Location, len(tenants))
	for i, t := range tenants {
		targets[i] = t.Location
	}
	return targets
}
