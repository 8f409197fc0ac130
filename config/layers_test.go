package config

import (
	"encoding/json"
	"regexp"
	"strings"
	"testing"
)

// everyKey has each key of the table that this version acts on, in two configs: one of each dialect.
var everyKey = []string{`fleet: acme
revisions: {dir: m, dialect: postgres, heads: single, schema: s.sql, naming: {ix: a, uq: b, ck: c, fk: d, pk: e}, hooks: [{run: [fmt]}]}
state: {version_table: v, store: s.db, keep_downgrades: false}
servers: {main: {url: postgres://h/d, password: p, direct_url: postgres://h/e, max_connections: 2, search_path: [ext]}}
tenants:
  - {server: main, include_databases: [a], exclude_databases: [b], include_schemas: [c], exclude_schemas: [d], name: n, id: "{schema}", on_unreachable: warn, labels: {x: y}}
  - {query: {server: main, sql: select 1}}
  - {list: [{id: a, server: main, database: d, schema: s, labels: {x: 1}}, {id: b, url_env: U}]}
  - {file: t.csv}
  - {command: [list]}
guards: {min_tenants: 1, max_shrink: 5%, touches: [a.b]}
compare: {scope: database, exclude: [a], types: false, defaults: false}
errors: {values: false}
rollout:
  concurrency: 3
  per_server: 2
  transaction: revision
  lock_timeout: 1s
  statement_timeout: 1m
  retry: {attempts: 2, base: 1s, max: 2s}
  server_patience: 1m
  on_failure: continue
  max_failures: 1%
  tolerance: strict
  systemic: 3
  waves:
    - name: a
      tenants: x=y
      size: 5%
      order: small
      allow_empty: true
      gate:
        bake: 1m
        interval: 2s
        timeout: 3s
        failures: 1
        inconclusive: 2
        sql: select true
        http: https://h
        exec: [t]
        approval: true
        checks:
          - {name: q, sql: select 1, per: server, expect: "> 0", interval: 1s, timeout: 1s, failures: 1, inconclusive: 1}
          - {name: h, http: https://h, headers: {X: y}}
          - {name: e, exec: [t]}
          - {name: p, prometheus: https://h, query: up}
pins: [{tenants: x=y, freeze: true, reason: r, until: 2100-01-01}, {tenants: x=y, target: t, reason: r}]
notify: [{webhook: https://h, name: n, format: slack, on: [halted]}]
`, `tenants: [{glob: "*.db"}, {list: [{id: a, file: a.db}]}]
`}

// TestEveryKeyIsReadAsItsType would panic where the table reads a key as another type than the config takes.
func TestEveryKeyIsReadAsItsType(t *testing.T) {
	t.Parallel()
	index, free := regexp.MustCompile(`\[\d+\]`), regexp.MustCompile(`\b(servers|labels|headers)\.\w+`)
	set := map[string]bool{}
	for _, text := range everyKey {
		for _, s := range Show(loadText(t, text)) {
			if s.Source != "default" {
				set[free.ReplaceAllString(index.ReplaceAllString(s.Key, "[]"), "$1.*")] = true
			}
		}
	}
	for _, k := range keys() {
		if isValue := k.typ.parse != nil || k.typ.item != nil; isValue && k.status != later && !set[k.path] {
			t.Errorf("%s is in none of the configs", k.path)
		}
	}
}

// TestListsInVariables are read like lists in the file.
func TestListsInVariables(t *testing.T) {
	t.Parallel()
	const text = "servers: {main: {url: postgres://h/d, search_path: [public]}}\ntenants: [{server: main, include_schemas: [\"t_*\"]}]\n"
	p := loadText(t, text, "SKEIN_SERVERS__main__SEARCH_PATH=ext, postgres://u:hunter2@h/d")
	shown, err := json.Marshal(Show(p))
	if err != nil {
		t.Fatal(err)
	}
	hides(t, "config show", string(shown))
	if got := strings.Join(p.Servers[0].SearchPath, " "); got != "ext postgres://u:hunter2@h/d" {
		t.Errorf("search path %q", got)
	}
	p = loadText(t, text, "SKEIN_SERVERS__main__SEARCH_PATH=,")
	if s := p.Servers[0]; s.SearchPath != nil || s.AutoSearchPath {
		t.Errorf("search path %q, auto %t; want none", s.SearchPath, s.AutoSearchPath)
	}
	if got, _ := json.Marshal(find(Show(p), "servers.main.search_path").Value); string(got) != "[]" {
		t.Errorf("shown as %s, want []", got)
	}
}

// TestWhatAVariableSaysIsBlamedOnTheVariable also where the file says the same.
func TestWhatAVariableSaysIsBlamedOnTheVariable(t *testing.T) {
	t.Parallel()
	const text = "servers: {main: {url: postgres://h/d, search_path: [shared]}}\ntenants: [{server: main, include_schemas: true}]\n"
	_, err := load("skein.yaml", []byte(text), Options{Env: []string{"SKEIN_SERVERS__main__SEARCH_PATH=shared"}})
	if want := "environment variable SKEIN_SERVERS__main__SEARCH_PATH: servers.main.search_path: schema shared is a tenant"; err == nil || !strings.HasPrefix(err.Error(), want) {
		t.Errorf("got %v, want %s …", err, want)
	}
}

// TestAVariableIsReadLikeTheFile where it would be taken for nothing, or for the name of a schema.
func TestAVariableIsReadLikeTheFile(t *testing.T) {
	t.Parallel()
	_, err := load("skein.yaml", []byte(minimal), Options{Env: []string{"SKEIN_GUARDS__TOUCHES= , "}})
	if want := "environment variable SKEIN_GUARDS__TOUCHES: guards.touches: is an empty list"; err == nil || err.Error() != want {
		t.Errorf("got %v, want %s", err, want)
	}
	p := loadText(t, "servers: {main: {url: postgres://h/d, search_path: [ext]}}\ntenants: [{server: main}]\n", "SKEIN_SERVERS__main__SEARCH_PATH= auto\n")
	if s := p.Servers[0]; s.SearchPath != nil || !s.AutoSearchPath {
		t.Errorf("search path %q, auto %t; want auto", s.SearchPath, s.AutoSearchPath)
	}
	if got := find(Show(p), "servers.main.search_path").Value; got != "auto" {
		t.Errorf("shown as %v, want auto", got)
	}
}
