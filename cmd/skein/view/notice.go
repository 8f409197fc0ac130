package view

import (
	"fmt"
	"time"

	"github.com/skeindb/skein/orchestrator"
)

// notices turns events into lines for people, those that are worth one.
type notices struct {
	opts   Options
	failed int // lines about failed tenants so far
}

// mostFailed bounds the lines about single failed tenants. The report tells all of them, by cause.
const mostFailed = 10

// line is the line for an event; "" where none is worth it.
func (n *notices) line(e orchestrator.Event) string {
	o := n.opts
	switch f := e.Fact.(type) {
	case orchestrator.RolloutStarted:
		if !o.Quiet {
			return started(e.Rollout, f)
		}
	case orchestrator.TenantRetrying:
		if o.Verbose {
			return fmt.Sprintf("%s %s (try %d): %s; again in %s", o.paint(yellow, "retry"), f.Tenant, f.Attempt, f.Failure.Message, f.Wait.Round(time.Millisecond))
		}
	case orchestrator.TenantDeferred:
		if o.Verbose {
			return fmt.Sprintf("%s %s (try %d): %s", o.paint(yellow, "defer"), f.Tenant, f.Attempt, f.Failure.Message)
		}
	case orchestrator.TenantFinished:
		return n.finished(f)
	case orchestrator.ServerPaused:
		return fmt.Sprintf("%s %s: %s", o.paint(yellow, "paused"), orLocal(f.Server), f.Failure.Message)
	case orchestrator.ServerResumed:
		return fmt.Sprintf("%s %s", o.paint(green, "resumed"), orLocal(f.Server))
	case orchestrator.WidthChanged:
		if o.Verbose {
			return fmt.Sprintf("width %d on %s: %s", f.Width, orLocal(f.Server), f.Reason)
		}
	case orchestrator.Warned:
		return o.paint(yellow, "warning") + " " + f.Message
	}
	return ""
}

func started(id string, f orchestrator.RolloutStarted) string {
	n := 0
	for _, w := range f.Waves {
		n += w.Tenants
	}
	again := ""
	if f.Run > 1 {
		again = fmt.Sprintf(", run %d", f.Run)
	}
	width := ""
	if f.Width > 0 { // else there is nothing to do
		width = fmt.Sprintf(", at most %d at once", f.Width)
	}
	return fmt.Sprintf("rollout %s: %s %s, target %s%s%s", id, f.Kind, Count(n, "tenant"), f.Target, width, again)
}

func (n *notices) finished(f orchestrator.TenantFinished) string {
	o := n.opts
	switch {
	case f.Outcome == orchestrator.Failed && f.Failure != nil && !o.Quiet:
		n.failed++
		switch {
		case n.failed <= mostFailed || o.Verbose:
			return fmt.Sprintf("%s %s: %s", o.paint(red, "failed"), f.Tenant, f.Failure.Message)
		case n.failed == mostFailed+1:
			return fmt.Sprintf("%s more than %d tenants; the report has them all, by cause", o.paint(red, "failed"), mostFailed)
		}
	case f.Outcome == orchestrator.Gone && !o.Quiet:
		return fmt.Sprintf("%s %s", o.paint(yellow, "gone"), f.Tenant)
	case o.Verbose && f.Outcome != orchestrator.Unchanged:
		return fmt.Sprintf("%s %s in %s", f.Outcome, f.Tenant, f.Duration.Round(time.Millisecond))
	}
	return ""
}

// orLocal names the server of SQLite files, which has no name.
func orLocal(server string) string {
	if server == "" {
		return "this machine"
	}
	return server
}
