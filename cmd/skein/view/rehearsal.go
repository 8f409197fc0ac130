package view

import (
	"cmp"
	"fmt"
	"io"
	"iter"
	"slices"
	"strings"
	"sync"
	"text/tabwriter"
	"time"

	"github.com/skeindb/skein/orchestrator/plan"
	"github.com/skeindb/skein/orchestrator/rollout"
)

// Rehearsal is what a rehearsal found out besides its report. Whoever rehearses fills it before the view is closed.
type Rehearsal struct {
	Of      int       // tenants that were planned; more than were rehearsed where only a sample was
	Locks   []Lock    // the longest first
	Untried []Untried // in the order in which they came up

	mu    sync.Mutex
	short map[string]plan.Outcome // tenants that were not rehearsed to their end; guarded by mu
}

// What becomes of a tenant in a rehearsal besides the outcomes of a rollout: neither is a success.
const (
	partly  plan.Outcome = "partly"  // rehearsed up to a revision that cannot be tried
	untried plan.Outcome = "untried" // nothing of it could be tried
)

// Short notes that a tenant was not rehearsed to its end; some: something of it was tried. It is safe for concurrent use.
func (h *Rehearsal) Short(tenant string, some bool) {
	h.mu.Lock()
	defer h.mu.Unlock()
	if h.short == nil {
		h.short = map[string]plan.Outcome{}
	}
	h.short[tenant] = untried
	if some {
		h.short[tenant] = partly
	}
}

// Whole reports whether no tenant was left short.
func (h *Rehearsal) Whole() bool {
	h.mu.Lock()
	defer h.mu.Unlock()
	return len(h.short) == 0
}

// outcome is what a tenant that ended as o has shown; a nil Rehearsal is of a rollout.
func (h *Rehearsal) outcome(tenant string, o plan.Outcome) plan.Outcome {
	if h == nil || o != plan.OutcomeDone {
		return o
	}
	h.mu.Lock()
	defer h.mu.Unlock()
	return cmp.Or(h.short[tenant], o)
}

// counts are how many tenants were tried only in part, and how many not at all.
func (h *Rehearsal) counts() (inPart, none int) {
	h.mu.Lock()
	defer h.mu.Unlock()
	for _, o := range h.short {
		if o == partly {
			inPart++
		} else {
			none++
		}
	}
	return inPart, none
}

// Lock is a lock that the rehearsed transactions took, over all tenants.
type Lock struct {
	Object  string
	Mode    string
	Longest time.Duration
	Tenant  string // id of the one that held it longest
	Tenants int    // that took it
}

// Untried is a revision that cannot be tried within a transaction, or comes after one that cannot.
type Untried struct {
	Revision string
	Why      string
}

// writeRehearsal draws a rehearsal for people: who would fail and why, what was locked, what was not tried.
func writeRehearsal(w io.Writer, r *rollout.Report, exit int, o Options) {
	h := o.Rehearsal
	failed, left := r.Count(plan.OutcomeFailed), r.Left()
	mark := green
	if exit != 0 {
		mark = red
	}
	inPart, none := h.counts()
	parts := []string{
		fmt.Sprintf("%d would succeed", r.Count(plan.OutcomeDone)+r.Count(plan.OutcomeUnchanged)-inPart-none),
		fmt.Sprintf("%d would fail", failed),
	}
	for _, more := range []struct {
		n    int
		what string
	}{
		{inPart, "only in part"}, {none, "not at all"},
		{r.Count(plan.OutcomeSkipped), "would be skipped"}, {r.Count(plan.OutcomeGone), "went away meanwhile"}, {left, "were not tried"},
	} {
		if more.n > 0 {
			parts = append(parts, fmt.Sprintf("%d %s", more.n, more.what))
		}
	}
	who := Count(r.Planned(), "tenant")
	if h.Of > r.Planned() {
		who = fmt.Sprintf("%d of %s", r.Planned(), Count(h.Of, "tenant"))
	}
	fmt.Fprintf(w, "\nrehearsed %s: %s; all was rolled back\n", who, o.paint(mark, strings.Join(parts, ", ")))
	if r.State != rollout.StateFinished {
		fmt.Fprintf(w, "the rehearsal did not reach its end: %s%s\n", r.State, Because(r.Reason))
	}
	writeCauses(w, r, o)
	writeNotices(w, r, o)
	if o.Quiet {
		return
	}
	writeLocks(w, h.Locks)
	writeUntried(w, h.Untried)
}

func writeLocks(w io.Writer, locks []Lock) {
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
	_ = t.Flush() // it writes to w, whose errors nobody can help
	if len(locks) > most {
		fmt.Fprintf(w, "  and %d more; --json has all\n", len(locks)-most)
	}
}

func writeUntried(w io.Writer, left []Untried) {
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
	fmt.Fprintln(w, "  hint: that can still fail in an upgrade: upgrade a copy of a tenant first")
}

// uniqueWhys yields each reason once, in the order of their first.
func uniqueWhys(left []Untried) iter.Seq[string] {
	return func(yield func(string) bool) {
		for i, u := range left {
			first := slices.IndexFunc(left, func(other Untried) bool { return other.Why == u.Why })
			if first == i && !yield(u.Why) {
				return
			}
		}
	}
}

// rehearsalJSON is what the report of a rehearsal has besides the others.
func rehearsalJSON(h *Rehearsal) fields {
	locks := make([]fields, 0, len(h.Locks))
	for _, l := range h.Locks {
		locks = append(locks, fields{
			"object": l.Object, "mode": l.Mode, "longest_ms": float64(l.Longest.Microseconds()) / 1000, "tenant": l.Tenant, "tenants": l.Tenants,
		})
	}
	left := make([]fields, 0, len(h.Untried))
	for _, u := range h.Untried {
		left = append(left, fields{"revision": u.Revision, "why": u.Why})
	}
	return fields{"planned": h.Of, "locks": locks, "untried": left}
}

// rehearsalCounts takes tenants that were not rehearsed to their end out of those that are done.
func rehearsalCounts(all map[plan.Outcome]int, h *Rehearsal) map[plan.Outcome]int {
	all[partly], all[untried] = h.counts()
	all[plan.OutcomeDone] -= all[partly] + all[untried]
	return all
}
