package config

import (
	"encoding/json"
	"errors"
	"regexp"
	"strings"
	"testing"

	"github.com/google/go-cmp/cmp"
)

func TestShowSaysWhereEachValueIsFrom(t *testing.T) {
	t.Parallel()
	p, err := Load("testdata/full.yaml", Options{
		Env: []string{
			"SKEIN_FLEET=other", "SKEIN_SERVERS__Second.EU__SEARCH_PATH=a,b", "SKEIN_SERVERS__main__SEARCH_PATH=auto",
			"SKEIN_SERVERS__main__PASSWORD=hunter2", "SKEIN_STATE__STORE=postgres://u:hunter2@h/state",
		},
		Overrides: map[string]string{"rollout.concurrency": "7"},
	})
	if err != nil {
		t.Fatal(err)
	}
	golden(t, "testdata/full.golden", string(ShowYAML(p)))
}

func TestWhatIsShownMeansTheSame(t *testing.T) {
	t.Parallel()
	p, err := Load("testdata/full.yaml", Options{Env: []string{}})
	if err != nil {
		t.Fatal(err)
	}
	text := strings.NewReplacer( // what is not shown
		`[pgformatter, '***']`, `[pgformatter, -i, "{file}"]`, `[bin/check, '***']`, `[bin/check, --wave]`,
	).Replace(string(ShowYAML(p)))
	again, err := load("testdata/full.yaml", []byte(text), Options{Env: []string{}})
	if err != nil {
		t.Fatal(err)
	}
	if diff := cmp.Diff(p, again, projectOptions()...); diff != "" {
		t.Errorf("-want +got:\n%s", diff)
	}
	values := func(p *Project) map[string]any {
		m := map[string]any{}
		for _, s := range Show(p) {
			m[s.Key] = s.Value
		}
		return m
	}
	if diff := cmp.Diff(values(p), values(again)); diff != "" {
		t.Errorf("-want +got:\n%s", diff)
	}
}

// Arguments of programs may hold tokens, wherever a program stands.
func TestArgumentsOfProgramsAreNotShown(t *testing.T) {
	t.Parallel()
	const text = `
fleet: acme
revisions: {hooks: [{run: [fmt, Tok3n]}]}
state: {store: {exec: [store, Tok3n]}}
servers: {main: {url: {exec: [url, Tok3n]}, password: {exec: [pass, Tok3n]}}}
tenants: [{command: [list, --token, Tok3n]}]
rollout:
  waves:
    - name: canary
      gate:
        exec: [curl, -H, "Authorization: Bearer Tok3n"]
        checks: [{name: probe, exec: [probe, Tok3n]}, {name: rate, http: "https://h", headers: {X: {exec: [head, Tok3n]}}}]
notify: [{webhook: {exec: [hook, Tok3n]}}]
`
	p, err := load("skein.yaml", []byte(text), Options{Env: []string{}})
	if err != nil {
		t.Fatal(err)
	}
	shown, err := json.Marshal(Show(p))
	if err != nil {
		t.Fatal(err)
	}
	for _, s := range []string{string(ShowYAML(p)), string(shown)} {
		if strings.Contains(s, "Tok3n") || strings.Count(s, "***") < 8 {
			t.Errorf("shown:\n%s", s)
		}
		for _, program := range []string{"fmt", "store", "url", "pass", "list", "curl", "probe", "head", "hook"} {
			if !strings.Contains(s, program) {
				t.Errorf("%s is not shown:\n%s", program, s)
			}
		}
	}
	for _, wrong := range []string{`[{command: "list Tok3n"}]`, `[{command: [list, {a: Tok3n}]}]`, `[{command: [list, [Tok3n]]}]`} {
		_, err := load("skein.yaml", []byte("fleet: acme\ntenants: "+wrong+"\n"), Options{Env: []string{}})
		if err == nil || strings.Contains(err.Error(), "Tok3n") {
			t.Errorf("%s: %v", wrong, err)
		}
	}
}

// docs/configuration.md: a number must have no quotes. It is so for every key that may have a number.
func TestNumbersInQuotesAreRefused(t *testing.T) {
	t.Parallel()
	const text = `
fleet: acme
servers: {main: {url: "postgres://h/d", max_connections: 16}}
tenants: [{server: main}]
guards: {min_tenants: 10}
rollout:
  concurrency: 4
  per_server: 3
  statement_timeout: 0
  max_failures: 2
  retry: {attempts: 5}
  waves: [{name: canary, size: 1, gate: {checks: [{name: a, sql: select 1, failures: 7}]}}, {name: rest}]
`
	if _, err := load("skein.yaml", []byte(text), Options{Env: []string{}}); err != nil {
		t.Fatal(err)
	}
	number := regexp.MustCompile(`: (\d+)\b`)
	all := number.FindAllStringSubmatchIndex(text, -1)
	if len(all) != 9 {
		t.Fatalf("%d numbers", len(all))
	}
	for _, at := range all {
		for _, quote := range []string{`"`, "'"} {
			changed := text[:at[2]] + quote + text[at[2]:at[3]] + quote + text[at[3]:]
			_, err := load("skein.yaml", []byte(changed), Options{Env: []string{}})
			var e *Error
			if !errors.As(err, &e) || e.Hint() != "remove the quotes" {
				t.Errorf("%s: %v", changed[at[0]-20:at[3]+2], err)
			}
		}
	}
	for _, fine := range []string{`max_failures: "1%"`, `concurrency: "auto"`, `lock_timeout: "2s"`} {
		if _, err := load("skein.yaml", []byte("fleet: acme\ntenants: [{glob: '*.db'}]\nrollout: {"+fine+"}\n"), Options{Env: []string{}}); err != nil {
			t.Errorf("%s: %v", fine, err)
		}
	}
}
