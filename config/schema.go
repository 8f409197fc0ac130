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
		{path: "fleet", typ: plainText(), doc: "Name of the fleet: what a rollout locks and the store files it under. Default: the name of the folder that holds the config."},

		{path: "revisions.dir", typ: plainText(), def: "migrations", doc: "Folder of the revision files."},
		{path: "revisions.dialect", typ: choice(revision.Postgres, revision.SQLite), doc: "Dialect of the revisions. Default: that of the sources, which must not mix."},
		{path: "revisions.heads", typ: choice(Single, Many), def: "many", doc: "`single` makes `skein check` report a second head."},
		{path: "revisions.schema", typ: plainText(), status: kept, doc: "File with the desired structure, for `--autogenerate` and `check`."},
		{path: "revisions.naming.ix", typ: plainText(), status: kept, doc: "Name of a generated index, such as `ix_{table}_{columns}`."},
		{path: "revisions.naming.uq", typ: plainText(), status: kept, doc: "Name of a generated unique constraint."},
		{path: "revisions.naming.ck", typ: plainText(), status: kept, doc: "Name of a generated check constraint."},
		{path: "revisions.naming.fk", typ: plainText(), status: kept, doc: "Name of a generated foreign key."},
		{path: "revisions.naming.pk", typ: plainText(), status: kept, doc: "Name of a generated primary key."},
		{path: "revisions.hooks", typ: mappings(), doc: "Programs that `revision` and `merge` run on the new file, in the folder of the config, such as a formatter."},
		{path: "revisions.hooks[].run", typ: program(), required: true, doc: "The program and its arguments; `{file}` stands for the file."},

		{path: "state.version_table", typ: plainText(), def: "skein_version", doc: "Table inside each tenant that says what is applied."},
		{path: "state.store", typ: store(), def: ".skein/state.db", doc: "Where rollouts and their events are kept: a SQLite file or a `postgres://` URL."},
		{path: "state.keep_downgrades", typ: boolean(), def: "true", doc: "Whether the store keeps the downgrade sections of what an upgrade applies, for a rollback where the files are missing."},

		{path: "servers", typ: mapping(), doc: "The PostgreSQL servers, by name."},
		{path: "servers.*.url", typ: serverURL(), required: true, doc: "`postgres://` URL with user and database."},
		{path: "servers.*.password", typ: secret(), doc: "Password, instead of one in the URL. Read anew for each connection, never printed."},
		{path: "servers.*.direct_url", typ: serverURL(), doc: "URL past the pooler, when `url` is a transaction pooler."},
		{path: "servers.*.max_connections", typ: count(1), def: "16", doc: "Most connections that skein holds to this server, of all kinds together. Where it is not set, 16 are in use at a time, and in a fleet of a database a tenant idle ones are kept from survey to change besides, at most three quarters of what the server has free. When all are in use by tenants that take long, one more looks now and then for whom they wait."},
		{path: "servers.*.search_path", typ: autoOrNames(), def: "auto", doc: "Schemas that follow the tenant's on the search path; `auto` = those that hold extensions. Never the schema of a tenant. In a variable: names joined by commas."},
	}
}

func tenantKeys() []key {
	return []key{
		{path: "tenants", typ: mappings(), required: true, doc: "The sources of tenants: any number, each with exactly one of `server`, `query`, `list`, `file`, `glob`, `command`."},
		{path: "tenants[].server", typ: plainText(), doc: "Discovery in the catalog of this server."},
		{path: "tenants[].include_databases", typ: list(plainText()), with: []string{"server"}, doc: "With `server`: globs over databases to which the role may connect. Default: the database of the URL."},
		{path: "tenants[].exclude_databases", typ: list(plainText()), with: []string{"server"}, doc: "With `include_databases`: globs over databases that are left out."},
		{path: "tenants[].include_schemas", typ: boolOrGlobs(), with: []string{"server"}, doc: "With `server`: `false` = one tenant a database, `true` = each schema that is no system's, or globs over schemas. Default: `false`."},
		{path: "tenants[].exclude_schemas", typ: list(plainText()), with: []string{"server"}, doc: "With `include_schemas`: globs over schemas that are left out."},
		{path: "tenants[].query", typ: mapping(), doc: "The rows of a query, with columns as for `file`."},
		{path: "tenants[].query.server", typ: plainText(), required: true, doc: "Server that is asked; also that of rows without one."},
		{path: "tenants[].query.sql", typ: plainText(), required: true, doc: "The query."},
		{path: "tenants[].list", typ: mappings(), doc: "Tenants written out here."},
		{path: "tenants[].list[].id", typ: word(), required: true, doc: "The tenant's id."},
		{path: "tenants[].list[].server", typ: word(), doc: "Its server. Default: the only one there is."},
		{path: "tenants[].list[].database", typ: word(), doc: "Its database. Default: that of the server's URL."},
		{path: "tenants[].list[].schema", typ: word(), doc: "Its schema. Default: `current_schema()` of its database."},
		{path: "tenants[].list[].file", typ: plainText(), doc: "Its SQLite file, instead of server, database and schema."},
		{path: "tenants[].list[].url_env", typ: word(), doc: "Environment variable that holds the tenant's own URL, instead of a server."},
		{path: "tenants[].list[].labels.*", typ: word(), doc: "A label of this tenant."},
		{path: "tenants[].file", typ: plainText(), doc: "A csv, json, jsonl or yaml file with a record a tenant."},
		{path: "tenants[].glob", typ: plainText(), doc: "SQLite files, such as `data/*.db`."},
		{path: "tenants[].command", typ: program(), doc: "A program and its arguments that prints a JSON object a tenant."},
		{path: "tenants[].name", typ: plainText(), doc: "Name of the source, for the selector `source=…`. Default: its number, from 1."},
		{path: "tenants[].id", typ: plainText(), with: []string{"server", "glob"}, instead: "remove it; its records have their own ids", doc: "Form of the ids: with `server` of `{server}`, `{database}` and `{schema}`, with `glob` of `{path}` and `{name}`."},
		{path: "tenants[].on_unreachable", typ: choice("fail", "warn"), def: "fail", with: []string{"server", "query", "list", "file", "command"}, doc: "What a server that cannot be reached means when the source is asked: `fail` refuses the whole fleet, `warn` leaves the source's tenants out with a warning; those that a rollout has planned stay planned."},
		{path: "tenants[].labels.*", typ: word(), doc: "A label of all tenants of the source."},

		{path: "guards.min_tenants", typ: count(0), doc: "Refuse a fleet with fewer tenants."},
		{path: "guards.max_shrink", typ: percentage(), doc: "Refuse a fleet that lost more than this since the last rollout."},
		{path: "guards.touches", typ: touches(), doc: "What functions, triggers, rules and views may change outside of the tenant in every revision, such as `audit.*`: globs over schema.name, as in `-- skein:touches`. In a variable: joined by commas."},

		{path: "compare.scope", typ: choice("tenant", "database"), def: "tenant", status: kept, doc: "What `drift` compares: the tenant's schema, or all schemas of its database that are no system's."},
		{path: "compare.exclude", typ: list(plainText()), status: kept, doc: "What it leaves out, such as `table:tmp_*`."},
		{path: "compare.types", typ: boolean(), def: "true", status: kept, doc: "Whether types of columns count."},
		{path: "compare.defaults", typ: boolean(), def: "true", status: kept, doc: "Whether defaults of columns count."},
	}
}

func rolloutKeys() []key {
	return []key{
		{path: "rollout.concurrency", typ: countOrAuto(), def: "auto", doc: "Most tenants at once over the whole fleet; `auto` = what the servers bear."},
		{path: "rollout.per_server", typ: count(1), def: "16", doc: "Most tenants at once on one server."},
		{path: "rollout.transaction", typ: choice(engine.PerTenant, engine.PerRevision), def: "tenant", doc: "What shares a transaction: a tenant's pending revisions, or each revision for itself."},
		{path: "rollout.lock_timeout", typ: durationOrZero(), def: "2s", doc: "Longest wait for a lock; doubles per attempt to 8 s; `0` = without end."},
		{path: "rollout.statement_timeout", typ: durationOrZero(), def: "0", doc: "Longest statement; `0` = without end."},
		{path: "rollout.retry.attempts", typ: count(1), def: "5", doc: "Tries per tenant, the first included; `1` = no retry."},
		{path: "rollout.retry.base", typ: duration(), def: "200ms", doc: "Wait before the second try; it doubles per try."},
		{path: "rollout.retry.max", typ: duration(), def: "30s", doc: "Upper bound of one wait."},
		{path: "rollout.server_patience", typ: duration(), def: "5m", doc: "How long a server that is gone, restarting, full or frozen is probed, in one stretch: an answer begins it again. Costs no attempt."},
		{path: "rollout.on_failure", typ: choice(plan.OnFailureHalt, plan.OnFailureContinue), def: "halt", doc: "What failures above the budget mean for the others; `continue` ignores the budget."},
		{path: "rollout.max_failures", typ: budget(), def: "0", doc: "The budget: tenants of a wave that may fail without halting."},
		{path: "rollout.tolerance", typ: choice(plan.ToleranceSoft, plan.ToleranceStrict), def: "soft", doc: "Whether tenants that run when the budget is used up may exceed it; `strict` runs at most one more at once than may still fail."},
		{path: "rollout.systemic", typ: count(0), def: "10", doc: "So many tenants in a row that fail with the same error halt the rollout, also within the budget; `0` = never."},
		{path: "errors.values", typ: boolean(), def: "true", doc: "Whether reports and the store may hold what servers and gates quote of rows. `false` replaces it by SQLSTATE, condition and names. Webhooks never get it."},
	}
}

// laterKeys are keys that this version refuses. Ignoring a shared scope or a drift check would do to a fleet what the
// config forbids.
func laterKeys() []key {
	return []key{
		{path: "revisions.shared", typ: plainText(), status: later, doc: "Folder of revisions that run once per database."},
		{path: "revisions.shared_schema", typ: plainText(), status: later, doc: "Schema in which those are recorded."},
		{path: "rollout.waves[].gate.drift", typ: boolean(), status: later, doc: "Whether no tenant of the wave may differ."},
	}
}
