package orchestrator

import (
	"github.com/skeindb/skein/engine"
	"github.com/skeindb/skein/engine/revision"
	"github.com/skeindb/skein/tenant"
)

// ArrangeRollback plans to take down what a rollout upgraded: just its tenants that it changed, be it only in
// part, and of each just the revisions that it applied, in the reverse order of its waves. stored and events
// are as Store.Load returned them, req.Rollout is the id of the new rollout; tenants and standings are as in
// [Arrange], of [Plan.Pick].
//
// A tenant that has meanwhile something on top of what is to be taken down is refused. A revision without a
// downgrade section makes an [*IrreversibleError], unless partial is set: then the tenants that cannot be
// taken down whole are skipped.
func ArrangeRollback(stored *Plan, events []Event, tenants []tenant.Tenant, standings []engine.Standing, g *revision.Graph, req Request, partial bool) (*Plan, error) {
	panic("not built")
}

// IrreversibleError says what of a rollout cannot be taken back.
type IrreversibleError struct {
	Rollout   string
	Revisions []string // without a downgrade section, in graph order
	Files     []string // of Revisions
	Tenants   int      // that would have to go down through one of them
	Others    int      // that can be taken down
	Example   string   // id of one of Tenants
}

func (e *IrreversibleError) Error() string { panic("not built") }
