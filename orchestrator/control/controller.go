package control

import (
	"context"
	"os"
	"os/user"
	"time"

	"github.com/skeindb/skein/orchestrator/plan"
	"github.com/skeindb/skein/orchestrator/rollout"
)

// Config says whose rollouts a Controller is for. Fleet and Store are required.
type Config struct {
	Fleet string
	Store Store

	// Holder names this process in the fleet's lock and, where a Request does not say, in the audit log. Default: the
	// host, the process and the user of now.
	Holder rollout.Holder

	// Observe returns the observers of the facts that commands make while no process runs the rollout; before are its
	// earlier facts. Nil: there are none.
	Observe func(p *plan.Plan, before []rollout.Event) []rollout.Observer

	// Warn is called with what people should know and what stops nothing. Nil: warnings are dropped.
	Warn func(message string)
}

// Store is where rollouts, commands and the fleet's lock are; a [rollout.FullStore] is one.
type Store interface {
	rollout.Store
	rollout.Commands
	rollout.Locks
}

// Controller finds, reads and steers the rollouts of one fleet. It is safe for concurrent use.
type Controller struct{ cfg Config }

// New returns a Controller. It does no I/O.
func New(cfg Config) *Controller {
	if cfg.Holder == (rollout.Holder{}) {
		cfg.Holder = ThisProcess()
	}
	if cfg.Warn == nil {
		cfg.Warn = func(string) {}
	}
	return &Controller{cfg: cfg}
}

// ThisProcess names the process, its host and its user, without a rollout.
func ThisProcess() rollout.Holder {
	h := rollout.Holder{PID: os.Getpid(), Since: time.Now(), Host: "unknown", User: "unknown"}
	if host, err := os.Hostname(); err == nil {
		h.Host = host
	}
	if u, err := user.Current(); err == nil {
		h.User = u.Username
	}
	return h
}

// List returns the fleet's rollouts, at most limit (0 = all), the latest first, in the states in which they really are:
// see [Controller.State].
func (c *Controller) List(ctx context.Context, limit int) ([]rollout.Summary, error) {
	all, err := c.cfg.Store.List(ctx, c.cfg.Fleet, limit)
	if err != nil {
		return nil, err
	}
	for i := range all {
		if all[i].State, err = c.State(ctx, all[i].ID, all[i].State); err != nil {
			return nil, err
		}
	}
	return all, nil
}
