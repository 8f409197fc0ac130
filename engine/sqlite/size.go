package sqlite

import (
	"context"

	"github.com/skeindb/skein/engine"
)

// Sizes implements engine.Database.
func (db *DB) Sizes(ctx context.Context, targets []engine.Target) []int64 {
	panic("not built")
}
