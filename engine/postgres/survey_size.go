package postgres

import (
	"context"
	"slices"
	"strconv"
	"strings"
	"time"

	"github.com/skeindb/skein/engine"
)

// sizeLockTimeout is how long a statement waits for a relation that was locked after the statement read the locks.
const sizeLockTimeout = 100 * time.Millisecond

// Sizes implements [engine.Database]. The files of tables, materialized views, sequences, indexes and TOAST tables count,
// without free space and visibility maps.
//
// Reading the size of a file takes a lock, for which another session may make it wait. The size of a locked relation is
// therefore taken from the catalog, as the last VACUUM or ANALYZE left it; so are the sizes of a chunk of 250 schemas in
// which a lock was taken in between.
func (db *DB) Sizes(ctx context.Context, locations []engine.Location) []int64 {
	sizes := make([]int64, len(locations))
	for i := range sizes {
		sizes[i] = -1
	}
	db.eachDatabase(locations, func(srv *server, database string, mine []int, err error) {
		if err != nil {
			return
		}
		c, err := srv.acquire(ctx, database)
		if err != nil {
			return
		}
		defer func() { srv.release(c) }()
		for chunk := range slices.Chunk(mine, surveyChunk) {
			if c.pg.IsClosed() || ctx.Err() != nil {
				return
			}
			c.sizes(ctx, locations, chunk, sizes)
		}
	})
	return sizes
}

// sizes fills in the sizes of one chunk's locations.
func (c *conn) sizes(ctx context.Context, locations []engine.Location, chunk []int, sizes []int64) {
	names := make([]string, len(chunk))
	for n, i := range chunk {
		names[n] = locations[i].Schema
	}
	rows, err := c.measure(ctx, names, sizeOfFiles)
	if hasState(err, stateLockTimeout) {
		rows, err = c.measure(ctx, names, sizeOfCatalog)
	}
	if err != nil {
		return
	}
	bytes := map[string]int64{}
	for _, row := range rows {
		if n, err := strconv.ParseInt(string(row[1]), 10, 64); err == nil {
			bytes[string(row[0])] = n
		}
		relations, _ := strconv.Atoi(string(row[2]))
		c.statements += relations // each stays in the backend's caches
	}
	for n, i := range chunk {
		if size, there := bytes[names[n]]; there {
			sizes[i] = size
		}
	}
}

// measure returns a row of name, bytes and number of relations for each schema that is there.
func (c *conn) measure(ctx context.Context, schemas []string, size string) ([][][]byte, error) {
	defer c.rollback(ctx)
	results, err := c.query(ctx, "BEGIN ISOLATION LEVEL READ COMMITTED READ ONLY; SET LOCAL jit = off; SET LOCAL lock_timeout = "+milliseconds(sizeLockTimeout)+
		"; SET LOCAL statement_timeout = "+milliseconds(timeLeft(ctx))+"; "+
		strings.NewReplacer("$names", array(schemas), "$size", size).Replace(sizeQuery)+"; ROLLBACK")
	if err != nil {
		return nil, err
	}
	const settings = 4
	return results[settings].Rows, nil
}

const (
	sizeOfCatalog = "r.relpages::pg_catalog.int8 * pg_catalog.current_setting('block_size')::pg_catalog.int8"
	sizeOfFiles   = "CASE WHEN r.oid IN (SELECT relation FROM locked) THEN " + sizeOfCatalog + " ELSE pg_catalog.pg_relation_size(r.oid) END"
)

const sizeQuery = `WITH tenant AS MATERIALIZED (
	SELECT oid, nspname FROM pg_catalog.pg_namespace WHERE nspname = ANY ($names::pg_catalog.name[])
), locked AS MATERIALIZED (
	SELECT relation FROM pg_catalog.pg_locks WHERE locktype = 'relation' AND mode = 'AccessExclusiveLock'
		AND database = (SELECT oid FROM pg_catalog.pg_database WHERE datname = pg_catalog.current_database())
), own AS MATERIALIZED (
	SELECT c.oid, c.relnamespace AS tenant, c.relpages, c.reltoastrelid
	FROM tenant t JOIN pg_catalog.pg_class c ON c.relnamespace = t.oid WHERE c.relkind IN ('r', 'm', 'i', 'S')
), toast AS MATERIALIZED (
	SELECT c.oid, o.tenant, c.relpages FROM own o JOIN pg_catalog.pg_class c ON c.oid = o.reltoastrelid
), relation AS (
	SELECT oid, tenant, relpages FROM own
	UNION ALL SELECT oid, tenant, relpages FROM toast
	UNION ALL SELECT c.oid, t.tenant, c.relpages
		FROM toast t JOIN pg_catalog.pg_index i ON i.indrelid = t.oid JOIN pg_catalog.pg_class c ON c.oid = i.indexrelid
) SELECT t.nspname, COALESCE(pg_catalog.sum($size), 0)::pg_catalog.int8, pg_catalog.count(r.oid)
FROM tenant t LEFT JOIN relation r ON r.tenant = t.oid GROUP BY t.nspname`
