package main

import (
	"context"
	"time"

	"github.com/skeindb/skein/cmd/skein/view"
	"github.com/skeindb/skein/engine/postgres"
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
	a.note("skein: waiting for %s of the earlier run on %s (pid %d, %s); --terminate ends what runs there", view.Count(len(backends), "backend"), server, b.PID, b.State)
}
