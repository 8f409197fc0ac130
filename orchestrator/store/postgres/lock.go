package postgres

import (
	"context"
	"encoding/json"
	"errors"
	"fmt"
	"sync"
	"time"

	"github.com/jackc/pgx/v5"

	"github.com/skeindb/skein/orchestrator/rollout"
	"github.com/skeindb/skein/orchestrator/store/internal/record"
)

const (
	checkEvery = 10 * time.Second // how often a lock's connection is asked whether it lives
	checkBound = 10 * time.Second // how long its answer may take
)

// Lock implements [rollout.Locks]: a session advisory lock on a connection of its own. The server drops
// it with the connection, and that with the process; where the process's machine vanishes without closing it,
// the server's keepalives notice within about a minute. A pooler in between would give the lock to
// anyone, hence DirectURL.
func (s *Store) Lock(ctx context.Context, fleet string, holder rollout.Holder) (rollout.Lease, error) {
	c, err := s.connect(ctx, s.cfg.DirectURL)
	if err != nil {
		return nil, fmt.Errorf("lock the fleet: %w", refused(err))
	}
	lease, err := take(ctx, c, fleet, holder)
	if err != nil {
		return nil, errors.Join(refused(err), closeConn(c))
	}
	return lease, nil
}

func take(ctx context.Context, c *pgx.Conn, fleet string, holder rollout.Holder) (*lease, error) {
	key := record.FleetKey(fleet)
	var taken bool
	if err := c.QueryRow(ctx, `SELECT pg_try_advisory_lock($1)`, key).Scan(&taken); err != nil {
		return nil, fmt.Errorf("lock the fleet: %w", err)
	}
	if !taken {
		holder, _, _ := holderOf(ctx, c, fleet) // without it, the name is not known
		return nil, &rollout.LockedError{Fleet: fleet, Holder: holder}
	}
	text, err := json.Marshal(holder)
	if err != nil {
		return nil, err
	}
	_, err = c.Exec(ctx, `INSERT INTO skein.holder (fleet, backend, body) VALUES ($1, pg_backend_pid(), $2::text::json)
		ON CONFLICT (fleet) DO UPDATE SET backend = excluded.backend, body = excluded.body`, fleet, string(text))
	if err != nil {
		return nil, fmt.Errorf("lock the fleet: %w", err)
	}
	for _, setting := range []string{"tcp_keepalives_idle = 30", "tcp_keepalives_interval = 10", "tcp_keepalives_count = 3"} {
		if _, err := c.Exec(ctx, `SET `+setting); err != nil && c.IsClosed() {
			return nil, fmt.Errorf("lock the fleet: %w", err)
		}
	}
	watched, stop := context.WithCancel(context.WithoutCancel(ctx))
	l := &lease{conn: c, fleet: fleet, lost: make(chan struct{}), stop: stop, done: make(chan struct{})}
	go l.watch(watched)
	return l, nil
}

// Holder implements [rollout.Locks]: it reads pg_locks, and takes nothing.
func (s *Store) Holder(ctx context.Context, fleet string) (holder rollout.Holder, locked bool, err error) {
	err = s.do(ctx, func(c *pgx.Conn) error {
		holder, locked, err = holderOf(ctx, c, fleet)
		return err
	})
	return holder, locked, err
}

// holderOf reads who has the lock. A row that another session wrote is of a process that died; then the
// name is not known, because the holder has not written its row yet.
func holderOf(ctx context.Context, c *pgx.Conn, fleet string) (holder rollout.Holder, locked bool, err error) {
	var text *string
	err = c.QueryRow(ctx, `WITH session AS (
			SELECT pid FROM pg_locks WHERE locktype = 'advisory' AND granted AND objsubid = 1
			AND database = (SELECT oid FROM pg_database WHERE datname = current_database())
			AND classid::bigint = ($2::bigint >> 32) & 4294967295 AND objid::bigint = $2::bigint & 4294967295)
		SELECT EXISTS (SELECT FROM session), (SELECT body::text FROM skein.holder WHERE fleet = $1 AND backend IN (SELECT pid FROM session))`,
		fleet, record.FleetKey(fleet)).Scan(&locked, &text)
	if err == nil && text != nil {
		_ = json.Unmarshal([]byte(*text), &holder)
	}
	return holder, locked, err
}

// lease holds the lock as long as its connection lives.
type lease struct {
	conn  *pgx.Conn // watch's until it has returned
	fleet string
	lost  chan struct{}
	stop  context.CancelFunc
	done  chan struct{}
	once  sync.Once
}

func (l *lease) Lost() <-chan struct{} { return l.lost }

func (l *lease) Err() error {
	select {
	case <-l.lost:
		return errBroken
	default:
		return nil
	}
}

var errBroken = errors.New("the connection to the store that held it broke")

// watch listens to the connection, so that its end is heard at once, and asks it now and then whether it
// lives, since a network may fail silently.
func (l *lease) watch(ctx context.Context) {
	defer close(l.done)
	for ctx.Err() == nil {
		// There are no notifications: it returns when the connection ends or the time is up.
		_ = within(ctx, checkEvery, func(ctx context.Context) error {
			_, err := l.conn.WaitForNotification(ctx)
			return err
		})
		if ctx.Err() != nil {
			return
		}
		if l.conn.IsClosed() || within(ctx, checkBound, l.conn.Ping) != nil && ctx.Err() == nil {
			close(l.lost)
			return
		}
	}
}

func within(ctx context.Context, bound time.Duration, do func(context.Context) error) error {
	ctx, cancel := context.WithTimeout(ctx, bound)
	defer cancel()
	return do(ctx)
}

func (l *lease) Release(ctx context.Context) (err error) {
	l.once.Do(func() {
		l.stop()
		<-l.done
		if !l.conn.IsClosed() {
			_, err = l.conn.Exec(ctx, `DELETE FROM skein.holder WHERE fleet = $1 AND backend = pg_backend_pid()`, l.fleet)
		}
		if err == nil && !l.conn.IsClosed() { // the end of the session unlocks too, but a moment after the connection is closed
			_, err = l.conn.Exec(ctx, `SELECT pg_advisory_unlock($1)`, record.FleetKey(l.fleet))
		}
		err = errors.Join(err, closeConn(l.conn))
	})
	return err
}

// closeConn closes the connection in an orderly way, even when the caller's context is over.
func closeConn(c *pgx.Conn) error {
	ctx, cancel := context.WithTimeout(context.Background(), 5*time.Second)
	defer cancel()
	return c.Close(ctx)
}
