// Package tenant names the tenants: who each is, where it is, and how they are selected.
//
//	Source ─┐
//	Source ─┼─▶ Gather ──▶ []Tenant ──▶ Selector.Filter ──▶ []Tenant
//	Source ─┘  (checks, guards)
//
// Where tenants come from is in tenant/discover. After a wave has begun nobody asks again who they are.
//
// The package trusts no source: a fleet that silently lacks a part is the worst failure, so whatever is
// doubtful – an id twice, a schema twice, a source that is empty – is an error here, and all errors are
// reported together.
package tenant
