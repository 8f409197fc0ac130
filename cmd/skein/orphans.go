package main

import (
	"context"
	"fmt"
	"time"

	"github.com/skeindb/skein/engine/postgres"
	"github.com/skeindb/skein/engine/revision"
	"github.com/skeindb/skein/orchestrator"
)

// awaitOrphans waits until no backend of a dead run is at work any more, or ends them. A backend that lost
// its client finishes the one message that it was sent; tenants are surveyed after that.
func (f *fleet) awaitOrphans(ctx context.Context, application string, terminate bool) error {
	if f.pg == nil {
		return nil
	}
	told := false
	for {
		n := 0
		for _, server := range f.project.Servers {
			backends, err := f.pg.Backends(ctx, server.Name, application)
			if err != nil {
				f.app.note("skein: warning: server %s could not be asked for backends of the earlier run: %v", server.Name, err)
				continue // its tenants will be unreachable, and say so
			}
			for _, b := range backends {
				n++
				if terminate {
					if err := f.pg.Terminate(ctx, server.Name, b.PID); err != nil {
						return err
					}
				}
			}
			tellOrphans(f.app, server.Name, backends, &told)
		}
		if n == 0 {
			return nil
		}
		select {
		case <-ctx.Done():
			return ctx.Err()
		case <-time.After(200 * time.Millisecond):
		}
	}
}

func tellOrphans(a *app, server string, backends []postgres.Backend, told *bool) {
	if len(backends) == 0 || *told {
		return
	}
	*told = true
	b := backends[0]
	a.note("skein: waiting for %d backends of the earlier run on %s (pid %d, %s); --terminate ends them", len(backends), server, b.PID, b.State)
}

// fits refuses a plan that these connections cannot carry out: a revision outside a transaction needs a
// session of its own, which a transaction pooler does not give.
func (f *fleet) fits(p *orchestrator.Plan) error {
	if f.pg == nil {
		return nil
	}
	outside := ""
	for _, c := range p.Cohorts {
		for _, id := range c.Steps {
			dir := revision.Up
			if p.Kind == orchestrator.Downgrade {
				dir = revision.Down
			}
			if r := f.graph.Get(id); r != nil && p.Kind != orchestrator.Stamp && r.Section(dir) != nil && r.Section(dir).Options.NoTransaction {
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
