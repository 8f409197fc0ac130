package orchestrator

import (
	"context"
	"fmt"
	"slices"
	"strings"
	"time"

	"github.com/skeindb/skein/engine"
	"github.com/skeindb/skein/orchestrator/plan"
)

// orphanEvery is the time between two looks at what a dead run left at work.
const orphanEvery = 200 * time.Millisecond

// awaitOrphans waits until no backend of a dead run of the plan is at work any more, or ends them. A backend that lost
// its client finishes the one message that it was sent; tenants are surveyed after that. Of a rollback, the runs of the
// rollout that is rolled back count, too.
func (o *Orchestrator) awaitOrphans(ctx context.Context, p *plan.Plan) error {
	if o.cfg.Servers == nil {
		return nil
	}
	applications := []string{Application(p.Rollout)}
	if p.Of != "" {
		applications = append(applications, Application(p.Of))
	}
	servers := o.serversOf(p)
	said := false
	for {
		n := 0
		for _, server := range servers {
			for _, application := range applications {
				found, err := o.orphans(ctx, server, application)
				if err != nil {
					return err
				}
				if len(found) > 0 && !said {
					said = true
					o.cfg.Waiting(waitingFor(server, found))
				}
				n += len(found)
			}
		}
		if n == 0 {
			return nil
		}
		select {
		case <-ctx.Done():
			return ctx.Err()
		case <-time.After(orphanEvery):
		}
	}
}

func waitingFor(server string, found []engine.Backend) string {
	which := "1 backend"
	if len(found) > 1 {
		which = fmt.Sprintf("%d backends", len(found))
	}
	return fmt.Sprintf("waiting for %s of the earlier run on %s (pid %d, %s); `Terminate` ends them", which, server, found[0].PID, found[0].State)
}

// orphans returns the backends that a dead run has on a server, and ends them if that is wanted. A server that cannot
// be asked has a warning: its tenants will be unreachable, and say so.
func (o *Orchestrator) orphans(ctx context.Context, server, application string) ([]engine.Backend, error) {
	backends, err := o.cfg.Servers.Backends(ctx, server, application)
	if err != nil {
		o.cfg.Warn("cannot ask server " + server + " for backends of the earlier run: " + err.Error())
		return nil, nil
	}
	for _, b := range backends {
		if o.cfg.Terminate {
			if err := o.cfg.Servers.Terminate(ctx, server, b.PID); err != nil {
				return nil, err
			}
		}
	}
	return backends, nil
}

// serversOf are the servers on which a run of the plan may have worked: those of the configuration, and those that its
// tenants bring along, which are named after the variable that has their URL.
func (o *Orchestrator) serversOf(p *plan.Plan) []string {
	names := slices.Clone(o.cfg.Servers.ServerNames())
	for _, t := range p.Planned() {
		name := t.Location.Server
		if !strings.HasPrefix(name, "$") || slices.Contains(names, name) {
			continue
		}
		names = append(names, name)
		if o.cfg.Register != nil {
			if err := o.cfg.Register(name); err != nil {
				o.cfg.Warn(err.Error())
			}
		}
	}
	return names
}
