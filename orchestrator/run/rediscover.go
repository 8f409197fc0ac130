package run

import (
	"context"
	"errors"
	"fmt"
	"time"

	"github.com/skeindb/skein/orchestrator/plan"
	"github.com/skeindb/skein/orchestrator/rollout"
	"github.com/skeindb/skein/tenant"
)

// rediscover lists the fleet again, before the wave at that index of the plan, or, beyond the last, before the end:
// what is left to do in the wave is planned by where its tenants stand now, and tenants that are new join the last
// wave. It reports false when the run is to stop, or, before the end, when the fleet cannot be listed.
func (r *runner) rediscover(at int) bool {
	if r.Discover == nil {
		return true
	}
	r.phase = phaseDiscovering
	look := r.discover
	if at == len(r.Plan.Waves) {
		look = r.finalDiscovery
	}
	fleet, ok := look()
	if !ok {
		return false
	}
	r.fleet = fleet
	fresh := r.newTenants(fleet)
	var there Located
	var late []plan.Member
	locate := func(context.Context) Located { return Located{} }
	if at < len(r.Plan.Waves) {
		locate = r.locator(r.Plan.Waves[at].Items, fleet)
	}
	if !r.interruptible(func(ctx context.Context) {
		there = locate(ctx)
		if len(fresh) > 0 {
			late = SurveyFor(ctx, r.Surveyor, fresh, r.Plan.Stored())
		}
	}) {
		return false
	}
	r.warnUnlisted(there.Unlisted)
	var err error
	if at < len(r.Plan.Waves) {
		before := r.Plan.Waves[at].Items // without those that were skipped meanwhile
		if err = plan.Replan(r.Plan, at, there.Members, r.Graph, r.Options); err == nil {
			items, cohorts := r.screen(r.Plan.Waves[at].Items, r.Plan.Cohorts)
			r.Plan.Cohorts = cohorts
			r.Plan.SetItems(at, r.unskipped(items))
			r.emitReplanned(at, before, r.Plan.Waves[at].Items)
		}
	}
	if err == nil && len(fresh) > 0 {
		err = r.join(late)
	}
	if err != nil {
		r.stop(rollout.StateHalted, fmt.Sprintf("the fleet changed, and what is left cannot be planned: %v", err))
	}
	return err == nil
}

// discover lists the fleet, and tries again for a while when that fails; false when the run is to stop. A fleet that
// the guards refuse stops it at once: something is wrong with the sources, or with the fleet.
func (r *runner) discover() ([]tenant.Tenant, bool) {
	begun := time.Now()
	for n := 1; ; n++ {
		var fleet []tenant.Tenant
		var err error
		if !r.interruptible(func(ctx context.Context) { fleet, err = r.Discover(ctx) }) {
			return nil, false
		}
		left := r.Policy.ServerPatience - time.Since(begun)
		switch _, guard := errors.AsType[*tenant.GuardError](err); {
		case err == nil:
			return fleet, true
		case guard:
			r.stop(rollout.StateHalted, err.Error())
			return nil, false
		case left <= 0 && r.DiscoverAway != nil:
			if fleet, ok := r.discoverWithoutLostServers(err); ok || r.halt.state != "" {
				return fleet, ok
			}
			fallthrough
		case left <= 0:
			what := fmt.Sprintf("the fleet could not be listed for %s: ", r.Policy.ServerPatience)
			r.stopQuoting(rollout.StateHalted, what+err.Error(), what+rollout.ErrorWithoutValues(err))
			return nil, false
		case n == 1:
			r.emit(rollout.WarningOf("the fleet cannot be listed, which is tried again: ", err))
		}
		if !r.sleep(min(probeWait(n), left)) {
			return nil, false
		}
	}
}

// discoverWithoutLostServers lists the fleet without the servers that are away.
func (r *runner) discoverWithoutLostServers(why error) (fleet []tenant.Tenant, ok bool) {
	var err error
	if !r.interruptible(func(ctx context.Context) { fleet, err = r.DiscoverAway(ctx) }) || err != nil {
		return nil, false
	}
	r.emit(rollout.Warned{Message: fmt.Sprintf("the fleet could not be listed for %s; the run continues with the planned tenants: %v", r.Policy.ServerPatience, why)})
	return fleet, true
}

// finalDiscovery lists the fleet when all work is done. An error does no harm then: tenants that came meanwhile
// are left to the next rollout.
func (r *runner) finalDiscovery() (fleet []tenant.Tenant, ok bool) {
	var err error
	if !r.interruptible(func(ctx context.Context) { fleet, err = r.Discover(ctx) }) {
		return nil, false
	}
	if err != nil {
		r.emit(rollout.WarningOf("the fleet could not be listed before the end; tenants that came meanwhile are left to the next rollout: ", err))
		return nil, false
	}
	return fleet, true
}

// interruptible does something in a goroutine and waits for it, hearing meanwhile what there is to hear. It reports false
// when the run is to stop: then it was cancelled, and has returned.
func (r *runner) interruptible(do func(context.Context)) bool {
	ctx, cancel := context.WithCancel(r.ctx)
	defer cancel()
	done := make(chan struct{})
	go func() {
		defer close(done)
		do(ctx)
	}()
	for r.halt.state == "" {
		r.await(time.Time{}, done)
		select {
		case <-done:
			if r.ctx.Err() != nil { // then what it brought is worth nothing
				r.onCancel()
			}
			return r.halt.state == ""
		default:
		}
	}
	cancel()
	<-done
	return false
}

// sleep waits, hearing meanwhile what there is to hear; false when the run is to stop.
func (r *runner) sleep(d time.Duration) bool {
	for until := time.Now().Add(d); r.halt.state == "" && time.Now().Before(until); {
		r.await(until, nil)
	}
	return r.halt.state == ""
}

// joinable reports whether tenants may join the rollout. A stamp says what is, and a rollback takes back what was
// done: neither is for others. Nor is a rollout that had finished, and is resumed for those that failed.
func (r *runner) joinable() bool {
	return !r.finished && r.Discover != nil && r.Joins != nil && !r.Plan.Partial && (r.Plan.Kind == plan.KindUpgrade || r.Plan.Kind == plan.KindDowngrade)
}

// newTenants are the tenants of the fleet that the rollout does not know, and that belong to it.
func (r *runner) newTenants(fleet []tenant.Tenant) []tenant.Tenant {
	if !r.joinable() {
		return nil
	}
	known := make(map[string]bool, len(fleet))
	for i := range r.Plan.Waves {
		w := &r.Plan.Waves[i]
		for k := range w.Items {
			known[w.Items[k].Tenant.ID] = true
		}
		for k := range w.Settled {
			known[w.Settled[k].Tenant.ID] = true
		}
	}
	var fresh []tenant.Tenant
	for _, t := range fleet {
		named := r.report.Has(t.ID) // gone, skipped, or of an earlier run
		if !named && !known[t.ID] && r.Joins(t) {
			fresh = append(fresh, t)
		}
	}
	return fresh
}

// join adds tenants to the last wave.
func (r *runner) join(late []plan.Member) error {
	f, err := plan.Join(r.Plan, late, r.Graph, r.Policy, r.Options, time.Now())
	if err != nil {
		return err
	}
	f.Items, f.Cohorts = r.screen(f.Items, f.Cohorts)
	r.Plan.Add(f)
	r.emit(rollout.TenantsJoined(f))
	return nil
}

// screen is [Screen] for items that are planned during the run. A run that is to stop meanwhile does not start
// them.
func (r *runner) screen(items []plan.Item, cohorts []plan.Cohort) ([]plan.Item, []plan.Cohort) {
	if r.Screener == nil {
		return items, cohorts
	}
	screened, after := items, cohorts
	if !r.interruptible(func(ctx context.Context) { screened, after = screen(ctx, r.Screener, items, cohorts, r.Data) }) {
		return items, cohorts
	}
	return screened, after
}
