package postgres

import (
	"context"
	"errors"
	"slices"
	"sync"
	"time"

	"github.com/jackc/pgx/v5/pgconn"

	"github.com/skeindb/skein/engine"
)

// idleTime is how long an unused connection is kept.
const idleTime = 30 * time.Second

// limit bounds how many connections to a server are open, and keeps idle ones for reuse. The holder of a place may have one
// connection in use. Idle connections count too, and one is closed when another database needs its room: see spare.
// Without Server.MaxConnections there may be more idle connections than places, as far as the server has room, so that a
// fleet with one database per tenant connects once to each.
type limit struct {
	places chan struct{} // holds a token for each place that is taken

	mu     sync.Mutex
	most   int              // that may be open, at least as many as there are places; guarded by mu
	open   int              // connections in use and idle; guarded by mu
	idle   []*conn          // longest unused first; guarded by mu
	pids   map[uint32]*conn // in use and idle, by their backends; guarded by mu
	closed bool
}

func newLimit(most int) limit {
	return limit{places: make(chan struct{}, most), most: most, pids: map[uint32]*conn{}}
}

// widen raises the number of connections that may be open; it never lowers it.
func (l *limit) widen(most int) {
	l.mu.Lock()
	defer l.mu.Unlock()
	l.most = max(l.most, most)
}

// enter waits for a place, which leave gives back.
func (l *limit) enter(ctx context.Context) error {
	if ctx.Err() != nil {
		return classify(ctx, ctx.Err())
	}
	select {
	case l.places <- struct{}{}:
		return nil
	case <-ctx.Done():
		return classify(ctx, ctx.Err())
	}
}

func (l *limit) leave() { <-l.places }

// acquire takes a place and a connection to database: an idle one, or a new one.
func (s *server) acquire(ctx context.Context, database string) (*conn, error) {
	if err := s.enter(ctx); err != nil {
		return nil, err
	}
	c, err := s.take(ctx, database)
	if err != nil {
		s.leave()
		return nil, err
	}
	return c, nil
}

// take is acquire for a caller that holds a place.
func (s *server) take(ctx context.Context, database string) (*conn, error) {
	for c := s.reuse(database); c != nil; c = s.reuse(database) {
		if c.alive(ctx) {
			return c, nil
		}
		s.drop(c)
	}
	return s.connect(ctx, s.base, database)
}

// connect opens a connection for a caller that holds a place. Where a limit of server, role or database leaves no room for
// it, our own idle connections are closed first. A closed backend may count towards the limit for a moment longer, so the
// connection is then tried again.
func (s *server) connect(ctx context.Context, by *pgconn.Config, database string) (*conn, error) {
	var p poll
	for gave, again := false, leavingMost; ; {
		s.makeRoom()
		c, err := s.dial(ctx, by, database)
		s.opened(c)
		e, ok := errors.AsType[*engine.Error](err)
		switch {
		case !ok || e.Class != engine.Capacity:
			return c, err
		case s.giveWay():
			gave, again = true, leavingMost
		case !gave || again == 0 || !p.wait(ctx):
			return c, err
		default:
			again--
		}
	}
}

// leavingMost is how often a refused connection is tried again after idle ones were closed for it.
const leavingMost = 5

// giveWay closes a spare connection to this server, opened under any of its names; false when there is none.
func (s *server) giveWay() bool {
	for _, l := range s.alike() {
		if c := l.spare(); c != nil {
			l.drop(c)
			return true
		}
	}
	return false
}

// takeDirect opens a new connection by DirectURL, or by URL where there is no DirectURL; the caller holds a place.
func (s *server) takeDirect(ctx context.Context, database string) (*conn, error) {
	by := s.direct
	if by == nil {
		by = s.base
	}
	return s.connect(ctx, by, database)
}

// release keeps c for the next caller that needs its database, or closes it, and gives its place back.
func (s *server) release(c *conn) {
	s.put(c)
	s.leave()
}

// put is release for a caller that keeps its place.
func (s *server) put(c *conn) {
	if c == nil {
		return
	}
	if !c.reusable(s.renew) {
		s.drop(c)
		return
	}
	if !s.list(c) {
		s.drop(c)
	}
}

// list puts c among the idle ones; false when the limit is closed.
func (l *limit) list(c *conn) bool {
	l.mu.Lock()
	defer l.mu.Unlock()
	if l.closed {
		return false
	}
	l.idle = append(l.idle, c)
	c.expiry = time.AfterFunc(idleTime, func() {
		if l.unlist(c) {
			l.drop(c)
		}
	})
	return true
}

// reuse takes the most recently used idle connection of a database, the one most likely to be alive; nil when there is none.
func (l *limit) reuse(database string) *conn {
	l.mu.Lock()
	defer l.mu.Unlock()
	for i, c := range slices.Backward(l.idle) {
		if c.database == database {
			l.idle = slices.Delete(l.idle, i, i+1)
			c.expiry.Stop()
			return c
		}
	}
	return nil
}

// makeRoom counts a connection that is about to be opened, and closes the longest unused one where the limit would be
// exceeded. The caller's place guarantees that there is one.
func (l *limit) makeRoom() {
	l.mu.Lock()
	var spare *conn
	if l.open >= l.most {
		spare = l.unlistSpare()
	}
	l.open++
	l.mu.Unlock()
	if spare != nil {
		l.drop(spare)
	}
}

// spare takes the least useful idle connection; nil when there is none.
func (l *limit) spare() *conn {
	l.mu.Lock()
	defer l.mu.Unlock()
	return l.unlistSpare()
}

// unlistSpare is spare with mu held: the longest unused connection that no change waits for, else the one that a survey
// left last. Tenants are changed in the order in which they were surveyed, so that one is needed last.
func (l *limit) unlistSpare() *conn {
	if len(l.idle) == 0 {
		return nil
	}
	i := slices.IndexFunc(l.idle, func(c *conn) bool { return !c.awaited })
	if i < 0 {
		i = len(l.idle) - 1
	}
	c := l.idle[i]
	l.idle = slices.Delete(l.idle, i, i+1)
	c.expiry.Stop()
	return c
}

// opened records the backend of c; nil takes back what makeRoom counted.
func (l *limit) opened(c *conn) {
	l.mu.Lock()
	defer l.mu.Unlock()
	if c == nil {
		l.open--
		return
	}
	l.pids[c.pg.PID()] = c
}

// drop closes a connection and waits until its backend is gone, since another may be opened in its place.
func (l *limit) drop(c *conn) {
	c.depart()
	l.forget(c)
}

func (l *limit) forget(c *conn) {
	l.mu.Lock()
	defer l.mu.Unlock()
	l.open--
	if l.pids[c.pg.PID()] == c { // a pooler may have given its PID to another connection
		delete(l.pids, c.pg.PID())
	}
}

// unlist removes c from the idle connections; false when another goroutine did.
func (l *limit) unlist(c *conn) bool {
	l.mu.Lock()
	defer l.mu.Unlock()
	i := slices.Index(l.idle, c)
	if i < 0 {
		return false
	}
	l.idle = slices.Delete(l.idle, i, i+1)
	return true
}

// own reports whether a backend serves one of these connections.
func (l *limit) own(pid uint32) bool {
	l.mu.Lock()
	defer l.mu.Unlock()
	return l.pids[pid] != nil
}

func (l *limit) close() {
	l.mu.Lock()
	idle := l.idle
	l.idle, l.closed = nil, true
	l.mu.Unlock()
	for _, c := range idle {
		c.expiry.Stop()
		c.end()
		l.forget(c)
	}
}
