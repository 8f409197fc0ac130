package run_test

import (
	"context"
	"fmt"
	"testing"
	"testing/synctest"

	"github.com/skeindb/skein/engine"
	"github.com/skeindb/skein/orchestrator/plan"
	"github.com/skeindb/skein/orchestrator/rollout"
)

// TestRollbackUndoesARun carries an upgrade out that fails for some, and then its rollback.
func TestRollbackUndoesARun(t *testing.T) {
	t.Parallel()
	synctest.Test(t, func(t *testing.T) {
		w := &fakeDatabase{g: linearGraph(t), tenants: tenantsOn("s1", 40), applied: map[string][]string{}}
		for _, tn := range w.tenants {
			w.applied[tn.Location.Schema] = []string{"a"}
		}
		s := newFakeRun(t, w.g, newPlan(t, w.g, w.tenants, w.survey()))
		broken := s.cfg.Plan.Waves[0].Items[20].Tenant.Location.Schema
		s.engine.do = func(_ context.Context, job engine.Job) error {
			if job.Location.Schema == broken {
				return engineError(engine.Data, "duplicates")
			}
			if job.Rollout == "r2" && job.Plan.Of != "r1" { // what the engine checks under the lock
				t.Errorf("rows of any rollout may be taken down: %q", job.Plan.Of)
			}
			last := job.Plan.Parts[len(job.Plan.Parts)-1]
			s.engine.mu.Lock()
			defer s.engine.mu.Unlock()
			w.applied[job.Location.Schema] = last.After
			return nil
		}
		if r := s.run(t); r.State != rollout.StateHalted {
			t.Fatal(r.State)
		}
		upgraded := 0
		for _, ids := range w.applied {
			if len(ids) == 3 {
				upgraded++
			}
		}
		stored, events, err := s.store.Load(t.Context(), "r1")
		if err != nil {
			t.Fatal(err)
		}
		standings := w.survey()
		for i := range standings {
			if len(standings[i].Applied.IDs()) == 3 {
				standings[i] = rowsOf(w.g, "a b:r1 c:r1")
			}
		}
		p, err := plan.NewRollback(rollout.Current(stored, events), rollout.Touched(events), members(w.tenants, standings), w.g, plan.Options{Rollout: "r2", Fleet: "acme"}, false)
		if err != nil {
			t.Fatal(err)
		}
		if upgraded == 0 || p.Len() != upgraded || p.Changes() != upgraded {
			t.Fatalf("%d tenants to take back, %d to change, %d were upgraded", p.Len(), p.Changes(), upgraded)
		}
		s.cfg.Plan, s.cfg.Earlier = p, nil
		if r := s.run(t); r.Count(plan.OutcomeDone) != upgraded || r.State != rollout.StateFinished {
			t.Errorf("%s, %v", r.State, r.Counts())
		}
		for schema, ids := range w.applied {
			if fmt.Sprint(ids) != "[a]" {
				t.Errorf("%s has %v", schema, ids)
			}
		}
	})
}
