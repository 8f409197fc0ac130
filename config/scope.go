package config

import (
	"os"
	"slices"
	"strings"

	"github.com/skeindb/skein/engine"
	"github.com/skeindb/skein/engine/revision"
	"github.com/skeindb/skein/tenant"
)

// Scope returns, from the config alone, where the revisions run; see [revision.Lint]. Tenants are schemas if a source
// includes schemas, a record of a list names one, or the file or query of a source mentions a schema. A command is not run,
// so its result is uncertain.
func (p *Project) Scope() revision.Scope {
	if p.dialect != revision.Postgres {
		return revision.Scope{}
	}
	var s schemaScope
	for _, src := range p.sources {
		s.add(src, p.Dir)
	}
	for _, server := range p.Servers {
		s.shared = append(s.shared, server.SearchPath...)
	}
	scope := revision.Scope{Schemas: s.certain || s.possible, Uncertain: !s.certain && s.possible}
	if scope.Schemas {
		scope.Tenant = s.tenant
	}
	return scope
}

// schemaScope collects the schemas of the sources.
type schemaScope struct {
	certain, possible bool
	patterns          []engine.NameFilter
	shared            []string // schemas of search_path
}

// extensionSchema is the customary schema of extensions. `include_schemas: true` excludes schemas that contain an
// extension, which the config alone does not show.
const extensionSchema = "extensions"

func (s *schemaScope) add(src source, dir string) {
	if f := src.claimed.schemas.Schemas; f.All || len(f.Include) > 0 {
		s.certain = true
		s.patterns = append(s.patterns, f)
	}
	for _, r := range src.claimed.records {
		if r.Schema != "" {
			s.certain = true
			s.patterns = append(s.patterns, engine.NameFilter{Include: []string{r.Schema}})
		}
	}
	switch f := src.field; src.kind {
	case "query":
		s.certain = s.certain || mentionsSchema(get[string](f.at("query"), "sql"))
	case "file":
		text, err := os.ReadFile(within(dir, get[string](f, "file")))
		s.certain = s.certain || err == nil && mentionsSchema(string(text))
		s.possible = s.possible || err != nil
	case "command":
		s.possible = true
	}
}

// mentionsSchema reports whether a text contains the word schema, a column or key of records.
func mentionsSchema(text string) bool { return strings.Contains(strings.ToLower(text), "schema") }

// tenant reports whether a schema is or could be a tenant of the fleet.
func (s *schemaScope) tenant(schema string) bool {
	if slices.Contains(s.shared, schema) {
		return false
	}
	for _, p := range s.patterns {
		glob := func(g string) bool { return tenant.Glob(g, schema) }
		matches := slices.ContainsFunc(p.Include, glob)
		if p.All {
			matches = !strings.HasPrefix(schema, "pg_") && schema != "information_schema" && schema != "public" && schema != extensionSchema
		}
		if matches && !slices.ContainsFunc(p.Exclude, glob) {
			return true
		}
	}
	return false
}
