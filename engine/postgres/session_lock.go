package postgres

import (
	"context"
	"crypto/sha256"
	"encoding/binary"
	"fmt"
	"math/rand/v2"
	"strconv"
	"strings"
	"time"

	"github.com/skeindb/skein/engine"
)

// lockKey is the advisory lock key of a tenant: the first 8 bytes, big endian, of the SHA-256 of
// "skein/tenant" NUL database NUL schema NUL version table. It is part of skein's contract with other versions of
// itself and with scripts that want to keep it away from a tenant:
//
//	SELECT pg_advisory_lock(('x' || left(encode(sha256('skein/tenant\000db\000schema\000skein_version'), 'hex'), 16))::bit(64)::bigint)
func lockKey(database, schema, table string) int64 {
	sum := sha256.Sum256([]byte(strings.Join([]string{"skein/tenant", database, schema, table}, "\x00")))
	return int64(binary.BigEndian.Uint64(sum[:]))
}

func (s *session) lockKey() int64 {
	return lockKey(s.location.Database, s.location.Schema, s.db.table.name)
}

// lockSQL is the statement that fails unless the lock is free, the schema still has the OID that the survey read, and it is the
// first of the search path, which a schema without USAGE is not. A session that waits for the lock would hold a snapshot that
// CREATE INDEX CONCURRENTLY waits for, and so deadlock with one that runs under the lock.
//
// One statement, since CASE asks in this order; what is applied is another one's business, because its
// snapshot has to be later than the lock. absent is a table that must not be there; "" = none.
func lockSQL(key int64, schema string, oid uint32, absent string) string {
	more := ""
	if absent != "" {
		more = " WHEN pg_catalog.to_regclass(" + literal(absent) + ") IS NOT NULL THEN '" + markStale + "'"
	}
	return fail("WHEN NOT pg_catalog.pg_try_advisory_xact_lock(" + strconv.FormatInt(key, 10) + ") THEN '" + markBusy +
		"' WHEN " + schemaIs(schema, oid) + " IS NOT TRUE THEN '" + markGone +
		"' WHEN " + leads(schema) + " IS NOT TRUE THEN '" + markPath + "'" + more)
}

// poll is a loop with growing pauses that ends with its context.
type poll struct{ pause time.Duration }

const (
	firstPause   = 20 * time.Millisecond
	longestPause = 500 * time.Millisecond
)

// wait pauses; false means that ctx has ended.
func (p *poll) wait(ctx context.Context) bool {
	p.pause = min(max(2*p.pause, firstPause), longestPause)
	timer := time.NewTimer(p.pause/2 + rand.N(p.pause/2))
	defer timer.Stop()
	select {
	case <-timer.C:
		return true
	case <-ctx.Done():
		return false
	}
}

// ResolveInDoubt implements [engine.Session].
func (s *session) ResolveInDoubt(ctx context.Context) (*engine.Applied, engine.SchemaID, error) {
	c, err := s.connection(ctx)
	if err != nil {
		return nil, engine.SchemaID{}, err
	}
	for p := (poll{}); ; {
		applied, mark, locked, err := s.tryReadApplied(ctx, c)
		switch {
		case err != nil && (ctx.Err() == nil || c.pg.IsClosed()):
			return nil, engine.SchemaID{}, classify(ctx, err)
		case err == nil && locked:
			return applied, mark, nil
		}
		if !p.wait(ctx) {
			return nil, engine.SchemaID{}, s.stillLocked(ctx)
		}
	}
}

func (s *session) stillLocked(ctx context.Context) error {
	if ctx.Err() == context.Canceled {
		return classify(ctx, ctx.Err())
	}
	return s.busy(ctx, "the tenant's lock is still held, and where the tenant stands can be read only once it is free")
}

// tryReadApplied reads what is applied if the lock is free.
func (s *session) tryReadApplied(ctx context.Context, c *conn) (applied *engine.Applied, mark engine.SchemaID, locked bool, err error) {
	defer c.rollback(ctx)
	schema := s.location.Schema
	results, err := c.query(ctx, fmt.Sprintf("BEGIN ISOLATION LEVEL READ COMMITTED; SELECT pg_catalog.pg_try_advisory_xact_lock(%d); "+
		"SELECT n.oid, c.oid, EXISTS (SELECT FROM pg_catalog.pg_class WHERE relnamespace = n.oid AND relname = %s) "+
		"FROM pg_catalog.pg_namespace n LEFT JOIN pg_catalog.pg_class c ON c.relnamespace = n.oid AND c.relname = %s WHERE n.nspname = %s",
		s.lockKey(), literal(s.db.table.name+journalSuffix), literal(s.db.table.name), literal(schema)))
	if err != nil {
		return nil, mark, false, err
	}
	if firstValue(results[1]) != "t" {
		return nil, mark, false, nil
	}
	if len(results[2].Rows) == 0 {
		return nil, mark, false, s.gone()
	}
	mark.SchemaOID, mark.HasSteps = parseOID(results[2].Rows[0][0]), isTrue(results[2].Rows[0][2])
	if results[2].Rows[0][1] == nil {
		return &engine.Applied{}, mark, true, nil
	}
	mark.HasTable = true
	results, err = c.query(ctx, s.db.table.rows(schema))
	if err != nil {
		return nil, mark, false, err
	}
	return readApplied(results[0].Rows), mark, true, nil
}

func readApplied(rows [][][]byte) *engine.Applied {
	a := &engine.Applied{Rows: make([]engine.Row, len(rows))}
	for i, r := range rows {
		a.Rows[i] = engine.Row{Revision: string(r[0]), Checksum: string(r[1])}
		if len(r) > 2 {
			a.Rows[i].Rollout = string(r[2])
		}
	}
	return a
}

func parseOID(text []byte) uint32 {
	n, _ := strconv.ParseUint(string(text), 10, 32)
	return uint32(n)
}

// busy is the error that says who holds the tenant's lock, as far as the role may see it.
func (s *session) busy(ctx context.Context, message string) *engine.Error {
	key := uint64(s.lockKey())
	return &engine.Error{
		Class:   engine.Busy,
		Message: message,
		Advice: s.holders(ctx, fmt.Sprintf("l.locktype = 'advisory' AND l.database = (SELECT oid FROM pg_catalog.pg_database WHERE datname = pg_catalog.current_database()) "+
			"AND l.classid = %d AND l.objid = %d AND l.objsubid = 1", key>>32, key&0xffffffff)),
	}
}

// holdersTime bounds the query for the sessions that hold a lock.
const holdersTime = time.Second

// holders names, as advice, the sessions that hold locks that meet a condition on pg_locks l; "" where none is visible.
func (s *session) holders(ctx context.Context, which string) string {
	ctx, cancel := context.WithTimeout(context.WithoutCancel(ctx), holdersTime)
	defer cancel()
	if s.conn == nil || s.conn.pg.IsClosed() {
		return ""
	}
	results, err := s.conn.query(ctx, "SELECT pg_catalog.concat('pid ', a.pid, ' (', pg_catalog.concat_ws(', ', NULLIF(a.application_name, ''), a.usename, a.state, "+
		"'since ' || pg_catalog.to_char(COALESCE(a.xact_start, a.state_change), 'HH24:MI:SS'), pg_catalog.string_agg(DISTINCT l.relation::pg_catalog.regclass::text, ' ')), ')') "+
		"FROM pg_catalog.pg_locks l JOIN pg_catalog.pg_stat_activity a ON a.pid = l.pid "+
		"WHERE l.granted AND l.pid <> pg_catalog.pg_backend_pid() AND "+which+
		" GROUP BY a.pid, a.application_name, a.usename, a.state, a.xact_start, a.state_change ORDER BY COALESCE(a.xact_start, a.state_change) LIMIT 3")
	if err != nil || len(results[0].Rows) == 0 {
		return ""
	}
	var names []string
	for _, r := range results[0].Rows {
		names = append(names, string(r[0]))
	}
	return "held by " + strings.Join(names, ", ")
}
