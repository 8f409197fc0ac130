package run_test

import (
	"context"
	"testing"
	"testing/synctest"
	"time"

	"github.com/skeindb/skein/engine"
	"github.com/skeindb/skein/orchestrator/plan"
	"github.com/skeindb/skein/orchestrator/rollout"
)

// slowRefuser refuses all that it is asked about, after a while.
type slowRefuser struct{}

func (slowRefuser) Screen(_ context.Context, jobs []engine.Job) []error {
	time.Sleep(3 * time.Second)
	refused := make([]error, len(jobs))
	for i := range refused {
		refused[i] = &engine.Error{Class: engine.Guard, Message: "lacks a function"}
	}
	return refused
}

// What a screening found counts, also when an operator skips a tenant during it.
func TestSkipDuringTheScreeningOfAWaveLosesNoRefusal(t *testing.T) {
	t.Parallel()
	synctest.Test(t, func(t *testing.T) {
		s := newFakeFleet(t, 10, nil)
		s.followFleet()
		s.cfg.Screener = slowRefuser{}
		s.cfg.Policy.OnFailure = plan.OnFailureContinue
		skipped := s.inWave("early")[0]
		s.commandAfter(2*time.Second, rollout.Command{Action: rollout.ActionSkip, Tenants: []string{skipped}}) // the canaries take one
		r := s.run(t)
		for _, id := range s.inWave("early") {
			want := plan.OutcomeFailed
			if id == skipped {
				want = plan.OutcomeSkipped
			}
			if got := r.Outcome(id); got != want {
				t.Errorf("%s is %s, want %s", id, got, want)
			}
		}
		if done := r.Count(plan.OutcomeDone); done != 2 {
			t.Errorf("%d tenants are done, want 2: the canaries, which were screened before", done)
		}
	})
}
