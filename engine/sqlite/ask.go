package sqlite

import (
	"context"

	"github.com/skeindb/skein/engine"
)

// Ask implements engine.Database.
func (db *DB) Ask(ctx context.Context, targets []engine.Target, query string) []engine.Reply {
	panic("not built")
}
