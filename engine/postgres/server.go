package postgres

import (
	"bytes"
	"context"
	"errors"
	"fmt"
	"maps"
	"net"
	"slices"
	"strconv"
	"strings"
	"sync"
	"time"

	"github.com/jackc/pgx/v5/pgconn"
	"github.com/jackc/pgx/v5/pgconn/ctxwatch"

	"github.com/skeindb/skein/engine"
)

const (
	connectTimeout = 10 * time.Second // where the URL has no connect_timeout
	cancelPatience = 5 * time.Second  // after a cancel request, before the connection is given up
)

// server knows how to reach one server. It is safe for concurrent use.
type server struct {
	name     string
	cfg      Server
	base     *pgconn.Config // of URL
	direct   *pgconn.Config // of DirectURL; nil without one
	renew    int            // statements after which a direct connection is replaced; 0 = never
	database string         // the one in URL

	limit
	alike func() []*server // this server under all names that the configuration has for it

	probing sync.Mutex
	nature  map[*pgconn.Config]nature // guarded by probing
}

// nature is what the first connection by a URL finds out about all of them.
type nature struct {
	pooled bool // something between us and the server hands out the server's connections
	checks bool // the backend can notice by itself that its client is gone
}

func newServer(s Server, cfg Config) (*server, error) {
	if s.MaxConnections <= 0 {
		s.MaxConnections = 16
	}
	base, err := ParseURL("servers."+s.Name+".url", s.URL, cfg.Application)
	if err != nil {
		return nil, err
	}
	srv := &server{
		name: s.Name, cfg: s, base: base, database: base.Database,
		renew:  max(0, cfg.RenewAfter*longChain),
		limit:  newLimit(s.MaxConnections),
		nature: map[*pgconn.Config]nature{},
	}
	srv.alike = func() []*server { return []*server{srv} }
	if s.DirectURL != "" {
		if srv.direct, err = ParseURL("servers."+s.Name+".direct_url", s.DirectURL, cfg.Application); err != nil {
			return nil, err
		}
	}
	return srv, nil
}

// ParseURL reads a URL, or libpq's key=value form, with what environment, service file and ~/.pgpass add, and makes the
// session that it opens a settled one: see settle.go. key says where the text stands, for errors, which hold none of it:
// where the password is in a text that cannot be read is a guess (https://github.com/jackc/pgx,
// pgconn.ParseConfigError says as much).
func ParseURL(key, text, application string) (*pgconn.Config, error) {
	if strings.Contains(text, "://") {
		if err := CheckURL(text); err != nil {
			return nil, refused(key, err)
		}
	}
	if err := environment(); err != nil {
		return nil, err
	}
	c, err := pgconn.ParseConfig(text)
	if err != nil {
		return nil, refused(key, unparsed(err))
	}
	hosts := []string{c.Host}
	for _, f := range c.Fallbacks {
		hosts = append(hosts, f.Host)
	}
	if slices.ContainsFunc(hosts, func(h string) bool { return !strings.HasPrefix(h, "/") && strings.ContainsAny(h, "@ /?#\\") }) {
		return nil, refused(key, &URLError{Message: "can be read in more than one way", Advice: adviceEscape})
	}
	if c.RuntimeParams, err = runtimeParams(c.RuntimeParams); err != nil {
		return nil, refused(key, err)
	}
	if err := exposed(text, c); err != nil {
		return nil, refused(key, err)
	}
	if c.ConnectTimeout == 0 {
		c.ConnectTimeout = connectTimeout
	}
	maps.Copy(c.RuntimeParams, starting)
	c.RuntimeParams["application_name"] = application
	dialer := &net.Dialer{KeepAliveConfig: net.KeepAliveConfig{Enable: true, Idle: 30 * time.Second, Interval: 10 * time.Second, Count: 6}}
	c.DialFunc = dialer.DialContext
	c.BuildContextWatcherHandler = func(pg *pgconn.PgConn) ctxwatch.Handler {
		return &pgconn.CancelRequestContextWatcherHandler{Conn: pg, DeadlineDelay: cancelPatience}
	}
	return c, nil
}

// dial connects to a database by base or direct; the caller holds a place.
func (s *server) dial(ctx context.Context, by *pgconn.Config, database string) (*conn, error) {
	cfg := by.Copy()
	cfg.Database = database
	if s.cfg.Password != nil {
		password, err := s.cfg.Password(ctx)
		if err != nil {
			return nil, &engine.Error{Class: engine.Server, Message: fmt.Sprintf("server %s: the password is not to be had: %v", s.name, err), Advice: "mend servers." + s.name + ".password, then resume", Err: err}
		}
		cfg.Password = password
	}
	way := streamed(cfg)
	c := &conn{database: database}
	cfg.OnNotice = func(_ *pgconn.PgConn, n *pgconn.Notice) {
		if c.notice != nil {
			c.notice(n)
		}
	}
	pg, err := pgconn.ConnectConfig(ctx, cfg)
	if err != nil {
		return nil, s.connectError(ctx, err)
	}
	c.pg, c.stream = pg, *way
	if c.nature, err = s.probe(ctx, by, pg); err != nil {
		c.end()
		return nil, classify(ctx, err)
	}
	if err := c.verify(ctx, s.name); err != nil {
		c.end()
		return nil, classify(ctx, err)
	}
	return c, nil
}

// probe asks, on the first connection by a URL, what it leads to: behind a pooler the process that serves a
// query is not the one that greeted us.
func (s *server) probe(ctx context.Context, by *pgconn.Config, pg *pgconn.PgConn) (nature, error) {
	s.probing.Lock()
	defer s.probing.Unlock()
	if n, known := s.nature[by]; known {
		return n, nil
	}
	results, err := pg.Exec(ctx, "SELECT pg_catalog.pg_backend_pid(), pg_catalog.version(), pg_catalog.current_setting('server_version_num')").ReadAll()
	if err != nil {
		return nature{}, err
	}
	v := results[0].Rows[0]
	pid, _ := strconv.ParseUint(string(v[0]), 10, 32)
	version, _ := strconv.Atoi(string(v[2]))
	n := nature{pooled: uint32(pid) != pg.PID()}
	// Other systems than Linux refuse the setting, depending on their own and the server's version.
	n.checks = !n.pooled && version >= 140000 && bytes.Contains(v[1], []byte("linux"))
	s.nature[by] = n
	return n, nil
}

// connectError says why there is no connection, in one line and without a password in the text or in what
// it unwraps to (a pgconn.ConnectError holds its whole Config). pgconn writes its text of user, database, address and
// cause, and CheckURL has made sure that none of these is part of a password.
func (s *server) connectError(ctx context.Context, err error) *engine.Error {
	text := strings.ReplaceAll(strings.TrimSpace(err.Error()), "\n\t", " ")
	if pg, ok := errors.AsType[*pgconn.PgError](err); ok {
		err = pg
		text = strings.ReplaceAll(text, " (SQLSTATE "+pg.Code+")", "")
	} else {
		err = &plainError{text: text, cause: root(err)}
	}
	e := *classify(ctx, err)
	if e.Class != engine.Canceled {
		e.Message = "server " + s.name + ": " + oneLine(text)
	}
	return &e
}

// plainError has a text of ours and a cause that is known to hold no secret.
type plainError struct {
	text  string
	cause error
}

func (e *plainError) Error() string { return e.text }
func (e *plainError) Unwrap() error { return e.cause }

// root returns the innermost error, below all that carries a configuration.
func root(err error) error {
	for {
		switch x := err.(type) { //nolint:errorlint // to unwrap is what it does
		case interface{ Unwrap() error }:
			inner := x.Unwrap()
			if inner == nil {
				return err
			}
			err = inner
		case interface{ Unwrap() []error }:
			if len(x.Unwrap()) == 0 {
				return err
			}
			err = x.Unwrap()[0]
		default:
			return err
		}
	}
}
