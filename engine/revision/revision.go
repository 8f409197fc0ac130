package revision

import "time"

// Dialect names the SQL that the revisions of one graph are written in. It decides how bodies are
// split into statements: dollar quotes are PostgreSQL's, trigger bodies and [brackets] SQLite's.
type Dialect string

const (
	Postgres Dialect = "postgres"
	SQLite   Dialect = "sqlite"
)

// Revision is one node of the graph: a step up and, unless it is irreversible, a step down.
//
// A Revision is read-only once it is part of a Graph.
type Revision struct {
	ID        string   // matches [A-Za-z0-9_]{1,32}
	Revises   []string // down-revisions, full ids; empty for a base; several for a merge
	DependsOn []string // as written: full or partial ids, or branch labels; resolved by the Graph
	Labels    []string // branch labels that this revision introduces
	Message   string
	Created   string // as written; "" when absent

	Upgrade   *Section // never nil
	Downgrade *Section // nil: irreversible

	File string // slash-separated path below the revisions folder; "" when made in memory
	Line int    // line of the `-- revision:` header; 0 when made in memory
}

// Direction is the way a path runs through the graph.
type Direction string

const (
	Up   Direction = "up"
	Down Direction = "down"
)

// Section returns the body for one direction; nil when the revision cannot go that way.
func (r *Revision) Section(d Direction) *Section {
	if d == Down {
		return r.Downgrade
	}
	return r.Upgrade
}

// Section is the upgrade or the downgrade part of a revision.
type Section struct {
	File     string   // as in Revision; for the errors of [Section.Render]
	Line     int      // line of the `-- upgrade` marker, 1-based
	Dialect  Dialect  // how Render splits; "" = Postgres
	Raw      string   // the marker's line and all that follows it, byte for byte as in the file
	Checksum string   // of Raw, see [Revision.Checksum]; "" when made in memory
	Options  Options  // from the marker's line
	Touches  []string // patterns of `-- skein:touches`: relations outside the tenant that the body may change
	Ignores  []Ignore // notes of `-- skein:ignore`, for [Lint]

	// Statements in order, without their closing semicolons, comments before the first word left out.
	// Nil when Options.Template is set: such a body is split after it was rendered, by [Section.Render].
	Statements []Statement
}

// Ignore is a note `-- skein:ignore RULE: reason`: [Lint] does not report that rule here.
type Ignore struct {
	Rule   string
	Reason string // never empty
	Line   int    // 1-based; above the section's own line when the note stands in the header, for all sections
}

// Statement is one SQL statement and where it stands in its file.
type Statement struct {
	Text string
	Line int // 1-based line in the file of the statement's first word
	Col  int // 1-based column in bytes
}

// Options are what a section asks of whoever runs it. The zero value asks nothing.
type Options struct {
	NoTransaction    bool           // run each statement by itself, outside a transaction
	OwnTransaction   bool           // commit what came before and commit this revision by itself
	ForeignKeys      bool           // SQLite: run with foreign keys on, in a transaction of its own unless NoTransaction
	Alone            bool           // at most one tenant of a server at a time, nothing else beside it
	Template         bool           // body is a text/template
	LockTimeout      *time.Duration // in place of the policy's; 0 = none
	StatementTimeout *time.Duration // in place of the policy's; 0 = none
	Concurrency      int            // most tenants of the fleet at a time in a chain with this revision; 0 = no limit
}
