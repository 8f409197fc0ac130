package run_test

import (
	"context"
	"errors"
	"strings"
	"sync"
	"testing"
	"testing/synctest"
	"time"

	"github.com/google/go-cmp/cmp"

	"github.com/skeindb/skein/engine"
	"github.com/skeindb/skein/orchestrator/plan"
	"github.com/skeindb/skein/orchestrator/rollout"
)

// failingTimes makes the first n tries of each tenant fail.
type failingTimes struct {
	mu    sync.Mutex
	tries map[string]int
	n     int
	class engine.Class
}

func (f *failingTimes) do(_ context.Context, job engine.Job) error {
	f.mu.Lock()
	defer f.mu.Unlock()
	if f.tries == nil {
		f.tries = map[string]int{}
	}
	if f.tries[job.Location.Schema]++; f.tries[job.Location.Schema] <= f.n {
		return engineError(f.class, "try again")
	}
	return nil
}

func TestTransientErrorsAreRetriedWithJitter(t *testing.T) {
	t.Parallel()
	synctest.Test(t, func(t *testing.T) {
		g := linearGraph(t)
		s := newFakeRun(t, g, newPlan(t, g, tenantsOn("s1", 200), repeatStanding(200, standingAt(g))))
		s.cfg.Policy.Retry = plan.Retry{Attempts: 4, Base: time.Second, Max: 3 * time.Second}
		s.engine.do = (&failingTimes{n: 3, class: engine.Transient}).do
		r := s.run(t)
		if r.Count(plan.OutcomeDone) != 200 {
			t.Fatal(r.Counts())
		}
		waits := map[int][]time.Duration{}
		for _, e := range s.facts(t) {
			if f, ok := e.Fact.(rollout.TenantRetrying); ok {
				waits[f.Attempt] = append(waits[f.Attempt], f.Wait)
			}
		}
		for attempt, most := range map[int]time.Duration{1: time.Second, 2: 2 * time.Second, 3: 3 * time.Second} {
			var sum time.Duration
			for _, w := range waits[attempt] {
				if w < 0 || w > most {
					t.Errorf("after attempt %d: a wait of %s, want at most %s", attempt, w, most)
				}
				sum += w
			}
			if mean := sum / 200; mean < most/3 || mean > most*2/3 {
				t.Errorf("after attempt %d: %s on average, want about half of %s", attempt, mean, most)
			}
		}
	})
}

func TestAttemptsEnd(t *testing.T) {
	t.Parallel()
	for class, tries := range map[engine.Class]int{
		engine.Transient: 3, engine.Busy: 3, engine.Timeout: 2, engine.Data: 1, engine.Revision: 1, engine.Guard: 1,
		engine.Checksum: 1, engine.Stale: 1, engine.Internal: 1, engine.Canceled: 1,
	} {
		t.Run(string(class), func(t *testing.T) {
			t.Parallel()
			synctest.Test(t, func(t *testing.T) {
				g := linearGraph(t)
				s := newFakeRun(t, g, newPlan(t, g, tenantsOn("s1", 1), repeatStanding(1, standingAt(g))))
				s.cfg.Policy.Retry.Attempts = 3
				s.engine.do = (&failingTimes{n: 99, class: class}).do
				r := s.run(t)
				f := r.Failed()
				if len(f) != 1 || f[0].Attempt != tries || len(s.engine.attempts["s1-0001"]) != tries {
					t.Errorf("%d tries, reported %+v; want %d", len(s.engine.attempts["s1-0001"]), f, tries)
				}
			})
		})
	}
}

func TestWaitingTenantsHoldNoConnection(t *testing.T) {
	t.Parallel()
	synctest.Test(t, func(t *testing.T) {
		g := linearGraph(t)
		p := newPlan(t, g, tenantsOn("s1", 20), repeatStanding(20, standingAt(g)))
		s := newFakeRun(t, g, p)
		s.cfg.Policy.Concurrency = 1
		first := p.Waves[0].Items[0].Tenant.Location.Schema
		tried := false
		s.engine.do = func(ctx context.Context, job engine.Job) error {
			if job.Location.Schema == first && !tried {
				tried = true
				return engineError(engine.Transient, "deadlock")
			}
			return taking(time.Minute)(ctx, job)
		}
		s.cfg.Policy.Retry.Base = 30 * time.Second
		r := s.run(t)
		if took := r.Finished.Sub(r.Started); took != 20*time.Minute {
			t.Errorf("it took %s: the only connection was held by a tenant that waited", took)
		}
		if s.engine.most != 1 {
			t.Errorf("%d at once, want 1", s.engine.most)
		}
	})
}

func TestBusyTenantsAreDeferredToTheEndOfTheWave(t *testing.T) {
	t.Parallel()
	synctest.Test(t, func(t *testing.T) {
		g := linearGraph(t)
		p := newPlan(t, g, tenantsOn("s1", 100), repeatStanding(100, standingAt(g)))
		s := newFakeRun(t, g, p)
		held := p.Waves[0].Items[0].Tenant.Location.Schema
		start := time.Now()
		s.engine.do = func(ctx context.Context, job engine.Job) error {
			if job.Location.Schema == held && time.Since(start) < 18*time.Second {
				time.Sleep(2 * time.Second) // lock_timeout
				return engineError(engine.Busy, "held by pid 7")
			}
			return taking(time.Second)(ctx, job)
		}
		r := s.run(t)
		if r.Count(plan.OutcomeDone) != 100 {
			t.Fatal(r.Counts(), r.Causes())
		}
		tries := s.engine.attempts[held]
		for id, at := range s.engine.attempts {
			if id != held && at[0].After(tries[1]) {
				t.Errorf("%s was first tried after the second try of the one that was held", id)
			}
		}
		// All others take 10 s or so; of five tries the first two do not outlast the lock, later ones do.
		if n := len(tries); n < 3 || n > 5 {
			t.Errorf("%d tries", n)
		}
	})
}

func TestDeferralsOutlastALockThatIsHeldForAWhile(t *testing.T) {
	t.Parallel()
	synctest.Test(t, func(t *testing.T) {
		g := linearGraph(t)
		for range 20 { // jitter
			s := newFakeRun(t, g, newPlan(t, g, tenantsOn("s1", 1), repeatStanding(1, standingAt(g))))
			start := time.Now()
			s.engine.do = func(context.Context, engine.Job) error {
				if time.Since(start) < 12*time.Second {
					return engineError(engine.Busy, "held by pid 7")
				}
				return nil
			}
			if r := s.run(t); r.Count(plan.OutcomeDone) != 1 {
				t.Errorf("given up after %s: %v", r.Finished.Sub(r.Started), r.Causes())
			}
		}
	})
}

// outage is a server that is away for a while; as a Prober it tells the truth about it.
type outage struct {
	until  time.Time
	server string
	class  engine.Class
	probes int
}

func (o *outage) Probe(_ context.Context, server, database string) error {
	o.probes++
	if server == o.server && time.Now().Before(o.until) {
		return errors.New("connection refused")
	}
	return nil
}

func (o *outage) do(ctx context.Context, job engine.Job) error {
	if err := taking(100*time.Millisecond)(ctx, job); err != nil {
		return err
	}
	if job.Location.Server == o.server && time.Now().Before(o.until) {
		return engineError(o.class, "connection refused")
	}
	return nil
}

func TestServerThatComesBackCostsNoAttempt(t *testing.T) {
	t.Parallel()
	for _, prober := range []bool{true, false} {
		synctest.Test(t, func(t *testing.T) {
			g := linearGraph(t)
			tenants := append(tenantsOn("s1", 50), tenantsOn("s2", 50)...)
			s := newFakeRun(t, g, newPlan(t, g, tenants, repeatStanding(100, standingAt(g))))
			o := &outage{until: time.Now().Add(2 * time.Minute), server: "s1", class: engine.Connection}
			s.engine.do = o.do
			s.cfg.Policy.Retry.Attempts = 1
			if prober {
				s.cfg.Prober = o
			}
			r := s.run(t)
			if diff := cmp.Diff(counts(plan.OutcomeDone, 100), r.Counts()); diff != "" {
				t.Errorf("prober %v: %s\n%v", prober, diff, r.Causes())
			}
			for tr := range r.Tenants() {
				if tr.Attempt != 1 {
					t.Errorf("%s needed %d attempts", tr.Tenant, tr.Attempt)
				}
			}
			for e := range s.engine.attempts {
				if strings.HasPrefix(e, "s2") && s.engine.attempts[e][0].Sub(r.Started) > 10*time.Second {
					t.Errorf("%s waited for the other server", e)
				}
			}
			if prober && (o.probes < 10 || o.probes > 60) {
				t.Errorf("%d probes in two minutes", o.probes)
			}
			if r.Servers["s1"].Paused != nil {
				t.Error("s1 is paused at the end")
			}
		})
	}
}

func TestPatienceEnds(t *testing.T) {
	t.Parallel()
	for _, prober := range []bool{true, false} {
		synctest.Test(t, func(t *testing.T) {
			g := linearGraph(t)
			tenants := append(tenantsOn("s1", 1000), tenantsOn("s2", 50)...)
			s := newFakeRun(t, g, newPlan(t, g, tenants, repeatStanding(1050, standingAt(g))))
			o := &outage{until: time.Now().Add(time.Hour), server: "s1", class: engine.Connection}
			s.engine.do = o.do
			if prober {
				s.cfg.Prober = o
			}
			r := s.run(t)
			if diff := cmp.Diff(counts(plan.OutcomeDone, 50, plan.OutcomeFailed, 1000), r.Counts()); diff != "" {
				t.Error(diff)
			}
			if took := r.Finished.Sub(r.Started); took < 5*time.Minute || took > 5*time.Minute+20*time.Second {
				t.Errorf("given up after %s", took)
			}
			want := "server s1 was away for 5m0s: connection refused"
			if f := r.Failed()[0].Failure; f.Message != want || f.Class != engine.Connection || f.Hint == "" {
				t.Errorf("%+v", f)
			}
			if r.State != rollout.StateHalted {
				t.Error(r.State)
			}
		})
	}
}

// Patience is with a server that is away in one stretch: blips in between which it answers probes do not add up, even
// if no tenant ends between them.
func TestPatienceIsNotUsedUpByBlips(t *testing.T) {
	t.Parallel()
	synctest.Test(t, func(t *testing.T) {
		g := linearGraph(t)
		s := newFakeRun(t, g, newPlan(t, g, tenantsOn("s1", 8), repeatStanding(8, standingAt(g))))
		s.cfg.Policy.ServerPatience, s.cfg.Policy.Concurrency = 8*time.Second, 2
		s.cfg.Prober = &outage{}
		start := time.Now()
		s.engine.do = func(ctx context.Context, job engine.Job) error {
			for range 6 {
				if err := taking(time.Second)(ctx, job); err != nil {
					return err
				}
				if at := time.Since(start) % (4500 * time.Millisecond); at < time.Second && time.Since(start) < 15*time.Second {
					return engineError(engine.Connection, "terminating connection due to administrator command")
				}
			}
			return nil
		}
		r := s.run(t)
		if diff := cmp.Diff(counts(plan.OutcomeDone, 8), r.Counts()); diff != "" {
			t.Error(diff, r.Causes())
		}
	})
}

// oneConnectionServer is a server with room for one connection, which a tenant has that takes long; as a Prober it refuses others.
type oneConnectionServer struct {
	mu    sync.Mutex
	taken bool
}

func (n *oneConnectionServer) Probe(context.Context, string, string) error {
	n.mu.Lock()
	defer n.mu.Unlock()
	if n.taken {
		return engineError(engine.Capacity, "too many connections for role")
	}
	return nil
}

func (n *oneConnectionServer) do(ctx context.Context, job engine.Job) error {
	n.mu.Lock()
	if n.taken {
		n.mu.Unlock()
		return engineError(engine.Connection, "terminating connection due to administrator command")
	}
	n.taken = true
	n.mu.Unlock()
	err := taking(10*time.Minute)(ctx, job)
	n.mu.Lock()
	defer n.mu.Unlock()
	n.taken = false
	return err
}

// A server that has no room for a probe beside a tenant of ours which it is working on is not away.
func TestServerFullOfOurConnectionsIsNotAway(t *testing.T) {
	t.Parallel()
	synctest.Test(t, func(t *testing.T) {
		g := linearGraph(t)
		s := newFakeRun(t, g, newPlan(t, g, tenantsOn("s1", 2), repeatStanding(2, standingAt(g))))
		n := &oneConnectionServer{}
		s.engine.do, s.cfg.Prober = n.do, n
		r := s.run(t)
		if diff := cmp.Diff(counts(plan.OutcomeDone, 2), r.Counts()); diff != "" {
			t.Error(diff, r.Causes())
		}
	})
}

func TestTenantThatCrashesTheServerFails(t *testing.T) {
	t.Parallel()
	synctest.Test(t, func(t *testing.T) {
		g := linearGraph(t)
		p := newPlan(t, g, tenantsOn("s1", 50), repeatStanding(50, standingAt(g)))
		s := newFakeRun(t, g, p)
		s.cfg.Policy.MaxFailures.Count = 1
		s.cfg.Prober = &outage{}
		killer := p.Waves[0].Items[5].Tenant.ID
		s.engine.do = func(ctx context.Context, job engine.Job) error {
			if s.engine.ids[job.Location] == killer {
				return engineError(engine.Connection, "server closed the connection")
			}
			return taking(time.Second)(ctx, job)
		}
		r := s.run(t)
		if diff := cmp.Diff(counts(plan.OutcomeDone, 49, plan.OutcomeFailed, 1), r.Counts()); diff != "" {
			t.Error(diff)
		}
	})
}

func TestFullDiskWaitsForAnOperator(t *testing.T) {
	t.Parallel()
	synctest.Test(t, func(t *testing.T) {
		g := linearGraph(t)
		tenants := append(tenantsOn("s1", 100), tenantsOn("s2", 30)...)
		s := newFakeRun(t, g, newPlan(t, g, tenants, repeatStanding(130, standingAt(g))))
		s.cfg.Prober = &outage{}
		start := time.Now()
		s.engine.do = func(ctx context.Context, job engine.Job) error {
			if job.Location.Server == "s1" && time.Since(start) >= 2*time.Second {
				return engineError(engine.Server, "disk full")
			}
			return taking(time.Second)(ctx, job)
		}
		r := s.run(t)
		if r.State != rollout.StateHalted || exitCode(r) != 3 || r.Reason != "server s1: disk full" {
			t.Errorf("%s %q", r.State, r.Reason)
		}
		if r.Count(plan.OutcomeFailed) != 0 || r.Count(plan.OutcomeDone) != 30+16 {
			t.Error(r.Counts())
		}
		if sr := r.Servers["s1"]; !sr.Operator || sr.Paused.Message != "disk full" {
			t.Errorf("%+v", sr)
		}
	})
}

func TestCapacityHalvesAndRegrows(t *testing.T) {
	t.Parallel()
	synctest.Test(t, func(t *testing.T) {
		g := linearGraph(t)
		s := newFakeRun(t, g, newPlan(t, g, tenantsOn("s1", 400), repeatStanding(400, standingAt(g))))
		s.cfg.Policy.Retry.Attempts = 1
		places, start := 3, time.Now()
		s.engine.do = func(ctx context.Context, job engine.Job) error {
			s.engine.mu.Lock()
			if time.Since(start) > 20*time.Second {
				places = 12
			}
			none := s.engine.now > places
			s.engine.mu.Unlock()
			if none {
				return engineError(engine.Capacity, "sorry, too many clients already")
			}
			return taking(time.Second)(ctx, job)
		}
		r := s.run(t)
		if diff := cmp.Diff(counts(plan.OutcomeDone, 400), r.Counts()); diff != "" {
			t.Error(diff, r.Causes())
		}
		var widths []int
		for _, e := range s.facts(t) {
			if f, ok := e.Fact.(rollout.WidthChanged); ok {
				widths = append(widths, f.Width)
			}
		}
		if widths[0] != 4 || widths[1] != 2 {
			t.Errorf("widths %v, want 4, 2 first", widths)
		}
		top := 0
		for _, w := range widths {
			top = max(top, w)
		}
		if top < 10 {
			t.Errorf("widths %v: it did not grow again", widths)
		}
	})
}

func TestFullServerIsProbed(t *testing.T) {
	t.Parallel()
	synctest.Test(t, func(t *testing.T) {
		g := linearGraph(t)
		s := newFakeRun(t, g, newPlan(t, g, tenantsOn("s1", 40), repeatStanding(40, standingAt(g))))
		o := &outage{until: time.Now().Add(time.Minute), server: "s1", class: engine.Capacity}
		s.engine.do, s.cfg.Prober = o.do, o
		r := s.run(t)
		if diff := cmp.Diff(counts(plan.OutcomeDone, 40), r.Counts()); diff != "" {
			t.Error(diff, r.Causes())
		}
		for id, tries := range s.engine.attempts {
			if len(tries) > 12 {
				t.Errorf("%s was tried %d times within a minute", id, len(tries))
			}
		}
	})
}
