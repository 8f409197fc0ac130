package run_test

import (
	"context"
	"fmt"
	"slices"
	"sync"
	"testing"
	"testing/synctest"
	"time"

	"github.com/google/go-cmp/cmp"

	"github.com/skeindb/skein/engine"
	"github.com/skeindb/skein/engine/revision"
	"github.com/skeindb/skein/orchestrator/plan"
	"github.com/skeindb/skein/orchestrator/rollout"
	"github.com/skeindb/skein/tenant"
)

func TestFleetWideLimit(t *testing.T) {
	t.Parallel()
	synctest.Test(t, func(t *testing.T) {
		g := linearGraph(t)
		tenants := append(append(tenantsOn("s1", 50), tenantsOn("s2", 50)...), tenantsOn("s3", 50)...)
		s := newFakeRun(t, g, newPlan(t, g, tenants, repeatStanding(150, standingAt(g))))
		s.cfg.Policy.Concurrency = 6
		s.engine.do = taking(time.Second)
		r := s.run(t)
		if took := r.Finished.Sub(r.Started); s.engine.most != 6 || took != 25*time.Second {
			t.Errorf("%d at once, it took %s", s.engine.most, took)
		}
		if diff := cmp.Diff(map[string]int{"s1": 2, "s2": 2, "s3": 2}, s.engine.peak); diff != "" {
			t.Errorf("the work did not spread: %s", diff)
		}
	})
}

func TestPerServerLimit(t *testing.T) {
	t.Parallel()
	synctest.Test(t, func(t *testing.T) {
		g := linearGraph(t)
		tenants := append(tenantsOn("s1", 90), tenantsOn("s2", 10)...)
		s := newFakeRun(t, g, newPlan(t, g, tenants, repeatStanding(100, standingAt(g))))
		s.cfg.Policy.PerServer = 3
		s.engine.perServer, s.engine.do = 3, taking(time.Second)
		r := s.run(t)
		if took := r.Finished.Sub(r.Started); took != 30*time.Second {
			t.Errorf("it took %s: free places were not used, or too many", took)
		}
		if s.facts(t)[0].Fact.(rollout.Started).Width != 6 {
			t.Errorf("%+v", s.facts(t)[0].Fact)
		}
	})
}

func TestRevisionWithConcurrency(t *testing.T) {
	t.Parallel()
	synctest.Test(t, func(t *testing.T) {
		g := graph(t, rev("a", ""), rev("b", "a", revision.Options{Concurrency: 2}), rev("c", "b"))
		tenants := append(tenantsOn("s1", 20), tenantsOn("s2", 20)...)
		standings := append(repeatStanding(10, standingAt(g, "a", "b")), repeatStanding(30, standingAt(g, "a"))...) // the first ten have b already
		s := newFakeRun(t, g, newPlan(t, g, tenants, standings))
		limited, peak := 0, 0
		var mu sync.Mutex
		s.engine.do = func(ctx context.Context, job engine.Job) error {
			if job.Plan.Len() == 2 {
				mu.Lock()
				limited++
				peak = max(peak, limited)
				mu.Unlock()
				defer func() {
					mu.Lock()
					defer mu.Unlock()
					limited--
				}()
			}
			return taking(time.Second)(ctx, job)
		}
		r := s.run(t)
		if peak != 2 || r.Count(plan.OutcomeDone) != 40 {
			t.Errorf("%d at once, %v", peak, r.Counts())
		}
		if took := r.Finished.Sub(r.Started); took != 15*time.Second {
			t.Errorf("it took %s, want 30 tenants two by two", took)
		}
		if s.engine.peak["s1"] < 8 {
			t.Errorf("the others were held up: %d at once", s.engine.peak["s1"])
		}
	})
}

func TestRevisionAlone(t *testing.T) {
	t.Parallel()
	synctest.Test(t, func(t *testing.T) {
		g := graph(t, rev("a", ""), rev("b", "a", revision.Options{Alone: true}), rev("c", "b"))
		tenants := append(tenantsOn("s1", 20), tenantsOn("s2", 6)...)
		standings := append(repeatStanding(16, standingAt(g, "a", "b")), repeatStanding(10, standingAt(g))...)
		s := newFakeRun(t, g, newPlan(t, g, tenants, standings))
		s.engine.do = func(ctx context.Context, job engine.Job) error {
			alone := job.Plan.Len() == 3
			for range 2 {
				s.engine.mu.Lock()
				if n := s.engine.running[job.Location.Server]; alone && n != 1 {
					t.Errorf("%d on %s beside one that wants to be alone", n, job.Location.Server)
				}
				s.engine.mu.Unlock()
				if err := taking(time.Second)(ctx, job); err != nil {
					return err
				}
			}
			return nil
		}
		r := s.run(t)
		if r.Count(plan.OutcomeDone) != 26 || s.engine.peak["s1"] != 8 {
			t.Errorf("%v, %d at once", r.Counts(), s.engine.peak["s1"])
		}
		if took := r.Finished.Sub(r.Started); took != 12*time.Second {
			t.Errorf("it took %s: want 16 by eight and 4 alone on s1, 6 alone on s2 meanwhile", took)
		}
	})
}

func TestStampIsBoundByNoRevision(t *testing.T) {
	t.Parallel()
	synctest.Test(t, func(t *testing.T) {
		g := graph(t, rev("a", "", revision.Options{Alone: true, Concurrency: 1}))
		req := request()
		req.Kind = plan.KindStamp
		p, err := plan.New(members(tenantsOn("s1", 80), repeatStanding(80, standingAt(g))), g, req)
		if err != nil {
			t.Fatal(err)
		}
		s := newFakeRun(t, g, p)
		s.engine.do = taking(time.Second)
		if s.run(t); s.engine.most < 8 {
			t.Errorf("%d at once", s.engine.most)
		}
	})
}

func TestWorkStaysInADatabaseAndSpreadsOverSome(t *testing.T) {
	t.Parallel()
	synctest.Test(t, func(t *testing.T) {
		g := linearGraph(t)
		var tenants []tenant.Tenant
		for d := range 40 {
			for i := range 25 {
				id := fmt.Sprintf("d%02d-%02d", d, i)
				tenants = append(tenants, tenant.Tenant{ID: id, Location: engine.Location{
					Dialect: revision.Postgres, Server: "s1", Database: fmt.Sprintf("d%02d", d), Schema: id,
				}})
			}
		}
		s := newFakeRun(t, g, newPlan(t, g, tenants, repeatStanding(len(tenants), standingAt(g))))
		var mu sync.Mutex
		now, most := map[string]int{}, 0
		var before []string
		moves := 0
		s.engine.do = func(ctx context.Context, job engine.Job) error {
			db := job.Location.Database
			mu.Lock()
			now[db]++
			most = max(most, len(now))
			if len(before) > 0 && !slices.Contains(before, db) {
				moves++
			}
			if before = append(before, db); len(before) > 16 {
				before = before[1:]
			}
			mu.Unlock()
			err := taking(time.Duration(50+len(job.Location.Schema))*time.Millisecond)(ctx, job)
			mu.Lock()
			defer mu.Unlock()
			if now[db]--; now[db] == 0 {
				delete(now, db)
			}
			return err
		}
		s.run(t)
		if most < 4 || most > 16 {
			t.Errorf("%d databases at once", most)
		}
		if moves > 120 {
			t.Errorf("%d of 1000 tenants needed a connection to another database", moves)
		}
	})
}
