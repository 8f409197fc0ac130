package config

import (
	"fmt"
	"slices"
	"strings"

	"github.com/skeindb/skein/engine/postgres"
	"github.com/skeindb/skein/tenant"
	"github.com/skeindb/skein/tenant/discover"
)

// claimed are the schemas that are tenants by a source, as far as the config alone shows.
type claimed struct {
	server  string
	schemas postgres.TenantSchemas
	records []discover.Record // of a list
}

// claimed returns the schemas of a server that are tenants, by source.
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

// tenantSchemas returns the patterns of schemas of a server that are tenants.
func (p *Project) tenantSchemas(server string) []postgres.TenantSchemas {
	var list []postgres.TenantSchemas
	for _, t := range p.claimed(server) {
		if f := t.schemas.Schemas; f.All || len(f.Include) > 0 {
			list = append(list, t.schemas)
		}
	}
	return list
}

// checkSharedSchemas reports schemas of search_path that are tenants: all other tenants would read and write their tables. A
// database with a single tenant has no others, so a single pattern without wildcards, and a database of which a list names
// one schema, are accepted.
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

// claimedBy returns the key by which a schema of a server is one of several tenants; "" when it is none.
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
				return fmt.Sprintf("list, line %d", r.Position.Line)
			}
		}
	}
	if found > 1 {
		return alone
	}
	return ""
}
