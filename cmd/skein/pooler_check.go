package main

import (
	"context"
	"fmt"

	"github.com/skeindb/skein/orchestrator/plan"
	"github.com/skeindb/skein/orchestrator/run"
)

// checked refuses tenants in which their plan must not run, and a plan that cannot be carried out.
func (f *fleet) checked(ctx context.Context, p *plan.Plan) (*plan.Plan, error) {
	run.Screen(ctx, f.engine, p, f.data)
	if err := ctx.Err(); err != nil {
		return nil, err
	}
	return p, f.fits(p)
}

// fits refuses a plan that these connections cannot carry out: a revision outside a transaction needs a
// session of its own, which a transaction pooler does not give.
func (f *fleet) fits(p *plan.Plan) error {
	if f.pg == nil {
		return nil
	}
	outside, dir := "", p.Direction()
	for _, c := range p.Cohorts {
		for _, id := range c.Steps {
			if r := f.graph.Get(id); r != nil && p.Kind != plan.KindStamp && r.Section(dir) != nil && r.Section(dir).Options.NoTransaction {
				outside = id
			}
		}
	}
	if outside == "" {
		return nil
	}
	for _, server := range f.project.Servers {
		if f.pg.Pooled(server.Name) && server.DirectURL.IsZero() {
			return &usageError{
				fmt.Sprintf("revision %s runs outside a transaction, but server %s is reached through a pooler", outside, server.Name),
				fmt.Sprintf("give servers.%s.direct_url, past the pooler", server.Name),
			}
		}
	}
	return nil
}
