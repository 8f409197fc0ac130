package discover

import (
	"cmp"
	"context"
	"errors"
	"fmt"
	"slices"
	"strings"
	"sync"

	"github.com/skeindb/skein/engine"
	"github.com/skeindb/skein/engine/revision"
	"github.com/skeindb/skein/tenant"
)

// Defaults apply to records of a source that do not set the value. The zero value sets nothing.
type Defaults struct {
	Server   string            // "" = the config's server, if it has just one
	Database string            // on Server only; "" = the database of the server's URL
	Schema   string            // "" = current_schema() of the tenant's database, which costs one connection a database
	Labels   map[string]string // a record's own labels override them one by one
}

// check returns what is wrong with the defaults themselves.
func (d Defaults) check(env Env) error {
	if d.Server == "" {
		return nil
	}
	if message, advice := env.checkServer(d.Server); message != "" {
		return &tenant.Error{Message: message, Advice: advice}
	}
	return nil
}

// resolver turns the records of one source into tenants.
type resolver struct {
	source   string
	env      Env
	defaults Defaults
	labels   map[string]string // of the defaults, set ones only
	brought  map[string]string // servers that records brought along → database of their URL
}

// tenants returns the tenants that the records name, in their order; no record at all is an error.
func (e Env) tenants(ctx context.Context, source string, defaults Defaults, records []Record) ([]tenant.Tenant, []string, error) {
	if len(records) == 0 {
		return nil, nil, &tenant.Error{Message: "lists no tenant"}
	}
	if defaults.Server == "" && len(e.Servers) == 1 {
		for only := range e.Servers {
			defaults.Server = only
		}
	}
	r := resolver{source: source, env: e, defaults: defaults, labels: setLabels(defaults.Labels), brought: map[string]string{}}
	tenants := make([]tenant.Tenant, 0, len(records))
	var errs []error
	for i := range records {
		location, err := r.location(&records[i])
		if records[i].ID == "" {
			err = errors.Join(fmt.Errorf("record %d has no id", i+1), err)
		}
		if err != nil {
			errs = append(errs, r.describe(&records[i], err)...)
			continue
		}
		tenants = append(tenants, tenant.Tenant{
			ID: records[i].ID, Source: source, Location: location, Position: records[i].Position,
			Labels: mergeLabels(r.labels, records[i].Labels),
		})
	}
	if len(errs) > 0 {
		return nil, nil, errors.Join(errs...)
	}
	return r.fillSchemas(ctx, tenants)
}

// describe adds the record to each of its errors.
func (r *resolver) describe(record *Record, err error) []error {
	parts := []error{err}
	if joined, ok := err.(interface{ Unwrap() []error }); ok {
		parts = joined.Unwrap()
	}
	for i, part := range parts {
		e := &tenant.Error{Message: part.Error(), Err: part}
		if typed, ok := part.(*tenant.Error); ok { //nolint:errorlint // what wraps one says more than it
			e = typed
		}
		e.Source, e.Tenant, e.File, e.Line = r.source, record.ID, record.Position.File, record.Position.Line
		parts[i] = e
	}
	return parts
}

// location returns where the tenant is; its schema is "" if the database has to be asked for it.
func (r *resolver) location(record *Record) (engine.Location, error) {
	if record.File != "" {
		return r.fileLocation(record)
	}
	server, database, err := r.server(record)
	if err != nil {
		return engine.Location{}, err
	}
	if record.Database != "" {
		database = record.Database
	}
	if database == "" {
		return engine.Location{}, &tenant.Error{
			Message: fmt.Sprintf("names no database, and neither does the URL of server %s", server),
		}
	}
	return engine.Location{
		Dialect: revision.Postgres, Server: server, Database: database, Schema: cmp.Or(record.Schema, r.defaults.Schema),
	}, nil
}

func (r *resolver) fileLocation(record *Record) (engine.Location, error) {
	if record.Server+record.Database+record.Schema+record.URLEnv != "" {
		return engine.Location{}, &tenant.Error{
			Message: "has a file and also a server, database, schema or url_env",
			Advice:  "a tenant is a SQLite file or a schema in PostgreSQL, not both",
		}
	}
	path, err := r.env.path(record.File)
	if err != nil {
		return engine.Location{}, err
	}
	return engine.Location{Dialect: revision.SQLite, File: path}, nil
}

// server returns the record's server and the database that is meant if the record names none.
func (r *resolver) server(record *Record) (server, database string, err error) {
	variable, brings := record.URLEnv, record.URLEnv != ""
	if name, ok := strings.CutPrefix(record.Server, "$"); ok && (!brings || name == variable) {
		variable, brings = name, true
	} else if brings && record.Server != "" {
		return "", "", &tenant.Error{Message: "has a server and a url_env", Advice: "keep one of them"}
	}
	if brings {
		return r.bring(variable)
	}
	server = cmp.Or(record.Server, r.defaults.Server)
	if server == "" {
		advice := "give the record, or its source, a server"
		if len(r.env.Servers) == 0 {
			advice = "the config has no servers; a SQLite tenant names its file"
		}
		return "", "", &tenant.Error{Message: "names neither a server nor a file", Advice: advice}
	}
	if message, advice := r.env.checkServer(server); message != "" {
		return "", "", &tenant.Error{Message: message, Advice: advice}
	}
	if server == r.defaults.Server && r.defaults.Database != "" {
		return server, r.defaults.Database, nil
	}
	return server, r.env.Servers[server], nil
}

// bring registers the server whose URL is in an environment variable. No message shows the URL.
func (r *resolver) bring(variable string) (server, database string, err error) {
	server = "$" + variable
	if database, ok := r.brought[server]; ok {
		return server, database, nil
	}
	if r.env.Registry == nil {
		return "", "", &tenant.Error{Message: "url_env is not possible here", Advice: "name a server of the config"}
	}
	text, ok := r.env.lookup(variable)
	if !ok || text == "" {
		return "", "", &tenant.Error{Message: fmt.Sprintf("url_env: the environment variable %s is not set", variable)}
	}
	database, err = r.env.Registry.Register(server, text)
	var bad interface {
		error
		BadURL() (message, advice string)
	}
	if errors.As(err, &bad) {
		message, advice := bad.BadURL()
		return "", "", &tenant.Error{Message: fmt.Sprintf("url_env: the environment variable %s holds no postgres:// URL that can be used: %s", variable, message), Advice: advice}
	}
	if err != nil {
		return "", "", cannot(err, "url_env: %s", variable)
	}
	r.brought[server] = database
	return server, database, nil
}

// databaseKey names a database whose current_schema() is needed.
type databaseKey struct{ server, database string }

// fillSchemas sets the schema of tenants without one to the current_schema() of their database.
//
// A database that cannot be read fails the source: a guess could upgrade the wrong schema. A database that does not exist
// makes its tenants `missing`, in `public`, because a list may be older or newer than the server. Tenants on a server that
// cannot be reached are left out if the selector excludes them.
func (r *resolver) fillSchemas(ctx context.Context, tenants []tenant.Tenant) (filled []tenant.Tenant, warnings []string, err error) {
	var databases []databaseKey
	waiting := map[databaseKey][]int{}
	existing := map[string]func() (map[string]bool, error){}
	for i, t := range tenants {
		if t.Location.Dialect != revision.Postgres || t.Location.Schema != "" {
			continue
		}
		p := databaseKey{t.Location.Server, t.Location.Database}
		if waiting[p] == nil {
			databases = append(databases, p)
			existing[p.server] = r.existing(ctx, p.server)
		}
		waiting[p] = append(waiting[p], i)
	}
	schemas := make([]string, len(databases)) // "" = the database does not exist
	excluded := make([]bool, len(databases))  // the database cannot be reached, and the selector excludes its tenants
	errs := each(ctx, len(databases), func(ctx context.Context, i int) error {
		found, err := defaultSchema(ctx, r.env.Catalog, databases[i].server, databases[i].database)
		if err == nil {
			schemas[i] = found[0]
			return nil
		}
		if names, listErr := existing[databases[i].server](); listErr == nil && !names[databases[i].database] {
			return nil
		}
		excluded[i] = tenant.Unreachable(err) && !slices.ContainsFunc(waiting[databases[i]], func(t int) bool { return !r.env.Chosen.ExcludesTenant(&tenants[t]) })
		if excluded[i] {
			return nil
		}
		return err
	})
	if len(errs) > 0 {
		return nil, nil, errors.Join(errs...)
	}
	var left error
	var missing []string
	for i, p := range databases {
		if excluded[i] {
			left = &tenant.LeftOut{}
			continue
		}
		if schemas[i] == "" {
			missing = append(missing, p.server+"/"+p.database)
		}
		for _, t := range waiting[p] {
			tenants[t].Location.Schema = cmp.Or(schemas[i], "public")
		}
	}
	if len(missing) > 0 {
		slices.Sort(missing)
		warnings = append(warnings, fmt.Sprintf("%d databases that are listed do not exist: %s", len(missing), some(missing)))
	}
	if left != nil {
		tenants = slices.DeleteFunc(tenants, func(t tenant.Tenant) bool { return t.Location.Dialect == revision.Postgres && t.Location.Schema == "" })
	}
	return tenants, warnings, left
}

// existing returns a function that lists the databases of a server, once.
func (r *resolver) existing(ctx context.Context, server string) func() (map[string]bool, error) {
	return sync.OnceValues(func() (map[string]bool, error) {
		open, closed, err := r.env.Catalog.Databases(ctx, server, engine.NameFilter{All: true})
		set := make(map[string]bool, len(open))
		for _, name := range slices.Concat(open, closed) {
			set[name] = true
		}
		return set, err
	})
}
