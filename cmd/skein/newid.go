package main

import (
	"context"
	"time"

	"github.com/skeindb/skein/config"
	"github.com/skeindb/skein/orchestrator/plan"
)

// newID returns the id of a new rollout. Ids begin with a time, and people sort them: so where the clock of this machine
// is behind the one of the fleet's latest rollout, the id goes on from that one, and a warning says so.
func (a *app) newID(ctx context.Context) string {
	now := time.Now()
	latest, ok := idTime(a.latestID(ctx))
	if !ok || now.Unix() > latest.Unix() {
		return plan.NewID(now)
	}
	if behind := latest.Sub(now); behind > time.Minute {
		a.note("skein: warning: the clock of this machine is %s behind that of the fleet's latest rollout; ids go on from there", behind.Round(time.Second))
	}
	return plan.NewID(latest.Add(time.Second))
}

// latestID is the id of the fleet's latest rollout; "" when there is none, or when the store cannot be read: whoever
// needs it finds out why.
func (a *app) latestID(ctx context.Context) string {
	p, err := a.project(config.Options{})
	if err != nil {
		return ""
	}
	f := &fleet{app: a, project: p}
	store, err := f.openStore(ctx, false)
	if err != nil || store == nil {
		return ""
	}
	defer func() { _ = store.Close() }()
	all, err := store.List(ctx, p.Fleet, 1)
	if err != nil || len(all) == 0 {
		return ""
	}
	return all[0].ID
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
