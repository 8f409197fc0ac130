package view

import (
	"fmt"
	"io"
	"strings"
	"text/tabwriter"
	"time"

	"github.com/skeindb/skein/engine"
	"github.com/skeindb/skein/orchestrator/rollout"
)

// waitsAgain is the time after which a line repeats for which sessions tenants wait. Lines of progress have it too.
const waitsAgain = time.Minute

// waits groups tenants that wait for the same sessions; "" if these were shown within [waitsAgain].
func (n *notices) waits(at time.Time, f rollout.TenantsWaiting) string {
	if n.awaited == nil {
		n.awaited = map[string]time.Time{}
	}
	var order []string
	tenants, sessionsOf := map[string][]string{}, map[string][]engine.Holder{}
	for _, w := range f.Waits {
		blocker := describeHolders(w.For)
		if tenants[blocker] == nil {
			order = append(order, blocker)
		}
		sessionsOf[blocker] = w.For
		tenants[blocker] = append(tenants[blocker], w.Tenant)
	}
	lines := make([]string, 0, len(order))
	for _, blocker := range order {
		session := f.Server + " " + pids(sessionsOf[blocker])
		if last, shown := n.awaited[session]; shown && at.Sub(last) < waitsAgain {
			continue
		}
		n.awaited[session] = at
		lines = append(lines, fmt.Sprintf("%s %s on %s for %s", n.opts.paint(yellow, "waiting"), Some(tenants[blocker]), orLocal(f.Server), blocker))
	}
	return strings.Join(lines, "\n")
}

func describeHolders(holders []engine.Holder) string {
	parts := make([]string, 0, len(holders))
	for _, h := range holders {
		parts = append(parts, oneLine(h.String()))
	}
	return strings.Join(parts, ", and ")
}

// pids names sessions in few words.
func pids(holders []engine.Holder) string {
	parts := make([]string, 0, len(holders))
	for _, h := range holders {
		parts = append(parts, fmt.Sprintf("pid %d", h.PID))
	}
	return strings.Join(parts, ", ")
}

// writeRunning is a line for each running tenant, up to some.
func writeRunning(w io.Writer, r *rollout.Report) {
	running := r.Running()
	if len(running) == 0 {
		return
	}
	const most = 20
	fmt.Fprintf(w, "\n%s running\n", Count(len(running), "tenant"))
	t := tabwriter.NewWriter(w, 0, 8, 2, ' ', 0)
	for _, x := range running[:min(most, len(running))] {
		waits := ""
		if len(x.For) > 0 {
			waits = "waits for " + describeHolders(x.For)
		}
		fmt.Fprintf(t, "  %s\tsince %s\t%s\n", x.Tenant, x.Since.UTC().Format(time.TimeOnly), waits)
	}
	_ = t.Flush() // an error of w has nowhere to go
	if len(running) > most {
		fmt.Fprintf(w, "  and %d more\n", len(running)-most)
	}
}
