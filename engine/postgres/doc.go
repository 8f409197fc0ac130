// Package postgres is the PostgreSQL dialect of the engine: one schema of one database is one tenant.
//
//	Survey ── one catalog query a database, then the version tables, 250 a message ──▶ Standing
//	Open ───▶ Session ── one message: BEGIN · SET LOCAL … · lock · check · bodies · rows · COMMIT
//	                        └── an error: its place in the message says which statement it was ──▶ *engine.Error
//
//	db, err := postgres.New(postgres.Config{Servers: []postgres.Server{{Name: "main", URL: "postgres://app@db/app"}}})
//	e := engine.New(db, graph, engine.Config{})
//
// A chain of transactional parts is one simple-protocol message of any length, so that a tenant costs one round trip. It needs
// no prepared statements, no session settings that outlive a transaction and no session locks, so that it works through a
// pooler in transaction mode. Revisions outside a transaction are the exception: they run on a direct connection of their
// own.
//
// [DB] implements [engine.Database]. Its other methods list databases and schemas, watch and end sessions, and report the
// health of a server. Server versions 13 and later are supported.
//
// The files are named by topic:
//
//	pool       connections to a server, their number and reuse; url: what a URL may say
//	session    one tenant's turn: settings, lock
//	survey     where tenants stand
//	apply      a transactional chain as one message, and what its errors mean
//	notx       sections outside a transaction: journal, resume, indexes
//	guard      what a body touched outside of the tenant, and what did it
//	names      names that a tenant lacks, before and while a plan runs
//	body       what a body may do to its session
//	rehearse   a chain that is rolled back, and the locks it took
//	server     databases, schemas, sessions and health of a server
//	classify   SQLSTATEs, which no other file knows
//
// They are one package because they meet in the connection: the pool has to know which errors mean that a server is full, what
// bodies may have left in a session, and how a session is checked when it is opened.
package postgres
