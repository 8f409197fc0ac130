package main

import (
	"fmt"
	"regexp"
	"slices"

	"github.com/skeindb/skein/orchestrator/plan"
	"github.com/skeindb/skein/tenant"
)

// shape is a change with the waves in which it is made.
type shape struct {
	change
	policy    plan.Policy
	selectors []string
	canary    string     // as in withCanary; "" = none but the policy's
	wave      string     // only the tenants of this wave; "" = all waves
	from      *plan.Plan // that is made again; nil = none
}

// shape puts what the flags say, or the plan that they name, in place of what the config says.
func (f *fleet) shape(c change) (shape, error) {
	s := shape{change: c, policy: f.project.Policy, canary: c.flags.canary, wave: c.flags.wave}
	if c.flags.selectors != nil {
		s.selectors = *c.flags.selectors
	}
	if c.flags.file != "" {
		if err := s.read(c.flags.file, f.project.Fleet); err != nil {
			return s, err
		}
	}
	var err error
	if c.kind == plan.KindStamp {
		s.policy.Waves = nil // nothing runs in the tenants, so there is nothing to wait for
	} else if s.canary != "" {
		s.policy, err = withCanary(s.policy, s.canary)
	}
	return s, err
}

func (s *shape) options(f *fleet) plan.Rules {
	return plan.Rules{Mode: f.engine.Mode(), AllowChanged: s.flags.allowChanged, Purge: s.purge}
}

// settings are what decides what happens besides tenants and revisions: of the config, and of flags that stand for no
// key of it.
func (s *shape) settings(f *fleet) []plan.Setting {
	all := f.project.Decisive()
	if s.flags.allowChanged {
		all = append(all, plan.Setting{Key: "--allow-changed", Value: "true"})
	}
	return all
}

// covers refuses a plan in which a wave that was asked for has nobody: a canary of nobody protects nobody.
func (s *shape) covers(p *plan.Plan) error {
	if s.wave != "" && p.Len() == 0 {
		return &usageError{fmt.Sprintf("the wave %s has no tenants", s.wave), "`skein plan` shows the waves"}
	}
	if s.canary != "" && len(p.Waves) > 0 && p.Waves[0].Name == canaryWave && len(p.Waves[0].Items) == 0 {
		return &usageError{fmt.Sprintf("--canary %s: no tenant matches", s.canary), "`skein tenants` lists them with their labels"}
	}
	return nil
}

// canaryWave is the name of the wave that --canary makes.
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

// number is what is meant as a size, be it one or not: no label has such a name.
var number = regexp.MustCompile(`^[-+0-9.,\s]+%?$`)

// choice reads a number of tenants, a share of them, or else a selector.
func choice(text string) (tenant.Selector, plan.Size, error) {
	size, err := plan.ParseSize(text)
	if err == nil {
		return tenant.Selector{}, size, nil
	}
	if number.MatchString(text) {
		return tenant.Selector{}, size, &usageError{"--canary: " + err.Error(), "give a number, a share, or a selector such as tier=internal"}
	}
	selector, err := tenant.ParseSelector(text)
	return selector, plan.Size{}, err
}

// joins makes what tells whether a tenant that is new in the fleet belongs to a rollout, by what its plan remembers of
// how its tenants were chosen; nil when none does. Where somebody stood, or who was drawn by lot or for one wave, says
// nothing about one who was not there.
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
