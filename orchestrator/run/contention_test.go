package run_test

import (
	"context"
	"sync/atomic"
	"testing"
	"testing/synctest"
	"time"

	"github.com/google/go-cmp/cmp"

	"github.com/skeindb/skein/engine"
	"github.com/skeindb/skein/orchestrator/plan"
)

// Tenants that all change one shared object deadlock whenever two of them run at once. Attempts are few, so
// the width has to give way.
func TestTenantsThatDeadlockAllFinish(t *testing.T) {
	t.Parallel()
	synctest.Test(t, func(t *testing.T) {
		g := linearGraph(t)
		s := newFakeRun(t, g, newPlan(t, g, tenantsOn("s1", 200), repeatStanding(200, standingAt(g))))
		var inside atomic.Int32
		s.engine.do = func(ctx context.Context, job engine.Job) error {
			rivals := inside.Add(1) > 1
			defer inside.Add(-1)
			if err := taking(10*time.Millisecond)(ctx, job); err != nil {
				return err
			}
			if rivals { // the first of them survives
				return engineError(engine.Transient, "deadlock detected")
			}
			return nil
		}
		r := s.run(t)
		if diff := cmp.Diff(counts(plan.OutcomeDone, 200), r.Counts()); diff != "" {
			t.Error(diff, r.Causes())
		}
	})
}
