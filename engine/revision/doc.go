// Package revision knows revisions and the graph that they form. It reads them from SQL files, resolves targets such as
// "heads" in Alembic's grammar, and finds the path from where a tenant stands to where it should be.
//
//	*.sql ── Load ──▶ Graph ── Path(direction, from, target) ──▶ steps in order, heads afterwards
//
//	graph, err := revision.Load(os.DirFS("migrations"), revision.Postgres)
//	path, err := graph.Path(revision.Up, []string{"1975ea83b712"}, "heads")
//
// A [Revision] has an upgrade [Section] and, unless it is irreversible, one for the downgrade; a section has [Options] and
// [Statement]s. A [Graph] is immutable and safe for concurrent use. Mistakes in files are [*FileError], with their line;
// targets that cannot be resolved or reached are [*TargetError], with the candidates. [Lint] finds what is legal and was
// probably not meant, [Fix] rewrites what other tools write around a script, [Format] writes a file.
//
// The package reads from the fs.FS that it is given, and does no other I/O. It knows no database, and imports nothing of
// skein but engine/text.
package revision
