package rollout

import (
	"cmp"
	"iter"
	"maps"
	"math"
	"slices"
	"time"

	"github.com/skeindb/skein/engine"
	"github.com/skeindb/skein/orchestrator/plan"
)

// This file has the questions that a Report answers.

// Planned returns how many tenants the rollout has.
func (r *Report) Planned() int {
	n := 0
	for _, w := range r.Waves {
		n += w.Planned
	}
	return n
}

// Count returns how many tenants of the wave have an outcome.
func (w *WaveReport) Count(o plan.Outcome) int {
	if o == plan.OutcomePending {
		return w.counts[rankPending] + max(0, w.Planned-w.counts.named())
	}
	return w.counts[indexOfOutcome(o)]
}

// Unended returns how many tenants of the wave have not ended.
func (w *WaveReport) Unended() int {
	return w.Count(plan.OutcomePending) + w.Count(plan.OutcomeRunning) + w.Count(plan.OutcomeRetrying) + w.Count(plan.OutcomeDeferred)
}

// Count returns how many tenants of the rollout have an outcome.
func (r *Report) Count(o plan.Outcome) int {
	n := 0
	for i := range r.Waves {
		n += r.Waves[i].Count(o)
	}
	return n
}

// Counts returns the tenants by outcome, without those outcomes that none has.
func (r *Report) Counts() map[plan.Outcome]int {
	all := map[plan.Outcome]int{}
	for _, o := range outcomes {
		if n := r.Count(o); n > 0 {
			all[o] = n
		}
	}
	return all
}

// Left returns how many tenants have not ended.
func (r *Report) Left() int {
	return r.Count(plan.OutcomePending) + r.Count(plan.OutcomeRunning) + r.Count(plan.OutcomeRetrying) + r.Count(plan.OutcomeDeferred)
}

// Outcome returns the outcome of a tenant; pending when it was never named.
func (r *Report) Outcome(tenant string) plan.Outcome {
	if i, ok := r.tenants[tenant]; ok {
		return outcomes[r.records[i].outcome]
	}
	return plan.OutcomePending
}

// TenantReport is one tenant of a report.
type TenantReport struct {
	Tenant   string
	Wave     string
	Outcome  plan.Outcome
	From, To []string // nil before its end
	Attempt  int
	Steps    int           // committed in the run that ended it
	Duration time.Duration // of the last attempt
	Failure  *plan.Failure // the last one; nil when there was none
	Reason   string        // why it was skipped
	State    engine.State  // of the survey, if it was refused for that; else ""
}

// Tenants returns those tenants that facts have named, in the order in which they first were.
func (r *Report) Tenants() iter.Seq[TenantReport] {
	return func(yield func(TenantReport) bool) {
		for i := range r.records {
			if !yield(r.tenantAt(int32(i))) {
				return
			}
		}
	}
}

func (r *Report) tenantAt(i int32) TenantReport {
	rec := &r.records[i]
	t := TenantReport{
		Tenant: rec.id, Wave: r.Waves[rec.wave].Name, Outcome: outcomes[rec.outcome], Attempt: int(rec.attempt),
		Steps: int(rec.steps), Duration: rec.duration, Failure: rec.failure, Reason: rec.reason, State: rec.state,
	}
	if rec.way >= 0 {
		t.From, t.To = r.ways.list[rec.way].From, r.ways.list[rec.way].To
	}
	return t
}

// Failed returns the failed tenants by id. Their Failure is never nil.
func (r *Report) Failed() []TenantReport { return r.with(rankFailed) }

// Uncertain returns the tenants of which it is not known whether their last change was committed, by id. Their Failure
// is never nil.
func (r *Report) Uncertain() []TenantReport { return r.with(rankUncertain) }

func (r *Report) with(outcome outcomeIndex) []TenantReport {
	failed := []TenantReport{}
	for i := range r.records {
		if r.records[i].outcome == outcome {
			t := r.tenantAt(int32(i))
			if t.Failure == nil {
				t.Failure = &plan.Failure{Message: "no reason was recorded"}
			}
			failed = append(failed, t)
		}
	}
	slices.SortFunc(failed, func(a, b TenantReport) int { return cmp.Compare(a.Tenant, b.Tenant) })
	return failed
}

// RunningTenant is a tenant that is being migrated.
type RunningTenant struct {
	Tenant  string
	Since   time.Time
	Attempt int
	For     []engine.Holder // sessions that it waits for; nil = none, as far as is known
}

// Running returns the tenants that are being migrated, the longest first. A report without the ticks has only those that
// have run for more than a second.
func (r *Report) Running() []RunningTenant {
	all := slices.AppendSeq(make([]RunningTenant, 0, len(r.running)), maps.Values(r.running))
	for _, waits := range r.waits {
		for _, w := range waits {
			if i := slices.IndexFunc(all, func(t RunningTenant) bool { return t.Tenant == w.Tenant }); i >= 0 {
				all[i].For = w.For
			}
		}
	}
	slices.SortFunc(all, func(a, b RunningTenant) int {
		return cmp.Or(a.Since.Compare(b.Since), cmp.Compare(a.Tenant, b.Tenant))
	})
	return all
}

// Transitions returns from where to where how many tenants went, the most frequent first.
func (r *Report) Transitions() []Transition {
	trodden := slices.DeleteFunc(slices.Clone(r.ways.list), func(w Transition) bool { return w.Tenants == 0 })
	slices.SortStableFunc(trodden, func(a, b Transition) int { return b.Tenants - a.Tenants })
	return trodden
}

// CurrentWave returns the wave whose tenants run, or whose gate is closed; nil when the rollout does not run, or has not
// begun a wave yet. It is valid until the next fact.
func (r *Report) CurrentWave() *WaveReport {
	if !r.inWave || r.State != StateRunning && r.State != StateWaiting {
		return nil
	}
	return &r.Waves[r.wave]
}

// Rate returns how many tenants a second ended in this run until now, the time at gates not counted; 0 when it is too early
// to say.
func (r *Report) Rate(now time.Time) float64 {
	switch {
	case !r.Finished.IsZero():
		now = r.Finished
	case !r.closed.IsZero():
		now = r.closed
	}
	if d := now.Sub(r.Resumed) - r.idle; d > 0 && r.worked > 0 {
		return float64(r.worked) / d.Seconds()
	}
	return 0
}

// ETA returns how long the remaining tenants take at the rate so far, later gates not counted; false when it is too early to
// say, and while a gate is closed.
func (r *Report) ETA(now time.Time) (time.Duration, bool) {
	rate := r.Rate(now)
	if rate == 0 || r.State != StateRunning || !r.closed.IsZero() {
		return 0, false
	}
	left := float64(r.Left()) / rate * float64(time.Second)
	if left >= math.MaxInt64 {
		return 0, false
	}
	return time.Duration(left), true
}

// End says in a word how a rollout stands when a run has ended.
type End string

const (
	EndComplete    End = "complete"    // nothing is left to do
	EndFailed      End = "failed"      // all were attempted and some failed, or it is not known of some
	EndStopped     End = "stopped"     // halted, aborted, paused or waiting
	EndInterrupted End = "interrupted" // by a signal, or the process died
)

// End returns how the last run ended. Tenants that were to be changed and were not never make a complete rollout unless they
// were skipped, or are gone.
func (r *Report) End() End {
	switch {
	case r.State == StateInterrupted:
		return EndInterrupted
	case r.State == StateHalted, r.State == StateAborted, r.State == StatePaused, r.State == StateWaiting:
		return EndStopped
	case r.unmet() > 0:
		return EndFailed
	}
	return EndComplete
}

// unmet is how many tenants failed or are uncertain, or, in a finished rollout, have not ended.
func (r *Report) unmet() int {
	n := r.Count(plan.OutcomeFailed) + r.Count(plan.OutcomeUncertain)
	if r.State == StateFinished {
		n += r.Left()
	}
	return n
}

// Next is what can be done with a rollout now, as a value: a front end renders it as a command, a button or a call. The zero
// value is nothing.
type Next struct {
	Action  Action // [ActionApprove], [ActionResume] or [ActionRollback]
	Rollout string // id
}

// IsZero reports whether there is nothing to do.
func (n Next) IsZero() bool { return n == Next{} }

// Next returns what to do with the rollout now; the zero value when nothing is left to do.
func (r *Report) Next() Next {
	switch {
	case r.TakenBack, r.Lost:
		return Next{}
	case r.State == StateWaiting:
		return Next{ActionApprove, r.Rollout}
	case r.State == StateAborted && r.Kind == plan.KindUpgrade && r.changed():
		return Next{ActionRollback, r.Rollout}
	case r.State == StateHalted, r.State == StateInterrupted, r.State == StatePaused,
		r.State == StateFinished && r.unmet() > 0:
		return Next{ActionResume, r.Rollout}
	}
	return Next{}
}

// changed reports whether any tenant was changed, at least in part.
func (r *Report) changed() bool {
	for i := range r.records {
		if r.records[i].outcome == rankDone || r.records[i].steps > 0 {
			return true
		}
	}
	return false
}

// Summary returns the report as an entry of [Store].List.
func (r *Report) Summary() Summary {
	return Summary{
		ID: r.Rollout, Kind: r.Kind, State: r.State, Target: r.Target,
		Started: r.Started, Finished: r.Finished, Counts: r.Counts(),
	}
}

// Has reports whether a fact named the tenant.
func (r *Report) Has(tenant string) bool {
	_, ok := r.tenants[tenant]
	return ok
}
