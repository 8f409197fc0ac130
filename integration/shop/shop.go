// Package shop is a realistic history of ten revisions for tests and benchmarks: six tables with keys,
// foreign keys and indexes, columns added later, constraints NOT VALID then validated, backfills.
package shop

import (
	"embed"
	"io/fs"

	"github.com/skeindb/skein/engine/revision"
)

//go:embed postgres sqlite
var files embed.FS

// FS returns the revision files of one dialect.
func FS(dialect revision.Dialect) fs.FS {
	sub, err := fs.Sub(files, string(dialect))
	if err != nil {
		panic(err) // the folders are embedded above
	}
	return sub
}

// Tables are the tables that exist at head, sorted.
var Tables = []string{"customers", "order_lines", "orders", "payments", "products", "shipments"}
