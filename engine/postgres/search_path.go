package postgres

import (
	"cmp"
	"context"
	"fmt"
	"slices"
	"strings"

	"github.com/skeindb/skein/engine"
)

// A tenant that lacks a name uses what the schemas after its own on the search path have. So no schema that is a tenant, or
// could be one, is ever there: see pathSchema.tenant.

// pathFacts is what one query returns about the schemas that hold extensions, and those that a caller names.
type pathFacts struct {
	schemas []pathSchema
	tenants []string // schemas of known tenants, sorted
}

// pathSchema is a schema that could be on the search path.
type pathSchema struct {
	name       string
	usable     bool // the role has USAGE
	versioned  bool // it holds a version table or its journal
	owned      bool // an extension made it
	company    bool // another schema of the database holds a version table or its journal
	extensions []Extension
	member     bool // it is a known tenant, or a source takes it for one
	alike      bool // its name is like those of tenants, see sibling
}

// tenant reports whether the schema is a tenant or could be one. A version table in public proves nothing: shared tables are
// often upgraded there by a config of their own.
func (s *pathSchema) tenant() bool {
	return s.member || s.versioned && s.name != "public" || s.alike
}

// Extension is an extension in the schema of one of several tenants of a database: it is not on the search path of the
// others, and DROP SCHEMA of that tenant drops it, and the columns of its types in all tenants.
type Extension struct {
	Name        string `json:"extension"`
	Server      string `json:"server"`
	Database    string `json:"database"`
	Schema      string `json:"schema"`
	Relocatable bool   `json:"relocatable"` // ALTER EXTENSION … SET SCHEMA can move it
}

// String says what lies where.
func (e Extension) String() string {
	return fmt.Sprintf("extension %s lies in schema %s of database %s, which is a tenant's", plain(e.Name), ident(e.Schema), e.Database)
}

// Advice says how to move it to a shared schema.
func (e Extension) Advice() string {
	if e.Relocatable {
		return fmt.Sprintf("move it to a schema that no tenant owns, for example: CREATE SCHEMA IF NOT EXISTS extensions; ALTER EXTENSION %s SET SCHEMA extensions;", plain(e.Name))
	}
	return fmt.Sprintf("it cannot be moved: drop it, and make it again with CREATE EXTENSION %s SCHEMA of a schema that no tenant owns", plain(e.Name))
}

// tailOf reads which schemas follow a tenant's on the search path of a database, and which extensions lie in schemas of tenants.
// An entry of Server.SearchPath that is one of several tenants is an error; the schema of an only tenant is left out.
func (db *DB) tailOf(ctx context.Context, srv *server, c *conn) (tail []string, misplaced []Extension, err error) {
	if !srv.cfg.AutoSearchPath && len(srv.cfg.SearchPath) == 0 {
		f, err := db.pathFacts(ctx, srv, c, nil)
		return nil, f.misplaced(), err
	}
	f, err := db.pathFacts(ctx, srv, c, srv.cfg.SearchPath)
	if err != nil {
		return nil, nil, err
	}
	if srv.cfg.AutoSearchPath {
		for _, s := range f.schemas {
			if s.usable && len(s.extensions) > 0 && !s.tenant() {
				tail = append(tail, s.name)
			}
		}
		return tail, f.misplaced(), nil
	}
	for _, name := range srv.cfg.SearchPath { // the server leaves out schemas that do not exist
		s := f.schema(name)
		if s == nil || slices.Contains(tail, name) {
			continue
		}
		// The config names it, so that a similar name, or a version table, alone does not make it a tenant.
		switch tenant := s.member || s.versioned && s.alike; {
		case tenant && f.shared(name):
			return nil, nil, sharedTenantError(srv.name, c.database, name)
		case !tenant:
			tail = append(tail, name)
		}
	}
	return tail, f.misplaced(), nil
}

func sharedTenantError(server, database, schema string) *engine.Error {
	return &engine.Error{
		Class:   engine.Revision,
		Message: fmt.Sprintf("servers.%s.search_path names schema %s, which is a tenant of database %s: every other tenant would read and write its tables", server, ident(schema), database),
		Advice:  fmt.Sprintf("remove %s from servers.%s.search_path, and move what tenants share into a schema of its own; or exclude it from the tenants", schema, server),
	}
}

// pathFacts reads them by one query; more are schemas to include besides those that hold extensions.
func (db *DB) pathFacts(ctx context.Context, srv *server, c *conn, more []string) (pathFacts, error) {
	f := pathFacts{tenants: db.tenantsOf(srv, c.database)}
	results, err := c.query(ctx, strings.NewReplacer("$more", array(more)+"::pg_catalog.name[]", "$own", array(db.table.names())+"::pg_catalog.name[]").Replace(`
SELECT n.nspname, e.extname, e.extrelocatable, pg_catalog.has_schema_privilege(n.oid, 'USAGE'),
	EXISTS (SELECT FROM pg_catalog.pg_class c WHERE c.relname = ANY ($own) AND c.relnamespace = n.oid),
	EXISTS (SELECT FROM pg_catalog.pg_depend d WHERE d.classid = 'pg_catalog.pg_namespace'::pg_catalog.regclass AND d.objid = n.oid AND d.deptype = 'e'),
	EXISTS (SELECT FROM pg_catalog.pg_class c WHERE c.relname = ANY ($own) AND c.relnamespace <> n.oid)
FROM pg_catalog.pg_namespace n LEFT JOIN pg_catalog.pg_extension e ON e.extnamespace = n.oid
WHERE n.nspname <> 'pg_catalog' AND (e.oid IS NOT NULL OR n.nspname = ANY ($more)) ORDER BY n.nspname COLLATE "C", e.extname COLLATE "C"`))
	if err != nil {
		return f, err
	}
	for _, r := range results[0].Rows {
		name := string(r[0])
		if n := len(f.schemas); n == 0 || f.schemas[n-1].name != name {
			f.schemas = append(f.schemas, pathSchema{name: name, usable: isTrue(r[3]), versioned: isTrue(r[4]), owned: isTrue(r[5]), company: isTrue(r[6])})
		}
		if s := &f.schemas[len(f.schemas)-1]; r[1] != nil {
			s.extensions = append(s.extensions, Extension{Name: string(r[1]), Server: srv.name, Database: c.database, Schema: name, Relocatable: isTrue(r[2])})
		}
	}
	return f, db.markTenants(ctx, srv, c, &f)
}

func isTrue(value []byte) bool { return string(value) == "t" }

// markTenants decides which of the schemas are tenants by their names.
func (db *DB) markTenants(ctx context.Context, srv *server, c *conn, f *pathFacts) error {
	var like []string // patterns of tenants that are not known and could have similar names
	for i := range f.schemas {
		s := &f.schemas[i]
		s.member = slices.Contains(f.tenants, s.name) || !s.owned && db.isSourced(srv, c.database, s.name)
		if !s.member && !s.owned {
			like = append(like, relatives(s.name)...)
		}
	}
	if len(like) == 0 {
		return nil
	}
	results, err := c.query(ctx, "SELECT n.nspname FROM pg_catalog.pg_class c JOIN pg_catalog.pg_namespace n ON n.oid = c.relnamespace "+
		"WHERE c.relname = "+literal(db.table.name)+" AND n.nspname LIKE ANY ("+array(like)+"::text[])")
	if err != nil {
		return err
	}
	names := append(slices.Clone(f.tenants), firstColumn(results[0])...)
	for i := range f.schemas {
		if s := &f.schemas[i]; !s.member && !s.owned {
			s.alike = sibling(s.name, names)
		}
	}
	return nil
}

// relatives returns LIKE patterns of all names that sibling could compare with a name; nil where there are none.
func relatives(name string) []string {
	if at := strings.IndexAny(name, separators); at > 0 && name != "public" {
		return []string{likeEscapes.Replace(name[:at+1]) + "%"}
	}
	if hashed(name) || numbered(name) != "" {
		return []string{"%"}
	}
	return nil
}

// schema returns what is known of a schema; nil for one that does not exist, or was not asked about.
func (f *pathFacts) schema(name string) *pathSchema {
	for i := range f.schemas {
		if f.schemas[i].name == name {
			return &f.schemas[i]
		}
	}
	return nil
}

// misplaced returns the extensions in schemas of tenants that share the database.
func (f *pathFacts) misplaced() []Extension {
	var list []Extension
	for i := range f.schemas {
		if s := &f.schemas[i]; s.tenant() && f.shared(s.name) {
			list = append(list, s.extensions...)
		}
	}
	return list
}

// shared reports whether the database has another tenant than that of the schema.
func (f *pathFacts) shared(schema string) bool {
	s := f.schema(schema)
	return s != nil && s.company || slices.ContainsFunc(f.tenants, func(t string) bool { return t != schema })
}

// Misplaced returns the extensions that surveys found in schemas of tenants, sorted by place and name.
func (db *DB) Misplaced() []Extension {
	db.mu.Lock()
	defer db.mu.Unlock()
	var list []Extension
	for _, d := range db.databases {
		list = append(list, d.misplaced...)
	}
	return sortExtensions(list)
}

// LookForExtensions finds the extensions in schemas of tenants: in the database of the server's URL, and in those that are
// known to have several tenants.
func (db *DB) LookForExtensions(ctx context.Context, server string) ([]Extension, error) {
	srv, err := db.server(server)
	if err != nil {
		return nil, err
	}
	var list []Extension
	for _, database := range db.databasesOfSeveral(srv) {
		c, err := srv.acquire(ctx, database)
		if err != nil {
			return nil, err
		}
		f, err := db.pathFacts(ctx, srv, c, nil)
		c.rollback(ctx)
		srv.release(c)
		if err != nil {
			return nil, classify(ctx, err)
		}
		list = append(list, f.misplaced()...)
	}
	return sortExtensions(list), nil
}

func sortExtensions(list []Extension) []Extension {
	slices.SortFunc(list, func(a, b Extension) int {
		return cmp.Or(cmp.Compare(a.Server, b.Server), cmp.Compare(a.Database, b.Database), cmp.Compare(a.Schema, b.Schema), cmp.Compare(a.Name, b.Name))
	})
	return list
}

// missing adds to the error of a statement that lacks a type, a function or an operator where that may be: in an extension
// in the schema of a tenant. It changes e.
func missing(e *engine.Error, misplaced []Extension) {
	if len(misplaced) == 0 || !slices.Contains([]string{stateUndefinedObject, stateUndefinedFunction}, e.SQLState) {
		return
	}
	at := slices.IndexFunc(misplaced, func(x Extension) bool { return strings.Contains(e.Message, x.Name) })
	condition := ""
	if at < 0 {
		at, condition = 0, "if it is of an extension: "
	}
	e.Advice = condition + misplaced[at].String() + ", and so is not on the search path of others; " + misplaced[at].Advice()
}
