package postgres

import (
	"context"
	"time"

	"github.com/jackc/pgx/v5/pgconn"
)

const (
	longChain = 32              // statements of a tenant that count in full towards Config.RenewAfter
	unproven  = time.Second     // a connection that was idle for longer is looked at before it is used
	endTime   = 2 * time.Second // to say good-bye
)

// conn is one connection. It is used by one goroutine at a time.
type conn struct {
	pg       *pgconn.PgConn
	database string
	nature   nature

	settings []string  // of the session (see preamble); nil as long as it has none
	spent    int       // statements that were sent, at most longChain a tenant
	tainted  bool      // a body may have left something in the session: never use it for another tenant
	used     time.Time // when it was put among the idle ones
	expiry   *time.Timer
}

// reusable reports whether the connection is in a state that the next one can count on.
func (c *conn) reusable(renew int) bool {
	c.used = time.Now()
	return !c.pg.IsClosed() && !c.pg.IsBusy() && c.pg.TxStatus() == 'I' && !c.tainted &&
		(c.nature.pooled || renew == 0 || c.spent < renew)
}

// alive reports whether an idle connection may still be used. What it cannot see is found when it is used.
func (c *conn) alive() bool {
	return time.Since(c.used) < unproven || c.pg.CheckConn() == nil
}

// end closes the connection whatever state it is in.
func (c *conn) end() {
	ctx, cancel := context.WithTimeout(context.Background(), endTime)
	defer cancel()
	_ = c.pg.Close(ctx) // nothing depends on it: the server notices anyway
}

// query sends a message of a few statements and returns all results.
func (c *conn) query(ctx context.Context, sql string) ([]*pgconn.Result, error) {
	return c.pg.Exec(ctx, sql).ReadAll()
}

// do is query for one who needs no rows.
func (c *conn) do(ctx context.Context, sql string) error {
	return c.pg.Exec(ctx, sql).Close()
}

// value returns the first column of the first row of a result; "" when there is none, or NULL.
func value(r *pgconn.Result) string {
	if len(r.Rows) == 0 {
		return ""
	}
	return string(r.Rows[0][0])
}
