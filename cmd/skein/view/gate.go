package view

import (
	"fmt"
	"strings"
	"time"

	"github.com/skeindb/skein/engine/text"
	"github.com/skeindb/skein/orchestrator/plan"
	"github.com/skeindb/skein/orchestrator/rollout"
)

// Gate says what must hold after a wave, in words: "10m bake, checks api and rows, approval"; "" for nothing.
func Gate(g *plan.GatePlan) string {
	if g == nil {
		return ""
	}
	return gateWords(g.Bake, g.Checks, g.Approval)
}

func gateWords(bake time.Duration, checks []string, approval bool) string {
	var parts []string
	if bake > 0 {
		parts = append(parts, Span(bake)+" bake")
	}
	switch len(checks) {
	case 0:
	case 1:
		parts = append(parts, "check "+checks[0])
	default:
		last := len(checks) - 1
		parts = append(parts, "checks "+strings.Join(checks[:last], ", ")+" and "+checks[last])
	}
	if approval {
		parts = append(parts, "approval")
	}
	return strings.Join(parts, ", ")
}

// Span is a duration without the zeros at its end: 10m and not 10m0s.
func Span(d time.Duration) string {
	s := d.String()
	if strings.HasSuffix(s, "m0s") {
		s = strings.TrimSuffix(s, "0s")
	}
	if strings.HasSuffix(s, "h0m") {
		s = strings.TrimSuffix(s, "0m")
	}
	return s
}

// gate is the line for a fact of a gate; "" where none is worth it.
func (n *notices) gate(e rollout.Event) string {
	o := n.opts
	switch f := e.Fact.(type) {
	case rollout.GateClosed:
		if o.Quiet {
			return ""
		}
		bake := f.Until.Sub(e.Time).Round(time.Second)
		words := gateWords(bake, f.Checks, f.Approval)
		if bake > 0 && n.again(f.Wave) { // its length was shown when it started
			words = strings.TrimSuffix("bake, "+Span(bake)+" left, "+gateWords(0, f.Checks, f.Approval), ", ")
		}
		text := fmt.Sprintf("%s of wave %s: %s", o.paint(bold, "gate"), f.Wave, words)
		if f.Until.After(e.Time) {
			text += ", until " + clock(f.Until)
		}
		return text
	case rollout.GateMeasured:
		return n.measured(f)
	case rollout.ApprovalAwaited:
		return fmt.Sprintf("%s for an approval of wave %s:  %s", o.paint(yellow, "waiting"), f.Wave, o.paint(bold, "skein rollout approve "+e.Rollout))
	case rollout.GateSettled:
		if f.Verdict == plan.VerdictPass && o.Quiet {
			return ""
		}
		return fmt.Sprintf("%s of wave %s %s", o.paint(bold, "gate"), f.Wave, o.paint(hue(f.Verdict), Verdict(f.Verdict))) + Because(f.Reason)
	}
	return ""
}

// again reports whether the gate of a wave was closed before, in this run or an earlier one.
func (n *notices) again(wave string) bool {
	if n.closed == nil {
		n.closed = map[string]bool{}
		for _, e := range n.opts.Earlier {
			if f, ok := e.Fact.(rollout.GateClosed); ok {
				n.closed[f.Wave] = true
			}
		}
	}
	before := n.closed[wave]
	n.closed[wave] = true
	return before
}

// measured is a line about a check when its answer changes; with -v, about each measure.
func (n *notices) measured(f rollout.GateMeasured) string {
	key := f.Wave + "\x00" + f.Check
	news := n.answers[key] != f.Verdict
	if n.answers == nil {
		n.answers = map[string]plan.Verdict{}
	}
	n.answers[key] = f.Verdict
	if n.opts.Quiet || !news && !n.opts.Verbose {
		return ""
	}
	return fmt.Sprintf("check %s: %s", f.Check, n.opts.paint(hue(f.Verdict), string(f.Verdict))) + Because(f.Evidence)
}

// Because puts a reason behind what it is the reason of.
func Because(reason string) string { return text.Because(reason) }

// Verdict is what a verdict means for a gate; "" is one that is still asked.
func Verdict(v plan.Verdict) string {
	switch v {
	case plan.VerdictPass:
		return "passed"
	case plan.VerdictFail:
		return "failed"
	case plan.VerdictInconclusive:
		return "inconclusive"
	}
	return "open"
}

func hue(v plan.Verdict) colour {
	switch v {
	case plan.VerdictPass:
		return green
	case plan.VerdictFail:
		return red
	}
	return yellow
}

// clock is a time of day for people: the date is that of the report.
func clock(t time.Time) string { return t.UTC().Format("15:04:05") + " UTC" }

// atGate says what the gate waits for that is asked at the moment; "" when none is.
func atGate(r *rollout.Report, now time.Time) string {
	w := r.CurrentWave()
	if w == nil || w.Gate == nil || w.Gate.Verdict != "" {
		return ""
	}
	return "wave " + w.Name + " " + gateState(w.Gate, now)
}

func gateState(g *rollout.GateReport, now time.Time) string {
	if g.Waiting {
		return "waits for an approval:  skein rollout approve"
	}
	var parts []string
	if left := g.Until.Sub(now); left > 0 {
		parts = append(parts, "bakes, "+Span(left.Round(time.Second))+" left")
	}
	for _, c := range g.Checks {
		answer := "not asked yet"
		if c.Verdict != "" {
			answer = string(c.Verdict)
		}
		parts = append(parts, c.Name+" "+answer)
	}
	if len(parts) == 0 {
		return "waits at its gate"
	}
	return strings.Join(parts, ", ")
}
