package main

import (
	"context"
	"errors"
	"os"
	"os/user"
	"time"

	"github.com/skeindb/skein/orchestrator/rollout"
)

const (
	releaseTime = 5 * time.Second        // to give the lock back when the context has ended
	peekTime    = 500 * time.Millisecond // longer than anybody holds the lock just to look
)

// locked runs work while this process holds the fleet.
func (f *fleet) locked(ctx context.Context, store rollout.Store, rollout string, work func(rollout.Lease) error) (err error) {
	lease, err := f.lock(ctx, store, rollout)
	if err != nil {
		return err
	}
	defer func() { err = errors.Join(err, release(ctx, lease)) }()
	return work(lease)
}

// lock takes the fleet's lock by try. A holder without a rollout is a command that only looks, and is gone in
// no time.
func (f *fleet) lock(ctx context.Context, store rollout.Store, id string) (rollout.Lease, error) {
	deadline := time.Now().Add(peekTime)
	for {
		lease, err := store.Lock(ctx, f.project.Fleet, holder(id))
		var held *rollout.LockedError
		if !errors.As(err, &held) || held.Holder.Rollout != "" || time.Now().After(deadline) {
			return lease, err
		}
		select {
		case <-ctx.Done():
			return nil, ctx.Err()
		case <-time.After(peekTime / 20):
		}
	}
}

func release(ctx context.Context, lease rollout.Lease) error {
	bounded, cancel := context.WithTimeout(context.WithoutCancel(ctx), releaseTime)
	defer cancel()
	return lease.Release(bounded)
}

// state is where a rollout really stands: one that the store calls running, while nobody holds the fleet for it, has
// lost its process. One that waits for an approval goes on waiting also without a process.
func (f *fleet) state(ctx context.Context, store rollout.Store, id string, stored rollout.State) (rollout.State, error) {
	if stored != rollout.StateRunning {
		return stored, nil
	}
	lease, err := store.Lock(ctx, f.project.Fleet, holder(""))
	if held, ok := errors.AsType[*rollout.LockedError](err); ok {
		if other := held.Holder.Rollout; other != "" && other != id {
			return rollout.StateInterrupted, nil
		}
		return stored, nil
	}
	if err != nil {
		return stored, err
	}
	return rollout.StateInterrupted, release(ctx, lease)
}

func holder(id string) rollout.Holder {
	h := rollout.Holder{Rollout: id, PID: os.Getpid(), Since: time.Now(), Host: "unknown", User: "unknown"}
	if host, err := os.Hostname(); err == nil {
		h.Host = host
	}
	if u, err := user.Current(); err == nil {
		h.User = u.Username
	}
	return h
}
