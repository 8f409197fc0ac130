package config

import (
	"fmt"
	"slices"
	"strings"
	"testing"

	"github.com/google/go-cmp/cmp"
)

// decisive is a config with something of every kind that decides what a rollout does.
const decisive = `fleet: acme
servers: {main: {url: "postgres://app:hunter2@h/d", search_path: [ext]}}
tenants: [{server: main}]
guards: {max_shrink: 5%, touches: ["audit.*"]}
pins: [{tenants: "id=a", freeze: true, reason: audit}]
notify: [{webhook: "https://hooks/token"}]
rollout:
  concurrency: 4
  max_failures: 1%
  lock_timeout: 60s
  waves:
    - name: canary
      size: 2
      order: large
      allow_empty: true
      gate:
        bake: 10m
        exec: [bin/smoke, --token, hunter2]
        checks:
          - {name: q, sql: "select count(*) from u where url = 'postgres://u:hunter2@h/d'", expect: "> 5", failures: 2}
          - {name: web, http: "https://h/health?token=hunter2", headers: {Authorization: "Bearer hunter2", Other: {env: OTHER}}}
          - {name: prom, prometheus: {file: /run/prom}, query: "up", headers: {X: {exec: [get, hunter2]}}}
`

func decisions(t *testing.T, text string, vars map[string]string, env ...string) []string {
	t.Helper()
	p, err := load("skein.yaml", []byte(text), Options{Env: env, Vars: vars})
	if err != nil {
		t.Fatal(err)
	}
	var all []string
	for _, s := range p.PlanSettings() {
		key := s.Key
		if s.Of != "" {
			key = s.Of + ": " + key
		}
		all = append(all, key+" = "+s.Value)
	}
	return all
}

func TestWhatDecidesARollout(t *testing.T) {
	t.Parallel()
	got := decisions(t, decisive, map[string]string{"region": "hunter2"}, "SKEIN_ROLLOUT__TOLERANCE=strict")
	for _, line := range got {
		if strings.Contains(line, "hunter2") {
			t.Errorf("a secret is in the clear: %s", line)
		}
	}
	digest := func(text string) string { return (&Project{Fleet: "acme"}).digest(text) }
	want := []string{
		"state.version_table = skein_version",
		`servers.main.search_path = ["ext"]`,
		"guards.max_shrink = 5%", `guards.touches = ["audit.*"]`,
		"rollout.transaction = tenant", "rollout.lock_timeout = 1m0s", "rollout.statement_timeout = 0s",
		"rollout.retry.attempts = 5", "rollout.retry.base = 200ms", "rollout.retry.max = 30s", "rollout.server_patience = 5m0s",
		"rollout.on_failure = halt", "rollout.max_failures = 1%", "rollout.tolerance = strict", "rollout.systemic = 10",
		"rollout.waves[canary].size = 2", "rollout.waves[canary].order = large", "rollout.waves[canary].allow_empty = true",
		"the gate of wave canary: bake = 10m0s",
		"the gate of wave canary: exec = bin/smoke, arguments " + digest(`["bin/smoke","--token","hunter2"]`),
		"the gate of wave canary: checks[q].sql = select count(*) from u where url = 'postgres://u:***@h/d' " + digest("select count(*) from u where url = 'postgres://u:hunter2@h/d'"),
		"the gate of wave canary: checks[q].expect = > 5", "the gate of wave canary: checks[q].failures = 2",
		"the gate of wave canary: checks[web].http = https://h/*** " + digest("https://h/health?token=hunter2"),
		"the gate of wave canary: checks[web].headers.Authorization = " + digest("Bearer hunter2"),
		"the gate of wave canary: checks[web].headers.Other = env: OTHER",
		"the gate of wave canary: checks[prom].prometheus = file: /run/prom", "the gate of wave canary: checks[prom].query = up",
		"the gate of wave canary: checks[prom].headers.X = exec: get, arguments " + digest(`["get","hunter2"]`),
		"pins[0].tenants = id=a", "pins[0].freeze = true", "pins[0].reason = audit",
		"-x region = " + digest("hunter2"),
	}
	if diff := cmp.Diff(want, got); diff != "" {
		t.Errorf("-want +got:\n%s", diff)
	}
}

// TestAPlanRecordsTheListOfTheVariable and not the one in the file that it overrides.
func TestAPlanRecordsTheListOfTheVariable(t *testing.T) {
	t.Parallel()
	got := decisions(t, decisive, nil, "SKEIN_GUARDS__TOUCHES=a.b, c.d", "SKEIN_SERVERS__main__SEARCH_PATH=x,y")
	for _, want := range []string{`guards.touches = ["a.b","c.d"]`, `servers.main.search_path = ["x","y"]`} {
		if !slices.Contains(got, want) {
			t.Errorf("the plan has no %s: %q", want, got)
		}
	}
}

// TestEachSecretThatDecidesShowsThatItChanged though its value is not shown.
func TestEachSecretThatDecidesShowsThatItChanged(t *testing.T) {
	t.Parallel()
	before := decisions(t, decisive, map[string]string{"region": "hunter2"})
	after := decisions(t, strings.ReplaceAll(decisive, "hunter2", "hunter3"), map[string]string{"region": "hunter3"})
	var changed []string
	for i := range before {
		if before[i] != after[i] {
			key, _, _ := strings.Cut(before[i], " = ")
			changed = append(changed, strings.TrimPrefix(key, "the gate of wave canary: "))
		}
	}
	want := []string{"exec", "checks[q].sql", "checks[web].http", "checks[web].headers.Authorization", "checks[prom].headers.X", "-x region"}
	if diff := cmp.Diff(want, changed); diff != "" { // not servers.main.url, which is only how the server is reached
		t.Errorf("-want +got:\n%s", diff)
	}
}

// TestEveryKeyOfARolloutDecides keeps new keys from being left out of plan files by oversight.
func TestEveryKeyOfARolloutDecides(t *testing.T) {
	t.Parallel()
	var not []string
	for _, k := range keys() {
		if section, _, _ := strings.Cut(strings.ReplaceAll(k.path, "[", "."), "."); section == "rollout" || section == "pins" || section == "guards" {
			if at := split(strings.ReplaceAll(k.path, "[]", ".[0]")); !affectsRollout(at) {
				not = append(not, k.path)
			}
		}
	}
	if diff := cmp.Diff(onlyPace, not); diff != "" {
		t.Errorf("keys that a plan file does not hold (-want +got):\n%s", diff)
	}
	if d := fmt.Sprint(affectsRollout(split("notify[].webhook")), affectsRollout(split("servers.*.url")), affectsRollout(split("state.store"))); d != "false false false" {
		t.Error(d)
	}
}
