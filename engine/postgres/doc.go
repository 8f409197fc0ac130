// Package postgres is skein's PostgreSQL dialect: one schema of one database is one tenant.
//
//	Survey ── one catalog query a database, then the version tables, 250 a message ──▶ Standing
//	Open ───▶ Session ── one message: BEGIN · SET LOCAL … · lock · check · bodies · rows · COMMIT
//	                        └── an error: its place in the message says which statement it was ──▶ *engine.Error
//
// A chain of transactional parts is one simple-protocol message, whatever its length, so that a tenant costs
// one round trip. There are no prepared statements, no session settings that outlive a transaction and no
// session locks on the way, so that all of it works through a pooler in transaction mode. Revisions outside
// a transaction are the exception: they run on a direct connection of their own (notx.go).
//
// All connections to a server, for whatever purpose, share one limit (pool.go). SQLSTATEs are known in
// classify.go only. Server versions 13 and later are supported.
package postgres
