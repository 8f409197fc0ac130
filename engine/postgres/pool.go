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

// pool bounds how many connections to a server are open, and keeps idle ones for reuse. The holder of a slot may have one
// connection in use. Idle connections count too, and one is closed when another database needs its room: see takeSpare.
// Without Server.MaxConnections there may be more idle connections than slots, as far as the server has room, so that a
// fleet with one database per tenant connects once to each.
type pool struct {
	slots chan struct{} // holds a token for each slot that is taken

	mu     sync.Mutex
	most   int              // that may be open, at least as many as there are slots; guarded by mu
	open   int              // connections in use and idle; guarded by mu
	idle   []*conn          // longest unused first; guarded by mu
	pids   map[uint32]*conn // in use and idle, by their backends; guarded by mu
	closed bool
}

func newPool(most int) pool {
	return pool{slots: make(chan struct{}, most), most: most, pids: map[uint32]*conn{}}
}

// widen raises the number of connections that may be open; it never lowers it.
func (p *pool) widen(most int) {
	p.mu.Lock()
	defer p.mu.Unlock()
	p.most = max(p.most, most)
}

// takeSlot waits for a slot, which freeSlot gives back.
func (p *pool) takeSlot(ctx context.Context) error {
	if ctx.Err() != nil {
		return classify(ctx, ctx.Err())
	}
	select {
	case p.slots <- struct{}{}:
		return nil
	case <-ctx.Done():
		return classify(ctx, ctx.Err())
	}
}

func (p *pool) freeSlot() { <-p.slots }

// acquire takes a slot and a connection to database: an idle one, or a new one.
func (s *server) acquire(ctx context.Context, database string) (*conn, error) {
	if err := s.takeSlot(ctx); err != nil {
		return nil, err
	}
	c, err := s.takeConn(ctx, database)
	if err != nil {
		s.freeSlot()
		return nil, err
	}
	return c, nil
}

// takeConn is acquire for a caller that holds a slot.
func (s *server) takeConn(ctx context.Context, database string) (*conn, error) {
	for c := s.takeIdle(database); c != nil; c = s.takeIdle(database) {
		if c.alive(ctx) {
			return c, nil
		}
		s.drop(c)
	}
	return s.connect(ctx, s.base, database)
}

// connect opens a connection for a caller that holds a slot. Where a limit of server, role or database leaves no room for
// it, our own idle connections are closed first. A closed backend may count towards the limit for a moment longer, so the
// connection is then tried again.
func (s *server) connect(ctx context.Context, by *pgconn.Config, database string) (*conn, error) {
	var p poll
	for gave, again := false, capacityRetries; ; {
		s.reserve()
		c, err := s.dial(ctx, by, database)
		s.register(c)
		e, ok := errors.AsType[*engine.Error](err)
		switch {
		case !ok || e.Class != engine.Capacity:
			return c, err
		case s.closeSpare():
			gave, again = true, capacityRetries
		case !gave || again == 0 || !p.wait(ctx):
			return c, err
		default:
			again--
		}
	}
}

// capacityRetries is how often a refused connection is tried again after idle ones were closed for it.
const capacityRetries = 5

// closeSpare closes a spare connection to this server, opened under any of its names; false when there is none.
func (s *server) closeSpare() bool {
	for _, l := range s.aliases() {
		if c := l.takeSpare(); c != nil {
			l.drop(c)
			return true
		}
	}
	return false
}

// takeDirectConn opens a new connection by DirectURL, or by URL where there is no DirectURL; the caller holds a slot.
func (s *server) takeDirectConn(ctx context.Context, database string) (*conn, error) {
	by := s.direct
	if by == nil {
		by = s.base
	}
	return s.connect(ctx, by, database)
}

// release keeps c for the next caller that needs its database, or closes it, and gives its slot back.
func (s *server) release(c *conn) {
	s.putConn(c)
	s.freeSlot()
}

// putConn is release for a caller that keeps its slot.
func (s *server) putConn(c *conn) {
	if c == nil {
		return
	}
	if !c.reusable(s.renewAfter) {
		s.drop(c)
		return
	}
	if !s.addIdle(c) {
		s.drop(c)
	}
}

// addIdle puts c among the idle ones; false when the pool is closed.
func (p *pool) addIdle(c *conn) bool {
	p.mu.Lock()
	defer p.mu.Unlock()
	if p.closed {
		return false
	}
	p.idle = append(p.idle, c)
	c.expiry = time.AfterFunc(idleTime, func() {
		if p.removeIdle(c) {
			p.drop(c)
		}
	})
	return true
}

// takeIdle takes the most recently used idle connection of a database, the one most likely to be alive; nil when there is none.
func (p *pool) takeIdle(database string) *conn {
	p.mu.Lock()
	defer p.mu.Unlock()
	for i, c := range slices.Backward(p.idle) {
		if c.database == database {
			p.idle = slices.Delete(p.idle, i, i+1)
			c.expiry.Stop()
			return c
		}
	}
	return nil
}

// reserve counts a connection that is about to be opened, and closes the longest unused one where the limit would be
// exceeded. The caller's slot guarantees that there is one.
func (p *pool) reserve() {
	p.mu.Lock()
	var spare *conn
	if p.open >= p.most {
		spare = p.takeSpareLocked()
	}
	p.open++
	p.mu.Unlock()
	if spare != nil {
		p.drop(spare)
	}
}

// takeSpare takes the least useful idle connection; nil when there is none.
func (p *pool) takeSpare() *conn {
	p.mu.Lock()
	defer p.mu.Unlock()
	return p.takeSpareLocked()
}

// takeSpareLocked is spare with mu held: the longest unused connection that no change waits for, else the one that a survey
// left last. Tenants are changed in the order in which they were surveyed, so that one is needed last.
func (p *pool) takeSpareLocked() *conn {
	if len(p.idle) == 0 {
		return nil
	}
	i := slices.IndexFunc(p.idle, func(c *conn) bool { return !c.reserved })
	if i < 0 {
		i = len(p.idle) - 1
	}
	c := p.idle[i]
	p.idle = slices.Delete(p.idle, i, i+1)
	c.expiry.Stop()
	return c
}

// register records the backend of c; nil takes back what reserve counted.
func (p *pool) register(c *conn) {
	p.mu.Lock()
	defer p.mu.Unlock()
	if c == nil {
		p.open--
		return
	}
	p.pids[c.pg.PID()] = c
}

// drop closes a connection and waits until its backend is gone, since another may be opened in its place.
func (p *pool) drop(c *conn) {
	c.closeWait()
	p.unregister(c)
}

func (p *pool) unregister(c *conn) {
	p.mu.Lock()
	defer p.mu.Unlock()
	p.open--
	if p.pids[c.pg.PID()] == c { // a pooler may have given its PID to another connection
		delete(p.pids, c.pg.PID())
	}
}

// removeIdle removes c from the idle connections; false when another goroutine did.
func (p *pool) removeIdle(c *conn) bool {
	p.mu.Lock()
	defer p.mu.Unlock()
	i := slices.Index(p.idle, c)
	if i < 0 {
		return false
	}
	p.idle = slices.Delete(p.idle, i, i+1)
	return true
}

// owns reports whether a backend serves one of these connections.
func (p *pool) owns(pid uint32) bool {
	p.mu.Lock()
	defer p.mu.Unlock()
	return p.pids[pid] != nil
}

func (p *pool) close() {
	p.mu.Lock()
	idle := p.idle
	p.idle, p.closed = nil, true
	p.mu.Unlock()
	for _, c := range idle {
		c.expiry.Stop()
		c.close()
		p.unregister(c)
	}
}
