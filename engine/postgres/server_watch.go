package postgres

import (
	"context"
	"fmt"
	"strconv"
	"strings"
	"time"

	"github.com/jackc/pgx/v5/pgconn"

	"github.com/skeindb/skein/engine"
)

// Watch asks a server, while statements run there, which sessions tenants wait for; tenants that wait for none are not in the
// result. An error that wraps a timeout says that the server does not answer.
//
// A connection whose backend is missing twice in a row is closed: the end of the backend was lost on the way, and its user
// would wait until the network times out. Watch takes a slot of the server's limit, or, where all are taken, one more
// connection for the moment.
func (db *DB) Watch(ctx context.Context, server string, locations []engine.Location) (map[engine.Location][]engine.Holder, error) {
	srv, err := db.server(server)
	if err != nil {
		return nil, err
	}
	byKey := map[string]engine.Location{}
	for _, t := range locations {
		byKey[strconv.FormatInt(lockKey(t.Database, t.Schema, db.table.name), 10)] = t
	}
	c, done, err := srv.watchConn(ctx)
	if err != nil {
		return nil, err
	}
	defer done()
	results, err := c.query(ctx, watchQuery(byKey)+"; SELECT pid FROM pg_catalog.pg_stat_activity")
	if err != nil {
		return nil, classify(ctx, err)
	}
	if !c.endpoint.pooled {
		srv.closeLost(c, results[1])
	}
	waits := map[engine.Location][]engine.Holder{}
	for _, r := range results[0].Rows {
		t := byKey[string(r[0])]
		if len(waits[t]) < mostHolders {
			waits[t] = append(waits[t], holder(r[1:]))
		}
	}
	return waits, nil
}

const mostHolders = 3 // of a tenant

// watchQuery selects the sessions that hold advisory locks of tenants, and those that they wait for, oldest transaction first.
func watchQuery(byKey map[string]engine.Location) string {
	keys := make([]string, 0, len(byKey))
	for key := range byKey {
		keys = append(keys, key)
	}
	return `SELECT mine.key, b.pid, a.application_name, a.usename, COALESCE(a.state, a.backend_type),
(1000 * pg_catalog.date_part('epoch', pg_catalog.clock_timestamp() - COALESCE(a.xact_start, a.state_change, a.backend_start)))::pg_catalog.int8, a.query
FROM (SELECT l.pid, (l.classid::pg_catalog.int8 << 32) | l.objid::pg_catalog.int8 AS key FROM pg_catalog.pg_locks l
WHERE l.locktype = 'advisory' AND l.objsubid = 1 AND l.granted AND l.pid IS NOT NULL) mine
JOIN pg_catalog.pg_stat_activity w ON w.pid = mine.pid AND w.wait_event_type = 'Lock'
CROSS JOIN LATERAL (SELECT DISTINCT pid FROM pg_catalog.unnest(pg_catalog.pg_blocking_pids(mine.pid)) u(pid)) b
LEFT JOIN pg_catalog.pg_stat_activity a ON a.pid = b.pid
WHERE mine.key = ANY ('{` + strings.Join(keys, ",") + `}'::pg_catalog.int8[]) ORDER BY a.xact_start NULLS LAST, b.pid`
}

func holder(v [][]byte) engine.Holder {
	ms, _ := strconv.ParseInt(string(v[4]), 10, 64)
	return engine.Holder{
		PID: parseOID(v[0]), Application: string(v[1]), User: string(v[2]), State: string(v[3]),
		Age: time.Duration(ms) * time.Millisecond, Query: cut(withoutValues(string(v[5]))),
	}
}

// watchConn returns a connection for Watch, and the function that gives it back.
func (s *server) watchConn(ctx context.Context) (c *conn, done func(), err error) {
	select {
	case s.slots <- struct{}{}:
		if c, err = s.takeConn(ctx, s.database); err != nil {
			s.freeSlot()
			return nil, nil, err
		}
		return c, func() { s.release(c) }, nil
	default:
	}
	if c, err = s.dial(ctx, s.base, s.database); err != nil {
		return nil, nil, err
	}
	return c, c.close, nil
}

// closeLost closes the connections to the address of c whose backends were missing in this result and the one before. One result
// is not enough: a connection may have been opened after it.
func (s *server) closeLost(c *conn, there *pgconn.Result) {
	present := map[uint32]bool{}
	for _, r := range there.Rows {
		present[parseOID(r[0])] = true
	}
	s.mu.Lock()
	defer s.mu.Unlock()
	at := fmt.Sprint(c.pg.Conn().RemoteAddr())
	for pid, mine := range s.pids {
		switch {
		case present[pid] || mine.endpoint.pooled || fmt.Sprint(mine.remote) != at:
			mine.unseen = 0
		case mine.unseen == 0:
			mine.unseen = 1
		default:
			_ = mine.raw.Close() // its user then gets an error
		}
	}
}
