package run

import (
	"context"

	"github.com/skeindb/skein/engine"
	"github.com/skeindb/skein/orchestrator/plan"
	"github.com/skeindb/skein/tenant"
)

// Screener says, before anything is touched, in which tenants their plans must not run: an [engine.Engine] does. The
// result has the length of jobs; nil = nothing speaks against it.
type Screener interface {
	Screen(ctx context.Context, jobs []engine.Job) []error
}

// Screen asks s about all tenants of a plan that have something to do, and refuses those of which it says so: each
// reason makes a cohort that stays where it is. data is what templates see; nil = nothing.
func Screen(ctx context.Context, s Screener, p *plan.Runnable, data func(tenant.Tenant) any) {
	var all []plan.Item
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
	p.Compact()
}

// screen returns items, and cohorts as they are when the refused ones among the items have left theirs. What is given
// stays as it is.
func screen(ctx context.Context, s Screener, items []plan.Item, cohorts []plan.Cohort, data func(tenant.Tenant) any) ([]plan.Item, []plan.Cohort) {
	var jobs []engine.Job
	var of []int
	for i, item := range items {
		plan := cohorts[item.Cohort].EnginePlan()
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
		plan.Failure
	}
	items, cohorts = append([]plan.Item(nil), items...), append([]plan.Cohort(nil), cohorts...)
	places := map[reason]int{}
	for k, err := range s.Screen(ctx, jobs) {
		if err == nil {
			continue
		}
		item := &items[of[k]]
		why := reason{item.Cohort, plan.FailureOf(err, &item.Tenant)}
		at, known := places[why]
		if !known {
			at = len(cohorts)
			places[why] = at
			cohorts = append(cohorts, cohorts[item.Cohort].Refuse(&why.Failure))
		}
		cohorts[item.Cohort].Count--
		cohorts[at].Count++
		item.Cohort = at
	}
	return items, cohorts
}
