package orchestrator

import (
	"context"

	"github.com/skeindb/skein/engine"
	"github.com/skeindb/skein/tenant"
)

// Screener says, before anything is touched, in which tenants their plans must not run: an [engine.Engine] does. The
// result has the length of jobs; nil = nothing speaks against it.
type Screener interface {
	Screen(ctx context.Context, jobs []engine.Job) []error
}

// Screen asks s about all tenants of a plan that have something to do, and refuses those of which it says so: each
// reason makes a cohort that stays where it is. data is what templates see; nil = nothing.
func Screen(ctx context.Context, s Screener, p *Plan, data func(tenant.Tenant) any) {
	var all []Item
	for i := range p.Waves {
		all = append(all, p.Waves[i].Items...)
	}
	screened, cohorts := screen(ctx, s, all, p.Cohorts, data)
	for i := range p.Waves {
		n := len(p.Waves[i].Items)
		copy(p.Waves[i].Items, screened[:n])
		screened = screened[n:]
	}
	p.Cohorts = cohorts
	p.compact()
}

// screen returns items, and cohorts as they are when the refused ones among the items have left theirs. What is given
// stays as it is.
func screen(ctx context.Context, s Screener, items []Item, cohorts []Cohort, data func(tenant.Tenant) any) ([]Item, []Cohort) {
	var jobs []engine.Job
	var of []int
	for i, item := range items {
		plan := cohorts[item.Cohort].plan
		if plan == nil {
			continue
		}
		job := engine.Job{Location: item.Tenant.Location, Standing: item.Standing, Plan: plan, Attempt: 1}
		if data != nil {
			job.Data = data(item.Tenant)
		}
		jobs, of = append(jobs, job), append(of, i)
	}
	if s == nil || len(jobs) == 0 {
		return items, cohorts
	}
	type reason struct {
		cohort int
		Failure
	}
	items, cohorts = append([]Item(nil), items...), append([]Cohort(nil), cohorts...)
	places := map[reason]int{}
	for k, err := range s.Screen(ctx, jobs) {
		if err == nil {
			continue
		}
		item := &items[of[k]]
		why := reason{item.Cohort, failureOf(err, &item.Tenant)}
		at, known := places[why]
		if !known {
			at = len(cohorts)
			places[why] = at
			cohorts = append(cohorts, cohorts[item.Cohort].refused(&why.Failure))
		}
		cohorts[item.Cohort].Count--
		cohorts[at].Count++
		item.Cohort = at
	}
	return items, cohorts
}

// refused is a cohort of none, whose tenants stand where those of c do and are not touched.
func (c *Cohort) refused(why *Failure) Cohort {
	return Cohort{
		State: c.State, Stands: c.Stands, From: c.From, To: c.From, Steps: []string{}, Sums: []string{},
		Refused: why, Target: c.Target,
	}
}

// compact drops cohorts that no tenant is in.
func (p *Plan) compact() {
	used := make([]bool, len(p.Cohorts))
	for i := range p.Waves {
		for _, items := range [][]Item{p.Waves[i].Items, p.Waves[i].Settled} {
			for k := range items {
				used[items[k].Cohort] = true
			}
		}
	}
	place := make([]int, len(p.Cohorts))
	var kept []Cohort
	for i := range p.Cohorts {
		place[i] = len(kept)
		if used[i] || p.Cohorts[i].Count > 0 {
			kept = append(kept, p.Cohorts[i])
		}
	}
	if len(kept) == len(p.Cohorts) {
		return
	}
	p.Cohorts = kept
	for i := range p.Waves {
		for _, items := range [][]Item{p.Waves[i].Items, p.Waves[i].Settled} {
			for k := range items {
				items[k].Cohort = place[items[k].Cohort]
			}
		}
	}
}
