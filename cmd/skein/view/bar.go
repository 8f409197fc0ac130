package view

import (
	"io"
	"sync"
	"time"

	"github.com/vbauerster/mpb/v8"
	"github.com/vbauerster/mpb/v8/decor"

	"github.com/skeindb/skein/orchestrator/rollout"
)

// Bar draws a progress bar on a terminal: done, failed, left, rate, time to go, and what runs now or is waited for.
// What people have to know (failures, pauses, gates, warnings) goes above the bar as lines.
type Bar struct {
	out      io.Writer
	notices  notices
	progress *mpb.Progress
	bar      *mpb.Bar

	mu     sync.Mutex
	report *rollout.Report // guarded by mu: mpb draws from a goroutine of its own
}

// NewBar returns a view for the terminal that w is.
func NewBar(w io.Writer, opts Options) *Bar {
	return &Bar{out: w, notices: notices{opts: opts}, report: opts.report()}
}

// Note draws a line above the bar.
func (v *Bar) Note(message string) { _, _ = io.WriteString(v.out, v.notices.warning(message)+"\n") }

// Observe draws one event.
func (v *Bar) Observe(e rollout.Event) {
	v.mu.Lock()
	v.report.Apply(e)
	total, left := v.report.Planned(), v.report.Left()
	v.mu.Unlock()
	if _, ok := e.Fact.(rollout.Started); ok {
		v.start(int64(total))
	}
	if v.bar == nil {
		return
	}
	if text := v.notices.line(e); text != "" {
		_, _ = io.WriteString(v.progress, Escape(text)+"\n")
	}
	if _, ok := e.Fact.(rollout.TenantsJoined); ok {
		v.bar.SetTotal(int64(total), false)
	}
	v.bar.SetCurrent(int64(total - left))
}

func (v *Bar) start(total int64) {
	v.progress = mpb.New(mpb.WithOutput(Raw(v.out)), mpb.WithWidth(30), mpb.WithRefreshRate(100*time.Millisecond))
	words := func(r *rollout.Report, now time.Time) string { return progress(r, now, v.notices.opts) }
	v.bar = v.progress.New(0, mpb.BarStyle().Lbound("").Filler("█").Tip("█").Padding("░").Rbound(""),
		mpb.AppendDecorators(v.words(" ", words), v.words("  ", underWay)))
	v.bar.SetTotal(max(total, 1), false) // a bar that is full is not at its end: tenants may join, and a gate may be asked
}

func (v *Bar) words(space string, of func(*rollout.Report, time.Time) string) decor.Decorator {
	return decor.Any(func(decor.Statistics) string {
		v.mu.Lock()
		defer v.mu.Unlock()
		return space + Escape(Line(of(v.report, time.Now())))
	})
}

// Close ends the bar at its position and draws the report.
func (v *Bar) Close(report *rollout.Report, exit int) {
	if v.bar != nil {
		v.bar.Abort(true)
		v.progress.Wait()
	}
	v.notices.opts.end(v.out, report, exit)
}
