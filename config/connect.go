package config

import (
	"context"
	"errors"
	"fmt"

	"github.com/skeindb/skein/engine/postgres"
	"github.com/skeindb/skein/engine/sqlite"
	"github.com/skeindb/skein/tenant"
	"github.com/skeindb/skein/tenant/discover"
)

// Sources returns the sources of tenants in the order of the config. It reads the URLs of all servers for their default
// databases, but opens no connection. Sources that cannot list a tenant selected by chosen are not queried.
//
// Catalog and registry are the *postgres.DB; they may be nil for a project without servers. A project without sources,
// which Load accepts only when Offline, is an error.
func (p *Project) Sources(ctx context.Context, catalog discover.Catalog, registry discover.Registry, chosen tenant.Selector) ([]tenant.Source, error) {
	if len(p.sources) == 0 {
		return nil, &Error{Kind: KindMissing, File: p.Path, Key: "tenants", Message: "no source of tenants", Advice: "add one to `tenants`"}
	}
	env := discover.Env{Dir: p.Dir, Servers: map[string]string{}, Catalog: catalog, Registry: registry, Chosen: chosen, LookupEnv: p.lookup}
	var errs []error
	for i := range p.Servers {
		s := &p.Servers[i]
		database, err := s.database(ctx)
		if err != nil {
			errs = append(errs, err)
		}
		env.Servers[s.Name] = database
	}
	if len(errs) > 0 {
		return nil, errors.Join(errs...)
	}
	sources := make([]tenant.Source, 0, len(p.sources))
	for _, s := range p.sources {
		made, err := s.make(env)
		if err != nil {
			errs = append(errs, err)
			continue
		}
		if get[string](s.field, "on_unreachable") == "warn" {
			made = skipUnreachable{made}
		}
		sources = append(sources, made)
	}
	if len(errs) > 0 {
		return nil, errors.Join(errs...)
	}
	return sources, nil
}

// Postgres returns the config of engine/postgres. URLs are read now, passwords at each connection. Errors of all servers
// are joined.
func (p *Project) Postgres(ctx context.Context, application string) (postgres.Config, error) {
	c := postgres.Config{VersionTable: p.State.VersionTable, Application: application, Touches: p.Touches}
	var errs []error
	for i := range p.Servers {
		s, err := p.Servers[i].postgres(ctx)
		if err != nil {
			errs = append(errs, err)
			continue
		}
		s.Tenants = p.tenantSchemas(s.Name)
		c.Servers = append(c.Servers, s)
	}
	if len(errs) > 0 {
		return postgres.Config{}, errors.Join(errs...)
	}
	return c, nil
}

func (s *Server) postgres(ctx context.Context) (postgres.Server, error) {
	out := postgres.Server{
		Name: s.Name, MaxConnections: s.mostConnections(),
		SearchPath: s.SearchPath, AutoSearchPath: s.AutoSearchPath,
	}
	var err, directErr error
	out.URL, err = s.url(ctx, "url", s.URL)
	if !s.DirectURL.IsZero() {
		out.DirectURL, directErr = s.url(ctx, "direct_url", s.DirectURL)
	}
	if !s.Password.IsZero() {
		out.Password = s.Password.Value
	}
	return out, errors.Join(err, directErr)
}

// SQLite returns the config of engine/sqlite.
func (p *Project) SQLite() sqlite.Config {
	return sqlite.Config{VersionTable: p.State.VersionTable}
}

// skipUnreachable is a source with `on_unreachable: warn`: it lists no tenants while its server cannot be reached.
type skipUnreachable struct{ tenant.Source }

// List implements [tenant.Source].
func (t skipUnreachable) List(ctx context.Context) ([]tenant.Tenant, []string, error) {
	tenants, warnings, err := t.Source.List(ctx)
	if tenant.Unreachable(err) {
		return nil, warnings, &tenant.LeftOut{Reason: fmt.Sprintf("its tenants are left out: %v", err), Err: err}
	}
	return tenants, warnings, err
}
