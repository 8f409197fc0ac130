package postgres

import (
	"context"
	"slices"
	"sync"
	"sync/atomic"
	"time"

	"github.com/jackc/pgx/v5/pgconn"
)

// database is what is known of one database: what follows a tenant's schema in the search path, and what a
// body could hit there by accident. A survey reads it anew.
type database struct {
	tail      []string            // of the search path, as far as those schemas are there
	objects   map[string][]object // of the tail by name, without what belongs to extensions
	operators []string            // names of operators among objects
	parts     []object            // constraints of the domains among them, by the domain's name
	builtin   map[kindName]bool   // those of objects whose name pg_catalog, which comes first in every path, has too

	grew atomic.Bool // a step was sent that may have put something into the tail since

	misplaced []Extension // in schemas of tenants, and so not on the path of others

	deviations []deviation // settings that each transaction puts right

	mu        sync.Mutex
	verdicts  map[verdictKey]verdict // guarded by mu
	functions map[string]bool        // is there a function of that name that the server did not bring; guarded by mu
	installed map[string]bool        // is there a function of that name outside pg_catalog; guarded by mu
	compiled  *string                // a function that keeps what it compiled, see body_code_state.go; nil = not asked yet; guarded by mu
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
		installed: map[string]bool{},
	}
	for _, r := range rows {
		o := object{schema: string(r[0]), kind: r[1][0], name: string(r[2]), oid: parseOID(r[3])}
		d.objects[o.name] = append(d.objects[o.name], o)
		if o.kind == kindOperator && !slices.Contains(d.operators, o.name) {
			d.operators = append(d.operators, o.name)
		}
		if string(r[4]) == "t" {
			d.builtin[kindName{o.kind, o.name}] = true
		}
		if string(r[5]) == "t" {
			d.builtin[kindName{kindType, o.name}] = true
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
	d, err := db.read(ctx, srv, c, nil)
	if err != nil {
		return nil, err
	}
	db.keep(srv, d, c.database)
	return d, nil
}

// keep is the end of learn.
func (db *DB) keep(srv *server, d *database, name string) {
	db.mu.Lock()
	defer db.mu.Unlock()
	db.databases[place{srv.name, name}] = d
}

// read is learn for one work; into are schemas that its own steps bring onto the path.
func (db *DB) read(ctx context.Context, srv *server, c *conn, into []string) (*database, error) {
	tail, misplaced, err := db.path(ctx, srv, c)
	if err != nil {
		return nil, err
	}
	tail = withSchemas(tail, into)
	var rows [][][]byte
	if len(tail) > 0 {
		results, err := c.query(ctx, db.objectsQuery(tail, nil))
		if err != nil {
			return nil, err
		}
		rows = results[0].Rows
	}
	d := newDatabase(tail, rows)
	if d.parts, err = domainConstraints(ctx, c, tail); err != nil {
		return nil, err
	}
	d.misplaced = misplaced
	if d.deviations, err = srv.settling(ctx, c); err != nil {
		return nil, err
	}
	return d, nil
}

// forget makes the next session read what is known of a database.
func (db *DB) forget(at place) {
	db.mu.Lock()
	defer db.mu.Unlock()
	delete(db.databases, at)
}

// withSchemas adds schemas to the tail of a search path.
func withSchemas(tail, more []string) []string {
	for _, s := range more {
		if !slices.Contains(tail, s) {
			tail = append(slices.Clip(tail), s)
		}
	}
	return tail
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
