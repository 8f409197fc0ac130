// Package discover holds the sources of tenants: one file each, all of them [tenant.Source].
//
//	Server   schemas and databases of a server's catalog
//	Query    rows of a table of tenants              ┐
//	List     written in the config                   │ Records ──▶ tenants
//	File     csv, json, jsonl or yaml                │ (record.go, resolve.go)
//	Command  JSON lines on stdout                    ┘
//	Glob     SQLite files whose paths match a pattern
//
// A source is a plain struct, filled by the config, and New… makes it work with an [Env]: what the config
// knows of the world around. New… refuses what can be seen to be wrong without any I/O; its errors are
// *tenant.Error, joined when there are several. What a source cannot read it reports; it never leaves a
// part out.
package discover
