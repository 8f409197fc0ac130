package orchestrator

import (
	"cmp"
	"context"
	"slices"
	"strings"
	"sync"
	"time"

	"github.com/skeindb/skein/engine"
	"github.com/skeindb/skein/orchestrator/plan"
	"github.com/skeindb/skein/orchestrator/rollout"
	"github.com/skeindb/skein/orchestrator/run"
	"github.com/skeindb/skein/orchestrator/store"
)

// RehearseLock is how long a rehearsal waits for a lock at most: it is for nothing that others should wait for.
const RehearseLock = time.Second

// What becomes of a tenant in a rehearsal besides the outcomes of a rollout: neither is a success.
const (
	OutcomePartly  plan.Outcome = "partly"  // rehearsed up to a revision that cannot be tried
	OutcomeUntried plan.Outcome = "untried" // nothing of it could be tried
)

// Rehearsal is what a rehearsal found out besides its report. Its methods are safe for concurrent use.
type Rehearsal struct {
	Of      int       // tenants that were planned; more than were rehearsed where only a sample was
	Locks   []Lock    // the longest first; complete at the end
	Untried []Untried // in the order in which they came up; complete at the end

	mu    sync.Mutex
	short map[string]plan.Outcome // tenants that were not rehearsed to their end; guarded by mu
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

// Whole reports whether each tenant was rehearsed to its end.
func (h *Rehearsal) Whole() bool {
	h.mu.Lock()
	defer h.mu.Unlock()
	return len(h.short) == 0
}

// Outcome returns what a tenant that ended as o has shown; a nil Rehearsal is of a rollout.
func (h *Rehearsal) Outcome(tenant string, o plan.Outcome) plan.Outcome {
	if h == nil || o != plan.OutcomeDone {
		return o
	}
	h.mu.Lock()
	defer h.mu.Unlock()
	return cmp.Or(h.short[tenant], o)
}

// Short returns how many tenants were tried only in part, and how many not at all.
func (h *Rehearsal) Short() (partly, untried int) {
	h.mu.Lock()
	defer h.mu.Unlock()
	for _, o := range h.short {
		if o == OutcomePartly {
			partly++
		} else {
			untried++
		}
	}
	return partly, untried
}

// NoteShort notes that a tenant was not rehearsed to its end; some: something of it was tried.
func (h *Rehearsal) NoteShort(tenant string, some bool) {
	h.mu.Lock()
	defer h.mu.Unlock()
	if h.short == nil {
		h.short = map[string]plan.Outcome{}
	}
	h.short[tenant] = OutcomeUntried
	if some {
		h.short[tenant] = OutcomePartly
	}
}

// Rehearse plans a change and works it as a rollout would, but rolls back what it did in each tenant. The fleet's lock and
// each tenant's are taken; nothing is stored. With sample set, only one tenant of each cohort and order of magnitude is
// rehearsed: what goes the same way through about as much data fails alike, and takes alike long.
// The report is nil when nothing could be begun.
func (o *Orchestrator) Rehearse(ctx context.Context, c Change, sample bool) (*Rehearsal, *rollout.Report, error) {
	p, err := o.prepare(c)
	if err != nil {
		return nil, nil, err
	}
	c.ID = p.ID
	found := &Rehearsal{}
	report, err := o.locked(ctx, c.ID, func(lease rollout.Lease) (*rollout.Report, error) {
		w, err := o.planned(ctx, c)
		if err != nil {
			return nil, err
		}
		found.Of = w.plan.Len()
		p := w.plan.OneWave()
		if sample {
			o.sample(ctx, p)
		}
		r := &rehearser{engine: w.engine.WithLockTimeout(RehearseLock), at: tenantsAt(p.Stored()), found: found}
		policy := o.cfg.Policy
		policy.OnFailure, policy.Retry.Attempts, policy.Waves, policy.Pins = plan.OnFailureContinue, 2, nil, nil
		cfg := run.Config{
			Plan: p, Store: store.NewMemory(), Lease: lease, Policy: policy, Engine: r, Graph: w.engine.Graph(), Querier: w.engine,
			Observers: o.observers(Beginning{Plan: p.Stored(), Rehearsal: found}), Options: plan.Rules{Mode: w.engine.Mode()},
		}
		o.equip(&cfg)
		report, err := run.Run(ctx, cfg)
		r.sum()
		return report, err
	})
	return found, report, err
}

// sample leaves one tenant of each cohort and order of magnitude in the plan's wave.
func (o *Orchestrator) sample(ctx context.Context, p *plan.Runnable) {
	who := p.Planned()
	sizes := make(map[string]int64, len(who))
	for i, size := range o.cfg.Engine.Sizes(ctx, locationsOf(who)) {
		sizes[who[i].ID] = size
	}
	type stratum struct{ cohort, size int }
	seen := map[stratum]bool{}
	p.Keep(0, func(item plan.Item) bool {
		s := stratum{item.Cohort, magnitude(sizes[item.Tenant.ID])}
		known := seen[s]
		seen[s] = true
		return !known
	})
}

// magnitude is how many digits a size has; 0 when it is not known.
func magnitude(size int64) int {
	digits := 0
	for ; size > 0; size /= 10 {
		digits++
	}
	return digits
}

// rehearser is a [run.Applier] that leaves no trace, and notes what it saw. It is safe for concurrent use.
type rehearser struct {
	engine *engine.Engine
	at     map[engine.Location]string // ids

	mu    sync.Mutex
	locks map[lockKey]*Lock
	found *Rehearsal // Untried grows as it goes, Locks comes at the end
}

type lockKey struct{ object, mode string }

func tenantsAt(p *plan.Plan) map[engine.Location]string {
	at := make(map[engine.Location]string, p.Len())
	for _, w := range p.Waves {
		for _, item := range w.Items {
			at[item.Tenant.Location] = item.Tenant.ID
		}
	}
	return at
}

// Apply implements [run.Applier].
func (r *rehearser) Apply(ctx context.Context, job engine.Job) (engine.Result, error) {
	job.Attempt = 1 // a later one would wait longer for locks
	did, err := r.engine.Rehearse(ctx, job)
	if err != nil {
		return engine.Result{Duration: did.Duration, Notices: did.Notices}, err
	}
	r.note(r.at[job.Location], &did)
	return engine.Result{Done: did.Steps, Duration: did.Duration, Notices: did.Notices}, nil
}

func (r *rehearser) note(id string, did *engine.Rehearsal) {
	r.mu.Lock()
	defer r.mu.Unlock()
	if r.locks == nil {
		r.locks = map[lockKey]*Lock{}
	}
	for _, held := range did.Locks {
		key := lockKey{held.Object, held.Mode}
		l := r.locks[key]
		if l == nil {
			l = &Lock{Object: held.Object, Mode: held.Mode}
			r.locks[key] = l
		}
		l.Tenants++
		if held.For > l.Longest || l.Tenant == "" {
			l.Longest, l.Tenant = held.For, id
		}
	}
	if len(did.Untried) > 0 {
		r.found.NoteShort(id, len(did.Steps) > 0)
	}
	for _, revision := range did.Untried {
		u := Untried{Revision: revision, Why: did.Why}
		if !slices.Contains(r.found.Untried, u) {
			r.found.Untried = append(r.found.Untried, u)
		}
	}
}

// sum puts the locks in order, the longest first, for the report.
func (r *rehearser) sum() {
	r.mu.Lock()
	defer r.mu.Unlock()
	for _, l := range r.locks {
		r.found.Locks = append(r.found.Locks, *l)
	}
	slices.SortFunc(r.found.Locks, func(a, b Lock) int {
		return cmp.Or(cmp.Compare(b.Longest, a.Longest), strings.Compare(a.Object, b.Object), strings.Compare(a.Mode, b.Mode))
	})
}
