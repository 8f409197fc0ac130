package view

import (
	"fmt"
	"io"
	"time"

	"github.com/skeindb/skein/orchestrator/rollout"
)

// Plain writes lines, for logs and pipes: what people have to know, and progress every few seconds.
type Plain struct {
	out     io.Writer
	notices notices
	report  *rollout.Report
	last    time.Time
}

// every is the time between two lines of progress.
const every = 5 * time.Second

// NewPlain returns a view that writes lines to w.
func NewPlain(w io.Writer, opts Options) *Plain {
	return &Plain{out: w, notices: notices{opts: opts}, report: opts.report()}
}

// Note writes a line.
func (v *Plain) Note(message string) {
	if !v.notices.opts.Quiet {
		fmt.Fprintln(v.out, v.notices.warning(message))
	}
}

// Observe writes what is worth a line.
func (v *Plain) Observe(e rollout.Event) {
	v.report.Apply(e)
	if text := v.notices.line(e); text != "" {
		fmt.Fprintln(v.out, text)
	}
	if v.last.IsZero() {
		v.last = e.Time
	}
	if !v.notices.opts.Quiet && e.Time.Sub(v.last) >= every {
		v.last = e.Time
		text := progress(v.report, e.Time, v.notices.opts)
		if now := underWay(v.report, e.Time); now != "" {
			text += " · now " + now
		}
		fmt.Fprintln(v.out, Line(text))
	}
}

// Close writes the report.
func (v *Plain) Close(report *rollout.Report, exit int) {
	v.notices.opts.end(v.out, report, exit)
}
