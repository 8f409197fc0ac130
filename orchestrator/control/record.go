package control

import (
	"context"
	"fmt"
	"slices"
	"time"

	"github.com/skeindb/skein/orchestrator/plan"
	"github.com/skeindb/skein/orchestrator/rollout"
)

// Record is a rollout as the store has it.
type Record struct {
	Plan     *plan.Plan // with the tenants that joined
	Events   []rollout.Event
	Report   *rollout.Report // in the state in which the rollout really is, see [Controller.State]
	Commands []rollout.Command
	Attended bool // a process runs it while it waits for an approval; only [Controller.SetAttended] finds out
}

// Load reads a rollout of this fleet.
func (c *Controller) Load(ctx context.Context, id string) (*Record, error) {
	r, err := c.load(ctx, id)
	if err != nil {
		return nil, err
	}
	if r.Plan.Fleet != c.cfg.Fleet {
		return nil, &Error{OtherFleet, id, fmt.Sprintf("rollout %s belongs to fleet %s, not %s", id, r.Plan.Fleet, c.cfg.Fleet), ""}
	}
	r.Report.State, err = c.State(ctx, id, r.Report.State)
	return r, err
}

// loadLocked is Load for a caller that has the fleet's lock: what the store calls running has lost its process.
func (c *Controller) loadLocked(ctx context.Context, id string) (*Record, error) {
	r, err := c.load(ctx, id)
	if err == nil && r.Report.State == rollout.StateRunning {
		r.Report.State = rollout.StateInterrupted
	}
	return r, err
}

// load reads a rollout, in the state of its facts.
func (c *Controller) load(ctx context.Context, id string) (*Record, error) {
	stored, events, err := c.cfg.Store.Load(ctx, id)
	if err != nil {
		return nil, asNotFound(err, id)
	}
	r := &Record{Plan: rollout.Current(stored, events), Events: events, Report: ReportOf(stored, events)}
	r.Commands, err = c.cfg.Store.Since(ctx, id, 0)
	if err != nil {
		return nil, err
	}
	return r, nil
}

// ReportOf folds the facts of a rollout. One that died before its first fact has only a plan.
func ReportOf(p *plan.Plan, events []rollout.Event) *rollout.Report {
	r := &rollout.Report{
		Rollout: p.Rollout, Fleet: p.Fleet, Kind: p.Kind, Target: p.Target, Started: p.Created, State: rollout.StateRunning,
	}
	for _, e := range events {
		r.Apply(e)
	}
	return r
}

// Waiting returns the wave whose gate waits for an approval; "" when none does.
func (r *Record) Waiting() string { return waiting(r.Report) }

func waiting(r *rollout.Report) string {
	for i := range r.Waves {
		if g := r.Waves[i].Gate; g != nil && g.Waiting {
			return r.Waves[i].Name
		}
	}
	return ""
}

// Approval returns the command that approves a wave's gate and that no run has acknowledged yet; nil when there is none.
func (r *Record) Approval(wave string) *rollout.Command {
	for i := range r.Commands {
		if c := &r.Commands[i]; c.Action == rollout.ActionApprove && c.Wave == wave && acknowledged(r.Report, c.Seq) == nil {
			return c
		}
	}
	return nil
}

// Approved reports whether the gate that waits is approved already, so that only a run is missing.
func (r *Record) Approved() bool {
	wave := r.Waiting()
	return wave != "" && r.Report.State != rollout.StateAborted && !r.Report.TakenBack && r.Approval(wave) != nil
}

// acknowledged is what came of a command; nil when it was not handled yet.
func acknowledged(r *rollout.Report, seq int64) *rollout.Commanded {
	i := slices.IndexFunc(r.Commands, func(c rollout.Commanded) bool { return c.Command.Seq == seq })
	if i < 0 {
		return nil
	}
	return &r.Commands[i]
}

// AuditEntry is one line of the audit log: how the rollout began, or what an operator asked of it.
type AuditEntry struct {
	rollout.Command
	Began        bool      // it is no command, but the first run
	Acknowledged time.Time // when the command was handled; zero = not yet
	Refused      string    // why nothing came of it; "" = it was carried out, or not handled yet
}

// Audit returns what was asked of the rollout, in order, with what came of it.
func (r *Record) Audit() []AuditEntry {
	var entries []AuditEntry
	times := map[int64]time.Time{}
	for _, e := range r.Events {
		switch f := e.Fact.(type) {
		case rollout.Started:
			if f.Run == 1 {
				entries = append(entries, AuditEntry{
					Command: rollout.Command{Rollout: e.Rollout, Action: "start", Reason: r.Plan.Tag, User: f.User, Host: f.Host, At: e.Time},
					Began:   true, Acknowledged: e.Time,
				})
			}
		case rollout.Commanded:
			times[f.Command.Seq] = e.Time
		}
	}
	for _, c := range r.Commands {
		entry := AuditEntry{Command: c}
		if came := acknowledged(r.Report, c.Seq); came != nil {
			entry.Acknowledged, entry.Refused = times[c.Seq], came.Refused
		}
		entries = append(entries, entry)
	}
	return entries
}
