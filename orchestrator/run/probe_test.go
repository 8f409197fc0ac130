package run_test

import (
	"context"
	"testing"
	"testing/synctest"
	"time"

	"github.com/google/go-cmp/cmp"

	"github.com/skeindb/skein/engine"
	"github.com/skeindb/skein/orchestrator/plan"
	"github.com/skeindb/skein/orchestrator/rollout"
)

// fixedProbe is a Prober that always says the same.
type fixedProbe struct{ err error }

func (a fixedProbe) Probe(context.Context, string, string) error { return a.err }

// A server that comes back and refuses the password, say, is not probed for minutes.
func TestProbeThatNeedsAnOperatorHalts(t *testing.T) {
	t.Parallel()
	synctest.Test(t, func(t *testing.T) {
		g := linearGraph(t)
		s := newFakeRun(t, g, newPlan(t, g, tenantsOn("s1", 40), repeatStanding(40, standingAt(g))))
		o := &outage{until: time.Now().Add(time.Hour), server: "s1", class: engine.Connection}
		s.engine.do, s.cfg.Prober = o.do, fixedProbe{engineError(engine.Server, "password authentication failed")}
		r := s.run(t)
		if r.State != rollout.StateHalted || r.Reason != "server s1: password authentication failed" {
			t.Errorf("%s %q", r.State, r.Reason)
		}
		if diff := cmp.Diff(counts(plan.OutcomePending, 40), r.Counts()); diff != "" {
			t.Error(diff)
		}
		if took := r.Finished.Sub(r.Started); took > 5*time.Second {
			t.Errorf("it took %s", took)
		}
	})
}

// A database that is dropped takes its connections along; the server with all the others is well.
func TestProbeOfADroppedDatabaseResumes(t *testing.T) {
	t.Parallel()
	synctest.Test(t, func(t *testing.T) {
		g := linearGraph(t)
		p := newPlan(t, g, tenantsOn("s1", 40), repeatStanding(40, standingAt(g)))
		s := newFakeRun(t, g, p)
		dropped := p.Waves[0].Items[3].Tenant.ID
		tries := 0
		s.engine.do = func(ctx context.Context, job engine.Job) error {
			switch {
			case s.engine.ids[job.Location] != dropped:
				return taking(time.Second)(ctx, job)
			case tries == 0:
				tries++
				return engineError(engine.Connection, "terminating connection due to administrator command")
			}
			return engineError(engine.Gone, "database does not exist")
		}
		s.cfg.Prober = fixedProbe{engineError(engine.Gone, "database does not exist")}
		r := s.run(t)
		if diff := cmp.Diff(counts(plan.OutcomeDone, 39, plan.OutcomeGone, 1), r.Counts()); diff != "" {
			t.Error(diff)
		}
		if took := r.Finished.Sub(r.Started); took > time.Minute {
			t.Errorf("it took %s", took)
		}
	})
}
