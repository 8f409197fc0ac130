package postgres

import (
	"context"
	"fmt"
	"strings"
	"time"

	"github.com/skeindb/skein/engine"
)

// session implements [engine.Session]. It holds a slot of its server's limit and, most of the time, a connection. It is used
// by one goroutine.
type session struct {
	db       *DB
	server   *server
	location engine.Location
	conn     *conn // nil between connections
	closed   bool
}

var _ engine.Session = (*session)(nil)

// Close implements [engine.Session]. It may be called again.
func (s *session) Close() {
	if s.closed {
		return
	}
	s.closed = true
	s.server.release(s.conn)
}

// connection returns the session's connection, or a new one where it has none or the connection was lost.
func (s *session) connection(ctx context.Context) (*conn, error) {
	if s.conn != nil && !s.conn.pg.IsClosed() {
		return s.conn, nil
	}
	s.releaseConn()
	c, err := s.server.takeConn(ctx, s.location.Database)
	if err != nil {
		return nil, classify(ctx, err)
	}
	s.conn = c
	return c, nil
}

// releaseConn gives the connection back, but not the slot.
func (s *session) releaseConn() {
	s.server.putConn(s.conn)
	s.conn = nil
}

// cleanupTimeout bounds the clean-up after an error or a cancel, when the caller's context may have ended.
const cleanupTimeout = 5 * time.Second

// rollback ends an open transaction, so that the connection can be used again.
func (c *conn) rollback(ctx context.Context) {
	if c.pg.IsClosed() || c.pg.TxStatus() == 'I' {
		return
	}
	ctx, cancel := context.WithTimeout(context.WithoutCancel(ctx), cleanupTimeout)
	defer cancel()
	sql := "ROLLBACK"
	if c.unclean {
		sql += "; " + strings.Join(afterRollback(), "; ")
	}
	if c.run(ctx, sql) != nil {
		c.close()
	}
}

// schemaOID looks the schema up; 0 when it is not there.
func (s *session) schemaOID(ctx context.Context) (uint32, error) {
	return schemaOID(ctx, s.conn, s.location.Schema)
}

func schemaOID(ctx context.Context, c *conn, schema string) (uint32, error) {
	results, err := c.query(ctx, "SELECT oid FROM pg_catalog.pg_namespace WHERE nspname = "+literal(schema))
	if err != nil {
		return 0, err
	}
	return parseOID([]byte(firstValue(results[0]))), nil
}

func (s *session) gone() *engine.Error { return goneError(s.location) }

func goneError(t engine.Location) *engine.Error {
	return &engine.Error{
		Class:   engine.Gone,
		Message: fmt.Sprintf("schema %s of database %s does not exist any more, or is another one with that name", ident(t.Schema), t.Database),
		Advice:  adviceAgain,
	}
}

// unreadable is the error of a schema on which the role lacks privileges.
func (s *server) unreadable(schema, lacking string) *engine.Error {
	return &engine.Error{
		Class:    engine.Revision,
		SQLState: statePrivilege,
		Message:  fmt.Sprintf("role %s lacks %s on schema %s: the server would leave it out of the search path, or refuse, and bodies would hit other schemas", s.base.User, lacking, ident(schema)),
		Advice:   fmt.Sprintf("GRANT USAGE, CREATE ON SCHEMA %s TO %s; and SELECT, INSERT, DELETE on the version table in it", ident(schema), ident(s.base.User)),
	}
}
