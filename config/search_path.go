package config

import (
	"fmt"
	"slices"
	"strings"

	"github.com/skeindb/skein/engine/postgres"
	"github.com/skeindb/skein/tenant"
	"github.com/skeindb/skein/tenant/discover"
)

// claimed are the schemas that a source takes for tenants, as far as the config alone says so.
type claimed struct {
	server  string
	schemas postgres.TenantSchemas
	records []discover.Record // of a list
}

// claimed returns what sources say of a server.
func (p *Project) claimed(server string) []claimed {
	here := func(name string) bool { return name == server || name == "" && len(p.Servers) == 1 }
	var list []claimed
	for _, s := range p.sources {
		t := claimed{}
		if here(s.claimed.server) {
			t.schemas = s.claimed.schemas
		}
		for _, r := range s.claimed.records {
			if r.Schema != "" && r.URLEnv == "" && here(r.Server) {
				t.records = append(t.records, r)
			}
		}
		list = append(list, t)
	}
	return list
}

// tenantSchemas are the schemas of a server that sources take for tenants by patterns.
func (p *Project) tenantSchemas(server string) []postgres.TenantSchemas {
	var list []postgres.TenantSchemas
	for _, t := range p.claimed(server) {
		if f := t.schemas.Schemas; f.All || len(f.Include) > 0 {
			list = append(list, t.schemas)
		}
	}
	return list
}

// sharedTenants complains about schemas of search_path that sources take for tenants: each would be read and written
// by all others. A database whose only tenant it is has no others, so that one pattern without wildcards, and a
// database of which a list names one schema, are let pass.
func (b *builder) checkSharedSchemas() {
	for _, s := range b.project.Servers {
		for _, schema := range s.SearchPath {
			how := b.project.claimedBy(s.Name, schema)
			if how == "" {
				continue
			}
			message := fmt.Sprintf("schema %s is a tenant (%s): all other tenants would read and write its tables", schema, how)
			const advice = "remove it from search_path and move shared objects into a schema of their own, or exclude it from the tenants"
			f := b.layers.at(path{"servers", s.Name, "search_path"})
			if f.layer == fromFile {
				b.errorAt(KindConflict, f.node.Content[slices.Index(f.texts(), schema)], f.path, message, advice)
			} else {
				b.errorAtValue(KindConflict, f, message, advice)
			}
		}
	}
}

// takes says how sources make a schema of a server a tenant beside others; "" when none does.
func (p *Project) claimedBy(server, schema string) string {
	alone := ""
	found := 0
	for _, t := range p.claimed(server) {
		f := t.schemas.Schemas
		if i := slices.IndexFunc(f.Include, func(g string) bool { return tenant.Glob(g, schema) }); f.All && schema != "public" || i >= 0 {
			if slices.ContainsFunc(f.Exclude, func(g string) bool { return tenant.Glob(g, schema) }) {
				continue
			}
			how := "include_schemas: true"
			if !f.All {
				how = fmt.Sprintf("include_schemas: %q", f.Include[i])
			}
			if f.All || len(f.Include) > 1 || strings.ContainsAny(f.Include[0], "*?") {
				return how
			}
			alone = how
		}
		if f.All || len(f.Include) > 0 {
			found++
		}
		for _, r := range t.records {
			beside := slices.ContainsFunc(t.records, func(o discover.Record) bool { return o.Database == r.Database && o.Schema != r.Schema })
			if r.Schema == schema && beside {
				return fmt.Sprintf("list, line %d", r.Place.Line)
			}
		}
	}
	if found > 1 {
		return alone
	}
	return ""
}
