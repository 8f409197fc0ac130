package rollout

import (
	"fmt"
	"time"

	"github.com/skeindb/skein/orchestrator/plan"
)

// GateReport is a wave's gate in a report.
type GateReport struct {
	Closed   time.Time    // when the wave was first through
	Until    time.Time    // end of the bake, which is counted from [WaveReport].Upgraded
	Approval bool         // it must be approved
	Approved *Command     // the approval; nil = none yet. A gate that did not pass needs a new one
	Waiting  bool         // all else holds; an approval is awaited
	Verdict  plan.Verdict // "" while it is closed
	Reason   string       // of the verdict
	Checks   []CheckReport
}

// Passed reports whether the gate passed; it is not measured again.
func (g *GateReport) Passed() bool { return g != nil && g.Verdict == plan.VerdictPass }

// CheckReport is one check of a gate in the last run that measured it: its measures that were stored, see [plan.Check], and
// the last of them.
type CheckReport struct {
	Name                      string
	Passes, Failures, Unknown int // measures by verdict
	Verdict                   plan.Verdict
	Evidence                  string
	Tenants                   []string // some of those that did not pass
	At                        time.Time
	Took                      time.Duration
}

// gate folds the facts of a gate.
func (r *Report) gate(at time.Time, fact Fact) {
	switch f := fact.(type) {
	case GateClosed:
		r.enterGate(at, f)
	case GateMeasured:
		c := r.GateOf(f.Wave).check(f.Check)
		c.Verdict, c.Evidence, c.Tenants, c.At, c.Took = f.Verdict, f.Evidence, f.Tenants, at, f.Took
		switch f.Verdict {
		case plan.VerdictPass:
			c.Passes++
		case plan.VerdictFail:
			c.Failures++
		default:
			c.Unknown++
		}
	case ApprovalAwaited:
		r.GateOf(f.Wave).Waiting = true
		if r.State == StateRunning {
			r.State = StateWaiting
		}
	case GateSettled:
		g := r.GateOf(f.Wave)
		g.Waiting, g.Verdict, g.Reason = false, f.Verdict, f.Reason
		if f.Verdict != plan.VerdictPass {
			g.Approved = nil
		}
		if r.State == StateWaiting && r.Finished.IsZero() {
			r.State = StateRunning
		}
		r.leaveGate(at)
	}
}

// enterGate folds that a gate is closed; an earlier run may have closed it before.
func (r *Report) enterGate(at time.Time, f GateClosed) {
	w := &r.Waves[r.WaveIndex(f.Wave)]
	g := &GateReport{Closed: at, Until: f.Until, Approval: f.Approval}
	if w.Gate != nil && !w.Gate.Closed.IsZero() {
		g.Closed, g.Approved = w.Gate.Closed, w.Gate.Approved
	}
	for _, name := range f.Checks {
		g.Checks = append(g.Checks, CheckReport{Name: name})
	}
	w.Gate = g
	if r.closed.IsZero() {
		r.closed = at
	}
}

// leaveGate folds that the run is at no gate any more. The time there does not count for its rate.
func (r *Report) leaveGate(at time.Time) {
	if !r.closed.IsZero() {
		r.idle += at.Sub(r.closed)
		r.closed = time.Time{}
	}
}

// GateOf returns a wave's gate, also where the fact that closed it was lost.
func (r *Report) GateOf(wave string) *GateReport {
	w := &r.Waves[r.WaveIndex(wave)]
	if w.Gate == nil {
		w.Gate = &GateReport{}
	}
	return w.Gate
}

func (g *GateReport) check(name string) *CheckReport {
	for i := range g.Checks {
		if g.Checks[i].Name == name {
			return &g.Checks[i]
		}
	}
	g.Checks = append(g.Checks, CheckReport{Name: name})
	return &g.Checks[len(g.Checks)-1]
}

// commanded folds a command that was answered. An approval stays with its gate, so that it still counts if the process ends
// before the gate opens.
func (r *Report) commanded(f Commanded) {
	r.Commands = append(r.Commands, f)
	r.TakenBack = r.TakenBack || f.Command.Action == ActionRollback && f.Refused == ""
	if c := f.Command; c.Action == ActionApprove && f.Refused == "" && c.Wave != "" {
		r.GateOf(c.Wave).Approved = &c
	}
}

// Aborting returns the abort that was acknowledged but not carried out, because the run has not ended yet or its process
// died; nil when there is none.
func (r *Report) Aborting() *Command {
	if r.State == StateAborted {
		return nil
	}
	for i := range r.Commands {
		if c := &r.Commands[i]; c.Command.Action == ActionAbort && c.Refused == "" {
			return &c.Command
		}
	}
	return nil
}

// Acknowledged returns the number up to which all commands were answered, and those above it that were, too.
func (r *Report) Acknowledged() (after int64, beyond map[int64]bool) {
	beyond = map[int64]bool{}
	for _, c := range r.Commands {
		beyond[c.Command.Seq] = true
	}
	for beyond[after+1] {
		after++
		delete(beyond, after)
	}
	return after, beyond
}

// WaveNamed returns the wave of that name; nil when there is none.
func (r *Report) WaveNamed(name string) *WaveReport {
	for i := range r.Waves {
		if r.Waves[i].Name == name {
			return &r.Waves[i]
		}
	}
	return nil
}

// CannotApprove returns why an approval of a wave's gate is refused; "" when it counts. It may come while the gate still
// bakes: it then opens the gate as soon as all else holds.
func (r *Report) CannotApprove(wave string) string {
	if wave == "" {
		return "it names no wave"
	}
	w := r.WaveNamed(wave)
	switch {
	case w == nil:
		return "the rollout has no wave " + wave
	case w.Gate == nil || w.Gate.Closed.IsZero():
		return fmt.Sprintf("wave %s has not reached its gate", wave)
	case w.Gate.Verdict == plan.VerdictPass:
		return fmt.Sprintf("the gate of wave %s is open already", wave)
	case w.Gate.Verdict != "":
		return fmt.Sprintf("the gate of wave %s did not pass; resume the rollout to ask it again", wave)
	case !w.Gate.Approval:
		return fmt.Sprintf("the gate of wave %s does not require approval", wave)
	}
	return ""
}
