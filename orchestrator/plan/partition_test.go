package plan_test

import (
	"errors"
	"fmt"
	"slices"
	"strings"
	"testing"
	"time"

	"github.com/google/go-cmp/cmp"
	"pgregory.net/rapid"

	"github.com/skeindb/skein/engine"
	"github.com/skeindb/skein/engine/revision"
	"github.com/skeindb/skein/orchestrator/plan"
	"github.com/skeindb/skein/tenant"
)

func selector(t testing.TB, text string) tenant.Selector {
	t.Helper()
	s, err := tenant.ParseSelector(text)
	if err != nil {
		t.Fatal(err)
	}
	return s
}

func size(t testing.TB, text string) plan.Size {
	t.Helper()
	s, err := plan.ParseSize(text)
	if err != nil {
		t.Fatal(err)
	}
	return s
}

// spec makes a wave of "name selector size", with "-" for what is left out.
func spec(t testing.TB, text string) plan.WaveSpec {
	t.Helper()
	words := strings.Fields(text)
	w := plan.WaveSpec{Name: words[0]}
	if len(words) > 1 && words[1] != "-" {
		w.Tenants = selector(t, words[1])
	}
	if len(words) > 2 && words[2] != "-" {
		w.Size = size(t, words[2])
	}
	return w
}

func waves(t testing.TB, texts ...string) []plan.WaveSpec {
	t.Helper()
	var specs []plan.WaveSpec
	for _, text := range texts {
		specs = append(specs, spec(t, text))
	}
	return specs
}

// inWaves prints a plan's waves: "name ×planned".
func inWaves(p *plan.Plan) []string {
	var lines []string
	for _, w := range p.Waves {
		lines = append(lines, fmt.Sprintf("%s ×%d", w.Name, w.Planned))
	}
	return lines
}

// tenantsIn are the ids of a wave's tenants, sorted.
func tenantsIn(w *plan.Wave) []string {
	var ids []string
	for _, item := range w.Items {
		ids = append(ids, item.Tenant.ID)
	}
	slices.Sort(ids)
	return ids
}

// labelTiers labels every n-th tenant tier=internal and the rest tier=free.
func labelTiers(tenants []tenant.Tenant, n int) []tenant.Tenant {
	for i := range tenants {
		tier := "free"
		if i%n == 0 {
			tier = "internal"
		}
		tenants[i].Labels = map[string]string{"tier": tier}
	}
	return tenants
}

func TestWhoIsInWhichWave(t *testing.T) {
	t.Parallel()
	g := linearGraph(t)
	for _, test := range []struct {
		name    string
		tenants int
		waves   []string
		want    []string
		notes   []string
	}{
		{"none are asked for", 20, nil, []string{"all ×20"}, nil},
		{"a selector", 20, []string{"canary tier=internal"}, []string{"canary ×2", "rest ×18"}, nil},
		{"a count", 20, []string{"first - 3", "second - 30"}, []string{"first ×3", "second ×17"}, nil},
		{"a share of all that are planned, not of those left", 600, []string{"early - 5%", "half - 30%", "rest"}, []string{"early ×30", "half ×180", "rest ×390"}, nil},
		{"a share is rounded up", 21, []string{"early - 5%", "rest"}, []string{"early ×2", "rest ×19"}, nil},
		{"a share is at least one", 3, []string{"early - 0.1%"}, []string{"early ×1", "rest ×2"}, nil},
		{"a share of those that a selector means", 100, []string{"canary tier=internal 5%"}, []string{"canary ×5", "rest ×95"}, nil},
		{"shares above all", 10, []string{"a - 80%", "b - 80%"}, []string{"a ×8", "b ×2"}, nil},
		{"an overlap", 20, []string{"canary tier=internal 1", "early tier=internal"}, []string{"canary ×1", "early ×1", "rest ×18"},
			[]string{"1 tenant that wave early also matches is in wave canary"}},
		{"overlaps with several", 30, []string{"a tier=internal 2", "b - 9", "c tier"}, []string{"a ×2", "b ×9", "c ×19"},
			[]string{"2 tenants that wave c also matches are in wave a", "9 tenants that wave c also matches are in wave b"}},
		{"an empty wave stays", 20, []string{"canary tier=gold", "rest"}, []string{"canary ×0", "rest ×20"}, []string{"wave canary takes no tenant"}},
		{"all are elsewhere", 20, []string{"a", "b tier=internal", "c"}, []string{"a ×20", "b ×0", "c ×0"},
			[]string{"2 tenants that wave b also matches are in wave a", "wave b takes no tenant", "wave c takes no tenant"}},
		{"a misspelt label", 20, []string{"canary teir=internal"}, []string{"canary ×0", "rest ×20"},
			[]string{`wave canary: no tenant has a label teir; did you mean tier?`, "wave canary takes no tenant"}},
		{"the rest has a name already", 20, []string{"rest - 1", "rest-2 - 1"}, []string{"rest ×1", "rest-2 ×1", "rest-3 ×18"}, nil},
		{"a sample is one of all", 100, []string{"a - 10", "b sample=20%"}, []string{"a ×10", "b ×10", "rest ×80"},
			[]string{"10 tenants that wave b also matches are in wave a"}},
		{"a limit", 100, []string{"a tier=free,limit=7"}, []string{"a ×7", "rest ×93"}, nil},
		{"where they stand", 20, []string{"fresh state=empty", "old heads=a"}, []string{"fresh ×5", "old ×15"}, nil},
		{"nobody at all", 0, []string{"a - 5%", "b"}, []string{"a ×0", "b ×0"}, []string{"wave a takes no tenant", "wave b takes no tenant"}},
	} {
		t.Run(test.name, func(t *testing.T) {
			t.Parallel()
			standings := repeatStanding(test.tenants, standingAt(g, "a"))
			for i := range min(5, test.tenants) {
				standings[i] = standingAt(g)
			}
			req := request()
			req.Policy.Waves = waves(t, test.waves...)
			p, err := plan.New(members(labelTiers(tenantsOn("s1", test.tenants), 10), standings), g, req)
			if err != nil {
				t.Fatal(err)
			}
			if diff := cmp.Diff(test.want, inWaves(p.Stored())); diff != "" {
				t.Error(diff)
			}
			if diff := cmp.Diff(test.notes, p.Notes); diff != "" {
				t.Error(diff)
			}
			if p.Len() != test.tenants {
				t.Errorf("%d tenants are in the plan", p.Len())
			}
		})
	}
}

func TestWavesTakeFromTheFrontOfTheOrder(t *testing.T) {
	t.Parallel()
	g := linearGraph(t)
	tenants := labelTiers(tenantsOn("s1", 200), 4)
	req := request()
	req.Policy.Waves = waves(t, "canary tier=internal 5", "early - 10%")
	p, err := plan.New(members(tenants, repeatStanding(200, standingAt(g))), g, req)
	if err != nil {
		t.Fatal(err)
	}
	ids := func(tenants []tenant.Tenant) []string {
		var ids []string
		for _, t := range tenants {
			ids = append(ids, t.ID)
		}
		slices.Sort(ids)
		return ids
	}
	var ordered []tenant.Tenant
	for _, i := range tenant.HashOrder(len(tenants), func(i int) string { return tenants[i].ID }) {
		ordered = append(ordered, tenants[i])
	}
	internal := slices.DeleteFunc(slices.Clone(ordered), func(t tenant.Tenant) bool { return t.Labels["tier"] != "internal" })
	if diff := cmp.Diff(ids(internal[:5]), tenantsIn(&p.Waves[0])); diff != "" {
		t.Error(diff)
	}
	left := slices.DeleteFunc(slices.Clone(ordered), func(tn tenant.Tenant) bool { return slices.Contains(tenantsIn(&p.Waves[0]), tn.ID) })
	if diff := cmp.Diff(ids(left[:20]), tenantsIn(&p.Waves[1])); diff != "" {
		t.Error(diff)
	}
}

func TestEveryTenantIsInOneWave(t *testing.T) {
	t.Parallel()
	g := linearGraph(t)
	selectors := []string{"-", "tier=internal", "tier!=internal", "id=s1-00*", "sample=30%", "limit=4", "state=empty", "server=s2,limit=3"}
	rapid.Check(t, func(t *rapid.T) {
		n := rapid.IntRange(0, 40).Draw(t, "tenants")
		tenants := labelTiers(append(tenantsOn("s1", n), tenantsOn("s2", n/2)...), rapid.IntRange(1, 7).Draw(t, "tiers"))
		standings := make([]engine.Standing, len(tenants))
		for i := range standings {
			standings[i] = rapid.SampledFrom([]engine.Standing{standingAt(g), standingAt(g, "a"), standingAt(g, "a", "b", "c")}).Draw(t, "standing")
		}
		req := request()
		for i := range rapid.IntRange(0, 4).Draw(t, "waves") {
			w := plan.WaveSpec{Name: fmt.Sprintf("w%d", i)}
			if text := rapid.SampledFrom(selectors).Draw(t, "selector"); text != "-" {
				var err error
				if w.Tenants, err = tenant.ParseSelector(text); err != nil {
					t.Fatal(err)
				}
			}
			w.Size = rapid.SampledFrom([]plan.Size{{}, {Count: 3}, {Percent: 10}, {Percent: 50}}).Draw(t, "size")
			w.Order = rapid.SampledFrom([]plan.Order{plan.OrderByHash, "label:tier", plan.OrderSmallFirst}).Draw(t, "order")
			req.Policy.Waves = append(req.Policy.Waves, w)
		}
		sizes := make([]int64, len(tenants))
		for i := range sizes {
			sizes[i] = rapid.Int64Range(-1, 3).Draw(t, "bytes")
		}
		p, err := plan.New(withSizes(members(tenants, standings), sizes), g, req)
		if err != nil {
			t.Fatal(err)
		}
		wave := map[string]string{}
		for _, w := range p.Waves {
			if w.Planned != len(w.Items) {
				t.Fatalf("wave %s has %d tenants, planned %d", w.Name, len(w.Items), w.Planned)
			}
			for _, item := range w.Items {
				if other, twice := wave[item.Tenant.ID]; twice {
					t.Fatalf("%s is in %s and in %s", item.Tenant.ID, other, w.Name)
				}
				wave[item.Tenant.ID] = w.Name
			}
		}
		if len(wave) != len(tenants) {
			t.Fatalf("%d of %d tenants are in a wave", len(wave), len(tenants))
		}

		// The order in which the tenants are given means nothing.
		shuffled := rapid.Permutation(indexes(len(tenants))).Draw(t, "order")
		again := make([]tenant.Tenant, len(tenants))
		where := make([]engine.Standing, len(tenants))
		bytes := make([]int64, len(tenants))
		for to, from := range shuffled {
			again[to], where[to], bytes[to] = tenants[from], standings[from], sizes[from]
		}
		q, err := plan.New(withSizes(members(again, where), bytes), g, req)
		if err != nil {
			t.Fatal(err)
		}
		for i := range p.Waves {
			for k := range p.Waves[i].Items {
				if a, b := p.Waves[i].Items[k].Tenant.ID, q.Waves[i].Items[k].Tenant.ID; a != b {
					t.Fatalf("place %d of wave %s has %s, and %s in another order", k, p.Waves[i].Name, a, b)
				}
			}
		}

		// How many move because of one more tenant is bounded by the waves, and not by the fleet.
		req.Policy.Waves = slices.DeleteFunc(req.Policy.Waves, func(w plan.WaveSpec) bool { return w.Order != plan.OrderByHash })
		if p, err = plan.New(members(tenants, standings), g, req); err != nil {
			t.Fatal(err)
		}
		more := append(slices.Clone(tenants), tenant.Tenant{ID: "new", Labels: map[string]string{"tier": "free"}, Location: engine.Location{
			Dialect: revision.Postgres, Server: "s3", Database: "app", Schema: "new",
		}})
		if q, err = plan.New(members(more, append(slices.Clone(standings), standingAt(g))), g, req); err != nil {
			t.Fatal(err)
		}
		moved := 0
		after := map[string]string{}
		for _, w := range q.Waves {
			for _, item := range w.Items {
				after[item.Tenant.ID] = w.Name
			}
		}
		for _, w := range p.Waves {
			for _, item := range w.Items {
				if after[item.Tenant.ID] != w.Name {
					moved++
				}
			}
		}
		if most := 1 << (len(req.Policy.Waves) + 1); moved > most {
			t.Fatalf("%d tenants moved because of one, with %d waves", moved, len(req.Policy.Waves))
		}
	})
}

func indexes(n int) []int {
	p := make([]int, n)
	for i := range p {
		p[i] = i
	}
	return p
}

func TestOneMoreTenantMovesFew(t *testing.T) {
	t.Parallel()
	g := linearGraph(t)
	req := request()
	req.Policy.Waves = waves(t, "canary tier=internal 20", "early - 5%", "half - 30%")
	tenants := labelTiers(tenantsOn("s1", 601), 10)
	arranged := func(n int) map[string]string {
		p, err := plan.New(members(tenants[:n], repeatStanding(n, standingAt(g))), g, req)
		if err != nil {
			t.Fatal(err)
		}
		in := map[string]string{}
		for _, w := range p.Waves {
			for _, item := range w.Items {
				in[item.Tenant.ID] = w.Name
			}
		}
		return in
	}
	for n := 560; n < 601; n++ {
		before, after := arranged(n), arranged(n+1)
		moved := 0
		for id, wave := range before {
			if after[id] != wave {
				moved++
			}
		}
		if moved > 4 {
			t.Errorf("the tenant after %d moved %d others", n, moved)
		}
	}
}

func TestOrderWithinAWave(t *testing.T) {
	t.Parallel()
	g := linearGraph(t)
	tenants := tenantsOn("s1", 6)
	rings := []string{"ring-10", "ring-2", "", "ring-2", "ring-1", "zone"}
	for i, ring := range rings {
		if ring != "" {
			tenants[i].Labels = map[string]string{"ring": ring}
		}
	}
	sizes := []int64{300, -1, 100, 200, 100, 0}
	hashed := map[string]int{}
	for rank, i := range tenant.HashOrder(len(tenants), func(i int) string { return tenants[i].ID }) {
		hashed[tenants[i].ID] = rank
	}
	byHash := func(i, j int) int { return hashed[tenants[i].ID] - hashed[tenants[j].ID] }
	tied := func(i, j int) []int { // the two in the order of the hash
		if byHash(i, j) < 0 {
			return []int{i, j}
		}
		return []int{j, i}
	}
	for order, want := range map[plan.Order][]int{
		plan.OrderSmallFirst: slices.Concat([]int{5}, tied(2, 4), []int{3, 0, 1}),
		plan.OrderLargeFirst: slices.Concat([]int{0, 3}, tied(2, 4), []int{5, 1}),
		"label:ring":         slices.Concat([]int{4}, tied(1, 3), []int{0, 5, 2}),
		"label:nobody":       slices.SortedFunc(slices.Values(indexes(6)), byHash),
	} {
		req := request()
		req.Policy.Waves = []plan.WaveSpec{{Name: "one", Order: order}}
		p, err := plan.New(withSizes(members(tenants, repeatStanding(6, standingAt(g))), sizes), g, req)
		if err != nil {
			t.Fatal(err)
		}
		for k, i := range want {
			if got := p.Waves[0].Items[k].Tenant.ID; got != tenants[i].ID {
				t.Errorf("%s: place %d has %s, want %s", order, k, got, tenants[i].ID)
			}
		}
	}
}

func TestInvalidWaves(t *testing.T) {
	t.Parallel()
	g := linearGraph(t)
	for name, test := range map[string]struct {
		change func(*plan.Options)
		want   string
	}{
		"no name":       {func(r *plan.Options) { r.Policy.Waves = []plan.WaveSpec{{Name: "a"}, {}} }, "wave 2 has no name"},
		"two of a name": {func(r *plan.Options) { r.Policy.Waves = []plan.WaveSpec{{Name: "a"}, {Name: "a"}} }, "two waves are named a"},
		"no such order": {func(r *plan.Options) {
			r.Policy.Waves = []plan.WaveSpec{{Name: "a", Order: "tall"}}
		}, `no order "tall"`},
		"label of what": {func(r *plan.Options) {
			r.Policy.Waves = []plan.WaveSpec{{Name: "a", Order: "label:"}}
		}, `no order "label:"`},
		"sizes unknown": {func(r *plan.Options) {
			r.Policy.Waves = []plan.WaveSpec{{Name: "a", Order: plan.OrderSmallFirst}}
		}, "sizes of the tenants are not known"},
	} {
		req := request()
		test.change(&req)
		if _, err := plan.New(members(tenantsOn("s1", 2), repeatStanding(2, standingAt(g))), g, req); err == nil || !strings.Contains(err.Error(), test.want) {
			t.Errorf("%s: %v", name, err)
		}
	}
	sized := plan.Policy{Waves: []plan.WaveSpec{{Name: "a"}, {Name: "b", Order: plan.OrderLargeFirst}}}
	if !sized.NeedsSizes() || (plan.Policy{Waves: sized.Waves[:1]}).NeedsSizes() {
		t.Error("who needs sizes")
	}
}

func TestOnlyOneWave(t *testing.T) {
	t.Parallel()
	g := linearGraph(t)
	tenants := labelTiers(tenantsOn("s1", 100), 10)
	standings := repeatStanding(100, standingAt(g))
	for i := range standings {
		if i%10 != 0 { // those outside the wave stand where the target leads nowhere
			standings[i] = standingAt(g, "a", "b", "c")
		}
	}
	req := request()
	req.Targets = []string{"+1"}
	req.Policy.Waves = waves(t, "canary tier=internal", "early - 5%")
	req.Policy.Pins = []plan.Pin{{Tenants: selector(t, "id=s1-0011"), Freeze: true, Reason: "audit"}, {Tenants: selector(t, "id=s1-0012"), Freeze: true, Reason: "no"}}
	if _, err := plan.New(members(tenants, standings), g, req); err == nil {
		t.Fatal("all waves: no error")
	}
	req.Only = "canary"
	p, err := plan.New(members(tenants, standings), g, req)
	if err != nil {
		t.Fatal(err)
	}
	if diff := cmp.Diff([]string{"canary ×10"}, inWaves(p.Stored())); diff != "" {
		t.Error(diff)
	}
	if diff := cmp.Diff([]string{"empty >a a ×9", "empty >  ×1 skipped: frozen: audit"}, cohortsOf(p.Stored())); diff != "" {
		t.Error(diff)
	}
	for _, item := range p.Waves[0].Items {
		if item.Tenant.Labels["tier"] != "internal" || item.Standing.State != engine.Empty {
			t.Errorf("%s, %s", item.Tenant.ID, item.Standing.State)
		}
	}
	if diff := cmp.Diff([]string{"the pin of id=s1-0011 (audit) freezes 1 tenant"}, p.Notes); diff != "" {
		t.Error(diff)
	}

	req.Targets, req.Only = []string{"heads"}, "early"
	if p, err = plan.New(members(tenants, standings), g, req); err != nil || p.Len() != 5 {
		t.Errorf("%d tenants, %v: a share is of all waves", p.Len(), err)
	}
	req.Only = "canray"
	_, err = plan.New(members(tenants, standings), g, req)
	if e, ok := errors.AsType[*plan.Error](err); !ok || e.Reason != plan.ReasonWave || e.Hint() != "did you mean canary?" ||
		e.Error() != "there is no wave canray; the waves are canary, early, rest" {
		t.Errorf("%v", err)
	}
	req.Policy.Waves = nil
	if _, err = plan.New(members(tenants, standings), g, req); err == nil || err.Error() != "there is no wave canray; the only one is all" {
		t.Errorf("%v", err)
	}
}

func TestWavesHaveTheirGates(t *testing.T) {
	t.Parallel()
	g := linearGraph(t)
	req := request()
	req.Selectors = []string{"tier=gold"}
	req.Policy.Waves = waves(t, "canary - 1", "nobody id=x", "rest")
	req.Policy.Waves[0].Gate = plan.Gate{Bake: time.Minute, Checks: []plan.Check{{Name: "errors"}}, Approval: true}
	req.Policy.Waves[1].Gate = plan.Gate{Bake: time.Second}
	p, err := plan.New(members(tenantsOn("s1", 3), repeatStanding(3, standingAt(g))), g, req)
	if err != nil {
		t.Fatal(err)
	}
	want := []*plan.GatePlan{
		{Bake: time.Minute, Checks: []string{"errors"}, Approval: true}, {Bake: time.Second, Checks: []string{}}, nil,
	}
	for i, w := range p.Waves {
		if diff := cmp.Diff(want[i], w.Gate); diff != "" {
			t.Errorf("%s: %s", w.Name, diff)
		}
	}
	if diff := cmp.Diff(req.Selectors, p.Selectors); diff != "" {
		t.Error(diff)
	}
}

func BenchmarkPlanWaves(b *testing.B) {
	g := linearGraph(b)
	tenants, standings := labelTiers(append(tenantsOn("s1", 5000), tenantsOn("s2", 5000)...), 20), repeatStanding(10000, standingAt(g, "a"))
	req := request()
	req.Policy.Waves = waves(b, "canary tier=internal 20", "early state=behind 5%", "half - 30%", "rest")
	req.Policy.Pins = []plan.Pin{{Tenants: selector(b, "id=s1-00*"), Freeze: true, Reason: "audit"}}
	for b.Loop() {
		if _, err := plan.New(members(tenants, standings), g, req); err != nil {
			b.Fatal(err)
		}
	}
}
