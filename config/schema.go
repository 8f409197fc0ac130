package config

import "slices"

// keys is the table of all keys, in the order in which they are documented and shown.
func keys() []key {
	return slices.Concat(projectKeys(), tenantKeys(), rolloutKeys(), waveKeys(), pinKeys(), notifyKeys(), laterKeys())
}

func projectKeys() []key {
	return []key{
		{path: "fleet", kind: kindText, doc: "Name of the fleet: what a rollout locks and the store files it under. Default: the name of the folder that holds the config."},

		{path: "revisions.dir", kind: kindText, def: "migrations", doc: "Folder of the revision files."},
		{path: "revisions.dialect", kind: kindChoice, choices: []string{"postgres", "sqlite"}, doc: "Dialect of the revisions. Default: that of the sources, which must not mix."},
		{path: "revisions.heads", kind: kindChoice, choices: []string{"single", "many"}, def: "many", doc: "`single` makes `skein check` report a second head."},
		{path: "revisions.schema", kind: kindText, status: kept, doc: "File with the desired structure, for `--autogenerate` and `check`."},
		{path: "revisions.naming.ix", kind: kindText, status: kept, doc: "Name of a generated index, such as `ix_{table}_{columns}`."},
		{path: "revisions.naming.uq", kind: kindText, status: kept, doc: "Name of a generated unique constraint."},
		{path: "revisions.naming.ck", kind: kindText, status: kept, doc: "Name of a generated check constraint."},
		{path: "revisions.naming.fk", kind: kindText, status: kept, doc: "Name of a generated foreign key."},
		{path: "revisions.naming.pk", kind: kindText, status: kept, doc: "Name of a generated primary key."},
		{path: "revisions.hooks", kind: kindList, doc: "Programs that `revision` and `merge` run on the new file, in the folder of the config, such as a formatter."},
		{path: "revisions.hooks[].run", kind: kindTexts, program: true, required: true, doc: "The program and its arguments; `{file}` stands for the file."},

		{path: "state.version_table", kind: kindText, def: "skein_version", doc: "Table inside each tenant that says what is applied."},
		{path: "state.store", kind: kindStore, def: ".skein/state.db", doc: "Where rollouts and their events are kept: a SQLite file or a `postgres://` URL."},
		{path: "state.keep_downgrades", kind: kindBool, def: "true", doc: "Whether the store keeps the downgrade sections of what an upgrade applies, for a rollback where the files are missing."},

		{path: "servers", kind: kindMap, doc: "The PostgreSQL servers, by name."},
		{path: "servers.*.url", kind: kindURL, required: true, doc: "`postgres://` URL with user and database."},
		{path: "servers.*.password", kind: kindSecret, doc: "Password, instead of one in the URL. Read anew for each connection, never printed."},
		{path: "servers.*.direct_url", kind: kindURL, doc: "URL past the pooler, when `url` is a transaction pooler."},
		{path: "servers.*.max_connections", kind: kindCount, def: "16", doc: "Most connections that skein holds to this server, of all kinds together. Where it is not set, 16 are in use at a time, and in a fleet of a database a tenant idle ones are kept from survey to change besides, at most three quarters of what the server has free. When all are in use by tenants that take long, one more looks now and then for whom they wait."},
		{path: "servers.*.search_path", kind: kindAutoTexts, def: "auto", doc: "Schemas that follow the tenant's on the search path; `auto` = those that hold extensions. Never the schema of a tenant. In a variable: names joined by commas."},
	}
}

func tenantKeys() []key {
	return []key{
		{path: "tenants", kind: kindList, required: true, doc: "The sources of tenants: any number, each with exactly one of `server`, `query`, `list`, `file`, `glob`, `command`."},
		{path: "tenants[].server", kind: kindText, doc: "Discovery in the catalog of this server."},
		{path: "tenants[].include_databases", kind: kindTexts, doc: "With `server`: globs over databases to which the role may connect. Default: the database of the URL."},
		{path: "tenants[].exclude_databases", kind: kindTexts, doc: "With `include_databases`: globs over databases that are left out."},
		{path: "tenants[].include_schemas", kind: kindBoolTexts, doc: "With `server`: `false` = one tenant a database, `true` = each schema that is no system's, or globs over schemas. Default: `false`."},
		{path: "tenants[].exclude_schemas", kind: kindTexts, doc: "With `include_schemas`: globs over schemas that are left out."},
		{path: "tenants[].query", kind: kindMap, doc: "The rows of a query, with columns as for `file`."},
		{path: "tenants[].query.server", kind: kindText, required: true, doc: "Server that is asked; also that of rows without one."},
		{path: "tenants[].query.sql", kind: kindText, required: true, doc: "The query."},
		{path: "tenants[].list", kind: kindList, doc: "Tenants written out here."},
		{path: "tenants[].list[].id", kind: kindWord, required: true, doc: "The tenant's id."},
		{path: "tenants[].list[].server", kind: kindWord, doc: "Its server. Default: the only one there is."},
		{path: "tenants[].list[].database", kind: kindWord, doc: "Its database. Default: that of the server's URL."},
		{path: "tenants[].list[].schema", kind: kindWord, doc: "Its schema. Default: `current_schema()` of its database."},
		{path: "tenants[].list[].file", kind: kindText, doc: "Its SQLite file, instead of server, database and schema."},
		{path: "tenants[].list[].url_env", kind: kindWord, doc: "Environment variable that holds the tenant's own URL, instead of a server."},
		{path: "tenants[].list[].labels.*", kind: kindWord, doc: "A label of this tenant."},
		{path: "tenants[].file", kind: kindText, doc: "A csv, json, jsonl or yaml file with a record a tenant."},
		{path: "tenants[].glob", kind: kindText, doc: "SQLite files, such as `data/*.db`."},
		{path: "tenants[].command", kind: kindTexts, program: true, doc: "A program and its arguments that prints a JSON object a tenant."},
		{path: "tenants[].name", kind: kindText, doc: "Name of the source, for the selector `source=…`. Default: its number, from 1."},
		{path: "tenants[].id", kind: kindText, doc: "Form of the ids: with `server` of `{server}`, `{database}` and `{schema}`, with `glob` of `{path}` and `{name}`."},
		{path: "tenants[].on_unreachable", kind: kindChoice, choices: []string{"fail", "warn"}, def: "fail", doc: "What a server that cannot be reached means when the source is asked: `fail` refuses the whole fleet, `warn` leaves the source's tenants out with a warning; those that a rollout has planned stay planned."},
		{path: "tenants[].labels.*", kind: kindWord, doc: "A label of all tenants of the source."},

		{path: "guards.min_tenants", kind: kindCount, zero: true, doc: "Refuse a fleet with fewer tenants."},
		{path: "guards.max_shrink", kind: kindPercent, doc: "Refuse a fleet that lost more than this since the last rollout."},
		{path: "guards.touches", kind: kindTouches, doc: "What functions, triggers, rules and views may change outside of the tenant in every revision, such as `audit.*`: globs over schema.name, as in `-- skein:touches`. In a variable: joined by commas."},

		{path: "compare.scope", kind: kindChoice, choices: []string{"tenant", "database"}, def: "tenant", status: kept, doc: "What `drift` compares: the tenant's schema, or all schemas of its database that are no system's."},
		{path: "compare.exclude", kind: kindTexts, status: kept, doc: "What it leaves out, such as `table:tmp_*`."},
		{path: "compare.types", kind: kindBool, def: "true", status: kept, doc: "Whether types of columns count."},
		{path: "compare.defaults", kind: kindBool, def: "true", status: kept, doc: "Whether defaults of columns count."},
	}
}

func rolloutKeys() []key {
	return []key{
		{path: "rollout.concurrency", kind: kindAuto, def: "auto", doc: "Most tenants at once over the whole fleet; `auto` = what the servers bear."},
		{path: "rollout.per_server", kind: kindCount, def: "16", doc: "Most tenants at once on one server."},
		{path: "rollout.transaction", kind: kindChoice, choices: []string{"tenant", "revision"}, def: "tenant", doc: "What shares a transaction: a tenant's pending revisions, or each revision for itself."},
		{path: "rollout.lock_timeout", kind: kindDuration, zero: true, def: "2s", doc: "Longest wait for a lock; doubles per attempt to 8 s; `0` = without end."},
		{path: "rollout.statement_timeout", kind: kindDuration, zero: true, def: "0", doc: "Longest statement; `0` = without end."},
		{path: "rollout.retry.attempts", kind: kindCount, def: "5", doc: "Tries per tenant, the first included; `1` = no retry."},
		{path: "rollout.retry.base", kind: kindDuration, def: "200ms", doc: "Wait before the second try; it doubles per try."},
		{path: "rollout.retry.max", kind: kindDuration, def: "30s", doc: "Upper bound of one wait."},
		{path: "rollout.server_patience", kind: kindDuration, def: "5m", doc: "How long a server that is gone, restarting, full or frozen is probed, in one stretch: an answer begins it again. Costs no attempt."},
		{path: "rollout.on_failure", kind: kindChoice, choices: []string{"halt", "continue"}, def: "halt", doc: "What failures above the budget mean for the others; `continue` ignores the budget."},
		{path: "rollout.max_failures", kind: kindBudget, def: "0", doc: "The budget: tenants of a wave that may fail without halting."},
		{path: "rollout.tolerance", kind: kindChoice, choices: []string{"soft", "strict"}, def: "soft", doc: "Whether tenants that run when the budget is used up may exceed it; `strict` runs at most one more at once than may still fail."},
		{path: "rollout.systemic", kind: kindCount, zero: true, def: "10", doc: "So many tenants in a row that fail with the same error halt the rollout, also within the budget; `0` = never."},
		{path: "errors.values", kind: kindBool, def: "true", doc: "Whether reports and the store may hold what servers and gates quote of rows. `false` replaces it by SQLSTATE, condition and names. Webhooks never get it."},
	}
}

// laterKeys are known to the format and refused by this version: a shared scope that nobody runs, or a gate that does
// not look, would do to a fleet what its owner has just forbidden.
func laterKeys() []key {
	return []key{
		{path: "revisions.shared", kind: kindText, status: later, doc: "Folder of revisions that run once per database."},
		{path: "revisions.shared_schema", kind: kindText, status: later, doc: "Schema in which those are recorded."},
		{path: "rollout.waves[].gate.drift", kind: kindBool, status: later, doc: "Whether no tenant of the wave may differ."},
	}
}
