package plan_test

import (
	"bytes"
	"errors"
	"fmt"
	"slices"
	"strings"
	"testing"
	"time"

	"github.com/google/go-cmp/cmp"
	"github.com/google/go-cmp/cmp/cmpopts"

	"github.com/skeindb/skein/engine"
	"github.com/skeindb/skein/engine/revision"
	"github.com/skeindb/skein/orchestrator/plan"
	"github.com/skeindb/skein/tenant"
)

// newReviewedPlan is a plan with something of everything.
func newReviewedPlan(t testing.TB) *plan.Plan {
	t.Helper()
	g := linearGraph(t)
	tenants := labelTiers(tenantsOn("s1", 8), 4)
	tenants[2].Labels = map[string]string{"name": `a "<b>" & {[: , \ ü`}
	req := request()
	req.Settings = []plan.Setting{{Key: "rollout.max_failures", Value: "0"}, {Of: "the gate of wave canary", Key: "checks[errors].expect", Value: "< 5"}}
	req.Selectors, req.Tag, req.FleetSize = []string{"tier in (a,b)"}, "v1", 9
	req.Policy.Waves = waves(t, "canary tier=internal", "nobody id=x")
	req.Policy.Waves[0].Gate = plan.Gate{Bake: time.Minute, Checks: []plan.Check{{Name: "errors"}, {Name: "rows"}}, Approval: true}
	req.Policy.Pins = []plan.Pin{{Tenants: selector(t, "id=s1-0002"), Target: "b", Reason: "old client"}}
	standings := append(repeatStanding(6, standingAt(g, "a")), standingAt(g, "a", "b", "c"), engine.Standing{State: engine.Unreachable, Err: engineError(engine.Connection, "refused")})
	p, err := plan.New(members(tenants, standings), g, req)
	if err != nil {
		t.Fatal(err)
	}
	return p.Stored()
}

func planFile(t testing.TB, p *plan.Plan) string {
	t.Helper()
	var b bytes.Buffer
	if err := plan.Write(&b, p); err != nil {
		t.Fatal(err)
	}
	return b.String()
}

func TestPlanFilesRoundTrip(t *testing.T) {
	t.Parallel()
	p := newReviewedPlan(t)
	text := planFile(t, p)
	for name, form := range map[string]string{
		"as written": text, "with CRLF": strings.ReplaceAll(text, "\n", "\r\n"), "with a BOM": "\ufeff" + text,
		"indented otherwise": strings.ReplaceAll(text, "  ", "\t"), "nobody": planFile(t, &plan.Plan{}),
	} {
		got, err := plan.Read(strings.NewReader(form))
		if err != nil {
			t.Errorf("%s: %v", name, err)
			continue
		}
		if name == "nobody" {
			continue
		}
		if diff := cmp.Diff(p, got, cmpopts.IgnoreUnexported(plan.Cohort{}), cmpopts.IgnoreFields(plan.Item{}, "Standing")); diff != "" {
			t.Errorf("%s: %s", name, diff)
		}
		if d := p.Differences(got); len(d) > 0 {
			t.Errorf("%s: %q", name, d)
		}
	}
	if text != planFile(t, newReviewedPlan(t)) {
		t.Error("equal plans make different files")
	}
}

func TestPlanFilesAreReadable(t *testing.T) {
	t.Parallel()
	text := planFile(t, newReviewedPlan(t))
	lines := strings.Split(text, "\n")
	for _, want := range []string{
		"{", `  "format": 2,`, `    "kind": "upgrade",`, `    "selectors": ["tier in (a,b)"],`, `    "revisions": ["a", "b", "c"],`,
		`        "from": ["a"],`, `        "steps": ["b", "c"],`, `        "name": "canary",`, `          "checks": ["errors", "rows"],`,
		`      {"key": "rollout.max_failures", "value": "0"},`, `      {"of": "the gate of wave canary", "key": "checks[errors].expect", "value": "< 5"}`,
		`    "notes": ["wave nobody takes no tenant", "the pin of id=s1-0002 (old client) sends 1 tenant to b"]`,
	} {
		if !slices.Contains(lines, want) {
			t.Errorf("no line %q in\n%s", want, text)
		}
	}
	for n := range 8 {
		id := fmt.Sprintf(`{"tenant": {"id": "s1-%04d"`, n+1)
		count := 0
		for _, line := range lines {
			if strings.Contains(line, id) && strings.Contains(line, `"cohort": `) {
				count++
			}
		}
		if count != 1 {
			t.Errorf("%d lines for %s", count, id)
		}
	}
}

func TestPlanFilesThatWereEditedAreRefused(t *testing.T) {
	t.Parallel()
	text := planFile(t, newReviewedPlan(t))
	replace := func(old, by string) string {
		if !strings.Contains(text, old) {
			t.Fatalf("no %q in\n%s", old, text)
		}
		return strings.Replace(text, old, by, 1)
	}
	changed := "its checksum does not match"
	for name, test := range map[string]struct{ text, want string }{
		"a tenant's id":     {replace(`"id": "s1-0003"`, `"id": "s1-0009"`), changed},
		"a tenant's place":  {replace(`"schema": "s1-0003"`, `"schema": "public"`), changed},
		"a label":           {replace(`"tier": "internal"`, `"tier": "free"`), changed},
		"a cohort":          {replace(`"cohort": 0`, `"cohort": 1`), changed},
		"a cohort's steps":  {replace(`"steps": ["b", "c"]`, `"steps": ["b"]`), changed},
		"where it stands":   {replace(`"stands": "`, `"stands": "0`), changed},
		"the target":        {replace(`"target": "heads"`, `"target": "b"`), changed},
		"the graph":         {replace(`"graph": "`, `"graph": "0`), changed},
		"a wave":            {replace(`"name": "canary"`, `"name": "first"`), changed},
		"a gate":            {replace(`"approval": true`, `"approval": false`), changed},
		"a gate taken out":  {replace(`"errors", "rows"`, `"errors"`), changed},
		"a setting":         {replace(`"value": "< 5"`, `"value": "< 9"`), changed},
		"a note":            {replace(`old client`, `new client`), changed},
		"a key twice":       {replace(`"kind": "upgrade"`, `"kind": "stamp", "kind": "upgrade"`), changed},
		"one key more":      {replace(`"kind": "upgrade"`, `"kind": "upgrade", "more": 1`), changed},
		"beside the plan":   {replace(`"format": 2`, `"format": 2, "plan": {}`), changed},
		"unknown beside it": {replace(`"format": 2`, `"format": 2, "approved": "me"`), changed},
		"a space in a text": {replace(`"heads"`, `"heads "`), changed},
		"the checksum":      {replace(`"sha256:`, `"sha256:0`), changed},
		"no checksum":       {replace(`"sha256:`, `"`), changed},
		"a later format":    {replace(`"format": 2`, `"format": 3`), "reads format 2"},
		"an earlier format": {replace(`"format": 2`, `"format": 1`), "reads format 2"},
		"no format":         {replace(`"format": 2,`, ``), "not a plan file"},
		"cut off":           {text[:len(text)/2], "not a plan file"},
		"two of them":       {text + text, "not a plan file"},
		"empty":             {"", "not a plan file"},
		"another file":      {`{"fleet": "acme"}`, "not a plan file"},
		"a list":            {`[]`, "not a plan file"},
		"null":              {`null`, "not a plan file"},
	} {
		p, err := plan.Read(strings.NewReader(test.text))
		e, ok := errors.AsType[*plan.FileError](err)
		if p != nil || !ok || !strings.Contains(e.Error(), test.want) || e.Hint() == "" {
			t.Errorf("%s: %v", name, err)
		}
	}
	_, err := plan.Read(strings.NewReader(replace(`    "kind": "upgrade",`, `    "kind": upgrade,`)))
	line := strings.Count(text[:strings.Index(text, `"kind"`)], "\n") + 1
	if e, ok := errors.AsType[*plan.FileError](err); !ok || e.Line != line || !strings.HasPrefix(e.Error(), fmt.Sprintf("line %d: ", line)) {
		t.Errorf("%v, want line %d", err, line)
	}
}

func TestDifferences(t *testing.T) {
	t.Parallel()
	g := linearGraph(t)
	changed := rev("c", "b")
	changed.Upgrade = &revision.Section{Raw: "other", Checksum: "other"}
	aChanged := rev("a", "")
	aChanged.Upgrade = &revision.Section{Raw: "other", Checksum: "other"}
	gate := plan.Gate{Bake: 10 * time.Minute, Checks: []plan.Check{{Name: "errors"}}}
	long := strings.Repeat("x", 300)
	type now struct {
		g         *revision.Graph
		tenants   []tenant.Tenant
		standings []engine.Standing
		req       plan.Options
	}
	for _, test := range []struct {
		name   string
		change func(*now)
		want   []string
	}{
		{"none", func(*now) {}, nil},
		{"another day, id and tag", func(n *now) {
			n.req.Rollout, n.req.Tag, n.req.Created = "r9", "v9", planCreated.Add(time.Hour)
			n.req.FleetSize = 1000
		}, nil},
		{"the target", func(n *now) { n.req.Targets = []string{"c"} }, []string{"the target was heads, and is c"}},
		{"the selection", func(n *now) { n.req.Selectors = []string{"tier=gold", "!x"} }, []string{"the selection of tenants was none, and is tier=gold and !x"}},
		{"a revision more", func(n *now) {
			n.g = graph(t, rev("a", ""), rev("b", "a"), rev("c", "b"), rev("d", "c"))
		}, []string{"revision d is new", "20 tenants would go other ways: s1-0001, s1-0002, s1-0003, s1-0004, s1-0005 and 15 more"}},
		{"a revision that changed", func(n *now) { n.g = graph(t, rev("a", ""), rev("b", "a"), changed) }, []string{"revision c changed"}},
		{"an applied one that changed", func(n *now) { n.g = graph(t, aChanged, rev("b", "a"), rev("c", "b")) },
			[]string{"the revisions changed: one that is applied already, or what builds on what"}},
		{"tenants come and go", func(n *now) {
			n.tenants = append(tenantsOn("s2", 2), n.tenants[:19]...)
			n.standings = repeatStanding(21, standingAt(n.g, "a"))
		},
			[]string{"2 tenants are new: s2-0001, s2-0002", "tenant s1-0020 is no longer there"}},
		{"one was upgraded meanwhile", func(n *now) { n.standings[3] = standingAt(n.g, "a", "b") }, []string{"tenant s1-0004 stands elsewhere"}},
		{"one is gone from where it was", func(n *now) { n.standings[3] = engine.Standing{State: engine.Missing} }, []string{"tenant s1-0004 stands elsewhere"}},
		{"the body of what it has changed", func(n *now) {
			s := standingAt(n.g, "a")
			s.Changed = []string{"a"}
			n.standings[3] = s
		}, []string{"tenant s1-0004 stands elsewhere"}},
		{"one moved", func(n *now) { n.tenants[4].Location.Server = "s3" }, []string{"tenant s1-0005 is in another place"}},
		{"labels", func(n *now) { n.tenants[4].Labels = map[string]string{"tier": "gold"} }, []string{"tenant s1-0005 has other labels"}},
		{"a pin", func(n *now) {
			n.req.Policy.Pins = []plan.Pin{{Tenants: selector(t, "id=s1-0001"), Freeze: true}}
		}, []string{"tenant s1-0001 would go another way"}},
		{"the waves", func(n *now) { n.req.Policy.Waves = waves(t, "first - 2") },
			[]string{"the waves were canary, rest, and are first, rest", "2 tenants are in other waves: s1-0002, s1-0011"}},
		{"a gate", func(n *now) { n.req.Policy.Waves[0].Gate = plan.Gate{Approval: true} },
			[]string{"the gate of wave canary was bake 10m0s + checks errors, and is approval"}},
		{"a gate less", func(n *now) { n.req.Policy.Waves[0].Gate = plan.Gate{} },
			[]string{"the gate of wave canary was bake 10m0s + checks errors, and is none"}},
		{"settings", func(n *now) {
			n.req.Settings = []plan.Setting{{Key: "same", Value: "1"}, {Key: "budget", Value: "100%"}, {Of: "the gate", Key: "new", Value: "x\ny"}, {Of: "the gate", Key: "sql", Value: long + "b"}}
		}, []string{
			"budget was 0, and is 100%", "the gate: sql changed, in white space or behind what is shown of it: " + long[:197] + "…",
			"order was large, and is not set", "the gate: new was not set, and is x y",
		}},
		{"the options of a section", func(n *now) {
			n.g = graph(t, rev("a", ""), rev("b", "a", revision.Options{NoTransaction: true}), rev("c", "b"))
		}, []string{"revision b: options was not set, and is no-transaction"}},
	} {
		t.Run(test.name, func(t *testing.T) {
			t.Parallel()
			planned := func(change func(*now)) *plan.Plan {
				n := now{g: g, tenants: tenantsOn("s1", 20), standings: repeatStanding(20, standingAt(g, "a")), req: request()}
				n.req.Settings = []plan.Setting{
					{Key: "same", Value: "1"}, {Key: "budget", Value: "0"}, {Of: "the gate", Key: "sql", Value: long + "a"}, {Key: "order", Value: "large"},
				}
				n.req.Policy.Waves = waves(t, "canary - 2")
				n.req.Policy.Waves[0].Gate = gate
				if change != nil {
					change(&n)
				}
				p, err := plan.New(members(n.tenants, n.standings), n.g, n.req)
				if err != nil {
					t.Fatal(err)
				}
				return p.Stored()
			}
			then, err := plan.Read(strings.NewReader(planFile(t, planned(nil))))
			if err != nil {
				t.Fatal(err)
			}
			if diff := cmp.Diff(test.want, then.Differences(planned(test.change))); diff != "" {
				t.Error(diff)
			}
		})
	}
}

func TestAVersionTableWithoutRowsIsNoDifference(t *testing.T) {
	t.Parallel()
	g := linearGraph(t)
	without, with := engine.Standing{State: engine.Empty}, standingAt(g)
	if d := newPlan(t, g, tenantsOn("s1", 1), repeatStanding(1, without)).Differences(newPlan(t, g, tenantsOn("s1", 1), repeatStanding(1, with)).Stored()); len(d) > 0 {
		t.Errorf("%q", d)
	}
}

func TestDifferencesAreBounded(t *testing.T) {
	t.Parallel()
	g := linearGraph(t)
	other := graph(t, rev("a", ""), rev("x", "a"), rev("y", "x"))
	a, b := request(), request()
	a.Policy.Waves, b.Policy.Waves = waves(t, "1", "2", "3", "4", "5", "6"), waves(t, "1", "2", "3", "4", "5", "6")
	for i := range b.Policy.Waves {
		b.Policy.Waves[i].Gate = plan.Gate{Approval: true}
	}
	b.Fleet, b.Targets, b.Selectors = "other", []string{"y"}, []string{"x"}
	then, err := plan.New(members(tenantsOn("s1", 20), repeatStanding(20, standingAt(g, "a"))), g, a)
	if err != nil {
		t.Fatal(err)
	}
	now, err := plan.New(members(tenantsOn("s2", 20), repeatStanding(20, standingAt(other))), other, b)
	if err != nil {
		t.Fatal(err)
	}
	lines := then.Differences(now.Stored())
	if len(lines) != 11 || lines[10] != "and 3 more" {
		t.Errorf("%q", lines)
	}
}
