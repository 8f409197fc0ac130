package run_test

import (
	"context"
	"strings"
	"testing"
	"testing/synctest"
	"time"

	"github.com/google/go-cmp/cmp"

	"github.com/skeindb/skein/engine"
	"github.com/skeindb/skein/orchestrator/plan"
	"github.com/skeindb/skein/orchestrator/rollout"
)

// fakeWatcher is a server that is frozen for a while, and on which tenants wait for another session.
type fakeWatcher struct {
	frozen, thawed time.Time
	waits          func(engine.Location) []engine.Holder
}

func (w *fakeWatcher) away() bool { return !time.Now().Before(w.frozen) && time.Now().Before(w.thawed) }

func (w *fakeWatcher) Watch(ctx context.Context, _ string, targets []engine.Location) (map[engine.Location][]engine.Holder, error) {
	if w.away() {
		<-ctx.Done()
		return nil, ctx.Err()
	}
	all := map[engine.Location][]engine.Holder{}
	for _, t := range targets {
		if w.waits != nil {
			if of := w.waits(t); len(of) > 0 {
				all[t] = of
			}
		}
	}
	return all, nil
}

func (w *fakeWatcher) Probe(ctx context.Context, _, _ string) error {
	if w.away() {
		<-ctx.Done()
		return ctx.Err()
	}
	return nil
}

// work takes a while of the time that the server is not frozen, or until ctx ends.
func (w *fakeWatcher) work(d time.Duration) func(context.Context, engine.Job) error {
	return func(ctx context.Context, job engine.Job) error {
		for ; d > 0; d -= time.Second {
			if err := taking(time.Second)(ctx, job); err != nil {
				return engineError(engine.Canceled, "canceled")
			}
			for w.away() {
				if err := taking(time.Second)(ctx, job); err != nil {
					return engineError(engine.Canceled, "canceled")
				}
			}
		}
		return nil
	}
}

func TestFrozenServerIsAwayAndContinues(t *testing.T) {
	t.Parallel()
	synctest.Test(t, func(t *testing.T) {
		g := linearGraph(t)
		s := newFakeRun(t, g, newPlan(t, g, tenantsOn("s1", 4), repeatStanding(4, standingAt(g))))
		w := &fakeWatcher{frozen: time.Now().Add(5 * time.Second), thawed: time.Now().Add(2 * time.Minute)}
		s.cfg.Watcher, s.cfg.Prober, s.cfg.Policy.Concurrency = w, w, 2
		s.engine.do = func(ctx context.Context, job engine.Job) error { return w.work(20*time.Second)(ctx, job) }
		r := s.run(t)
		if diff := cmp.Diff(counts(plan.OutcomeDone, 4), r.Counts()); diff != "" {
			t.Error(diff, r.Causes())
		}
		var paused []string
		for _, e := range s.facts(t) {
			if f, ok := e.Fact.(rollout.ServerPaused); ok {
				paused = append(paused, f.Failure.Message)
			}
		}
		if diff := cmp.Diff([]string{"server s1 does not answer, while 2 tenants are being migrated there"}, paused); diff != "" {
			t.Error(diff)
		}
	})
}

func TestFrozenServerIsGivenUp(t *testing.T) {
	t.Parallel()
	synctest.Test(t, func(t *testing.T) {
		g := linearGraph(t)
		tenants := append(tenantsOn("s1", 20), tenantsOn("s2", 20)...)
		s := newFakeRun(t, g, newPlan(t, g, tenants, repeatStanding(40, standingAt(g))))
		w := &fakeWatcher{frozen: time.Now().Add(5 * time.Second), thawed: time.Now().Add(time.Hour)}
		s.cfg.Watcher, s.cfg.Prober, s.cfg.Policy.MaxFailures.Count = oneServerWatcher{w, "s1"}, oneServerWatcher{w, "s1"}, 20
		s.engine.do = func(ctx context.Context, job engine.Job) error {
			if job.Location.Server == "s1" {
				return w.work(20*time.Second)(ctx, job)
			}
			return taking(time.Second)(ctx, job)
		}
		r := s.run(t)
		if diff := cmp.Diff(counts(plan.OutcomeDone, 20, plan.OutcomeFailed, 20), r.Counts()); diff != "" {
			t.Error(diff, r.Causes())
		}
		for _, f := range r.Failed() {
			if !strings.HasPrefix(f.Failure.Message, "server s1 was away for 5m0s: server s1 does not answer") {
				t.Errorf("%+v", f.Failure)
			}
		}
		if took := r.Finished.Sub(r.Started); took > 6*time.Minute {
			t.Errorf("given up after %s", took)
		}
	})
}

// oneServerWatcher is a watcher for one server; the others are well.
type oneServerWatcher struct {
	*fakeWatcher
	server string
}

func (o oneServerWatcher) Watch(ctx context.Context, server string, targets []engine.Location) (map[engine.Location][]engine.Holder, error) {
	if server != o.server {
		return nil, nil
	}
	return o.fakeWatcher.Watch(ctx, server, targets)
}

func (o oneServerWatcher) Probe(ctx context.Context, server, database string) error {
	if server != o.server {
		return nil
	}
	return o.fakeWatcher.Probe(ctx, server, database)
}

// A run that is to end waits for a server that does not answer, no longer than patience goes, and says so.
func TestDrainWaitsForAFrozenServerForABoundedTime(t *testing.T) {
	t.Parallel()
	synctest.Test(t, func(t *testing.T) {
		g := linearGraph(t)
		s := newFakeRun(t, g, newPlan(t, g, tenantsOn("s1", 20), repeatStanding(20, standingAt(g))))
		w := &fakeWatcher{frozen: time.Now().Add(5 * time.Second), thawed: time.Now().Add(time.Hour)}
		stop := make(chan struct{})
		time.AfterFunc(7*time.Second, func() { close(stop) })
		s.cfg.Watcher, s.cfg.Prober, s.cfg.Drain = w, w, stop
		s.engine.do = func(ctx context.Context, job engine.Job) error { return w.work(20*time.Second)(ctx, job) }
		r := s.run(t)
		if r.State != rollout.StateInterrupted || r.Count(plan.OutcomePending) != 20 {
			t.Errorf("%s %v", r.State, r.Counts())
		}
		if took := r.Finished.Sub(r.Started); took > 6*time.Minute {
			t.Errorf("it took %s", took)
		}
		if len(r.Warnings) != 1 || !strings.Contains(r.Warnings[0], "has not answered since") || !strings.Contains(r.Warnings[0], "at most") {
			t.Errorf("%q", r.Warnings)
		}
	})
}

// Who looks from elsewhere, and so is fed no ticks, sees who is running and for whom they wait.
func TestStoredFactsNameTheRunningTenants(t *testing.T) {
	t.Parallel()
	synctest.Test(t, func(t *testing.T) {
		g := linearGraph(t)
		s := newFakeRun(t, g, newPlan(t, g, tenantsOn("s1", 2), repeatStanding(2, standingAt(g))))
		start := time.Now()
		holder := engine.Holder{PID: 7, Application: "worker", State: "idle in transaction", Age: time.Minute}
		w := &fakeWatcher{waits: func(engine.Location) []engine.Holder {
			if time.Since(start) < 10*time.Second {
				return []engine.Holder{holder}
			}
			return nil
		}}
		s.cfg.Watcher = w
		s.engine.do = taking(20 * time.Second)
		s.run(t)
		seen := map[string]bool{}
		var r rollout.Report
		for _, e := range s.facts(t) {
			r.Apply(e)
			for _, x := range r.Running() {
				at := e.Time.Sub(start)
				switch waits := len(x.For) > 0; {
				case waits && at > 2*time.Second && !seen["waits"]:
					t.Errorf("known to wait after %s", at)
				case waits:
					seen["waits"] = true
					if diff := cmp.Diff([]engine.Holder{holder}, x.For); diff != "" {
						t.Error(diff)
					}
				case at > 10*time.Second:
					seen["continues"] = true
				}
			}
		}
		if !seen["waits"] || !seen["continues"] || r.Count(plan.OutcomeRunning) != 0 {
			t.Errorf("%v, %v at the end", seen, r.Counts())
		}
	})
}
