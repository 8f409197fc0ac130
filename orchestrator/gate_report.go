package orchestrator

import (
	"time"
)

// GateReport is a wave's gate in a report.
type GateReport struct {
	Closed   time.Time // when the wave was through: what the bake is counted from
	Until    time.Time // end of the bake
	Approval bool      // somebody must approve
	Waiting  bool      // all else holds; an approval is awaited
	Verdict  Verdict   // "" while it is closed
	Reason   string    // of the verdict
	Checks   []CheckReport
}

// Passed reports whether the gate is behind the rollout; it is not asked again.
func (g *GateReport) Passed() bool { return g != nil && g.Verdict == Pass }

// CheckReport is one check of a gate: how its measures came out, and the last one.
type CheckReport struct {
	Name                      string
	Passes, Failures, Unknown int // measures by verdict
	Verdict                   Verdict
	Evidence                  string
	Tenants                   []string // some of those that did not pass
	At                        time.Time
	Took                      time.Duration
}

// gate folds the facts of a gate.
func (r *Report) gate(at time.Time, fact Fact) {
	switch f := fact.(type) {
	case GateClosed:
		w := &r.Waves[r.waveIndex(f.Wave)]
		g := &GateReport{Closed: at, Until: f.Until, Approval: f.Approval}
		if w.Gate != nil {
			g.Closed = w.Gate.Closed // an earlier run closed it
		}
		for _, name := range f.Checks {
			g.Checks = append(g.Checks, CheckReport{Name: name})
		}
		w.Gate = g
	case GateMeasured:
		c := r.gateOf(f.Wave).check(f.Check)
		c.Verdict, c.Evidence, c.Tenants, c.At, c.Took = f.Verdict, f.Evidence, f.Tenants, at, f.Took
		switch f.Verdict {
		case Pass:
			c.Passes++
		case Fail:
			c.Failures++
		default:
			c.Unknown++
		}
	case ApprovalAwaited:
		r.gateOf(f.Wave).Waiting = true
		r.State = StateWaiting
	case GateSettled:
		g := r.gateOf(f.Wave)
		g.Waiting, g.Verdict, g.Reason = false, f.Verdict, f.Reason
		if r.State == StateWaiting {
			r.State = StateRunning
		}
	}
}

// gateOf returns a wave's gate, also where the fact that closed it was lost.
func (r *Report) gateOf(wave string) *GateReport {
	w := &r.Waves[r.waveIndex(wave)]
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
