package view

import (
	"fmt"
	"io"
	"strings"
	"text/tabwriter"

	"github.com/skeindb/skein/orchestrator/plan"
	"github.com/skeindb/skein/orchestrator/rollout"
)

// finals are the outcomes of a wave's tenants, and those that are under way as pending.
func finals(w *rollout.WaveReport) map[plan.Outcome]int {
	n := make(map[plan.Outcome]int, len(order))
	for _, o := range order {
		n[o] = w.Count(o)
	}
	n[plan.OutcomePending] += w.Count(plan.OutcomeRunning) + w.Count(plan.OutcomeRetrying) + w.Count(plan.OutcomeDeferred)
	return n
}

// WaveState is the state of a wave: pending, running, stopped (started in a run that ended) or finished.
func WaveState(r *rollout.Report, w *rollout.WaveReport) string {
	switch {
	case w.Finished, finals(w)[plan.OutcomePending] == 0 && (w.Planned > 0 || w.Gate.Passed()):
		return "finished"
	case !w.Started:
		return "pending"
	case r.State == rollout.StateRunning, r.State == rollout.StateWaiting:
		return "running"
	}
	return "stopped"
}

// writeWaves is a line a wave, where there are several or one has a gate.
func writeWaves(w io.Writer, r *rollout.Report, o Options) {
	gated := len(o.Gates) > 0
	for i := range r.Waves {
		gated = gated || r.Waves[i].Gate != nil
	}
	if len(r.Waves) < 2 && !gated {
		return
	}
	fmt.Fprintln(w)
	t := tabwriter.NewWriter(w, 0, 8, 2, ' ', 0)
	fmt.Fprintln(t, "  WAVE\tTENANTS\tRESULT\tGATE")
	for i := range r.Waves {
		wave := &r.Waves[i]
		tenants := fmt.Sprint(wave.Planned)
		if wave.Joined > 0 {
			tenants += fmt.Sprintf(" (%d joined)", wave.Joined)
		}
		gate := "–"
		if wave.Gate != nil {
			gate = gateWord(r, wave.Gate)
		} else if words := o.Gates[wave.Name]; words != "" {
			gate = "not asked yet: " + words
			if over(r) && r.State != rollout.StateHalted {
				gate = "not asked: " + words
			}
		}
		Row(t, "  %s\t%s\t%s\t%s\n", wave.Name, tenants, Counts(finals(wave)), gate)
	}
	_ = t.Flush() // an error of w has nowhere to go
}

// gateWord is the state of a gate. One of a rollout that was aborted, halted or taken back waits for nothing.
func gateWord(r *rollout.Report, g *rollout.GateReport) string {
	switch {
	case g.Verdict == "" && over(r):
		return "not passed"
	case g.Waiting:
		return "waits for an approval"
	case g.Verdict == "" && !g.Until.IsZero():
		return "bakes until " + clock(g.Until)
	}
	return Verdict(g.Verdict)
}

// over reports whether the rollout has ended and does not continue from where it is.
func over(r *rollout.Report) bool {
	switch r.State {
	case rollout.StateAborted, rollout.StateHalted, rollout.StateFinished:
		return true
	}
	return r.TakenBack
}

// writeGates is a paragraph for each gate that was asked: its verdict and the evidence. Quiet leaves out those that passed.
func writeGates(w io.Writer, r *rollout.Report, o Options) {
	for i := range r.Waves {
		g := r.Waves[i].Gate
		if g == nil || o.Quiet && g.Passed() {
			continue
		}
		fmt.Fprintf(w, "\ngate of wave %s: %s%s\n", r.Waves[i].Name, o.paint(hue(g.Verdict), gateWord(r, g)), Because(g.Reason))
		t := tabwriter.NewWriter(w, 0, 8, 2, ' ', 0)
		for _, c := range g.Checks {
			answer := string(c.Verdict)
			if answer == "" {
				answer = "not asked yet"
				if g.Verdict != "" {
					answer = "not asked"
				}
			}
			Row(t, "  %s\t%s\t%s", c.Name, answer, oneLine(c.Evidence))
			if text := measures(c); text != "" {
				fmt.Fprintf(t, "\t%s", text)
			}
			fmt.Fprintln(t)
		}
		_ = t.Flush() // as above
	}
}

// measures says how many measures of a check did not pass. The number of those that passed is not shown: repeated ones
// are not all recorded.
func measures(c rollout.CheckReport) string {
	var parts []string
	if c.Failures > 0 {
		parts = append(parts, fmt.Sprintf("%d failed", c.Failures))
	}
	if c.Unknown > 0 {
		parts = append(parts, fmt.Sprintf("%d inconclusive", c.Unknown))
	}
	return strings.Join(parts, ", ")
}
