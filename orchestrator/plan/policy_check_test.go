package plan_test

import (
	"errors"
	"strings"
	"testing"

	"github.com/skeindb/skein/orchestrator/plan"
)

func TestPolicyCheckNamesTheMistake(t *testing.T) {
	t.Parallel()
	wave := func(w plan.WaveSpec) plan.Policy { return plan.Policy{Waves: []plan.WaveSpec{w}} }
	if err := (&plan.Policy{}).Check(); err != nil {
		t.Errorf("the zero value: got %v, want no error", err)
	}
	for want, policy := range map[string]plan.Policy{
		"concurrency is -1":                                {Concurrency: -1},
		"at once on one server are -2":                     {PerServer: -2},
		"attempts are -1":                                  {Retry: plan.Retry{Attempts: -1}},
		`on failure is "foo"`:                              {OnFailure: "foo"},
		`the tolerance is "hard"`:                          {Tolerance: "hard"},
		"the most failures are 200%":                       {MaxFailures: plan.Budget{Percent: 200}},
		"wave 1 has no name":                               wave(plan.WaveSpec{}),
		"two waves are named a":                            {Waves: []plan.WaveSpec{{Name: "a"}, {Name: "a"}}},
		`there is no order "up"`:                           wave(plan.WaveSpec{Name: "a", Order: "up"}),
		"the size of wave a is -3":                         wave(plan.WaveSpec{Name: "a", Size: plan.Size{Count: -3}}),
		`check "probe" in the gate of wave a has no meter`: wave(plan.WaveSpec{Name: "a", Gate: plan.Gate{Checks: []plan.Check{{Name: "probe"}}}}),
	} {
		err := policy.Check()
		var e *plan.Error
		if !errors.As(err, &e) || e.Reason != plan.ReasonPolicy || !strings.Contains(e.Message, want) {
			t.Errorf("got %v, want an error with %q", err, want)
		}
	}
}
