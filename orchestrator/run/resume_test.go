package run_test

import (
	"context"
	"fmt"
	"strings"
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

// fakeDatabase holds the tenants of a fleet and the revisions applied to each.
type fakeDatabase struct {
	g         *revision.Graph
	tenants   []tenant.Tenant
	applied   map[string][]string
	dropped   map[string]bool   // schemas that are not there any more; nil = none
	recreated map[string]uint32 // how often a tenant was dropped and made again; nil = none was
	appliedBy map[string]string // the rollout that applied a revision, by schema and revision joined by a space
}

// surveyRollout is survey with the rows that a rollout wrote.
func (w *fakeDatabase) surveyRollout(rollout string) []engine.Standing {
	standings := make([]engine.Standing, len(w.tenants))
	for i, tn := range w.tenants {
		standings[i] = w.rows(tn.Location.Schema, rollout)
	}
	return standings
}

func (w *fakeDatabase) rows(schema, rollout string) engine.Standing {
	s := w.standing(schema)
	if s.Applied == nil {
		return s
	}
	for i := range s.Applied.Rows {
		if r := &s.Applied.Rows[i]; w.appliedBy[schema+" "+r.Revision] == rollout {
			r.Rollout = rollout
		}
	}
	return s
}

// setApplied notes that those revisions are applied, such as "a" or, by rollout r1, "a:r1".
func (w *fakeDatabase) setApplied(schema string, applied ...string) {
	w.applied[schema] = nil
	for _, row := range applied {
		id, rollout, _ := strings.Cut(row, ":")
		w.applied[schema] = append(w.applied[schema], id)
		w.appliedBy[schema+" "+id] = rollout
	}
}

func (w *fakeDatabase) survey() []engine.Standing {
	standings := make([]engine.Standing, len(w.tenants))
	for i, tn := range w.tenants {
		standings[i] = w.standing(tn.Location.Schema)
	}
	return standings
}

func (w *fakeDatabase) standing(schema string) engine.Standing {
	if w.dropped[schema] {
		return engine.Standing{State: engine.Missing, Err: &engine.Error{Class: engine.Gone, Message: "it is not there"}}
	}
	s := standingAt(w.g, w.applied[schema]...)
	s.SchemaID.SchemaOID = 1 + w.recreated[schema]
	return s
}

func TestResumeDoesOnlyWhatRemains(t *testing.T) {
	t.Parallel()
	synctest.Test(t, func(t *testing.T) {
		w := &fakeDatabase{g: linearGraph(t), tenants: tenantsOn("s1", 60), applied: map[string][]string{}}
		s := newFakeRun(t, w.g, newPlan(t, w.g, w.tenants, w.survey()))
		broken := map[string]bool{}
		for _, item := range s.cfg.Plan.Waves[0].Items[10:13] {
			broken[item.Tenant.Location.Schema] = true
		}
		s.engine.do = func(ctx context.Context, job engine.Job) error {
			if broken[job.Location.Schema] {
				return engineError(engine.Data, fmt.Sprintf("duplicates in %q", job.Location.Schema))
			}
			if err := taking(time.Second)(ctx, job); err != nil {
				return err
			}
			s.engine.mu.Lock()
			defer s.engine.mu.Unlock()
			w.applied[job.Location.Schema] = []string{"a", "b", "c"}
			return nil
		}
		r := s.run(t)
		if r.State != rollout.StateHalted || r.Count(plan.OutcomeFailed) == 0 || r.Count(plan.OutcomePending) == 0 {
			t.Fatalf("%s, %v", r.State, r.Counts())
		}
		if c := r.Causes(); len(c) != 1 || c[0].Message != `duplicates in "…"` {
			t.Errorf("causes %+v", c)
		}

		for run := 2; run <= 3; run++ { // the second with the mistake still there, the third without
			p, events, err := s.store.Load(t.Context(), "r1")
			if err != nil {
				t.Fatal(err)
			}
			before := s.engine.attempts
			s.engine.attempts = map[string][]time.Time{}
			s.cfg.Earlier = events
			s.cfg.Plan, err = plan.Resume(rollout.Current(p, events), rollout.HistoryOf(events), members(p.Pick(w.tenants), w.survey()), w.g, plan.ResumeOptions{})
			if err != nil {
				t.Fatal(err)
			}
			if run == 3 {
				clear(broken)
			} else {
				s.cfg.Policy.MaxFailures.Count = 3
			}
			r = s.run(t)
			if r.Run != run || r.Planned() != 60 {
				t.Errorf("run %d of %d tenants", r.Run, r.Planned())
			}
			for id := range s.engine.attempts {
				if len(before[id]) > 0 && !broken[id] && run == 2 {
					t.Errorf("%s was touched again", id)
				}
			}
			if run == 2 {
				if diff := cmp.Diff(counts(plan.OutcomeDone, 57, plan.OutcomeFailed, 3), r.Counts()); diff != "" || exitCode(r) != 2 {
					t.Errorf("exit %d %s", exitCode(r), diff)
				}
			}
		}
		if len(s.engine.attempts) != 3 {
			t.Errorf("the third run touched %d tenants, want the 3 that were left", len(s.engine.attempts))
		}
		if diff := cmp.Diff(counts(plan.OutcomeDone, 60), r.Counts()); diff != "" || exitCode(r) != 0 || !r.Next().IsZero() {
			t.Errorf("exit %d, next %+v %s", exitCode(r), r.Next(), diff)
		}
	})
}

func TestResumeAfterAKill(t *testing.T) {
	t.Parallel()
	synctest.Test(t, func(t *testing.T) {
		w := &fakeDatabase{g: linearGraph(t), tenants: tenantsOn("s1", 30), applied: map[string][]string{}}
		p := newPlan(t, w.g, w.tenants, w.survey())
		s := newFakeRun(t, w.g, p)
		// The first process named all and then died: ten are done, two half way, and none of it is stored.
		var named []string
		for i, item := range p.Waves[0].Items {
			named = append(named, item.Tenant.ID)
			switch {
			case i < 10:
				w.applied[item.Tenant.Location.Schema] = []string{"a", "b", "c"}
			case i < 12:
				w.applied[item.Tenant.Location.Schema] = []string{"a"}
			}
		}
		if err := s.store.Create(t.Context(), p.Stored()); err != nil {
			t.Fatal(err)
		}
		facts := []rollout.Fact{
			rollout.Started{Run: 1, Fleet: "acme", Kind: plan.KindUpgrade, Waves: []rollout.WavePlanned{{Name: "all", Tenants: 30}}},
			rollout.WaveStarted{Wave: "all"}, rollout.TenantsDispatched{Tenants: named},
			rollout.TenantRetrying{Tenant: named[20], Attempt: 1, Failure: plan.Failure{Class: engine.Transient, Message: "deadlock"}},
		}
		var events []rollout.Event
		for i, f := range facts {
			events = append(events, rollout.Event{Rollout: "r1", Seq: int64(i + 1), Time: planCreated, Fact: f})
		}
		if err := s.store.Append(t.Context(), events); err != nil {
			t.Fatal(err)
		}
		planned, events, err := s.store.Load(t.Context(), "r1")
		if err != nil {
			t.Fatal(err)
		}
		if s.cfg.Plan, err = plan.Resume(rollout.Current(planned, events), rollout.HistoryOf(events), members(w.tenants, w.survey()), w.g, plan.ResumeOptions{}); err != nil {
			t.Fatal(err)
		}
		s.cfg.Earlier = events
		clear(s.engine.named)
		r := s.run(t)
		if diff := cmp.Diff(counts(plan.OutcomeDone, 30), r.Counts()); diff != "" {
			t.Error(diff)
		}
		if s.engine.touched() != 20 || r.Run != 2 {
			t.Errorf("%d touched in run %d", s.engine.touched(), r.Run)
		}
	})
}

func TestRetryOfSomeLeavesTheRolloutHalted(t *testing.T) {
	t.Parallel()
	synctest.Test(t, func(t *testing.T) {
		w := &fakeDatabase{g: linearGraph(t), tenants: tenantsOn("s1", 5), applied: map[string][]string{}}
		s := newFakeRun(t, w.g, newPlan(t, w.g, w.tenants, w.survey()))
		s.engine.do = (&failingTimes{n: 1, class: engine.Data}).do
		if r := s.run(t); r.State != rollout.StateHalted {
			t.Fatal(r.State)
		}
		p, events, err := s.store.Load(t.Context(), "r1")
		if err != nil {
			t.Fatal(err)
		}
		only := w.tenants[2].ID
		if s.cfg.Plan, err = plan.Resume(rollout.Current(p, events), rollout.HistoryOf(events), members(w.tenants, w.survey()), w.g, plan.ResumeOptions{Only: []string{only}}); err != nil {
			t.Fatal(err)
		}
		s.cfg.Earlier = events
		r := s.run(t)
		if diff := cmp.Diff(counts(plan.OutcomeDone, 1, plan.OutcomeFailed, 4), r.Counts()); diff != "" {
			t.Error(diff)
		}
		if r.State != rollout.StateFinished || exitCode(r) != 2 {
			t.Errorf("%s %q, exit %d", r.State, r.Reason, exitCode(r))
		}
	})
}
