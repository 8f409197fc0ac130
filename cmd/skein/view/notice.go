package view

import (
	"cmp"
	"fmt"
	"strings"
	"time"

	"github.com/skeindb/skein/engine/text"
	"github.com/skeindb/skein/orchestrator"
	"github.com/skeindb/skein/orchestrator/plan"
	"github.com/skeindb/skein/orchestrator/rollout"
)

// notices turns events into lines for people; most events have none.
type notices struct {
	opts    Options
	failed  int                     // lines about failed tenants so far
	planned map[string]int          // tenants by wave, of the run; only where it has several
	left    map[string]int          // of those, the ones that earlier runs left; nil in the first run
	answers map[string]plan.Verdict // the last one by wave and check
	awaited map[string]time.Time    // sessions for which tenants wait, and when that was shown last
	closed  map[string]bool         // waves whose gate was closed before; nil = not looked yet
}

// mostFailed bounds the lines about single failed tenants. The report has all of them, by cause.
const mostFailed = 10

// line is the line for an event; "" where none is worth it.
func (n *notices) line(e rollout.Event) string {
	if f, ok := e.Fact.(rollout.Warned); ok { // it may have the stack of a panic
		return n.warning(f.Message)
	}
	text := Line(n.text(e))
	if f, ok := e.Fact.(rollout.TenantFinished); ok && n.opts.Verbose && !n.opts.Quiet {
		text = strings.TrimPrefix(text+noticeLines(f.Notices, "  ", len(f.Notices), n.opts), "\n")
	}
	return text
}

func (n *notices) text(e rollout.Event) string {
	o := n.opts
	switch f := e.Fact.(type) {
	case rollout.Started:
		n.plan(f)
		if !o.Quiet {
			return n.started(e.Rollout, f)
		}
	case rollout.WaveStarted:
		if planned, several := n.planned[f.Wave]; several && !o.Quiet {
			return n.waveStarted(f.Wave, planned)
		}
	case rollout.TenantsJoined:
		if !o.Quiet {
			return fmt.Sprintf("%s wave %s: %s", o.paint(green, "joined"), f.Wave, Some(joinedIDs(f)))
		}
	case rollout.GateClosed, rollout.GateMeasured, rollout.ApprovalAwaited, rollout.GateSettled:
		return n.gate(e)
	case rollout.Commanded:
		return n.commanded(f)
	case rollout.TenantRetrying:
		if o.Verbose {
			return fmt.Sprintf("%s %s (try %d): %s; again in %s", o.paint(yellow, "retry"), f.Tenant, f.Attempt, f.Failure.Message, f.Wait.Round(time.Millisecond))
		}
	case rollout.TenantDeferred:
		if o.Verbose {
			return fmt.Sprintf("%s %s (try %d): %s", o.paint(yellow, "defer"), f.Tenant, f.Attempt, f.Failure.Message)
		}
	case rollout.TenantFinished:
		return n.finished(f)
	case rollout.ServerPaused:
		return fmt.Sprintf("%s %s: %s", o.paint(yellow, "paused"), orLocal(f.Server), f.Failure.Place()+f.Failure.Message)
	case rollout.ServerResumed:
		return fmt.Sprintf("%s %s", o.paint(green, "resumed"), orLocal(f.Server))
	case rollout.WidthChanged:
		if o.Verbose {
			return fmt.Sprintf("concurrency %d on %s: %s", f.Width, orLocal(f.Server), f.Reason)
		}
	case rollout.TenantsWaiting:
		if !e.Tick() && !o.Quiet {
			return n.waits(e.Time, f)
		}
	}
	return ""
}

// waveStarted announces a wave. In a later run it says how many tenants are left, and nothing of a wave that has none.
func (n *notices) waveStarted(wave string, planned int) string {
	who := Count(planned, "tenant")
	if n.left != nil {
		left := n.left[wave]
		if left == 0 {
			return ""
		}
		who = fmt.Sprintf("%d of %s left", left, who)
	}
	return fmt.Sprintf("%s %s: %s", n.opts.paint(bold, "wave"), wave, who)
}

func (n *notices) warning(message string) string {
	return n.opts.paint(yellow, "warning") + " " + message
}

// plan notes how many tenants each wave has, and how many are left. One wave alone is the rollout, and not worth a line.
func (n *notices) plan(f rollout.Started) {
	n.planned, n.left = nil, nil
	if f.Run > 1 {
		n.left = n.opts.leftByWave()
	}
	if len(f.Waves) < 2 {
		return
	}
	n.planned = map[string]int{}
	for _, w := range f.Waves {
		n.planned[w.Name] = w.Tenants
	}
}

func (n *notices) started(id string, f rollout.Started) string {
	tenants := 0
	for _, w := range f.Waves {
		tenants += w.Tenants
	}
	again := ""
	if f.Run > 1 {
		again = fmt.Sprintf(", run %d: %d left", f.Run, sum(n.left))
	}
	waves := ""
	if len(f.Waves) > 1 {
		waves = fmt.Sprintf(" in %d waves", len(f.Waves))
	}
	width := ""
	if f.Width > 0 { // else there is nothing to do
		width = fmt.Sprintf(", at most %d at once", f.Width)
	}
	what := fmt.Sprintf("%s %s%s, target %s%s%s", f.Kind, Count(tenants, "tenant"), waves, f.Target, width, again)
	if n.opts.Rehearsal != nil {
		return "rehearsal: " + what + "; everything is rolled back"
	}
	return "rollout " + id + ": " + what
}

func (n *notices) finished(f rollout.TenantFinished) string {
	o := n.opts
	failed := string(f.Outcome)
	if o.Rehearsal != nil {
		failed = "would fail"
	}
	switch {
	case (f.Outcome == plan.OutcomeFailed || f.Outcome == plan.OutcomeUncertain) && f.Failure != nil && !o.Quiet:
		n.failed++
		switch {
		case n.failed <= mostFailed || o.Verbose:
			return fmt.Sprintf("%s %s: %s", o.paint(red, failed), f.Tenant, f.Failure.Message)
		case n.failed == mostFailed+1:
			return fmt.Sprintf("%s more than %d tenants; the report lists them by cause", o.paint(red, failed), mostFailed)
		}
	case f.Outcome == plan.OutcomeGone && !o.Quiet:
		return fmt.Sprintf("%s %s", o.paint(yellow, "gone"), f.Tenant)
	case o.Verbose && f.Outcome == plan.OutcomeDone && o.Rehearsal != nil:
		would := map[plan.Outcome]string{orchestrator.OutcomePartly: "only in part", orchestrator.OutcomeUntried: "not at all"}[o.Rehearsal.Outcome(f.Tenant, f.Outcome)]
		return fmt.Sprintf("%s %s in %s", cmp.Or(would, "would succeed"), f.Tenant, f.Duration.Round(time.Millisecond))
	case o.Verbose && f.Outcome != plan.OutcomeUnchanged:
		return fmt.Sprintf("%s %s in %s", f.Outcome, f.Tenant, f.Duration.Round(time.Millisecond))
	}
	return ""
}

// commanded is what an operator asked, and the reason if it was refused.
func (n *notices) commanded(f rollout.Commanded) string {
	c, o := f.Command, n.opts
	text := fmt.Sprintf("%s by %s on %s", o.paint(bold, Ask(c)), c.User, c.Host) + Because(c.Reason)
	if f.Refused != "" {
		return text + "; " + o.paint(yellow, "refused") + ": " + f.Refused
	}
	if o.Quiet {
		return ""
	}
	return text
}

// Ask is what a command asks, in a few words: "skip t_1, t_2", "approve wave canary".
func Ask(c rollout.Command) string {
	text := string(c.Action)
	if c.Wave != "" {
		text += " wave " + c.Wave
	}
	if len(c.Tenants) > 0 {
		text += " " + Some(c.Tenants)
	}
	return text
}

func joinedIDs(f rollout.TenantsJoined) []string {
	ids := make([]string, 0, len(f.Items))
	for _, item := range f.Items {
		ids = append(ids, item.Tenant.ID)
	}
	return ids
}

// Some names the first few, and how many more there are.
func Some(names []string) string {
	const most = 5
	return few(names[:min(most, len(names))], len(names))
}

// few names those given, and how many more there are of all.
func few(names []string, all int) string {
	return Line(text.First(names, all))
}

// orLocal names the server of SQLite files, which has no name.
func orLocal(server string) string {
	if server == "" {
		return "this machine"
	}
	return server
}
