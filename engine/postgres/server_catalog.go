package postgres

import (
	"context"
	"errors"
	"fmt"
	"time"

	"github.com/jackc/pgx/v5/pgconn"

	"github.com/skeindb/skein/engine"
	"github.com/skeindb/skein/engine/revision"
)

// nameCondition is a filter as a condition on a name column.
func nameCondition(f engine.NameFilter, column string) string {
	sql := "true"
	if !f.All {
		sql = column + " LIKE ANY (" + likes(f.Include) + "::text[])"
	}
	if len(f.Exclude) > 0 {
		sql += " AND " + column + " NOT LIKE ALL (" + likes(f.Exclude) + "::text[])"
	}
	return sql
}

// Databases lists the databases of a server that allow connections and are no templates, ordered by the bytes of their names:
// open are those to which the connecting role may connect, closed the others. A Filter without All and Include means the
// database of the server's URL.
func (db *DB) Databases(ctx context.Context, server string, f engine.NameFilter) (open, closed []string, err error) {
	srv, err := db.server(server)
	if err != nil {
		return nil, nil, err
	}
	where := nameCondition(f, "datname")
	if !f.All && len(f.Include) == 0 {
		f.All = true
		where = "datname = pg_catalog.current_database() AND " + nameCondition(f, "datname")
	}
	r, err := srv.query(ctx, srv.database, `SELECT datname, pg_catalog.has_database_privilege(oid, 'CONNECT') FROM pg_catalog.pg_database WHERE datallowconn AND NOT datistemplate AND `+where+` ORDER BY datname COLLATE "C"`)
	if err != nil {
		return nil, nil, listing(err, server, srv.database)
	}
	for _, row := range r.Rows {
		if string(row[1]) == "t" {
			open = append(open, string(row[0]))
		} else {
			closed = append(closed, string(row[0]))
		}
	}
	return open, closed, nil
}

// Schemas lists the schemas of a database that can be tenants, ordered by the bytes of their names: without the server's
// own, those that belong to an extension, and that of skein's store; public only by Include.
func (db *DB) Schemas(ctx context.Context, server, database string, f engine.NameFilter) ([]string, error) {
	srv, err := db.server(server)
	if err != nil {
		return nil, err
	}
	where := nameCondition(f, "nspname")
	if f.All {
		where += " AND nspname <> 'public'"
	}
	found, err := srv.queryNames(ctx, database, `SELECT nspname FROM pg_catalog.pg_namespace n WHERE nspname NOT LIKE 'pg\_%' AND nspname NOT IN ('information_schema', 'skein') AND `+where+`
AND NOT EXISTS (SELECT FROM pg_catalog.pg_depend d WHERE d.classid = 'pg_catalog.pg_namespace'::pg_catalog.regclass AND d.objid = n.oid AND d.deptype = 'e')
ORDER BY nspname COLLATE "C"`)
	return found, listing(err, server, database)
}

// listing is the error of a database in which tenants are looked for. A database that does not exist is a mistake in the
// config here, not a tenant that is gone.
func listing(err error, server, database string) error {
	e, ok := errors.AsType[*engine.Error](err)
	if !ok || e.SQLState != stateNoDatabase {
		return err
	}
	changed := *e
	changed.Advice = fmt.Sprintf("create database %s, or correct the database in servers.%s.url or in the source", database, server)
	return &changed
}

// DefaultSchema returns the schema in which the connecting role creates objects by default; "" where there is none. It also
// reads where that schema stands, for the next Survey. Each database is asked once, so that a rollout keeps the schemas that
// it was planned for.
func (db *DB) DefaultSchema(ctx context.Context, server, database string) (string, error) {
	srv, err := db.server(server)
	if err != nil {
		return "", err
	}
	if schema := db.visits.schema(dbKey{server, database}); schema != "" {
		return schema, nil
	}
	// A connection that applied revisions still has its session's search path, which is only set for a transaction.
	seen, err := db.visit(ctx, srv, engine.Location{Dialect: revision.Postgres, Server: server, Database: database}, db.visits.shared())
	if err != nil || seen.location.Schema == "" {
		return "", listing(err, server, database)
	}
	db.visits.put(seen)
	return seen.location.Schema, nil
}

// Probe opens a new connection to a database and runs a query: is the database back? Idle connections are closed where the
// server has no room for one more.
func (db *DB) Probe(ctx context.Context, server, database string) error {
	srv, err := db.server(server)
	if err != nil {
		return err
	}
	if err := srv.takeSlot(ctx); err != nil {
		return err
	}
	defer srv.freeSlot()
	c, err := srv.connect(ctx, srv.base, database)
	if err != nil {
		return classify(ctx, err)
	}
	if err := c.run(ctx, "SELECT 1"); err != nil {
		srv.drop(c)
		return classify(ctx, err)
	}
	srv.putConn(c)
	return nil
}

// queryTime bounds a query of the user.
const queryTime = 30 * time.Second

// Query runs one read-only query of the user and returns its rows in text form; nil is NULL. It may take 30 s.
func (db *DB) Query(ctx context.Context, server, database, sql string) (columns []string, rows [][]*string, err error) {
	srv, err := db.server(server)
	if err != nil {
		return nil, nil, err
	}
	c, err := srv.acquire(ctx, database)
	if err != nil {
		return nil, nil, err
	}
	defer srv.release(c)
	defer c.rollback(ctx)
	found, err := db.knownDeviations(ctx, srv, c)
	if err != nil {
		return nil, nil, classify(ctx, err)
	}
	begin := "BEGIN READ ONLY; SET LOCAL statement_timeout = " + milliseconds(queryTime)
	for _, s := range assignments(found) {
		begin += "; SET LOCAL " + s
	}
	if err := c.run(ctx, begin); err != nil {
		return nil, nil, classify(ctx, err)
	}
	// The extended protocol takes one statement only: a COMMIT cannot hide in it.
	reader := c.pg.ExecParams(ctx, sql, nil, nil, nil, nil)
	result := reader.Read()
	if result.Err != nil {
		return nil, nil, classify(ctx, result.Err)
	}
	for _, f := range reader.FieldDescriptions() { // those of result are missing where there are no rows
		columns = append(columns, f.Name)
	}
	for _, values := range result.Rows {
		rows = append(rows, texts(values))
	}
	return columns, rows, nil
}

func texts(values [][]byte) []*string {
	row := make([]*string, len(values))
	for i, v := range values {
		if v != nil {
			text := string(v)
			row[i] = &text
		}
	}
	return row
}

// queryNames runs a query for one column.
func (s *server) queryNames(ctx context.Context, database, sql string) ([]string, error) {
	result, err := s.query(ctx, database, sql)
	if err != nil {
		return nil, err
	}
	return firstColumn(result), nil
}

// query runs one of skein's own queries.
func (s *server) query(ctx context.Context, database, sql string) (*pgconn.Result, error) {
	c, err := s.acquire(ctx, database)
	if err != nil {
		return nil, err
	}
	defer s.release(c)
	defer c.rollback(ctx)
	results, err := c.query(ctx, sql)
	if err != nil {
		return nil, classify(ctx, err)
	}
	return results[len(results)-1], nil
}
