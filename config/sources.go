package config

import (
	"errors"
	"fmt"
	"strconv"
	"strings"

	"github.com/skeindb/skein/engine"
	"github.com/skeindb/skein/engine/postgres"
	"github.com/skeindb/skein/engine/revision"
	"github.com/skeindb/skein/tenant"
	"github.com/skeindb/skein/tenant/discover"
)

// source is an entry of `tenants`. Its tenant.Source is made when the URLs of the servers are read.
type source struct {
	field   *field
	kind    string           // server, query, list, file, glob or command
	dialect revision.Dialect // "" = decided by its records
	make    func(discover.Env) (tenant.Source, error)
	claimed claimed
}

func (b *builder) sources() {
	tenants := b.tree.at("tenants")
	if tenants == nil || tenants.shape.item != nil && len(tenants.fields) == 0 && !tenants.invalid {
		b.noSources(tenants)
	} else {
		names := map[string]*field{}
		for i, f := range tenants.fields {
			if s := b.sourceOf(f, strconv.Itoa(i+1), names); s != nil {
				b.project.sources = append(b.project.sources, *s)
			}
		}
	}
	b.project.dialect = b.dialect()
}

func (b *builder) noSources(at *field) {
	if b.opts.Offline || b.tree.invalid {
		return
	}
	e := &Error{
		Kind: KindMissing, File: b.file, Line: 1, Col: 1, Key: "tenants", Message: "no source of tenants",
		Advice: "add one, such as `tenants: [{server: main, include_schemas: true}]` or `tenants: [{glob: \"data/*.db\"}]`",
	}
	if at != nil {
		e.Line, e.Col = at.place().Line, at.place().Column
	}
	b.add(e)
}

// sourceOf reads one entry; nil, and an error is reported, when it is invalid.
func (b *builder) sourceOf(f *field, name string, names map[string]*field) *source {
	if f.invalid {
		return nil
	}
	s := &source{field: f, kind: b.oneKind(f, "source", "server", "query", "list", "file", "glob", "command")}
	if s.kind == "" {
		return nil
	}
	if f.at("name") != nil {
		name = get[string](f, "name")
	}
	if first := names[name]; first != nil {
		b.errorAtKey(KindDuplicate, f, fmt.Sprintf("the source name %q is used twice, first in line %d", name, first.place().Line), "source names are unique; the default name of a source is its number")
	}
	names[name] = f
	b.checkKind(f, s.kind)
	b.makeSource(s, name)
	b.checkSource(s)
	return s
}

// makeSource sets dialect, make and claimed.
func (b *builder) makeSource(s *source, name string) {
	f, labels := s.field, labelsOf(s.field.at("labels"))
	defaults := discover.Defaults{Labels: labels}
	switch s.kind {
	case "server":
		s.dialect = revision.Postgres
		spec := discover.Server{
			Name: name, Server: get[string](f, "server"), ID: get[string](f, "id"), Labels: labels, IncludeSchemas: get[discover.Schemas](f, "include_schemas"),
			ExcludeSchemas: get[[]string](f, "exclude_schemas"), IncludeDatabases: get[[]string](f, "include_databases"), ExcludeDatabases: get[[]string](f, "exclude_databases"),
		}
		s.make = func(env discover.Env) (tenant.Source, error) { return discover.NewServer(spec, env) }
		s.claimed = claimed{server: spec.Server, schemas: postgres.TenantSchemas{
			Databases: engine.NameFilter{Include: spec.IncludeDatabases, Exclude: spec.ExcludeDatabases},
			Schemas:   engine.NameFilter{All: spec.IncludeSchemas.All, Include: spec.IncludeSchemas.Globs, Exclude: spec.ExcludeSchemas},
		}}
	case "query":
		// Its rows may be SQLite files, so the dialect is unknown.
		query := f.at("query")
		spec := discover.Query{Name: name, Server: get[string](query, "server"), SQL: get[string](query, "sql"), Labels: labels}
		s.make = func(env discover.Env) (tenant.Source, error) { return discover.NewQuery(spec, env) }
	case "list":
		spec := discover.List{Name: name, Records: b.records(f.at("list")), Defaults: defaults}
		s.dialect = b.dialectOf(f.at("list"))
		s.claimed = claimed{records: spec.Records}
		s.make = func(env discover.Env) (tenant.Source, error) { return discover.NewList(spec, env) }
	case "file":
		spec := discover.File{Name: name, Path: get[string](f, "file"), Defaults: defaults}
		s.make = func(env discover.Env) (tenant.Source, error) { return discover.NewFile(spec, env) }
	case "glob":
		s.dialect = revision.SQLite
		spec := discover.Glob{Name: name, Pattern: get[string](f, "glob"), ID: get[string](f, "id"), Labels: labels}
		s.make = func(env discover.Env) (tenant.Source, error) { return discover.NewGlob(spec, env) }
	case "command":
		spec := discover.Command{Name: name, Run: get[[]string](f, "command"), Defaults: defaults}
		s.make = func(env discover.Env) (tenant.Source, error) { return discover.NewCommand(spec, env) }
	}
}

// checkSource makes the source once, without I/O, to report its errors with a position. Unknown servers are reported at
// their name.
func (b *builder) checkSource(s *source) {
	if s.field.anyInvalid() {
		return
	}
	env := discover.Env{Dir: b.project.Dir, Servers: map[string]string{}}
	for _, server := range b.project.Servers {
		env.Servers[server.Name] = server.Name // any database; the URL is not read yet
	}
	known := true
	for _, name := range []*field{s.field.at("server"), s.field.at("query").at("server")} {
		if name != nil && !b.knownServer(name) {
			known = false
			env.Servers[name.node.Value] = name.node.Value
		}
	}
	_, err := s.make(env)
	if err == nil || !known && b.opts.Offline {
		return
	}
	for _, part := range parts(err) {
		message, advice := part.Error(), ""
		if e, ok := errors.AsType[*tenant.Error](part); ok {
			message, advice = e.Message, e.Advice
		}
		b.errorAtKey(KindConflict, s.field.at(s.kind), message, advice)
	}
}

// parts splits joined errors.
func parts(err error) []error {
	if joined, ok := err.(interface{ Unwrap() []error }); ok {
		return joined.Unwrap()
	}
	return []error{err}
}

// knownServer reports the name of a server that is not in the config.
func (b *builder) knownServer(f *field) bool {
	if f.invalid {
		return true
	}
	names := make([]string, len(b.project.Servers))
	for i, s := range b.project.Servers {
		if s.Name == f.node.Value {
			return true
		}
		names[i] = s.Name
	}
	if b.opts.Offline {
		return false
	}
	fallback := "add it to `servers`, with its url"
	if len(names) > 0 {
		fallback = "the servers are " + strings.Join(names, ", ")
	}
	b.errorAtValue(KindConflict, f, fmt.Sprintf("there is no server %s", quote(f.node.Value)), didYouMean(f.node.Value, names, fallback))
	return false
}

// dialectOf returns the dialect of the first record, and reports records of the other dialect.
func (b *builder) dialectOf(f *field) revision.Dialect {
	var first revision.Dialect
	for _, r := range f.fields {
		if r.invalid {
			continue
		}
		d := revision.Postgres
		if r.at("file") != nil {
			d = revision.SQLite
		}
		switch {
		case first == "":
			first = d
		case d != first:
			b.errorAtKey(KindConflict, r, "the tenants above are "+string(first)+", this one is "+string(d), oneDialect)
			return first
		}
	}
	return first
}

const oneDialect = "a config has one dialect: use two files"

// dialect returns the dialect of the revisions: revisions.dialect, else that of the sources, which must agree. If only records
// could tell, servers mean PostgreSQL.
func (b *builder) dialect() revision.Dialect {
	chosen, because := get[revision.Dialect](b, "revisions.dialect"), "revisions.dialect says"
	if chosen == "" {
		because = "the sources above are"
	}
	undecided := (*field)(nil)
	for _, s := range b.project.sources {
		switch {
		case s.field.anyInvalid(): // the mistake may be its dialect
		case s.dialect == "":
			undecided = s.field
		case chosen == "":
			chosen = s.dialect
		case s.dialect != chosen:
			b.errorAtKey(KindConflict, s.field.at(s.kind), "is a source of dialect "+string(s.dialect)+", but "+because+" "+string(chosen), oneDialect)
		}
	}
	if chosen == "" && undecided != nil && len(b.project.Servers) == 0 && !b.opts.Offline {
		b.errorAtKey(KindMissing, undecided, "cannot tell whether its tenants are PostgreSQL or SQLite", "set revisions.dialect to postgres or sqlite")
	}
	if chosen == "" {
		chosen = revision.Postgres
	}
	return chosen
}
