package orchestrator

import (
	"context"

	"github.com/skeindb/skein/engine"
	"github.com/skeindb/skein/tenant"
)

// Surveyor reads where tenants stand; *engine.Engine is one.
type Surveyor interface {
	Survey(ctx context.Context, targets []engine.Target) []engine.Standing
}

// Survey reads where tenants stand. The result has their order and length; a tenant that could not be
// read is a Standing with an Err.
func Survey(ctx context.Context, s Surveyor, tenants []tenant.Tenant) []engine.Standing {
	targets := make([]engine.Target, len(tenants))
	for i, t := range tenants {
		targets[i] = t.Target
	}
	return s.Survey(ctx, targets)
}
