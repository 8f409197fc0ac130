package postgres

import (
	"context"
	"fmt"
	"maps"
	"regexp"
	"slices"
	"strings"

	"github.com/skeindb/skein/engine"
	"github.com/skeindb/skein/engine/revision"
)

// A database has each extension once, in one schema. In a database of several tenants none of them may own one: the first
// tenant whose chain says CREATE EXTENSION would have it, and all others would need its schema.

// extensionStatement is a CREATE, ALTER or DROP EXTENSION, as far as it matters here.
type extensionStatement struct {
	verb    string // CREATE, ALTER or DROP
	name    string
	schema  string // after SCHEMA; "" = none, or computed at run time
	placed  bool   // it has the word SCHEMA
	lenient bool   // IF NOT EXISTS, IF EXISTS, or in a DO block, which may check first
	cascade bool
}

// extensionStatements returns those that a statement runs: itself, or those in a DO block.
func extensionStatements(text string) []extensionStatement {
	if firstWord(text) != "DO" {
		if s, ok := readExtension(text); ok {
			return []extensionStatement{s}
		}
		return nil
	}
	var list []extensionStatement
	text = withoutComments(text)
	for _, at := range extensionWords.FindAllStringIndex(text, -1) {
		if s, ok := readExtension(text[at[0]:]); ok {
			s.lenient = true
			list = append(list, s)
		}
	}
	return list
}

var extensionWords = regexp.MustCompile(`(?i)\b(create|alter|drop)\s+extension\b`)

// withoutComments replaces comments by a space. String literals that look like comments stay.
func withoutComments(text string) string {
	var b strings.Builder
	for i := 0; i < len(text); {
		end := i + 1
		switch {
		case strings.HasPrefix(text[i:], "--"):
			if n := strings.IndexByte(text[i:], '\n'); n >= 0 {
				end = i + n
			} else {
				end = len(text)
			}
			b.WriteByte(' ')
		case strings.HasPrefix(text[i:], "/*"):
			end = i + commentEnd(text[i:])
			b.WriteByte(' ')
		case text[i] == '\'':
			if n := strings.IndexByte(text[i+1:], '\''); n >= 0 {
				end = i + n + 2
			}
			b.WriteString(text[i:end])
		default:
			b.WriteByte(text[i])
		}
		i = end
	}
	return b.String()
}

func readExtension(text string) (extensionStatement, bool) {
	t := &tokens{text: text}
	t.skip()
	s := extensionStatement{verb: t.word()}
	if !slices.Contains([]string{"CREATE", "ALTER", "DROP"}, s.verb) || !t.accept("EXTENSION") {
		return s, false
	}
	if t.accept("IF") {
		t.accept("NOT")
		t.accept("EXISTS")
		s.lenient = true
	}
	s.name = unquoted(t.name())
	for t.skip(); t.text != "" && t.text[0] != ';' && (t.text[0] != '\'' || s.verb == "CREATE"); t.skip() {
		switch word := t.word(); {
		case word == "SCHEMA":
			s.placed = true
			s.schema = unquoted(t.name())
		case word == "CASCADE":
			s.cascade = true
		case word == "VERSION" || word == "FROM" || word == "TO":
			t.skip()
			if strings.HasPrefix(t.text, "'") {
				_, t.text, _ = strings.Cut(t.text[1:], "'")
			} else {
				t.name()
			}
		case word == "": // a character without meaning here
			t.text = t.text[1:]
		}
	}
	return s, s.verb != "ALTER" || s.placed
}

// unquoted returns a name as the server compares it.
func unquoted(name string) string {
	if strings.HasPrefix(name, `"`) && strings.HasSuffix(name, `"`) && len(name) > 1 {
		return strings.ReplaceAll(name[1:len(name)-1], `""`, `"`)
	}
	return strings.ToLower(name)
}

// extensionStep is what one step does to extensions.
type extensionStep struct {
	step      engine.Step
	statement revision.Statement
	does      extensionStatement
}

// extensionSteps returns the steps of parts that change extensions.
func (t *effectsCache) extensionSteps(parts []engine.Part, statements func(engine.Step) []revision.Statement) []extensionStep {
	var list []extensionStep
	for _, part := range parts {
		for _, step := range part.Steps {
			if step.Stamp || !t.of(step, statements(step)).hasWord("extension") {
				continue
			}
			for _, stmt := range statements(step) {
				for _, does := range extensionStatements(stmt.Text) {
					list = append(list, extensionStep{step, stmt, does})
				}
			}
		}
	}
	return list
}

// extensionFacts is what one database has of the extensions and schemas that steps name.
type extensionFacts struct {
	path   pathFacts
	fixed  map[string]string // extension → the schema that its control file demands
	lies   map[string]string // installed extension → its schema
	single bool              // the database has one tenant, and no source that may find another
}

// extensionFacts reads them. schema is that of the tenant.
func (db *DB) extensionFacts(ctx context.Context, srv *server, c *conn, schema string, steps []extensionStep) (*extensionFacts, error) {
	f := &extensionFacts{fixed: map[string]string{}, lies: map[string]string{}}
	named, asked := map[string]bool{}, map[string]bool{schema: true}
	for _, s := range steps {
		named[s.does.name] = true
		asked[s.does.schema] = true
	}
	delete(asked, "")
	names, ask := slices.Sorted(maps.Keys(named)), slices.Sorted(maps.Keys(asked))
	results, err := c.query(ctx, "SELECT DISTINCT v.name, v.schema FROM pg_catalog.pg_available_extension_versions v "+
		"WHERE v.schema IS NOT NULL AND v.name = ANY ("+array(names)+"::pg_catalog.name[])")
	if err != nil {
		return nil, err
	}
	for _, r := range results[0].Rows {
		f.fixed[string(r[0])] = string(r[1])
		ask = append(ask, string(r[1]))
	}
	if f.path, err = db.pathFacts(ctx, srv, c, ask); err != nil {
		return nil, err
	}
	for _, s := range f.path.schemas {
		for _, e := range s.extensions {
			f.lies[e.Name] = s.name
		}
	}
	f.single = !f.path.shared(schema) && !db.mayHaveSeveral(srv, c.database)
	return f, nil
}

// tenant reports whether a schema is a tenant or could be one, whether it exists or not.
func (f *extensionFacts) tenant(db *DB, srv *server, database, schema string) bool {
	if s := f.path.schema(schema); s != nil {
		return s.tenant()
	}
	return schema != "pg_catalog" && (db.isSourced(srv, database, schema) || slices.Contains(f.path.tenants, schema) || sibling(schema, f.path.tenants))
}

// refuse returns the error of the first step that would put an extension into the schema of one of several tenants, rely on
// one that is in a tenant's schema, or drop one with what other tenants built on it; nil where there is none.
func (f *extensionFacts) refuse(db *DB, srv *server, database string, steps []extensionStep) error {
	if f.single {
		return nil
	}
	for _, s := range steps {
		message, advice := db.refuseExtension(f, srv, database, s.does)
		if message == "" {
			continue
		}
		return &engine.Error{
			Class: engine.Guard, Revision: s.step.Revision.ID, File: s.step.Revision.File,
			Line: s.statement.Line, Col: s.statement.Col, Statement: cut(s.statement.Text), Message: message, Advice: advice,
		}
	}
	return nil
}

const sharedSchemaAdvice = "name a schema that no tenant owns and that is there already, such as CREATE EXTENSION IF NOT EXISTS %s SCHEMA extensions; or make it once by hand, before the tenants"

// refuseExtension returns why a statement must not run; "" where it may.
func (db *DB) refuseExtension(f *extensionFacts, srv *server, database string, s extensionStatement) (message, advice string) {
	lies, there := f.lies[s.name]
	switch s.verb {
	case "DROP":
		if there && s.cascade {
			return fmt.Sprintf("DROP EXTENSION %s CASCADE takes the columns of its types from all tenants of database %s", plain(s.name), database),
				"each database has an extension once: drop what uses it in each tenant first, and the extension by hand at the end, without CASCADE"
		}
		return "", ""
	case "ALTER":
		if s.schema != "" && f.tenant(db, srv, database, s.schema) {
			return fmt.Sprintf("it would move extension %s into schema %s, which is a tenant's: no other tenant of database %s would find it", plain(s.name), ident(s.schema), database),
				"name a schema that no tenant owns, such as extensions"
		}
		return "", ""
	}
	if there && s.lenient {
		if !f.tenant(db, srv, database, lies) {
			return "", "" // it does nothing
		}
		e := f.extension(lies, s.name)
		return e.String() + ": it cannot be relied on by other tenants", e.Advice()
	}
	where, advice := f.where(s), fmt.Sprintf(sharedSchemaAdvice, plain(s.name))
	switch {
	case where == "" && s.placed: // computed at run time
		return "", ""
	case where == "":
		return fmt.Sprintf("CREATE EXTENSION %s without SCHEMA puts it into the schema of one tenant, where no other tenant of database %s finds it", plain(s.name), database), advice
	case f.tenant(db, srv, database, where):
		return fmt.Sprintf("it would put extension %s into schema %s, which is a tenant's: no other tenant of database %s would find it", plain(s.name), ident(where), database),
			advice + "; a schema that is called like tenants and is none goes into servers." + srv.name + ".search_path, and into exclude_schemas where a source matches it"
	}
	return "", ""
}

// extension returns an installed extension.
func (f *extensionFacts) extension(schema, name string) Extension {
	for _, e := range f.path.schema(schema).extensions {
		if e.Name == name {
			return e
		}
	}
	return Extension{}
}

// mayChangeExtensions refuses a work whose steps must not run here: see extensionFacts.refuse. It returns the schemas into
// which the steps put extensions: the rest of the work needs them on its search path.
func (db *DB) mayChangeExtensions(ctx context.Context, s *session, c *conn, work *engine.Work) (into []string, err error) {
	steps := db.effects.extensionSteps(work.Parts, work.Statements)
	if len(steps) == 0 {
		return nil, nil
	}
	f, err := db.extensionFacts(ctx, s.server, c, s.location.Schema, steps)
	if err != nil {
		return nil, err
	}
	if err := f.refuse(db, s.server, c.database, steps); err != nil {
		return nil, err
	}
	if !s.server.cfg.AutoSearchPath {
		return nil, nil
	}
	for _, step := range steps {
		where := f.where(step.does)
		if where != "" && where != "pg_catalog" && where != s.location.Schema && !slices.Contains(into, where) && !f.tenant(db, s.server, c.database, where) {
			into = append(into, where)
		}
	}
	return into, nil
}

// where returns the schema into which a statement puts an extension; "" where it puts none, uses the first schema of the
// path, or where the schema is not known.
func (f *extensionFacts) where(s extensionStatement) string {
	if s.verb == "DROP" || s.verb == "CREATE" && s.lenient && f.lies[s.name] != "" {
		return ""
	}
	if fixed := f.fixed[s.name]; fixed != "" && s.verb == "CREATE" {
		return fixed
	}
	return s.schema
}

// screenExtensions is mayChangeExtensions before anything is touched: it asks once a database, and only where a plan changes
// extensions. It sets refused[i] for candidates[i] unless it is set.
func (db *DB) screenExtensions(ctx context.Context, candidates []engine.Candidate, refused []error) {
	steps := make([][]extensionStep, len(candidates))
	plans := map[*engine.Plan][]extensionStep{} // of plans without templates
	var locations []engine.Location
	var of []int
	for i := range candidates {
		c := &candidates[i]
		known, ok := plans[c.Plan]
		if !ok || c.Bodies != nil {
			known = db.effects.extensionSteps(c.Plan.Parts, c.Statements)
			plans[c.Plan] = known
		}
		if steps[i] = known; len(known) > 0 && refused[i] == nil {
			locations, of = append(locations, c.Location), append(of, i)
		}
	}
	db.eachDatabase(locations, func(srv *server, database string, mine []int, err error) {
		if err != nil {
			return
		}
		c, err := srv.acquire(ctx, database)
		if err != nil {
			return
		}
		defer srv.release(c)
		defer c.rollback(ctx)
		var all []extensionStep
		for _, k := range mine {
			all = append(all, steps[of[k]]...)
		}
		f, err := db.extensionFacts(ctx, srv, c, locations[mine[0]].Schema, all)
		if err != nil {
			return // it is checked again when the plan runs
		}
		for _, k := range mine {
			refused[of[k]] = f.refuse(db, srv, database, steps[of[k]])
		}
	})
}
