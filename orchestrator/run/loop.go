package run

import (
	"context"
	"errors"
	"fmt"
	"strconv"
	"time"

	"github.com/skeindb/skein/engine"
	"github.com/skeindb/skein/orchestrator/plan"
	"github.com/skeindb/skein/orchestrator/rollout"
)

// runWave works on items of a wave: all of them, or those that came late. Tenants that turn out not to be those that
// were planned are planned again when the others are done, and get one more try.
func (r *runner) runWave(at int, items []plan.Item) {
	name := r.Plan.Waves[at].Name
	r.emit(rollout.WaveStarted{Wave: name})
	r.phase = phaseMigrating
	r.runTenants(at, items)
	if recreated := r.wave.recreated; len(recreated) > 0 && r.halt.state == "" {
		if items, ok := r.replanRecreated(at, recreated); ok {
			r.phase = phaseReplanning
			r.runTenants(at, r.unskipped(items))
		}
	}
	if r.report.WaveNamed(name).Unended() == 0 { // a run for some tenants may leave others
		r.emit(rollout.WaveFinished{Wave: name})
	}
}

// runTenants is the loop: it starts what may start, waits for something to happen, and takes it in.
func (r *runner) runTenants(at int, items []plan.Item) {
	w := newWave(&r.Plan.Waves[at], items, r.Plan.Cohorts, newLimits(r.Plan.Cohorts), r.Policy)
	r.reached = max(r.reached, at)
	r.wave, r.done, r.notices = w, map[int32][]string{}, map[int32][]engine.Notice{}
	r.probing, r.endProbes = context.WithCancel(r.ctx)
	for _, s := range w.servers {
		s.watch.ctx, s.watch.end = context.WithCancel(r.ctx)
	}
	w.failures = r.report.Waves[r.report.WaveIndex(w.name)].Failures // of the turns before
	r.finishWithoutWork()
	for {
		r.dispatch()
		if w.running == 0 && r.stopped() {
			w.away = 0
			r.checkBudget()
			break
		}
		at, ok := w.timers.next()
		if !ok || r.halt.state != "" {
			at = time.Time{}
		}
		if look := w.nextObservation(); !look.IsZero() && (at.IsZero() || look.Before(at)) {
			at = look
		}
		if !r.await(at, nil) {
			continue
		}
		if r.halt.state == "" {
			r.fireTimers(time.Now())
		}
		r.watchServers(time.Now())
	}
	r.stopProbing()
	r.stopObserving()
}

// finishWithoutWork ends the tenants that are not touched: refused, skipped, gone, or already there. Those whose server could not
// be reached count against the budget only when the others of the turn are through: they say nothing about the change.
func (r *runner) finishWithoutWork() {
	away := 0
	for i := range r.wave.items {
		item := &r.wave.items[i]
		c := r.wave.cohort(int32(i))
		f := rollout.TenantFinished{Outcome: plan.OutcomeUnchanged, From: c.From, To: c.To}
		switch c.Action {
		case plan.ActionMigrate:
			continue
		case plan.ActionGone:
			f.Outcome = plan.OutcomeGone
		case plan.ActionSkip:
			f.Outcome, f.Reason = plan.OutcomeSkipped, c.Reason
		case plan.ActionRefuse:
			f.Outcome, f.Failure, f.State = plan.OutcomeFailed, c.RefusedFor(item), c.State
			r.wave.refused++
			if c.State == engine.Unreachable && f.Failure.Class == engine.Connection {
				away++
			}
		case plan.ActionNone: // an earlier run may have got there, and died before it could say so
			if from, to, ok := c.Reached(); ok && r.begun[item.Tenant.ID] {
				f.Outcome, f.From, f.To = plan.OutcomeDone, from, to
			}
		}
		r.finish(int32(i), f)
	}
	r.wave.away = away
	r.checkBudget()
}

// stopped reports whether nothing can happen any more.
func (r *runner) stopped() bool {
	return r.halt.state != "" || r.wave.left == 0 || r.blockedOnly()
}

// blockedOnly reports whether all that is left waits for an operator; then that is why the run halts.
func (r *runner) blockedOnly() bool {
	w := r.wave
	stuck := w.stuck()
	if stuck == 0 || stuck < w.left {
		return false
	}
	for _, s := range w.servers {
		if s.health == blocked {
			where := serverName(s.name) + ": " + s.failure.Place()
			r.stopQuoting(rollout.StateHalted, where+s.failure.Message, where+s.failure.WithoutValues())
		}
	}
	return true
}

// dispatch names tenants in the store and starts those that were named before.
func (r *runner) dispatch() {
	r.pollStop()
	if r.halt.state != "" || r.journal.failure() != nil {
		return
	}
	w := r.wave
	if w.namedSeq > 0 && r.journal.durable.Load() >= w.namedSeq {
		w.mayStart()
	}
	if w.namedSeq == 0 {
		if names := w.nextWindow(); names != nil {
			r.emitNow(rollout.TenantsDispatched{Tenants: names})
			w.namedSeq = r.seq
		}
	}
	for most := w.concurrency(&r.Policy); most <= 0 || w.running < most; {
		t, ok := w.next()
		if !ok {
			break
		}
		r.start(t)
	}
	for _, s := range w.servers {
		if s.idle() && len(s.deferred) > 0 && s.health == well {
			r.recall(s)
		}
	}
}

// pollStop makes sure that no tenant starts once a stop was requested, however many other events await has to
// handle.
func (r *runner) pollStop() {
	select {
	case <-r.cancelled:
		r.onCancel()
	case <-r.stopping:
		r.onStop()
	case m := <-r.poller.batches:
		r.read(m)
	default:
	}
}

// recall lets the deferred tenants of a server come again, each after a wait of its own.
func (r *runner) recall(s *server) {
	for _, t := range s.deferred {
		r.wave.wait(t, time.Now().Add(r.Policy.Retry.Deferral(int(r.wave.tasks[t].attempt))))
	}
	s.deferred = nil
}

// await sleeps until something happens and takes it in: whatever the wave under way has to say, and what ends a
// run in any of its phases. Own is for what else the phase waits for; it and the time, if that is not zero, only
// end the sleep. The result is whether the time has come.
func (r *runner) await(at time.Time, own <-chan struct{}) bool {
	var clock <-chan time.Time
	if !at.IsZero() {
		timer := time.NewTimer(time.Until(at))
		defer timer.Stop()
		clock = timer.C
	}
	select {
	case a := <-r.answers:
		r.handleAnswer(a)
		for range len(r.answers) { // as many as there are, before new ones are started
			r.handleAnswer(<-r.answers)
		}
	case <-r.journal.changed:
		if err := r.journal.failure(); err != nil {
			r.stop(rollout.StateHalted, err.Error())
		}
	case p := <-r.probed:
		r.afterProbe(p)
	case l := <-r.observed:
		r.handleObservation(l)
	case m := <-r.poller.batches:
		r.read(m)
	case <-own:
	case <-clock:
		return true
	case <-r.stopping:
		r.onStop()
	case <-r.cancelled:
		r.onCancel()
	case <-r.leaseLost():
		r.leaseIsLost()
	}
	return false
}

func (r *runner) onStop() {
	r.stopping = nil
	r.stop(rollout.StateInterrupted, "interrupted")
}

func (r *runner) onCancel() {
	r.stopping, r.cancelled = nil, nil
	r.stop(rollout.StateInterrupted, "cancelled")
}

func (r *runner) leaseLost() <-chan struct{} {
	if r.Lease == nil || r.halt.state != "" {
		return nil
	}
	return r.Lease.Lost()
}

// leaseIsLost halts because the fleet's lock is lost, and says why.
func (r *runner) leaseIsLost() {
	reason := "the fleet's lock was lost"
	if err := r.Lease.Err(); err != nil {
		reason += ": " + err.Error()
		if lost, ok := errors.AsType[*rollout.StoreLostError](err); ok {
			reason = lost.Error() + ": " + lost.Hint()
			r.lost = true
		}
	}
	r.stop(rollout.StateHalted, reason)
}

// fireTimers serves the timers that are due.
func (r *runner) fireTimers(now time.Time) {
	for {
		t, ok := r.wave.timers.due(now)
		switch {
		case !ok:
			return
		case t.server != nil && t.server.health == probing:
			r.probe(t.server)
		case t.server != nil: // meanwhile it waits for an operator
		default:
			r.wave.ready(t.task)
		}
	}
}

// checkBudget halts when more tenants of the wave failed than max_failures allows.
func (r *runner) checkBudget() {
	w := r.wave
	if !w.overBudget() {
		return
	}
	allowed := "none"
	if w.budget > 0 {
		allowed = strconv.Itoa(w.budget)
	}
	how := ""
	if w.refused > 0 {
		how = fmt.Sprintf(", %d of them refused before any work", w.refused)
	}
	// Without their number: those running may fail yet.
	r.stop(rollout.StateHalted, fmt.Sprintf("more tenants failed in wave %s than max_failures allows (%s)%s", w.name, allowed, how))
}

func serverName(name string) string {
	if name == "" {
		return "the disk"
	}
	return "server " + name
}
