package postgres

import (
	"context"
	"strconv"
	"time"

	"github.com/jackc/pgx/v5/pgconn"

	"github.com/skeindb/skein/engine"
)

// Health is the state of a server that matters to a rollout.
type Health struct {
	Version  string // as in server_version
	Number   int    // as in server_version_num: 150018
	Encoding string
	Role     string // that we connect as

	MaxConnections int
	Reserved       int // of those, for superusers and pg_use_reserved_connections
	InUse          int
	Free           int // connections that may still be opened, by the limits of server, role and the URL's database
	LocksPerTx     int // max_locks_per_transaction

	Pooled       bool // URL leads to a pooler
	DirectPooled bool // DirectURL does too
	Recovering   bool // the server is a standby
	ReadOnly     bool // default_transaction_read_only, by role, database or server
	ClientCheck  bool // client_connection_check_interval may be set

	Superuser bool // the role is a superuser

	Long    []engine.Backend // transactions older than five minutes, oldest first; at most 20
	Unusual []Unusual        // of the server, its databases and this role
	Invalid []string         // indexes that are not valid, as database/schema.index, of the given databases
	Builds  []Build          // indexes that are being built or dropped; they are not in Invalid
}

// Build is an index that is being built or dropped concurrently.
type Build struct {
	Index string // as database/schema.index
	PID   uint32 // of the session that builds or drops it
}

// Health reads the state of a server. Invalid indexes are looked for in the given databases; none means the URL's own.
func (db *DB) Health(ctx context.Context, server string, databases ...string) (Health, error) {
	srv, err := db.server(server)
	if err != nil {
		return Health{}, err
	}
	h := Health{}
	if err := srv.readConnections(ctx, &h); err != nil {
		return h, err
	}
	if err := srv.readSettings(ctx, &h); err != nil {
		return h, err
	}
	if err := srv.readUnusual(ctx, &h); err != nil {
		return h, err
	}
	long, err := srv.query(ctx, srv.database, backendColumns+"xact_start < pg_catalog.clock_timestamp() - "+literal(longTime)+"::pg_catalog.interval ORDER BY xact_start LIMIT 20")
	if err != nil {
		return h, err
	}
	h.Long = backends(long)
	if len(databases) == 0 {
		databases = []string{srv.database}
	}
	for _, name := range databases {
		if err := srv.readInvalid(ctx, name, &h); err != nil {
			return h, err
		}
	}
	return h, srv.readDirect(ctx, &h)
}

const longTime = "5 minutes"

// readInvalid finds the indexes of a database that are not valid. A session that builds one holds ShareUpdateExclusiveLock on
// its table, a mode that conflicts with itself, so that only one session at a time can hold it.
func (s *server) readInvalid(ctx context.Context, database string, h *Health) error {
	r, err := s.query(ctx, database, `SELECT n.nspname || '.' || c.relname, COALESCE((SELECT p.pid FROM pg_catalog.pg_stat_progress_create_index p WHERE p.index_relid = i.indexrelid LIMIT 1), (SELECT l.pid FROM pg_catalog.pg_locks l JOIN pg_catalog.pg_stat_activity a ON a.pid = l.pid
WHERE l.locktype = 'relation' AND l.relation = i.indrelid AND l.database = (SELECT oid FROM pg_catalog.pg_database WHERE datname = pg_catalog.current_database())
AND l.mode = 'ShareUpdateExclusiveLock' AND l.granted AND a.backend_type = 'client backend' LIMIT 1))
FROM pg_catalog.pg_index i JOIN pg_catalog.pg_class c ON c.oid = i.indexrelid
JOIN pg_catalog.pg_namespace n ON n.oid = c.relnamespace WHERE NOT i.indisvalid AND c.relkind = 'i' ORDER BY 1`)
	if err != nil {
		return err
	}
	for _, row := range r.Rows {
		name := database + "/" + string(row[0])
		if row[1] != nil {
			h.Builds = append(h.Builds, Build{Index: name, PID: parseOID(row[1])})
		} else {
			h.Invalid = append(h.Invalid, name)
		}
	}
	return nil
}

func (s *server) readConnections(ctx context.Context, h *Health) error {
	r, err := s.query(ctx, s.database, `SELECT pg_catalog.current_setting('max_connections'),
pg_catalog.current_setting('superuser_reserved_connections')::pg_catalog.int4 + COALESCE(pg_catalog.current_setting('reserved_connections', true), '0')::pg_catalog.int4,
(SELECT pg_catalog.count(*) FROM pg_catalog.pg_stat_activity WHERE backend_type IN ('client backend', 'background worker', 'parallel worker')),
r.rolconnlimit, (SELECT pg_catalog.count(*) FROM pg_catalog.pg_stat_activity WHERE usesysid = r.oid AND backend_type = 'client backend'),
d.datconnlimit, (SELECT pg_catalog.count(*) FROM pg_catalog.pg_stat_activity WHERE datid = d.oid AND backend_type = 'client backend'),
pg_catalog.current_setting('max_locks_per_transaction'), r.rolsuper, r.rolname
FROM pg_catalog.pg_roles r, pg_catalog.pg_database d WHERE r.rolname = session_user AND d.datname = pg_catalog.current_database()`)
	if err != nil {
		return err
	}
	h.MaxConnections, h.Reserved, h.InUse = number(r, 0), number(r, 1), number(r, 2)
	h.LocksPerTx, h.Superuser, h.Role = number(r, 7), truth(r, 8), text(r, 9)
	h.Free = h.MaxConnections - h.Reserved - h.InUse
	for limit := 3; limit <= 5 && !h.Superuser; limit += 2 { // of the role, of the database; -1 = none
		if most := number(r, limit); most >= 0 {
			h.Free = min(h.Free, most-number(r, limit+1))
		}
	}
	h.Free = max(0, h.Free)
	return nil
}

func (s *server) readSettings(ctx context.Context, h *Health) error {
	r, err := s.query(ctx, s.database, `SELECT pg_catalog.current_setting('server_version'), pg_catalog.current_setting('server_version_num'),
pg_catalog.current_setting('server_encoding'), pg_catalog.pg_is_in_recovery(),
(SELECT reset_val FROM pg_catalog.pg_settings WHERE name = 'default_transaction_read_only') = 'on'`)
	if err != nil {
		return err
	}
	h.Version, h.Number, h.Encoding = text(r, 0), number(r, 1), text(r, 2)
	h.Recovering, h.ReadOnly = truth(r, 3), truth(r, 4)
	s.endpointMu.Lock()
	defer s.endpointMu.Unlock()
	n := s.endpoints[s.base]
	h.Pooled, h.ClientCheck = n.pooled, n.checksClient
	return nil
}

// readDirect connects by DirectURL, to check that it leads past the pooler.
func (s *server) readDirect(ctx context.Context, h *Health) error {
	if s.direct == nil {
		return nil
	}
	ctx, cancel := context.WithTimeout(ctx, 30*time.Second)
	defer cancel()
	if err := s.takeSlot(ctx); err != nil {
		return err
	}
	defer s.freeSlot()
	c, err := s.takeDirectConn(ctx, s.direct.Database)
	if err != nil {
		return classify(ctx, err)
	}
	h.DirectPooled = c.endpoint.pooled
	s.drop(c)
	return nil
}

func text(r *pgconn.Result, column int) string { return string(r.Rows[0][column]) }

func truth(r *pgconn.Result, column int) bool { return text(r, column) == "t" }

func number(r *pgconn.Result, column int) int {
	n, _ := strconv.Atoi(text(r, column))
	return n
}
