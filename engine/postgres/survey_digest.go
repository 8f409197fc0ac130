package postgres

import (
	"context"
	"strconv"
	"strings"
	"sync"
	"time"

	"github.com/jackc/pgx/v5/pgconn"

	"github.com/skeindb/skein/engine"
)

// The server computes a digest of each version table, and rows are read once a digest: a fleet of 10,000 tenants in three
// cohorts costs 10,000 digests and three tables. Tenants with equal tables share one engine.Applied.

// surveyLockTimeout is how long the first query of a chunk waits for a locked table, and surveyRetryLockTimeout how long each later one
// waits, while the chunk is halved to find that table.
const (
	surveyLockTimeout      = time.Second
	surveyRetryLockTimeout = 100 * time.Millisecond
)

// armsEach is how many tables one statement reads, as arms of a UNION ALL. Measured (PostgreSQL 15, 1,000 tables, one new
// connection): 25 arms 84 ms, 100 arms 95, 250 arms 127; without OFFSET 0, which keeps the planner from pushing the group key
// into every arm, 89, 112 and 150; one SELECT a table 86.
const armsEach = 25

// digest computes the digests of a chunk; a table without rows has none. A chunk that fails is halved until the table that
// fails is alone.
func (s *survey) digest(ctx context.Context, c *conn, chunk []int, digests []string, patience time.Duration) {
	results, err := s.read(ctx, c, patience, s.statements(chunk, digestQuery)...)
	if err != nil {
		s.halve(ctx, c, chunk, err, func(half []int) { s.digest(ctx, c, half, digests, surveyRetryLockTimeout) })
		return
	}
	eachRow(results, func(n int, row [][]byte) { digests[chunk[n]] = string(row[0]) })
}

// eachRow calls take with the rows, which begin with an index into the chunk.
func eachRow(results []*pgconn.Result, take func(n int, row [][]byte)) {
	for _, r := range results {
		for _, row := range r.Rows {
			n, _ := strconv.Atoi(string(row[0]))
			take(n, row[1:])
		}
	}
}

// halve calls again with each half of a chunk that failed.
func (s *survey) halve(ctx context.Context, c *conn, chunk []int, err error, again func([]int)) {
	switch {
	case !isArm(err) || c.pg.IsClosed():
		s.fail(chunk, engine.Unreachable, classify(ctx, err))
	case len(chunk) == 1:
		s.tableError(ctx, c, chunk[0], err)
	default:
		again(chunk[:len(chunk)/2])
		if c.pg.IsClosed() {
			s.fail(chunk[len(chunk)/2:], engine.Unreachable, classify(ctx, err))
			return
		}
		again(chunk[len(chunk)/2:])
	}
}

// read runs queries in a short transaction of one snapshot and returns their results.
func (s *survey) read(ctx context.Context, c *conn, patience time.Duration, queries ...string) ([]*pgconn.Result, error) {
	defer c.rollback(ctx)
	c.statements += len(queries) * armsEach // each table stays in the backend's caches
	const settings = 5
	results, err := c.query(ctx, "BEGIN ISOLATION LEVEL REPEATABLE READ READ ONLY; SET LOCAL jit = off; SET LOCAL row_security = off; SET LOCAL statement_timeout = 0; SET LOCAL lock_timeout = "+
		milliseconds(patience)+"; "+strings.Join(queries, "; ")+"; COMMIT")
	if err != nil {
		return nil, err
	}
	return results[settings : settings+len(queries)], nil
}

// The queries over the arms of a chunk. SHA-256, as servers in FIPS mode have no md5.
const (
	digestQuery = `SELECT n, pg_catalog.encode(pg_catalog.sha256(pg_catalog.convert_to(pg_catalog.string_agg(revision || E'\x01' || COALESCE(checksum, '')$own, E'\x02' ORDER BY revision COLLATE "C"), 'UTF8')), 'hex') FROM ($arms OFFSET 0) rows GROUP BY n`
	rowsQuery   = `SELECT n, $columns FROM ($arms OFFSET 0) rows ORDER BY n, revision COLLATE "C"`
)

// fill completes a query, with the column of the rollout whose rows are marked.
func (s *survey) fill(query, arms string) string {
	columns, own := "revision, checksum", ""
	if s.rollout != "" {
		columns, own = "revision, checksum, rollout", ` || E'\x01' || COALESCE(rollout, '')`
	}
	return strings.NewReplacer("$arms", arms, "$own", own, "$columns", columns).Replace(query)
}

// statements returns the query for all tables of a chunk, in several statements; n counts through the whole chunk.
func (s *survey) statements(chunk []int, query string) []string {
	var all []string
	for from := 0; from < len(chunk); from += armsEach {
		to := min(from+armsEach, len(chunk))
		all = append(all, s.fill(query, s.arms(chunk, from, to)))
	}
	return all
}

func (s *survey) arms(chunk []int, from, to int) string {
	var b strings.Builder
	for k := from; k < to; k++ {
		if k > from {
			b.WriteString(" UNION ALL ")
		}
		b.WriteString("SELECT ")
		b.WriteString(strconv.Itoa(k))
		if k == from {
			b.WriteString(" AS n")
		}
		b.WriteString(", revision, checksum")
		if s.rollout != "" {
			b.WriteString(", CASE WHEN rollout OPERATOR(pg_catalog.=) " + literal(s.rollout) + " THEN rollout END")
			if k == from {
				b.WriteString(" AS rollout")
			}
		}
		b.WriteString(" FROM ")
		b.WriteString(s.db.table.in(s.locations[chunk[k]].Schema))
	}
	return b.String()
}

// exemplars reads the rows of one table for each digest that is not known yet, and gives them to all tenants with the digest.
// A table that changed since its digest was computed gets the rows that it has now; the others with that digest wait for the
// next round. Each round finishes at least the tables that it reads.
func (s *survey) exemplars(ctx context.Context, tables []int, digests []string) {
	for len(tables) > 0 {
		var ask []int
		asked := map[string]bool{}
		for _, i := range tables {
			if d := digests[i]; !asked[d] && s.cohorts.get(d) == nil {
				asked[d] = true
				ask = append(ask, i)
			}
		}
		s.chunks(ctx, ask, func(c *conn, chunk []int) { s.exemplar(ctx, c, chunk, surveyLockTimeout) })
		var left []int
		for _, i := range tables {
			if s.standings[i].Err != nil || s.standings[i].Applied != nil {
				continue
			}
			if s.standings[i].Applied = s.cohorts.get(digests[i]); s.standings[i].Applied == nil {
				left = append(left, i)
			}
		}
		tables = left
	}
}

// exemplar reads digests and rows of a chunk in one snapshot.
func (s *survey) exemplar(ctx context.Context, c *conn, chunk []int, patience time.Duration) {
	digest := s.statements(chunk, digestQuery)
	results, err := s.read(ctx, c, patience, append(digest, s.statements(chunk, rowsQuery)...)...)
	if err != nil {
		s.halve(ctx, c, chunk, err, func(half []int) { s.exemplar(ctx, c, half, surveyRetryLockTimeout) })
		return
	}
	now, rows := make([]string, len(chunk)), make([][][][]byte, len(chunk))
	eachRow(results[:len(digest)], func(n int, row [][]byte) { now[n] = string(row[0]) })
	eachRow(results[len(digest):], func(n int, row [][]byte) { rows[n] = append(rows[n], row) })
	for n, i := range chunk {
		if now[n] == "" {
			s.standings[i].Applied = s.cohorts.empty
		} else {
			s.standings[i].Applied = s.cohorts.put(now[n], rows[n])
		}
	}
}

// cohorts holds one Applied a digest, over all databases of a survey. It is safe for concurrent use.
type cohorts struct {
	empty *engine.Applied // never changed

	mu sync.Mutex
	by map[string]*engine.Applied // guarded by mu
}

func newCohorts() *cohorts {
	return &cohorts{empty: &engine.Applied{}, by: map[string]*engine.Applied{}}
}

func (k *cohorts) get(digest string) *engine.Applied {
	k.mu.Lock()
	defer k.mu.Unlock()
	return k.by[digest]
}

func (k *cohorts) put(digest string, rows [][][]byte) *engine.Applied {
	k.mu.Lock()
	defer k.mu.Unlock()
	if k.by[digest] == nil {
		k.by[digest] = readApplied(rows)
	}
	return k.by[digest]
}
