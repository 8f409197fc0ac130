package config

import (
	"context"
	"errors"
	"os"
	"path/filepath"
	"slices"
	"strings"
	"testing"
	"time"

	"github.com/google/go-cmp/cmp"
	"github.com/google/go-cmp/cmp/cmpopts"

	"github.com/skeindb/skein/engine"
	"github.com/skeindb/skein/engine/revision"
	"github.com/skeindb/skein/orchestrator/gate"
	"github.com/skeindb/skein/orchestrator/notify"
	"github.com/skeindb/skein/orchestrator/plan"
	"github.com/skeindb/skein/tenant"
)

const minimal = "tenants: [{glob: \"data/*.db\"}]\n"

// loadText loads a config that was never a file.
func loadText(t *testing.T, text string, env ...string) *Project {
	t.Helper()
	p, err := load("conf/skein.yaml", []byte(text), Options{Env: append([]string{}, env...)})
	if err != nil {
		t.Fatal(err)
	}
	return p
}

func TestDefaultsAreThoseOfTheDocumentation(t *testing.T) {
	t.Parallel()
	got := loadText(t, minimal)
	want := &Project{
		Fleet: "conf", Path: "conf/skein.yaml", Dir: "conf",
		Revisions: Revisions{Dir: "conf/migrations", Heads: Many},
		State:     State{VersionTable: "skein_version", Store: got.State.Store, KeepDowngrades: true},
		Compare:   Compare{Scope: "tenant", Types: true, Defaults: true},
		Policy: plan.Policy{
			PerServer: 16, Retry: plan.Retry{Attempts: 5, Base: 200 * time.Millisecond, Max: 30 * time.Second},
			ServerPatience: 5 * time.Minute, OnFailure: plan.OnFailureHalt, Tolerance: plan.ToleranceSoft, Systemic: 10,
		},
		Engine: engine.Config{Mode: engine.PerTenant, LockTimeout: 2 * time.Second},
	}
	if diff := cmp.Diff(want, got, projectOptions()...); diff != "" {
		t.Errorf("-want +got:\n%s", diff)
	}
	if got.Dialect() != revision.SQLite {
		t.Errorf("dialect %s, want that of the source", got.Dialect())
	}
	file, url, err := got.Store(t.Context())
	if file != "conf/.skein/state.db" || url != "" || err != nil {
		t.Errorf("store %q %q %v", file, url, err)
	}
}

// projectOptions compare projects: of secrets, only whether they are there.
func projectOptions() []cmp.Option {
	return []cmp.Option{
		cmpopts.IgnoreUnexported(Project{}),
		cmp.Comparer(func(a, b Secret) bool { return a.IsZero() == b.IsZero() }),
		cmp.Comparer(func(a, b func(context.Context) (string, error)) bool { return (a == nil) == (b == nil) }),
		cmp.Comparer(func(a, b tenant.Selector) bool { return a.String() == b.String() }),
		cmp.Comparer(func(a, b gate.Expect) bool { return a == b }),
	}
}

// some stands in for a secret that is set.
func some(context.Context) (string, error) { return "", nil }

func mustSelector(t *testing.T, text string) tenant.Selector {
	t.Helper()
	s, err := tenant.ParseSelector(text)
	if err != nil {
		t.Fatal(err)
	}
	return s
}

func mustCondition(t *testing.T, text string) gate.Expect {
	t.Helper()
	e, err := gate.ParseExpect(text)
	if err != nil {
		t.Fatal(err)
	}
	return e
}

func absolute(t *testing.T, path string) string {
	t.Helper()
	path, err := filepath.Abs(path)
	if err != nil {
		t.Fatal(err)
	}
	return path
}

func TestFullExampleLoads(t *testing.T) {
	t.Parallel()
	got, err := Load("testdata/full.yaml", Options{Env: []string{}, Vars: map[string]string{"a": "b"}})
	if err != nil {
		t.Fatal(err)
	}
	secret := plainSecret("x")
	want := &Project{
		Fleet: "acme", Path: "testdata/full.yaml", Dir: "testdata", Vars: map[string]string{"a": "b"},
		Revisions: Revisions{
			Dir: "testdata/migrations", Heads: Single, Schema: "testdata/schema.sql",
			Naming: map[string]string{
				"ix": "ix_{table}_{columns}", "uq": "uq_{table}_{columns}", "ck": "ck_{table}_{name}",
				"fk": "fk_{table}_{columns}", "pk": "pk_{table}",
			},
			Hooks: []Hook{{Run: []string{"pgformatter", "-i", "{file}"}}},
		},
		State: State{VersionTable: "skein_version", Store: secret, KeepDowngrades: true},
		Servers: []Server{
			{Name: "main", URL: secret, Password: secret, DirectURL: secret, MaxConnections: 16, AutoSearchPath: true},
			{Name: "Second.EU", URL: secret, Password: secret, DirectURL: secret, MaxConnections: 8, SearchPath: []string{"extensions", "public"}},
		},
		Guards:  tenant.Guards{MinTenants: 100, MaxShrink: 5},
		Touches: []string{"audit.*", "public.plans"},
		Compare: Compare{Scope: "tenant", Exclude: []string{"table:spatial_ref_sys", "table:tmp_*"}, Types: true},
		Policy: plan.Policy{
			PerServer: 12, Retry: plan.Retry{Attempts: 3, Base: 100 * time.Millisecond, Max: 10 * time.Second},
			ServerPatience: 2 * time.Minute, OnFailure: plan.OnFailureContinue, MaxFailures: plan.Budget{Percent: 1},
			Tolerance: plan.ToleranceStrict, Systemic: 10,
			Waves: []plan.WaveSpec{
				{Name: "canary", Tenants: mustSelector(t, "tier=internal"), Gate: plan.Gate{
					Bake: 10 * time.Minute, Approval: true,
					Checks: []plan.Check{
						{Name: "sql", Interval: time.Minute, Timeout: 10 * time.Second, Failures: 1, Inconclusive: 5, Meter: gate.SQL{Query: "select count(*) > 0 from users", Per: gate.PerTenant}},
						{Name: "http", Interval: time.Minute, Timeout: 10 * time.Second, Failures: 1, Inconclusive: 5, Meter: gate.HTTP{URL: some}},
						{Name: "exec", Interval: time.Minute, Timeout: 10 * time.Second, Failures: 1, Inconclusive: 5, Meter: gate.Exec{Run: []string{"bin/check", "--wave"}, Dir: absolute(t, "testdata")}},
						{Name: "errors", Interval: 30 * time.Second, Timeout: 5 * time.Second, Inconclusive: -1, Failures: 1, Meter: gate.Prometheus{URL: some, Query: "sum(rate(errors[5m]))", Expect: mustCondition(t, "< 0.01"), Headers: map[string]func(context.Context) (string, error){"Authorization": some}}},
						{Name: "rows", Interval: time.Minute, Timeout: 10 * time.Second, Failures: 1, Inconclusive: 5, Meter: gate.SQL{Query: "select count(*) from public.jobs", Per: gate.PerServer, Expect: mustCondition(t, "0")}},
					},
				}},
				{Name: "early", Size: plan.Size{Percent: 5}, Order: "label:region"},
				{Name: "rest", Order: plan.OrderSmallFirst},
			},
			Pins: []plan.Pin{
				{Tenants: mustSelector(t, "id=acme"), Freeze: true, Reason: "audit", Until: time.Date(2100, 1, 1, 0, 0, 0, 0, time.UTC)},
				{Tenants: mustSelector(t, "tier in (gold,silver)"), Target: "1975ea83b712", Reason: "contract"},
			},
		},
		Notify: []notify.Hook{
			{Name: "ops", URL: some, Format: notify.Slack, On: []notify.Occasion{notify.Approval, notify.Halted, notify.Finished}},
			{Name: "notify[1]", URL: some, Format: notify.JSON},
		},
		Engine: engine.Config{Mode: engine.PerRevision, LockTimeout: -1, StatementTimeout: 90 * time.Second},
	}
	if diff := cmp.Diff(want, got, projectOptions()...); diff != "" {
		t.Errorf("-want +got:\n%s", diff)
	}
}

func TestFlagBeatsEnvironmentBeatsFileBeatsDefault(t *testing.T) {
	t.Parallel()
	const text = minimal + "rollout: {max_failures: 2}\n"
	const env = "SKEIN_ROLLOUT__MAX_FAILURES=3%"
	flag := map[string]string{"rollout.max_failures": "4"}
	for _, c := range []struct {
		name, text string
		env        []string
		flags      map[string]string
		want       plan.Budget
		source     string
	}{
		{"default", minimal, nil, nil, plan.Budget{}, "default"},
		{"file", text, nil, nil, plan.Budget{Count: 2}, "skein.yaml:2:25"},
		{"environment", text, []string{env}, nil, plan.Budget{Percent: 3}, "SKEIN_ROLLOUT__MAX_FAILURES"},
		{"environment alone", minimal, []string{env}, nil, plan.Budget{Percent: 3}, "SKEIN_ROLLOUT__MAX_FAILURES"},
		{"flag", text, []string{env}, flag, plan.Budget{Count: 4}, "--max-failures"},
		{"flag alone", minimal, nil, flag, plan.Budget{Count: 4}, "--max-failures"},
		{"an empty variable is none", text, []string{env[:len(env)-2]}, nil, plan.Budget{Count: 2}, "skein.yaml:2:25"},
		{"the last variable counts", text, []string{env, "SKEIN_ROLLOUT__MAX_FAILURES=9"}, nil, plan.Budget{Count: 9}, "SKEIN_ROLLOUT__MAX_FAILURES"},
	} {
		t.Run(c.name, func(t *testing.T) {
			t.Parallel()
			p, err := load("skein.yaml", []byte(c.text), Options{Env: append([]string{}, c.env...), Overrides: c.flags})
			if err != nil {
				t.Fatal(err)
			}
			if p.Policy.MaxFailures != c.want {
				t.Errorf("got %v, want %v", p.Policy.MaxFailures, c.want)
			}
			if got := find(Show(p), "rollout.max_failures").Source; got != c.source {
				t.Errorf("from %s, want %s", got, c.source)
			}
		})
	}
}

func find(settings []Setting, key string) Setting {
	for _, s := range settings {
		if s.Key == key {
			return s
		}
	}
	return Setting{}
}

// Viper lower-cases keys and splits them at dots; names of servers must not notice.
func TestNamesOfServersKeepCaseAndDots(t *testing.T) {
	t.Parallel()
	p := loadText(t, `
servers:
  main: {url: postgres://one/a}
  Main: {url: postgres://two/a}
  ma.in: {url: postgres://three/a, max_connections: 3}
  größe: {url: postgres://four/a}
  a__b: {url: postgres://five/a}
tenants: [{server: main}]
`, "SKEIN_SERVERS__Main__MAX_CONNECTIONS=2", "SKEIN_SERVERS__ma.in__URL=postgres://env/a",
		"SKEIN_SERVERS__größe__MAX_CONNECTIONS=4", "SKEIN_SERVERS__a__b__SEARCH_PATH=x, y")
	type server struct {
		Name, URL string
		Max       int
		Path      string
	}
	var got []server
	for _, s := range p.Servers {
		url, err := s.URL.Value(t.Context())
		if err != nil {
			t.Fatal(err)
		}
		got = append(got, server{s.Name, url, s.MaxConnections, strings.Join(s.SearchPath, " ")})
	}
	want := []server{
		{"main", "postgres://one/a", 16, ""},
		{"Main", "postgres://two/a", 2, ""},
		{"ma.in", "postgres://env/a", 3, ""},
		{"größe", "postgres://four/a", 4, ""},
		{"a__b", "postgres://five/a", 16, "x y"},
	}
	if diff := cmp.Diff(want, got); diff != "" {
		t.Errorf("-want +got:\n%s", diff)
	}
}

func TestServerMayComeFromTheEnvironmentAlone(t *testing.T) {
	t.Parallel()
	p := loadText(t, "tenants: [{server: Main, include_schemas: true}]\n", "SKEIN_SERVERS__Main__URL=postgres://h/app")
	if len(p.Servers) != 1 || p.Servers[0].Name != "Main" || p.Servers[0].MaxConnections != 16 || !p.Servers[0].AutoSearchPath {
		t.Errorf("servers: %+v", p.Servers)
	}
}

func TestSecretsComeFromTheHighestLayerThatHasThem(t *testing.T) {
	t.Parallel()
	for _, c := range []struct {
		name, file string
		env        []string
		want       string
	}{
		{"text", "password: a", nil, "a"},
		{"file names a variable", "password: {env: PW}", nil, "from PW"},
		{"variable beats text", "password: a", []string{"SKEIN_SERVERS__m__PASSWORD=b"}, "b"},
		{"variable beats mapping", "password: {env: PW}", []string{"SKEIN_SERVERS__m__PASSWORD=b"}, "b"},
		{"variable beats command", "password: {exec: [echo, x]}", []string{"SKEIN_SERVERS__m__PASSWORD=b"}, "b"},
		{"variable names a variable", "password: a", []string{"SKEIN_SERVERS__m__PASSWORD__ENV=PW"}, "from PW"},
		{"a number in a variable is text", "password: a", []string{"SKEIN_SERVERS__m__PASSWORD=123"}, "123"},
		{"none", "max_connections: 1", nil, ""},
	} {
		t.Run(c.name, func(t *testing.T) {
			t.Parallel()
			p := loadText(t, "servers: {m: {url: postgres://h/d, "+c.file+"}}\ntenants: [{server: m}]\n", append(c.env, "PW=from PW")...)
			got, err := p.Servers[0].Password.Value(t.Context())
			if got != c.want || err != nil {
				t.Errorf("got %q, %v; want %q", got, err, c.want)
			}
		})
	}
}

func TestOtherVariablesAreIgnored(t *testing.T) {
	t.Parallel()
	p := loadText(t, minimal, "SKEIN_CONFIG=x", "SKEIN_TEST_URL=x", "SKEIN_TEST__URL=x", "SKEIN_HISTORIES=x", "SKEIN_TENANTS=5",
		"SKEINX__A=1", "FLEET=x", "SKEIN_FLEET=acme", "SKEIN_ROLLOUT_MAX_FAILURES=1", "noise", "=C:=x")
	if p.Fleet != "acme" {
		t.Errorf("fleet %q", p.Fleet)
	}
	want := []string{"SKEIN_ROLLOUT_MAX_FAILURES is not read: join levels with two underscores, SKEIN_ROLLOUT__MAX_FAILURES"}
	if diff := cmp.Diff(want, p.Warnings); diff != "" {
		t.Errorf("warnings -want +got:\n%s", diff)
	}
}

func TestOfflineNeedsNoTenants(t *testing.T) {
	t.Parallel()
	for _, text := range []string{
		"fleet: acme\n",
		"servers: {main: {max_connections: 3}}\ntenants: [{server: main}]\n",
		"tenants: [{server: main, include_schemas: true}]\n",
		"tenants: [{file: tenants.csv}]\n",
	} {
		p, err := load("skein.yaml", []byte(text), Options{Env: []string{}, Offline: true})
		if err != nil {
			t.Errorf("%s: %v", text, err)
			continue
		}
		if p.Dialect() != revision.Postgres {
			t.Errorf("%s: dialect %s", text, p.Dialect())
		}
	}
}

func TestNoTenantMayBeMissingAtZeroPercent(t *testing.T) {
	t.Parallel()
	p := loadText(t, minimal+"guards: {max_shrink: 0%}\n")
	p.Guards.Known = 1000
	if err := p.Guards.Check(999); !errors.Is(err, tenant.ErrGuard) {
		t.Errorf("a tenant may be missing: %v", err)
	}
}

func TestAFileThatIsNotThereSaysWhatToDo(t *testing.T) {
	t.Parallel()
	dir := t.TempDir()
	_, err := Load(filepath.Join(dir, "skein.yaml"), Options{})
	var e *Error
	if !errors.As(err, &e) || e.Kind != KindRead || !strings.Contains(e.Hint(), "skein init") {
		t.Errorf("%#v", err)
	}
	if _, err := Load(dir, Options{}); !errors.As(err, &e) || e.Kind != KindRead {
		t.Errorf("%#v", err)
	}
}

func TestRelativePathsStartAtTheConfig(t *testing.T) {
	t.Parallel()
	dir := t.TempDir()
	file := filepath.Join(dir, "skein.yaml")
	if err := os.WriteFile(file, []byte(minimal+"revisions: {dir: m, schema: /abs/s.sql}\n"), 0o600); err != nil {
		t.Fatal(err)
	}
	p, err := Load(file, Options{Env: []string{}})
	if err != nil {
		t.Fatal(err)
	}
	if p.Revisions.Dir != filepath.Join(dir, "m") || p.Revisions.Schema != "/abs/s.sql" || p.Fleet != filepath.Base(dir) {
		t.Errorf("%+v", p)
	}
}

func TestTouchesComeFromTheFileOrAVariable(t *testing.T) {
	t.Parallel()
	p := loadText(t, minimal+"guards: {touches: [audit.*, public.plans]}\n")
	if want := []string{"audit.*", "public.plans"}; !slices.Equal(p.Touches, want) {
		t.Errorf("%q", p.Touches)
	}
	p = loadText(t, minimal+"guards: {touches: [audit.*]}\n", "SKEIN_GUARDS__TOUCHES=a.b, c.*")
	if want := []string{"a.b", "c.*"}; !slices.Equal(p.Touches, want) {
		t.Errorf("%q", p.Touches)
	}
}
