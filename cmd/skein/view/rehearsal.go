package view

import (
	"fmt"
	"io"
	"iter"
	"slices"
	"strings"
	"text/tabwriter"
	"time"

	"github.com/skeindb/skein/orchestrator"
	"github.com/skeindb/skein/orchestrator/plan"
	"github.com/skeindb/skein/orchestrator/rollout"
)

// writeRehearsal draws a rehearsal for people: which tenants would fail and why, locks, and what was not tried.
func writeRehearsal(w io.Writer, r *rollout.Report, exit int, o Options) {
	h := o.Rehearsal
	failed, left := r.Count(plan.OutcomeFailed), r.Left()
	mark := green
	if exit != 0 {
		mark = red
	}
	inPart, none := h.Short()
	parts := []string{
		fmt.Sprintf("%d would succeed", r.Count(plan.OutcomeDone)+r.Count(plan.OutcomeUnchanged)-inPart-none),
		fmt.Sprintf("%d would fail", failed),
	}
	for _, more := range []struct {
		n    int
		what string
	}{
		{inPart, "only in part"}, {none, "not at all"},
		{r.Count(plan.OutcomeSkipped), "would be skipped"}, {r.Count(plan.OutcomeGone), "vanished meanwhile"}, {left, "were not tried"},
	} {
		if more.n > 0 {
			parts = append(parts, fmt.Sprintf("%d %s", more.n, more.what))
		}
	}
	who := Count(r.Planned(), "tenant")
	if h.Of > r.Planned() {
		who = fmt.Sprintf("%d of %s", r.Planned(), Count(h.Of, "tenant"))
	}
	fmt.Fprintf(w, "\nrehearsed %s: %s; everything was rolled back\n", who, o.paint(mark, strings.Join(parts, ", ")))
	if r.State != rollout.StateFinished {
		fmt.Fprintf(w, "the rehearsal did not finish: %s%s\n", r.State, Because(r.Reason))
	}
	writeCauses(w, r, o)
	writeNotices(w, r, o)
	if o.Quiet {
		return
	}
	writeLocks(w, h.Locks)
	writeUntried(w, h.Untried)
}

func writeLocks(w io.Writer, locks []orchestrator.Lock) {
	if len(locks) == 0 {
		return
	}
	const most = 30
	fmt.Fprintln(w)
	t := tabwriter.NewWriter(w, 0, 8, 2, ' ', 0)
	fmt.Fprintln(t, "  LOCKED\tMODE\tLONGEST\tIN TENANT\tTENANTS")
	for _, l := range locks[:min(most, len(locks))] {
		Row(t, "  %s\t%s\t%s\t%s\t%d\n", l.Object, l.Mode, l.Longest.Round(time.Millisecond/10), l.Tenant, l.Tenants)
	}
	_ = t.Flush() // an error of w has nowhere to go
	if len(locks) > most {
		fmt.Fprintf(w, "  and %d more; --json has all\n", len(locks)-most)
	}
}

func writeUntried(w io.Writer, left []orchestrator.Untried) {
	if len(left) == 0 {
		return
	}
	fmt.Fprintln(w, "\nnot tried")
	for why := range uniqueWhys(left) {
		var ids []string
		for _, u := range left {
			if u.Why == why {
				ids = append(ids, u.Revision)
			}
		}
		fmt.Fprintf(w, "  %s%s\n", Some(ids), Because(why))
	}
	fmt.Fprintln(w, "  hint: these can still fail in an upgrade; upgrade a copy of a tenant first")
}

// uniqueWhys yields each reason once, in the order of their first.
func uniqueWhys(left []orchestrator.Untried) iter.Seq[string] {
	return func(yield func(string) bool) {
		for i, u := range left {
			first := slices.IndexFunc(left, func(other orchestrator.Untried) bool { return other.Why == u.Why })
			if first == i && !yield(u.Why) {
				return
			}
		}
	}
}

// rehearsalCounts takes tenants that were not rehearsed to their end out of those that are done.
func rehearsalCounts(all map[plan.Outcome]int, h *orchestrator.Rehearsal) map[plan.Outcome]int {
	all[orchestrator.OutcomePartly], all[orchestrator.OutcomeUntried] = h.Short()
	all[plan.OutcomeDone] -= all[orchestrator.OutcomePartly] + all[orchestrator.OutcomeUntried]
	return all
}
