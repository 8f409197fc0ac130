package run

import (
	"errors"
	"fmt"
	"time"

	"github.com/skeindb/skein/engine"
	"github.com/skeindb/skein/orchestrator/plan"
	"github.com/skeindb/skein/orchestrator/rollout"
)

// handleAnswer takes in what a worker has to say.
func (r *runner) handleAnswer(a answer) {
	w, t := r.wave, a.task
	s, k := w.server(t), &w.tasks[t]
	w.returned(t)
	if len(a.result.Done) > 0 {
		r.done[t] = append(r.done[t], a.result.Done...)
	}
	k.merge(&a)
	f := a.failure(&w.items[t].Tenant)
	if p, ok := errors.AsType[*panicError](a.err); ok {
		id := w.items[t].Tenant.ID
		r.emit(rollout.Warned{Message: fmt.Sprintf("tenant %s: %v\n%s", id, p, p.stack), Redacted: fmt.Sprintf("tenant %s: panic\n%s", id, p.stack)})
	}
	if s.health == away && f.Class == engine.Canceled && r.ctx.Err() == nil { // it was given up with its server
		r.requeueFree(t, f)
		w.ready(t)
		if r.halt.state == "" {
			r.abandon(s)
		}
		return
	}
	switch v := k.dispose(r.ctx, a.err, f, r.Policy.Retry); v {
	case arrived:
		r.tenantDone(t, a.result)
	case onceMore:
		r.halve(s, k.epoch, f)
		wait := r.Policy.Retry.Wait(int(k.attempt))
		r.emit(rollout.TenantRetrying{Tenant: w.items[t].Tenant.ID, Attempt: int(k.attempt), Wait: wait, Failure: f})
		w.wait(t, time.Now().Add(wait))
	case later:
		r.emit(rollout.TenantDeferred{Tenant: w.items[t].Tenant.ID, Attempt: int(k.attempt), Failure: f})
		s.deferred = append(s.deferred, t)
	case full:
		r.serverFull(t, s, f)
	case lost:
		r.serverLost(t, s, f)
	case stopped:
		r.serverStopped(t, s, f)
	case canceled:
		r.requeueFree(t, f)
		w.ready(t)
	case vanished:
		if !r.deferForReplan(t, f) {
			r.tenantGone(t, s, f, a)
		}
	default:
		if f.Class == engine.Stale && r.deferForReplan(t, f) {
			break
		}
		r.finish(t, r.ending(t, plan.OutcomeFailed, &f, a.result))
		r.countSystemic(t, s, f)
		r.checkBudget()
	}
	if len(a.result.Done) > 0 && !k.ended { // what a try committed is not done again, and its notices do not come again
		r.notices[t] = engine.LastNotices(r.notices[t], a.result.Notices...)
	}
	if s.health == away {
		r.abandon(s) // it was still running when the others were given up
	}
}

// tenantGone ends a tenant that is said to be gone, if it is. One that is there, as another one of its name, was not
// upgraded and has failed, and so has one that cannot be read. A rollback has nothing to take back of another
// one.
func (r *runner) tenantGone(t int32, s *server, f plan.Failure, a answer) {
	item := &r.wave.items[t]
	switch {
	case a.now == nil, a.now.State == engine.Missing,
		r.Plan.Kind == plan.KindRollback && a.now.Err == nil && a.now.SchemaID.SchemaOID != item.Standing.SchemaID.SchemaOID:
		r.finish(t, r.ending(t, plan.OutcomeGone, &f, a.result))
		return
	case a.now.State == engine.Unreachable && r.ctx.Err() != nil:
		r.requeueFree(t, f)
		r.wave.ready(t)
		return
	case a.now.State == engine.Unreachable:
		f = *plan.UnreadableFailure(a.now, &item.Tenant)
	default:
		f.Class = engine.Stale
		f.Hint = "it is there, and was not upgraded: resume the rollout, which surveys it again"
	}
	r.finish(t, r.ending(t, plan.OutcomeFailed, &f, a.result))
	r.countSystemic(t, s, f)
	r.checkBudget()
}

// tenantDone ends a tenant that stands where planned.
func (r *runner) tenantDone(t int32, result engine.Result) {
	s, k, c := r.wave.server(t), &r.wave.tasks[t], r.wave.cohort(t)
	outcome := plan.OutcomeDone
	if len(r.done[t]) == 0 && k.returns == 0 {
		outcome = plan.OutcomeUnchanged // another program was first; after a lost connection it was this run
	}
	f := r.ending(t, outcome, nil, result)
	f.To = c.To
	r.finish(t, f)
	r.succeeded(s)
	if reason := s.succeeded(time.Now()); reason != "" {
		r.emit(rollout.WidthChanged{Server: s.name, Width: s.width, Reason: reason})
	}
}

// ending is the fact that ends a tenant after a try.
func (r *runner) ending(t int32, outcome plan.Outcome, f *plan.Failure, result engine.Result) rollout.TenantFinished {
	return rollout.TenantFinished{
		Outcome: outcome, From: r.wave.cohort(t).From, To: r.wave.headsAfter(r.Graph, t, r.done[t]),
		Steps: len(r.done[t]), Attempt: int(r.wave.tasks[t].attempt), Duration: result.Duration, Failure: f,
		Notices: rollout.NoticesOf(engine.LastNotices(r.notices[t], result.Notices...), &r.wave.items[t].Tenant),
	}
}

// finish ends a tenant.
func (r *runner) finish(t int32, f rollout.TenantFinished) {
	w := r.wave
	f.Tenant, f.Wave = w.items[t].Tenant.ID, w.name
	w.tasks[t].ended = true
	w.left--
	delete(r.done, t)
	delete(r.notices, t)
	if f.Outcome == plan.OutcomeFailed {
		w.failures++
		if w.tasks[t].unknown {
			f.Unknown()
		}
	}
	r.emit(f)
}

// merge notes whether it is known what the tries so far have committed. A lost commit stays in doubt until a later try
// got as far as the tenant, which is asked before anything else is done to it.
func (k *task) merge(a *answer) {
	switch e, _ := errors.AsType[*engine.Error](a.err); {
	case a.result.InDoubt:
		k.unknown = true
	case a.err == nil:
		k.unknown = false
	case e != nil:
		switch e.Class {
		case engine.Data, engine.Revision, engine.Guard, engine.Stale, engine.Gone, engine.Transient, engine.Timeout:
			k.unknown = false
		}
	}
}

// fail ends a tenant that is not running.
func (r *runner) fail(t int32, f plan.Failure) {
	r.finish(t, r.ending(t, plan.OutcomeFailed, &f, engine.Result{}))
}

// requeueFree notes that a try did not count.
func (r *runner) requeueFree(t int32, f plan.Failure) {
	k := &r.wave.tasks[t]
	k.attempt--
	k.returns++
	back := rollout.TenantReturned{Tenant: r.wave.items[t].Tenant.ID, Failure: f}
	if k.announced {
		k.announced = false
		r.emit(back)
		return
	}
	r.tick(back)
}

// halve halves the width of a server on which tenants got in each other's way: where all of them want the
// same shared object, trying again at the same width would only repeat it.
func (r *runner) halve(s *server, epoch int, f plan.Failure) {
	if s.full(epoch) {
		r.emit(rollout.WidthChanged{Server: s.name, Width: s.width, Reason: f.Message, Redacted: f.Redacted})
	}
}

// serverFull halves the width of a server that has no room, and lets the tenant come again. A server that
// refuses even a single tenant is probed like one that went away.
func (r *runner) serverFull(t int32, s *server, f plan.Failure) {
	k := &r.wave.tasks[t]
	s.trouble(time.Now(), f)
	if s.full(k.epoch) {
		r.emit(rollout.WidthChanged{Server: s.name, Width: s.width, Reason: f.Message, Redacted: f.Redacted})
	} else if s.width == 1 && s.running == 0 && r.losesTooOften(t, s, f) {
		return
	} else if s.width == 1 && s.running == 0 {
		r.requeueFree(t, f)
		r.wave.ready(t)
		r.pause(s, r.wave.items[t].Tenant.Location.Database, f)
		return
	}
	r.requeueFree(t, f)
	r.wave.wait(t, time.Now().Add(r.Policy.Retry.Wait(int(k.returns))))
}

// serverLost pauses a server that went away. The tenant is tried again, unless it is always the one with
// which the server goes away.
func (r *runner) serverLost(t int32, s *server, f plan.Failure) {
	s.trouble(time.Now(), f)
	if r.losesTooOften(t, s, f) {
		return
	}
	r.requeueFree(t, f)
	r.wave.ready(t)
	r.pause(s, r.wave.items[t].Tenant.Location.Database, f)
}

// maxLosses is how often a tenant may be lost while its server lives.
const maxLosses = 5

// losesTooOften counts the losses between which the server was alive, and fails a tenant that had too many:
// it may be the one that brings the server down.
func (r *runner) losesTooOften(t int32, s *server, f plan.Failure) bool {
	k := &r.wave.tasks[t]
	if k.lost > 0 && s.lives == k.lives {
		return false
	}
	k.lives = s.lives
	if k.lost++; k.lost < maxLosses {
		return false
	}
	f.Reword(func(m string) string {
		return fmt.Sprintf("lost %d times, although the server was alive in between: %s", k.lost, m)
	})
	r.fail(t, f)
	r.countSystemic(t, s, f)
	r.checkBudget()
	return true
}

// serverStopped leaves a server alone until an operator has seen to it and resumes the rollout.
func (r *runner) serverStopped(t int32, s *server, f plan.Failure) {
	r.requeueFree(t, f)
	r.wave.ready(t)
	if s.health != blocked && s.health != away {
		r.block(s, f)
	}
}

// block gives the server no more work in this run.
func (r *runner) block(s *server, f plan.Failure) {
	s.failure, s.health = f, blocked
	r.emit(rollout.ServerPaused{Server: s.name, Failure: f, Operator: true})
}
