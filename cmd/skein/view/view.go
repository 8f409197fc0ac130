package view

import (
	"io"
	"path"

	"github.com/skeindb/skein/orchestrator"
	"github.com/skeindb/skein/orchestrator/plan"
	"github.com/skeindb/skein/orchestrator/rollout"
)

// View draws one run of a rollout. Observe is called from one goroutine, Close once after the last event.
type View interface {
	rollout.Observer
	// Note draws something that people should know before the run. It is not called after it has begun.
	Note(message string)
	// Close draws the report that ends the run; exit is the code the program will end with.
	Close(report *rollout.Report, exit int)
}

// Options say how much is drawn and how.
type Options struct {
	Verbose bool
	Quiet   bool
	Colour  bool
	Folder  string            // of the revision files, as the user would write it; put before their names
	Earlier []rollout.Event   // facts of the rollout's earlier runs, for a resumption
	Gates   map[string]string // what must hold after a wave, in words, by its name; waves without a gate are not in it
	Next    string            // the next command where more is known than the report says; "" = what the report says

	Attended bool // a process runs the rollout, and continues as soon as its gate is approved

	Rehearsal *orchestrator.Rehearsal // of a rehearsal: what is known besides the report when it ends; nil = it is none
}

// report is the fold of the earlier runs, with which a view starts.
func (o Options) report() *rollout.Report {
	r := &rollout.Report{}
	for _, e := range o.Earlier {
		r.Apply(e)
	}
	return r
}

// leftByWave is how many tenants of each wave the earlier runs left: they failed, or did not finish.
func (o Options) leftByWave() map[string]int {
	r := o.report()
	left := map[string]int{}
	for i := range r.Waves {
		w := &r.Waves[i]
		counts := finals(w)
		left[w.Name] = counts[plan.OutcomePending] + counts[plan.OutcomeFailed] + counts[plan.OutcomeUncertain]
	}
	return left
}

func sum(counts map[string]int) (n int) {
	for _, c := range counts {
		n += c
	}
	return n
}

// end draws what ends a run.
func (o Options) end(w io.Writer, r *rollout.Report, exit int) {
	if o.Rehearsal != nil {
		writeRehearsal(w, r, exit, o)
		return
	}
	writeReport(w, r, exit, o)
}

// file is a revision's file as the user would write it; "" stays "".
func (o Options) file(name string) string {
	if name == "" {
		return ""
	}
	return path.Join(o.Folder, name)
}

type colour string

const (
	red    colour = "31"
	green  colour = "32"
	yellow colour = "33"
	bold   colour = "1"
)

func (o Options) paint(c colour, s string) string {
	if !o.Colour {
		return s
	}
	return painted(c, s)
}
