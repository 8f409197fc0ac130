package postgres

import (
	"context"
	"slices"
	"sync"
	"sync/atomic"

	"github.com/jackc/pgx/v5/pgconn"
)

// database is what is known of one database: what follows a tenant's schema in the search path, and what a
// body could hit there by accident. A survey reads it anew.
type database struct {
	tail      []string            // of the search path, as far as those schemas are there
	objects   map[string][]object // of the tail by name, without what belongs to extensions
	operators []string            // names of operators among objects
	builtin   map[kindName]bool   // those of objects whose name pg_catalog, which comes first in every path, has too

	changed atomic.Bool // a step was sent that may have put something into the tail since

	mu        sync.Mutex
	verdicts  map[verdictKey]verdict // guarded by mu
	functions map[string]bool        // is there a function of that name that the server did not bring; guarded by mu
	triggers  *bool                  // are there triggers; nil = not asked yet; guarded by mu
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
	tail, err := srv.tail(ctx, c)
	if err != nil {
		return nil, err
	}
	var rows [][][]byte
	if len(tail) > 0 {
		results, err := c.query(ctx, db.objectsQuery(tail, nil))
		if err != nil {
			return nil, err
		}
		rows = results[0].Rows
	}
	d := newDatabase(tail, rows)
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

func firstColumn(r *pgconn.Result) []string {
	var values []string
	for _, row := range r.Rows {
		values = append(values, string(row[0]))
	}
	return values
}

// hasFunctions reports whether one of the names is a function that came neither with the server nor with an
// extension, in whatever schema: what such a function does cannot be seen in the body that calls it.
func (d *database) hasFunctions(ctx context.Context, c *conn, names []string) (bool, error) {
	d.mu.Lock()
	defer d.mu.Unlock()
	var ask []string
	for _, n := range names {
		there, known := d.functions[n]
		if there {
			return true, nil
		}
		if !known {
			ask = append(ask, n)
		}
	}
	if len(ask) == 0 {
		return false, nil
	}
	results, err := c.query(ctx, `SELECT DISTINCT p.proname FROM pg_catalog.pg_proc p WHERE p.proname = ANY (`+array(ask)+`::pg_catalog.name[])
AND p.pronamespace NOT IN (SELECT oid FROM pg_catalog.pg_namespace WHERE nspname IN ('pg_catalog', 'information_schema'))
AND NOT EXISTS (SELECT FROM pg_catalog.pg_depend d WHERE d.classid = 'pg_catalog.pg_proc'::pg_catalog.regclass AND d.objid = p.oid AND d.deptype = 'e')`)
	if err != nil {
		return false, err
	}
	for _, n := range ask {
		d.functions[n] = false
	}
	for _, n := range firstColumn(results[0]) {
		d.functions[n] = true
	}
	return len(results[0].Rows) > 0, nil
}

// hasTriggers reports whether any table of the database has a trigger of its own, whose function may do what
// it likes when a body changes rows.
func (d *database) hasTriggers(ctx context.Context, c *conn) (bool, error) {
	d.mu.Lock()
	defer d.mu.Unlock()
	if d.triggers == nil {
		results, err := c.query(ctx, "SELECT EXISTS (SELECT FROM pg_catalog.pg_trigger WHERE NOT tgisinternal)")
		if err != nil {
			return false, err
		}
		there := value(results[0]) == "t"
		d.triggers = &there
	}
	return *d.triggers, nil
}
