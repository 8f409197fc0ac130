package postgres

import (
	"cmp"
	"fmt"
	"maps"
	"regexp"
	"slices"
	"strings"

	"github.com/skeindb/skein/engine"
	"github.com/skeindb/skein/engine/revision"
)

// tailFacts are the objects in the tail of a database's search path, where the server finds a name that a tenant lacks.
type tailFacts struct {
	tail    []string
	objects map[string][]object
	builtin map[kindName]bool // see database

	operators []string // names of operators among the objects, which are no words
	touches   []string // globs over schema.name that every section may name without a schema
}

// hit returns the object of the tail that a bare name finds where the tenant with the schema own has none; false where there
// is none, or pg_catalog has one, which comes first. Kind 0 means any kind. A function or an operator that pg_catalog has too
// is never a hit: the types of its arguments decide which of them is meant.
func (s *tailFacts) hit(k kindName, own string) (object, bool) {
	var found []object
	for _, o := range s.objects[k.name] {
		if o.schema != own && (k.kind == 0 || o.kind == k.kind || k.kind == kindType && o.kind == kindRelation) &&
			!s.builtin[kindName{cmp.Or(k.kind, o.kind), k.name}] {
			found = append(found, o)
		}
	}
	if len(found) == 0 {
		return object{}, false
	}
	return slices.MinFunc(found, func(a, b object) int {
		return cmp.Compare(slices.Index(s.tail, a.schema), slices.Index(s.tail, b.schema))
	}), true
}

// bound is a step with its statements.
type bound struct {
	step       engine.Step
	statements []revision.Statement
}

// declares reports whether the section, or the config, declares the object.
func (s *tailFacts) declares(b *bound, o object) bool {
	return declared(o, nil, b.step.Revision.Section(b.step.Direction).Touches) || declared(o, nil, s.touches)
}

// need is a bare name that a plan uses before it creates an object of that name: the tenant must have it.
type need struct {
	use
	object    object // that the server finds otherwise
	step      engine.Step
	statement revision.Statement
	unread    bool     // the statement could not be parsed
	dropped   bool     // the plan itself removes it before: no tenant has it then
	unless    []string // schemas in which the plan creates one by a qualified name
}

// chain follows names through the statements of a plan, in order. It knows no tenant: the names that a tenant must have when
// the plan begins are needs. Where it is not sure it reports no need: the check in the message decides then.
type chain struct {
	facts  tailFacts
	parsed *parsedNames
	grows  func(*statementNames) bool // the statement may create objects that its text does not show

	here    map[kindName]bool     // created (true) or removed (false) in the first schema of the path
	there   map[kindName][]string // schemas outside the tail in which one was created
	made    map[kindName]object   // created in the tail
	lost    map[kindName]bool     // removed from the tail
	grown   []string              // tables that got indexes and sequences
	unsure  bool                  // from here on, any object may exist
	needs   []need
	counted map[lookup]bool
}

// follow returns the names that the tenants of a plan must have, in the order in which they are needed.
func (c *chain) follow(steps []bound) []need {
	c.here, c.there, c.made, c.lost, c.counted = map[kindName]bool{}, map[kindName][]string{}, map[kindName]object{}, map[kindName]bool{}, map[lookup]bool{}
	for i := range steps {
		for _, statement := range steps[i].statements {
			n := c.parsed.of(statement.Text)
			for _, u := range n.uses {
				c.use(&steps[i], statement, n, u)
			}
			for _, e := range n.effects {
				c.effect(e)
			}
			c.grown = append(c.grown, n.grows...)
			c.unsure = c.unsure || n.opaque || n.path || c.callsOwn(n) || c.grows(n)
		}
	}
	return c.needs
}

// callsOwn reports whether a statement calls a function that the plan created.
func (c *chain) callsOwn(n *statementNames) bool {
	return slices.ContainsFunc(n.calls, func(name string) bool {
		k := kindName{kindFunction, name}
		_, tail := c.made[k]
		return c.here[k] || len(c.there[k]) > 0 || tail
	})
}

func (c *chain) use(b *bound, statement revision.Statement, n *statementNames, u use) {
	o, ok := c.hit(u.kindName)
	if !ok || c.unsure || c.counted[u.lookup] || c.facts.declares(b, o) {
		return
	}
	present, known := c.present(u.kindName)
	if known && present || !known && (u.kind == kindRelation || u.kind == kindStatistics) && c.mayHaveGrown(u.name) {
		return
	}
	c.counted[u.lookup] = true
	c.needs = append(c.needs, need{
		use: u, object: o, step: b.step, statement: statement, unread: n.unread, dropped: known && !present, unless: c.there[u.kindName],
	})
}

// hit is tailFacts.hit with what the plan has done to the tail.
func (c *chain) hit(k kindName) (object, bool) {
	for _, kind := range kindsOf(k.kind) {
		if o, ok := c.made[kindName{kind, k.name}]; ok {
			return o, true
		}
	}
	o, ok := c.facts.hit(k, "")
	return o, ok && !c.lost[kindName{o.kind, o.name}]
}

// present reports whether a name exists in the tenant by now, if the plan created or removed it.
func (c *chain) present(k kindName) (present, known bool) {
	for _, kind := range kindsOf(k.kind) {
		p, ok := c.here[kindName{kind, k.name}]
		present, known = present || p, known || ok
	}
	return present, known
}

// kindsOf are the kinds of objects that a lookup of one kind may find.
func kindsOf(kind byte) []byte {
	switch kind {
	case 0:
		all := make([]byte, len(catalogs))
		for i := range catalogs {
			all[i] = catalogs[i].kind
		}
		return all
	case kindType:
		return []byte{kindType, kindRelation}
	}
	return []byte{kind}
}

func (c *chain) effect(e effect) {
	switch {
	case e.schema == "":
		c.here[e.kindName] = !e.gone
		maps.DeleteFunc(c.counted, func(l lookup, _ bool) bool { return l.kindName == e.kindName })
	case slices.Contains(c.facts.tail, e.schema):
		if e.gone {
			delete(c.made, e.kindName)
			c.lost[e.kindName] = true
		} else {
			c.made[e.kindName] = object{schema: e.schema, name: e.name, kind: e.kind}
			delete(c.lost, e.kindName)
		}
	case e.gone:
		c.here[e.kindName] = true // it may have been the tenant's: the check in the message decides
	default:
		c.there[e.kindName] = append(c.there[e.kindName], e.schema)
	}
}

// grownName matches the names that the server chooses for indexes, sequences and statistics of a table.
var grownName = regexp.MustCompile(`_(seq|pkey|key|idx|excl|stat)[0-9]*$`)

// mayHaveGrown reports whether the server may have chosen the name, for a table that the plan created. Long names are cut in
// the middle.
func (c *chain) mayHaveGrown(name string) bool {
	const most = 63
	return grownName.MatchString(name) && slices.ContainsFunc(c.grown, func(table string) bool {
		return strings.HasPrefix(name, table+"_") || len(name) >= most-2 && strings.HasPrefix(name, table[:min(len(table), 20)])
	})
}

// candidates returns the names in the steps that may be found in the tail, by their words: the names of objects that are
// there, names that a step qualifies with a schema of the tail, and names in a statement that may move an object there. It
// rather returns too many.
func (s *tailFacts) candidates(steps []bound, traitsOf func(bound) *bodyEffects, own string) []kindName {
	found := map[kindName]bool{}
	var mentioned []string
	for _, b := range steps {
		t := traitsOf(b)
		for _, name := range t.idents.Names {
			if len(s.objects) == 0 {
				break
			}
			for _, o := range s.objects[name] {
				if o.schema != own && !s.builtin[kindName{o.kind, name}] && !s.declares(&b, o) {
					found[kindName{o.kind, name}] = true
				}
			}
		}
		for _, q := range t.idents.Qualified {
			if slices.Contains(s.tail, q.Schema) && q.Schema != own {
				mentioned = append(mentioned, q.Name)
			}
		}
		if t.hasWord(s.tail...) && t.hasWord("schema", "rename") {
			for _, statement := range b.statements {
				mentioned = append(mentioned, s.moved(statement.Text)...)
			}
		}
	}
	for _, name := range mentioned {
		stands := slices.ContainsFunc(steps, func(b bound) bool { return traitsOf(b).hasWord(name) })
		if stands && !slices.ContainsFunc(s.objects[name], func(o object) bool { return found[kindName{o.kind, name}] }) {
			found[kindName{0, name}] = true
		}
	}
	s.addOperators(steps, own, found)
	return slices.SortedFunc(maps.Keys(found), func(a, b kindName) int {
		return cmp.Or(cmp.Compare(a.name, b.name), cmp.Compare(a.kind, b.kind))
	})
}

// moved returns the names in a statement that may move or rename an object of the tail, by its words.
func (s *tailFacts) moved(text string) []string {
	names := revision.Identifiers(text, revision.Postgres).Names
	has := func(words ...string) bool {
		return (&bodyEffects{idents: revision.Idents{Names: names}}).hasWord(words...)
	}
	if !has(s.tail...) || !has("schema", "rename") {
		return nil
	}
	return names
}

// addOperators adds the operators that the text of the steps contains.
func (s *tailFacts) addOperators(steps []bound, own string, found map[kindName]bool) {
	for _, name := range s.operators {
		for _, o := range s.objects[name] {
			k := kindName{kindOperator, name}
			if o.kind != kindOperator || o.schema == own || s.builtin[k] {
				continue
			}
			for _, b := range steps {
				if !s.declares(&b, o) && slices.ContainsFunc(b.statements, func(st revision.Statement) bool { return strings.Contains(st.Text, name) }) {
					found[k] = true
				}
			}
		}
	}
}

// isOperator reports whether a name consists of the characters of operators.
func isOperator(name string) bool { return name != "" && strings.Trim(name, "+-*/<>=~!@#%^&|`?") == "" }

// refusal is the error of a tenant that lacks the name.
func (n *need) refusal() *engine.Error {
	word := "object"
	if k := cmp.Or(n.kind, n.object.kind); k != 0 {
		word = catalog(k).word
	}
	name := n.object.schema + "." + n.object.name
	e := &engine.Error{
		Class: engine.Guard, Revision: n.step.Revision.ID, File: n.step.Revision.File,
		Line: n.statement.Line, Col: n.statement.Col, Statement: cut(n.statement.Text),
		Message: fmt.Sprintf("%s %s is named without a schema, and this tenant has none of that name: the statement would use %s, which tenants share", word, ident(n.name), name),
		Advice:  fmt.Sprintf("create it in the tenant first; or, if the shared one is meant, write %s, or note `-- skein:touches %s` above the first section", name, name),
	}
	switch {
	case firstWord(n.statement.Text) == "DROP":
		e.Advice = fmt.Sprintf("to drop it only where the tenant has one, write {{ ident .Tenant.Schema }}.%s in a section with the option template; to drop the shared one, write %s", ident(n.name), name)
	case n.dropped:
		e.Message = fmt.Sprintf("%s %s is named without a schema, and the tenant's own is dropped, renamed or moved before: the statement would use %s, which tenants share", word, ident(n.name), name)
	case n.unread:
		e.Message += "; the statement could not be analysed, so that every word of it counts as a name"
	}
	if further := strings.Count(n.statement.Text[:min(n.at, len(n.statement.Text))], "\n"); further > 0 {
		e.Message += fmt.Sprintf(" (line %d)", n.statement.Line+further)
	}
	return e
}
