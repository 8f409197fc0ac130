package orchestrator

import (
	"testing"
	"time"

	"github.com/google/go-cmp/cmp"

	"github.com/skeindb/skein/orchestrator/plan"
	"github.com/skeindb/skein/tenant"
)

func selector(t *testing.T, text string) tenant.Selector {
	t.Helper()
	s, err := tenant.ParseSelector(text)
	if err != nil {
		t.Fatal(err)
	}
	return s
}

func TestCanaryGoesFirst(t *testing.T) {
	t.Parallel()
	gate := plan.Gate{Bake: time.Minute}
	early := plan.WaveSpec{Name: "early", Size: plan.Size{Percent: 5}}
	own := plan.WaveSpec{Name: "canary", Tenants: selector(t, "tier=internal"), Order: plan.OrderSmallFirst, Gate: gate}
	for _, test := range []struct {
		name, text string
		waves      []plan.WaveSpec
		want       plan.WaveSpec // the first wave
		then       int           // waves after it
	}{
		{"a number", "3", nil, plan.WaveSpec{Name: "canary", Size: plan.Size{Count: 3}}, 0},
		{"a share", "2.5%", []plan.WaveSpec{early}, plan.WaveSpec{Name: "canary", Size: plan.Size{Percent: 2.5}}, 1},
		{"a selector", "id=acme-*", []plan.WaveSpec{early}, plan.WaveSpec{Name: "canary", Tenants: selector(t, "id=acme-*")}, 1},
		{
			"the config's wave keeps order and gate, and loses its own choice", "7", []plan.WaveSpec{early, own},
			plan.WaveSpec{Name: "canary", Size: plan.Size{Count: 7}, Order: plan.OrderSmallFirst, Gate: gate}, 1,
		},
	} {
		t.Run(test.name, func(t *testing.T) {
			t.Parallel()
			before := plan.Policy{Waves: test.waves}
			p, err := withCanary(before, test.text)
			if err != nil {
				t.Fatal(err)
			}
			got := p.Waves[0]
			if got.Name != test.want.Name || got.Tenants.String() != test.want.Tenants.String() || got.Size != test.want.Size ||
				got.Order != test.want.Order || got.Gate.Bake != test.want.Gate.Bake {
				t.Errorf("the first wave is %+v, want %+v", got, test.want)
			}
			if len(p.Waves) != 1+test.then {
				t.Errorf("%d waves, want %d", len(p.Waves), 1+test.then)
			}
			if test.then > 0 && p.Waves[1].Name != "early" {
				t.Errorf("after the canary comes %s", p.Waves[1].Name)
			}
			if len(test.waves) > 1 && test.waves[1].Tenants.IsZero() {
				t.Error("the policy given was changed")
			}
		})
	}
}

func TestInvalidCanaryIsRefused(t *testing.T) {
	t.Parallel()
	for _, text := range []string{"", "0", "-3", "0%", "101%", "1.5", "tier=", "a b"} {
		if p, err := withCanary(plan.Policy{}, text); err == nil {
			t.Errorf("%q makes %+v", text, p.Waves)
		}
	}
}

func TestSelectedTenantsJoin(t *testing.T) {
	t.Parallel()
	gold := tenant.Tenant{ID: "acme", Labels: map[string]string{"tier": "gold"}}
	free := tenant.Tenant{ID: "zoo", Labels: map[string]string{"tier": "free"}}
	for _, test := range []struct {
		selectors []string
		want      string
	}{
		{nil, "both"},
		{[]string{"tier=gold"}, "gold"},
		{[]string{"tier=gold", "id=zoo"}, "none"},
		{[]string{`tier!="a,limit=3"`}, "both"},
		{[]string{"state=behind"}, "none ever"},
		{[]string{"heads=base,tier=gold"}, "none ever"},
		{[]string{"sample=5%"}, "none ever"},
		{[]string{"tier in (gold,free),limit=20"}, "none ever"},
	} {
		f, err := joins(&plan.Plan{Selectors: test.selectors})
		if err != nil {
			t.Fatal(err)
		}
		got := "none ever"
		if f != nil {
			got = map[[2]bool]string{{true, true}: "both", {true, false}: "gold", {false, false}: "none", {false, true}: "free"}[[2]bool{f(gold), f(free)}]
		}
		if diff := cmp.Diff(test.want, got); diff != "" {
			t.Errorf("%q: -want +got\n%s", test.selectors, diff)
		}
	}
}

func TestNoTenantJoinsASingleWave(t *testing.T) {
	t.Parallel()
	if f, err := joins(&plan.Plan{Only: "early"}); f != nil || err != nil {
		t.Errorf("a tenant joins, %v", err)
	}
	if f, err := joins(&plan.Plan{Canary: "sample=5%"}); f == nil || err != nil {
		t.Errorf("a canary keeps late tenants out, %v", err)
	}
}
