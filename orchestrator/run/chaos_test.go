package run_test

import (
	"context"
	"math/rand/v2"
	"testing"
	"testing/synctest"
	"time"

	"github.com/skeindb/skein/engine"
	"github.com/skeindb/skein/engine/revision"
	"github.com/skeindb/skein/orchestrator/plan"
	"github.com/skeindb/skein/orchestrator/rollout"
	"github.com/skeindb/skein/orchestrator/run"
)

// TestRandomFailuresKeepTheInvariants lets everything go wrong at once, many times over. Whatever happens, a run ends (the bubble
// finds those that hang), its facts fold to its report, its counts sum up, no tenant is touched without being
// named or twice at a time, and after enough resumes each tenant is done.
func TestRandomFailuresKeepTheInvariants(t *testing.T) {
	t.Parallel()
	for seed := range uint64(150) {
		synctest.Test(t, func(t *testing.T) { checkChaos(t, seed) })
		if t.Failed() {
			t.Fatalf("seed %d", seed)
		}
	}
}

func checkChaos(t *testing.T, seed uint64) {
	t.Helper()
	rng := rand.New(rand.NewPCG(seed, 1))
	options := revision.Options{}
	switch rng.IntN(4) {
	case 0:
		options.Alone = true
	case 1:
		options.Concurrency = 2
	}
	g := graph(t, rev("a", ""), rev("b", "a", options), rev("c", "b"))
	w := &fakeDatabase{g: g, tenants: append(append(tenantsOn("s1", 30), tenantsOn("s2", 5)...), tenantsOn("s3", 1)...), applied: map[string][]string{}}
	for i, tn := range w.tenants {
		switch i % 5 {
		case 0:
			w.applied[tn.Location.Schema] = []string{"a", "b", "c"}
		case 1:
			w.applied[tn.Location.Schema] = []string{"a", "b"}
		}
	}
	s := newFakeRun(t, g, newPlan(t, g, w.tenants, w.survey()))
	classes := []engine.Class{
		engine.Transient, engine.Busy, engine.Connection, engine.Capacity, engine.Server, engine.Timeout, engine.Stale,
		engine.Gone, engine.Data, engine.Revision, engine.Canceled, engine.Internal, engine.Uncertain,
	}
	for round := 1; ; round++ {
		if round > 60 {
			t.Fatalf("not home after %d runs", round)
		}
		calm := round > 20 // then nothing goes wrong any more
		faults := make([]engine.Class, rng.IntN(4))
		for i := range faults {
			faults[i] = classes[rng.IntN(len(classes))]
		}
		rate, work := rng.Float64(), time.Duration(1+rng.IntN(5000))*time.Millisecond
		s.engine.do = func(ctx context.Context, job engine.Job) error {
			s.engine.mu.Lock()
			class := engine.Class("")
			if !calm && len(faults) > 0 && rng.Float64() < rate {
				class = faults[rng.IntN(len(faults))]
			}
			d := time.Duration(rng.Int64N(int64(work)))
			s.engine.mu.Unlock()
			if err := taking(d)(ctx, job); err != nil {
				return err
			}
			if class != "" {
				return engineError(class, "fault")
			}
			s.engine.mu.Lock()
			defer s.engine.mu.Unlock()
			w.applied[job.Location.Schema] = []string{"a", "b", "c"}
			return nil
		}
		s.cfg.Policy = plan.Policy{
			Concurrency: rng.IntN(5), PerServer: rng.IntN(5), ServerPatience: time.Duration(rng.IntN(120)) * time.Second,
			MaxFailures: plan.Budget{Count: rng.IntN(10)}, Retry: plan.Retry{Attempts: 1 + rng.IntN(4)},
		}
		s.engine.perServer = s.cfg.Policy.PerServer
		s.cfg.Prober = nil
		if rng.IntN(2) == 0 {
			s.cfg.Prober = &outage{server: "s1", until: time.Now().Add(time.Duration(rng.IntN(200)) * time.Second)}
		}
		stop := make(chan struct{})
		s.cfg.Drain = stop
		ctx, cancel := context.WithCancel(t.Context())
		var timers []*time.Timer
		if !calm && rng.IntN(3) == 0 {
			timers = append(timers, time.AfterFunc(time.Duration(rng.IntN(30))*time.Second, func() { close(stop) }))
			if rng.IntN(2) == 0 {
				timers = append(timers, time.AfterFunc(30*time.Second, cancel))
			}
		}
		if !calm && rng.IntN(6) == 0 {
			timers = append(timers, time.AfterFunc(time.Duration(rng.IntN(10))*time.Second, func() { s.store.fail(errDisk) }))
		}
		r, err := run.Run(ctx, s.cfg)
		for _, timer := range timers {
			timer.Stop()
		}
		cancel()
		s.store.fail(nil)
		if err == nil {
			s.check(t, r)
		}
		if s.engine.now != 0 {
			t.Errorf("run %d ended with %d running tenants", round, s.engine.now)
		}
		p, events, err := s.store.Load(t.Context(), "r1")
		if err != nil {
			t.Fatal(err)
		}
		s.cfg.Earlier = events
		if s.cfg.Plan, err = plan.Resume(rollout.Current(p, events), rollout.HistoryOf(events), members(w.tenants, w.survey()), g, plan.ResumeOptions{}); err != nil {
			t.Fatal(err)
		}
		if s.cfg.Plan.Len() == 0 {
			break
		}
	}
	for _, tn := range w.tenants {
		if len(w.applied[tn.Location.Schema]) != 3 {
			t.Errorf("%s is left at %v", tn.ID, w.applied[tn.Location.Schema])
		}
	}
}
