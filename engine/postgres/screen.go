package postgres

import (
	"context"

	"github.com/skeindb/skein/engine"
)

var _ engine.Screener = (*DB)(nil)

// Screen implements [engine.Screener].
func (db *DB) Screen(ctx context.Context, candidates []engine.Candidate) []error {
	refused := make([]error, len(candidates))
	db.screenExtensions(ctx, candidates, refused)
	db.screenNames(ctx, candidates, refused)
	return refused
}
