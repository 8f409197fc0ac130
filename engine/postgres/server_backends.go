package postgres

import (
	"context"
	"fmt"
	"slices"
	"strconv"
	"time"

	"github.com/jackc/pgx/v5/pgconn"

	"github.com/skeindb/skein/engine"
)

const backendColumns = `SELECT pid, application_name, datname, usename, client_addr, state, NULLIF(pg_catalog.concat_ws(':', wait_event_type, wait_event), 'Client:ClientRead'), query,
(1000 * pg_catalog.date_part('epoch', pg_catalog.clock_timestamp() - COALESCE(xact_start, state_change, backend_start)))::pg_catalog.int8
FROM pg_catalog.pg_stat_activity WHERE backend_type = 'client backend' AND pid <> pg_catalog.pg_backend_pid() AND `

// Backends lists the sessions with an application_name that run a statement or hold an advisory lock, such as a tenant's,
// without this DB's own connections. Behind a pooler, sessions are shared and keep the name that was set last: there a
// session counts only while it both runs a statement and holds such a lock.
func (db *DB) Backends(ctx context.Context, server, application string) ([]engine.Backend, error) {
	srv, err := db.server(server)
	if err != nil {
		return nil, err
	}
	c, err := srv.acquire(ctx, srv.database)
	if err != nil {
		return nil, err
	}
	defer srv.release(c)
	atWork := " OR "
	if c.endpoint.pooled {
		atWork = " AND "
	}
	results, err := c.query(ctx, backendColumns+"application_name = "+literal(application)+" AND (state <> 'idle'"+atWork+
		"pid IN (SELECT l.pid FROM pg_catalog.pg_locks l WHERE l.locktype = 'advisory' AND l.granted)) ORDER BY pid")
	if err != nil {
		return nil, classify(ctx, err)
	}
	var others []engine.Backend
	for _, b := range backends(results[0]) {
		if !srv.ours(b.PID) {
			others = append(others, b)
		}
	}
	return others, nil
}

// ours reports whether a backend serves a connection of this DB.
func (s *server) ours(pid uint32) bool {
	return slices.ContainsFunc(s.aliases(), func(same *server) bool { return same.owns(pid) })
}

func backends(r *pgconn.Result) []engine.Backend {
	all := make([]engine.Backend, len(r.Rows))
	for i, v := range r.Rows {
		ms, _ := strconv.ParseInt(string(v[8]), 10, 64)
		all[i] = engine.Backend{
			PID: parseOID(v[0]), Application: string(v[1]), Database: string(v[2]), User: string(v[3]), Client: string(v[4]),
			State: string(v[5]), Waits: string(v[6]), Query: cut(string(v[7])), Age: time.Duration(ms) * time.Millisecond,
		}
	}
	return all
}

// Terminate ends a session. A session that is already gone is no error.
func (db *DB) Terminate(ctx context.Context, server string, pid uint32) error {
	srv, err := db.server(server)
	if err != nil {
		return err
	}
	_, err = srv.query(ctx, srv.database, fmt.Sprintf("SELECT pg_catalog.pg_terminate_backend(%d)", pid))
	if hasState(err, statePrivilege) {
		e := *classify(ctx, err)
		e.Advice = "it belongs to another role: GRANT pg_signal_backend TO " + ident(srv.base.User) + ", or end it yourself"
		return &e
	}
	return err
}
