package run

import (
	"context"
	"fmt"
	"slices"
	"strings"

	"github.com/skeindb/skein/engine"
	"github.com/skeindb/skein/engine/text"
	"github.com/skeindb/skein/orchestrator/plan"
	"github.com/skeindb/skein/orchestrator/rollout"
	"github.com/skeindb/skein/tenant"
)

// This file is about which tenants a gate is asked about, and what happens where there are none: such a gate does not
// open by itself.

// gateMember is a tenant of a wave that stands where the rollout wanted it.
type gateMember struct {
	tenant tenant.Tenant
	to     []string        // heads at which it was left
	mark   engine.SchemaID // of its place
	shows  bool            // it has what the waves that follow are to get; one that is pinned to an older revision has not
}

// gateMembers are the tenants of the wave at that index that stand where they should, sorted by id.
func (r *runner) gateMembers(at int) []gateMember {
	w := &r.Plan.Waves[at]
	var all []gateMember
	shows := map[int]bool{} // by cohort
	add := func(item *plan.Item) {
		c := &r.Plan.Cohorts[item.Cohort]
		if _, known := shows[item.Cohort]; !known {
			shows[item.Cohort] = r.Plan.Shows(at, c)
		}
		all = append(all, gateMember{item.Tenant, c.To, item.Standing.SchemaID, shows[item.Cohort]})
	}
	for i := range w.Settled {
		add(&w.Settled[i])
	}
	for i := range w.Items {
		if o := r.report.Outcome(w.Items[i].Tenant.ID); o == plan.OutcomeDone || o == plan.OutcomeUnchanged {
			add(&w.Items[i])
		}
	}
	slices.SortFunc(all, func(a, b gateMember) int { return byID(a.tenant, b.tenant) })
	return all
}

// gateSubject is what the gate is asked about now.
func (r *runner) gateSubject(g *gateRun) plan.Subject {
	s := plan.Subject{Rollout: r.Plan.Rollout, Fleet: r.Plan.Fleet, Target: r.Plan.Target, Wave: g.wave, Asker: r.Querier}
	for i := range g.members {
		s.Tenants = append(s.Tenants, g.members[i].tenant)
	}
	return s
}

// empty says why no tenant can show whether the new revisions work; "" when one can.
func (r *runner) empty(g *gateRun) string {
	if slices.ContainsFunc(g.members, func(m gateMember) bool { return m.shows }) {
		return ""
	}
	w := r.report.WaveNamed(g.wave)
	switch {
	case w.Planned == 0:
		return "no tenant is in the wave"
	case len(g.members) > 0:
		return "all tenants of the wave that stand where they should are pinned to older revisions"
	}
	var came []string
	for _, o := range []plan.Outcome{plan.OutcomeDone, plan.OutcomeUnchanged, plan.OutcomeFailed, plan.OutcomeSkipped, plan.OutcomeGone} {
		if n := w.Count(o); n > 0 {
			came = append(came, fmt.Sprintf("%d %s", n, o))
		}
	}
	return fmt.Sprintf("no tenant of the wave stands where it should (%s)", strings.Join(came, ", "))
}

// mayBeEmpty says why a gate opens although it has no tenants; "" when it does not. A wave in which tenants failed is not
// empty, whatever the policy says.
func (r *runner) mayBeEmpty(g *gateRun) string {
	why := r.empty(g)
	if why == "" || !r.Policy.AllowsEmpty(g.wave) || r.report.WaveNamed(g.wave).Count(plan.OutcomeFailed)+r.report.WaveNamed(g.wave).Count(plan.OutcomeUncertain) > 0 {
		return ""
	}
	return why + ", and allow_empty permits that"
}

// blockIfEmpty keeps a gate shut that has no tenants: checks and bake are inconclusive. One that only asks for an approval
// continues with that, with a warning.
func (r *runner) blockIfEmpty(g *gateRun) {
	why := r.empty(g)
	if why == "" || g.held != nil || r.halt.state != "" {
		return
	}
	if g.gate.Approval && len(g.checks) == 0 {
		g.until = rollout.Now()
		r.emit(rollout.Warned{Message: fmt.Sprintf("gate of wave %s: %s, so there is none to look at before you approve", g.wave, why)})
		return
	}
	why += ", so there is none to look at"
	if r.report.WaveNamed(g.wave).Count(plan.OutcomeFailed)+r.report.WaveNamed(g.wave).Count(plan.OutcomeUncertain) == 0 {
		why += "; with `allow_empty: true` on the wave, a resume passes it"
	}
	g.block(plan.VerdictInconclusive, why)
}

// surveyMembers takes tenants off the list of a gate that are not there any more or not as the rollout left them: dropped,
// renamed, recreated, restored. It reports whether there were any. One that cannot be read stays.
func (r *runner) surveyMembers(g *gateRun) bool {
	if r.Surveyor == nil || len(g.members) == 0 {
		return false
	}
	tenants := r.gateSubject(g).Tenants
	var now []plan.Member
	if !r.interruptible(func(ctx context.Context) { now = Survey(ctx, r.Surveyor, tenants) }) {
		return false
	}
	var left []gateMember
	var off []string
	for i, m := range g.members {
		if m.stands(&now[i].Standing) {
			left = append(left, m)
		} else {
			off = append(off, m.tenant.ID)
		}
	}
	if len(off) == 0 {
		return false
	}
	g.members = left
	g.list++
	r.emit(rollout.Warned{Message: fmt.Sprintf("gate of wave %s: no longer as the rollout left them, and not asked: %s", g.wave, text.Some(off, 5))})
	return true
}

// stands reports whether a tenant is still the one that the rollout left where it is.
func (m *gateMember) stands(now *engine.Standing) bool {
	switch was, is := m.mark.SchemaOID, now.SchemaID.SchemaOID; {
	case now.State == engine.Missing:
		return false
	case now.Err != nil:
		return true // it is not known
	case was != 0 && is != 0 && was != is:
		return false
	}
	applied := now.Applied.IDs()
	return !slices.ContainsFunc(m.to, func(id string) bool { return !slices.Contains(applied, id) })
}
