package orchestrator

import (
	"fmt"
	"regexp"
	"slices"
	"time"

	"github.com/skeindb/skein/orchestrator/plan"
	"github.com/skeindb/skein/tenant"
)

// Change is what a new rollout shall do, and to which tenants. [UpgradeTo], [DowngradeTo], [StampTo], [RollbackOf] and
// [Same] make one; the other fields may be set afterwards.
type Change struct {
	Kind    plan.Kind
	Targets []string // revisions, as in docs/cli.md: one of an upgrade or a downgrade, several of a stamp; the rollout's id of a rollback

	ID        string   // of the rollout; default [plan.NewID]
	Tag       string   // a word for the record, such as a release; of a rollback, why
	Selectors []string // only tenants that match all of them, such as "tier=gold"; nil = the whole fleet
	Canary    string   // a wave before all others: a number of tenants, a share ("5%") or a selector; "" = none but the policy's
	Only      string   // just the wave of this name; "" = all waves

	Purge   bool // of a stamp: first forget what is recorded, also what the graph does not know
	Partial bool // of a rollback: leave out tenants that cannot be rolled back

	// Same is a plan that was made earlier, such as one that [plan.Read] returned: it is made again, and a *[ChangedError]
	// says where another comes out. The fields above but ID and Tag are taken from it.
	Same *plan.Plan
}

// UpgradeTo upgrades to a target, "heads" for all that there is.
func UpgradeTo(target string) Change {
	return Change{Kind: plan.KindUpgrade, Targets: []string{target}}
}

// DowngradeTo takes tenants down to a target, such as "-1" or "base".
func DowngradeTo(target string) Change {
	return Change{Kind: plan.KindDowngrade, Targets: []string{target}}
}

// StampTo records where tenants stand without running anything.
func StampTo(targets ...string) Change { return Change{Kind: plan.KindStamp, Targets: targets} }

// RollbackOf takes back what a rollout upgraded: of each tenant the revisions whose rows name the rollout.
func RollbackOf(id string) Change { return Change{Kind: plan.KindRollback, Targets: []string{id}} }

// Same does what an earlier plan says, and refuses if something has changed since.
func Same(p *plan.Plan) Change { return Change{Same: p, Kind: p.Kind} }

// ChangeError says why what was asked for makes no rollout. Nothing was touched. Names in backticks are those of this package.
type ChangeError struct {
	Message string
	Advice  string // "" = the message says all
}

func (e *ChangeError) Error() string { return e.Message }

// Hint says what to do about it; "" when the message says all.
func (e *ChangeError) Hint() string { return e.Advice }

// ChangedError says that a plan of [Change.Same] no longer holds. Nothing was touched.
type ChangedError struct {
	Differences []string // for people, a line each
}

func (e *ChangedError) Error() string { return "the plan no longer holds" + because(e.Differences) }

// prepared is a change with the policy under which it is made.
type prepared struct {
	Change
	policy plan.Policy
}

// prepare takes over what an earlier plan says, and puts the canary into the policy.
func (o *Orchestrator) prepare(c Change) (prepared, error) {
	if p := c.Same; p != nil {
		if p.Fleet != o.cfg.Fleet {
			return prepared{}, &ChangeError{fmt.Sprintf("the plan is for fleet %s, not %s", p.Fleet, o.cfg.Fleet), ""}
		}
		c.Kind, c.Targets = p.Kind, []string{p.Target}
		c.Selectors, c.Canary, c.Only = p.Selectors, p.Canary, p.Only
	}
	if c.ID == "" {
		c.ID = plan.NewID(time.Now())
	}
	policy, err := policyFor(o.cfg.Policy, c.Kind, c.Canary)
	return prepared{c, policy}, err
}

// policyFor is the policy under which a rollout of a kind runs, with its canary.
func policyFor(p plan.Policy, kind plan.Kind, canary string) (plan.Policy, error) {
	switch {
	case kind == plan.KindStamp:
		p.Waves = nil // nothing runs in the tenants, so there is nothing to wait for
	case kind == plan.KindRollback:
		p.Waves, p.Pins = nil, nil // those of the rollout that is rolled back, without their gates
	case canary != "":
		return withCanary(p, canary)
	}
	return p, nil
}

// canaryWave is the name of the wave that Change.Canary makes.
const canaryWave = "canary"

// withCanary puts a wave in front of all others: those that the text selects, or so many of all. A wave of the name
// canary that the policy has goes there with this choice, and keeps its order and its gate. The policy given stays as
// it is.
func withCanary(p plan.Policy, text string) (plan.Policy, error) {
	canary := plan.WaveSpec{Name: canaryWave}
	waves := slices.Clone(p.Waves)
	if i := slices.IndexFunc(waves, func(w plan.WaveSpec) bool { return w.Name == canaryWave }); i >= 0 {
		canary = waves[i]
		waves = slices.Delete(waves, i, i+1)
	}
	var err error
	canary.Tenants, canary.Size, err = choice(text)
	if err != nil {
		return p, err
	}
	p.Waves = slices.Insert(waves, 0, canary)
	return p, nil
}

// number is what is meant as a size, whether it is one or not: no label has such a name.
var number = regexp.MustCompile(`^[-+0-9.,\s]+%?$`)

// choice reads a number of tenants, a share of them, or else a selector.
func choice(text string) (tenant.Selector, plan.Size, error) {
	size, err := plan.ParseSize(text)
	if err == nil {
		return tenant.Selector{}, size, nil
	}
	if number.MatchString(text) {
		return tenant.Selector{}, size, &ChangeError{"`Canary`: " + err.Error(), "give a number, a share, or a selector such as tier=internal"}
	}
	selector, err := tenant.ParseSelector(text)
	return selector, plan.Size{}, err
}

// covers refuses a plan in which a wave that was asked for has no tenants: a canary of none protects none.
func (c *prepared) covers(p *plan.Plan) error {
	if c.Only != "" && p.Len() == 0 {
		return &ChangeError{fmt.Sprintf("wave %s has no tenants", c.Only), "`Plan` shows the waves"}
	}
	if c.Canary != "" && len(p.Waves) > 0 && p.Waves[0].Name == canaryWave && len(p.Waves[0].Items) == 0 {
		return &ChangeError{fmt.Sprintf("`Canary` %s: no tenant matches", c.Canary), "`Tenants` lists them with their labels"}
	}
	return nil
}

// joins returns what says whether a tenant that is new in the fleet belongs to a rollout, by what its plan remembers of
// how its tenants were chosen; nil when none does. Where a tenant stood, or that it was drawn by lot or for one wave, says
// nothing about one that was not there.
func joins(p *plan.Plan) (func(tenant.Tenant) bool, error) {
	chosen, err := parseSelectors(p.Selectors)
	if err != nil {
		return nil, err
	}
	if p.Only != "" || chosen.NeedsSurvey() || chosen.Samples() {
		return nil, nil
	}
	return func(t tenant.Tenant) bool { return chosen.Matches(&t, nil) }, nil
}
