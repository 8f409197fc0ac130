package view

import (
	"cmp"
	"fmt"
	"io"
	"slices"
	"strings"
	"text/tabwriter"
	"time"

	"github.com/skeindb/skein/engine/text"
	"github.com/skeindb/skein/orchestrator/plan"
	"github.com/skeindb/skein/orchestrator/rollout"
)

// order is the order in which outcomes are shown.
var order = []plan.Outcome{
	plan.OutcomeDone, plan.OutcomeUnchanged, plan.OutcomeFailed, plan.OutcomeUncertain, plan.OutcomeSkipped, plan.OutcomeGone, plan.OutcomePending,
}

// underWork are the outcomes that only a running rollout has.
var underWork = []plan.Outcome{plan.OutcomeRunning, plan.OutcomeRetrying, plan.OutcomeDeferred}

// Counts says how many tenants have which outcome, in words.
func Counts(counts map[plan.Outcome]int) string {
	var parts []string
	for _, o := range slices.Concat(order, underWork) {
		if n := counts[o]; n > 0 {
			parts = append(parts, fmt.Sprintf("%d %s", n, o))
		}
	}
	if len(parts) == 0 {
		return "no tenants"
	}
	return strings.Join(parts, ", ")
}

// WriteReport draws a report for people: the result, transitions, causes of failures, and the next command.
func WriteReport(w io.Writer, r *rollout.Report, o Options) { writeReport(w, r, ExitCode(r), o) }

func writeReport(w io.Writer, r *rollout.Report, exit int, o Options) {
	mark := green
	if exit != 0 {
		mark = red
	}
	took := ""
	if !r.Finished.IsZero() {
		took = " in " + elapsed(r.Finished.Sub(r.Resumed))
		if r.Run > 1 { // the counts are of all runs, time and rate of the last one
			took = fmt.Sprintf("; run %d took %s", r.Run, elapsed(r.Finished.Sub(r.Resumed)))
		}
		if rate := r.Rate(r.Finished); rate > 0 {
			took += fmt.Sprintf(" (%s tenants/s)", short(rate))
		}
	}
	fmt.Fprintf(w, "\n%s %s: %s of %d%s\n", r.Kind, o.paint(mark, string(r.State)), Counts(r.Counts()), r.Planned(), took)
	if r.Reason != "" {
		fmt.Fprintf(w, "because %s\n", Line(r.Reason))
	}
	if !o.Quiet {
		writeWaves(w, r, o)
		writeWays(w, r)
	}
	writeGates(w, r, o)
	writeRunning(w, r)
	writeCauses(w, r, o)
	writeNotices(w, r, o)
	if next := nextCommand(r, o); next != "" {
		fmt.Fprintf(w, "\nnext:  %s\n", o.paint(bold, next))
	}
}

// nextCommand is the command line that continues a rollout; "" when nothing is left to do. Where no process waits for an
// approval, it takes a resume after it.
func nextCommand(r *rollout.Report, o Options) string {
	switch {
	case o.Next != "":
		return o.Next
	case r.State == rollout.StateWaiting && !o.Attended:
		return Command(r.Next()) + " && skein rollout resume " + r.Rollout
	}
	return Command(r.Next())
}

// elapsed is a duration to a hundredth of a second, a short one to the millisecond.
func elapsed(d time.Duration) string {
	if d < time.Second {
		return d.Round(time.Millisecond).String()
	}
	return d.Round(10 * time.Millisecond).String()
}

// writeWays is a line for each transition: how many tenants, with which outcome, from where to where.
func writeWays(w io.Writer, r *rollout.Report) {
	ways := r.Transitions()
	if len(ways) == 0 {
		return
	}
	const most = 20
	fmt.Fprintln(w)
	t := tabwriter.NewWriter(w, 0, 8, 2, ' ', 0)
	fmt.Fprintln(t, "  TENANTS\tOUTCOME\tFROM\tNOW AT")
	for _, way := range ways[:min(most, len(ways))] {
		Row(t, "  %d\t%s\t%s\t%s\n", way.Tenants, way.Outcome, orBase(way.From), nowAt(way))
	}
	_ = t.Flush() // an error of w has nowhere to go
	if len(ways) > most {
		fmt.Fprintf(w, "  and %s\n", Count(len(ways)-most, "more row"))
	}
}

// nowAt is where the tenants of a transition stand.
func nowAt(w rollout.Transition) string {
	if w.Outcome == plan.OutcomeUncertain {
		return "not known"
	}
	return orBase(w.To)
}

// writeCauses is a paragraph for each cause of failures, not one for each tenant.
func writeCauses(w io.Writer, r *rollout.Report, o Options) {
	causes := r.Causes()
	if len(causes) == 0 {
		return
	}
	const most = 10
	fmt.Fprintf(w, "\n%s\n", Count(len(causes), "cause"))
	for _, c := range causes[:min(most, len(causes))] {
		f := c.Example
		fmt.Fprintf(w, "  %s  %s\n", o.paint(red, fmt.Sprintf("%d ×", c.Count)), Line(f.Message))
		fmt.Fprintf(w, "       %s\n", Line(place(f, o)))
		if f.Statement != "" {
			fmt.Fprintf(w, "       %s\n", oneLine(f.Statement))
		}
		if f.Context != "" {
			fmt.Fprintf(w, "       in %s\n", oneLine(f.Context))
		}
		fmt.Fprintf(w, "       tenants: %s\n", few(c.Tenants, c.Count))
		const before = 3
		if said := noticeLines(r.NoticesOf(c.Tenants[0]), "         ", before, o); said != "" {
			fmt.Fprintf(w, "       notices before the error:%s\n", said)
		}
		if f.Hint != "" {
			fmt.Fprintf(w, "       hint: %s\n", Line(Commands(f.Hint)))
		}
	}
	if len(causes) > most {
		fmt.Fprintf(w, "  and %s; --json has every tenant\n", Count(len(causes)-most, "more cause"))
	}
}

// place says of which kind a failure is and where in the revision it happened.
func place(f plan.Failure, o Options) string {
	parts := []string{string(f.Class)}
	if f.SQLState != "" {
		parts = append(parts, f.SQLState)
	}
	if f.Revision != "" {
		parts = append(parts, "revision "+f.Revision)
	}
	if f.File != "" {
		parts = append(parts, o.at(f.File, f.Line))
	}
	return strings.Join(parts, " · ")
}

// at is a place in a revision file; line 0 = the file as a whole.
func (o Options) at(file string, line int) string {
	if line == 0 {
		return o.file(file)
	}
	return fmt.Sprintf("%s:%d", o.file(file), line)
}

// oneLine folds white space, and cuts what is too long for a line.
func oneLine(s string) string {
	const most = 120
	s = text.OneLine(s)
	if r := []rune(s); len(r) > most {
		return string(r[:most]) + " …"
	}
	return s
}

func orBase(ids []string) string {
	return cmp.Or(strings.Join(ids, ", "), "<base>")
}
