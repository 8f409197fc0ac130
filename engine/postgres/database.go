package postgres

import (
	"context"
	"slices"
	"sync"
	"sync/atomic"
	"time"

	"github.com/jackc/pgx/v5/pgconn"
)

// database is what is known of one database: the schemas that follow a tenant's on the search path (the tail), and the objects
// in them that a body could use by accident. A survey reads it again.
type database struct {
	tail      []string            // existing schemas after the tenant's on the search path
	objects   map[string][]object // of the tail by name, without what belongs to extensions
	operators []string            // names of operators among objects
	parts     []object            // constraints of the domains among them, by the domain's name
	builtin   map[kindName]bool   // names of objects that pg_catalog, the first schema of every path, has too

	grew atomic.Bool // a step was sent since that may have added something to the tail

	misplaced []Extension // in schemas of tenants, and so not on the path of others

	deviations []deviation // settings that each transaction corrects

	mu        sync.Mutex
	guards    map[guardKey]guardScope // guarded by mu
	functions map[string]bool         // does a function of that name exist that came neither with the server nor an extension; guarded by mu
	installed map[string]bool         // does a function of that name exist outside pg_catalog; guarded by mu
	keeper    *string                 // a function that keeps state in its session, see body_code_state.go; nil = not asked yet; guarded by mu
	code      *code                   // nil = not asked yet; guarded by mu
	asked     time.Time               // when functions, installed and code were last emptied; guarded by mu
}

func newDatabase(tail []string, rows [][][]byte) *database {
	d := &database{
		tail:      tail,
		objects:   map[string][]object{},
		builtin:   map[kindName]bool{},
		guards:    map[guardKey]guardScope{},
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

// databaseOf returns what is known of the connection's database, or reads it now.
func (db *DB) databaseOf(ctx context.Context, srv *server, c *conn) (*database, error) {
	db.mu.Lock()
	d := db.databases[dbKey{srv.name, c.database}]
	db.mu.Unlock()
	if d != nil {
		return d, nil
	}
	return db.readDatabase(ctx, srv, c)
}

// readDatabase reads the tail of the search path and its objects, and keeps them for all sessions.
func (db *DB) readDatabase(ctx context.Context, srv *server, c *conn) (*database, error) {
	d, err := db.loadDatabase(ctx, srv, c, nil)
	if err != nil {
		return nil, err
	}
	db.storeDatabase(srv, d, c.database)
	return d, nil
}

// storeDatabase stores what is known of a database for all sessions.
func (db *DB) storeDatabase(srv *server, d *database, name string) {
	db.mu.Lock()
	defer db.mu.Unlock()
	db.databases[dbKey{srv.name, name}] = d
}

// loadDatabase is learn for one work, and stores nothing; into are schemas that its own steps put on the path.
func (db *DB) loadDatabase(ctx context.Context, srv *server, c *conn, into []string) (*database, error) {
	tail, misplaced, err := db.tailOf(ctx, srv, c)
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
	if d.deviations, err = srv.readDeviations(ctx, c); err != nil {
		return nil, err
	}
	return d, nil
}

// forgetDatabase makes the next session read the database again.
func (db *DB) forgetDatabase(at dbKey) {
	db.mu.Lock()
	defer db.mu.Unlock()
	delete(db.databases, at)
}

// withSchemas appends schemas to the tail of a search path, each once.
func withSchemas(tail, more []string) []string {
	for _, s := range more {
		if !slices.Contains(tail, s) {
			tail = append(slices.Clip(tail), s)
		}
	}
	return tail
}

// domainConstraints lists the constraints of domains in some schemas: dropping one leaves no other trace.
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
