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

// Filter picks names by globs: * is any text, ? one character, case counts. Exclude wins over the rest.
type Filter struct {
	All     bool     // everything that the method counts as a candidate
	Include []string // in place of All
	Exclude []string
}

// where is the condition on a name column.
func (f Filter) where(column string) string {
	sql := "true"
	if !f.All {
		sql = column + " LIKE ANY (" + likes(f.Include) + "::text[])"
	}
	if len(f.Exclude) > 0 {
		sql += " AND " + column + " NOT LIKE ALL (" + likes(f.Exclude) + "::text[])"
	}
	return sql
}

// Databases lists the databases of a server that allow connections and are no template, ordered by the bytes
// of their names; closed are those of them to which the connecting role may not connect. A Filter that neither wants all
// nor includes anything means the database of the server's URL.
func (db *DB) Databases(ctx context.Context, server string, f Filter) (open, closed []string, err error) {
	srv, err := db.server(server)
	if err != nil {
		return nil, nil, err
	}
	where := f.where("datname")
	if !f.All && len(f.Include) == 0 {
		f.All = true
		where = "datname = pg_catalog.current_database() AND " + f.where("datname")
	}
	r, err := srv.ask(ctx, srv.database, `SELECT datname, pg_catalog.has_database_privilege(oid, 'CONNECT') FROM pg_catalog.pg_database WHERE datallowconn AND NOT datistemplate AND `+where+` ORDER BY datname COLLATE "C"`)
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

// Schemas lists the schemas of a database that can be tenants, ordered by the bytes of their names: never the
// server's own, those that belong to an extension, and skein's; public only by Include.
func (db *DB) Schemas(ctx context.Context, server, database string, f Filter) ([]string, error) {
	srv, err := db.server(server)
	if err != nil {
		return nil, err
	}
	where := f.where("nspname")
	if f.All {
		where += " AND nspname <> 'public'"
	}
	found, err := srv.names(ctx, database, `SELECT nspname FROM pg_catalog.pg_namespace n WHERE nspname NOT LIKE 'pg\_%' AND nspname NOT IN ('information_schema', 'skein') AND `+where+`
AND NOT EXISTS (SELECT FROM pg_catalog.pg_depend d WHERE d.classid = 'pg_catalog.pg_namespace'::pg_catalog.regclass AND d.objid = n.oid AND d.deptype = 'e')
ORDER BY nspname COLLATE "C"`)
	return found, listing(err, server, database)
}

// listing is an error of a database that tenants are looked for in. One that is not there is a mistake of the
// configuration, and no tenant that is gone.
func listing(err error, server, database string) error {
	e, ok := errors.AsType[*engine.Error](err)
	if !ok || e.SQLState != stateNoDatabase {
		return err
	}
	changed := *e
	changed.Advice = fmt.Sprintf("create database %s, or correct the database in servers.%s.url or in the source", database, server)
	return &changed
}

// DefaultSchema returns the schema in which the connecting role creates things by default; "" when it has none. It looks
// at once where that schema stands, for the next Survey, and asks each database once: a rollout goes on with the schemas
// that it was planned for.
func (db *DB) DefaultSchema(ctx context.Context, server, database string) (string, error) {
	srv, err := db.server(server)
	if err != nil {
		return "", err
	}
	if schema := db.visits.schema(place{server, database}); schema != "" {
		return schema, nil
	}
	// A connection that applied revisions has the path of a session still: it was only ever set for a transaction.
	seen, err := db.visit(ctx, srv, engine.Location{Dialect: revision.Postgres, Server: server, Database: database}, db.visits.shared())
	if err != nil || seen.target.Schema == "" {
		return "", listing(err, server, database)
	}
	db.visits.put(seen)
	return seen.target.Schema, nil
}

// Probe connects to a database, by a new connection, and asks it something: is it back? Idle connections are closed
// where the server has no room for one more.
func (db *DB) Probe(ctx context.Context, server, database string) error {
	srv, err := db.server(server)
	if err != nil {
		return err
	}
	if err := srv.enter(ctx); err != nil {
		return err
	}
	defer srv.leave()
	c, err := srv.connect(ctx, srv.base, database)
	if err != nil {
		return classify(ctx, err)
	}
	if err := c.do(ctx, "SELECT 1"); err != nil {
		srv.drop(c)
		return classify(ctx, err)
	}
	srv.put(c)
	return nil
}

// queryTime bounds a query of the user's.
const queryTime = 30 * time.Second

// Query runs one read-only query of the user's and returns its rows in text form; nil is NULL. It may take
// 30 s.
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
	found, err := db.deviating(ctx, srv, c)
	if err != nil {
		return nil, nil, classify(ctx, err)
	}
	begin := "BEGIN READ ONLY; SET LOCAL statement_timeout = " + milliseconds(queryTime)
	for _, s := range assignments(found) {
		begin += "; SET LOCAL " + s
	}
	if err := c.do(ctx, begin); err != nil {
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

// names runs a query for one column.
func (s *server) names(ctx context.Context, database, sql string) ([]string, error) {
	result, err := s.ask(ctx, database, sql)
	if err != nil {
		return nil, err
	}
	return firstColumn(result), nil
}

// ask runs one query of ours.
func (s *server) ask(ctx context.Context, database, sql string) (*pgconn.Result, error) {
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
