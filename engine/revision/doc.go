// Package revision knows revisions and the graph they form: it reads them from SQL files, resolves
// targets in Alembic's grammar and finds the path from where a tenant stands to where it should be.
//
//	*.sql ── Load ──▶ Graph ── Path(from, target) ──▶ steps in order, heads afterwards
//
// It does no I/O apart from the fs.FS it is given, knows no database, and imports nothing of skein but the texts of messages (engine/text).
// A [Graph] is immutable and safe for concurrent use.
package revision
