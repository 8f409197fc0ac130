package discover

import "github.com/skeindb/skein/engine/postgres"

// Filter says which names of a catalog are wanted.
type Filter = postgres.Filter

var (
	_ Catalog  = (*postgres.DB)(nil)
	_ Registry = (*postgres.DB)(nil)
)
