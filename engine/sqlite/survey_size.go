package sqlite

import (
	"context"
	"os"

	"github.com/skeindb/skein/engine"
)

// Sizes implements [engine.Database]: the size of the file and of its write-ahead log. It opens nothing.
func (db *DB) Sizes(ctx context.Context, locations []engine.Location) []int64 {
	sizes := make([]int64, len(locations))
	for i, t := range locations {
		sizes[i] = -1
		if file, err := look(t.File); err == nil && ctx.Err() == nil {
			sizes[i] = file.Size()
			if wal, err := os.Stat(t.File + "-wal"); err == nil {
				sizes[i] += wal.Size()
			}
		}
	}
	return sizes
}
