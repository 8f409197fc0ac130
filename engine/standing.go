package engine

// State is where a tenant stands relative to the graph's heads: the first that holds, in this order.
type State string

const (
	Unreachable State = "unreachable" // could not be read
	Missing     State = "missing"     // schema, database or file is not there
	Unknown     State = "unknown"     // rows unreadable or at odds with the graph, or a section that was cut off leaves it open
	Ahead       State = "ahead"       // an applied id is not in the graph
	Empty       State = "empty"       // nothing applied
	Behind      State = "behind"
	Current     State = "current"
)

// Standing is where one tenant stands, as a survey read it.
//
// A dialect fills Applied, CutOff, SchemaID and, where it could not read, State (Unreachable, Missing or Unknown)
// and Err; [Engine.Survey] judges the rest against the graph.
type Standing struct {
	State    State
	Applied  *Applied // what the version table holds; nil unless it could be read; shared by tenants with equal tables
	Heads    []string // maximal applied revisions in graph order; ids the graph does not know come last, sorted
	Changed  []string // applied revisions whose checksum differs from the graph's, in graph order
	CutOff   []CutOff // no-transaction sections that ran in part, by revision, also those that a stamp has settled since, see HalfDone; nil in most tenants
	SchemaID SchemaID
	Err      error // why State is Unreachable, Missing or Unknown; an *Error
}

// Applied is the content of a version table. Tenants whose tables are equal share one, so that a fleet
// costs memory by the cohort and not by the tenant. Read-only.
type Applied struct {
	Rows []Row // sorted by revision id (bytes)
}

// Row is one applied revision.
type Row struct {
	Revision string
	Checksum string // hex SHA-256 of the upgrade section; "" when it was recorded without one
	Rollout  string // that wrote the row; "" where it is not known, or was not asked for: see [Engine.SurveyRollout]
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

// Of returns the ids of the revisions that a rollout applied, as their rows name it, sorted; nil for "" or a nil set.
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

// SchemaID is what a survey saw of the place itself, for Apply to find again under the lock.
type SchemaID struct {
	SchemaOID uint32 // PostgreSQL: OID of the tenant's schema; 0 for SQLite
	HasTable  bool   // the version table exists
	HasSteps  bool   // PostgreSQL: the table of the progress of no-transaction sections exists beside it
}
