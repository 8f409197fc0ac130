package run

import (
	"fmt"
	"slices"

	"github.com/skeindb/skein/engine/text"
	"github.com/skeindb/skein/orchestrator/rollout"
)

// phase is where a run is: see the picture in doc.go.
type phase uint8

const (
	phaseStarting    phase = iota // what was asked before the run began is handled
	phaseDiscovering              // the fleet is listed, and the next wave is planned again
	phaseMigrating                // tenants of a wave run
	phaseReplanning               // those that were not what was planned run once more, and are not put off again
	phaseGate                     // a wave is through, and its gate is asked
	phaseRechecking               // tenants that were gone or done are looked at before the end
	phaseOver                     // nothing more is begun
)

// maxRounds is how often tenants that came late are migrated at the end of a rollout. Where more keep coming, the
// next rollout has them.
const maxRounds = 10

// run is the run from its first fact to its last.
func (r *runner) run(commands []rollout.Command) {
	r.reached = -1
	r.emit(r.opening())
	if c := r.report.Aborting(); c != nil { // an earlier run died before it could end
		r.stop(rollout.StateAborted, c.Asked())
	}
	for _, c := range commands {
		r.handleCommand(c)
	}
	after, _ := r.report.Acknowledged()
	r.poller = newCommandPoller(r.ctx, r.Store, r.Plan.Rollout, after)
	r.runWaves()
	r.phase = phaseOver
	r.poller.close()
	close(r.jobs)
	for ; r.workers > 0; r.workers-- {
		<-r.answers // each reports its end
	}
	if r.halt.state == "" && r.Lease != nil && r.Lease.Err() != nil { // the loop had no time to notice
		r.leaseIsLost()
	}
	if r.halt.state == "" {
		r.halt = r.finalState()
	}
	r.emitNow(rollout.Ended{State: r.halt.state, Reason: r.halt.reason, Redacted: r.halt.redacted, Lost: r.lost})
}

// finalState is the state of a run that nothing has stopped. One for some tenants only may leave work for others.
func (r *runner) finalState() halt {
	if left := r.report.Left(); left > 0 {
		return halt{state: rollout.StateHalted, reason: fmt.Sprintf("%s %s left, not part of this run", text.Count(left, "tenant"), text.Plural(left, "is", "are"))}
	}
	for i := range r.Plan.Waves {
		w := &r.Plan.Waves[i]
		if w.Gate != nil && w.Planned > 0 && !r.report.WaveNamed(w.Name).Gate.Passed() && !slices.Contains(r.gatesNotAsked, w.Name) {
			return halt{state: rollout.StateHalted, reason: fmt.Sprintf("the gate of wave %s was not part of this run", w.Name)}
		}
	}
	return halt{state: rollout.StateFinished}
}

// runWaves takes the waves in turn: what is left to do in each, then its gate. It returns early when something stops
// the run.
func (r *runner) runWaves() {
	last := len(r.Plan.Waves) - 1
	for i := 0; i <= last && r.halt.state == ""; i++ {
		if r.Plan.Partial && len(r.Plan.Waves[i].Items) == 0 {
			continue // it is none of this run's business
		}
		if i > 0 && len(r.Plan.Waves[i].Items) > 0 && !r.rediscover(i) {
			return
		}
		r.runWave(i, r.Plan.Waves[i].Items)
		if i == last && gatePending(r.Plan, &r.Plan.Waves[i], r.report) {
			r.runLateTenants(last) // so that the gate is asked about them, too
		}
		r.runGate(i)
	}
	r.runLateTenants(last)
	r.phase = phaseRechecking
	r.recheckFinished()
}

// runLateTenants takes up the tenants that came into the fleet while this run worked on others, until no more come.
func (r *runner) runLateTenants(last int) {
	for r.joinable() && r.workers > 0 && r.halt.state == "" {
		if r.rounds == maxRounds {
			r.emit(rollout.Warned{Message: "tenants keep coming into the fleet: those that come now are left to the next rollout"})
			return
		}
		before := len(r.Plan.Waves[last].Items)
		if !r.rediscover(last+1) || len(r.Plan.Waves[last].Items) == before {
			return
		}
		r.rounds++
		r.runWave(last, r.Plan.Waves[last].Items[before:])
	}
}
