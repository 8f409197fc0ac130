package view

import (
	"fmt"
	"strings"
	"time"

	"github.com/skeindb/skein/engine/text"
	"github.com/skeindb/skein/orchestrator/plan"
	"github.com/skeindb/skein/orchestrator/rollout"
)

// progress is the state of a run in words.
func progress(r *rollout.Report, now time.Time, o Options) string {
	failed, left := r.Count(plan.OutcomeFailed)+r.Count(plan.OutcomeUncertain), r.Left()
	var b strings.Builder
	form := "%d done, %d failed, %d left of %d"
	if o.Rehearsal != nil {
		form = "%d without a failure, %d would fail, %d left of %d"
	}
	fmt.Fprintf(&b, form, r.Planned()-failed-left, failed, left, r.Planned())
	if rate := r.Rate(now); rate > 0 {
		fmt.Fprintf(&b, " · %s/s", short(rate))
	}
	if eta, ok := r.ETA(now); ok && left > 0 {
		fmt.Fprintf(&b, " · %s to go", eta.Round(time.Second))
	}
	return b.String()
}

// underWay names what runs at the moment, the longest first, cut to a few; and what is waited for.
func underWay(r *rollout.Report, now time.Time) string {
	const most = 2
	for name, s := range r.Servers {
		if s.Paused != nil {
			return "waiting for " + name
		}
	}
	running := r.Running()
	if gate := atGate(r, now); gate != "" && len(running) == 0 {
		return gate
	}
	var parts []string
	for _, t := range running[:min(most, len(running))] {
		part := t.Tenant
		if d := now.Sub(t.Since); d > 2*time.Second {
			part += " " + d.Round(time.Second).String()
		}
		if len(t.For) > 0 {
			part += " (waits for " + pids(t.For) + ")"
		}
		parts = append(parts, part)
	}
	if more := len(running) - most; more > 0 {
		parts = append(parts, fmt.Sprintf("%d more", more))
	}
	return strings.Join(parts, ", ")
}

// short prints a rate without needless digits.
func short(rate float64) string {
	if rate >= 10 {
		return fmt.Sprintf("%.0f", rate)
	}
	return fmt.Sprintf("%.1f", rate)
}

// Count is a number and its noun.
func Count(n int, noun string) string { return text.Count(n, noun) }
