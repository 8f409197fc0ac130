package view

import (
	"encoding/json"
	"io"
	"time"

	"github.com/skeindb/skein/orchestrator/plan"
	"github.com/skeindb/skein/orchestrator/rollout"
)

// JSON writes a line an event: first `version`, last exactly one `report`, or one `error` where there is nothing to
// report. Nothing is written before the first event, so that a run which never began can still be told of by one
// document.
type JSON struct {
	enc     *json.Encoder
	seq     int
	version string
	now     func() time.Time
	opts    Options

	notes []string // until the first event
	ended bool     // the last line is written

	last   *rollout.Report // of the part that ended last
	widths map[string]int  // by server, to tell only what got narrower
}

// fields are the keys of a line besides kind, seq and time.
type fields map[string]any

// NewJSON returns a view that writes JSON lines to w. The first has the version of the tool.
func NewJSON(w io.Writer, version string, opts Options) *JSON {
	enc := json.NewEncoder(w)
	enc.SetEscapeHTML(false)
	return &JSON{enc: enc, version: version, now: time.Now, opts: opts, widths: map[string]int{}}
}

// Begun reports whether anything was written.
func (v *JSON) Begun() bool { return v.seq > 0 }

// Ended reports whether the last line was written.
func (v *JSON) Ended() bool { return v.ended }

// begin writes what comes first, unless that is done.
func (v *JSON) begin() {
	if v.Begun() {
		return
	}
	v.line("version", v.now(), fields{"version": v.version, "format": 1})
	for _, message := range v.notes {
		v.line("warning", v.now(), fields{"message": message})
	}
	v.notes = nil
}

// line writes one line. encoding/json sorts the keys of a map; the order of keys means nothing.
func (v *JSON) line(kind string, at time.Time, f fields) {
	v.seq++
	f["kind"], f["seq"], f["time"] = kind, v.seq, at.UTC().Format(time.RFC3339Nano)
	_ = v.enc.Encode(f) // a closed pipe ends the program by its signal
}

// Note writes a warning, at the latest with the first event.
func (v *JSON) Note(message string) {
	if !v.Begun() {
		v.notes = append(v.notes, message)
		return
	}
	v.line("warning", v.now(), fields{"message": message})
}

// Observe writes one event.
func (v *JSON) Observe(e rollout.Event) {
	v.begin()
	if v.opts.Rehearsal != nil && !rehearsed(e.Fact) {
		return
	}
	if w, ok := e.Fact.(rollout.WidthChanged); ok && !v.narrower(w) {
		return
	}
	if t, ok := e.Fact.(rollout.TenantFinished); ok {
		t.Outcome = v.opts.Rehearsal.Outcome(t.Tenant, t.Outcome)
		e.Fact = t
	}
	if kind, f := describe(e); kind != "" {
		if t, ok := e.Fact.(rollout.TenantFinished); ok && len(t.Notices) > 0 {
			f["notices"] = noticesJSON(t.Notices, v.opts)
		}
		v.line(kind, e.Time, f)
	}
}

// narrower notes a server's width and reports whether it shrank. Growth is no news.
func (v *JSON) narrower(w rollout.WidthChanged) bool {
	before, known := v.widths[w.Server]
	v.widths[w.Server] = w.Width
	return !known || w.Width < before
}

// rehearsed reports whether a fact of a rehearsal is told: its rollout is none that anybody could look up.
func rehearsed(f rollout.Fact) bool {
	switch f.(type) {
	case rollout.Started, rollout.Ended, rollout.WaveStarted, rollout.WaveFinished:
		return false
	}
	return true
}

// Part returns a view for one of several runs in this stream. The report of the last one ends the stream, by End.
func (v *JSON) Part() View { return part{v} }

type part struct{ *JSON }

func (p part) Close(report *rollout.Report, _ int) { p.last = report }

// End writes the report of the last part, the last line.
func (v *JSON) End(exit int) {
	if v.last == nil {
		v.last = &rollout.Report{}
	}
	v.Close(v.last, exit)
}

// Close writes the report, the last line.
func (v *JSON) Close(report *rollout.Report, exit int) {
	v.begin()
	v.line("report", v.now(), ReportJSON(report, exit, v.opts))
	v.ended = true
}

// Fail ends a stream without a report: its last line has the error.
func (v *JSON) Fail(doc map[string]any, exit int) {
	v.begin()
	f := fields{"exit": exit}
	for key, value := range doc {
		f[key] = value
	}
	v.line("error", v.now(), f)
	v.ended = true
}

// describe turns a fact into the kind and the fields of its line; no kind, no line.
func describe(e rollout.Event) (kind string, f fields) {
	switch t := e.Fact.(type) {
	case rollout.Started:
		waves := make([]fields, 0, len(t.Waves))
		n := 0
		for _, w := range t.Waves {
			waves = append(waves, fields{"name": w.Name, "tenants": w.Tenants})
			n += w.Tenants
		}
		return "rollout", fields{
			"rollout": e.Rollout, "state": rollout.StateRunning, "type": t.Kind, "target": t.Target,
			"run": t.Run, "tenants": n, "waves": waves,
		}
	case rollout.Ended:
		return "rollout", fields{"rollout": e.Rollout, "state": t.State, "reason": t.Reason}
	case rollout.WaveStarted:
		return "wave", fields{"wave": t.Wave, "state": "started"}
	case rollout.WaveFinished:
		return "wave", fields{"wave": t.Wave, "state": "finished"}
	case rollout.TenantsJoined:
		return "wave", fields{"wave": t.Wave, "state": "joined", "tenants": joinedIDs(t)}
	case rollout.GateClosed, rollout.GateMeasured, rollout.ApprovalAwaited, rollout.GateSettled:
		return "gate", describeGate(e)
	case rollout.Commanded:
		return "command", CommandJSON(t.Command, &t.Refused)
	case rollout.ServerPaused:
		return "warning", fields{"server": t.Server, "message": "server paused: " + t.Failure.Place() + t.Failure.Message, "hint": Commands(t.Failure.Hint)}
	case rollout.ServerResumed:
		return "warning", fields{"server": t.Server, "message": "server answers again"}
	case rollout.WidthChanged:
		return "warning", fields{"server": t.Server, "message": "width changed: " + t.Reason, "width": t.Width}
	case rollout.Warned:
		return "warning", fields{"message": t.Message}
	case rollout.TenantsWaiting:
		if e.Tick() {
			return "", nil
		}
		return "waiting", fields{"server": t.Server, "waits": waitsJSON(t.Waits)}
	case rollout.TenantStarted, rollout.TenantRetrying, rollout.TenantDeferred, rollout.TenantFinished:
		return "tenant", describeTenant(t)
	case rollout.TenantsDispatched, rollout.TenantReturned, rollout.TenantsReplanned, rollout.TenantsRunning:
		// other lines say what there is to say of these tenants
	}
	return "", nil
}

func describeTenant(fact rollout.Fact) fields {
	f := fields{"error": nil, "from": []string{}, "to": []string{}}
	switch t := fact.(type) {
	case rollout.TenantStarted:
		f["tenant"], f["outcome"], f["attempt"], f["from"] = t.Tenant, plan.OutcomeRunning, t.Attempt, list(t.From)
	case rollout.TenantRetrying:
		f["tenant"], f["outcome"], f["attempt"] = t.Tenant, plan.OutcomeRetrying, t.Attempt
		f["error"], f["wait_ms"] = t.Failure.Message, t.Wait.Milliseconds()
	case rollout.TenantDeferred:
		f["tenant"], f["outcome"], f["attempt"], f["error"] = t.Tenant, plan.OutcomeDeferred, t.Attempt, t.Failure.Message
	case rollout.TenantFinished:
		f["tenant"], f["outcome"], f["attempt"] = t.Tenant, t.Outcome, t.Attempt
		f["from"], f["to"], f["steps"], f["duration_ms"] = list(t.From), list(t.To), t.Steps, t.Duration.Milliseconds()
		if t.Failure != nil {
			f["error"], f["class"] = t.Failure.Message, t.Failure.Class
		}
		if t.Reason != "" {
			f["reason"] = t.Reason
		}
	}
	return f
}

// list makes sure that an array is never null.
func list(ids []string) []string {
	if ids == nil {
		return []string{}
	}
	return ids
}
