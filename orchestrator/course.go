package orchestrator

import (
	"fmt"
	"slices"
)

// maxRounds is how often tenants that came late are taken up at the end of a rollout. Where more keep coming, the
// next rollout has them.
const maxRounds = 10

// all is the run from its first fact to its last.
func (r *runner) all(commands []Command) {
	r.reached = -1
	r.emit(r.opening())
	if c := r.report.aborting(); c != nil { // an earlier run died before it could end
		r.stop(StateAborted, c.asked())
	}
	for _, c := range commands {
		r.obey(c, true)
	}
	after, _ := r.report.heard()
	r.inbox = newInbox(r.ctx, r.Store, r.Plan.Rollout, after)
	r.course()
	r.inbox.close()
	close(r.jobs)
	for ; r.workers > 0; r.workers-- {
		<-r.answers // each says good-bye
	}
	if r.halt.state == "" {
		r.halt = r.end()
	}
	r.emitNow(RolloutEnded{State: r.halt.state, Reason: r.halt.reason, Redacted: r.halt.redacted})
}

// end is what a run has come to that nothing has stopped. One for some tenants only may leave work for others.
func (r *runner) end() halt {
	if left := r.report.Left(); left > 0 {
		return halt{state: StateHalted, reason: fmt.Sprintf("%d tenants are left, which were not part of this run", left)}
	}
	for i := range r.Plan.Waves {
		w := &r.Plan.Waves[i]
		if w.Gate != nil && w.Planned > 0 && !r.report.waveNamed(w.Name).Gate.Passed() && !slices.Contains(r.unasked, w.Name) {
			return halt{state: StateHalted, reason: fmt.Sprintf("the gate of wave %s was not part of this run", w.Name)}
		}
	}
	return halt{state: StateFinished}
}

// course takes the waves in turn: what is left to do in each, then its gate. It returns early when something stops
// the run.
func (r *runner) course() {
	last := len(r.Plan.Waves) - 1
	for i := 0; i <= last && r.halt.state == ""; i++ {
		if r.Plan.Partial && len(r.Plan.Waves[i].Items) == 0 {
			continue // it is none of this run's business
		}
		if i > 0 && len(r.Plan.Waves[i].Items) > 0 && !r.refresh(i) {
			return
		}
		r.runWave(i, r.Plan.Waves[i].Items)
		if i == last && asked(r.Plan, &r.Plan.Waves[i], r.report) {
			r.latecomers(last) // so that the gate is asked about them, too
		}
		r.pass(i)
	}
	r.latecomers(last)
	r.revisit()
}

// latecomers takes up the tenants that came into the fleet while this run worked on others, until no more come.
func (r *runner) latecomers(last int) {
	for r.joinable() && r.workers > 0 && r.halt.state == "" {
		if r.rounds == maxRounds {
			r.emit(Warned{Message: "tenants keep coming into the fleet: those that come now are left to the next rollout"})
			return
		}
		before := len(r.Plan.Waves[last].Items)
		if !r.refresh(last+1) || len(r.Plan.Waves[last].Items) == before {
			return
		}
		r.rounds++
		r.runWave(last, r.Plan.Waves[last].Items[before:])
	}
}
