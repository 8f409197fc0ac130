package postgres

import (
	"context"
	"sync"
	"time"

	"github.com/jackc/pgx/v5/pgconn"
)

// database is what is known of one database: what follows a tenant's schema in the search path, and what a
// body could hit there by accident. A survey reads it anew.
type database struct {
	tail    []string            // of the search path, as far as those schemas are there
	objects map[string][]object // of the tail by name, without what belongs to extensions
	parts   []object            // constraints of the domains among them, by the domain's name
	builtin map[kindName]bool   // those of objects whose name pg_catalog, which comes first in every path, has too

	mu        sync.Mutex
	verdicts  map[verdictKey]verdict // guarded by mu
	functions map[string]bool        // is there a function of that name that the server did not bring; guarded by mu
	code      *code                  // nil = not asked yet; guarded by mu
	asked     time.Time              // when functions and code were empty; guarded by mu
}

func newDatabase(tail []string, rows [][][]byte) *database {
	d := &database{
		tail:      tail,
		objects:   map[string][]object{},
		builtin:   map[kindName]bool{},
		verdicts:  map[verdictKey]verdict{},
		functions: map[string]bool{},
	}
	for _, r := range rows {
		o := object{schema: string(r[0]), kind: r[1][0], name: string(r[2]), oid: parseOID(r[3])}
		d.objects[o.name] = append(d.objects[o.name], o)
		if string(r[4]) == "t" {
			d.builtin[kindName{o.kind, o.name}] = true
		}
	}
	return d
}

// known returns what a survey read of the connection's database, or reads it now.
func (db *DB) known(ctx context.Context, srv *server, c *conn) (*database, error) {
	db.mu.Lock()
	d := db.databases[place{srv.name, c.database}]
	db.mu.Unlock()
	if d != nil {
		return d, nil
	}
	return db.learn(ctx, srv, c)
}

// learn reads the tail of the search path and what is in it, and keeps it for all sessions.
func (db *DB) learn(ctx context.Context, srv *server, c *conn) (*database, error) {
	tail, err := srv.tail(ctx, c)
	if err != nil {
		return nil, err
	}
	var rows [][][]byte
	if len(tail) > 0 {
		results, err := c.query(ctx, db.objectsQuery(tail))
		if err != nil {
			return nil, err
		}
		rows = results[0].Rows
	}
	d := newDatabase(tail, rows)
	if d.parts, err = domainConstraints(ctx, c, tail); err != nil {
		return nil, err
	}
	db.mu.Lock()
	defer db.mu.Unlock()
	db.databases[place{srv.name, c.database}] = d
	return d, nil
}

// tail asks for the schemas that follow the tenant's; ones that are not there would be left out anyway.
func (s *server) tail(ctx context.Context, c *conn) ([]string, error) {
	var sql string
	switch {
	case s.cfg.AutoSearchPath:
		sql = `SELECT DISTINCT n.nspname COLLATE "C" FROM pg_catalog.pg_extension e JOIN pg_catalog.pg_namespace n ON n.oid = e.extnamespace
WHERE n.nspname <> 'pg_catalog' AND pg_catalog.has_schema_privilege(n.oid, 'USAGE') ORDER BY 1`
	case len(s.cfg.SearchPath) > 0:
		sql = "SELECT n.nspname FROM pg_catalog.unnest(" + array(s.cfg.SearchPath) + "::text[]) WITH ORDINALITY p(name, nr) " +
			"JOIN pg_catalog.pg_namespace n ON n.nspname = p.name ORDER BY p.nr"
	default:
		return nil, nil
	}
	results, err := c.query(ctx, sql)
	if err != nil {
		return nil, err
	}
	return firstColumn(results[0]), nil
}

// domainConstraints lists the constraints of domains in some schemas: one that is dropped leaves no other trace.
func domainConstraints(ctx context.Context, c *conn, schemas []string) ([]object, error) {
	if len(schemas) == 0 {
		return nil, nil
	}
	results, err := c.query(ctx, `SELECT n.nspname, t.typname, k.oid FROM pg_catalog.pg_constraint k JOIN pg_catalog.pg_type t ON t.oid = k.contypid
JOIN pg_catalog.pg_namespace n ON n.oid = t.typnamespace WHERE k.contypid <> 0 AND n.nspname = ANY (`+array(schemas)+`::pg_catalog.name[])`)
	if err != nil {
		return nil, err
	}
	var all []object
	for _, r := range results[0].Rows {
		all = append(all, object{schema: string(r[0]), name: string(r[1]), kind: kindType, oid: parseOID(r[2])})
	}
	return all, nil
}

func firstColumn(r *pgconn.Result) []string {
	var values []string
	for _, row := range r.Rows {
		values = append(values, string(row[0]))
	}
	return values
}
