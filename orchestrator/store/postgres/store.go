package postgres

import (
	"context"
	"encoding/json"
	"errors"
	"fmt"
	"strings"
	"sync"
	"time"

	"github.com/jackc/pgx/v5"
	"github.com/jackc/pgx/v5/pgconn"

	"github.com/skeindb/skein/engine"
	"github.com/skeindb/skein/engine/postgres"
	"github.com/skeindb/skein/engine/revision"
	"github.com/skeindb/skein/orchestrator/plan"
	"github.com/skeindb/skein/orchestrator/rollout"
	"github.com/skeindb/skein/orchestrator/store/internal/record"
)

// Config says where a PostgreSQL store is.
type Config struct {
	URL string // of the database that holds the schema `skein`; it is made when it is not there

	// Password is asked at each new connection. Nil: the one of URL or ~/.pgpass.
	Password func(context.Context) (string, error)

	// DirectURL leads past the pooler, where URL goes through one: the fleet's lock needs a connection of
	// its own. "" = URL.
	DirectURL string
}

// schema is where the store's tables are.
const schema = "skein"

// Store is a store in a PostgreSQL database. It has one connection for everything but locks, and one
// for each lock. A connection that breaks is replaced: a store that restarts is ridden out for as long as
// the context of a call allows, at most BusyTime.
type Store struct {
	cfg Config

	mu    sync.Mutex
	ready bool                       // the first connection was had: from then on the store is ridden out; guarded by mu
	conn  *pgx.Conn                  // nil between connections; guarded by mu
	folds map[string]*rollout.Report // of rollouts that were appended to; guarded by mu
}

var _ rollout.FullStore = (*Store)(nil)

const (
	application = "skein-store"
)

// Open connects to the store and brings its tables to the form that this program knows.
func Open(ctx context.Context, cfg Config) (*Store, error) {
	if cfg.DirectURL == "" {
		cfg.DirectURL = cfg.URL
	}
	s := &Store{cfg: cfg, folds: map[string]*rollout.Report{}}
	if err := s.prepare(ctx); err != nil {
		return nil, errors.Join(err, s.Close())
	}
	return s, nil
}

func (s *Store) prepare(ctx context.Context) error {
	var database string
	if err := s.do(ctx, func(c *pgx.Conn) error {
		var there bool
		err := c.QueryRow(ctx, `SELECT current_database(), EXISTS (SELECT FROM pg_namespace WHERE nspname = $1)`, schema).Scan(&database, &there)
		if err != nil || there {
			return err
		}
		_, err = c.Exec(ctx, `CREATE SCHEMA IF NOT EXISTS `+schema)
		if sqlState(err) == "23505" { // another process makes it at the same moment
			return nil
		}
		return err
	}); err != nil {
		return fmt.Errorf("prepare the store: %w", err)
	}
	own, err := postgres.New(postgres.Config{Application: application, Servers: []postgres.Server{{
		Name: "store", URL: s.cfg.URL, Password: s.cfg.Password, DirectURL: s.cfg.DirectURL, MaxConnections: 2,
	}}})
	if err != nil {
		return err
	}
	err = record.Migrate(ctx, own, engine.Location{Dialect: revision.Postgres, Server: "store", Database: database, Schema: schema})
	return errors.Join(err, own.Close())
}

// connect opens a connection, with the same settled session as those to tenants. Its errors hold no passwords.
func (s *Store) connect(ctx context.Context, url string) (*pgx.Conn, error) {
	settled, err := postgres.ParseURL("state.store", url, application)
	if err != nil {
		return nil, err
	}
	cfg, err := pgx.ParseConfig(url)
	if err != nil {
		return nil, errors.New("state.store cannot be read") // what pgx says may hold a part of the URL
	}
	cfg.RuntimeParams = settled.RuntimeParams
	if s.cfg.Password != nil {
		if cfg.Password, err = s.cfg.Password(ctx); err != nil {
			return nil, fmt.Errorf("password of the store: %w", err)
		}
	}
	cfg.DefaultQueryExecMode = pgx.QueryExecModeExec // no prepared statements, for poolers
	return pgx.ConnectConfig(ctx, cfg)
}

// durable stands in the FROM of what is written, and makes what is acknowledged last whatever role and database say: a
// tenant that is reported as done stays so. It is the transaction's alone, for poolers.
const durable = `(SELECT pg_catalog.set_config('synchronous_commit',
	CASE pg_catalog.current_setting('synchronous_commit') WHEN 'remote_apply' THEN 'remote_apply' ELSE 'on' END, true)) AS durable`

// do runs fn with the store's connection. When the connection breaks, or cannot be had, fn runs again
// with a new one: fn must be safe to repeat.
func (s *Store) do(ctx context.Context, fn func(*pgx.Conn) error) error {
	s.mu.Lock()
	defer s.mu.Unlock()
	end := time.Now().Add(record.BusyTime)
	for wait := 50 * time.Millisecond; ; wait = min(2*wait, 2*time.Second) {
		err := s.once(ctx, fn)
		if err == nil || s.conn != nil || !s.ready || ctx.Err() != nil || !passing(err) || time.Now().Add(wait).After(end) {
			return refused(err)
		}
		select {
		case <-ctx.Done():
			return refused(err)
		case <-time.After(wait):
		}
	}
}

// once runs fn one time; s.conn is nil afterwards when the connection broke.
func (s *Store) once(ctx context.Context, fn func(*pgx.Conn) error) error {
	if s.conn == nil {
		c, err := s.connect(ctx, s.cfg.URL)
		if err != nil {
			return err
		}
		s.conn, s.ready = c, true
	}
	err := fn(s.conn)
	if s.conn.IsClosed() {
		s.conn = nil
	}
	return err
}

// passing reports whether an error of a connection may be gone in a moment: no answer, a restart, no free
// place. What the server refuses for good, such as a password, is not.
func passing(err error) bool {
	code := sqlState(err)
	return code == "" || strings.HasPrefix(code, "08") || strings.HasPrefix(code, "57P") || code == "53300"
}

// sqlState returns the SQLSTATE of an error; "" when it has none.
func sqlState(err error) string {
	if e, ok := errors.AsType[interface {
		error
		SQLState() string
	}](err); ok {
		return e.SQLState()
	}
	return ""
}

// Create implements [rollout.Store].
func (s *Store) Create(ctx context.Context, plan *plan.Plan) error {
	packed, err := record.PackPlan(plan)
	if err != nil {
		return err
	}
	line := record.Opening(plan)
	counts, err := json.Marshal(line.Counts)
	if err != nil {
		return err
	}
	return s.do(ctx, func(c *pgx.Conn) error {
		var tag pgconn.CommandTag
		var err error
		for end := time.Now().Add(record.BusyTime); ; { // until no other process took the number meanwhile
			tag, err = c.Exec(ctx, `
				WITH new AS (
					INSERT INTO skein.rollout (id, fleet, kind, target, created, tenants, seq, state, counts, number)
					SELECT $1, $2, $3, $4, $5, $9, 0, $6, $7::text::json, coalesce(max(number), 0) + 1
					FROM skein.rollout WHERE fleet = $2 ON CONFLICT (id) DO NOTHING RETURNING id
				) INSERT INTO skein.plan (rollout, body) SELECT id, $8 FROM new, `+durable,
				plan.Rollout, plan.Fleet, string(plan.Kind), plan.Target, plan.Created, string(line.State), string(counts), packed, plan.FleetSize)
			if !collided(err) || ctx.Err() != nil || time.Now().After(end) {
				break
			}
		}
		if err != nil || tag.RowsAffected() == 1 {
			return err
		}
		var same bool // a call whose answer was lost
		if err := c.QueryRow(ctx, `SELECT body = $2 FROM skein.plan WHERE rollout = $1`, plan.Rollout, packed).Scan(&same); err != nil {
			return err
		}
		if !same {
			return fmt.Errorf("rollout %s exists already", plan.Rollout)
		}
		return nil
	})
}

// Append implements [rollout.Store]. The usual case is one statement, and so one round trip.
func (s *Store) Append(ctx context.Context, events []rollout.Event) error {
	if len(events) == 0 {
		return nil
	}
	if err := record.Check(events); err != nil {
		return err
	}
	rollout := events[0].Rollout
	return s.do(ctx, func(c *pgx.Conn) error {
		err := s.append(ctx, c, rollout, events)
		if errors.Is(err, errMoved) { // another process wrote meanwhile
			delete(s.folds, rollout)
			err = s.append(ctx, c, rollout, events)
		}
		if err != nil {
			delete(s.folds, rollout)
		}
		return err
	})
}

// errMoved says that the rollout has other facts than the fold knows.
var errMoved = errors.New("another process continued the rollout")

func (s *Store) append(ctx context.Context, c *pgx.Conn, rollout string, events []rollout.Event) error {
	report := s.folds[rollout]
	if report == nil {
		var err error
		if report, err = foldOf(ctx, c, rollout); err != nil {
			return err
		}
		s.folds[rollout] = report
	}
	last := report.Seq
	there, rest, err := record.Fresh(events, last)
	if err != nil {
		return errors.Join(err, moved(ctx, c, rollout, last))
	}
	if len(there) > 0 {
		stored, err := factsOf(ctx, c, rollout, there[0].Seq, there[len(there)-1].Seq)
		if err == nil {
			err = record.Same(rollout, stored, there)
		}
		if err != nil || len(rest) == 0 {
			return err
		}
	}
	for _, e := range rest {
		report.Apply(e)
	}
	return write(ctx, c, rollout, last, report, rest)
}

// moved returns errMoved unless last is the number of the last fact.
func moved(ctx context.Context, c *pgx.Conn, rollout string, last int64) error {
	var now int64
	err := c.QueryRow(ctx, `SELECT seq FROM skein.rollout WHERE id = $1`, rollout).Scan(&now)
	if err == nil && now != last {
		err = errMoved
	}
	return err
}

// write stores facts and the fold of all, provided that the facts still end with last.
func write(ctx context.Context, c *pgx.Conn, rollout string, last int64, report *rollout.Report, events []rollout.Event) error {
	rows, err := record.Rows(events)
	if err != nil {
		return err
	}
	seqs, times := make([]int64, len(rows)), make([]time.Time, len(rows))
	kinds, bodies := make([]string, len(rows)), make([]string, len(rows))
	for i, r := range rows {
		seqs[i], times[i], kinds[i], bodies[i] = r.Seq, record.Micros(r.At), r.Kind, string(r.Body)
	}
	line := report.Summary()
	counts, err := json.Marshal(line.Counts)
	if err != nil {
		return err
	}
	var finished *time.Time
	if !line.Finished.IsZero() {
		finished = &line.Finished
	}
	tag, err := c.Exec(ctx, `
		WITH mine AS (
			UPDATE skein.rollout SET seq = $3, state = $4, finished = $5, counts = $6::text::json
			WHERE id = $1 AND seq = $2 RETURNING id
		) INSERT INTO skein.fact (rollout, seq, at, kind, body)
		SELECT mine.id, f.seq, f.at, f.kind, f.body::json
		FROM mine, unnest($7::bigint[], $8::timestamptz[], $9::text[], $10::text[]) AS f (seq, at, kind, body), `+durable,
		rollout, last, report.Seq, string(line.State), finished, string(counts), seqs, times, kinds, bodies)
	if err == nil && tag.RowsAffected() != int64(len(rows)) {
		err = errMoved
	}
	return err
}

// Close implements [rollout.FullStore].
func (s *Store) Close() error {
	s.mu.Lock()
	defer s.mu.Unlock()
	if s.conn == nil {
		return nil
	}
	ctx, cancel := context.WithTimeout(context.Background(), 5*time.Second)
	defer cancel()
	err := s.conn.Close(ctx)
	s.conn = nil
	return err
}
