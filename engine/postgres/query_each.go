package postgres

import (
	"context"
	"errors"
	"sync"
	"time"

	"golang.org/x/sync/errgroup"

	"github.com/jackc/pgx/v5/pgconn"

	"github.com/skeindb/skein/engine"
	"github.com/skeindb/skein/engine/revision"
)

const (
	queryChunk       = 50          // locations a message
	queryWorkers     = 2           // connections a database
	queryLockTimeout = time.Second // for a lock
)

// QueryEach implements [engine.Database]. Databases are asked side by side, each over at most two connections, with many
// locations a message and a transaction for each. The server skips what follows an error in a message; the rest is sent again
// without the location that failed.
func (db *DB) QueryEach(ctx context.Context, locations []engine.Location, query string) []engine.QueryResult {
	replies := make([]engine.QueryResult, len(locations))
	text, err := engine.ReadOnlyQuery(query, revision.Postgres)
	if err != nil {
		for i := range replies {
			replies[i].Err = err
		}
		return replies
	}
	statement := []revision.Statement{{Text: text}}
	asked := body{statements: statement, effects: readEffects(statement)}
	db.eachDatabase(locations, func(srv *server, database string, mine []int, err error) {
		a := &queryRun{db: db, server: srv, database: database, locations: locations, replies: replies, query: text, asked: asked}
		if err != nil {
			a.fail(mine, err)
			return
		}
		a.run(ctx, mine)
	})
	return replies
}

// eachDatabase calls do for each database of locations, with the indexes of those in it: servers side by side, and as many databases of
// a server as it has slots for connections. A location without a database is in that of its server's URL. err says that the
// server is unknown.
func (db *DB) eachDatabase(locations []engine.Location, do func(srv *server, database string, mine []int, err error)) {
	servers := map[string]map[string][]int{}
	for i, t := range locations {
		name := t.Database
		if srv, err := db.server(t.Server); name == "" && err == nil {
			name = srv.database
		}
		if servers[t.Server] == nil {
			servers[t.Server] = map[string][]int{}
		}
		servers[t.Server][name] = append(servers[t.Server][name], i)
	}
	var all sync.WaitGroup
	for server, databases := range servers {
		all.Go(func() {
			srv, err := db.server(server)
			var group errgroup.Group
			if err == nil {
				group.SetLimit(cap(srv.slots))
			}
			for name, mine := range databases {
				group.Go(func() error { do(srv, name, mine, err); return nil })
			}
			_ = group.Wait() // no one returns an error
		})
	}
	all.Wait()
}

// queryRun puts one query to the locations of one database. Its workers write different replies.
type queryRun struct {
	db        *DB
	server    *server
	database  string
	locations []engine.Location
	replies   []engine.QueryResult
	query     string
	asked     body // the query, and its effects
}

func (a *queryRun) fail(mine []int, err error) {
	for _, i := range mine {
		a.replies[i] = engine.QueryResult{Err: err}
	}
}

// run asks chunk after chunk. Where a connection cannot be opened, all that is left gets the same error.
func (a *queryRun) run(ctx context.Context, mine []int) {
	var ask []int
	for _, i := range mine {
		if schema := a.locations[i].Schema; schema != "" {
			if err := addressable(schema); err != nil {
				a.replies[i].Err = err
				continue
			}
		}
		ask = append(ask, i)
	}
	queue := make(chan []int, (len(ask)+queryChunk-1)/queryChunk)
	for from := 0; from < len(ask); from += queryChunk {
		queue <- ask[from:min(from+queryChunk, len(ask))]
	}
	close(queue)
	var workers sync.WaitGroup
	for range min(queryWorkers, len(queue)) {
		workers.Go(func() { a.work(ctx, queue) })
	}
	workers.Wait()
}

func (a *queryRun) work(ctx context.Context, queue <-chan []int) {
	var c *conn
	defer func() {
		if c != nil {
			a.server.release(c)
		}
	}()
	for chunk := range queue {
		if c != nil && c.pg.IsClosed() {
			a.server.release(c)
			c = nil
		}
		if c == nil {
			var err error
			if c, err = a.server.acquire(ctx, a.database); err != nil {
				a.fail(chunk, err)
				for chunk := range queue {
					a.fail(chunk, err)
				}
				return
			}
		}
		a.chunk(ctx, c, chunk)
	}
}

// chunk asks locations. After an error a message has half as many, after a success twice as many.
func (a *queryRun) chunk(ctx context.Context, c *conn, left []int) {
	defer func() {
		c.rollback(ctx)
		c.unclean = false // each transaction was rolled back and followed by resets
	}()
	d, err := a.prepare(ctx, c)
	if err != nil {
		a.fail(left, err)
		return
	}
	for size := queryChunk; len(left) > 0; {
		answered, unread, e := a.message(ctx, c, d, left[:min(size, len(left))])
		left = left[answered:]
		switch {
		case e == nil:
			size = min(2*size, queryChunk)
		case c.pg.IsClosed() || ctx.Err() != nil:
			a.fail(left, lost(ctx, e))
			return
		case unread: // and so are the rest
			a.fail(left, e)
			return
		default:
			a.replies[left[0]].Err = e
			left, size = left[1:], max(1, size/2)
		}
	}
}

// prepare makes the session parse the query as it was checked.
func (a *queryRun) prepare(ctx context.Context, c *conn) (*database, error) {
	d, err := a.db.databaseOf(ctx, a.server, c)
	if err == nil {
		err = c.setBackslashQuote(ctx, d.deviations)
	}
	if err != nil {
		return nil, classify(ctx, err)
	}
	c.unclean = !a.asked.effects.harmless
	return d, nil
}

// lost is the error of locations without an answer when the connection, or the context, ended.
func lost(ctx context.Context, e *engine.Error) *engine.Error {
	if ctx.Err() != nil {
		return classify(ctx, ctx.Err())
	}
	l := *e
	l.Class = engine.Connection
	return &l
}

// message asks locations by one message and returns how many of them, from the first, have an answer; the error is that of the
// next one. unread says that the server could not parse the message and so ran nothing of it.
func (a *queryRun) message(ctx context.Context, c *conn, d *database, mine []int) (answered int, unread bool, e *engine.Error) {
	m := a.compose(ctx, c, d, mine)
	c.statements += len(mine) // each adds at least one table to the backend's caches
	n := 0
	reader := c.exec(ctx, m.texts()...)
	for reader.NextResult() && n < len(m.pieces) {
		p := m.pieces[n]
		if p.kind != kindRows {
			if _, err := reader.ResultReader().Close(); err != nil {
				break
			}
		} else {
			reply, err := answer(reader.ResultReader())
			if err != nil {
				break
			}
			a.replies[mine[p.part]] = reply
			answered = p.part + 1
		}
		n++
	}
	if err := reader.Close(); err != nil {
		return answered, n == 0, a.explain(ctx, a.locations[mine[min(answered, len(mine)-1)]], err)
	}
	return answered, false, nil
}

// compose writes a transaction for each location. It fails unless the schema is the first of the search path: otherwise the
// next schema would answer in place of one that does not exist.
func (a *queryRun) compose(ctx context.Context, c *conn, d *database, mine []int) *message {
	m := &message{}
	if c.pg.TxStatus() != 'I' { // after an error
		m.add(piece{kind: kindSet}, "ROLLBACK")
		if c.unclean {
			for _, sql := range afterRollback() {
				m.add(piece{kind: kindReset}, sql)
			}
		}
	}
	limit := milliseconds(timeLeft(ctx))
	for n, i := range mine {
		own := func(k pieceKind, sql string) { m.add(piece{kind: k, part: n}, sql) }
		own(kindSet, "BEGIN ISOLATION LEVEL READ COMMITTED READ ONLY")
		if schema := a.locations[i].Schema; schema != "" {
			own(kindSet, "SET LOCAL search_path = "+searchPath(schema, d.tail))
			own(kindCheck, fail("WHEN pg_catalog.to_regnamespace("+literal(ident(schema))+") IS NULL THEN '"+markGone+
				"' WHEN "+leads(schema)+" IS NOT TRUE THEN '"+markPath+"'"))
		}
		own(kindSet, "SET LOCAL lock_timeout = "+milliseconds(queryLockTimeout))
		own(kindSet, "SET LOCAL statement_timeout = "+limit)
		own(kindSet, "SET LOCAL row_security = off") // an answer from some of the rows would be wrong
		for _, s := range d.assignments() {
			own(kindSet, "SET LOCAL "+s)
		}
		own(kindRows, a.query)
		own(kindSet, "ROLLBACK")
		if c.unclean {
			for _, sql := range afterRollback() {
				own(kindReset, sql)
			}
		}
	}
	return m
}

// timeLeft is how long the server may work on a query: a little longer than until ctx ends, so that ctx ends it first.
func timeLeft(ctx context.Context) time.Duration {
	if deadline, bounded := ctx.Deadline(); bounded {
		return max(0, min(queryTime, time.Until(deadline))) + time.Second
	}
	return queryTime
}

// answer reads a result to its end and keeps the first value.
func answer(r *pgconn.ResultReader) (engine.QueryResult, error) {
	reply := engine.QueryResult{Null: true}
	for r.NextRow() {
		if values := r.Values(); reply.Rows == 0 && len(values) > 0 && values[0] != nil {
			reply.Text, reply.Null = string(values[0]), false
		}
		reply.Rows = min(reply.Rows+1, engine.MaxRows)
	}
	_, err := r.Close()
	return reply, err
}

// explain is classify for a query.
func (a *queryRun) explain(ctx context.Context, t engine.Location, err error) *engine.Error {
	e := *classify(ctx, err)
	var pg *pgconn.PgError
	if !errors.As(err, &pg) {
		return &e
	}
	switch marked(pg.Message) {
	case markGone:
		return missingError(t)
	case markPath:
		return a.server.unreadable(t.Schema, "USAGE")
	}
	switch {
	case pg.Code == stateReadOnly:
		e.Class, e.Message = engine.Revision, "the query would write: "+oneLine(pg.Message)
		e.Advice = "ask what only reads: queries run in a read-only transaction"
	case e.Class == engine.Timeout:
		e.Advice = "make the query cheaper; it may take " + queryTime.String() + " at most"
	case e.Class == engine.Data, e.Class == engine.Revision && pg.Code != statePrivilege:
		e.Advice = e.QuotedAdvice
	}
	return &e
}
