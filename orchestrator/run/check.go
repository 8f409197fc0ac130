package run

import (
	"context"
	"fmt"
	"strings"
	"time"

	"github.com/skeindb/skein/orchestrator/plan"
	"github.com/skeindb/skein/tenant"
)

const (
	// samePasses is how often a check that passes, and says the same each time, is stored.
	samePasses = time.Minute

	evidenceTenants = 10 // most of Measure.Tenants
)

// measurement is what a meter has said.
type measurement struct {
	plan.Measure
	check int // index into gating.checks
	list  int // gating.list when it began
	took  time.Duration
}

// measure takes one measure in a goroutine of its own.
func (g *gateRun) measure(check int, c plan.Check, subject plan.Subject, list int) {
	begun := time.Now()
	ctx, cancel := context.WithTimeout(g.ctx, c.Timeout)
	defer cancel()
	m := ask(ctx, c.Meter, subject)
	if ctx.Err() == context.DeadlineExceeded {
		m = plan.Measure{Verdict: plan.VerdictInconclusive, Evidence: fmt.Sprintf("no answer in %s", c.Timeout)}
	}
	if m.Verdict != plan.VerdictPass && m.Verdict != plan.VerdictFail {
		m.Verdict = plan.VerdictInconclusive
	}
	m.Tenants = m.Tenants[:min(len(m.Tenants), evidenceTenants)]
	g.results <- measurement{Measure: m, check: check, list: list, took: time.Since(begun)}
	notify(g.wake)
}

// ask calls a meter. One that panics is inconclusive.
func ask(ctx context.Context, meter plan.Meter, subject plan.Subject) (m plan.Measure) {
	defer func() {
		if v := recover(); v != nil {
			first, _, _ := strings.Cut(fmt.Sprint(v), "\n")
			m = plan.Measure{Verdict: plan.VerdictInconclusive, Evidence: "panic: " + first, Redacted: "panic"}
		}
	}()
	return meter.Measure(ctx, subject)
}

// close cancels the meters that are measuring and waits for them. Their results are dropped.
func (g *gateRun) close() {
	g.cancel()
	for ; g.running > 0; g.running-- {
		<-g.results
	}
}

func byID(a, b tenant.Tenant) int { return strings.Compare(a.ID, b.ID) }
