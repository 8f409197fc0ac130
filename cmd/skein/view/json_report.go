package view

import (
	"time"

	"github.com/skeindb/skein/engine"
	"github.com/skeindb/skein/orchestrator"
	"github.com/skeindb/skein/orchestrator/control"
	"github.com/skeindb/skein/orchestrator/plan"
	"github.com/skeindb/skein/orchestrator/rollout"
)

// ReportJSON is a report as the last line of a stream and `rollout show --json` have it.
func ReportJSON(r *rollout.Report, exit int, o Options) ReportDocument {
	doc := ReportDocument{
		Rollout: r.Rollout, Type: r.Kind, Target: r.Target, State: r.State, Reason: r.Reason, Exit: exit,
		Counts: counts(r), Failed: failuresJSON(r, r.Failed(), o), Uncertain: failuresJSON(r, r.Uncertain(), o),
		Notices: noticeKindsJSON(r, o), Next: Command(r.Next()), Running: runningJSON(r),
	}
	if o.Next != "" {
		doc.Next = o.Next
	}
	if o.Rehearsal != nil { // nothing of it is stored, so there is nothing to show or to resume
		doc.Rollout, doc.Next, doc.Rehearsal = "", "", rehearsalJSON(o.Rehearsal)
		doc.Counts = rehearsalCounts(counts(r), o.Rehearsal)
	}
	return doc
}

// RolloutJSON is `rollout show --json`.
func RolloutJSON(r *control.Record, o Options) RolloutDocument {
	return RolloutDocument{ReportJSON(r.Report, ExitCode(r.Report), o), WavesJSON(r.Report), AuditJSON(r.Audit())}
}

func failuresJSON(r *rollout.Report, tenants []rollout.TenantReport, o Options) []FailedTenant {
	list := []FailedTenant{}
	for _, t := range tenants {
		f := t.Failure
		list = append(list, FailedTenant{
			Tenant: t.Tenant, Revision: f.Revision, File: o.file(f.File), Line: f.Line, Statement: f.Statement,
			Class: f.Class, SQLState: f.SQLState, Error: f.Message, Hint: Commands(f.Hint), Cause: f.Cause, Context: f.Context,
			Notices: noticesJSON(r.NoticesOf(t.Tenant), o),
		})
	}
	return list
}

// counts has every outcome that can be final, also those of which there is none.
func counts(r *rollout.Report) map[plan.Outcome]int {
	all := r.Counts()
	for _, o := range order {
		if _, ok := all[o]; !ok {
			all[o] = 0
		}
	}
	return all
}

// noticesJSON is notices as lines about tenants and the failed ones of a report have them.
func noticesJSON(all []rollout.Notice, o Options) []ServerNotice {
	list := []ServerNotice{}
	for _, n := range all {
		list = append(list, noticeJSON(n, o))
	}
	return list
}

func noticeJSON(n rollout.Notice, o Options) ServerNotice {
	return ServerNotice{
		Severity: n.Severity, SQLState: n.SQLState, Message: n.Message, Cause: n.Cause,
		Revision: n.Revision, File: o.file(n.File), Line: n.Line,
	}
}

// noticeKindsJSON is what a report has: each kind with the number of its tenants.
func noticeKindsJSON(r *rollout.Report, o Options) []NoticeKind {
	kinds, _ := r.Notices()
	all := []NoticeKind{}
	for _, k := range kinds {
		all = append(all, NoticeKind{noticeJSON(k.Example, o), k.Count, list(k.Tenants)})
	}
	return all
}

// runningJSON has the running tenants, and the sessions that they wait for.
func runningJSON(r *rollout.Report) []RunningTenant {
	list := []RunningTenant{}
	for _, t := range r.Running() {
		list = append(list, RunningTenant{t.Tenant, t.Since.UTC(), t.Attempt, holdersJSON(t.For)})
	}
	return list
}

func waitsJSON(waits []rollout.TenantWait) []TenantWait {
	list := []TenantWait{}
	for _, w := range waits {
		list = append(list, TenantWait{w.Tenant, holdersJSON(w.For)})
	}
	return list
}

func holdersJSON(holders []engine.Holder) []LockSession {
	list := []LockSession{}
	for _, h := range holders {
		list = append(list, LockSession{h.PID, h.Application, h.User, h.State, h.Age.Milliseconds(), h.Query})
	}
	return list
}

// rehearsalJSON is what only the report of a rehearsal has.
func rehearsalJSON(h *orchestrator.Rehearsal) *RehearsalResult {
	doc := &RehearsalResult{Planned: h.Of, Locks: []RehearsedLock{}, Untried: []UntriedRevision{}}
	for _, l := range h.Locks {
		doc.Locks = append(doc.Locks, RehearsedLock{l.Object, l.Mode, float64(l.Longest.Microseconds()) / 1000, l.Tenant, l.Tenants})
	}
	for _, u := range h.Untried {
		doc.Untried = append(doc.Untried, UntriedRevision{u.Revision, u.Why})
	}
	return doc
}

// WavesJSON is the waves of a report as `rollout show --json` has them.
func WavesJSON(r *rollout.Report) []WaveDocument {
	waves := make([]WaveDocument, 0, len(r.Waves))
	for i := range r.Waves {
		w := &r.Waves[i]
		waves = append(waves, WaveDocument{w.Name, w.Planned, WaveState(r, w), finals(w), w.Joined, gateJSON(r, w.Gate)})
	}
	return waves
}

// gateJSON is nil until the wave is through, and where it has no gate.
func gateJSON(r *rollout.Report, g *rollout.GateReport) *GateDocument {
	if g == nil {
		return nil
	}
	checks := make([]CheckDocument, 0, len(g.Checks))
	for _, c := range g.Checks {
		checks = append(checks, CheckDocument{c.Name, c.Verdict, c.Evidence, list(c.Tenants), c.Passes, c.Failures, c.Unknown, utc(c.At)})
	}
	bake := time.Duration(0)
	if g.Until.After(g.Closed) && !g.Closed.IsZero() {
		bake = g.Until.Sub(g.Closed).Round(time.Second)
	}
	doc := &GateDocument{
		Verdict: g.Verdict, Reason: g.Reason, Bake: Span(bake), Closed: utc(g.Closed), Until: utc(g.Until),
		Approval: g.Approval, Waiting: g.Waiting && !over(r), Checks: checks,
	}
	if g.Approved != nil {
		by := commandJSON(*g.Approved)
		doc.Approved = &by
	}
	return doc
}

func commandJSON(c rollout.Command) CommandDocument {
	return CommandDocument{c.Seq, c.Action, c.Wave, list(c.Tenants), c.Reason, c.User, c.Host, c.At.UTC()}
}

// AuditJSON is `rollout audit --json`.
func AuditJSON(entries []control.AuditEntry) []AuditDocument {
	lines := make([]AuditDocument, 0, len(entries))
	for _, e := range entries {
		line := AuditDocument{CommandDocument: commandJSON(e.Command), Rollout: e.Rollout, Taken: utc(e.Acknowledged)}
		if line.Taken != nil {
			line.Refused = &e.Refused
		}
		lines = append(lines, line)
	}
	return lines
}

// utc is a time in JSON; nil when there is none.
func utc(t time.Time) *time.Time {
	if t.IsZero() {
		return nil
	}
	t = t.UTC()
	return &t
}
