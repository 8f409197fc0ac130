package control

import (
	"context"
	"fmt"
	"time"

	"github.com/skeindb/skein/orchestrator/plan"
)

// NewID returns the id of a new rollout. Ids begin with a time, and people sort them: so where the clock of this machine
// is behind the one of the fleet's latest rollout, the id goes on from that one, and a warning says so.
func (c *Controller) NewID(ctx context.Context) (string, error) {
	now := time.Now()
	all, err := c.cfg.Store.List(ctx, c.cfg.Fleet, 1)
	if err != nil {
		return "", err
	}
	if len(all) == 0 {
		return plan.NewID(now), nil
	}
	latest, ok := idTime(all[0].ID)
	if !ok || now.Unix() > latest.Unix() {
		return plan.NewID(now), nil
	}
	if behind := latest.Sub(now); behind > time.Minute {
		c.cfg.Warn(fmt.Sprintf("the clock of this machine is %s behind the latest rollout; new rollout ids continue from that one", behind.Round(time.Second)))
	}
	return plan.NewID(latest.Add(time.Second)), nil
}

// idTime is the time with which an id begins.
func idTime(id string) (time.Time, bool) {
	const form = "20060102-150405"
	if len(id) < len(form) {
		return time.Time{}, false
	}
	at, err := time.Parse(form, id[:len(form)])
	return at, err == nil
}
