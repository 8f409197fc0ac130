package plan

import (
	"fmt"
	"slices"
	"strings"
	"time"

	"github.com/skeindb/skein/engine/revision"
)

// Replan plans one wave of p again in the middle of a run, by the rules of [Resume]. now are the members of the wave as
// they are now; tenants of the wave that are not among them become [ActionGone]. The wave gets new items, in the order they
// had, with cohorts that are appended to p.Cohorts; indexes into p.Cohorts stay valid. g is the graph of now.
func Replan(p *Runnable, w int, now []Member, g *revision.Graph, o Rules) error {
	then, err := graphOf(p.stored, g)
	if err != nil {
		return err
	}
	old := p.Waves[w].Items
	after := *p.stored
	after.Cohorts = slices.Clone(p.Cohorts)
	for _, item := range old {
		after.Cohorts[item.Cohort].Count--
	}
	left := &remainingPlanner{of: p.stored, then: then, now: g, options: o.WithDefaults(), running: true}
	items, err := left.items(old, newFleet(now), &after)
	if err != nil {
		return err
	}
	p.Cohorts = after.Cohorts
	p.SetItems(w, items)
	return nil
}

// Join plans members that joined the fleet while its rollout runs, and returns the change of the plan: they belong to the
// last wave of p, see [Runnable.Add]. Their target is that of [New], by the graph of the plan and the pins of now. One for
// which there is no path is refused with the reason; that is no error of the rollout.
//
// Only upgrades and downgrades have late tenants. None of late may be in p already.
func Join(p *Runnable, late []Member, g *revision.Graph, policy Policy, o Rules, now time.Time) (Change, error) {
	switch {
	case p.Kind != KindUpgrade && p.Kind != KindDowngrade:
		return Change{}, fmt.Errorf("no tenant can join a %s", p.Kind)
	case len(p.Waves) == 0:
		return Change{}, fmt.Errorf("rollout %s has no wave to join", p.Rollout)
	}
	then, err := graphOf(p.stored, g)
	if err != nil {
		return Change{}, err
	}
	pins := matchPins(policy.Pins, p.Kind, now, late)
	groups, of := groupByStanding(late, pins.of)
	way := &pathPlanner{graph: then, now: g, kind: p.Kind, targets: strings.Fields(p.Target), options: o.WithDefaults()}
	fact := Change{Wave: p.Waves[len(p.Waves)-1].Name, Cohorts: make([]Cohort, len(groups)), Items: make([]Item, 0, len(late))}
	for i, group := range groups {
		pin := pins.pin(group.mark)
		if fact.Cohorts[i], err = way.planJoining(group, pin); err != nil {
			return Change{}, err
		}
	}
	h := newHashOrder(late)
	for _, i := range h.interleave(late, h.order) {
		fact.Items = append(fact.Items, Item{Tenant: late[i].Tenant, Cohort: of[i], Standing: late[i].Standing})
	}
	return fact, nil
}

// planJoining plans late tenants of one group, which a pin may hold back.
func (w *pathPlanner) planJoining(gr standingGroup, pin *Pin) (Cohort, error) {
	switch {
	case pin == nil:
		return w.planLate(gr, "")
	case pin.Freeze:
		return pin.freeze(gr), nil
	}
	return w.planLate(gr, pin.Target)
}
