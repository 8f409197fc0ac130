package control

import (
	"context"
	"fmt"

	"github.com/skeindb/skein/orchestrator/plan"
	"github.com/skeindb/skein/orchestrator/rollout"
)

// ApplyPending carries out what operators asked of a rollout that no process runs: it takes the commands that are not
// taken in yet into the facts, and returns the report after them. The caller must hold
// the fleet's lock. What only a run can do, such as passing a gate that was approved, is left for the next run.
//
// Skips and aborts are carried out, a pause is refused. The facts are stored together or not at all, and then shown to
// the observers; a [*rollout.ConflictError] says that another process runs the rollout after all.
func ApplyPending(ctx context.Context, store Store, id string, observers ...rollout.Observer) (*rollout.Report, error) {
	plan, events, err := store.Load(ctx, id)
	if err != nil {
		return nil, err
	}
	h := &pendingCommands{plan: rollout.Current(plan, events), report: &rollout.Report{}}
	for _, e := range events {
		h.report.Apply(e)
	}
	commands, err := rollout.PendingCommands(ctx, store, id, h.report)
	if err != nil {
		return nil, err
	}
	h.abort()
	for _, c := range commands {
		h.handle(c)
	}
	if len(h.facts) == 0 {
		return h.report, nil
	}
	if err := store.Append(ctx, h.facts); err != nil {
		return nil, fmt.Errorf("store what came of the commands: %w", err)
	}
	for _, e := range h.facts {
		for _, o := range observers {
			o.Observe(e)
		}
	}
	return h.report, nil
}

// pendingCommands takes commands in for a rollout that no process runs.
type pendingCommands struct {
	plan   *plan.Plan
	report *rollout.Report // of the stored facts and of facts
	facts  []rollout.Event // new
}

func (h *pendingCommands) emit(f rollout.Fact) {
	if h.report.Run == 0 { // the process that made the rollout died before its first fact
		if _, opens := f.(rollout.Started); !opens {
			h.emit(rollout.Opening(h.plan, 1, rollout.Holder{}))
		}
	}
	e := rollout.Event{Rollout: h.plan.Rollout, Seq: h.report.Seq + 1, Time: rollout.Now(), Fact: f}
	h.report.Apply(e)
	h.facts = append(h.facts, e)
}

func (h *pendingCommands) handle(c rollout.Command) {
	refused := rollout.Admit(h.report, h.plan, &c, nil)
	switch {
	case refused != "":
	case c.Action == rollout.ActionApprove:
		return // the next run handles it
	case c.Action == rollout.ActionSkip:
		places := h.plan.Positions()
		for _, id := range c.Tenants {
			h.skip(id, c.SkippedBy(), places[id])
		}
	}
	h.emit(rollout.Commanded{Command: c, Refused: refused})
	h.abort()
}

// abort ends the rollout if an abort was taken in, be it by a run that died before it could end.
func (h *pendingCommands) abort() {
	if c := h.report.Aborting(); c != nil {
		h.emit(rollout.Ended{State: rollout.StateAborted, Reason: c.Asked()})
	}
}

func (h *pendingCommands) skip(id, reason string, at plan.Position) {
	if h.report.Outcome(id) == plan.OutcomeSkipped {
		return
	}
	f := h.report.SkippedTenant(id, reason)
	wave := &h.plan.Waves[at.Wave]
	f.Wave = wave.Name
	if f.From == nil { // where it stood when it was planned; it is not surveyed now
		f.StandsAt(wave.Name, h.plan.Cohorts[wave.Items[at.Item].Cohort].From)
	}
	h.emit(f)
}
