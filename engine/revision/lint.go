package revision

import (
	"cmp"
	"fmt"
	"maps"
	"slices"
	"strings"
)

// Finding is something in a revision that is legal and that its author should know about.
type Finding struct {
	Rule      string // a name of [Rules]
	Error     bool   // it cannot have been meant; else a warning
	Revision  string
	File      string // as in Revision
	Line, Col int    // 1-based; Col counts bytes, 0 = the whole line
	Message   string
	Advice    string
}

// The rules.
const (
	RuleLongName        = "long-name"
	RuleExtensionSchema = "extension-schema"
	RuleQualifiedName   = "qualified-name"
	RuleDatabaseWide    = "database-wide"
	RuleServerWide      = "server-wide"
	RuleTemplateOption  = "template-option"
	RuleUnusedIgnore    = "unused-ignore"
)

// Rules returns the names of the rules of [Lint] and what each looks for.
func Rules() map[string]string {
	return map[string]string{
		RuleLongName:        "a name that is created or renamed to is longer than PostgreSQL's 63 bytes",
		RuleExtensionSchema: "CREATE EXTENSION without a schema that tenants share",
		RuleQualifiedName:   "what is created, altered or dropped is named with a schema",
		RuleDatabaseWide:    "the statement reaches every tenant of the database",
		RuleServerWide:      "the statement reaches every database of the server",
		RuleTemplateOption:  "an action of a template in a section without the option template",
		RuleUnusedIgnore:    "a note skein:ignore that silences nothing",
	}
}

// Scope says where the revisions run. The zero value is a fleet in which no two tenants share a database.
type Scope struct {
	Schemas   bool                     // tenants are schemas of databases that they share
	Uncertain bool                     // they may be: an error that depends on it becomes a warning
	Tenant    func(schema string) bool // reports whether a schema is or could be a tenant; nil = not known
}

// Lint finds in the text of a revision what runs and was probably not meant: names that the server cuts, and, if tenants
// are schemas, statements that affect more than one of them. It sees only the text, not what functions and DO blocks
// build at run time.
//
// A note `-- skein:ignore RULE: reason` silences a rule in its section; in the header, in both. A note that silences
// nothing is a finding itself. Findings are in the order of the file. Lint is pure and safe for concurrent use.
func Lint(r *Revision, scope Scope) []Finding {
	var found []Finding
	used := map[Ignore]bool{}
	for _, s := range []*Section{r.Upgrade, r.Downgrade} {
		if s == nil {
			continue
		}
		for _, f := range lintSection(s, scope) {
			silent := false
			for _, i := range s.Ignores {
				if i.Rule == f.Rule {
					used[i], silent = true, true
				}
			}
			if !silent {
				found = append(found, f)
			}
		}
	}
	found = append(found, unusedIgnores(r, scope, used)...)
	for i := range found {
		found[i].Revision, found[i].File = r.ID, r.File
	}
	slices.SortStableFunc(found, func(a, b Finding) int { return cmp.Or(a.Line-b.Line, a.Col-b.Col) })
	return found
}

func unusedIgnores(r *Revision, scope Scope, used map[Ignore]bool) []Finding {
	var found []Finding
	seen := map[Ignore]bool{}
	rules := Rules()
	for _, s := range []*Section{r.Upgrade, r.Downgrade} {
		if s == nil {
			continue
		}
		for _, i := range s.Ignores {
			_, known := rules[i.Rule]
			if used[i] || seen[i] || known && i.Rule != RuleLongName && i.Rule != RuleTemplateOption && !scope.Schemas {
				continue // a rule that is not asked here may be asked under another config
			}
			seen[i] = true
			f := Finding{Rule: RuleUnusedIgnore, Line: i.Line, Message: "skein:ignore " + i.Rule + " silences nothing", Advice: "take the note out"}
			if !known {
				f.Message = "skein:ignore " + i.Rule + ": there is no such rule"
				f.Advice = didYouMean(i.Rule, slices.Sorted(maps.Keys(rules)))
			}
			found = append(found, f)
		}
	}
	return found
}

// lintSection returns the findings of one section, before any is silenced.
func lintSection(s *Section, scope Scope) []Finding {
	found := unrendered(s)
	if s.Dialect == SQLite {
		return found
	}
	for _, st := range lintStatements(s) {
		l := linter{section: s, scope: scope, at: cursor{text: st.Text, line: st.Line}, statement: st}
		l.longNames()
		if scope.Schemas {
			l.wider()
			l.extension()
			l.qualified()
		}
		found = append(found, l.found...)
	}
	return found
}

// lintStatements returns the statements of a section, those of a template with a short name in place of each action.
func lintStatements(s *Section) []Statement {
	if !s.Options.Template {
		return s.Statements
	}
	body := s.body()
	plain := []byte(withoutActions(body))
	for at := range plain {
		if strings.HasPrefix(body[at:], "{{") && plain[at] == ' ' && plain[at+1] == ' ' {
			plain[at] = placeholder
		}
	}
	statements, err := Split(string(plain), s.Dialect, s.Line+1)
	if err != nil {
		return nil // rendering reports it
	}
	return statements
}

// placeholder is a name in place of a template's action.
const placeholder = '_'

// linter looks at one statement.
type linter struct {
	section   *Section
	scope     Scope
	statement Statement
	at        cursor
	found     []Finding
}

func (l *linter) add(f Finding, offset int) {
	line, col := l.at.position(offset)
	if line == l.statement.Line {
		col += l.statement.Col - 1
	}
	f.Line, f.Col = line, col
	l.found = append(l.found, f)
}

// wider finds statements about what does not belong to a schema.
func (l *linter) wider() {
	o := openingOf(l.statement.Text, Postgres)
	rule, what := reach(&o)
	switch rule {
	case RuleServerWide:
		l.add(Finding{Rule: rule, Message: what + " reaches every database of the server", Advice: "run it once, outside of skein; " + ignoreAdvice(rule)}, 0)
	case RuleDatabaseWide:
		l.add(Finding{Rule: rule, Message: what + " reaches every tenant of the database, and runs once a tenant", Advice: "run it once a database, outside of skein; " + ignoreAdvice(rule)}, 0)
	}
}

func ignoreAdvice(rule string) string {
	return fmt.Sprintf("if it is meant, say so: `-- skein:ignore %s: reason`", rule)
}

// extension finds CREATE EXTENSION that puts objects which all tenants see into one of them.
func (l *linter) extension() {
	for _, e := range extensions(l.statement.Text, 0) {
		message := ""
		switch {
		case e.schema == "":
			message = fmt.Sprintf("CREATE EXTENSION %s names no schema: it would go to the first tenant that runs it, once for the whole database", e.name)
		case e.schema == string(placeholder), l.scope.Tenant != nil && l.scope.Tenant(e.schema):
			message = fmt.Sprintf("CREATE EXTENSION %s goes to schema %s, which is or could be a tenant; an extension is there once for the whole database", e.name, e.schema)
		default:
			continue
		}
		l.add(Finding{
			Rule: RuleExtensionSchema, Error: !l.scope.Uncertain, Message: message,
			Advice: fmt.Sprintf("name a schema that is there already and that no source includes, such as `CREATE EXTENSION IF NOT EXISTS %s WITH SCHEMA public`; or create it once a database, outside of skein", e.name),
		}, e.at)
	}
}

// qualified finds DDL on objects that are named with a schema.
func (l *linter) qualified() {
	for _, n := range targets(l.statement.Text) {
		if n.schema == string(placeholder) || strings.HasPrefix(n.schema, "pg_temp") || l.touched(n) {
			continue
		}
		what := n.schema + "." + n.name
		if n.name == "" {
			what = "schema " + n.schema
		}
		l.add(Finding{
			Rule: RuleQualifiedName, Message: fmt.Sprintf("%s is outside the tenant: each tenant's run would change the same object", what),
			Advice: fmt.Sprintf("leave the schema out for an object of the tenant; if it is meant, write `-- skein:touches %s.%s`, or `-- skein:ignore %s: reason`", n.schema, cmp.Or(n.name, "*"), RuleQualifiedName),
		}, n.at)
	}
}

// touched reports whether the section declares that it touches the object.
func (l *linter) touched(n namedObject) bool {
	for _, pattern := range l.section.Touches {
		schema, name, _ := strings.Cut(pattern, ".")
		if wildcard(schema, n.schema) && (wildcard(name, n.name) || n.name == "" && name == "*") {
			return true
		}
	}
	return false
}

// wildcard matches a pattern in which * stands for any text.
func wildcard(pattern, name string) bool {
	before, after, found := strings.Cut(pattern, "*")
	if !found {
		return pattern == name
	}
	if !strings.HasPrefix(name, before) {
		return false
	}
	for rest := name[len(before):]; ; rest = rest[1:] {
		if wildcard(after, rest) {
			return true
		}
		if rest == "" {
			return false
		}
	}
}
