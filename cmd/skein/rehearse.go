package main

import (
	"cmp"
	"context"
	"slices"
	"strings"
	"sync"
	"time"

	"github.com/skeindb/skein/cmd/skein/view"
	"github.com/skeindb/skein/engine"
	"github.com/skeindb/skein/orchestrator/plan"
	"github.com/skeindb/skein/orchestrator/rollout"
	"github.com/skeindb/skein/orchestrator/run"
	"github.com/skeindb/skein/orchestrator/store"
	"github.com/skeindb/skein/tenant"
)

// What --rehearse takes.
const (
	rehearseAll    = "all"
	rehearseSample = "sample"
)

// brief is how long a rehearsal waits for a lock at most: it is for nothing that others should wait for.
const brief = time.Second

// briefly is a lock timeout for a rehearsal; negative ones are none.
func briefly(configured time.Duration) time.Duration {
	if configured <= 0 {
		return brief
	}
	return min(configured, brief)
}

// rehearse works the plan as a rollout would, but rolls back what it did in each tenant. Nothing is stored.
func (f *fleet) rehearse(ctx context.Context, s rollout.Store, id, how string, arrange func() (*plan.Plan, error)) error {
	return f.locked(ctx, s, id, func(lease rollout.Lease) error {
		p, err := arrange()
		if err != nil {
			return err
		}
		of := p.Len()
		p = oneWave(p)
		if how == rehearseSample {
			f.sample(ctx, p)
		}
		o := f.viewOptions(nil)
		o.Rehearsal = &view.Rehearsal{Of: of}
		v := f.app.view(o)
		for _, note := range p.Notes {
			v.Note(note)
		}
		r := &rehearser{engine: f.engine, at: tenantsAt(p), found: o.Rehearsal}
		policy := f.project.Policy
		policy.OnFailure, policy.Retry.Attempts, policy.Waves, policy.Pins = plan.OnFailureContinue, 2, nil, nil
		report, err := f.work(ctx, run.Config{
			Plan: p, Store: store.NewMemory(), Lease: lease, Policy: policy, Engine: r,
			Observers: []rollout.Observer{v}, Options: plan.Rules{Mode: f.engine.Mode()},
		})
		if report == nil {
			return err
		}
		r.sum()
		good := exitDone
		if !o.Rehearsal.Whole() {
			good = exitDifference
		}
		return f.finishWith(good, v, report, err)
	})
}

// oneWave puts all tenants of a plan into one wave without a gate.
func oneWave(p *plan.Plan) *plan.Plan {
	all := plan.Wave{Name: "all", Items: []plan.Item{}}
	for _, w := range p.Waves {
		all.Items = append(all.Items, w.Items...)
	}
	all.Planned = len(all.Items)
	flat := *p
	flat.Waves = []plan.Wave{all}
	return &flat
}

// sample leaves one tenant of each cohort and order of magnitude in the plan's wave: what goes the same way through
// about as much data fails alike, and takes alike long.
func (f *fleet) sample(ctx context.Context, p *plan.Plan) {
	wave := &p.Waves[0]
	who := make([]tenant.Tenant, 0, len(wave.Items))
	for _, item := range wave.Items {
		who = append(who, item.Tenant)
	}
	sizes := f.sizes(ctx, who)
	type stratum struct{ cohort, size int }
	seen := map[stratum]bool{}
	var chosen []plan.Item
	for i, item := range wave.Items {
		s := stratum{item.Cohort, magnitude(sizes[i])}
		if !seen[s] {
			seen[s] = true
			chosen = append(chosen, item)
		}
	}
	p.Cohorts = slices.Clone(p.Cohorts)
	for i := range p.Cohorts {
		p.Cohorts[i].Count = 0
	}
	for _, item := range chosen {
		p.Cohorts[item.Cohort].Count++
	}
	wave.Items, wave.Planned = chosen, len(chosen)
}

// magnitude is how many digits a size has; 0 when it is not known.
func magnitude(size int64) int {
	digits := 0
	for ; size > 0; size /= 10 {
		digits++
	}
	return digits
}

// rehearser is an orchestrator.Applier that leaves no trace, and notes what it saw. It is safe for concurrent use.
type rehearser struct {
	engine *engine.Engine
	at     map[engine.Location]string // ids

	mu    sync.Mutex
	locks map[lockKey]*view.Lock
	found *view.Rehearsal // Untried grows as it goes, Locks comes at the end
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

// Apply implements orchestrator.Applier.
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
		r.locks = map[lockKey]*view.Lock{}
	}
	for _, held := range did.Locks {
		key := lockKey{held.Object, held.Mode}
		l := r.locks[key]
		if l == nil {
			l = &view.Lock{Object: held.Object, Mode: held.Mode}
			r.locks[key] = l
		}
		l.Tenants++
		if held.For > l.Longest || l.Tenant == "" {
			l.Longest, l.Tenant = held.For, id
		}
	}
	if len(did.Untried) > 0 {
		r.found.Short(id, len(did.Steps) > 0)
	}
	for _, revision := range did.Untried {
		u := view.Untried{Revision: revision, Why: did.Why}
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
	slices.SortFunc(r.found.Locks, func(a, b view.Lock) int {
		return cmp.Or(cmp.Compare(b.Longest, a.Longest), strings.Compare(a.Object, b.Object), strings.Compare(a.Mode, b.Mode))
	})
}
