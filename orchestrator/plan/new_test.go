package plan_test

import (
	"encoding/json"
	"errors"
	"fmt"
	"slices"
	"strings"
	"testing"

	"github.com/google/go-cmp/cmp"
	"github.com/google/go-cmp/cmp/cmpopts"

	"github.com/skeindb/skein/engine"
	"github.com/skeindb/skein/engine/revision"
	"github.com/skeindb/skein/orchestrator/plan"
	"github.com/skeindb/skein/tenant"
)

// cohortsOf prints a plan's cohorts: "state from>to steps ×count" and why they are refused or skipped.
func cohortsOf(p *plan.Plan) []string {
	var lines []string
	for _, c := range p.Cohorts {
		line := fmt.Sprintf("%s %s>%s %s ×%d", c.State, strings.Join(c.From, ","), strings.Join(c.To, ","), strings.Join(c.Steps, ","), c.Count)
		switch c.Action {
		case plan.ActionRefuse:
			line += " refused: " + string(c.Failure.Class)
		case plan.ActionSkip:
			line += " skipped: " + c.Reason
		case plan.ActionGone:
			line += " gone"
		}
		lines = append(lines, line)
	}
	return lines
}

func TestPlanCohorts(t *testing.T) {
	t.Parallel()
	g := linearGraph(t)
	unreachable := func(tenant string) engine.Standing {
		return engine.Standing{State: engine.Unreachable, Err: engineError(engine.Connection, fmt.Sprintf("dial %q: refused", tenant))}
	}
	changed := standingAt(g, "a", "b")
	changed.Changed = []string{"b"}
	gap := standingAt(g, "b")
	gap.State, gap.Err = engine.Unknown, engineError(engine.Stale, "revision b is applied, but a is not")
	standings := []engine.Standing{
		standingAt(g), standingAt(g, "a"), standingAt(g, "a"), standingAt(g, "a", "b", "c"), standingAt(g, "a", "zz"), changed, gap, unreachable("x"), unreachable("y"),
		{State: engine.Missing, Err: errors.New("no such file")}, {State: engine.Empty}, // no version table
	}
	for _, test := range []struct {
		name   string
		change func(*plan.Options)
		want   []string
	}{
		{"upgrade", func(*plan.Options) {}, []string{
			"behind a>c b,c ×2", "empty >c a,b,c ×2", "ahead a,zz>a,zz  ×1 refused: stale", "behind b>b  ×1 refused: checksum",
			"current c>c  ×1", "unreachable >  ×2 refused: connection", "missing >  ×1 refused: gone", "unknown b>b  ×1 refused: stale",
		}},
		{"upgrade to what most have", func(r *plan.Options) { r.Targets = []string{"b"}; r.AllowChanged = true }, []string{
			"behind a>b b ×2", "empty >b a,b ×2", "ahead a,zz>a,zz  ×1 refused: stale", "behind b>b  ×1",
			"current c>c  ×1", "unreachable >  ×2 refused: connection", "missing >  ×1 refused: gone", "unknown b>b  ×1 refused: stale",
		}},
		{"downgrade", func(r *plan.Options) {
			r.Kind, r.Targets, r.AllowChanged = plan.KindDowngrade, []string{"a"}, true
		}, []string{
			"behind a>a  ×2", "empty >  ×2 skipped: not applied", "ahead a,zz>a,zz  ×1 refused: stale", "behind b>a b ×1",
			"current c>a c,b ×1", "unreachable >  ×2 refused: connection", "missing >  ×1 refused: gone", "unknown b>b  ×1 refused: stale",
		}},
		{"stamp", func(r *plan.Options) { r.Kind, r.Targets = plan.KindStamp, []string{"b"} }, []string{
			"behind a>b b ×2", "empty >b a,b ×2", "ahead a,zz>a,zz  ×1 refused: stale", "behind b>b  ×1",
			"current c>b c ×1", "unreachable >  ×2 refused: connection", "missing >  ×1 refused: gone", "unknown b>b a ×1",
		}},
		{"stamp --purge", func(r *plan.Options) {
			r.Kind, r.Targets, r.Purge, r.AllowChanged = plan.KindStamp, []string{"a"}, true, true
		}, []string{
			"behind a>a  ×2", "empty >a a ×2", "ahead a,zz>a zz ×1", "behind b>a b ×1",
			"current c>a b,c ×1", "unreachable >  ×2 refused: connection", "missing >  ×1 refused: gone", "unknown b>a b,a ×1",
		}},
	} {
		t.Run(test.name, func(t *testing.T) {
			t.Parallel()
			req := request()
			test.change(&req)
			p, err := plan.New(members(tenantsOn("s1", len(standings)), standings), g, req)
			if err != nil {
				t.Fatal(err)
			}
			if diff := cmp.Diff(test.want, cohortsOf(p.Stored())); diff != "" {
				t.Error(diff)
			}
			for _, item := range p.Waves[0].Items {
				if c := p.Cohorts[item.Cohort]; c.State != item.Standing.State {
					t.Errorf("%s is %s, its cohort %s", item.Tenant.ID, item.Standing.State, c.State)
				}
			}
		})
	}
}

func TestTargetsWithoutAPath(t *testing.T) {
	t.Parallel()
	forked := graph(t, rev("a", ""), rev("b", "a"), rev("c", "a"))
	oneWay := rev("d", "c")
	oneWay.Downgrade = nil
	irreversible := graph(t, rev("a", ""), rev("c", "a"), oneWay)
	for _, test := range []struct {
		name, target string
		kind         plan.Kind
		g            *revision.Graph
		standings    []engine.Standing
		want         string
		cohort       bool
	}{
		{"two heads", "head", plan.KindUpgrade, forked, repeatStanding(3, standingAt(forked)), "", true},
		{"walk that forks", "+1", plan.KindUpgrade, forked, []engine.Standing{standingAt(forked), standingAt(forked), standingAt(forked, "a")}, "tenant s1-0003, which stands at a: ", true},
		{"no such revision", "nope", plan.KindUpgrade, forked, repeatStanding(3, standingAt(forked)), "nope", false},
		{"no way back", "a", plan.KindDowngrade, irreversible, []engine.Standing{standingAt(irreversible, "a"), standingAt(irreversible, "a", "c", "d"), standingAt(irreversible, "a", "c", "d")}, "2 tenants that stand at d, for example s1-0002: ", true},
	} {
		t.Run(test.name, func(t *testing.T) {
			t.Parallel()
			req := request()
			req.Kind, req.Targets = test.kind, []string{test.target}
			_, err := plan.New(members(tenantsOn("s1", 3), test.standings), test.g, req)
			if err == nil || !strings.Contains(err.Error(), test.want) {
				t.Fatalf("%v, want %q", err, test.want)
			}
			why, cohort := errors.AsType[*plan.Error](err)
			target, ok := errors.AsType[*revision.TargetError](err)
			if !ok || cohort != test.cohort {
				t.Errorf("%T, cohort error %v", err, cohort)
			}
			if cohort && (why.Reason != plan.ReasonTarget || why.Hint() != target.Hint()) {
				t.Errorf("the hint got lost: %v", err)
			}
		})
	}
}

func TestInvalidPlanOptions(t *testing.T) {
	t.Parallel()
	g := linearGraph(t)
	for name, change := range map[string]func(*plan.Options){
		"no id":       func(r *plan.Options) { r.Rollout = "" },
		"no target":   func(r *plan.Options) { r.Targets = nil },
		"two targets": func(r *plan.Options) { r.Targets = []string{"a", "b"} },
		"no kind":     func(r *plan.Options) { r.Kind = "sidegrade" },
	} {
		req := request()
		change(&req)
		if _, err := plan.New(members(tenantsOn("s1", 1), repeatStanding(1, standingAt(g))), g, req); err == nil {
			t.Errorf("%s: no error", name)
		}
	}
}

func TestOrderIsDeterministic(t *testing.T) {
	t.Parallel()
	g := linearGraph(t)
	tenants := append(append(tenantsOn("s2", 20), tenantsOn("s1", 40)...), tenantsOn("s3", 3)...)
	order := func(tenants []tenant.Tenant) []string {
		var ids []string
		for _, item := range newPlan(t, g, tenants, repeatStanding(len(tenants), standingAt(g))).Waves[0].Items {
			ids = append(ids, item.Tenant.ID)
		}
		return ids
	}
	first := order(tenants)
	slices.Reverse(tenants)
	if diff := cmp.Diff(first, order(tenants)); diff != "" {
		t.Error(diff)
	}
	for i, want := range []string{"s1", "s2", "s3", "s1", "s2", "s3", "s1", "s2", "s3", "s1", "s2", "s1", "s2"} {
		if !strings.HasPrefix(first[i], want) {
			t.Errorf("place %d has %s, want one of %s", i, first[i], want)
		}
	}
	sorted := slices.Clone(first)
	slices.Sort(sorted)
	if len(slices.Compact(sorted)) != 63 {
		t.Errorf("%d tenants", len(sorted))
	}
}

func TestPlansCanBeStored(t *testing.T) {
	t.Parallel()
	g := linearGraph(t)
	p := newPlan(t, g, tenantsOn("s1", 3), []engine.Standing{standingAt(g), standingAt(g, "a", "b", "c"), {State: engine.Missing, Err: errors.New("gone")}}).Stored()
	text, err := json.Marshal(p)
	if err != nil {
		t.Fatal(err)
	}
	got := &plan.Plan{}
	if err := json.Unmarshal(text, got); err != nil {
		t.Fatal(err)
	}
	if diff := cmp.Diff(p, got, cmpopts.IgnoreUnexported(plan.Cohort{}), cmpopts.IgnoreFields(plan.Item{}, "Standing")); diff != "" {
		t.Error(diff)
	}
}
