package postgres

import (
	"context"
	"fmt"
	"maps"
	"slices"
	"sync"

	"github.com/skeindb/skein/engine"
)

// Config says which servers there are and how revisions run on them. The zero value of each field but Servers is its
// default.
type Config struct {
	Servers      []Server
	VersionTable string // table in each tenant that holds its applied revisions; default "skein_version"
	Application  string // application_name of all connections; default "skein"

	// Touches are globs over schema.name of objects outside of a tenant that revisions may change, also by functions and
	// triggers, in addition to what a section notes in `-- skein:touches`. Default none.
	Touches []string

	// RenewAfter is after how many tenants a direct connection is replaced by a new one, since a backend gets slower with
	// each relation that it has seen. A tenant counts in full with 32 statements or more, and in part with fewer. Default
	// 50; negative = never. Connections through a pooler are left to the pooler.
	RenewAfter int

	// MaxMessage is how many bytes a message to the server has at most. A longer chain goes out in several messages of
	// whole transactions; a longer transaction is an error. Default and maximum: what PostgreSQL accepts, a few bytes
	// less than 1 GB.
	MaxMessage int
}

// Server is one PostgreSQL server, or a pooler in front of one.
type Server struct {
	Name string
	URL  string // postgres://…, or key=value; libpq's environment variables and ~/.pgpass fill in what it lacks

	// Password is called for each new connection, so that passwords may expire. Nil: that of URL or ~/.pgpass.
	Password func(context.Context) (string, error)

	DirectURL      string   // past the pooler, where URL leads to one; for revisions outside a transaction
	MaxConnections int      // open at a time, for all purposes; 0 = 16 in use, and idle ones as far as the server has room
	SearchPath     []string // schemas that follow the tenant's in search_path
	AutoSearchPath bool     // in place of SearchPath: the schemas that hold extensions, decided per database

	// Tenants are the schemas that sources take for tenants, in addition to those passed to [DB.Know] or surveyed: no
	// schema of a tenant is ever on the search path of another. Nil: those that are known, those that hold a version
	// table or its journal, and those with similar names.
	Tenants []TenantSchemas
}

// DB is the PostgreSQL dialect. It is safe for concurrent use.
type DB struct {
	cfg     Config
	table   versionTable
	effects effectsCache
	visits  visits
	names   parsedNames

	mu        sync.Mutex
	servers   map[string]*server          // by name; guarded by mu
	databases map[dbKey]*database         // what is known of each database; guarded by mu
	tenants   map[address]map[string]bool // schemas of known tenants; guarded by mu
}

var _ engine.Database = (*DB)(nil)

// dbKey is one database of one server, by its name in the config.
type dbKey struct{ server, database string }

// New checks cfg and returns a DB. It opens no connection. Its errors hold no passwords.
func New(cfg Config) (*DB, error) {
	table, err := newVersionTable(cfg.VersionTable)
	if err != nil {
		return nil, err
	}
	if cfg.Application == "" {
		cfg.Application = "skein"
	}
	if cfg.RenewAfter == 0 {
		cfg.RenewAfter = 50
	}
	if cfg.MaxMessage <= 0 || cfg.MaxMessage > largest {
		cfg.MaxMessage = largest
	}
	db := &DB{
		cfg:       cfg,
		table:     table,
		servers:   map[string]*server{},
		databases: map[dbKey]*database{},
		tenants:   map[address]map[string]bool{},
	}
	for _, s := range cfg.Servers {
		if _, twice := db.servers[s.Name]; twice {
			return nil, fmt.Errorf("server %q is configured twice", s.Name)
		}
		if db.servers[s.Name], err = db.newServer(s); err != nil {
			return nil, err
		}
	}
	return db, nil
}

// newServer makes a server that knows its other names in the config.
func (db *DB) newServer(s Server) (*server, error) {
	srv, err := newServer(s, db.cfg)
	if err != nil {
		return nil, err
	}
	srv.aliases = func() []*server { return db.aliases(srv) }
	return srv, nil
}

// aliases returns the servers at the address of srv, itself included.
func (db *DB) aliases(srv *server) []*server {
	db.mu.Lock()
	defer db.mu.Unlock()
	same := []*server{srv}
	for _, s := range db.servers {
		if s != srv && s.address("") == srv.address("") {
			same = append(same, s)
		}
	}
	return same
}

// Register adds a server that is not in the config, with a server's defaults, and returns the database of its URL; "" if that
// names none. Registering it again with the same URL changes nothing; with another URL, sessions that are open keep the old
// one. A mistake in the URL is a [*URLError].
func (db *DB) Register(name, url string) (urlDatabase string, err error) {
	if err := CheckURL(url); err != nil {
		return "", err
	}
	db.mu.Lock()
	defer db.mu.Unlock()
	was := db.servers[name]
	if was != nil && was.cfg.URL == url {
		return was.database, nil
	}
	now, err := db.newServer(Server{Name: name, URL: url, AutoSearchPath: true})
	if err != nil {
		return "", err
	}
	db.servers[name] = now
	if was != nil { // what is known of its databases is that of another server
		was.close()
		maps.DeleteFunc(db.databases, func(at dbKey, _ *database) bool { return at.server == name })
		db.visits.forget(name)
	}
	return now.database, nil
}

// Pooled reports whether a server's URL leads to a pooler; false before the first connection.
func (db *DB) Pooled(server string) bool {
	srv, err := db.server(server)
	if err != nil {
		return false
	}
	srv.endpointMu.Lock()
	defer srv.endpointMu.Unlock()
	return srv.endpoints[srv.base].pooled
}

// Open takes a connection to the tenant's database. It waits for a free slot under the server's
// MaxConnections; a server that has no connection left for us is a Capacity error.
func (db *DB) Open(ctx context.Context, location engine.Location) (engine.Session, error) {
	if err := addressable(location.Schema); err != nil {
		return nil, err
	}
	srv, err := db.server(location.Server)
	if err != nil {
		return nil, err
	}
	db.Know([]engine.Location{location})
	c, err := srv.acquire(ctx, location.Database)
	if err != nil {
		return nil, err
	}
	c.reserved = false
	return &session{db: db, server: srv, location: location, conn: c}, nil
}

// Close closes all connections; sessions must be closed before.
func (db *DB) Close() error {
	db.mu.Lock()
	defer db.mu.Unlock()
	for _, s := range db.servers {
		s.close()
	}
	return nil
}

func (db *DB) server(name string) (*server, error) {
	db.mu.Lock()
	defer db.mu.Unlock()
	if s := db.servers[name]; s != nil {
		return s, nil
	}
	return nil, &engine.Error{Class: engine.Internal, Message: fmt.Sprintf("server %q is not in the configuration", name)}
}

// addressable refuses schema names that cannot stand in a search path, or that the server would cut.
func addressable(schema string) error {
	switch {
	case schema == "", len(schema) > maxName, slices.Contains([]string{"$user", "pg_temp", "pg_catalog"}, schema):
		return &engine.Error{
			Class:   engine.Revision,
			Message: fmt.Sprintf("schema %q cannot be a tenant: its name has a meaning of its own in search_path, or is not 1 to %d bytes long", schema, maxName),
		}
	}
	return nil
}
