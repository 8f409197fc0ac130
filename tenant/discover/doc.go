// Package discover holds the sources of tenants, one a file. Each makes a [tenant.Source].
//
//	Server   schemas and databases of a server's catalog
//	Query    rows of a table of tenants              ┐
//	List     written in the config                   │ Records ──▶ tenants
//	File     csv, json, jsonl or yaml                │ (record.go, resolve.go)
//	Command  JSON lines on stdout                    ┘
//	Glob     SQLite files whose paths match a pattern
//
// A source is a plain struct. New… checks it, without any I/O, and returns a source that works in an [Env]: the servers
// that are known, a [Catalog] that reads them, the folder where relative paths start.
//
//	source, err := discover.NewGlob(discover.Glob{Name: "files", Pattern: "data/*.db"}, discover.Env{})
//
// Errors are *tenant.Error, joined if there are several. What a source cannot read is an error: it never leaves a part
// out. The package knows PostgreSQL only by the interface Catalog, so that programs for SQLite do not link the driver.
package discover
