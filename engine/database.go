package engine

import (
	"context"
	"time"

	"github.com/skeindb/skein/engine/revision"
)

// Database is a dialect: it reads where tenants stand and opens sessions to change one of them. Implementations are safe for
// concurrent use; every error they return is an *Error. Package enginetest has the tests that each must pass.
type Database interface {
	// Survey reads where locations stand, set-based: a few messages a database, never a connection a tenant. The result has
	// the length and the order of locations. A tenant that could not be read is a Standing with an Err. Row.Rollout is set
	// in the rows that the rollout wrote, and in no others; with "" in none.
	Survey(ctx context.Context, locations []Location, rollout string) []Standing

	// Open takes a connection for one tenant. It waits while the server's limit of connections is reached.
	Open(ctx context.Context, location Location) (Session, error)

	// QueryEach runs a read-only query in each of locations: see [Engine.QueryEach]. It refuses what [ReadOnlyQuery] refuses.
	QueryEach(ctx context.Context, locations []Location, query string) []QueryResult

	// Sizes returns the sizes of locations in bytes: see [Engine.Sizes].
	Sizes(ctx context.Context, locations []Location) []int64

	// Close closes all connections; sessions must be closed before.
	Close() error
}

// Session changes one tenant. It is used by one goroutine.
type Session interface {
	// Apply runs consecutive transactional parts, each its own transaction that takes the tenant's lock by
	// try, checks that the tenant stands at Part.Before, that rows which go are Work.Of's and that no half done section
	// is in the way (Part.Blocked), runs bodies, writes rows, forgets how far sections of the same revisions had come, a
	// stamp that of all, and commits.
	// It returns how many parts are committed for certain, at least one without an error: a long chain may take
	// several calls. Class Uncertain: some or all of those after may be too.
	Apply(ctx context.Context, work Work) (committed int, err error)

	// ApplyNoTx runs the single no-transaction part of work under a session lock, statement by statement with a journal in
	// the tenant, so that a later call resumes where this one was cut off.
	ApplyNoTx(ctx context.Context, work Work) error

	// ResolveInDoubt polls for the tenant's lock until ctx ends, and reads what is applied, and by which rollout. That
	// answers whether an uncertain commit succeeded, since the lock is free only once the old transaction has ended.
	ResolveInDoubt(ctx context.Context) (*Applied, SchemaID, error)

	// Rehearse runs consecutive transactional parts, at least one, in one transaction and rolls it back: see
	// [Engine.Rehearse]. A step that needs a commit before it is Untried, with all after it. It never returns class
	// Uncertain.
	Rehearse(ctx context.Context, work Work) (Rehearsal, error)

	// Close gives the connection back, or closes it where its state is in doubt.
	Close()
}

// Work is what one call of Apply does.
type Work struct {
	SchemaID         SchemaID
	Parts            []Part
	Bodies           map[*revision.Section][]revision.Statement // rendered template bodies; nil when there are none
	LockTimeout      time.Duration                              // 0 = wait without end
	StatementTimeout time.Duration                              // 0 = none
	Rollout          string                                     // recorded with each row; may be ""
	Tool             string                                     // recorded with each row
	Of               string                                     // see Plan.Of
	Notice           func(Notice)                               // called with each notice of a body, by the goroutine that applies it; nil = notices are dropped
}

// Statements returns the statements of a step: none for a stamp.
func (w *Work) Statements(s Step) []revision.Statement { return statements(w.Bodies, s) }
