package run

import (
	"context"
	"fmt"
	"time"

	"github.com/skeindb/skein/orchestrator/plan"
	"github.com/skeindb/skein/orchestrator/rollout"
)

// gatePending reports whether a wave of a plan has a gate that is still to be asked, as far as a rollout has come.
func gatePending(p *plan.Runnable, w *plan.Wave, r *rollout.Report) bool {
	if w.Gate == nil || p.Partial {
		return false
	}
	report := r.WaveNamed(w.Name)
	return report == nil || !report.Gate.Passed()
}

// gateVacuous reports whether the gate guards nothing: no tenant of the wave was attempted in this rollout, and no later
// wave has work. If a later wave has work, the gate is asked even though an earlier rollout brought the tenants of its
// wave to where they are: that rollout may have halted at this gate.
func (r *runner) gateVacuous(at int) bool {
	if w := r.report.WaveNamed(r.Plan.Waves[at].Name); w != nil && w.Count(plan.OutcomeDone)+w.Count(plan.OutcomeFailed)+w.Count(plan.OutcomeUncertain) > 0 {
		return false
	}
	return !r.Plan.Follows(at)
}

// gateRun is the gate of a wave while it is asked. Only the loop touches it; the meters are goroutines of its own.
type gateRun struct {
	wave    string
	gate    *plan.Gate
	until   time.Time // end of the bake
	checks  []checkRun
	members []gateMember // the tenants that it is about
	list    int          // how often tenants were taken off members

	ctx     context.Context // of the meters
	cancel  context.CancelFunc
	running int                  // meters that are measuring
	held    *rollout.GateSettled // it does not open; nil = that is not known
	results chan measurement     // capacity: one a check, which measures once at a time
	wake    chan struct{}        // capacity 1: there is a result
}

// checkRun is a check of a gate that is asked.
type checkRun struct {
	plan.Check
	busy     bool
	due      time.Time // of the next measure
	last     plan.Measure
	stored   time.Time // when a measure was last made a fact
	failures int
	unknown  int // in a row
}

// runGate asks the gate of a wave that is through, if it is still to be asked, and returns when it is open, or
// something stops the run.
func (r *runner) runGate(at int) {
	w := &r.Plan.Waves[at]
	if r.halt.state != "" || !gatePending(r.Plan, w, r.report) {
		return
	}
	if r.gateVacuous(at) {
		r.gatesNotAsked = append(r.gatesNotAsked, w.Name)
		return
	}
	r.phase = phaseGate
	g := r.closeGate(at)
	settled := rollout.GateSettled{Wave: g.wave, Verdict: plan.VerdictPass, Reason: r.mayBeEmpty(g)}
	if settled.Reason == "" {
		r.blockIfEmpty(g)
		r.watchGate(g)
		g.close()
		r.awaitApproval(g)
		if by := r.report.GateOf(g.wave).Approved; by != nil && g.gate.Approval {
			settled.Reason = "approved by " + by.Who() + by.Because()
		}
	}
	if r.halt.state == "" {
		r.emit(settled)
	}
}

// closeGate makes it known that the gate is closed, maybe once more. The bake is counted from when the last tenant of
// the wave was upgraded, in whichever run; where none was, from when the gate was first closed.
func (r *runner) closeGate(at int) *gateRun {
	w := &r.Plan.Waves[at]
	gate := r.Policy.GateOf(w.Name)
	report := r.report.WaveNamed(w.Name)
	closed := rollout.Now()
	if before := report.Gate; before != nil && !before.Closed.IsZero() {
		closed = before.Closed
	}
	began := report.Upgraded
	if began.IsZero() {
		began = closed
	}
	g := &gateRun{wave: w.Name, gate: gate, until: began.Add(max(0, gate.Bake)), members: r.gateMembers(at)}
	if g.until.Before(closed) {
		g.until = closed
	}
	g.ctx, g.cancel = context.WithCancel(r.ctx)
	g.results, g.wake = make(chan measurement, len(gate.Checks)), make(chan struct{}, 1)
	f := rollout.GateClosed{Wave: w.Name, Until: g.until, Approval: gate.Approval}
	for _, c := range gate.Checks {
		g.checks = append(g.checks, checkRun{Check: c.WithDefaults(), due: time.Now()})
		f.Checks = append(f.Checks, c.Name)
	}
	r.emitNow(f)
	return g
}

// checkGrace is how long a gate that does not open waits for the results of the other checks under way, so that
// its reason names all that is wrong.
const checkGrace = 10 * time.Second

// watchGate measures until the bake is over and the last verdict of each check is a pass, or a limit is reached. Tenants that
// are not there any more at the end are not among those by which a gate opens.
func (r *runner) watchGate(g *gateRun) {
	for r.halt.state == "" && g.held == nil && !g.over(time.Now()) {
		g.start(time.Now(), r.gateSubject(g))
		r.await(g.next(time.Now()), g.wake)
		r.collect(g)
	}
	if g.held == nil && r.halt.state == "" && r.surveyMembers(g) {
		r.blockIfEmpty(g)
	}
	for end := time.Now().Add(checkGrace); g.held != nil && g.running > 0 && r.halt.state == "" && time.Now().Before(end); {
		r.await(end, g.wake)
		r.collect(g)
	}
	if g.held != nil && r.halt.state == "" {
		r.holdAtGate(g)
	}
}

// collect takes in what the meters have said.
func (r *runner) collect(g *gateRun) {
	if r.ctx.Err() != nil { // then it is worth nothing
		r.onCancel()
	}
	for len(g.results) > 0 && r.halt.state == "" {
		r.recordMeasure(g, <-g.results)
	}
}

// over reports whether nothing more has to be asked: the time is over, and all checks pass.
func (g *gateRun) over(now time.Time) bool {
	if now.Before(g.until) {
		return false
	}
	for i := range g.checks {
		if c := &g.checks[i]; c.busy || c.last.Verdict != plan.VerdictPass {
			return false
		}
	}
	return true
}

// due reports whether one more measure of the check is to be taken, when it is due.
func (g *gateRun) due(c *checkRun, now time.Time) bool {
	return !c.busy && g.held == nil && (now.Before(g.until) || c.last.Verdict != plan.VerdictPass)
}

// start takes the measures that are due.
func (g *gateRun) start(now time.Time, subject plan.Subject) {
	for i := range g.checks {
		if c := &g.checks[i]; g.due(c, now) && !c.due.After(now) {
			c.busy = true
			g.running++
			go g.measure(i, c.Check, subject, g.list)
		}
	}
}

// next returns when something is due: a measure, or the end of the bake; zero when only results are waited for.
func (g *gateRun) next(now time.Time) (at time.Time) {
	if now.Before(g.until) {
		at = g.until
	}
	for i := range g.checks {
		if c := &g.checks[i]; g.due(c, now) && (at.IsZero() || c.due.Before(at)) {
			at = c.due
		}
	}
	return at
}

// recordMeasure takes in what a meter has said.
func (r *runner) recordMeasure(g *gateRun, m measurement) {
	g.running--
	c := &g.checks[m.check]
	if m.Verdict != plan.VerdictPass && (m.list != g.list || r.surveyMembers(g)) { // it is about tenants that are not there any more
		c.busy, c.due = false, time.Now()
		r.blockIfEmpty(g)
		return
	}
	same := m.Verdict == plan.VerdictPass && c.last.Verdict == plan.VerdictPass && m.Evidence == c.last.Evidence
	c.busy, c.last, c.due = false, m.Measure, time.Now().Add(c.Interval)
	if !same || time.Since(c.stored) >= samePasses {
		c.stored = time.Now()
		r.emit(rollout.GateMeasured{Wave: g.wave, Check: c.Name, Verdict: m.Verdict, Evidence: m.Evidence, Redacted: m.Redacted, Tenants: m.Tenants, Took: m.took})
	}
	switch m.Verdict {
	case plan.VerdictPass:
		c.unknown = 0
	case plan.VerdictFail:
		c.unknown = 0
		if c.failures++; c.failures > c.Failures {
			g.blockBy(plan.VerdictFail, fmt.Sprintf("check %s failed%s: ", c.Name, times(c.failures)), m.Measure)
		}
	default:
		if c.unknown++; c.unknown > c.Inconclusive {
			g.blockBy(plan.VerdictInconclusive, fmt.Sprintf("check %s was inconclusive%s: ", c.Name, times(c.unknown)), m.Measure)
		}
	}
}

func times(n int) string {
	if n == 1 {
		return ""
	}
	return fmt.Sprintf(" %d times", n)
}

// block notes that the gate does not open. A failed check takes precedence over an inconclusive one.
func (g *gateRun) block(v plan.Verdict, reason string) {
	if g.held == nil || g.held.Verdict != plan.VerdictFail && v == plan.VerdictFail {
		g.held = &rollout.GateSettled{Wave: g.wave, Verdict: v, Reason: reason}
	}
}

// blockBy is hold for what a measure has shown.
func (g *gateRun) blockBy(v plan.Verdict, what string, m plan.Measure) {
	before := g.held
	if g.block(v, what+m.Evidence); g.held != before && m.Redacted != "" {
		g.held.Redacted = what + m.Redacted
	}
}

// holdAtGate ends a gate that does not open.
func (r *runner) holdAtGate(g *gateRun) {
	r.emit(*g.held)
	state := rollout.StateHalted
	if g.held.Verdict == plan.VerdictInconclusive {
		state = rollout.StatePaused
	}
	what := fmt.Sprintf("gate of wave %s: ", g.wave)
	r.stopQuoting(state, what+g.held.Reason, what+rollout.RedactedOr(g.held.Redacted, g.held.Reason))
}

// awaitApproval waits for the approval of an operator, if the gate needs one.
func (r *runner) awaitApproval(g *gateRun) {
	approved := func() bool { return !g.gate.Approval || r.report.GateOf(g.wave).Approved != nil }
	if r.halt.state != "" || approved() {
		return
	}
	r.emitNow(rollout.ApprovalAwaited{Wave: g.wave})
	if r.NoWait {
		r.stop(rollout.StateWaiting, fmt.Sprintf("wave %s waits for an approval", g.wave))
	}
	for r.halt.state == "" && !approved() {
		r.await(time.Time{}, nil)
	}
}

// noGate is the error of a planned gate that cannot be asked: the policy has no wave of that name, or one without a gate.
func noGate(rollout, wave string, noWave bool) *plan.Error {
	what := "has none there"
	if noWave {
		what = "has no wave of that name"
	}
	return &plan.Error{
		Reason: plan.ReasonGate, Rollout: rollout, Wave: wave,
		Message: fmt.Sprintf("rollout %s was planned with a gate after wave %s, but the policy %s", rollout, wave, what),
		Advice:  fmt.Sprintf("put the gate of wave %s back into the config, or abort the rollout and start a new one", wave),
	}
}
