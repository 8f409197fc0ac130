package postgres

import (
	"bytes"
	"context"
	"fmt"
	"maps"
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
	cancelPatience = 5 * time.Second  // between a cancel request and closing the connection
)

// server knows how to reach one server. It is safe for concurrent use.
type server struct {
	name       string
	cfg        Server
	base       *pgconn.Config // of URL
	direct     *pgconn.Config // of DirectURL; nil without one
	renewAfter int            // statements after which a direct connection is replaced; 0 = never
	database   string         // in URL
	autoSize   bool           // there may be more idle connections than slots, as far as the server has room

	pool
	aliases func() []*server // this server under all its names in the config

	endpointMu sync.Mutex
	endpoints  map[*pgconn.Config]endpoint // guarded by probing
}

// endpoint is what the first connection by a URL finds out about where the URL leads.
type endpoint struct {
	pooled       bool // to a pooler, which hands out the server's connections
	checksClient bool // the backend can check by itself whether its client is gone
}

func newServer(s Server, cfg Config) (*server, error) {
	widens := false
	if s.MaxConnections <= 0 {
		s.MaxConnections, widens = 16, true
	}
	base, err := ParseURL("servers."+s.Name+".url", s.URL, cfg.Application)
	if err != nil {
		return nil, err
	}
	srv := &server{
		name: s.Name, cfg: s, base: base, database: base.Database, autoSize: widens,
		renewAfter: max(0, cfg.RenewAfter*longChain),
		pool:       newPool(s.MaxConnections),
		endpoints:  map[*pgconn.Config]endpoint{},
	}
	srv.aliases = func() []*server { return []*server{srv} }
	if s.DirectURL != "" {
		if srv.direct, err = ParseURL("servers."+s.Name+".direct_url", s.DirectURL, cfg.Application); err != nil {
			return nil, err
		}
	}
	return srv, nil
}

// ParseURL reads a URL, or libpq's key=value form, with what environment, service file and ~/.pgpass add, and adds the
// startup parameters of session_settings.go. key names the text in errors, which hold none of it: where the password is in a
// text that cannot be parsed is a guess (see pgconn.ParseConfigError of https://github.com/jackc/pgx).
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
	maps.Copy(c.RuntimeParams, startupSettings)
	c.RuntimeParams["application_name"] = application
	c.DialFunc = newDialer().DialContext
	c.BuildContextWatcherHandler = func(pg *pgconn.PgConn) ctxwatch.Handler {
		return &pgconn.CancelRequestContextWatcherHandler{Conn: pg, DeadlineDelay: cancelPatience}
	}
	return c, nil
}

// dial connects to a database by base or direct. The caller holds a slot.
func (s *server) dial(ctx context.Context, by *pgconn.Config, database string) (*conn, error) {
	cfg := by.Copy()
	cfg.Database = database
	if s.cfg.Password != nil {
		password, err := s.cfg.Password(ctx)
		if err != nil {
			return nil, &engine.Error{Class: engine.Server, Message: fmt.Sprintf("server %s: the password cannot be read: %v", s.name, err), Advice: "correct servers." + s.name + ".password, then try again", Err: err}
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
		return nil, s.connectError(ctx, by, database, err)
	}
	c.pg, c.stream, c.raw, c.remote = pg, *way, pg.Conn(), pg.Conn().RemoteAddr()
	if c.endpoint, err = s.probe(ctx, by, pg); err != nil {
		c.close()
		return nil, classify(ctx, err)
	}
	if err := c.verify(ctx, s.name); err != nil {
		c.close()
		return nil, classify(ctx, err)
	}
	return c, nil
}

// roomQuery is the SQL of how many connections may be kept idle: three quarters of those that are free now, without the
// reserved ones, so that applications have room to grow. The limit of the role counts too.
const roomQuery = `(SELECT (LEAST(pg_catalog.current_setting('max_connections')::int4 - pg_catalog.current_setting('superuser_reserved_connections')::int4
	- COALESCE(NULLIF(pg_catalog.current_setting('reserved_connections', true), ''), '0')::int4
	- (SELECT pg_catalog.sum(numbackends)::pg_catalog.int4 FROM pg_catalog.pg_stat_database),
	(SELECT CASE WHEN rolconnlimit < 0 THEN NULL ELSE rolconnlimit END FROM pg_catalog.pg_roles WHERE rolname = SESSION_USER)) * 3 / 4)::int4)`

// probe finds out, on the first connection by a URL, where it leads: behind a pooler the process that runs a query is not the
// one that accepted the connection.
func (s *server) probe(ctx context.Context, by *pgconn.Config, pg *pgconn.PgConn) (endpoint, error) {
	s.endpointMu.Lock()
	defer s.endpointMu.Unlock()
	if n, known := s.endpoints[by]; known {
		return n, nil
	}
	results, err := pg.Exec(ctx, "SELECT pg_catalog.pg_backend_pid(), pg_catalog.version(), pg_catalog.current_setting('server_version_num'), "+roomQuery).ReadAll()
	if err != nil {
		return endpoint{}, err
	}
	v := results[0].Rows[0]
	pid, _ := strconv.ParseUint(string(v[0]), 10, 32)
	version, _ := strconv.Atoi(string(v[2]))
	n := endpoint{pooled: uint32(pid) != pg.PID()}
	// Systems other than Linux may refuse the setting, depending on their version and the server's.
	n.checksClient = !n.pooled && version >= 140000 && bytes.Contains(v[1], []byte("linux"))
	s.endpoints[by] = n
	if room, err := strconv.Atoi(string(v[3])); err == nil && s.autoSize && !n.pooled {
		s.widen(room)
	}
	return n, nil
}
