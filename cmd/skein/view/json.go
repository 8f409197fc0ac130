package view

import (
	"encoding/json"
	"io"
	"time"

	"github.com/skeindb/skein/orchestrator/rollout"
)

// JSON writes a line an event: first `version`, last exactly one `report`, or one `error` where there is nothing to
// report. Nothing is written before the first event, so that a run which never began can still be reported as one
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
	widths map[string]int  // by server, to report only what got narrower
}

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
	v.line(v.now(), &versionLine{lineHead: head("version"), Version: v.version, Format: 1})
	for _, message := range v.notes {
		v.line(v.now(), &warningLine{lineHead: head("warning"), Message: message})
	}
	v.notes = nil
}

// line writes one line.
func (v *JSON) line(at time.Time, l streamLine) {
	v.seq++
	h := l.header()
	h.Seq, h.Time = v.seq, at.UTC()
	_ = v.enc.Encode(l) // a closed pipe ends the program by its signal
}

// Note writes a warning, at the latest with the first event.
func (v *JSON) Note(message string) {
	if !v.Begun() {
		v.notes = append(v.notes, message)
		return
	}
	v.line(v.now(), &warningLine{lineHead: head("warning"), Message: message})
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
	if l := describe(e, v.opts); l != nil {
		v.line(e.Time, l)
	}
}

// narrower notes a server's width and reports whether it shrank. Growth is no news.
func (v *JSON) narrower(w rollout.WidthChanged) bool {
	before, known := v.widths[w.Server]
	v.widths[w.Server] = w.Width
	return !known || w.Width < before
}

// rehearsed reports whether a fact of a rehearsal is shown: its rollout is not stored, so it cannot be looked up.
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
	v.line(v.now(), &reportLine{head("report"), ReportJSON(report, exit, v.opts)})
	v.ended = true
}

// Fail ends a stream without a report: its last line has the error.
func (v *JSON) Fail(doc ErrorDocument, exit int) {
	v.begin()
	v.line(v.now(), &errorLine{head("error"), exit, doc})
	v.ended = true
}

// list makes sure that an array is never null.
func list(ids []string) []string {
	if ids == nil {
		return []string{}
	}
	return ids
}
