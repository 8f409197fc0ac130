package integration_test

import (
	"encoding/json"
	"fmt"
	"os"
	"slices"
	"strings"
	"testing"

	"github.com/google/go-cmp/cmp"

	"github.com/skeindb/skein/engine/revision"
	"github.com/skeindb/skein/integration/skeintest"
)

// planFile is what a reviewer reads of a plan's file.
type planFile struct {
	Target string
	Waves  []struct {
		Name    string
		Planned int
		Items   []struct {
			Tenant struct{ ID string }
			Cohort int
		}
	}
	Cohorts []struct {
		From, To, Steps []string
		Count           int
	}
}

func readPlan(t testing.TB, p *skeintest.Project, name string) planFile {
	t.Helper()
	text, err := os.ReadFile(p.Path(name))
	if err != nil {
		t.Fatal(err)
	}
	var file struct {
		Format   int
		Checksum string
		Plan     planFile
	}
	if err := json.Unmarshal(text, &file); err != nil || file.Format != 2 || file.Checksum == "" {
		t.Fatalf("%s: %v\n%s", name, err, tailOf(string(text)))
	}
	return file.Plan
}

// planned is a fleet at two places, three waves, and plan.json for its way to the heads.
func planned(t *testing.T, d revision.Dialect) (*testFleet, planFile) {
	t.Helper()
	const tenants = 12
	f := newFleet(t, d, tenants, inFiles(steps(3)), "rollout:\n  concurrency: 1\n  waves:\n    - {name: canary, size: 2}\n    - {name: early, size: 30%, order: \"label:none\"}\n")
	f.Must(0, "upgrade", "r001", "-c", f.plain())
	f.Must(0, "upgrade", "r002", "-c", f.plain(), "-t", "id in ("+strings.Join(f.ids[:5], ",")+")")
	f.Must(0, "plan", "-o", "plan.json")
	return f, readPlan(t, f.Project, "plan.json")
}

// asPlanned fails the test unless all stand where planned left them.
func (f *testFleet) asPlanned() {
	f.t.Helper()
	f.wantOf(f.ids[:5], nil, 2)
	f.wantOf(f.ids[5:], nil, 1)
}

// TestPlanFileIsWhatRuns reviews a plan and runs exactly that, once.
func TestPlanFileIsWhatRuns(t *testing.T) { inBothDialects(t, planFileRuns) }

func planFileRuns(t *testing.T, d revision.Dialect) {
	f, plan := planned(t, d)
	f.asPlanned()

	var waves, order []string
	ways := map[string]string{}
	for _, w := range plan.Waves {
		waves = append(waves, fmt.Sprintf("%s %d %d", w.Name, w.Planned, len(w.Items)))
		for _, item := range w.Items {
			c := plan.Cohorts[item.Cohort]
			order = append(order, item.Tenant.ID)
			ways[item.Tenant.ID] = fmt.Sprint(c.From, c.Steps, c.To)
		}
	}
	if diff := cmp.Diff([]string{"canary 2 2", "early 4 4", "rest 6 6"}, waves); diff != "" {
		t.Errorf("waves of the plan (-want +got):\n%s", diff)
	}
	if diff := cmp.Diff(f.order(), order); diff != "" {
		t.Errorf("order of the plan (-want +got):\n%s", diff)
	}
	for k, id := range f.ids {
		want := "[r001] [r002 r003] [r003]"
		if k < 5 {
			want = "[r002] [r003] [r003]"
		}
		if ways[id] != want {
			t.Errorf("%s goes %s, want %s", id, ways[id], want)
		}
	}

	r := f.Must(0, "upgrade", "--plan", "plan.json", "--json")
	wantCounts(t, r.Report(), map[string]int{"done": len(f.ids)})
	f.want(f.backend.reference(steps(3)), 3)
	var ran []string
	for _, e := range r.Events() {
		if e["kind"] == "tenant" && e["outcome"] == "done" {
			ran = append(ran, e["tenant"].(string))
		}
	}
	if diff := cmp.Diff(order, ran); diff != "" {
		t.Errorf("order of the run (-plan +got):\n%s", diff)
	}

	// It was for fleets that stand where it says, and so is used up.
	listed := listRollouts(f.Project)
	r = f.Must(1, "upgrade", "--plan", "plan.json", "--json")
	message, _ := errorOf(r)
	wantText(t, "the refusal of the second run", message, "plan")
	if now := listRollouts(f.Project); now != listed {
		t.Errorf("the second run is in the list: %s", now)
	}
}

// TestPlanFileKeepsItsSelectors plans for a part of the fleet, with a canary, and runs just that.
func TestPlanFileKeepsItsSelectors(t *testing.T) {
	t.Parallel()
	f, _ := planned(t, revision.SQLite)
	chosen := f.ids[3:9]
	f.Must(0, "plan", "r002", "-t", "id in ("+strings.Join(chosen, ",")+")", "--canary", "1", "-o", "part.json")
	plan := readPlan(t, f.Project, "part.json")
	if len(plan.Waves) == 0 || plan.Waves[0].Name != "canary" || len(plan.Waves[0].Items) != 1 {
		t.Errorf("waves of the plan: %+v", plan.Waves)
	}
	r := f.Must(0, "upgrade", "--plan", "part.json", "--json")
	wantCounts(t, r.Report(), map[string]int{"done": 4, "unchanged": 2})
	f.wantOf(f.ids[:9], nil, 2)
	f.wantOf(f.ids[9:], nil, 1)
}

// TestPlanFileIsRefusedAfterAnyChange changes one thing after another, and puts it back.
func TestPlanFileIsRefusedAfterAnyChange(t *testing.T) { inBothDialects(t, planFileRefused) }

func planFileRefused(t *testing.T, d revision.Dialect) {
	f, _ := planned(t, d)
	listed := listRollouts(f.Project)
	m := f.mover(steps(3))
	refused := func(what string, says ...string) {
		t.Helper()
		r := f.Run("upgrade", "--plan", "plan.json", "--json")
		if r.Code != 1 {
			t.Fatalf("%s: exit %d, want 1\n%s\n%s", what, r.Code, tailOf(r.Stdout), tailOf(r.Stderr))
		}
		message, hint := errorOf(r)
		wantText(t, "the refusal after "+what, message+"\n"+hint+"\n"+r.Stderr, says...)
		if now := listRollouts(f.Project); now != listed {
			t.Errorf("%s: a rollout was made: %s", what, now)
		}
	}
	read := func(name string) string {
		t.Helper()
		text, err := os.ReadFile(f.Path(name))
		if err != nil {
			t.Fatal(err)
		}
		return string(text)
	}

	f.Write("migrations/r004_more.sql", revisionFile("r004", "r003", "CREATE TABLE more (id integer);", "DROP TABLE more;"))
	refused("a new revision", "r004")
	f.Remove("migrations/r004_more.sql")
	f.asPlanned()

	file := "migrations/r003_step.sql"
	body := read(file)
	f.Write(file, strings.Replace(body, "DEFAULT 3", "DEFAULT 4", 1))
	refused("a changed revision", "r003")
	f.Write(file, body)
	f.asPlanned()

	text := read("plan.json")
	edited := strings.Replace(text, `"planned": 2`, `"planned": 3`, 1)
	if edited == text {
		t.Fatalf("the plan has another form:\n%s", tailOf(text))
	}
	f.Write("plan.json", edited)
	refused("an edit by hand", "plan.json")
	cut := text[:len(text)/2]
	f.Write("plan.json", cut)
	refused("a cut", "plan.json")
	f.Write("plan.json", text)
	f.asPlanned()

	m.learn(f.ids[5])
	m.makeAt(1, "tenant_new")
	refused("a new tenant", "tenant_new")
	m.remove("tenant_new")
	f.asPlanned()

	m.move(f.ids[7], "elsewhere_0001")
	if d == revision.SQLite {
		refused("a renamed tenant", f.ids[7], "elsewhere_0001")
	} else { // it is none by its new name
		refused("a tenant that is gone", f.ids[7])
	}
	m.move("elsewhere_0001", f.ids[7])
	f.asPlanned()

	f.Write("skein.yaml", strings.Replace(read("skein.yaml"), "size: 2", "size: 3", 1))
	refused("other waves", "other waves")
	f.Write("skein.yaml", strings.Replace(read("skein.yaml"), "size: 3", "size: 2", 1))
	f.asPlanned()

	// With all as it was, it would run: so it is none of the former that refuses it now.
	f.Must(0, "upgrade", "r002", "-c", f.plain(), "-t", "id="+f.ids[9])
	listed = listRollouts(f.Project)
	refused("a tenant that was upgraded meanwhile", f.ids[9])
	f.wantOf(append(slices.Clone(f.ids[:5]), f.ids[9]), nil, 2)

	f.Must(0, "plan", "-o", "plan.json")
	f.Must(0, "upgrade", "--plan", "plan.json")
	f.want(nil, 3)
}

// TestPlanFileHoldsWhatDecides changes one thing after another of the config that was not reviewed: each is named.
func TestPlanFileHoldsWhatDecides(t *testing.T) {
	t.Parallel()
	const more = `rollout:
  max_failures: 0
  waves:
    - name: canary
      size: 2
      gate:
        interval: 1s
        checks: [{name: q, sql: "select count(*) from t1", expect: "> 5", failures: 1}]
        http: {env: HEALTH}
    - {name: rest}
`
	f := newFleet(t, revision.SQLite, 6, inFiles(steps(2)), more)
	f.Must(0, "upgrade", "r001", "-c", f.plain())
	f.Must(0, "plan", "-o", "plan.json", "-x", "password=hunter2")
	text, err := os.ReadFile(f.Path("skein.yaml"))
	if err != nil {
		t.Fatal(err)
	}
	plan, err := os.ReadFile(f.Path("plan.json"))
	if err != nil || strings.Contains(string(plan), "hunter2") {
		t.Fatalf("%v in\n%s", err, plan)
	}
	wantText(t, "the plan", string(plan),
		`{"of": "the gate of wave canary", "key": "checks[q].sql", "value": "select count(*) from t1"}`, `{"key": "rollout.max_failures", "value": "0"}`)
	x := []string{"-x", "password=hunter2"}
	for _, c := range []struct {
		old, now string // of the config
		args     []string
		says     string
	}{
		{`select count(*) from t1`, `select 6`, x, "the gate of wave canary: checks[q].sql was select count(*) from t1, and is select 6"},
		{`"> 5"`, `"> 4"`, x, "the gate of wave canary: checks[q].expect was > 5, and is > 4"},
		{`failures: 1`, `failures: 999`, x, "the gate of wave canary: checks[q].failures was 1, and is 999"},
		{`interval: 1s`, `interval: 2s`, x, "the gate of wave canary: interval was 1s, and is 2s"},
		{`{env: HEALTH}`, `"http://127.0.0.1/x"`, x, "the gate of wave canary: http was env: HEALTH, and is http://127.0.0.1/*** sha256:"},
		{`max_failures: 0`, `max_failures: 100%`, x, "rollout.max_failures was 0, and is 100%"},
		{`max_failures: 0`, "max_failures: 0\n  transaction: revision", x, "rollout.transaction was tenant, and is revision"},
		{`max_failures: 0`, "max_failures: 0\n  tolerance: strict", x, "rollout.tolerance was soft, and is strict"},
		{`max_failures: 0`, "max_failures: 0\n  lock_timeout: 9s", x, "rollout.lock_timeout was 2s, and is 9s"},
		{`size: 2`, "size: 2\n      order: large", x, "rollout.waves[canary].order was not set, and is large"},
		{`size: 2`, "size: 2\n      allow_empty: true", x, "rollout.waves[canary].allow_empty was not set, and is true"},
		{"", "", nil, "-x password was sha256:"},
		{"", "", []string{"-x", "password=hunter3"}, "-x password was sha256:"},
		{"", "", append([]string{"--max-failures", "50%"}, x...), "rollout.max_failures was 0, and is 50%"},
		{"", "", append([]string{"--allow-changed"}, x...), "--allow-changed was not set, and is true"},
	} {
		f.Write("skein.yaml", strings.ReplaceAll(string(text), c.old, c.now))
		if c.old == "" {
			f.Write("skein.yaml", string(text))
		}
		message, hint := wantRefusal(t, f, c.says, append([]string{"upgrade", "--plan", "plan.json", "--json"}, c.args...)...)
		wantText(t, "the refusal", message+hint, c.says, "skein plan -o plan.json")
		if lines := strings.Split(message, "\n"); len(lines) != 2 {
			t.Errorf("%s: %q", c.says, lines)
		}
		if strings.Contains(message, "hunter") {
			t.Errorf("it shows a secret: %s", message)
		}
	}
	f.wantOf(f.ids, nil, 1)

	// How fast it goes is for the machine to say, and the rest is as it was: so the gate is asked as it was reviewed.
	f.Write("skein.yaml", strings.ReplaceAll(string(text), "max_failures: 0", "max_failures: 0\n  concurrency: 1\n  per_server: 3"))
	f.Must(3, append([]string{"upgrade", "--plan", "plan.json"}, x...)...)
	f.wantOf(f.order()[:2], nil, 2)
	f.wantOf(f.order()[2:], nil, 1)
}

// TestPlanWithABudgetOfItsOwn is made with a flag, and run with it.
func TestPlanWithABudgetOfItsOwn(t *testing.T) {
	t.Parallel()
	f := newFleet(t, revision.SQLite, 3, inFiles(steps(1)), "")
	f.Must(0, "plan", "-o", "plan.json", "--max-failures", "1")
	message, _ := wantRefusal(t, f, "it was made with another budget", "upgrade", "--plan", "plan.json", "--json")
	wantText(t, "the refusal", message, "rollout.max_failures was 1, and is 0")
	f.Must(0, "upgrade", "--plan", "plan.json", "--max-failures", "1")
}
