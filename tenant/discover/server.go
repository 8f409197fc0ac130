package discover

import (
	"cmp"
	"context"
	"errors"
	"fmt"
	"slices"

	"github.com/skeindb/skein/engine"
	"github.com/skeindb/skein/engine/revision"
	"github.com/skeindb/skein/tenant"
)

// Server discovers tenants in a server's catalog: databases, schemas, or schemas of databases.
//
//	IncludeSchemas zero   one tenant a database, its schema being current_schema() of the connecting role
//	              .All    each schema but pg_*, information_schema, public, those of extensions and skein's own
//	              .Globs  each schema whose name matches one; `public` may be named
//
// Patterns are those of [tenant.Glob]. Exclude wins. A matching schema is a tenant whether or not it has a version table.
// A pattern that matches nothing in any database is a warning. A database that cannot be read fails the source.
type Server struct {
	Name             string // name of the source, else its 1-based index
	Server           string // name of the server; required
	IncludeSchemas   Schemas
	ExcludeSchemas   []string // only with IncludeSchemas
	IncludeDatabases []string // globs; none = the database of the server's URL
	ExcludeDatabases []string // only with IncludeDatabases

	// ID makes the ids, of {server}, {database} and {schema}. "" = {database} without IncludeSchemas;
	// with it {schema}, or {database}/{schema} if there are IncludeDatabases too.
	ID     string
	Labels map[string]string // of each tenant
}

// Schemas is the value of include_schemas: false, true or a list. The zero value is false.
type Schemas struct {
	All   bool
	Globs []string // in place of All
}

func (s Schemas) isZero() bool { return !s.All && len(s.Globs) == 0 }

type server struct {
	spec     Server
	env      Env
	database string // of the URL; "" when not needed
	id       template
	labels   map[string]string
}

// NewServer returns the source.
func NewServer(spec Server, env Env) (tenant.Source, error) {
	s := &server{spec: spec, env: env, database: env.Servers[spec.Server], labels: setLabels(spec.Labels)}
	var errs []error
	fail := func(message, advice string) {
		errs = append(errs, &tenant.Error{Source: spec.Name, Message: message, Advice: advice})
	}
	if message, advice := env.checkServer(spec.Server); message != "" {
		fail(message, advice)
	} else if s.database == "" && len(spec.IncludeDatabases) == 0 {
		fail(fmt.Sprintf("the URL of server %s names no database", spec.Server), `name it there, or use include_databases: ["*"]`)
	}
	if spec.IncludeSchemas.All && len(spec.IncludeSchemas.Globs) > 0 {
		fail("include_schemas is true and a list", "")
	}
	if len(spec.ExcludeSchemas) > 0 && spec.IncludeSchemas.isZero() {
		fail("exclude_schemas does nothing without include_schemas: a database is one tenant then", "add include_schemas: true, or a list of patterns")
	}
	if len(spec.ExcludeDatabases) > 0 && len(spec.IncludeDatabases) == 0 {
		fail("exclude_databases does nothing without include_databases: only the URL's database is read then", `add include_databases: ["*"]`)
	}
	for _, list := range []struct {
		key      string
		patterns []string
	}{
		{"include_schemas", spec.IncludeSchemas.Globs},
		{"exclude_schemas", spec.ExcludeSchemas},
		{"include_databases", spec.IncludeDatabases},
		{"exclude_databases", spec.ExcludeDatabases},
	} {
		if slices.Contains(list.patterns, "") {
			fail(list.key+" contains an empty pattern", "")
		}
	}
	id, err := parseTemplate(cmp.Or(spec.ID, spec.defaultID()), []string{"server", "database", "schema"})
	if err != nil {
		errs = append(errs, named(spec.Name, err))
	}
	s.id = id
	if len(errs) > 0 {
		return nil, errors.Join(errs...)
	}
	return s, nil
}

func (s Server) defaultID() string {
	switch {
	case s.IncludeSchemas.isZero():
		return "{database}"
	case len(s.IncludeDatabases) > 0:
		return "{database}/{schema}"
	}
	return "{schema}"
}

func (s *server) Name() string { return s.spec.Name }

func (s *server) List(ctx context.Context) (tenants []tenant.Tenant, warnings []string, err error) {
	if err := s.env.leftOut(s.spec.Name, s.spec.Server, s.labels, true); err != nil {
		return nil, nil, err
	}
	databases := []string{s.database}
	if len(s.spec.IncludeDatabases) > 0 {
		if databases, warnings, err = s.databases(ctx); err != nil {
			return nil, warnings, err
		}
	}
	slices.Sort(databases)
	schemas, more, err := s.schemas(ctx, databases)
	warnings = append(warnings, more...)
	if err != nil {
		return nil, warnings, err
	}
	for i, database := range databases {
		for _, schema := range schemas[i] {
			tenants = append(tenants, s.tenant(database, schema))
		}
	}
	if len(tenants) == 0 {
		return nil, warnings, &tenant.Error{
			Message: fmt.Sprintf("no schema of %s on server %s is a tenant", some(databases), s.spec.Server),
			Advice:  "look at include_schemas and exclude_schemas, and at what the connecting role may see",
		}
	}
	return tenants, warnings, nil
}

// databases returns those that pass the patterns. One to which the role may not connect is left out with a warning, since
// providers have such databases for their own use; if it is named, and not only matched by a pattern, it is an error.
func (s *server) databases(ctx context.Context) (names, warnings []string, err error) {
	open, closed, err := s.env.Catalog.Databases(ctx, s.spec.Server, engine.NameFilter{Include: s.spec.IncludeDatabases})
	if err != nil {
		return nil, nil, cannot(err, "cannot list the databases of server %s", s.spec.Server)
	}
	p := newPatterns("database", s.spec.IncludeDatabases, s.spec.ExcludeDatabases)
	names, closed = p.keep(open), p.keep(closed)
	warnings = p.warnings()
	var wanted []string
	for _, name := range closed {
		if slices.Contains(s.spec.IncludeDatabases, name) {
			wanted = append(wanted, name)
		}
	}
	switch {
	case len(wanted) > 0:
		return nil, warnings, &tenant.Error{
			Message: fmt.Sprintf("the connecting role may not connect to %s on server %s", some(wanted), s.spec.Server),
			Advice:  "GRANT CONNECT ON DATABASE … to the role, or take the name out of include_databases",
		}
	case len(closed) > 0:
		warnings = append(warnings, fmt.Sprintf("left out of server %s, since the connecting role lacks CONNECT: %s; GRANT CONNECT ON DATABASE … if tenants are there, or else name them in exclude_databases",
			s.spec.Server, some(closed)))
	}
	if len(names) == 0 {
		return nil, warnings, &tenant.Error{
			Message: fmt.Sprintf("server %s has no database that passes include_databases and exclude_databases", s.spec.Server),
			Advice:  "databases that are templates or allow no connections do not count",
		}
	}
	return names, warnings, nil
}

// schemas returns the schemas of each database that are tenants.
func (s *server) schemas(ctx context.Context, databases []string) (schemas [][]string, warnings []string, err error) {
	schemas = make([][]string, len(databases))
	filter := engine.NameFilter{Include: s.spec.IncludeSchemas.Globs, All: s.spec.IncludeSchemas.All}
	errs := each(ctx, len(databases), func(ctx context.Context, i int) (err error) {
		if s.spec.IncludeSchemas.isZero() {
			schemas[i], err = defaultSchema(ctx, s.env.Catalog, s.spec.Server, databases[i])
			return err
		}
		schemas[i], err = s.env.Catalog.Schemas(ctx, s.spec.Server, databases[i], filter)
		if err != nil {
			return cannot(err, "cannot list the schemas of database %s on server %s", databases[i], s.spec.Server)
		}
		return nil
	})
	if len(errs) > 0 {
		return nil, nil, errors.Join(errs...)
	}
	if s.spec.IncludeSchemas.isZero() {
		return schemas, nil, nil
	}
	p := newPatterns("schema", s.spec.IncludeSchemas.Globs, s.spec.ExcludeSchemas)
	for i := range schemas {
		schemas[i] = p.keep(schemas[i])
	}
	return schemas, p.warnings(), nil
}

func (s *server) tenant(database, schema string) tenant.Tenant {
	id := s.id.expand(func(placeholder string) string {
		switch placeholder {
		case "server":
			return s.spec.Server
		case "database":
			return database
		}
		return schema
	})
	return tenant.Tenant{
		ID: id, Source: s.spec.Name, Labels: s.labels,
		Location: engine.Location{Dialect: revision.Postgres, Server: s.spec.Server, Database: database, Schema: schema},
	}
}

// defaultSchema returns current_schema() of a database as a list of one.
func defaultSchema(ctx context.Context, catalog Catalog, server, database string) ([]string, error) {
	schema, err := catalog.DefaultSchema(ctx, server, database)
	if err != nil {
		return nil, cannot(err, "cannot read database %s on server %s", database, server)
	}
	if schema == "" {
		return nil, &tenant.Error{
			Message: fmt.Sprintf("database %s on server %s has no current_schema(): no schema of the role's search_path exists", database, server),
			Advice:  "set the role's search_path, or name the schemas with include_schemas",
		}
	}
	return []string{schema}, nil
}
