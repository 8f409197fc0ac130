package run_test

import (
	"context"
	"errors"
	"fmt"
	"slices"
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

// outcome makes the facts of a first run in which those tenants ended so.
func outcomes(ends map[string]plan.Outcome) []rollout.Event {
	facts := []rollout.Fact{rollout.Started{Run: 1, Waves: []rollout.WavePlanned{{Name: "all", Tenants: 8}}}}
	for id, o := range ends {
		facts = append(facts, rollout.TenantFinished{Tenant: id, Wave: "all", Outcome: o, Failure: &plan.Failure{Message: "x"}})
	}
	events := make([]rollout.Event, len(facts))
	for i, f := range facts {
		events[i] = rollout.Event{Rollout: "r1", Seq: int64(i + 1), Time: planCreated, Fact: f}
	}
	return events
}

// cohortsInWords prints where each tenant of the plan goes: "id: steps" or why not.
func cohortsInWords(p *plan.Plan) []string {
	lines := []string{}
	for _, item := range p.Waves[0].Items {
		c := p.Cohorts[item.Cohort]
		what := strings.Join(c.Steps, " ")
		switch c.Action {
		case plan.ActionGone:
			what = "gone"
		case plan.ActionRefuse:
			what = "refused " + string(c.Failure.Class)
		case plan.ActionSkip:
			what = "skipped"
		case plan.ActionNone:
			what = "unchanged"
		}
		lines = append(lines, item.Tenant.ID+": "+what)
	}
	slices.Sort(lines)
	return lines
}

func TestResumePlanOfAnUpgrade(t *testing.T) {
	t.Parallel()
	g := linearGraph(t)
	tenants := tenantsOn("t", 8)
	id := func(n int) string { return tenants[n-1].ID }
	first := append(repeatStanding(7, standingAt(g, "a")), engine.Standing{State: engine.Unreachable, Err: engineError(engine.Connection, "refused")})
	stored := newPlan(t, g, tenants, first)
	more := graph(t, rev("a", ""), rev("b", "a"), rev("c", "b"), rev("d", "c")) // a new revision meanwhile
	now := []engine.Standing{
		standingAt(more, "a", "b", "c"),      // 1 done and there
		standingAt(more, "a"),                // 2 called done, but restored from a backup
		standingAt(more, "a", "b"),           // 3 failed half way
		standingAt(more, "a", "b", "c"),      // 4 there, though the store did not get to know
		standingAt(more, "a", "b", "c", "d"), // 5 another program took it further
		standingAt(more),                     // 6 restored from before the plan
		standingAt(more, "a"),                // 7 skipped by the operator
		standingAt(more, "a"),                // 8 was unreachable
	}
	events := outcomes(map[string]plan.Outcome{
		id(1): plan.OutcomeDone, id(2): plan.OutcomeDone, id(3): plan.OutcomeFailed, id(7): plan.OutcomeSkipped, id(8): plan.OutcomeFailed,
	})
	p, err := plan.Resume(rollout.Current(stored.Stored(), events), rollout.HistoryOf(events), members(tenants, now), more, plan.ResumeOptions{})
	if err != nil {
		t.Fatal(err)
	}
	want := []string{
		id(2) + ": b c", id(3) + ": c", id(4) + ": unchanged", id(5) + ": unchanged", id(6) + ": a b c", id(8) + ": b c",
	}
	if diff := cmp.Diff(want, cohortsInWords(p.Stored())); diff != "" {
		t.Error(diff)
	}
	if p.Waves[0].Planned != 8 || p.Len() != 6 || p.Changes() != 4 {
		t.Errorf("planned %d, now %d, to change %d", p.Waves[0].Planned, p.Len(), p.Changes())
	}

	// A tenant left the fleet, and only two are asked for.
	p, err = plan.Resume(rollout.Current(stored.Stored(), events), rollout.HistoryOf(events), members(tenants[:7], now[:7]), more, plan.ResumeOptions{Only: []string{id(3), id(8)}})
	if err != nil {
		t.Fatal(err)
	}
	if diff := cmp.Diff([]string{id(3) + ": c", id(8) + ": gone"}, cohortsInWords(p.Stored())); diff != "" {
		t.Error(diff)
	}
	if _, err := plan.Resume(rollout.Current(stored.Stored(), events), rollout.HistoryOf(events), members(tenants, now), more, plan.ResumeOptions{Only: []string{"nobody"}}); err == nil {
		t.Error("a tenant that is not in the plan was accepted")
	}
}

// A target that counts steps was meant for where the tenants stood.
func TestResumePlanRefusesTenantsWhoseRelativeTargetMoved(t *testing.T) {
	t.Parallel()
	g := linearGraph(t)
	tenants := tenantsOn("t", 2)
	for target, want := range map[string]string{"+2": "refused stale", "c": "a b c", "heads": "a b c", "a+2": "a b c"} {
		req := request()
		req.Targets = []string{target}
		stored, err := plan.New(members(tenants, repeatStanding(2, standingAt(g, "a"))), g, req)
		if err != nil {
			t.Fatal(err)
		}
		p, err := plan.Resume(stored.Stored(), rollout.HistoryOf(nil), members(tenants, []engine.Standing{standingAt(g, "a"), standingAt(g)}), g, plan.ResumeOptions{})
		if err != nil {
			t.Fatal(err)
		}
		if diff := cmp.Diff([]string{tenants[0].ID + ": b c", tenants[1].ID + ": " + want}, cohortsInWords(p.Stored())); diff != "" {
			t.Errorf("%s: %s", target, diff)
		}
	}
}

func TestResumePlanOfADowngradeAndAStamp(t *testing.T) {
	t.Parallel()
	g := linearGraph(t)
	tenants := tenantsOn("t", 5)
	id := func(n int) string { return tenants[n-1].ID }
	req := request()
	req.Kind, req.Targets = plan.KindDowngrade, []string{"a"}
	stored, err := plan.New(members(tenants, append(repeatStanding(4, standingAt(g, "a", "b", "c")), standingAt(g))), g, req)
	if err != nil {
		t.Fatal(err)
	}
	now := []engine.Standing{standingAt(g, "a", "b", "c"), standingAt(g, "a", "b"), standingAt(g, "a"), standingAt(g), standingAt(g)}
	p, err := plan.Resume(rollout.Current(stored.Stored(), outcomes(map[string]plan.Outcome{id(3): plan.OutcomeDone})), rollout.HistoryOf(outcomes(map[string]plan.Outcome{id(3): plan.OutcomeDone})), members(tenants, now), g, plan.ResumeOptions{})
	if err != nil {
		t.Fatal(err)
	}
	want := []string{id(1) + ": c b", id(2) + ": b", id(4) + ": refused stale", id(5) + ": skipped"}
	if diff := cmp.Diff(want, cohortsInWords(p.Stored())); diff != "" {
		t.Error(diff)
	}

	req.Kind, req.Targets = plan.KindStamp, []string{"b"}
	stored, err = plan.New(members(tenants, repeatStanding(5, standingAt(g))), g, req)
	if err != nil {
		t.Fatal(err)
	}
	now = []engine.Standing{standingAt(g), standingAt(g, "a", "b"), standingAt(g, "a"), standingAt(g, "a", "b"), standingAt(g)}
	p, err = plan.Resume(rollout.Current(stored.Stored(), outcomes(map[string]plan.Outcome{id(2): plan.OutcomeDone})), rollout.HistoryOf(outcomes(map[string]plan.Outcome{id(2): plan.OutcomeDone})), members(tenants, now), g, plan.ResumeOptions{})
	if err != nil {
		t.Fatal(err)
	}
	want = []string{id(1) + ": a b", id(3) + ": b", id(4) + ": unchanged", id(5) + ": a b"}
	if diff := cmp.Diff(want, cohortsInWords(p.Stored())); diff != "" {
		t.Error(diff)
	}
}

func TestResumePlanRefusesChangedRevisions(t *testing.T) {
	t.Parallel()
	g := linearGraph(t)
	tenants := tenantsOn("t", 2)
	stored := newPlan(t, g, tenants, repeatStanding(2, standingAt(g, "a")))
	other := rev("c", "b")
	other.Upgrade = &revision.Section{Raw: "other", Checksum: "other"}
	aOther := rev("a", "")
	aOther.Upgrade = &revision.Section{Raw: "other", Checksum: "other"}
	oneWay := rev("c", "b")
	oneWay.Downgrade = nil
	for name, test := range map[string]struct {
		g       *revision.Graph
		refuses string
	}{
		"vanished":              {graph(t, rev("a", ""), rev("b", "a")), "c"},
		"changed":               {graph(t, rev("a", ""), rev("b", "a"), other), "c"},
		"no way down, upgrade":  {graph(t, rev("a", ""), rev("b", "a"), oneWay), ""},
		"changed, not in plan":  {graph(t, aOther, rev("b", "a"), rev("c", "b")), ""},
		"another one was added": {graph(t, rev("a", ""), rev("b", "a"), rev("c", "b"), rev("d", "c")), ""},
	} {
		_, err := plan.Resume(stored.Stored(), rollout.HistoryOf(nil), members(tenants, repeatStanding(2, standingAt(test.g, "a"))), test.g, plan.ResumeOptions{})
		stale, refused := errors.AsType[*plan.Error](err)
		if refused != (test.refuses != "") || refused && (stale.Reason != plan.ReasonStale || stale.Revisions[0] != test.refuses || stale.Hint() == "") {
			t.Errorf("%s: %v", name, err)
		}
	}
}

func TestResumePlanOfADowngradeNeedsItsSections(t *testing.T) {
	t.Parallel()
	g := linearGraph(t)
	tenants := tenantsOn("t", 1)
	req := request()
	req.Kind, req.Targets = plan.KindDowngrade, []string{"a"}
	stored, err := plan.New(members(tenants, repeatStanding(1, standingAt(g, "a", "b", "c"))), g, req)
	if err != nil {
		t.Fatal(err)
	}
	oneWay, other := rev("b", "a"), rev("b", "a")
	oneWay.Downgrade, other.Downgrade.Checksum = nil, "other"
	for _, b := range []*revision.Revision{oneWay, other} {
		now := graph(t, rev("a", ""), b, rev("c", "b"))
		_, err := plan.Resume(stored.Stored(), rollout.HistoryOf(nil), members(tenants, repeatStanding(1, standingAt(now, "a", "b", "c"))), now, plan.ResumeOptions{})
		if stale, ok := errors.AsType[*plan.Error](err); !ok || stale.Reason != plan.ReasonStale || stale.Revisions[0] != "b" {
			t.Errorf("%v", err)
		}
	}
}

func TestResumePlanKeepsTheWaves(t *testing.T) {
	t.Parallel()
	g := linearGraph(t)
	tenants := tenantsOn("t", 6)
	req := request()
	req.Policy.Waves = waves(t, "canary id=t-0001", "early id=t-0002", "nobody id=x", "rest")
	req.Policy.Waves[0].Gate = plan.Gate{Bake: time.Minute}
	stored, err := plan.New(members(tenants, repeatStanding(6, standingAt(g, "a"))), g, req)
	if err != nil {
		t.Fatal(err)
	}
	events := outcomes(map[string]plan.Outcome{
		"t-0001": plan.OutcomeDone, "t-0002": plan.OutcomeFailed, "t-0003": plan.OutcomeDone, "t-0004": plan.OutcomeUnchanged, "t-0005": plan.OutcomeSkipped, "t-0006": plan.OutcomeGone,
	})
	now := repeatStanding(5, standingAt(g, "a", "b", "c"))
	now[2] = standingAt(g, "a") // restored
	fresh := slices.Clone(tenants[:5])
	fresh[0].Labels = map[string]string{"since": "today"}
	p, err := plan.Resume(rollout.Current(stored.Stored(), events), rollout.HistoryOf(events), members(fresh, now), g, plan.ResumeOptions{})
	if err != nil {
		t.Fatal(err)
	}
	if diff := cmp.Diff([]string{"canary ×1", "early ×1", "nobody ×0", "rest ×4"}, inWaves(p.Stored())); diff != "" {
		t.Error(diff)
	}
	settled := [][]string{{"t-0001"}, nil, nil, {"t-0004"}}
	here := [][]string{nil, {"t-0002"}, nil, {"t-0003"}}
	for i, w := range p.Waves {
		if diff := cmp.Diff(settled[i], idsOf(w.Settled)); diff != "" {
			t.Errorf("%s: settled %s", w.Name, diff)
		}
		if diff := cmp.Diff(here[i], tenantsIn(&p.Waves[i])); diff != "" {
			t.Errorf("%s: %s", w.Name, diff)
		}
	}
	counted := 0
	for _, c := range p.Cohorts {
		counted += c.Count
	}
	if counted != p.Len() {
		t.Errorf("the cohorts count %d tenants, the waves have %d", counted, p.Len())
	}
	if p.Waves[0].Settled[0].Tenant.Labels == nil {
		t.Error("a settled tenant is as it was, not as it is")
	}
	if p.Waves[0].Gate == nil || p.Waves[1].Gate != nil || p.Partial || len(p.Notes) == 0 {
		t.Errorf("gate %v, partial %v, notes %q", p.Waves[0].Gate, p.Partial, p.Notes)
	}
	events = append(events, rollout.Event{Rollout: "r1", Seq: int64(len(events) + 1), Time: planCreated, Fact: rollout.WaveStarted{Wave: "early"}})
	p, err = plan.Resume(rollout.Current(stored.Stored(), events), rollout.HistoryOf(events), members(fresh, now), g, plan.ResumeOptions{Only: []string{"t-0002"}})
	if err != nil || !p.Partial || p.Len() != 1 {
		t.Errorf("%v", err)
	}
}

func TestAbortedRolloutsStayAborted(t *testing.T) {
	t.Parallel()
	g := linearGraph(t)
	tenants := tenantsOn("t", 1)
	stored := newPlan(t, g, tenants, repeatStanding(1, standingAt(g)))
	events := []rollout.Event{
		{Rollout: "r1", Seq: 1, Fact: rollout.Started{Run: 1, Kind: plan.KindUpgrade}},
		{Rollout: "r1", Seq: 2, Fact: rollout.Ended{State: rollout.StateAborted, Reason: "wrong fleet"}},
	}
	for _, how := range []plan.ResumeOptions{{}, {Only: []string{"t-0001"}}} {
		_, err := plan.Resume(rollout.Current(stored.Stored(), events), rollout.HistoryOf(events), members(tenants, repeatStanding(1, standingAt(g))), g, how)
		e, ok := errors.AsType[*plan.Error](err)
		if !ok || e.Reason != plan.ReasonAborted || e.Error() != "rollout r1 was aborted: wrong fleet" || !strings.Contains(e.Hint(), "`Rollback(r1)`") {
			t.Errorf("%v", err)
		}
	}
}

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
