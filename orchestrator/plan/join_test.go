package plan_test

import (
	"errors"
	"fmt"
	"slices"
	"strings"
	"testing"
	"time"

	"github.com/google/go-cmp/cmp"

	"github.com/skeindb/skein/engine"
	"github.com/skeindb/skein/engine/revision"
	"github.com/skeindb/skein/orchestrator/plan"
	"github.com/skeindb/skein/orchestrator/rollout"
	"github.com/skeindb/skein/tenant"
)

// linear is the graph of those revisions, each on the one before.
func linear(t *testing.T, ids ...string) *revision.Graph {
	t.Helper()
	var revs []*revision.Revision
	for i, id := range ids {
		r := &revision.Revision{
			ID: id, File: id + "_x.sql",
			Upgrade:   &revision.Section{Raw: "up " + id, Checksum: "up " + id},
			Downgrade: &revision.Section{Raw: "down " + id, Checksum: "down " + id},
		}
		if i > 0 {
			r.Revises = []string{ids[i-1]}
		}
		revs = append(revs, r)
	}
	g, err := revision.NewGraph(revs)
	if err != nil {
		t.Fatal(err)
	}
	return g
}

func people(from, n int) []tenant.Tenant {
	all := make([]tenant.Tenant, n)
	for i := range all {
		id := fmt.Sprintf("t%d", from+i)
		all[i] = tenant.Tenant{ID: id, Location: engine.Location{Dialect: revision.Postgres, Server: "s1", Database: "app", Schema: id}}
	}
	return all
}

// stand makes standings of "a b", "" for empty, "!" for unreachable.
func stand(g *revision.Graph, texts ...string) []engine.Standing {
	all := make([]engine.Standing, len(texts))
	for i, text := range texts {
		var ids []string
		by := map[string]string{}
		for _, row := range strings.Fields(text) { // such as b, or b:r1, which rollout r1 applied
			id, rollout, _ := strings.Cut(row, ":")
			ids, by[id] = append(ids, id), rollout
		}
		unknown, _ := g.Check(ids)
		switch {
		case text == "!":
			all[i] = engine.Standing{State: engine.Unreachable, Err: &engine.Error{Class: engine.Connection, Message: "refused"}}
			continue
		case len(unknown) > 0:
			all[i].State = engine.Ahead
		default:
			all[i].State = engine.Behind
		}
		a := &engine.Applied{}
		for _, id := range slices.Sorted(slices.Values(ids)) {
			a.Rows = append(a.Rows, engine.Row{Revision: id, Rollout: by[id]})
		}
		all[i].Applied, all[i].Heads = a, append(g.HeadsOf(ids), unknown...)
	}
	return all
}

// fates prints what a wave's tenants are to do, and checks that each with steps can do them.
func fates(t *testing.T, p *plan.Plan, w int) []string {
	t.Helper()
	var lines []string
	for _, item := range p.Waves[w].Items {
		c := &p.Cohorts[item.Cohort]
		if (len(c.Steps) > 0) != (c.EnginePlan() != nil) || c.EnginePlan() != nil && c.EnginePlan().Len() != len(c.Steps) {
			t.Errorf("%s cannot go its way", item.Tenant.ID)
		}
		fate := "→ " + strings.Join(c.Steps, " ")
		switch c.Action {
		case plan.ActionGone:
			fate = "gone"
		case plan.ActionSkip:
			fate = "skipped: " + c.Reason
		case plan.ActionRefuse:
			fate = "refused: " + string(c.Failure.Class)
		}
		lines = append(lines, item.Tenant.ID+" "+fate)
	}
	slices.Sort(lines)
	return lines
}

func counted(t *testing.T, p *plan.Plan) {
	t.Helper()
	counts := make([]int, len(p.Cohorts))
	for _, w := range p.Waves {
		for _, item := range w.Items {
			counts[item.Cohort]++
		}
	}
	for i, c := range p.Cohorts {
		if c.Count != counts[i] {
			t.Errorf("cohort %d counts %d tenants, and has %d", i, c.Count, counts[i])
		}
	}
}

func TestReplanOfAWave(t *testing.T) {
	t.Parallel()
	g := linear(t, "a", "b", "c")
	first := people(1, 10)
	frozen, _ := tenant.ParseSelector("id=t7")
	pinned, _ := tenant.ParseSelector("id in (t8,t10)")
	req := plan.Options{Rollout: "r1", Kind: plan.KindUpgrade, Targets: []string{"heads"}, Policy: plan.Policy{
		Waves: []plan.WaveSpec{{Name: "one", Size: plan.Size{Count: 3}}, {Name: "two"}},
		Pins:  []plan.Pin{{Tenants: frozen, Freeze: true, Reason: "audit"}, {Tenants: pinned, Target: "b"}},
	}}
	req.Policy.Waves[0].Tenants, _ = tenant.ParseSelector("id in (t1,t2,t3)")
	before, err := plan.New(members(first, stand(g, "a", "a", "a", "a", "a", "a", "a", "a", "!", "!")), g, req)
	if err != nil {
		t.Fatal(err)
	}
	p := before.Copy()
	// Meanwhile d came in. Of wave two t4 is as it was, t5 was upgraded by another program, t6 left, t9 and t10 can be read.
	now := linear(t, "a", "b", "c", "d")
	moved := people(4, 7)
	moved[0].Location.Server = "s2"
	moved = slices.Delete(moved, 2, 3)
	if err := plan.Replan(p, 1, members(moved, stand(now, "a", "a b", "a", "a", "", "a")), now, plan.Rules{}); err != nil {
		t.Fatal(err)
	}
	want := []string{"t10 → b", "t4 → b c", "t5 → c", "t6 gone", "t7 skipped: frozen: audit", "t8 → b", "t9 → a b c"}
	if diff := cmp.Diff(want, fates(t, p.Stored(), 1)); diff != "" {
		t.Error(diff)
	}
	if diff := cmp.Diff([]string{"t1 → b c", "t2 → b c", "t3 → b c"}, fates(t, p.Stored(), 0)); diff != "" {
		t.Error(diff)
	}
	counted(t, p.Stored())
	for _, item := range p.Waves[1].Items {
		if item.Tenant.ID == "t4" && item.Tenant.Location.Server != "s2" {
			t.Error("t4 is worked on where it was")
		}
	}
	counted(t, before.Stored())
	if diff := cmp.Diff([]string{"t10 refused: connection", "t4 → b c", "t5 → b c", "t6 → b c", "t7 skipped: frozen: audit", "t8 → b", "t9 refused: connection"}, fates(t, before.Stored(), 1)); diff != "" {
		t.Errorf("the plan that p was a copy of changed: %s", diff)
	}

	// The next time round: t6 and its pins are back, t4 was restored from before the plan, t7 left.
	again := append(people(4, 3), people(8, 3)...)
	if err := plan.Replan(p, 1, members(again, stand(now, "", "a b", "a", "a", "a b c d", "!")), now, plan.Rules{}); err != nil {
		t.Fatal(err)
	}
	want = []string{"t10 refused: connection", "t4 → a b c", "t5 → c", "t6 → b c", "t7 gone", "t8 → b", "t9 → "}
	if diff := cmp.Diff(want, fates(t, p.Stored(), 1)); diff != "" {
		t.Error(diff)
	}
	if err := plan.Replan(p, 1, members(people(7, 1), stand(now, "a")), now, plan.Rules{}); err != nil {
		t.Fatal(err)
	}
	if got := fates(t, p.Stored(), 1); !slices.Contains(got, "t7 skipped: frozen: audit") {
		t.Errorf("a frozen tenant that left and came back: %q", got)
	}
	counted(t, p.Stored())
}

func TestReplanNeedsTheRevisionsOfThePlan(t *testing.T) {
	t.Parallel()
	g := linear(t, "a", "b")
	p, err := plan.New(members(people(1, 1), stand(g, "a")), g, plan.Options{Rollout: "r1", Kind: plan.KindUpgrade, Targets: []string{"heads"}})
	if err != nil {
		t.Fatal(err)
	}
	for _, do := range []func(*revision.Graph) error{
		func(g *revision.Graph) error {
			return plan.Replan(p, 0, members(people(1, 1), stand(g, "a")), g, plan.Rules{})
		},
		func(g *revision.Graph) error {
			_, err := plan.Join(p, members(people(2, 1), stand(g, "a")), g, plan.Policy{}, plan.Rules{}, time.Time{})
			return err
		},
	} {
		err := do(linear(t, "a"))
		if e, ok := errors.AsType[*plan.Error](err); !ok || e.Reason != plan.ReasonStale {
			t.Errorf("%v", err)
		}
	}
	if p.Len() != 1 || len(p.Cohorts) != 1 {
		t.Error("the plan changed")
	}
}

func TestReplanOfARollback(t *testing.T) {
	t.Parallel()
	g := linear(t, "a", "b", "c")
	upgrade, err := plan.New(members(people(1, 4), stand(g, "a", "a", "a", "a")), g, plan.Options{Rollout: "r1", Kind: plan.KindUpgrade, Targets: []string{"heads"}})
	if err != nil {
		t.Fatal(err)
	}
	touched := map[string]bool{"t1": true, "t2": true, "t3": true, "t4": true}
	were := members(people(1, 4), stand(g, "a b:r1 c:r1", "a b:r1 c:r1", "a b:r1 c:r1", "!"))
	p, err := plan.NewRollback(upgrade.Stored(), touched, were, g, plan.Options{Rollout: "r2"}, false)
	if err != nil {
		t.Fatal(err)
	}
	if diff := cmp.Diff([]string{"t1 → c b", "t2 → c b", "t3 → c b", "t4 refused: connection"}, fates(t, p.Stored(), 0)); diff != "" {
		t.Error(diff)
	}
	if err := plan.Replan(p, 0, members(people(1, 4), stand(g, "a b:r1 c:r1", "a b:r1", "a b:r7 c:r7", "a b:r1 c:r1")), g, plan.Rules{}); err != nil {
		t.Fatal(err)
	}
	if diff := cmp.Diff([]string{"t1 → c b", "t2 → b", "t3 → ", "t4 → c b"}, fates(t, p.Stored(), 0)); diff != "" {
		t.Error(diff)
	}
	if _, err := plan.Join(p, members(people(5, 1), stand(g, "a")), g, plan.Policy{}, plan.Rules{}, time.Time{}); err == nil {
		t.Error("a tenant joined a rollback")
	}
}

func TestLateTenantsJoinTheLastWave(t *testing.T) {
	t.Parallel()
	g := linear(t, "a", "b", "c")
	at := time.Date(2026, 11, 23, 10, 0, 0, 0, time.UTC)
	sel := func(text string) tenant.Selector {
		s, err := tenant.ParseSelector(text)
		if err != nil {
			t.Fatal(err)
		}
		return s
	}
	policy := plan.Policy{Pins: []plan.Pin{
		{Tenants: sel("id=t11"), Freeze: true, Reason: "audit"},
		{Tenants: sel("id=t12"), Target: "b"},
		{Tenants: sel("id=t13"), Freeze: true, Until: at},
		{Tenants: sel("id=t14"), Target: "nope"},
	}}
	before, err := plan.New(members(people(1, 4), stand(g, "a", "a", "a", "a")), g, plan.Options{
		Rollout: "r1", Kind: plan.KindUpgrade, Targets: []string{"heads"}, Policy: plan.Policy{Waves: []plan.WaveSpec{{Name: "one", Size: plan.Size{Count: 1}}}},
	})
	if err != nil {
		t.Fatal(err)
	}
	p := before.Copy()
	now := linear(t, "a", "b", "c", "d")
	fact, err := plan.Join(p, members(people(11, 8), stand(now, "a", "a", "a", "a", "a b c", "!", "a zz", "a b c d")), now, policy, plan.Rules{}, at)
	if err != nil {
		t.Fatal(err)
	}
	p.Add(fact)
	late := []string{
		"t11 skipped: frozen: audit", "t12 → b", "t13 → b c", "t14 refused: stale", "t15 → ", "t16 refused: connection", "t17 refused: stale", "t18 → ",
	}
	var lines []string
	for _, line := range fates(t, p.Stored(), 1) {
		if strings.HasPrefix(line, "t1") && line[2] != ' ' {
			lines = append(lines, line)
		}
	}
	if diff := cmp.Diff(late, lines); diff != "" {
		t.Error(diff)
	}
	if fact.Wave != "rest" || len(fact.Items) != 8 || p.Waves[1].Planned != 11 || len(p.Waves[1].Items) != 11 || p.Waves[0].Planned != 1 {
		t.Errorf("wave %s, %d items, planned %d", fact.Wave, len(fact.Items), p.Waves[1].Planned)
	}
	counted(t, p.Stored())
	counted(t, before.Stored())
	for id, want := range map[string]string{"t12": "b", "t13": "c", "t18": "d"} {
		i := slices.IndexFunc(p.Waves[1].Items, func(i plan.Item) bool { return i.Tenant.ID == id })
		if to := p.Cohorts[p.Waves[1].Items[i].Cohort].To; len(to) != 1 || to[0] != want {
			t.Errorf("%s would stand at %v, want %s", id, to, want)
		}
	}

	// The fact alone tells the same, after it went through a store.
	kind, body, err := rollout.Encode(rollout.TenantsJoined(fact))
	if err != nil {
		t.Fatal(err)
	}
	read, err := rollout.Decode(kind, body)
	if err != nil {
		t.Fatal(err)
	}
	amended := rollout.Current(before.Stored(), []rollout.Event{{Rollout: "r1", Seq: 1, Fact: read}})
	counted(t, amended)
	for i, item := range p.Waves[1].Items {
		other := amended.Waves[1].Items[i]
		if item.Tenant.ID != other.Tenant.ID || !slices.Equal(p.Cohorts[item.Cohort].Steps, amended.Cohorts[other.Cohort].Steps) {
			t.Errorf("%s is not the same when the fact is read", item.Tenant.ID)
		}
	}
	if amended.Waves[1].Planned != 11 {
		t.Errorf("planned %d", amended.Waves[1].Planned)
	}
}

func TestLateTenantsOfADowngrade(t *testing.T) {
	t.Parallel()
	g := linear(t, "a", "b", "c")
	p, err := plan.New(members(people(1, 1), stand(g, "a b c")), g, plan.Options{Rollout: "r1", Kind: plan.KindDowngrade, Targets: []string{"b"}})
	if err != nil {
		t.Fatal(err)
	}
	now := linear(t, "a", "b", "c", "d")
	fact, err := plan.Join(p, members(people(2, 4), stand(now, "a b c", "a", "a b", "a b c d")), now, plan.Policy{}, plan.Rules{}, time.Time{})
	if err != nil {
		t.Fatal(err)
	}
	p.Add(fact)
	if diff := cmp.Diff([]string{"t1 → c", "t2 → c", "t3 skipped: not applied", "t4 → ", "t5 refused: stale"}, fates(t, p.Stored(), 0)); diff != "" {
		t.Error(diff)
	}
	stamped, err := plan.New(members(people(1, 1), stand(g, "a")), g, plan.Options{Rollout: "r1", Kind: plan.KindStamp, Targets: []string{"b"}})
	if err != nil {
		t.Fatal(err)
	}
	if _, err := plan.Join(stamped, members(people(2, 1), stand(g, "a")), g, plan.Policy{}, plan.Rules{}, time.Time{}); err == nil {
		t.Error("a tenant joined a stamp")
	}
}
