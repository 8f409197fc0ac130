package orchestrator_test

import (
	"context"
	"errors"
	"fmt"
	"strings"
	"testing"
	"testing/synctest"
	"time"

	"github.com/google/go-cmp/cmp"

	"github.com/skeindb/skein/engine"
	"github.com/skeindb/skein/engine/revision"
	"github.com/skeindb/skein/orchestrator"
	"github.com/skeindb/skein/orchestrator/state/statetest"
	"github.com/skeindb/skein/tenant"
)

// story is an upgrade from a to c of tenants t-0001 …, and what its facts tell.
type story struct {
	g         *revision.Graph
	tenants   []tenant.Tenant
	stored    *orchestrator.Plan
	facts     []orchestrator.Fact
	standings []engine.Standing // now
}

func tell(t testing.TB, g *revision.Graph, n int, specs ...orchestrator.WaveSpec) *story {
	t.Helper()
	s := &story{g: g, tenants: on("t", n), standings: all(n, at(g, "a"))}
	req := request()
	req.Policy.Waves = specs
	var err error
	if s.stored, err = orchestrator.Arrange(s.tenants, all(n, at(g, "a")), g, req); err != nil {
		t.Fatal(err)
	}
	return s
}

func (s *story) id(n int) string { return s.tenants[n-1].ID }

// run adds the facts of a run: all tenants named, then those ends, then the end of the run, unless it was killed.
func (s *story) run(named []int, killed bool, ends ...orchestrator.TenantFinished) {
	s.facts = append(s.facts, orchestrator.RolloutStarted{Kind: orchestrator.Upgrade, Waves: []orchestrator.WavePlanned{{Name: "all", Tenants: len(s.tenants)}}})
	var ids []string
	for _, n := range named {
		ids = append(ids, s.id(n))
	}
	s.facts = append(s.facts, orchestrator.TenantsDispatched{Tenants: ids})
	for _, f := range ends {
		s.facts = append(s.facts, f)
	}
	if !killed {
		s.facts = append(s.facts, orchestrator.RolloutEnded{State: orchestrator.StateHalted})
	}
}

func (s *story) end(n int, o orchestrator.Outcome, from, to string, steps int, class engine.Class) orchestrator.TenantFinished {
	f := orchestrator.TenantFinished{
		Tenant: s.id(n), Wave: "all", Outcome: o, From: strings.Fields(from), To: strings.Fields(to), Steps: steps, Attempt: 1,
	}
	if class != "" {
		f.Failure = &orchestrator.Failure{Class: class, Message: "x"}
	}
	return f
}

func (s *story) rollback(partial bool) (*orchestrator.Plan, error) {
	req := orchestrator.Request{Rollout: "r2", Fleet: "acme", Created: begin}
	return orchestrator.ArrangeRollback(s.stored, statetest.Events("r1", 1, s.facts...), s.tenants, s.standings, s.g, req, partial)
}

func TestRollbackTakesDownWhatTheRolloutApplied(t *testing.T) {
	t.Parallel()
	g := line(t)
	s := tell(t, g, 12)
	s.run([]int{1, 2, 3, 4, 5, 6, 7, 8, 9, 12}, true,
		s.end(1, orchestrator.Done, "a", "c", 2, ""),
		s.end(2, orchestrator.Done, "b", "c", 1, ""), // somebody else had brought it to b before its wave
		s.end(3, orchestrator.Failed, "a", "b", 1, engine.Data),
		s.end(4, orchestrator.Failed, "a", "a", 0, engine.Data),
		s.end(5, orchestrator.Failed, "a", "a", 0, engine.Connection),
		s.end(6, orchestrator.Unchanged, "a", "c", 0, ""), // somebody else was faster
	)
	// 7, 8, 9 and 12 were under way when the process died.
	s.run([]int{9}, false,
		s.end(8, orchestrator.Unchanged, "c", "c", 0, ""),
		s.end(9, orchestrator.Done, "b", "c", 1, ""),
	)
	for n, now := range map[int]string{
		1: "a b c", 2: "a b c", 3: "a b",
		4:  "a b c", // by somebody else, since it had failed for good
		5:  "a b c", // nobody knew, for the connection was lost
		6:  "a b c",
		7:  "a b", // half way when the process died
		8:  "a b c",
		9:  "a b c",
		10: "a b c", // never named: by somebody else
		11: "a",
		12: "a", // named, but not begun
	} {
		s.standings[n-1] = at(g, strings.Fields(now)...)
	}
	p, err := s.rollback(false)
	if err != nil {
		t.Fatal(err)
	}
	want := []string{"t-0001: c b", "t-0002: c", "t-0003: b", "t-0005: c b", "t-0007: b", "t-0008: c b", "t-0009: c b"}
	if diff := cmp.Diff(want, goes(p)); diff != "" {
		t.Error(diff)
	}
	if p.Kind != orchestrator.Rollback || p.Of != "r1" || p.Target != "r1" || p.Rollout != "r2" || p.Direction() != revision.Down || p.Notes != nil {
		t.Errorf("%+v", p)
	}
	if p.Len() != 7 || p.Changes() != 7 || p.Waves[0].Planned != 7 {
		t.Errorf("%d tenants, to change %d", p.Len(), p.Changes())
	}
}

func TestRollbackBelievesSurveysWhereNothingWasRecorded(t *testing.T) {
	t.Parallel()
	g := line(t)
	s := tell(t, g, 3)
	s.facts = []orchestrator.Fact{
		orchestrator.TenantFinished{Tenant: s.id(1), Wave: "all", Outcome: orchestrator.Done},
		orchestrator.TenantFinished{Tenant: s.id(2), Wave: "all", Outcome: orchestrator.Failed},
		orchestrator.TenantFinished{Tenant: s.id(3), Wave: "all", Outcome: orchestrator.Skipped},
	}
	s.standings = []engine.Standing{at(g, "a", "b", "c"), at(g, "a", "b"), at(g, "a", "b", "c")}
	p, err := s.rollback(false)
	if err != nil {
		t.Fatal(err)
	}
	if diff := cmp.Diff([]string{"t-0001: c b", "t-0002: b"}, goes(p)); diff != "" {
		t.Error(diff)
	}
}

func TestRollbackReversesTheWaves(t *testing.T) {
	t.Parallel()
	g := line(t)
	gate := orchestrator.Gate{Bake: time.Hour}
	s := tell(t, g, 9, orchestrator.WaveSpec{Name: "canary", Tenants: selector(t, "id=t-0001"), Gate: gate},
		orchestrator.WaveSpec{Name: "early", Tenants: selector(t, "id=t-0002"), Gate: gate},
		orchestrator.WaveSpec{Name: "half", Tenants: selector(t, "id in (t-0003, t-0004)"), Gate: gate})
	s.run([]int{1, 3, 4}, false, s.end(1, orchestrator.Done, "a", "c", 2, ""), s.end(3, orchestrator.Done, "a", "c", 2, ""), s.end(4, orchestrator.Failed, "a", "a", 0, engine.Data))
	// One joined the last wave, and was done there.
	late := on("late", 1)
	s.tenants = append(s.tenants, late...)
	s.facts = append(s.facts,
		orchestrator.TenantsJoined{Wave: "rest", Cohorts: []orchestrator.Cohort{{From: []string{}, To: []string{"c"}, Steps: []string{"a", "b", "c"}}}, Items: []orchestrator.Item{{Tenant: late[0]}}},
	)
	s.run([]int{10}, false, s.end(10, orchestrator.Done, "", "c", 3, ""))
	s.standings = append(all(9, at(g, "a", "b", "c")), at(g, "a", "b", "c"))
	p, err := s.rollback(false)
	if err != nil {
		t.Fatal(err)
	}
	if diff := cmp.Diff([]string{"rest ×1", "half ×1", "canary ×1"}, inWaves(p)); diff != "" {
		t.Error(diff)
	}
	for _, w := range p.Waves {
		if w.Gate != nil {
			t.Errorf("wave %s has a gate", w.Name)
		}
	}
	if diff := cmp.Diff([]string{"late-0001: c b a"}, goes(p)); diff != "" { // the first wave
		t.Error(diff)
	}
	if len(s.stored.Waves) != 4 || s.stored.Waves[0].Name != "canary" || s.stored.Waves[3].Planned != 5 {
		t.Errorf("the stored plan changed: %v", inWaves(s.stored))
	}
}

func TestRollbackRefusesWhatItCannotJudge(t *testing.T) {
	t.Parallel()
	g := graph(t, rev("a", ""), rev("b", "a"), rev("c", "b"))
	now := graph(t, rev("a", ""), rev("b", "a"), rev("c", "b"), rev("d", "c"), rev("x", "a"))
	s := tell(t, g, 6)
	s.g = now
	var ends []orchestrator.TenantFinished
	for n := range 6 {
		ends = append(ends, s.end(n+1, orchestrator.Done, "a", "c", 2, ""))
	}
	s.run([]int{1, 2, 3, 4, 5, 6}, false, ends...)
	changed := at(now, "a", "b", "c")
	changed.Changed = []string{"b"}
	s.standings = []engine.Standing{
		at(now, "a", "b", "c", "d"), at(now, "a", "b", "c", "x"), at(now, "a", "b", "c", "zz"), changed,
		{State: engine.Unreachable, Err: oops(engine.Connection, "refused")}, {State: engine.Missing},
	}
	var blocked *orchestrator.BlockedError
	if _, err := s.rollback(false); !errors.As(err, &blocked) || blocked.Tenants != 3 || blocked.Others != 1 || !strings.Contains(blocked.Hint(), "--partial") {
		t.Fatalf("%v: %+v", err, blocked)
	}
	p, err := s.rollback(true)
	if err != nil {
		t.Fatal(err)
	}
	want := []string{
		"t-0001: skipped", "t-0002: c b", "t-0003: skipped", "t-0004: skipped", "t-0005: refused connection", "t-0006: refused gone",
	}
	if diff := cmp.Diff(want, goes(p)); diff != "" {
		t.Error(diff)
	}
	for _, c := range p.Cohorts {
		if len(c.From) == 1 && c.From[0] == "d" && !strings.Contains(c.Skipped, "b, c") {
			t.Error(c.Skipped)
		}
		if len(c.Steps) > 0 && (len(c.To) != 1 || c.To[0] != "x") {
			t.Errorf("it would stand at %v", c.To)
		}
	}
}

func TestRollbackOfWhatHasNoWayBack(t *testing.T) {
	t.Parallel()
	oneWay, other := rev("c", "b"), rev("b", "a")
	oneWay.Downgrade, other.Downgrade = nil, nil
	for _, test := range []struct {
		name    string
		g       *revision.Graph
		partial bool
		want    []string
		err     string
		hint    string
	}{
		{"refused", graph(t, rev("a", ""), rev("b", "a"), oneWay), false, nil,
			"rollout r1 cannot be taken back: 2 tenants, for example t-0002, would have to go down through c (c_x.sql), without a downgrade section",
			"or take back only the other 1 tenant, with --partial"},
		{"in part", graph(t, rev("a", ""), rev("b", "a"), oneWay), true, []string{"t-0001: skipped", "t-0002: skipped", "t-0003: b"}, "", ""},
		{"nothing is left", graph(t, rev("a", ""), other, oneWay), true, nil,
			"rollout r1 cannot be taken back: 3 tenants, for example t-0002, would have to go down through b (b_x.sql), c (c_x.sql), without a downgrade section",
			"write the section; an empty one is a step that does nothing"},
	} {
		s := tell(t, test.g, 3)
		s.run([]int{1, 2, 3}, false, s.end(1, orchestrator.Done, "a", "c", 2, ""), s.end(2, orchestrator.Done, "a", "c", 2, ""),
			s.end(3, orchestrator.Failed, "a", "b", 1, engine.Data))
		s.standings = []engine.Standing{at(test.g, "a", "b", "c"), at(test.g, "a", "b", "c"), at(test.g, "a", "b")}
		p, err := s.rollback(test.partial)
		if test.err == "" {
			if err != nil {
				t.Errorf("%s: %v", test.name, err)
				continue
			}
			if diff := cmp.Diff(test.want, goes(p)); diff != "" {
				t.Errorf("%s: %s", test.name, diff)
			}
			continue
		}
		e, ok := errors.AsType[*orchestrator.IrreversibleError](err)
		if !ok || e.Error() != test.err || !strings.HasSuffix(e.Hint(), test.hint) || p != nil {
			t.Errorf("%s: %v", test.name, err)
		}
	}
}

func TestRollbackLeavesOutWhoHasLeft(t *testing.T) {
	t.Parallel()
	g := line(t)
	s := tell(t, g, 3)
	s.run([]int{1, 2, 3}, false, s.end(1, orchestrator.Done, "a", "c", 2, ""), s.end(2, orchestrator.Done, "a", "c", 2, ""), s.end(3, orchestrator.Failed, "a", "a", 0, engine.Data))
	s.tenants, s.standings = s.tenants[:1], all(1, at(g, "a", "b", "c"))
	p, err := s.rollback(false)
	if err != nil {
		t.Fatal(err)
	}
	if diff := cmp.Diff([]string{"t-0001: c b"}, goes(p)); diff != "" {
		t.Error(diff)
	}
	if diff := cmp.Diff([]string{"1 tenant that rollout r1 changed is no longer in the fleet: t-0002"}, p.Notes); diff != "" {
		t.Error(diff)
	}
}

func TestRollbackOfTenantsThatWereUnreachableAtFirst(t *testing.T) {
	t.Parallel()
	g := line(t)
	s := tell(t, g, 3)
	unread := engine.Standing{State: engine.Unreachable, Err: oops(engine.Connection, "refused")}
	var err error
	if s.stored, err = orchestrator.Arrange(s.tenants, all(3, unread), g, request()); err != nil {
		t.Fatal(err)
	}
	s.run(nil, false, s.end(1, orchestrator.Failed, "", "", 0, engine.Connection), s.end(2, orchestrator.Failed, "", "", 0, engine.Connection))
	s.run([]int{1, 2, 3}, true, s.end(1, orchestrator.Done, "b", "c", 1, "")) // a resume that could read them, and was killed
	s.standings = all(3, at(g, "a", "b", "c"))
	p, err := s.rollback(false)
	if err != nil {
		t.Fatal(err)
	}
	if diff := cmp.Diff([]string{"t-0001: c"}, goes(p)); diff != "" {
		t.Error(diff)
	}
	if len(p.Notes) != 1 || !strings.HasPrefix(p.Notes[0], "2 tenants could not be read when rollout r1 was planned") || !strings.Contains(p.Notes[0], "t-0002, t-0003") &&
		!strings.Contains(p.Notes[0], "t-0003, t-0002") {
		t.Errorf("%q", p.Notes)
	}
}

func TestRollbacksThatMeanNothing(t *testing.T) {
	t.Parallel()
	g := line(t)
	s := tell(t, g, 2)
	if _, err := s.rollback(false); err == nil || !strings.Contains(err.Error(), "nothing to take back") {
		t.Errorf("%v", err)
	}
	s.run([]int{1}, false, s.end(1, orchestrator.Done, "a", "c", 2, ""))
	if _, err := s.rollback(false); err == nil || !strings.Contains(err.Error(), "nothing to take back") { // it was restored since
		t.Errorf("%v", err)
	}
	for _, kind := range []orchestrator.Kind{orchestrator.Downgrade, orchestrator.Stamp, orchestrator.Rollback} {
		s.stored.Kind = kind
		_, err := s.rollback(false)
		if e, ok := errors.AsType[*orchestrator.RollbackError](err); !ok || e.Hint() == "" {
			t.Errorf("%s: %v", kind, err)
		}
	}
	s.stored.Kind = orchestrator.Upgrade
	for _, id := range []string{"", "r1"} {
		if _, err := orchestrator.ArrangeRollback(s.stored, nil, s.tenants, s.standings, g, orchestrator.Request{Rollout: id}, false); err == nil {
			t.Errorf("a rollback of id %q", id)
		}
	}
}

func TestResumeOfARollback(t *testing.T) {
	t.Parallel()
	g := line(t)
	s := tell(t, g, 6)
	var ends []orchestrator.TenantFinished
	for n := range 6 {
		ends = append(ends, s.end(n+1, orchestrator.Done, "a", "c", 2, ""))
	}
	s.run([]int{1, 2, 3, 4, 5, 6}, false, ends...)
	s.standings = all(6, at(g, "a", "b", "c"))
	s.standings[5] = engine.Standing{State: engine.Unreachable, Err: oops(engine.Connection, "refused")}
	stored, err := s.rollback(false)
	if err != nil {
		t.Fatal(err)
	}
	events := outcomes(map[string]orchestrator.Outcome{s.id(1): orchestrator.Done, s.id(2): orchestrator.Failed})
	now := []engine.Standing{
		at(g, "a"), at(g, "a", "b"), at(g, "a", "b", "c"), at(g, "a"), at(g), // done, half way, not begun, done unknown to the store, restored
		at(g, "a", "b", "c"), // can be read now
	}
	p, err := orchestrator.Rearrange(stored, events, s.tenants, now, g, orchestrator.Resumption{})
	if err != nil {
		t.Fatal(err)
	}
	want := []string{"t-0002: b", "t-0003: c b", "t-0004: unchanged", "t-0005: refused stale", "t-0006: refused stale"}
	if diff := cmp.Diff(want, goes(p)); diff != "" {
		t.Error(diff)
	}
	for _, item := range p.Waves[0].Items {
		if c := p.Cohorts[item.Cohort]; item.Tenant.ID == s.id(6) && !strings.Contains(c.Refused.Hint, "skein rollout rollback r1") {
			t.Errorf("%+v", c.Refused)
		}
	}
	if p.Kind != orchestrator.Rollback || p.Of != "r1" {
		t.Errorf("%s of %q", p.Kind, p.Of)
	}
	if diff := cmp.Diff([]string{s.id(1)}, idsOf(p.Waves[0].Settled)); diff != "" {
		t.Error(diff)
	}
}

func idsOf(items []orchestrator.Item) []string {
	var ids []string
	for _, item := range items {
		ids = append(ids, item.Tenant.ID)
	}
	return ids
}

// TestRollbackUndoesARun carries an upgrade out that fails for some, and then its rollback.
func TestRollbackUndoesARun(t *testing.T) {
	t.Parallel()
	synctest.Test(t, func(t *testing.T) {
		w := &world{g: line(t), tenants: on("s1", 40), applied: map[string][]string{}}
		for _, tn := range w.tenants {
			w.applied[tn.Target.Schema] = []string{"a"}
		}
		s := newScene(t, w.g, arrange(t, w.g, w.tenants, w.survey()))
		broken := s.cfg.Plan.Waves[0].Items[20].Tenant.Target.Schema
		s.fleet.do = func(_ context.Context, job engine.Job) error {
			if job.Target.Schema == broken {
				return oops(engine.Data, "duplicates")
			}
			last := job.Plan.Parts[len(job.Plan.Parts)-1]
			s.fleet.mu.Lock()
			defer s.fleet.mu.Unlock()
			w.applied[job.Target.Schema] = last.After
			return nil
		}
		if r := s.run(t); r.State != orchestrator.StateHalted {
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
		p, err := orchestrator.ArrangeRollback(stored, events, w.tenants, w.survey(), w.g, orchestrator.Request{Rollout: "r2", Fleet: "acme"}, false)
		if err != nil {
			t.Fatal(err)
		}
		if upgraded == 0 || p.Len() != upgraded || p.Changes() != upgraded {
			t.Fatalf("%d tenants to take back, %d to change, %d were upgraded", p.Len(), p.Changes(), upgraded)
		}
		s.cfg.Plan, s.cfg.Earlier = p, nil
		if r := s.run(t); r.Count(orchestrator.Done) != upgraded || r.State != orchestrator.StateFinished {
			t.Errorf("%s, %v", r.State, r.Counts())
		}
		for schema, ids := range w.applied {
			if fmt.Sprint(ids) != "[a]" {
				t.Errorf("%s has %v", schema, ids)
			}
		}
	})
}
