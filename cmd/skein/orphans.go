package main

import (
	"context"
	"os"
	"slices"
	"strings"
	"time"

	"github.com/skeindb/skein/cmd/skein/view"
	"github.com/skeindb/skein/engine/postgres"
	"github.com/skeindb/skein/orchestrator/plan"
)

// awaitOrphans waits until no backend of a dead run of the plan is at work any more, or ends them. A backend that lost
// its client finishes the one message that it was sent; tenants are surveyed after that. Of a rollback, the runs of the
// rollout that is taken back count, too.
func (f *fleet) awaitOrphans(ctx context.Context, p *plan.Plan, terminate bool) error {
	if f.pg == nil {
		return nil
	}
	applications := []string{"skein/" + p.Rollout}
	if p.Of != "" {
		applications = append(applications, "skein/"+p.Of)
	}
	servers := f.serversOf(p)
	noted := false
	for {
		n := 0
		for _, server := range servers {
			for _, application := range applications {
				found, err := f.orphans(ctx, server, application, terminate, &noted)
				if err != nil {
					return err
				}
				n += found
			}
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

// orphans returns how many backends a dead run has on a server, and ends them if that is wanted. A server that cannot
// be asked has a warning: its tenants will be unreachable, and say so.
func (f *fleet) orphans(ctx context.Context, server, application string, terminate bool, noted *bool) (int, error) {
	backends, err := f.pg.Backends(ctx, server, application)
	if err != nil {
		f.warn([]string{"server " + server + " could not be asked for backends of the earlier run: " + err.Error()})
		return 0, nil
	}
	for _, b := range backends {
		if terminate {
			if err := f.pg.Terminate(ctx, server, b.PID); err != nil {
				return 0, err
			}
		}
	}
	noteOrphans(f.app, server, backends, noted)
	return len(backends), nil
}

// serversOf are the servers on which a run of the plan may have worked: those of the config, and those that its tenants
// bring along (`url_env`), which are named after their variable.
func (f *fleet) serversOf(p *plan.Plan) []string {
	var names []string
	for _, s := range f.project.Servers {
		names = append(names, s.Name)
	}
	for _, w := range p.Waves {
		for _, item := range w.Items {
			name := item.Tenant.Location.Server
			variable, brought := strings.CutPrefix(name, "$")
			if !brought || slices.Contains(names, name) {
				continue
			}
			names = append(names, name)
			if url := os.Getenv(variable); url != "" {
				if _, err := f.pg.Register(name, url); err != nil {
					f.warn([]string{err.Error()})
				}
			}
		}
	}
	return names
}

// noteOrphans says once what is waited for.
func noteOrphans(a *app, server string, backends []postgres.Backend, noted *bool) {
	if len(backends) == 0 || *noted {
		return
	}
	*noted = true
	b := backends[0]
	a.note("skein: waiting for %s of the earlier run on %s (pid %d, %s); --terminate ends what runs there", view.Count(len(backends), "backend"), server, b.PID, b.State)
}
