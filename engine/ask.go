package engine

import "context"

// Reply is what a tenant answered to a query: the first column of the first row, as text.
type Reply struct {
	Text string
	Null bool  // the value was NULL, or there was no row
	Rows int   // of the answer; counted up to 1,000
	Err  error // an *Error; the other fields are then zero
}

// Ask puts a query to tenants, each with its schema first on the search path, read only, and rolls back. The
// result has the order and the length of targets. One query is one statement. A target without a schema is
// asked as whoever connects there; without a database, in the server's own. Rows, locks and errors of one
// target never touch the answer of another. When ctx ends the rest are errors of class Canceled.
func (e *Engine) Ask(ctx context.Context, targets []Target, query string) []Reply {
	return e.db.Ask(ctx, targets, query)
}

// Sizes returns how large tenants are in bytes, about; -1 where it cannot be told. It is as cheap as a survey:
// a query a database. The result has the order and the length of targets.
func (e *Engine) Sizes(ctx context.Context, targets []Target) []int64 {
	return e.db.Sizes(ctx, targets)
}
