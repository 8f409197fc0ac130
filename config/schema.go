package config

import (
	"slices"

	"github.com/skeindb/skein/engine"
	"github.com/skeindb/skein/engine/revision"
	"github.com/skeindb/skein/orchestrator/plan"
)

// key is one line of the table of keys.
//
// A path is that in the file, with `*` for any name and `[]` for each entry of a list.
type key struct {
	path     string
	typ      *valueType
	def      string   // as written in the file; "" = none
	required bool     // in its mapping
	with     []string // kinds of entries that may have the key; nil = all
	instead  string   // advice for other kinds; "" = remove it
	status   status
	doc      string // one sentence, for the documentation
}

// status is whether this version implements a key.
type status string

const (
	acts  status = ""      // implemented
	kept  status = "kept"  // read and checked, for commands of a later version
	later status = "later" // an error when set: ignoring it would be dangerous
)

// keys returns the table of all keys, in the order of the documentation and of `config show`.
func keys() []key {
	return slices.Concat(projectKeys(), tenantKeys(), rolloutKeys(), waveKeys(), pinKeys(), notifyKeys(), laterKeys())
}

func projectKeys() []key {
	return []key{
		{path: "fleet", typ: plainText(), doc: "Name of the fleet, which a rollout locks and the store records. Default: the name of the folder of the config."},

		{path: "revisions.dir", typ: plainText(), def: "migrations", doc: "Folder of the revision files."},
		{path: "revisions.dialect", typ: choice(revision.Postgres, revision.SQLite), doc: "Dialect of the revisions. Default: that of the sources, which must all have the same."},
		{path: "revisions.heads", typ: choice(Single, Many), def: "many", doc: "`single` = `skein check` reports a second head."},
		{path: "revisions.schema", typ: plainText(), status: kept, doc: "File with the desired schema, for `--autogenerate` and `check`."},
		{path: "revisions.naming.ix", typ: plainText(), status: kept, doc: "Name of a generated index, such as `ix_{table}_{columns}`."},
		{path: "revisions.naming.uq", typ: plainText(), status: kept, doc: "Name of a generated unique constraint."},
		{path: "revisions.naming.ck", typ: plainText(), status: kept, doc: "Name of a generated check constraint."},
		{path: "revisions.naming.fk", typ: plainText(), status: kept, doc: "Name of a generated foreign key."},
		{path: "revisions.naming.pk", typ: plainText(), status: kept, doc: "Name of a generated primary key."},
		{path: "revisions.hooks", typ: mappings(), doc: "Programs, such as a formatter, that `revision` and `merge` run on the new file, in the folder of the config."},
		{path: "revisions.hooks[].run", typ: program(), required: true, doc: "The program and its arguments; `{file}` is replaced by the path of the file."},

		{path: "state.version_table", typ: plainText(), def: "skein_version", doc: "Table in each tenant that records the applied revisions."},
		{path: "state.store", typ: store(), def: ".skein/state.db", doc: "Where rollouts and their events are stored: a SQLite file or a `postgres://` URL."},
		{path: "state.keep_downgrades", typ: boolean(), def: "true", doc: "Whether the store keeps the downgrade sections of the revisions that an upgrade applies, so that a rollback works without the files."},

		{path: "servers", typ: mapping(), doc: "The PostgreSQL servers, by name."},
		{path: "servers.*.url", typ: serverURL(), required: true, doc: "`postgres://` URL with user and database."},
		{path: "servers.*.password", typ: secret(), doc: "Password, instead of one in the URL. Read for each connection, never printed."},
		{path: "servers.*.direct_url", typ: serverURL(), doc: "URL that bypasses the pooler, if `url` is a transaction pooler."},
		{path: "servers.*.max_connections", typ: count(1), def: "16", doc: "Maximum number of connections to this server, of all kinds. If it is not set, 16 are in use at a time; in a fleet with a database per tenant, idle ones are kept in addition from survey to upgrade, at most three quarters of the free connections of the server. When all are in use by slow tenants, one more connection checks from time to time which sessions they wait for."},
		{path: "servers.*.search_path", typ: autoOrNames(), def: "auto", doc: "Schemas after the tenant's on the search path; `auto` = those that contain extensions. Never the schema of a tenant. In a variable: names separated by commas."},
	}
}

func tenantKeys() []key {
	return []key{
		{path: "tenants", typ: mappings(), required: true, doc: "The sources of tenants, each with exactly one of `server`, `query`, `list`, `file`, `glob`, `command`."},
		{path: "tenants[].server", typ: plainText(), doc: "Discovers tenants in the catalog of this server."},
		{path: "tenants[].include_databases", typ: list(plainText()), with: []string{"server"}, doc: "With `server`: globs over databases to which the role may connect. Default: the database of the URL."},
		{path: "tenants[].exclude_databases", typ: list(plainText()), with: []string{"server"}, doc: "With `include_databases`: globs over databases to exclude."},
		{path: "tenants[].include_schemas", typ: boolOrGlobs(), with: []string{"server"}, doc: "With `server`: `false` = one tenant per database, `true` = each schema except system schemas, or globs over schemas. Default: `false`."},
		{path: "tenants[].exclude_schemas", typ: list(plainText()), with: []string{"server"}, doc: "With `include_schemas`: globs over schemas to exclude."},
		{path: "tenants[].query", typ: mapping(), doc: "Tenants are the rows of a query, with columns as for `file`."},
		{path: "tenants[].query.server", typ: plainText(), required: true, doc: "Server to query; also the server of rows that name none."},
		{path: "tenants[].query.sql", typ: plainText(), required: true, doc: "The query."},
		{path: "tenants[].list", typ: mappings(), doc: "Tenants listed in the config."},
		{path: "tenants[].list[].id", typ: word(), required: true, doc: "The tenant's id."},
		{path: "tenants[].list[].server", typ: word(), doc: "Its server. Default: the only server."},
		{path: "tenants[].list[].database", typ: word(), doc: "Its database. Default: that of the server's URL."},
		{path: "tenants[].list[].schema", typ: word(), doc: "Its schema. Default: `current_schema()` of its database."},
		{path: "tenants[].list[].file", typ: plainText(), doc: "Its SQLite file, instead of server, database and schema."},
		{path: "tenants[].list[].url_env", typ: word(), doc: "Environment variable with the tenant's own URL, instead of a server."},
		{path: "tenants[].list[].labels.*", typ: word(), doc: "A label of this tenant."},
		{path: "tenants[].file", typ: plainText(), doc: "A csv, json, jsonl or yaml file with one record per tenant."},
		{path: "tenants[].glob", typ: plainText(), doc: "SQLite files, such as `data/*.db`."},
		{path: "tenants[].command", typ: program(), doc: "A program and its arguments; it prints one JSON object per tenant."},
		{path: "tenants[].name", typ: plainText(), doc: "Name of the source, for the selector `source=…`. Default: its number, from 1."},
		{path: "tenants[].id", typ: plainText(), with: []string{"server", "glob"}, instead: "remove it; its records have their own ids", doc: "Template of the ids: of `{server}`, `{database}` and `{schema}` with `server`, of `{path}` and `{name}` with `glob`."},
		{path: "tenants[].on_unreachable", typ: choice("fail", "warn"), def: "fail", with: []string{"server", "query", "list", "file", "command"}, doc: "When a server of the source is unreachable: `fail` = the command fails, `warn` = the tenants of the source are left out with a warning. Tenants that a rollout has planned stay planned."},
		{path: "tenants[].labels.*", typ: word(), doc: "A label of all tenants of the source."},

		{path: "guards.min_tenants", typ: count(0), doc: "Minimum number of tenants; a smaller fleet is refused."},
		{path: "guards.max_shrink", typ: percentage(), doc: "Maximum share of tenants that may be missing since the last rollout; otherwise the fleet is refused."},
		{path: "guards.touches", typ: touches(), doc: "Objects outside the tenant that functions, triggers, rules and views may change in every revision, such as `audit.*`: globs over schema.name, as in `-- skein:touches`. In a variable: separated by commas."},

		{path: "compare.scope", typ: choice("tenant", "database"), def: "tenant", status: kept, doc: "What `drift` compares: the tenant's schema, or all schemas of its database except system schemas."},
		{path: "compare.exclude", typ: list(plainText()), status: kept, doc: "Objects that it ignores, such as `table:tmp_*`."},
		{path: "compare.types", typ: boolean(), def: "true", status: kept, doc: "Whether it compares types of columns."},
		{path: "compare.defaults", typ: boolean(), def: "true", status: kept, doc: "Whether it compares defaults of columns."},
	}
}

func rolloutKeys() []key {
	return []key{
		{path: "rollout.concurrency", typ: countOrAuto(), def: "auto", doc: "Maximum number of tenants at once in the fleet; `auto` = adapted to the servers."},
		{path: "rollout.per_server", typ: count(1), def: "16", doc: "Maximum number of tenants at once on one server."},
		{path: "rollout.transaction", typ: choice(engine.PerTenant, engine.PerRevision), def: "tenant", doc: "`tenant` = all pending revisions of a tenant share a transaction, `revision` = each has its own."},
		{path: "rollout.lock_timeout", typ: durationOrZero(), def: "2s", doc: "Maximum wait for a lock, doubled with each attempt up to 8 s; `0` = no limit."},
		{path: "rollout.statement_timeout", typ: durationOrZero(), def: "0", doc: "Maximum duration of a statement; `0` = no limit."},
		{path: "rollout.retry.attempts", typ: count(1), def: "5", doc: "Attempts per tenant, including the first; `1` = no retry."},
		{path: "rollout.retry.base", typ: duration(), def: "200ms", doc: "Wait before the second attempt, doubled with each further attempt."},
		{path: "rollout.retry.max", typ: duration(), def: "30s", doc: "Maximum wait between two attempts."},
		{path: "rollout.server_patience", typ: duration(), def: "5m", doc: "How long a server that is down, restarting, full or frozen is probed before the rollout gives up on it; an answer restarts the time. Does not count as an attempt."},
		{path: "rollout.on_failure", typ: choice(plan.OnFailureHalt, plan.OnFailureContinue), def: "halt", doc: "What happens when more tenants fail than `max_failures`: `halt` stops the rollout, `continue` ignores the budget."},
		{path: "rollout.max_failures", typ: budget(), def: "0", doc: "The failure budget: how many tenants of a wave may fail before the rollout halts."},
		{path: "rollout.tolerance", typ: choice(plan.ToleranceSoft, plan.ToleranceStrict), def: "soft", doc: "`soft` = tenants that are running when the budget is used up may exceed it; `strict` = at most one more tenant runs at once than may still fail."},
		{path: "rollout.systemic", typ: count(0), def: "10", doc: "Number of tenants in a row that fail with the same error and halt the rollout, even within the budget; `0` = never."},
		{path: "errors.values", typ: boolean(), def: "true", doc: "Whether reports and the store may contain values of rows that servers and gates quote. `false` = only SQLSTATE, condition and names. Webhooks never contain them."},
	}
}

// laterKeys are keys that this version refuses. Ignoring a shared scope or a drift check would do to a fleet what the
// config forbids.
func laterKeys() []key {
	return []key{
		{path: "revisions.shared", typ: plainText(), status: later, doc: "Folder of revisions that run once per database."},
		{path: "revisions.shared_schema", typ: plainText(), status: later, doc: "Schema that records them."},
		{path: "rollout.waves[].gate.drift", typ: boolean(), status: later, doc: "Whether the schema of every tenant of the wave must match."},
	}
}
