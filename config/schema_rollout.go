package config

import (
	"github.com/skeindb/skein/orchestrator/gate"
	"github.com/skeindb/skein/orchestrator/notify"
)

func waveKeys() []key {
	return []key{
		{path: "rollout.waves", typ: mappings(), doc: "Groups of tenants that go one after the other. A tenant belongs to the first that takes it; those that none takes are a last one, `rest`. Default: one wave, `all`."},
		{path: "rollout.waves[].name", typ: name(), required: true, doc: "Name of the wave, unique."},
		{path: "rollout.waves[].tenants", typ: selector(), doc: "Selector of its tenants. Default: all that are left."},
		{path: "rollout.waves[].size", typ: size(), doc: "How many of those; a percentage is of all tenants of the rollout, rounded up. Default: all."},
		{path: "rollout.waves[].order", typ: order(), doc: "Which of its tenants go first: as good as random, by size, or by the values of a label. Default: `hash`."},
		{path: "rollout.waves[].allow_empty", typ: boolean(), doc: "Whether its gate opens where no tenant of the wave stands where it should and none failed. Default: `false`: such a gate is inconclusive, or asks for its approval."},
		{path: "rollout.waves[].gate.bake", typ: duration(), doc: "How long the wave is watched before the next. Default: until each check has passed once."},
		{path: "rollout.waves[].gate.interval", typ: interval(), doc: "Time between two measures of a check, at least `1s`. Default: `30s`."},
		{path: "rollout.waves[].gate.timeout", typ: duration(), doc: "Longest measure, which then says nothing. Default: `10s`."},
		{path: "rollout.waves[].gate.failures", typ: count(0), doc: "Measures of a check that may fail without halting the rollout. Default: `0`."},
		{path: "rollout.waves[].gate.inconclusive", typ: count(0), doc: "Measures of a check in a row that may say nothing without pausing the rollout. Default: `3`."},
		{path: "rollout.waves[].gate.sql", typ: plainText(), doc: "A check named `sql`: a query that must be true in each tenant of the wave."},
		{path: "rollout.waves[].gate.http", typ: webURL(), doc: "A check named `http`: a URL that must answer 2xx."},
		{path: "rollout.waves[].gate.exec", typ: program(), doc: "A check named `exec`: a program and its arguments, run in the folder of the config, that must succeed."},
		{path: "rollout.waves[].gate.approval", typ: boolean(), doc: "Whether somebody must approve, after the checks."},
		{path: "rollout.waves[].gate.checks", typ: mappings(), doc: "More checks, each with exactly one of `sql`, `http`, `exec`, `prometheus`."},
		{path: "rollout.waves[].gate.checks[].name", typ: name(), required: true, doc: "Name of the check, unique in its gate."},
		{path: "rollout.waves[].gate.checks[].sql", typ: plainText(), doc: "A query; the first column of its first row counts."},
		{path: "rollout.waves[].gate.checks[].per", typ: choice(gate.PerTenant, gate.PerServer), with: []string{checkSQL}, doc: "With `sql`: whether each tenant of the wave is asked, or each of their servers once. Default: `tenant`."},
		{path: "rollout.waves[].gate.checks[].http", typ: webURL(), doc: "A URL that must answer 2xx."},
		{path: "rollout.waves[].gate.checks[].exec", typ: program(), doc: "A program and its arguments: status 0 passes, 75 says nothing, any other fails."},
		{path: "rollout.waves[].gate.checks[].prometheus", typ: webURL(), doc: "URL of a Prometheus server."},
		{path: "rollout.waves[].gate.checks[].query", typ: plainText(), with: []string{checkPrometheus}, doc: "With `prometheus`, required: the query in PromQL."},
		{path: "rollout.waves[].gate.checks[].expect", typ: condition(), with: []string{checkSQL, checkPrometheus}, doc: "With `sql` or `prometheus`: what the answer must be. Default: true, and of Prometheus not 0."},
		{path: "rollout.waves[].gate.checks[].headers.*", typ: secret(), with: []string{checkHTTP, checkPrometheus}, doc: "With `http` or `prometheus`: a header of the request."},
		{path: "rollout.waves[].gate.checks[].interval", typ: interval(), doc: "Instead of that of the gate."},
		{path: "rollout.waves[].gate.checks[].timeout", typ: duration(), doc: "Instead of that of the gate."},
		{path: "rollout.waves[].gate.checks[].failures", typ: count(0), doc: "Instead of that of the gate."},
		{path: "rollout.waves[].gate.checks[].inconclusive", typ: count(0), doc: "Instead of that of the gate."},
	}
}

func pinKeys() []key {
	return []key{
		{path: "pins", typ: mappings(), doc: "Tenants that are held back, for a reason; the first pin that matches a tenant counts."},
		{path: "pins[].tenants", typ: selector(), required: true, doc: "Selector of the tenants; `id=*` means all."},
		{path: "pins[].freeze", typ: boolean(), doc: "Whether they are skipped. Either this or `target`."},
		{path: "pins[].target", typ: plainText(), doc: "Where an upgrade takes them instead of its own target."},
		{path: "pins[].reason", typ: plainText(), required: true, doc: "Why; shown wherever the pin counts."},
		{path: "pins[].until", typ: until(), doc: "When the pin ends: a time, or a date to its end, in UTC. Default: never."},
	}
}

func notifyKeys() []key {
	return []key{
		{path: "notify", typ: mappings(), doc: "Webhooks that are told what becomes of a rollout."},
		{path: "notify[].webhook", typ: webURL(), required: true, doc: "URL that a message is posted to. Never printed whole."},
		{path: "notify[].name", typ: name(), doc: "What it is called in messages. Default: its place, such as `notify[0]`."},
		{path: "notify[].format", typ: choice(notify.JSON, notify.Slack), doc: "Form of the message. Default: `json`."},
		{path: "notify[].on", typ: list(choice(notify.Occasions()...)), doc: "The occasions. Default: all."},
	}
}
