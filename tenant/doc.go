// Package tenant knows who the tenants of an application are: the id, labels and location of each, where they are
// discovered, and which of them are selected.
//
//	Source ─┐
//	Source ─┼─▶ Gather ──▶ []Tenant ──▶ Selector ──▶ the tenants selected
//	Source ─┘  (checks, guards)
//
// A [Source] lists tenants; those of package discover read catalogs, queries, files, commands and folders. [Gather]
// lists all sources and checks the whole: each [Tenant] has one id and one location. [Guards] refuse a fleet that is
// suspiciously small. A [Selector] picks tenants by id, label, location, or by what a survey read of them.
//
//	sources := []tenant.Source{source}
//	fleet, warnings, err := tenant.Gather(ctx, sources, tenant.Guards{MinTenants: 100})
//	gold, err := tenant.ParseSelector("tier=gold,!frozen")
//	selected := gold.Filter(fleet, nil)
//
// No source is trusted: a fleet that silently lacks a part is the worst failure. Whatever is doubtful, such as an id or
// a schema that is listed twice or a source without tenants, is an error here, and all errors are reported together.
package tenant
