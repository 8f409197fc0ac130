package config

import (
	"github.com/skeindb/skein/orchestrator/gate"
	"github.com/skeindb/skein/orchestrator/notify"
)

func waveKeys() []key {
	return []key{
		{path: "rollout.waves", typ: mappings(), doc: "Groups of tenants that run one after another. A tenant belongs to the first wave that selects it; the remaining tenants are a last wave, `rest`. Default: one wave, `all`."},
		{path: "rollout.waves[].name", typ: name(), required: true, doc: "Name of the wave, unique."},
		{path: "rollout.waves[].tenants", typ: selector(), doc: "Selector of its tenants. Default: all remaining tenants."},
		{path: "rollout.waves[].size", typ: size(), doc: "How many of them; a percentage is of all tenants of the rollout, rounded up. Default: all."},
		{path: "rollout.waves[].order", typ: order(), doc: "Order of its tenants: by a hash of the id, by size, or by the values of a label. Default: `hash`."},
		{path: "rollout.waves[].allow_empty", typ: boolean(), doc: "Whether its gate opens if no tenant of the wave is at its target and none failed. Default: `false`: such a gate is inconclusive, or waits for approval."},
		{path: "rollout.waves[].gate.bake", typ: duration(), doc: "How long the wave is watched before the next one starts. Default: until each check has passed once."},
		{path: "rollout.waves[].gate.interval", typ: interval(), doc: "Time between two measurements of a check, at least `1s`. Default: `30s`."},
		{path: "rollout.waves[].gate.timeout", typ: duration(), doc: "Maximum duration of a measurement, which is inconclusive after that. Default: `10s`."},
		{path: "rollout.waves[].gate.failures", typ: count(0), doc: "How many measurements of a check may fail before the rollout halts. Default: `0`."},
		{path: "rollout.waves[].gate.inconclusive", typ: count(0), doc: "How many measurements of a check in a row may be inconclusive before the rollout pauses. Default: `3`."},
		{path: "rollout.waves[].gate.sql", typ: plainText(), doc: "A check named `sql`: a query that must be true in each tenant of the wave."},
		{path: "rollout.waves[].gate.http", typ: webURL(), doc: "A check named `http`: a URL that must respond with 2xx."},
		{path: "rollout.waves[].gate.exec", typ: program(), doc: "A check named `exec`: a program and its arguments, which must succeed; it runs in the folder of the config."},
		{path: "rollout.waves[].gate.approval", typ: boolean(), doc: "Whether the wave must be approved after the checks."},
		{path: "rollout.waves[].gate.checks", typ: mappings(), doc: "More checks, each with exactly one of `sql`, `http`, `exec`, `prometheus`."},
		{path: "rollout.waves[].gate.checks[].name", typ: name(), required: true, doc: "Name of the check, unique in its gate."},
		{path: "rollout.waves[].gate.checks[].sql", typ: plainText(), doc: "A query; its result is the first column of the first row."},
		{path: "rollout.waves[].gate.checks[].per", typ: choice(gate.PerTenant, gate.PerServer), with: []string{checkSQL}, doc: "With `sql`: `tenant` = the query runs in each tenant of the wave, `server` = once on each of their servers. Default: `tenant`."},
		{path: "rollout.waves[].gate.checks[].http", typ: webURL(), doc: "A URL that must respond with 2xx."},
		{path: "rollout.waves[].gate.checks[].exec", typ: program(), doc: "A program and its arguments; exit code 0 = passed, 75 = inconclusive, any other = failed."},
		{path: "rollout.waves[].gate.checks[].prometheus", typ: webURL(), doc: "URL of a Prometheus server."},
		{path: "rollout.waves[].gate.checks[].query", typ: plainText(), with: []string{checkPrometheus}, doc: "With `prometheus`, required: the query in PromQL."},
		{path: "rollout.waves[].gate.checks[].expect", typ: condition(), with: []string{checkSQL, checkPrometheus}, doc: "With `sql` or `prometheus`: the expected result. Default: true; of Prometheus not 0."},
		{path: "rollout.waves[].gate.checks[].headers.*", typ: secret(), with: []string{checkHTTP, checkPrometheus}, doc: "With `http` or `prometheus`: a header of the request."},
		{path: "rollout.waves[].gate.checks[].interval", typ: interval(), doc: "Overrides that of the gate."},
		{path: "rollout.waves[].gate.checks[].timeout", typ: duration(), doc: "Overrides that of the gate."},
		{path: "rollout.waves[].gate.checks[].failures", typ: count(0), doc: "Overrides that of the gate."},
		{path: "rollout.waves[].gate.checks[].inconclusive", typ: count(0), doc: "Overrides that of the gate."},
	}
}

func pinKeys() []key {
	return []key{
		{path: "pins", typ: mappings(), doc: "Tenants that are held back; the first pin that matches a tenant applies."},
		{path: "pins[].tenants", typ: selector(), required: true, doc: "Selector of the tenants; `id=*` = all."},
		{path: "pins[].freeze", typ: boolean(), doc: "Whether they are skipped. Either `freeze` or `target` is required."},
		{path: "pins[].target", typ: plainText(), doc: "Revision to which an upgrade takes them, instead of its own target."},
		{path: "pins[].reason", typ: plainText(), required: true, doc: "Why; shown wherever the pin applies."},
		{path: "pins[].until", typ: until(), doc: "When the pin ends: a time, or the last day, in UTC. Default: never."},
	}
}

func notifyKeys() []key {
	return []key{
		{path: "notify", typ: mappings(), doc: "Webhooks for events of a rollout."},
		{path: "notify[].webhook", typ: webURL(), required: true, doc: "URL to which messages are posted. Never printed in full."},
		{path: "notify[].name", typ: name(), doc: "Name of the webhook in messages. Default: its path, such as `notify[0]`."},
		{path: "notify[].format", typ: choice(notify.JSON, notify.Slack), doc: "Format of the message. Default: `json`."},
		{path: "notify[].on", typ: list(choice(notify.Occasions()...)), doc: "The events. Default: all."},
	}
}
