package postgres

import (
	"context"
	"slices"
	"strconv"
	"strings"

	"github.com/skeindb/skein/engine"
)

// The check in the message: under the tenant's lock, and immediately before a statement that names an object which the tail
// has, the tenant still has one of that name. What was screened when the plan was made may have changed since: another
// session or a function dropped it, or an earlier part created something in the tail.
//
// Where Screen found that every tenant has all names that might count, the statements are not parsed, and one check before
// the body covers all of them. Only where that check fails are they parsed, and the message is sent again.

// nameCheck is one check: of a statement, or of a whole body.
type nameCheck struct {
	needs []need
	rough bool // of a whole body, by its words
}

// nameChecks are those of one message.
type nameChecks struct {
	facts   tailFacts
	parsed  *parsedNames
	effects func(bound) *bodyEffects
	schema  string
	oid     uint32
	exact   bool // parse all statements with names that may count

	words    []kindName      // that may be found in the tail
	verified map[lookup]bool // in the current transaction
	sent     []nameCheck
}

// newNameChecks returns the checks of a work; nil where no name counts.
func (db *DB) newNameChecks(facts tailFacts, work *engine.Work, bodies func(engine.Step) body, schema string, exact bool) *nameChecks {
	if slices.Contains(facts.tail, schema) {
		facts = facts.without(schema)
	}
	if len(facts.tail) == 0 {
		return nil
	}
	c := &nameChecks{
		facts: facts, parsed: &db.names, schema: schema, oid: work.SchemaID.SchemaOID, exact: exact,
		effects: func(b bound) *bodyEffects { return bodies(b.step).effects },
	}
	var steps []bound
	for _, part := range work.Parts {
		for _, step := range part.Steps {
			if !step.Stamp {
				steps = append(steps, bound{step, bodies(step).statements})
			}
		}
	}
	if c.words = facts.candidates(steps, c.effects, schema); len(c.words) == 0 {
		return nil
	}
	return c
}

// begin begins a transaction.
func (c *nameChecks) begin() {
	if c != nil {
		c.verified = map[lookup]bool{}
	}
}

// of returns for each statement of a step the names to check before it; nil where there are none. In a transaction a name is
// checked once, and again when something may have removed it; with every, before each statement.
func (c *nameChecks) of(b bound, every bool) [][]need {
	words := c.mine(b)
	if len(words) == 0 {
		return nil
	}
	if !c.exact && !c.parsed.known(b.statements) && !takesAway([]bound{b}) && !slices.ContainsFunc(words, func(k kindName) bool { return k.kind == 0 }) {
		return nil
	}
	before := make([][]need, len(b.statements))
	for i, statement := range b.statements {
		n := c.parsed.of(statement.Text)
		for _, u := range n.uses {
			if c.verified[u.lookup] && !every || !slices.ContainsFunc(words, func(k kindName) bool { return k.name == u.name }) {
				continue
			}
			o, known := c.facts.hit(u.kindName, c.schema)
			switch {
			case !known && (u.kind == 0 || c.facts.builtin[u.kindName] || len(c.facts.objects[u.name]) > 0):
				continue // of another kind, or the server's
			case !known: // a step may create it
				o = object{schema: c.facts.tail[0], name: u.name, kind: u.kind}
			case c.facts.declares(&b, o):
				continue
			}
			c.verified[u.lookup] = true
			before[i] = append(before[i], need{use: u, object: o, step: b.step, statement: statement, unread: n.unread})
		}
		if n.path { // the statement's search path decides about those that follow
			c.begin()
			return before
		}
		if n.opaque || n.unread || n.removes || len(n.calls) > 0 {
			c.begin()
		}
	}
	return before
}

// rough returns the names to check before a step that was not parsed.
func (c *nameChecks) rough(b bound) []need {
	var needs []need
	for _, k := range c.mine(b) {
		l := lookup{kindName: k, args: anyArgs}
		if c.verified[l] {
			continue
		}
		c.verified[l] = true
		o, _ := c.facts.hit(k, c.schema)
		needs = append(needs, need{use: use{lookup: l}, object: o, step: b.step})
	}
	return needs
}

// mine returns the words that a step contains and does not declare.
func (c *nameChecks) mine(b bound) []kindName {
	t := c.effects(b)
	var mine []kindName
	for _, k := range c.words {
		_, stands := slices.BinarySearch(t.idents.Names, k.name)
		if !stands && !isOperator(k.name) {
			continue
		}
		if o, ok := c.facts.hit(k, c.schema); !ok || !c.facts.declares(&b, o) {
			mine = append(mine, k)
		}
	}
	return mine
}

// query is a SELECT that fails with the index of a need that the tenant lacks while the tail has it. nr is the index of the
// check.
func (c *nameChecks) query(nr int, check nameCheck) string {
	var arms []string
	for i := range catalogs {
		of := &catalogs[i]
		var places []int
		for n := range check.needs {
			if kind := check.needs[n].kind; kind == of.kind || kind == 0 {
				places = append(places, n)
			}
		}
		if places == nil {
			continue
		}
		condition := of.lacked(oidText(c.oid), c.facts.tail)
		if check.rough {
			condition = of.lackedRoughly(oidText(c.oid), c.facts.tail)
		}
		arms = append(arms, "SELECT w.nr FROM "+lookups(check.needs, places)+" WHERE "+condition)
	}
	return "SELECT CAST(COALESCE((SELECT pg_catalog.concat('" + markNames + strconv.Itoa(nr) + ":', pg_catalog.min(nr), ';') FROM (" + strings.Join(arms, " UNION ALL ") +
		") l HAVING pg_catalog.count(*) > 0), '0') AS pg_catalog.int4)"
}

// markNames is the text with which the check fails, followed by its index, a colon, the index of the need and a semicolon.
const markNames = "skein:names:"

// add returns the SQL of a check.
func (c *nameChecks) add(needs []need, rough bool) string {
	c.sent = append(c.sent, nameCheck{needs, rough})
	return c.query(len(c.sent)-1, c.sent[len(c.sent)-1])
}

// failed returns the check and the need of an error's mark; false for any other error.
func (c *nameChecks) failed(mark string) (nameCheck, *need, bool) {
	numbers, ok := strings.CutPrefix(mark, markNames)
	if c == nil || !ok {
		return nameCheck{}, nil, false
	}
	first, second, _ := strings.Cut(numbers, ":")
	check, n := atoi([]byte(first)), atoi([]byte(second))
	if check >= len(c.sent) || n >= len(c.sent[check].needs) {
		return nameCheck{}, nil, false
	}
	return c.sent[check], &c.sent[check].needs[n], true
}

// noTxChecks returns the SQL of the check before each statement of a no-transaction section; "" = none.
func (c *nameChecks) noTxChecks(b bound) []string {
	if c == nil {
		return nil
	}
	c.exact = true
	c.begin()
	before := c.of(b, true)
	sql := make([]string, len(before))
	for i, needs := range before {
		if len(needs) > 0 {
			sql[i] = c.add(needs, false)
		}
	}
	return sql
}

// currentTail returns the objects in the tail. Once a step was sent that may have created some, the names of the work are looked up
// each time.
func (db *DB) currentTail(ctx context.Context, c *conn, d *database, work *engine.Work, bodies func(engine.Step) body) (tailFacts, error) {
	facts := d.facts(db.cfg.Touches)
	if len(d.tail) == 0 || !d.grew.Load() {
		return facts, nil
	}
	var names []string
	for _, part := range work.Parts {
		for _, step := range part.Steps {
			if !step.Stamp {
				names = append(names, bodies(step).effects.idents.Names...)
			}
		}
	}
	if len(names) == 0 {
		return facts, nil
	}
	results, err := c.query(ctx, db.objectsQuery(d.tail, names))
	if err != nil {
		return facts, err
	}
	return newDatabase(d.tail, results[0].Rows).facts(db.cfg.Touches), nil
}

// noteTailGrowth records that a work is about to be sent that may create objects in the tail, by its words: a schema of the tail, and a
// command that creates or moves objects.
func (d *database) noteTailGrowth(work *engine.Work, bodies func(engine.Step) body) {
	if d.grew.Load() {
		return
	}
	for _, part := range work.Parts {
		for _, step := range part.Steps {
			if !step.Stamp && bodies(step).effects.hasWord(d.tail...) && bodies(step).effects.hasWord("create", "rename", "schema", "into") {
				d.grew.Store(true)
			}
		}
	}
}
