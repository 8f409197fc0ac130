package postgres

import (
	"context"
	"io"
	"net"
	"time"

	"github.com/jackc/pgx/v5/pgconn"
	"github.com/jackc/pgx/v5/pgproto3"
)

const (
	longChain    = 32              // statements of a tenant that count in full towards Config.RenewAfter
	pingAfter    = time.Second     // a connection that was idle for longer is pinged before it is used
	pingTimeout  = 5 * time.Second // timeout of that ping
	closeTimeout = 2 * time.Second // timeout of closing a connection
)

// conn is one connection. It is used by one goroutine at a time.
type conn struct {
	pg       *pgconn.PgConn
	stream   *stream // nil = none: each message is sent as one text
	database string
	endpoint endpoint
	raw      net.Conn // of pg; lets another goroutine close it while pg is in use
	remote   net.Addr
	unseen   int // consecutive checks that did not see its backend; guarded by pool.mu

	settings   []string  // that the session was given (see preamble); nil = none
	statements int       // statements that were sent, at most longChain a tenant
	tainted    bool      // a body may have left state in the session: no other tenant uses it
	unclean    bool      // the message under way may leave state that a ROLLBACK does not undo
	reserved   bool      // a survey left it open for the change of its database's only tenant
	idleSince  time.Time // when it became idle
	expiry     *time.Timer

	notice    func(*pgconn.Notice) // receives the notices of the tenant that is served; nil = they are dropped
	completed int                  // statements of the message under way that are done
}

// reusable reports whether another caller may use the connection.
func (c *conn) reusable(renew int) bool {
	c.idleSince = time.Now()
	return !c.pg.IsClosed() && !c.pg.IsBusy() && c.pg.TxStatus() == 'I' && !c.tainted && (!c.unclean || c.endpoint.pooled) &&
		(c.endpoint.pooled || renew == 0 || c.statements < renew)
}

// alive reports whether an idle connection still works. A failure that a ping does not see shows when it is used.
func (c *conn) alive(ctx context.Context) bool {
	if time.Since(c.idleSince) < pingAfter {
		return true
	}
	ctx, cancel := context.WithTimeout(ctx, pingTimeout)
	defer cancel()
	return c.pg.Ping(ctx) == nil
}

// close closes the connection in any state.
func (c *conn) close() {
	ctx, cancel := context.WithTimeout(context.Background(), closeTimeout)
	defer cancel()
	_ = c.pg.Close(ctx) // nothing depends on it: the server notices anyway
}

// closeWait is close for a caller that opens another connection in its place: a backend counts towards the server's limits until
// it is gone, which it shows by closing its side.
func (c *conn) closeWait() {
	raw, err := c.pg.Hijack()
	if err != nil { // busy or broken
		c.close()
		return
	}
	raw.Frontend.Send(&pgproto3.Terminate{})
	if raw.Frontend.Flush() == nil && raw.Conn.SetReadDeadline(time.Now().Add(closeTimeout)) == nil {
		_, _ = io.Copy(io.Discard, raw.Conn) // until it is closed, or the timeout
	}
	_ = raw.Conn.Close()
}

// query sends statements as one message and returns all results.
func (c *conn) query(ctx context.Context, sql string) ([]*pgconn.Result, error) {
	return c.pg.Exec(ctx, sql).ReadAll()
}

// run is query without the rows.
func (c *conn) run(ctx context.Context, sql string) error {
	return c.exec(ctx, sql).Close()
}

// firstValue returns the first column of the first row of a result; "" when there is none, or NULL.
func firstValue(r *pgconn.Result) string {
	if len(r.Rows) == 0 {
		return ""
	}
	return string(r.Rows[0][0])
}
