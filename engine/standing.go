package engine

// State is where a tenant stands relative to the graph's heads: the first of these that holds.
type State string

const (
	Unreachable State = "unreachable" // could not be read
	Missing     State = "missing"     // schema, database or file does not exist
	Unknown     State = "unknown"     // rows cannot be read or contradict the graph, or a section was cut off and leaves it open
	Ahead       State = "ahead"       // an applied id is not in the graph
	Empty       State = "empty"       // nothing applied
	Behind      State = "behind"      // some revisions are not applied
	Current     State = "current"     // all revisions are applied
)

// Standing is where one tenant stands, as a survey read it.
//
// A dialect fills in Applied, CutOff, SchemaID and, where it could not read, State (Unreachable, Missing or Unknown) and Err;
// [Engine.Survey] fills in the rest by the graph.
type Standing struct {
	State    State
	Applied  *Applied // what the version table holds; nil unless it could be read; shared by tenants with equal tables
	Heads    []string // maximal applied revisions in graph order; ids the graph does not know come last, sorted
	Changed  []string // applied revisions whose checksum differs from the graph's, in graph order
	CutOff   []CutOff // no-transaction sections that ran in part, by revision, also ones that a stamp has settled since (see HalfDone); nil in most tenants
	SchemaID SchemaID
	Err      error // why State is Unreachable, Missing or Unknown; an *Error
}

// Applied is the content of a version table. Tenants with equal tables share one, so that a fleet costs memory by the cohort
// and not by the tenant. Read-only.
type Applied struct {
	Rows []Row // sorted by revision id (bytes)
}

// Row is one applied revision.
type Row struct {
	Revision string
	Checksum string // hex SHA-256 of the upgrade section; "" when it was recorded without one
	Rollout  string // that wrote the row; "" where it is unknown, or was not asked for: see [Engine.SurveyRollout]
}

// IDs returns the applied ids, sorted; nil for a nil or an empty set.
func (a *Applied) IDs() []string {
	if a == nil {
		return nil
	}
	var ids []string
	for _, r := range a.Rows {
		ids = append(ids, r.Revision)
	}
	return ids
}

// Of returns the ids of the revisions that a rollout applied, by their rows, sorted; nil for "" or a nil set.
func (a *Applied) Of(rollout string) []string {
	if a == nil || rollout == "" {
		return nil
	}
	var ids []string
	for _, r := range a.Rows {
		if r.Rollout == rollout {
			ids = append(ids, r.Revision)
		}
	}
	return ids
}

// SchemaID identifies the schema that a survey read: Apply fails unless it is still the same under the lock.
type SchemaID struct {
	SchemaOID uint32 // PostgreSQL: OID of the tenant's schema; 0 for SQLite
	HasTable  bool   // the version table exists
	HasSteps  bool   // PostgreSQL: the table of the progress of no-transaction sections exists beside it
}
