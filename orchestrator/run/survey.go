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

	// SurveyRollout is Survey, and marks the rows that the rollout wrote.
	SurveyRollout(ctx context.Context, targets []engine.Location, rollout string) []engine.Standing
}

// Sizer reads how large tenants are; *engine.Engine is one.
type Sizer interface {
	Sizes(ctx context.Context, targets []engine.Location) []int64 // bytes, about; -1 = not known
}

// Survey reads where tenants stand. The members are in the order of the tenants; of one that could not be read the
// Standing has an Err.
func Survey(ctx context.Context, s Surveyor, tenants []tenant.Tenant) []plan.Member {
	return members(tenants, s.Survey(ctx, locations(tenants)))
}

// SurveyRollout is Survey, and reads which revisions a rollout applied, as the rows name it: what [plan.NewRollback]
// needs to know of the rollout that is taken back.
func SurveyRollout(ctx context.Context, s Surveyor, tenants []tenant.Tenant, rollout string) []plan.Member {
	return members(tenants, s.SurveyRollout(ctx, locations(tenants), rollout))
}

// SurveyFor reads what planning a stored plan once more needs to know: see [plan.Resume].
func SurveyFor(ctx context.Context, s Surveyor, tenants []tenant.Tenant, p *plan.Plan) []plan.Member {
	if p.Kind == plan.KindRollback {
		return SurveyRollout(ctx, s, tenants, p.Of)
	}
	return Survey(ctx, s, tenants)
}

// SetSizes reads the sizes of members that a survey returned.
func SetSizes(ctx context.Context, s Sizer, members []plan.Member) {
	targets := make([]engine.Location, len(members))
	for i := range members {
		targets[i] = members[i].Tenant.Location
	}
	for i, size := range s.Sizes(ctx, targets) {
		if members[i].Size = size; size == 0 {
			members[i].Size = 1 // an empty file; 0 would mean that nothing was asked
		}
	}
}

func members(tenants []tenant.Tenant, standings []engine.Standing) []plan.Member {
	all := make([]plan.Member, len(tenants))
	for i := range tenants {
		all[i] = plan.Member{Tenant: tenants[i], Standing: standings[i]}
	}
	return all
}

func locations(tenants []tenant.Tenant) []engine.Location {
	targets := make([]engine.Location, len(tenants))
	for i, t := range tenants {
		targets[i] = t.Location
	}
	return targets
}
