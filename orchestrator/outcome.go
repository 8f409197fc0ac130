package orchestrator

import (
	"errors"
	"fmt"
	"time"

	"github.com/skeindb/skein/engine"
)

// take takes in what a worker has to say.
func (r *runner) take(a answer) {
	w, t := r.wave, a.task
	s, k := w.server(t), &w.tasks[t]
	w.cameBack(t)
	if len(a.result.Done) > 0 {
		r.done[t] = append(r.done[t], a.result.Done...)
	}
	f := a.failure(&w.items[t].Tenant)
	if p, ok := errors.AsType[*panicError](a.err); ok {
		id := w.items[t].Tenant.ID
		r.emit(Warned{Message: fmt.Sprintf("tenant %s: %v\n%s", id, p, p.stack), Redacted: fmt.Sprintf("tenant %s: panic\n%s", id, p.stack)})
	}
	switch v := k.judge(r.ctx, a.err, f, r.Policy.Retry); v {
	case arrived:
		r.arrived(t, a.result)
	case onceMore:
		r.contended(s, k.epoch, f)
		wait := r.Policy.Retry.wait(int(k.attempt))
		r.emit(TenantRetrying{Tenant: w.items[t].Tenant.ID, Attempt: int(k.attempt), Wait: wait, Failure: f})
		w.rest(t, time.Now().Add(wait))
	case later:
		r.emit(TenantDeferred{Tenant: w.items[t].Tenant.ID, Attempt: int(k.attempt), Failure: f})
		s.deferred = append(s.deferred, t)
	case full:
		r.serverFull(t, s, f)
	case lost:
		r.serverLost(t, s, f)
	case stopped:
		r.serverStopped(t, s, f)
	case canceled:
		r.giveBack(t, f)
		w.ready(t)
	case vanished:
		if !r.setAside(t, f) {
			r.finish(t, r.ending(t, Gone, &f, a.result))
		}
	default:
		if f.Class == engine.Stale && r.setAside(t, f) {
			break
		}
		r.finish(t, r.ending(t, Failed, &f, a.result))
		r.alike(t, s, f)
		r.checkBudget()
	}
	if len(a.result.Done) > 0 && !k.ended { // what a try committed is not done again, and its notices do not come again
		r.notices[t] = engine.Last(r.notices[t], a.result.Notices...)
	}
	if s.health == away {
		r.abandon(s) // it was still under work when the others were given up
	}
}

// arrived ends a tenant that stands where planned.
func (r *runner) arrived(t int32, result engine.Result) {
	s, k, c := r.wave.server(t), &r.wave.tasks[t], r.wave.cohort(t)
	outcome := Done
	if len(r.done[t]) == 0 && k.returns == 0 {
		outcome = Unchanged // somebody else was there first; after a lost connection it was ourselves
	}
	f := r.ending(t, outcome, nil, result)
	f.To = c.To
	r.finish(t, f)
	r.succeeded(s)
	if reason := s.succeeded(time.Now()); reason != "" {
		r.emit(WidthChanged{Server: s.name, Width: s.width, Reason: reason})
	}
}

// ending is the fact that ends a tenant after a try.
func (r *runner) ending(t int32, outcome Outcome, f *Failure, result engine.Result) TenantFinished {
	return TenantFinished{
		Outcome: outcome, From: r.wave.cohort(t).From, To: r.wave.stands(r.Graph, t, r.done[t]),
		Steps: len(r.done[t]), Attempt: int(r.wave.tasks[t].attempt), Duration: result.Duration, Failure: f,
		Notices: noticesOf(engine.Last(r.notices[t], result.Notices...), &r.wave.items[t].Tenant),
	}
}

// finish ends a tenant.
func (r *runner) finish(t int32, f TenantFinished) {
	w := r.wave
	f.Tenant, f.Wave = w.items[t].Tenant.ID, w.name
	w.tasks[t].ended = true
	w.left--
	delete(r.done, t)
	delete(r.notices, t)
	if f.Outcome == Failed {
		w.failures++
	}
	r.emit(f)
}

// fail ends a tenant that is not under work.
func (r *runner) fail(t int32, f Failure) {
	r.finish(t, r.ending(t, Failed, &f, engine.Result{}))
}

// giveBack notes that a try did not count.
func (r *runner) giveBack(t int32, f Failure) {
	k := &r.wave.tasks[t]
	k.attempt--
	k.returns++
	r.tick(TenantReturned{Tenant: r.wave.items[t].Tenant.ID, Failure: f})
}

// contended halves the width of a server on which tenants got in each other's way: where all of them want the
// same shared object, trying again at the same width would only repeat it.
func (r *runner) contended(s *server, epoch int, f Failure) {
	if s.full(epoch) {
		r.emit(WidthChanged{Server: s.name, Width: s.width, Reason: f.Message, Redacted: f.Redacted})
	}
}

// serverFull halves the width of a server that has no room, and lets the tenant come again. A server that
// refuses even a single tenant is probed like one that went away.
func (r *runner) serverFull(t int32, s *server, f Failure) {
	k := &r.wave.tasks[t]
	s.trouble(time.Now(), f)
	if s.full(k.epoch) {
		r.emit(WidthChanged{Server: s.name, Width: s.width, Reason: f.Message, Redacted: f.Redacted})
	} else if s.width == 1 && s.running == 0 && r.lostTooOften(t, s, f) {
		return
	} else if s.width == 1 && s.running == 0 {
		r.giveBack(t, f)
		r.wave.ready(t)
		r.pause(s, r.wave.items[t].Tenant.Target.Database, f)
		return
	}
	r.giveBack(t, f)
	r.wave.rest(t, time.Now().Add(r.Policy.Retry.wait(int(k.returns))))
}

// serverLost pauses a server that went away. The tenant is tried again, unless it is always the one with
// which the server goes away.
func (r *runner) serverLost(t int32, s *server, f Failure) {
	s.trouble(time.Now(), f)
	if r.lostTooOften(t, s, f) {
		return
	}
	r.giveBack(t, f)
	r.wave.ready(t)
	r.pause(s, r.wave.items[t].Tenant.Target.Database, f)
}

// maxLosses is how often a tenant may be lost while its server lives.
const maxLosses = 5

// lostTooOften counts the losses between which the server was alive, and fails a tenant that had too many:
// it may be the one that brings the server down.
func (r *runner) lostTooOften(t int32, s *server, f Failure) bool {
	k := &r.wave.tasks[t]
	if k.lost > 0 && s.lives == k.lives {
		return false
	}
	k.lives = s.lives
	if k.lost++; k.lost < maxLosses {
		return false
	}
	f.reword(func(m string) string {
		return fmt.Sprintf("lost %d times, although the server was alive in between: %s", k.lost, m)
	})
	r.fail(t, f)
	r.alike(t, s, f)
	r.checkBudget()
	return true
}

// serverStopped leaves a server alone until an operator has seen to it and resumes the rollout.
func (r *runner) serverStopped(t int32, s *server, f Failure) {
	r.giveBack(t, f)
	r.wave.ready(t)
	if s.health != blocked && s.health != away {
		r.block(s, f)
	}
}

// block gives the server no more work in this run.
func (r *runner) block(s *server, f Failure) {
	s.failure, s.health = f, blocked
	r.emit(ServerPaused{Server: s.name, Failure: f, Operator: true})
}
