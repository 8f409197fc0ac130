package plan_test

import (
	"errors"
	"strings"
	"testing"
	"time"

	"github.com/google/go-cmp/cmp"

	"github.com/skeindb/skein/engine"
	"github.com/skeindb/skein/engine/revision"
	"github.com/skeindb/skein/orchestrator/plan"
	"github.com/skeindb/skein/orchestrator/rollout"
)

func TestPins(t *testing.T) {
	t.Parallel()
	g := linearGraph(t)
	freeze := func(who, reason string) plan.Pin {
		return plan.Pin{Tenants: selector(t, who), Freeze: true, Reason: reason}
	}
	target := func(who, id string) plan.Pin {
		return plan.Pin{Tenants: selector(t, who), Target: id, Reason: "old client"}
	}
	until := func(p plan.Pin, at time.Time) plan.Pin {
		p.Until = at
		return p
	}
	down := func(r *plan.Options) { r.Kind, r.Targets = plan.KindDowngrade, []string{"base"} }
	stamp := func(r *plan.Options) { r.Kind, r.Targets = plan.KindStamp, []string{"c"} }
	up := func(*plan.Options) {}
	for _, test := range []struct {
		name   string
		change func(*plan.Options)
		pins   []plan.Pin
		want   []string // tenants 1 and 2 stand at a, 3 at c, 4 cannot be read
		notes  []string
	}{
		{"none", up, nil,
			[]string{"s1-0001: b c", "s1-0002: b c", "s1-0003: unchanged", "s1-0004: refused connection"}, nil},
		{"a freeze", up, []plan.Pin{freeze("id=s1-0001", "audit")},
			[]string{"s1-0001: skipped", "s1-0002: b c", "s1-0003: unchanged", "s1-0004: refused connection"},
			[]string{"the pin of id=s1-0001 (audit) freezes 1 tenant"}},
		{"a freeze of an unreadable tenant", up, []plan.Pin{freeze("id=s1-0004", "moving")},
			[]string{"s1-0001: b c", "s1-0002: b c", "s1-0003: unchanged", "s1-0004: skipped"},
			[]string{"the pin of id=s1-0004 (moving) freezes 1 tenant"}},
		{"a target", up, []plan.Pin{target("id=s1-0001", "b")},
			[]string{"s1-0001: b", "s1-0002: b c", "s1-0003: unchanged", "s1-0004: refused connection"},
			[]string{"the pin of id=s1-0001 (old client) sends 1 tenant to b"}},
		{"a target that is passed", up, []plan.Pin{target("state=current", "b")},
			[]string{"s1-0001: b c", "s1-0002: b c", "s1-0003: unchanged", "s1-0004: refused connection"},
			[]string{"the pin of state=current (old client) sends 1 tenant to b"}},
		{"a target of an unreadable tenant", up, []plan.Pin{target("id=s1-0004", "b")},
			[]string{"s1-0001: b c", "s1-0002: b c", "s1-0003: unchanged", "s1-0004: refused connection"},
			[]string{"the pin of id=s1-0004 (old client) sends 1 tenant to b"}},
		{"the first counts", up, []plan.Pin{target("id=s1-0001", "b"), freeze("id=s1-000*", "all of them")},
			[]string{"s1-0001: b", "s1-0002: skipped", "s1-0003: skipped", "s1-0004: skipped"},
			[]string{"the pin of id=s1-0001 (old client) sends 1 tenant to b", "the pin of id=s1-000* (all of them) freezes 3 tenants"}},
		{"one that still holds", up, []plan.Pin{until(freeze("id=s1-0001", "audit"), planCreated.Add(time.Second))},
			[]string{"s1-0001: skipped", "s1-0002: b c", "s1-0003: unchanged", "s1-0004: refused connection"},
			[]string{"the pin of id=s1-0001 (audit) freezes 1 tenant (until 2026-11-23T10:00:01Z)"}},
		{"one that has ended lets the next count", up, []plan.Pin{until(freeze("id=s1-0001", "audit"), planCreated), target("id=s1-0001", "b")},
			[]string{"s1-0001: b", "s1-0002: b c", "s1-0003: unchanged", "s1-0004: refused connection"},
			[]string{"the pin of id=s1-0001 (audit) ended on 2026-11-23T10:00:00Z and has no effect: remove it",
				"the pin of id=s1-0001 (old client) sends 1 tenant to b"}},
		{"a downgrade knows freezes only", down, []plan.Pin{target("id=s1-0001", "b"), freeze("id=s1-0003", "audit")},
			[]string{"s1-0001: a", "s1-0002: a", "s1-0003: skipped", "s1-0004: refused connection"},
			[]string{"the pin of id=s1-0003 (audit) freezes 1 tenant"}},
		{"a stamp too", stamp, []plan.Pin{target("id=s1-0001", "b"), freeze("id=s1-0002", "audit")},
			[]string{"s1-0001: b c", "s1-0002: skipped", "s1-0003: unchanged", "s1-0004: refused connection"},
			[]string{"the pin of id=s1-0002 (audit) freezes 1 tenant"}},
	} {
		t.Run(test.name, func(t *testing.T) {
			t.Parallel()
			standings := []engine.Standing{standingAt(g, "a"), standingAt(g, "a"), standingAt(g, "a", "b", "c"), {State: engine.Unreachable, Err: engineError(engine.Connection, "refused")}}
			req := request()
			req.Policy.Pins = test.pins
			test.change(&req)
			p, err := plan.New(members(tenantsOn("s1", 4), standings), g, req)
			if err != nil {
				t.Fatal(err)
			}
			if diff := cmp.Diff(test.want, cohortsInWords(p.Stored())); diff != "" {
				t.Error(diff)
			}
			if diff := cmp.Diff(test.notes, p.Notes); diff != "" {
				t.Error(diff)
			}
		})
	}
}

func TestSkippedForAPinSaysWhy(t *testing.T) {
	t.Parallel()
	g := linearGraph(t)
	for want, pin := range map[string]plan.Pin{
		"frozen":                           {Freeze: true},
		"frozen: audit":                    {Freeze: true, Reason: "audit"},
		"frozen: audit (until 2026-12-23)": {Freeze: true, Reason: "audit", Until: time.Date(2026, 12, 24, 1, 0, 0, 0, time.FixedZone("", 3600))},
	} {
		req := request()
		req.Policy.Pins = []plan.Pin{pin}
		p, err := plan.New(members(tenantsOn("s1", 2), repeatStanding(2, standingAt(g))), g, req)
		if err != nil {
			t.Fatal(err)
		}
		if got := p.Cohorts[0].Reason; got != want {
			t.Errorf("%q, want %q", got, want)
		}
	}
}

func TestInvalidPins(t *testing.T) {
	t.Parallel()
	g := graph(t, rev("a", ""), rev("b", "a"), rev("c", "a"))
	for _, test := range []struct {
		pin    plan.Pin
		want   string
		target bool
	}{
		{plan.Pin{Target: "nope"}, "the pin of id=acme (old client): ", true},
		{plan.Pin{Target: "+1"}, "the pin of id=acme (old client): ", true},
		{plan.Pin{Target: "head"}, "the pin of id=acme (old client): ", true},
		{plan.Pin{}, "neither freezes nor", false},
		{plan.Pin{Freeze: true, Target: "a"}, "both freezes and", false},
	} {
		req := request()
		test.pin.Tenants, test.pin.Reason = selector(t, "id=acme"), "old client" // the id of no tenant
		req.Policy.Pins = []plan.Pin{test.pin}
		_, err := plan.New(members(tenantsOn("s1", 1), repeatStanding(1, standingAt(g))), g, req)
		if err == nil || !strings.Contains(err.Error(), test.want) {
			t.Errorf("%q: %v", test.pin.Target, err)
		}
		if _, ok := errors.AsType[*revision.TargetError](err); ok != test.target {
			t.Errorf("%q: the hint got lost: %v", test.pin.Target, err)
		}
	}
}

func TestResumeKeepsToThePinsOfThePlan(t *testing.T) {
	t.Parallel()
	g := linearGraph(t)
	tenants := tenantsOn("t", 3)
	unread := engine.Standing{State: engine.Unreachable, Err: engineError(engine.Connection, "refused")}
	req := request()
	req.Policy.Pins = []plan.Pin{
		{Tenants: selector(t, "id=t-0001"), Freeze: true, Reason: "audit"},
		{Tenants: selector(t, "id=t-0002"), Target: "b", Reason: "old client"},
	}
	stored, err := plan.New(members(tenants, repeatStanding(3, unread)), g, req)
	if err != nil {
		t.Fatal(err)
	}
	p, err := plan.Resume(stored.Stored(), rollout.HistoryOf(nil), members(tenants, repeatStanding(3, standingAt(g))), g, plan.ResumeOptions{})
	if err != nil {
		t.Fatal(err)
	}
	if diff := cmp.Diff([]string{"t-0001: skipped", "t-0002: a b", "t-0003: a b c"}, cohortsInWords(p.Stored())); diff != "" {
		t.Error(diff)
	}
}
