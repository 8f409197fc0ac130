package revision

import "time"

// Dialect names the SQL that the revisions of one graph are written in. It decides how bodies are
// split into statements: dollar quotes are PostgreSQL's, trigger bodies and [brackets] SQLite's.
type Dialect string

const (
	Postgres Dialect = "postgres" // the SQL of PostgreSQL
	SQLite   Dialect = "sqlite"   // the SQL of SQLite
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
	Kept bool   // without a file: made from the downgrade section that a rollout kept; its Upgrade is empty
}

// Direction is the way a path runs through the graph.
type Direction string

const (
	Up   Direction = "up"   // from the bases to the heads, by the upgrade sections
	Down Direction = "down" // from the heads to the bases, by the downgrade sections
)

// Section returns the body for one direction; nil if the revision is irreversible.
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
	Raw      string   // the marker's line and all that follows it, as in the file, with LF at the end of each line
	Checksum string   // of Raw, see [Revision.Checksum]; "" when made in memory
	Options  Options  // from the marker's line
	Touches  []string // patterns of `-- skein:touches`: relations outside the tenant that the body may change
	Ignores  []Ignore // notes of `-- skein:ignore`, for [Lint]

	// AddsEnumValue reports that the body may run ALTER TYPE … ADD VALUE (PostgreSQL), also from within a DO block or
	// as text that it executes. False when made in memory. See [Section.Separate].
	AddsEnumValue bool

	// Statements in order, without their closing semicolons, comments before the first word left out.
	// Nil when Options.Template is set: such a body is split after it was rendered, by [Section.Render].
	Statements []Statement
}

// Separate reports whether the section has a transaction of its own in a chain: because its options ask for it, or because
// what it adds, such as a value of an enum, can be used only once it is committed. So a revision does the same in every
// chain.
func (s *Section) Separate() bool {
	return s.Options.OwnTransaction || s.Options.ForeignKeys || s.Options.Isolation != "" || s.AddsEnumValue
}

// Ignore is a note `-- skein:ignore RULE: reason`: [Lint] does not report that rule here.
type Ignore struct {
	Rule   string
	Reason string // never empty
	Line   int    // 1-based; above the line of the section if the note is in the header, where it counts for all sections
}

// Statement is one SQL statement and where it stands in its file.
type Statement struct {
	Text string
	Line int // 1-based line in the file of the statement's first word
	Col  int // 1-based column in bytes
}

// Options say how a section is run. The zero value is the default.
type Options struct {
	NoTransaction    bool           // run each statement by itself, outside a transaction
	OwnTransaction   bool           // commit what came before and commit this revision by itself
	ForeignKeys      bool           // SQLite: run with foreign keys on, in a transaction of its own unless NoTransaction
	Alone            bool           // at most one tenant of a server at a time, nothing else beside it
	Template         bool           // body is a text/template
	LockTimeout      *time.Duration // in place of the policy's; 0 = none
	StatementTimeout *time.Duration // in place of the policy's; 0 = none
	Concurrency      int            // most tenants of the fleet at a time in a chain with this revision; 0 = no limit
	Isolation        Isolation      // PostgreSQL: of the transaction, which is then the revision's own; "" = READ COMMITTED
}
