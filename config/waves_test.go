package config

import (
	"context"
	"errors"
	"os"
	"os/exec"
	"path/filepath"
	"strings"
	"testing"
	"time"

	"github.com/google/go-cmp/cmp"

	"github.com/skeindb/skein/orchestrator/gate"
	"github.com/skeindb/skein/orchestrator/plan"
)

// withGate is a config with one wave that has the gate.
func withGate(gate string) string {
	return "servers: {main: {url: postgres://h/d}}\ntenants: [{server: main}]\nrollout: {waves: [{name: canary, gate: " + gate + "}]}\n"
}

func TestWaves(t *testing.T) {
	t.Parallel()
	for _, c := range []struct {
		name, waves string
		want        []plan.WaveSpec
	}{
		{"none", "", nil},
		{"all commented out", "\n    # - {name: canary}", nil},
		{"an empty list", "[]", nil},
		{"all", "[{name: all}]", []plan.WaveSpec{{Name: "all"}}},
		{"a count", "[{name: a, size: 20}]", []plan.WaveSpec{{Name: "a", Size: plan.Size{Count: 20}}}},
		{"a share", "[{name: a, size: 0.5%}]", []plan.WaveSpec{{Name: "a", Size: plan.Size{Percent: 0.5}}}},
		{"a selector", "[{name: a, tenants: '!frozen,id=a-*'}]", []plan.WaveSpec{{Name: "a", Tenants: mustSelector(t, "!frozen,id=a-*")}}},
		{"orders", "[{name: a, size: 1, order: hash}, {name: b, size: 1, order: small}, {name: c, size: 1, order: large}, {name: d, order: 'label:tier'}]", []plan.WaveSpec{
			{Name: "a", Size: plan.Size{Count: 1}, Order: plan.OrderByHash},
			{Name: "b", Size: plan.Size{Count: 1}, Order: plan.OrderSmallFirst},
			{Name: "c", Size: plan.Size{Count: 1}, Order: plan.OrderLargeFirst},
			{Name: "d", Order: "label:tier"},
		}},
		{"the rest is the last", "[{name: a, tenants: x}, {name: b, size: 99%}, {name: c, tenants: y, size: 100%}, {name: rest}]", []plan.WaveSpec{
			{Name: "a", Tenants: mustSelector(t, "x")}, {Name: "b", Size: plan.Size{Percent: 99}},
			{Name: "c", Tenants: mustSelector(t, "y"), Size: plan.Size{Percent: 100}}, {Name: "rest"},
		}},
		{"no gate", "[{name: a, gate: {approval: false, bake: 1ms}}]", []plan.WaveSpec{{Name: "a", Gate: plan.Gate{Bake: time.Millisecond}}}},
		{"approval", "[{name: a, gate: {approval: true}}]", []plan.WaveSpec{{Name: "a", Gate: plan.Gate{Approval: true}}}},
		{"may be empty", "[{name: a, tenants: x, allow_empty: true}, {name: b, allow_empty: false}]", []plan.WaveSpec{
			{Name: "a", Tenants: mustSelector(t, "x"), AllowEmpty: true}, {Name: "b"},
		}},
		{"gates that share by anchor", "[{name: a, size: 1, gate: &g {bake: 1h}}, {name: b, gate: {<<: *g, approval: true}}]", []plan.WaveSpec{
			{Name: "a", Size: plan.Size{Count: 1}, Gate: plan.Gate{Bake: time.Hour}},
			{Name: "b", Gate: plan.Gate{Bake: time.Hour, Approval: true}},
		}},
	} {
		t.Run(c.name, func(t *testing.T) {
			t.Parallel()
			p := loadText(t, minimal+"rollout:\n  waves: "+c.waves+"\n")
			if diff := cmp.Diff(c.want, p.Policy.Waves, projectOptions()...); diff != "" {
				t.Errorf("-want +got:\n%s", diff)
			}
		})
	}
}

func TestChecksOfAGate(t *testing.T) {
	t.Parallel()
	conf := absolute(t, "conf")
	isTrue := gate.SQL{Query: "select true", Per: gate.PerTenant}
	for _, c := range []struct {
		name, gate string
		want       []plan.Check
	}{
		{"short forms come first and are named after their kind", "{checks: [{name: own, sql: select true}], exec: [check], http: 'https://h', sql: select true}", []plan.Check{
			{Name: "sql", Meter: isTrue}, {Name: "http", Meter: gate.HTTP{URL: some}},
			{Name: "exec", Meter: gate.Exec{Run: []string{"check"}, Dir: conf}}, {Name: "own", Meter: isTrue},
		}},
		{"checks keep the order of the file", "{checks: [{name: b, sql: select true}, {name: a, exec: [x]}, {name: c, sql: select true}]}", []plan.Check{
			{Name: "b", Meter: isTrue}, {Name: "a", Meter: gate.Exec{Run: []string{"x"}, Dir: conf}}, {Name: "c", Meter: isTrue},
		}},
		{"the gate's pace is that of its checks", "{interval: 1s, timeout: 1ms, failures: 2, inconclusive: 4, sql: select true, checks: [{name: a, sql: select true}]}", []plan.Check{
			{Name: "sql", Meter: isTrue, Interval: time.Second, Timeout: time.Millisecond, Failures: 2, Inconclusive: 4},
			{Name: "a", Meter: isTrue, Interval: time.Second, Timeout: time.Millisecond, Failures: 2, Inconclusive: 4},
		}},
		{"a check's own pace wins", "{interval: 1s, timeout: 1s, failures: 2, inconclusive: 4, checks: [{name: a, sql: select true, interval: 2m, timeout: 3s, failures: 0, inconclusive: 0}]}", []plan.Check{
			{Name: "a", Meter: isTrue, Interval: 2 * time.Minute, Timeout: 3 * time.Second, Failures: 0, Inconclusive: -1},
		}},
		{"no inconclusive measure at all", "{inconclusive: 0, sql: select true}", []plan.Check{{Name: "sql", Meter: isTrue, Inconclusive: -1}}},
		{"per server", "{checks: [{name: a, sql: select 1, per: server, expect: '>= 1'}, {name: b, sql: select 1, per: tenant, expect: '!= 0'}]}", []plan.Check{
			{Name: "a", Meter: gate.SQL{Query: "select 1", Per: gate.PerServer, Expect: mustCondition(t, ">= 1")}},
			{Name: "b", Meter: gate.SQL{Query: "select 1", Per: gate.PerTenant, Expect: mustCondition(t, "!= 0")}},
		}},
		{"what YAML takes for no text is expected all the same", "{checks: [{name: a, sql: select 1, expect: 1.5}, {name: b, sql: select 1, expect: True}, {name: c, sql: select 1, expect: False}, {name: d, sql: select 1, expect: 2026-11-23}, {name: e, sql: select 1, expect: 'True'}]}", []plan.Check{
			{Name: "a", Meter: gate.SQL{Query: "select 1", Per: gate.PerTenant, Expect: mustCondition(t, "1.5")}},
			{Name: "b", Meter: gate.SQL{Query: "select 1", Per: gate.PerTenant, Expect: mustCondition(t, "true")}},
			{Name: "c", Meter: gate.SQL{Query: "select 1", Per: gate.PerTenant, Expect: mustCondition(t, "False")}},
			{Name: "d", Meter: gate.SQL{Query: "select 1", Per: gate.PerTenant, Expect: mustCondition(t, "2026-11-23")}},
			{Name: "e", Meter: gate.SQL{Query: "select 1", Per: gate.PerTenant, Expect: mustCondition(t, "True")}},
		}},
		{"the web", "{checks: [{name: a, http: {env: A}, headers: {X: y}}, {name: b, prometheus: 'http://p', query: up, headers: {X: {env: Y}}}]}", []plan.Check{
			{Name: "a", Meter: gate.HTTP{URL: some, Headers: map[string]func(context.Context) (string, error){"X": some}}},
			{Name: "b", Meter: gate.Prometheus{URL: some, Query: "up", Headers: map[string]func(context.Context) (string, error){"X": some}}},
		}},
	} {
		t.Run(c.name, func(t *testing.T) {
			t.Parallel()
			p := loadText(t, withGate(c.gate))
			if diff := cmp.Diff(c.want, p.Policy.Waves[0].Gate.Checks, projectOptions()...); diff != "" {
				t.Errorf("-want +got:\n%s", diff)
			}
		})
	}
}

// The meter resolves the program; here the gate passes the folder. The test runs in another folder than the config's.
func TestProgramsOfGatesAreFoundBesideTheConfig(t *testing.T) {
	t.Parallel()
	sh, err := exec.LookPath("sh")
	if err != nil {
		t.Skip("there is no sh here")
	}
	dir := t.TempDir()
	if err := os.Mkdir(filepath.Join(dir, "bin"), 0o700); err != nil {
		t.Fatal(err)
	}
	if err := os.Symlink(sh, filepath.Join(dir, "bin", "check")); err != nil {
		t.Fatal(err)
	}
	const script = "test -f skein.yaml && echo I am here"
	text := minimal + `
rollout:
  waves:
    - name: canary
      gate:
        exec: [bin/check, -c, "` + script + `"]
        checks:
          - {name: path, exec: [sh, -c, "` + script + `"]}
          - {name: absolute, exec: ["` + filepath.Join(dir, "bin", "check") + `", -c, "` + script + `"]}
`
	file := filepath.Join(dir, "skein.yaml")
	if err := os.WriteFile(file, []byte(text), 0o600); err != nil {
		t.Fatal(err)
	}
	p, err := Load(file, Options{Env: []string{}})
	if err != nil {
		t.Fatal(err)
	}
	for _, c := range p.Policy.Waves[0].Gate.Checks {
		if m := c.Meter.Measure(t.Context(), plan.Subject{}); m.Verdict != plan.VerdictPass || !strings.Contains(m.Evidence, "I am here") {
			t.Errorf("%s: %s, %s", c.Name, m.Verdict, m.Evidence)
		}
	}
}

func TestSecretsOfGatesAndWebhooksAreReadWhenTheyAreUsed(t *testing.T) {
	t.Parallel()
	dir := t.TempDir()
	token, file := filepath.Join(dir, "token"), filepath.Join(dir, "skein.yaml")
	const text = minimal + `
rollout:
  waves:
    - name: canary
      gate:
        http: {env: API}
        checks:
          - {name: plain, http: "https://h/x?y=z", headers: {Plain: "a b", File: {file: token}, Exec: {exec: [sh, -c, "echo from sh"]}}}
          - {name: prom, prometheus: {env: PROM}, query: up, headers: {Env: {env: TOKEN}, None: {env: NONE}}}
notify: [{webhook: {env: HOOK}}, {webhook: {file: token}}]
`
	if err := os.WriteFile(file, []byte(text), 0o600); err != nil {
		t.Fatal(err)
	}
	p, err := Load(file, Options{Env: []string{"API=https://api/ok", "TOKEN=t", "HOOK=hooks.example.com/hunter2"}})
	if err != nil {
		t.Fatal(err) // though neither PROM nor the file is there
	}
	if err := os.WriteFile(token, []byte("later\n"), 0o600); err != nil {
		t.Fatal(err)
	}
	checks := p.Policy.Waves[0].Gate.Checks
	short, plain, prom := checks[0].Meter.(gate.HTTP), checks[1].Meter.(gate.HTTP), checks[2].Meter.(gate.Prometheus)
	for _, c := range []struct {
		name      string
		read      func(context.Context) (string, error)
		want, err string
	}{
		{"short form", short.URL, "https://api/ok", ""},
		{"plain URL", plain.URL, "https://h/x?y=z", ""},
		{"plain header", plain.Headers["Plain"], "a b", ""},
		{"file that came later", plain.Headers["File"], "later", ""},
		{"command", plain.Headers["Exec"], "from sh", ""},
		{"variable", prom.Headers["Env"], "t", ""},
		{"no variable", prom.URL, "", "rollout.waves[0].gate.checks[1].prometheus: environment variable PROM is not set"},
		{"no variable for a header", prom.Headers["None"], "", "rollout.waves[0].gate.checks[1].headers.None: environment variable NONE is not set"},
		{"variable that is no URL", p.Notify[0].URL, "", "notify[0].webhook: expected a URL that starts with https:// or http://"},
		{"file that is no URL", p.Notify[1].URL, "", "notify[1].webhook: expected a URL that starts with https:// or http://"},
	} {
		got, err := c.read(t.Context())
		if got != c.want || (err == nil) != (c.err == "") || err != nil && err.Error() != c.err {
			t.Errorf("%s: got %q, %v; want %q, %s", c.name, got, err, c.want, c.err)
		}
		if e, ok := errors.AsType[*Error](err); err != nil && (!ok || e.Kind != KindSecret) {
			t.Errorf("%s: %#v is no error about a secret", c.name, err)
		}
	}
}

func TestPins(t *testing.T) {
	t.Parallel()
	const text = minimal + `pins:
  - {tenants: id=a, freeze: true, reason: never ends}
  - {tenants: id=b, target: abc, freeze: false, reason: to the end of the day, until: 2026-12-24}
  - {tenants: id=c, freeze: true, reason: in quotes, until: "2026-12-24"}
  - {tenants: id=d, freeze: true, reason: a time, until: 2026-12-24T18:00:00+02:00}
  - {tenants: "id=*", freeze: true, reason: over, until: 2026-12-23}
`
	day := time.Date(2026, 12, 25, 0, 0, 0, 0, time.UTC)
	want := []plan.Pin{
		{Tenants: mustSelector(t, "id=a"), Freeze: true, Reason: "never ends"},
		{Tenants: mustSelector(t, "id=b"), Target: "abc", Reason: "to the end of the day", Until: day},
		{Tenants: mustSelector(t, "id=c"), Freeze: true, Reason: "in quotes", Until: day},
		{Tenants: mustSelector(t, "id=d"), Freeze: true, Reason: "a time", Until: time.Date(2026, 12, 24, 16, 0, 0, 0, time.UTC)},
		{Tenants: mustSelector(t, "id=*"), Freeze: true, Reason: "over", Until: day.AddDate(0, 0, -1)},
	}
	const has = ` has ended; remove it or set a later date`
	over := `skein.yaml:7:58: pins[4].until: the pin of "id=*"` + has
	for _, c := range []struct {
		name     string
		now      time.Time
		left     int
		warnings []string
	}{
		{"before its end", day.AddDate(0, 0, -1).Add(-1), 5, nil},
		{"at its end", day.AddDate(0, 0, -1), 4, []string{over}},
		{"in the last moment of the day", day.Add(-1), 3, []string{`skein.yaml:6:58: pins[3].until: the pin of "id=d"` + has, over}},
	} {
		t.Run(c.name, func(t *testing.T) {
			t.Parallel()
			p, err := load("skein.yaml", []byte(text), Options{Env: []string{}, Now: c.now})
			if err != nil {
				t.Fatal(err)
			}
			if diff := cmp.Diff(want[:c.left], p.Policy.Pins, projectOptions()...); diff != "" {
				t.Errorf("-want +got:\n%s", diff)
			}
			if diff := cmp.Diff(c.warnings, p.Warnings); diff != "" {
				t.Errorf("warnings -want +got:\n%s", diff)
			}
		})
	}
}

func TestToleranceAndBreakerFromTheEnvironment(t *testing.T) {
	t.Parallel()
	for _, c := range []struct {
		file      string
		env       []string
		tolerance plan.Tolerance
		systemic  int
	}{
		{"", nil, plan.ToleranceSoft, 10},
		{"rollout: {tolerance: strict, systemic: 3}\n", nil, plan.ToleranceStrict, 3},
		{"rollout: {tolerance: strict, systemic: 0}\n", nil, plan.ToleranceStrict, -1},
		{"", []string{"SKEIN_ROLLOUT__TOLERANCE=strict", "SKEIN_ROLLOUT__SYSTEMIC=0"}, plan.ToleranceStrict, -1},
		{"rollout: {tolerance: strict, systemic: 3}\n", []string{"SKEIN_ROLLOUT__TOLERANCE=soft", "SKEIN_ROLLOUT__SYSTEMIC=7"}, plan.ToleranceSoft, 7},
	} {
		p := loadText(t, minimal+c.file, c.env...)
		if p.Policy.Tolerance != c.tolerance || p.Policy.Systemic != c.systemic {
			t.Errorf("%q %q: %s, %d", c.file, c.env, p.Policy.Tolerance, p.Policy.Systemic)
		}
	}
}

// A config is read offline where the variables that its servers need are not set.
func TestOfflineAQueryPerServerNeedsNoServer(t *testing.T) {
	t.Parallel()
	const text = "rollout: {waves: [{name: a, gate: {checks: [{name: rows, sql: select 1, per: server}]}}]}\n"
	if _, err := load("skein.yaml", []byte(text), Options{Env: []string{}, Offline: true}); err != nil {
		t.Error(err)
	}
	_, err := load("skein.yaml", []byte(text+"tenants: [{glob: '*.db'}]\n"), Options{Env: []string{}, Offline: true})
	if err == nil || !strings.Contains(err.Error(), "SQLite") {
		t.Errorf("SQLite has servers: %v", err)
	}
}

// TestQueriesThatAGateWouldRefuse are found when the config is read, and not when the wave has been upgraded.
func TestQueriesThatAGateWouldRefuse(t *testing.T) {
	t.Parallel()
	const sqlite = "tenants: [{glob: '*.db'}]\n"
	for _, c := range []struct{ tenants, gate, want string }{
		{minimal, `{sql: "select 1; select 2"}`, "rollout.waves[0].gate.sql: the query has 2 statements, and has to be one"},
		{sqlite, `{checks: [{name: q, sql: "select 1; select 2"}]}`, "rollout.waves[0].gate.checks[0].sql: the query has 2 statements, and has to be one"},
		{minimal, `{sql: "delete from t"}`, `rollout.waves[0].gate.sql: the query begins with "DELETE", and a query only reads`},
		{minimal, `{checks: [{name: q, per: server, sql: "with x as (delete from t returning 1) select * from x"}]}`, "rollout.waves[0].gate.checks[0].sql: the query has DELETE, and a query only reads"},
		{minimal, `{sql: "select 'it never ends"}`, "rollout.waves[0].gate.sql: the query cannot be read: "},
		{minimal, `{sql: "-- later"}`, "rollout.waves[0].gate.sql: the query is empty"},
		{sqlite, `{sql: "show tables"}`, `rollout.waves[0].gate.sql: the query begins with "SHOW", and a query only reads`},
	} {
		text := c.tenants + "rollout:\n  waves:\n    - {name: canary, gate: " + c.gate + "}\n"
		_, err := load("skein.yaml", []byte(text), Options{Env: []string{}})
		line := strings.Count(text[:strings.Index(text, "canary")], "\n") + 1
		e, ok := errors.AsType[*Error](err)
		if !ok || !strings.Contains(err.Error(), c.want) || e.Line != line || e.Advice == "" && !strings.Contains(c.want, "cannot be read") {
			t.Errorf("%s: %v, want %s in line %d", c.gate, err, c.want, line)
		}
	}
}
