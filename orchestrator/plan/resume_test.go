package plan_test

import (
	"errors"
	"slices"
	"strings"
	"testing"
	"time"

	"github.com/google/go-cmp/cmp"

	"github.com/skeindb/skein/engine"
	"github.com/skeindb/skein/engine/revision"
	"github.com/skeindb/skein/orchestrator/plan"
	"github.com/skeindb/skein/orchestrator/rollout"
)

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
