package control

import (
	"context"
	"errors"
	"time"

	"github.com/skeindb/skein/orchestrator/rollout"
)

const (
	releaseTime = 5 * time.Second        // to release the lock when the context has ended
	commandTime = 500 * time.Millisecond // longer than a process holds the lock to apply commands
)

// Locked calls work while this process holds the fleet's lock for a rollout; "" = for a command that is none. The error is a
// *[rollout.LockedError] when another process holds it.
func (c *Controller) Locked(ctx context.Context, id string, work func(rollout.Lease) error) (err error) {
	lease, err := c.lock(ctx, id)
	if err != nil {
		return err
	}
	defer func() { err = both(err, release(ctx, lease)) }()
	return work(lease)
}

// both joins two errors. One alone stays what it is, so that its methods can be called.
func both(err, other error) error {
	switch {
	case err == nil:
		return other
	case other == nil:
		return err
	}
	return errors.Join(err, other)
}

// lock takes the fleet's lock by try. A holder without a rollout applies commands, and ends in a moment.
func (c *Controller) lock(ctx context.Context, id string) (rollout.Lease, error) {
	deadline := time.Now().Add(commandTime)
	for {
		lease, err := c.cfg.Store.Lock(ctx, c.cfg.Fleet, c.holder(id))
		locked, ok := errors.AsType[*rollout.LockedError](err)
		if !ok || locked.Holder.Rollout != "" || time.Now().After(deadline) {
			return lease, err
		}
		select {
		case <-ctx.Done():
			return nil, ctx.Err()
		case <-time.After(commandTime / 20):
		}
	}
}

func release(ctx context.Context, lease rollout.Lease) error {
	bounded, cancel := context.WithTimeout(context.WithoutCancel(ctx), releaseTime)
	defer cancel()
	return lease.Release(bounded)
}

// State returns the state in which a rollout really is: one that the store calls running, while no process holds the fleet
// for it, has lost its process and is interrupted. One that waits for an approval waits also without a process.
func (c *Controller) State(ctx context.Context, id string, stored rollout.State) (rollout.State, error) {
	if stored != rollout.StateRunning {
		return stored, nil
	}
	running, err := c.running(ctx, id)
	if err == nil && !running {
		stored = rollout.StateInterrupted
	}
	return stored, err
}

// SetAttended finds out whether a process runs a rollout that waits for an approval, and would continue once it is given.
func (c *Controller) SetAttended(ctx context.Context, r *Record) error {
	if r.Report.State != rollout.StateWaiting {
		return nil
	}
	holder, locked, err := c.cfg.Store.Holder(ctx, c.cfg.Fleet)
	r.Attended = locked && holder.Rollout == r.Report.Rollout
	return err
}

// running reports whether a process holds the fleet for a rollout, or holds it and is not known by name. It takes no lock.
func (c *Controller) running(ctx context.Context, id string) (bool, error) {
	holder, locked, err := c.cfg.Store.Holder(ctx, c.cfg.Fleet)
	return locked && holds(holder, id), err
}

// holds reports whether a holder may be the run of a rollout.
func holds(h rollout.Holder, id string) bool { return h.Rollout == id || h.Rollout == "" }

// holder names this process as the one that holds the fleet for a rollout, from now on.
func (c *Controller) holder(id string) rollout.Holder {
	h := c.cfg.Holder
	h.Rollout, h.Since = id, time.Now()
	return h
}
