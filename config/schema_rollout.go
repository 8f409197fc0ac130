package config

import (
	"time"

	"github.com/skeindb/skein/orchestrator/gate"
	"github.com/skeindb/skein/orchestrator/notify"
)

const leastInterval = time.Second // between two measures of a check: less would be load rather than a watch

func waveKeys() []key {
	return []key{
		{path: "rollout.waves", kind: kindList, doc: "Groups of tenants that go one after the other. A tenant belongs to the first that takes it; those that none takes are a last one, `rest`. Default: one wave, `all`."},
		{path: "rollout.waves[].name", kind: kindName, required: true, doc: "Name of the wave, unique."},
		{path: "rollout.waves[].tenants", kind: kindSelector, doc: "Selector of its tenants. Default: all that are left."},
		{path: "rollout.waves[].size", kind: kindSize, doc: "How many of those; a percentage is of all tenants of the rollout, rounded up. Default: all."},
		{path: "rollout.waves[].order", kind: kindOrder, doc: "Which of its tenants go first: as good as random, by size, or by the values of a label. Default: `hash`."},
		{path: "rollout.waves[].allow_empty", kind: kindBool, doc: "Whether its gate opens where no tenant of the wave stands where it should and none failed. Default: `false`: such a gate is inconclusive, or asks for its approval."},
		{path: "rollout.waves[].gate.bake", kind: kindDuration, doc: "How long the wave is watched before the next. Default: until each check has passed once."},
		{path: "rollout.waves[].gate.interval", kind: kindDuration, least: leastInterval, doc: "Time between two measures of a check, at least `1s`. Default: `30s`."},
		{path: "rollout.waves[].gate.timeout", kind: kindDuration, doc: "Longest measure, which then says nothing. Default: `10s`."},
		{path: "rollout.waves[].gate.failures", kind: kindCount, zero: true, doc: "Measures of a check that may fail without halting the rollout. Default: `0`."},
		{path: "rollout.waves[].gate.inconclusive", kind: kindCount, zero: true, doc: "Measures of a check in a row that may say nothing without pausing the rollout. Default: `3`."},
		{path: "rollout.waves[].gate.sql", kind: kindText, doc: "A check named `sql`: a query that must be true in each tenant of the wave."},
		{path: "rollout.waves[].gate.http", kind: kindAddress, doc: "A check named `http`: a URL that must answer 2xx."},
		{path: "rollout.waves[].gate.exec", kind: kindTexts, program: true, doc: "A check named `exec`: a program and its arguments, run in the folder of the config, that must succeed."},
		{path: "rollout.waves[].gate.approval", kind: kindBool, doc: "Whether somebody must approve, after the checks."},
		{path: "rollout.waves[].gate.checks", kind: kindList, doc: "More checks, each with exactly one of `sql`, `http`, `exec`, `prometheus`."},
		{path: "rollout.waves[].gate.checks[].name", kind: kindName, required: true, doc: "Name of the check, unique in its gate."},
		{path: "rollout.waves[].gate.checks[].sql", kind: kindText, doc: "A query; the first column of its first row counts."},
		{path: "rollout.waves[].gate.checks[].per", kind: kindChoice, choices: []string{string(gate.PerTenant), string(gate.PerServer)}, doc: "With `sql`: whether each tenant of the wave is asked, or each of their servers once. Default: `tenant`."},
		{path: "rollout.waves[].gate.checks[].http", kind: kindAddress, doc: "A URL that must answer 2xx."},
		{path: "rollout.waves[].gate.checks[].exec", kind: kindTexts, program: true, doc: "A program and its arguments: status 0 passes, 75 says nothing, any other fails."},
		{path: "rollout.waves[].gate.checks[].prometheus", kind: kindAddress, doc: "URL of a Prometheus server."},
		{path: "rollout.waves[].gate.checks[].query", kind: kindText, doc: "With `prometheus`, required: the query in PromQL."},
		{path: "rollout.waves[].gate.checks[].expect", kind: kindExpect, doc: "With `sql` or `prometheus`: what the answer must be. Default: true, and of Prometheus not 0."},
		{path: "rollout.waves[].gate.checks[].headers.*", kind: kindSecret, doc: "With `http` or `prometheus`: a header of the request."},
		{path: "rollout.waves[].gate.checks[].interval", kind: kindDuration, least: leastInterval, doc: "Instead of that of the gate."},
		{path: "rollout.waves[].gate.checks[].timeout", kind: kindDuration, doc: "Instead of that of the gate."},
		{path: "rollout.waves[].gate.checks[].failures", kind: kindCount, zero: true, doc: "Instead of that of the gate."},
		{path: "rollout.waves[].gate.checks[].inconclusive", kind: kindCount, zero: true, doc: "Instead of that of the gate."},
	}
}

func pinKeys() []key {
	return []key{
		{path: "pins", kind: kindList, doc: "Tenants that are held back, for a reason; the first pin that matches a tenant counts."},
		{path: "pins[].tenants", kind: kindSelector, required: true, doc: "Selector of the tenants; `id=*` means all."},
		{path: "pins[].freeze", kind: kindBool, doc: "Whether they are skipped. Either this or `target`."},
		{path: "pins[].target", kind: kindText, doc: "Where an upgrade takes them instead of its own target."},
		{path: "pins[].reason", kind: kindText, required: true, doc: "Why; shown wherever the pin counts."},
		{path: "pins[].until", kind: kindUntil, doc: "When the pin ends: a time, or a date to its end, in UTC. Default: never."},
	}
}

func notifyKeys() []key {
	return []key{
		{path: "notify", kind: kindList, doc: "Webhooks that are told what becomes of a rollout."},
		{path: "notify[].webhook", kind: kindAddress, required: true, doc: "URL that a message is posted to. Never printed whole."},
		{path: "notify[].name", kind: kindName, doc: "What it is called in messages. Default: its place, such as `notify[0]`."},
		{path: "notify[].format", kind: kindChoice, choices: []string{string(notify.JSON), string(notify.Slack)}, doc: "Form of the message. Default: `json`."},
		{path: "notify[].on", kind: kindTexts, choices: occasions(), doc: "The occasions. Default: all."},
	}
}

func occasions() []string {
	var names []string
	for _, o := range notify.Occasions() {
		names = append(names, string(o))
	}
	return names
}
