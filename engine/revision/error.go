package revision

import "fmt"

// FileError says what is wrong with a revision file, or with the graph that the files form, where, and what to do. [Load]
// and [NewGraph] join all of them by errors.Join, so that one run shows every mistake.
type FileError struct {
	Kind    Kind
	File    string // slash path below the revisions folder
	Line    int    // 1-based; 0 = the whole file
	Col     int    // 1-based bytes; 0 = the whole line
	Other   string // file:line of the second party, for duplicates and the like
	Message string
	Advice  string
}

// Kind is the kind of a [FileError].
type Kind string

const (
	KindRead      Kind = "read"      // the file or the folder cannot be opened or read
	KindSyntax    Kind = "syntax"    // the file cannot be read: header, section, quote, forbidden statement
	KindName      Kind = "name"      // file name and header disagree
	KindBadID     Kind = "bad id"    // an id outside [A-Za-z0-9_]{1,32}, or a reserved word
	KindDuplicate Kind = "duplicate" // the same id, or the same label, twice
	KindMissing   Kind = "missing"   // revises or depends_on names nothing that is there
	KindCycle     Kind = "cycle"     // the graph has a cycle; Message shows its path
)

func (e *FileError) Error() string {
	switch {
	case e.File == "":
		return e.Message
	case e.Line == 0:
		return fmt.Sprintf("%s: %s", e.File, e.Message)
	case e.Col == 0:
		return fmt.Sprintf("%s:%d: %s", e.File, e.Line, e.Message)
	}
	return fmt.Sprintf("%s:%d:%d: %s", e.File, e.Line, e.Col, e.Message)
}

// Hint says what to do about it; "" if the message is enough.
func (e *FileError) Hint() string { return e.Advice }

// Position returns the file, 1-based line and 1-based column; zero values where unknown.
func (e *FileError) Position() (file string, line, col int) { return e.File, e.Line, e.Col }

// TargetError says why a target could not be resolved or reached, and what would.
type TargetError struct {
	Target  string
	Reason  Reason
	Matches []string // the candidates: heads, or the ids that an ambiguous prefix matches
	Message string
	Advice  string
}

// Reason is the kind of a [TargetError].
type Reason string

const (
	ReasonUnknown    Reason = "unknown"      // no such revision, prefix, label
	ReasonAmbiguous  Reason = "ambiguous"    // a prefix with several matches, several heads, a walk that forks
	ReasonRange      Reason = "out of range" // a relative target walks off the graph
	ReasonNotApplied Reason = "not applied"  // a downgrade to a revision that is not applied, or with nothing applied above it
	ReasonBranch     Reason = "wrong branch" // LABEL@ID where ID is no member of LABEL; A:B where A is no ancestor of B
	ReasonOneWay     Reason = "irreversible" // the way down has a revision without a downgrade section
	ReasonSyntax     Reason = "syntax"       // not a target at all
)

func (e *TargetError) Error() string { return e.Message }

// Hint says what to do about it; "" if the message is enough.
func (e *TargetError) Hint() string { return e.Advice }
