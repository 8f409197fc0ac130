package plan_test

import (
	"errors"
	"fmt"
	"strings"
	"testing"
	"time"

	"github.com/google/go-cmp/cmp"

	"github.com/skeindb/skein/engine"
	"github.com/skeindb/skein/engine/revision"
	"github.com/skeindb/skein/orchestrator/plan"
	"github.com/skeindb/skein/orchestrator/rollout"
	"github.com/skeindb/skein/orchestrator/store/storetest"
	"github.com/skeindb/skein/tenant"
)

// upgradeHistory is an upgrade from a to c of tenants t-0001 …, and what its facts tell.
type upgradeHistory struct {
	g         *revision.Graph
	tenants   []tenant.Tenant
	stored    *plan.Plan
	facts     []rollout.Fact
	standings []engine.Standing // now
}

func newUpgradeHistory(t testing.TB, g *revision.Graph, n int, specs ...plan.WaveSpec) *upgradeHistory {
	t.Helper()
	s := &upgradeHistory{g: g, tenants: tenantsOn("t", n), standings: repeatStanding(n, standingAt(g, "a"))}
	req := request()
	req.Policy.Waves = specs
	p, err := plan.New(members(s.tenants, repeatStanding(n, standingAt(g, "a"))), g, req)
	if err != nil {
		t.Fatal(err)
	}
	s.stored = p.Stored()
	return s
}

func (s *upgradeHistory) id(n int) string { return s.tenants[n-1].ID }

// run adds the facts of a run: all tenants named, then those ends, then the end of the run, unless it was killed.
func (s *upgradeHistory) run(named []int, killed bool, ends ...rollout.TenantFinished) {
	s.facts = append(s.facts, rollout.Started{Kind: plan.KindUpgrade, Waves: []rollout.WavePlanned{{Name: "all", Tenants: len(s.tenants)}}})
	var ids []string
	for _, n := range named {
		ids = append(ids, s.id(n))
	}
	s.facts = append(s.facts, rollout.TenantsDispatched{Tenants: ids})
	for _, f := range ends {
		s.facts = append(s.facts, f)
	}
	if !killed {
		s.facts = append(s.facts, rollout.Ended{State: rollout.StateHalted})
	}
}

func (s *upgradeHistory) ended(n int, o plan.Outcome, from, to string, steps int, class engine.Class) rollout.TenantFinished {
	f := rollout.TenantFinished{
		Tenant: s.id(n), Wave: "all", Outcome: o, From: strings.Fields(from), To: strings.Fields(to), Steps: steps, Attempt: 1,
	}
	if class != "" {
		f.Failure = &plan.Failure{Class: class, Message: "x"}
	}
	return f
}

func (s *upgradeHistory) rollback(partial bool) (*plan.Runnable, error) {
	req := plan.Options{Rollout: "r2", Fleet: "acme", Created: planCreated}
	return plan.NewRollback(rollout.Current(s.stored, storetest.Events("r1", 1, s.facts...)), rollout.Touched(storetest.Events("r1", 1, s.facts...)), members(s.tenants, s.standings), s.g, req, partial)
}

// TestRollbackTakesDownWhatTheRowsName has rows that differ from what the facts would make one think.
func TestRollbackTakesDownWhatTheRowsName(t *testing.T) {
	t.Parallel()
	g := linearGraph(t)
	s := newUpgradeHistory(t, g, 12)
	s.run([]int{1, 2, 3, 4, 5, 6, 7, 8, 9}, true,
		s.ended(1, plan.OutcomeDone, "a", "c", 2, ""), s.ended(2, plan.OutcomeDone, "b", "c", 1, ""), s.ended(3, plan.OutcomeFailed, "a", "b", 1, engine.Data),
		s.ended(4, plan.OutcomeFailed, "a", "a", 0, engine.Data), s.ended(6, plan.OutcomeUnchanged, "a", "c", 0, ""),
	)
	for n, rows := range map[int]string{
		1:  "a b:r1 c:r1",
		2:  "a b:r7 c:r1", // another rollout had brought it to b before its wave
		3:  "a b:r1",
		4:  "a b:r7 c:r7", // by another rollout, since it had failed
		5:  "a b:r1 c:r7", // killed half way, and brought on by another: see the refusal
		6:  "a b:r7 c:r7",
		7:  "a b:r1",      // half way when the process died
		8:  "a b:r7 c:r7", // dropped and made again, or taken down and up again
		9:  "a b c",       // stamped by hand, without a rollout
		10: "a b:r1 c:r1", // of which the facts say nothing
		11: "a",
		12: "a:r1 b:r7 c:r7",
	} {
		s.standings[n-1] = rowsOf(g, rows)
	}
	if _, err := s.rollback(false); !strings.Contains(fmt.Sprint(err), "revision c, which is applied too, builds on what is to be taken down: b") {
		t.Fatal(err)
	}
	p, err := s.rollback(true)
	if err != nil {
		t.Fatal(err)
	}
	want := []string{"t-0001: c b", "t-0002: c", "t-0003: b", "t-0005: skipped", "t-0007: b", "t-0010: c b", "t-0012: skipped"}
	if diff := cmp.Diff(want, cohortsInWords(p.Stored())); diff != "" {
		t.Error(diff)
	}
	if p.Kind != plan.KindRollback || p.Of != "r1" || p.Target != "r1" || p.Rollout != "r2" || p.Direction() != revision.Down || p.Notes != nil {
		t.Errorf("%+v", p)
	}
	if p.Len() != 7 || p.Changes() != 5 || p.Waves[0].Planned != 7 {
		t.Errorf("%d tenants, to change %d", p.Len(), p.Changes())
	}
}

// TestRollbackFindsTenantsThatWereRenamed takes along who has rows of the rollout under a name that it does not know.
func TestRollbackFindsTenantsThatWereRenamed(t *testing.T) {
	t.Parallel()
	g := linearGraph(t)
	s := newUpgradeHistory(t, g, 3, plan.WaveSpec{Name: "canary", Tenants: selector(t, "id=t-0001")})
	s.run([]int{1, 2, 3}, false, s.ended(1, plan.OutcomeDone, "a", "c", 2, ""), s.ended(2, plan.OutcomeDone, "a", "c", 2, ""), s.ended(3, plan.OutcomeDone, "a", "c", 2, ""))
	s.tenants = append(s.tenants[:2:2], tenantsOn("new", 3)...)
	s.standings = []engine.Standing{
		rowsOf(g, "a b:r1 c:r1"), rowsOf(g, "a b:r7 c:r7"), rowsOf(g, "a b:r1 c:r1"), rowsOf(g, "a b c"),
		{State: engine.Unreachable, Err: engineError(engine.Connection, "refused")},
	}
	p, err := s.rollback(false)
	if err != nil {
		t.Fatal(err)
	}
	if diff := cmp.Diff([]string{"rest ×1", "canary ×1"}, inWaves(p.Stored())); diff != "" {
		t.Error(diff)
	}
	if diff := cmp.Diff([]string{"new-0001: c b"}, cohortsInWords(p.Stored())); diff != "" {
		t.Error(diff)
	}
	notes := []string{
		"1 tenant that rollout r1 does not name has revisions that it applied, renamed or copied since, and will be taken along: new-0001",
		"1 tenant that rollout r1 changed has nothing of it any more, taken down, stamped, restored or made again since, and will be left alone: t-0002",
		"1 tenant that rollout r1 changed is no longer in the fleet: t-0003",
		"1 tenant that rollout r1 does not name could not be read, so that it is not known whether it has revisions of it: new-0003",
	}
	if diff := cmp.Diff(notes, p.Notes); diff != "" {
		t.Error(diff)
	}
}

// TestRollbackOfWhatHasNoFile names the revision, and never says that there is nothing to take back.
func TestRollbackOfWhatHasNoFile(t *testing.T) {
	t.Parallel()
	g := graph(t, rev("a", ""), rev("b", "a"))
	s := newUpgradeHistory(t, g, 3)
	s.run([]int{1, 2, 3}, false, s.ended(1, plan.OutcomeDone, "a", "c", 2, ""), s.ended(2, plan.OutcomeDone, "a", "c", 2, ""), s.ended(3, plan.OutcomeFailed, "a", "b", 1, engine.Data))
	s.standings = []engine.Standing{rowsOf(g, "a b:r1 c:r1"), rowsOf(g, "a b:r1 c:r1"), rowsOf(g, "a b:r1")}
	_, err := s.rollback(false)
	blocked, ok := errors.AsType[*plan.Error](err)
	if !ok || blocked.Reason != plan.ReasonBlocked || blocked.Tenants != 2 || !strings.Contains(blocked.Error(), "revision c, which rollout r1 applied, is not among the revisions here") ||
		!strings.Contains(blocked.Hint(), "c_*.sql") || !strings.Contains(blocked.Hint(), "`Partial`") {
		t.Fatalf("%v: %+v", err, blocked)
	}
	p, err := s.rollback(true)
	if err != nil {
		t.Fatal(err)
	}
	if diff := cmp.Diff([]string{"t-0001: skipped", "t-0002: skipped", "t-0003: b"}, cohortsInWords(p.Stored())); diff != "" {
		t.Error(diff)
	}
	s.standings[2] = rowsOf(g, "a")
	if _, err := s.rollback(true); !strings.Contains(fmt.Sprint(err), "is not among the revisions here") {
		t.Error(err)
	}
}

func TestRollbackReversesTheWaves(t *testing.T) {
	t.Parallel()
	g := linearGraph(t)
	gate := plan.Gate{Bake: time.Hour}
	s := newUpgradeHistory(t, g, 9, plan.WaveSpec{Name: "canary", Tenants: selector(t, "id=t-0001"), Gate: gate},
		plan.WaveSpec{Name: "early", Tenants: selector(t, "id=t-0002"), Gate: gate},
		plan.WaveSpec{Name: "half", Tenants: selector(t, "id in (t-0003, t-0004)"), Gate: gate})
	s.run([]int{1, 3, 4}, false, s.ended(1, plan.OutcomeDone, "a", "c", 2, ""), s.ended(3, plan.OutcomeDone, "a", "c", 2, ""), s.ended(4, plan.OutcomeFailed, "a", "a", 0, engine.Data))
	// One joined the last wave, and was done there.
	late := tenantsOn("late", 1)
	s.tenants = append(s.tenants, late...)
	s.facts = append(s.facts,
		rollout.TenantsJoined{Wave: "rest", Cohorts: []plan.Cohort{{Action: plan.ActionMigrate, From: []string{}, To: []string{"c"}, Steps: []string{"a", "b", "c"}}}, Items: []plan.Item{{Tenant: late[0]}}},
	)
	s.run([]int{10}, false, s.ended(10, plan.OutcomeDone, "", "c", 3, ""))
	s.standings = append(repeatStanding(9, rowsOf(g, "a b c")), rowsOf(g, "a:r1 b:r1 c:r1"))
	for _, n := range []int{1, 3} {
		s.standings[n-1] = rowsOf(g, "a b:r1 c:r1")
	}
	p, err := s.rollback(false)
	if err != nil {
		t.Fatal(err)
	}
	if diff := cmp.Diff([]string{"rest ×1", "half ×1", "canary ×1"}, inWaves(p.Stored())); diff != "" {
		t.Error(diff)
	}
	for _, w := range p.Waves {
		if w.Gate != nil {
			t.Errorf("wave %s has a gate", w.Name)
		}
	}
	if diff := cmp.Diff([]string{"late-0001: c b a"}, cohortsInWords(p.Stored())); diff != "" { // the first wave
		t.Error(diff)
	}
	if len(s.stored.Waves) != 4 || s.stored.Waves[0].Name != "canary" || s.stored.Waves[3].Planned != 5 {
		t.Errorf("the stored plan changed: %v", inWaves(s.stored))
	}
}

func TestRollbackRefusesUnreadableTenants(t *testing.T) {
	t.Parallel()
	g := graph(t, rev("a", ""), rev("b", "a"), rev("c", "b"))
	now := graph(t, rev("a", ""), rev("b", "a"), rev("c", "b"), rev("d", "c"), rev("x", "a"))
	s := newUpgradeHistory(t, g, 6)
	s.g = now
	var ends []rollout.TenantFinished
	for n := range 6 {
		ends = append(ends, s.ended(n+1, plan.OutcomeDone, "a", "c", 2, ""))
	}
	s.run([]int{1, 2, 3, 4, 5, 6}, false, ends...)
	changed := rowsOf(now, "a b:r1 c:r1")
	changed.Changed = []string{"b"}
	s.standings = []engine.Standing{
		rowsOf(now, "a b:r1 c:r1 d"), rowsOf(now, "a b:r1 c:r1 x"), rowsOf(now, "a b:r1 c:r1 zz"), changed,
		{State: engine.Unreachable, Err: engineError(engine.Connection, "refused")}, {State: engine.Missing},
	}
	var blocked *plan.Error
	if _, err := s.rollback(false); !errors.As(err, &blocked) || blocked.Reason != plan.ReasonBlocked || blocked.Tenants != 3 || blocked.Others != 1 || !strings.Contains(blocked.Hint(), "`Partial`") {
		t.Fatalf("%v: %+v", err, blocked)
	}
	p, err := s.rollback(true)
	if err != nil {
		t.Fatal(err)
	}
	want := []string{
		"t-0001: skipped", "t-0002: c b", "t-0003: skipped", "t-0004: skipped", "t-0005: refused connection", "t-0006: refused gone",
	}
	if diff := cmp.Diff(want, cohortsInWords(p.Stored())); diff != "" {
		t.Error(diff)
	}
	for _, c := range p.Cohorts {
		if len(c.From) == 1 && c.From[0] == "d" && !strings.Contains(c.Reason, "b, c") {
			t.Error(c.Reason)
		}
		if len(c.Steps) > 0 && (len(c.To) != 1 || c.To[0] != "x") {
			t.Errorf("it would stand at %v", c.To)
		}
	}
}

func TestRollbackOfIrreversibleRevisions(t *testing.T) {
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
			"or take back only the other 1 tenant, with `Partial`"},
		{"in part", graph(t, rev("a", ""), rev("b", "a"), oneWay), true, []string{"t-0001: skipped", "t-0002: skipped", "t-0003: b"}, "", ""},
		{"nothing is left", graph(t, rev("a", ""), other, oneWay), true, nil,
			"rollout r1 cannot be taken back: 3 tenants, for example t-0002, would have to go down through b (b_x.sql), c (c_x.sql), without a downgrade section",
			"write the section; an empty one is a step that does nothing"},
	} {
		s := newUpgradeHistory(t, test.g, 3)
		s.run([]int{1, 2, 3}, false, s.ended(1, plan.OutcomeDone, "a", "c", 2, ""), s.ended(2, plan.OutcomeDone, "a", "c", 2, ""),
			s.ended(3, plan.OutcomeFailed, "a", "b", 1, engine.Data))
		s.standings = []engine.Standing{rowsOf(test.g, "a b:r1 c:r1"), rowsOf(test.g, "a b:r1 c:r1"), rowsOf(test.g, "a b:r1")}
		p, err := s.rollback(test.partial)
		if test.err == "" {
			if err != nil {
				t.Errorf("%s: %v", test.name, err)
				continue
			}
			if diff := cmp.Diff(test.want, cohortsInWords(p.Stored())); diff != "" {
				t.Errorf("%s: %s", test.name, diff)
			}
			continue
		}
		e, ok := errors.AsType[*plan.Error](err)
		if !ok || e.Reason != plan.ReasonIrreversible || e.Error() != test.err || !strings.HasSuffix(e.Hint(), test.hint) || p != nil {
			t.Errorf("%s: %v", test.name, err)
		}
	}
}

func TestRollbackLeavesOutDroppedTenants(t *testing.T) {
	t.Parallel()
	g := linearGraph(t)
	s := newUpgradeHistory(t, g, 3)
	s.run([]int{1, 2, 3}, false, s.ended(1, plan.OutcomeDone, "a", "c", 2, ""), s.ended(2, plan.OutcomeDone, "a", "c", 2, ""), s.ended(3, plan.OutcomeFailed, "a", "a", 0, engine.Data))
	s.tenants, s.standings = s.tenants[:1], repeatStanding(1, rowsOf(g, "a b:r1 c:r1"))
	p, err := s.rollback(false)
	if err != nil {
		t.Fatal(err)
	}
	if diff := cmp.Diff([]string{"t-0001: c b"}, cohortsInWords(p.Stored())); diff != "" {
		t.Error(diff)
	}
	if diff := cmp.Diff([]string{"1 tenant that rollout r1 changed is no longer in the fleet: t-0002"}, p.Notes); diff != "" {
		t.Error(diff)
	}
}

func TestRollbackOfTenantsThatWereUnreachableAtFirst(t *testing.T) {
	t.Parallel()
	g := linearGraph(t)
	s := newUpgradeHistory(t, g, 3)
	unread := engine.Standing{State: engine.Unreachable, Err: engineError(engine.Connection, "refused")}
	s.stored = newPlan(t, g, s.tenants, repeatStanding(3, unread)).Stored()
	s.run(nil, false, s.ended(1, plan.OutcomeFailed, "", "", 0, engine.Connection), s.ended(2, plan.OutcomeFailed, "", "", 0, engine.Connection))
	s.run([]int{1, 2, 3}, true, s.ended(1, plan.OutcomeDone, "b", "c", 1, "")) // a resume that could read them, and was killed
	s.standings = []engine.Standing{rowsOf(g, "a b c:r1"), rowsOf(g, "a b:r1 c:r1"), rowsOf(g, "a b c")}
	p, err := s.rollback(false)
	if err != nil {
		t.Fatal(err)
	}
	if diff := cmp.Diff([]string{"t-0001: c", "t-0002: c b"}, cohortsInWords(p.Stored())); diff != "" {
		t.Error(diff)
	}
	if p.Notes != nil {
		t.Errorf("%q", p.Notes)
	}
}

func TestInvalidRollbacks(t *testing.T) {
	t.Parallel()
	g := linearGraph(t)
	s := newUpgradeHistory(t, g, 2)
	if _, err := s.rollback(false); err == nil || !strings.Contains(err.Error(), "nothing to take back") {
		t.Errorf("%v", err)
	}
	s.run([]int{1}, false, s.ended(1, plan.OutcomeDone, "a", "c", 2, ""))
	s.tenants, s.standings = append(s.tenants, tenantsOn("new", 1)...), append(s.standings, engine.Standing{State: engine.Unreachable})
	if _, err := s.rollback(false); err == nil || !strings.Contains(err.Error(), "1 tenant could not be read: new-0001") {
		t.Errorf("%v", err)
	}
	s.tenants, s.standings = s.tenants[:2], s.standings[:2]
	if _, err := s.rollback(false); err == nil || !strings.Contains(err.Error(), "nothing to take back") { // it was restored since
		t.Errorf("%v", err)
	}
	for _, kind := range []plan.Kind{plan.KindDowngrade, plan.KindStamp, plan.KindRollback} {
		s.stored.Kind = kind
		_, err := s.rollback(false)
		if e, ok := errors.AsType[*plan.Error](err); !ok || e.Reason != plan.ReasonNotUpgrade || e.Hint() == "" {
			t.Errorf("%s: %v", kind, err)
		}
	}
	s.stored.Kind = plan.KindUpgrade
	for _, id := range []string{"", "r1"} {
		if _, err := plan.NewRollback(s.stored, rollout.Touched(nil), members(s.tenants, s.standings), g, plan.Options{Rollout: id}, false); err == nil {
			t.Errorf("a rollback of id %q", id)
		}
	}
}

func TestResumeOfARollback(t *testing.T) {
	t.Parallel()
	g := linearGraph(t)
	s := newUpgradeHistory(t, g, 6)
	var ends []rollout.TenantFinished
	for n := range 6 {
		ends = append(ends, s.ended(n+1, plan.OutcomeDone, "a", "c", 2, ""))
	}
	s.run([]int{1, 2, 3, 4, 5, 6}, false, ends...)
	s.standings = repeatStanding(6, rowsOf(g, "a b:r1 c:r1"))
	s.standings[5] = engine.Standing{State: engine.Unreachable, Err: engineError(engine.Connection, "refused")}
	stored, err := s.rollback(false)
	if err != nil {
		t.Fatal(err)
	}
	events := outcomes(map[string]plan.Outcome{s.id(1): plan.OutcomeDone, s.id(2): plan.OutcomeFailed})
	now := []engine.Standing{
		rowsOf(g, "a"), rowsOf(g, "a b:r1"), rowsOf(g, "a b:r1 c:r1"), // done, half way, not begun
		rowsOf(g, "a b:r7 c:r7"), standingAt(g), // taken down and upgraded by another rollout since; restored
		rowsOf(g, "a b:r1 c:r1"), // can be read now
	}
	p, err := plan.Resume(rollout.Current(stored.Stored(), events), rollout.HistoryOf(events), members(s.tenants, now), g, plan.ResumeOptions{})
	if err != nil {
		t.Fatal(err)
	}
	want := []string{"t-0002: b", "t-0003: c b", "t-0004: unchanged", "t-0005: unchanged", "t-0006: c b"}
	if diff := cmp.Diff(want, cohortsInWords(p.Stored())); diff != "" {
		t.Error(diff)
	}
	if p.Kind != plan.KindRollback || p.Of != "r1" {
		t.Errorf("%s of %q", p.Kind, p.Of)
	}
	if diff := cmp.Diff([]string{s.id(1)}, idsOf(p.Waves[0].Settled)); diff != "" {
		t.Error(diff)
	}
}

func idsOf(items []plan.Item) []string {
	var ids []string
	for _, item := range items {
		ids = append(ids, item.Tenant.ID)
	}
	return ids
}
