package plan_test

import (
	"slices"
	"testing"

	"github.com/google/go-cmp/cmp"
	"github.com/google/go-cmp/cmp/cmpopts"

	"github.com/skeindb/skein/engine"
	"github.com/skeindb/skein/orchestrator/plan"
	"github.com/skeindb/skein/orchestrator/rollout"
	"github.com/skeindb/skein/orchestrator/store/storetest"
)

func TestJoinedTenantsAndNewPlansAmendThePlan(t *testing.T) {
	t.Parallel()
	g := linearGraph(t)
	req := request()
	req.Policy.Waves = waves(t, "canary - 1", "rest")
	planned, err := plan.New(members(tenantsOn("t", 3), repeatStanding(3, standingAt(g))), g, req)
	if err != nil {
		t.Fatal(err)
	}
	stored := planned.Stored()
	before := *stored
	before.Cohorts = append([]plan.Cohort{}, stored.Cohorts...)
	before.Waves = append([]plan.Wave{}, stored.Waves...)

	late := tenantsOn("late", 4)
	cohorts := []plan.Cohort{{Action: plan.ActionMigrate, State: engine.Empty, To: []string{"c"}, Steps: []string{"a", "b", "c"}, Count: 9}, {Action: plan.ActionNone, State: engine.Current, To: []string{"c"}, Count: 9}}
	items := func(cohort ...int) []plan.Item {
		var items []plan.Item
		for i, c := range cohort {
			items = append(items, plan.Item{Tenant: late[i], Cohort: c})
		}
		return items
	}
	events := storetest.Events("r1", 1,
		rollout.Started{Run: 1},
		rollout.TenantsJoined{Wave: "rest", Cohorts: cohorts, Items: items(0, 1, 0)},
		rollout.TenantFinished{Tenant: late[0].ID, Wave: "rest", Outcome: plan.OutcomeDone},
		rollout.TenantsJoined{Wave: "rest", Cohorts: cohorts[1:], Items: items(0, 0, 0, 0)}, // the first three are known
	)
	p := rollout.Current(stored, events)
	if diff := cmp.Diff([]string{"canary ×1", "rest ×6"}, inWaves(p)); diff != "" {
		t.Error(diff)
	}
	want := []string{"empty >c a,b,c ×3", "empty >c a,b,c ×2", "current >c  ×1", "current >c  ×1"}
	if diff := cmp.Diff(want, cohortsOf(p)); diff != "" {
		t.Error(diff)
	}
	for i, cohort := range []int{1, 2, 1, 3} {
		item := p.Waves[1].Items[2+i]
		if item.Tenant.ID != late[i].ID || item.Cohort != cohort {
			t.Errorf("%s is in cohort %d", item.Tenant.ID, item.Cohort)
		}
	}
	ignore := cmpopts.IgnoreUnexported(plan.Cohort{})
	if diff := cmp.Diff(&before, stored, ignore); diff != "" {
		t.Errorf("the plan given changed: %s", diff)
	}
	if diff := cmp.Diff(p, rollout.Current(p, events), ignore); diff != "" {
		t.Errorf("amended twice: %s", diff)
	}
	if got := p.Pick(late); len(got) != 4 {
		t.Errorf("%d late tenants are picked", len(got))
	}

	// Plans of one store share nothing that an amendment writes to.
	stored.Cohorts, stored.Waves[1].Items = slices.Grow(stored.Cohorts, 9), slices.Grow(stored.Waves[1].Items, 9)
	one := rollout.Current(stored, events)
	_ = rollout.Current(stored, storetest.Events("r1", 1, rollout.TenantsJoined{Wave: "rest", Cohorts: cohorts[1:], Items: items(0, 0, 0, 0)[3:]}))
	if diff := cmp.Diff(p, one, ignore); diff != "" {
		t.Errorf("another amendment changed this one: %s", diff)
	}

	// A wave that the plan does not have is no reason to lose tenants.
	p = rollout.Current(stored, storetest.Events("r1", 1, rollout.TenantsJoined{Wave: "more", Cohorts: cohorts, Items: items(0)}))
	if diff := cmp.Diff([]string{"canary ×1", "rest ×2", "more ×1"}, inWaves(p)); diff != "" {
		t.Error(diff)
	}
}

func TestResumeKnowsLateTenants(t *testing.T) {
	t.Parallel()
	g := linearGraph(t)
	tenants := tenantsOn("t", 2)
	stored := newPlan(t, g, tenants, repeatStanding(2, standingAt(g, "a"))).Stored()
	late := tenantsOn("late", 3)
	cohort := plan.Cohort{Action: plan.ActionMigrate, State: engine.Empty, From: []string{}, To: []string{"c"}, Steps: []string{"a", "b", "c"}, Sums: []string{"up a", "up b", "up c"}, Count: 3}
	for i, id := range cohort.Steps {
		cohort.Sums[i] = g.Get(id).Checksum()
	}
	events := storetest.Events("r1", 1,
		rollout.Started{Run: 1, Waves: []rollout.WavePlanned{{Name: "all", Tenants: 2}}},
		rollout.TenantsJoined{Wave: "all", Cohorts: []plan.Cohort{cohort}, Items: []plan.Item{{Tenant: late[0]}, {Tenant: late[1]}, {Tenant: late[2]}}},
		rollout.TenantFinished{Tenant: late[0].ID, Wave: "all", Outcome: plan.OutcomeDone},
	)
	now := append(repeatStanding(2, standingAt(g, "a")), standingAt(g, "a", "b", "c"), standingAt(g, "a"))
	p, err := plan.Resume(rollout.Current(stored, events), rollout.HistoryOf(events), members(append(tenants, late[:2]...), now), g, plan.ResumeOptions{})
	if err != nil {
		t.Fatal(err)
	}
	if diff := cmp.Diff([]string{"late-0002: b c", "late-0003: gone", "t-0001: b c", "t-0002: b c"}, cohortsInWords(p.Stored())); diff != "" {
		t.Error(diff)
	}
	if p.Waves[0].Planned != 5 {
		t.Errorf("planned %d", p.Waves[0].Planned)
	}
	if diff := cmp.Diff([]string{late[0].ID}, idsOf(p.Waves[0].Settled)); diff != "" {
		t.Error(diff)
	}
	if p, err = plan.Resume(rollout.Current(stored, events), rollout.HistoryOf(events), members(late[:2], now[2:]), g, plan.ResumeOptions{Only: []string{late[1].ID}}); err != nil || p.Len() != 1 || !p.Partial {
		t.Errorf("%v", err)
	}
}
