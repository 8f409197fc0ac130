package postgres

import (
	"context"
	"slices"
	"strconv"
	"strings"
	"sync"

	"github.com/skeindb/skein/engine"
	"github.com/skeindb/skein/engine/revision"
)

// screenChunk is how many tenants are asked about in one query.
const screenChunk = 5000

// screenNames refuses tenants that lack an object which their plan names without a schema while a schema of the tail has one
// of that name: see chain. Where no word of a plan is such a name, the server is not asked; where every tenant has all of
// them, there is one query a plan and database; only otherwise are the statements parsed.
func (db *DB) screenNames(ctx context.Context, candidates []engine.Candidate, refused []error) {
	at := map[dbKey][]int{}
	for i, c := range candidates {
		if refused[i] != nil {
			continue
		}
		p := dbKey{c.Location.Server, c.Location.Database}
		at[p] = append(at[p], i)
	}
	var databases sync.WaitGroup
	for p, mine := range at {
		databases.Go(func() {
			s := &screening{db: db, at: p, candidates: candidates, refused: refused}
			s.run(ctx, mine)
		})
	}
	databases.Wait()
}

// screening screens the tenants of one database. Those of several databases write different elements of refused.
type screening struct {
	db         *DB
	at         dbKey
	candidates []engine.Candidate
	refused    []error

	conn     *conn // nil until it is needed
	server   *server
	database *database
	triggers *bool // does the database have any; nil = not asked yet
}

// planGroup is a plan with its bodies, and the candidates that it is for.
type planGroup struct {
	steps   []bound
	members []int
}

func (s *screening) run(ctx context.Context, mine []int) {
	srv, err := s.db.server(s.at.server)
	if err != nil {
		return // Apply has the error
	}
	s.server = srv
	for _, w := range s.groups(mine) {
		s.otherTenants(w)
	}
	mine = slices.DeleteFunc(mine, func(i int) bool { return s.refused[i] != nil })
	if len(mine) == 0 {
		return
	}
	defer func() {
		if s.conn != nil {
			srv.release(s.conn)
		}
	}()
	s.db.mu.Lock()
	s.database = s.db.databases[s.at]
	s.db.mu.Unlock()
	if s.database == nil && s.connect(ctx) != nil {
		return
	}
	if len(s.database.tail) == 0 {
		return
	}
	for _, w := range s.groups(mine) {
		if s.screenGroup(ctx, w) != nil {
			return // it is checked again when the plan runs
		}
	}
}

func (s *screening) connect(ctx context.Context) (err error) {
	if s.conn != nil {
		return nil
	}
	if s.conn, err = s.server.acquire(ctx, s.at.database); err != nil {
		return err
	}
	if s.database == nil {
		s.database, err = s.db.databaseOf(ctx, s.server, s.conn)
	}
	return err
}

// groups groups tenants by what runs in them: by plan, and where there are templates by the rendered text. A tenant whose own
// schema is in the tail is a group of its own.
func (s *screening) groups(mine []int) []*planGroup {
	type key struct {
		plan *engine.Plan
		text string
	}
	var ways []*planGroup
	by := map[key]*planGroup{}
	for _, i := range mine {
		c := &s.candidates[i]
		k := key{plan: c.Plan}
		if len(c.Bodies) > 0 {
			k.text = textOf(c)
		}
		if s.database != nil && slices.Contains(s.database.tail, c.Location.Schema) {
			k.text += "\x00" + c.Location.Schema
		}
		w := by[k]
		if w == nil {
			w = &planGroup{steps: boundOf(c)}
			by[k] = w
			ways = append(ways, w)
		}
		w.members = append(w.members, i)
	}
	return ways
}

// textOf returns all statements of a candidate as one text, as a key.
func textOf(c *engine.Candidate) string {
	var text strings.Builder
	for _, b := range boundOf(c) {
		for _, statement := range b.statements {
			text.WriteString(statement.Text + "\x00")
		}
	}
	return text.String()
}

func boundOf(c *engine.Candidate) []bound {
	var steps []bound
	for _, part := range c.Plan.Parts {
		for _, step := range part.Steps {
			if !step.Stamp {
				steps = append(steps, bound{step, c.Statements(step)})
			}
		}
	}
	return steps
}

// screenGroup refuses the tenants of a group that lack a name.
func (s *screening) screenGroup(ctx context.Context, w *planGroup) error {
	own := ""
	if schema := s.candidates[w.members[0]].Location.Schema; slices.Contains(s.database.tail, schema) {
		own = schema
	}
	facts := s.database.facts(s.db.cfg.Touches).without(own)
	tail := facts.tail
	words := facts.candidates(w.steps, func(b bound) *bodyEffects { return s.db.effects.of(b.step, b.statements) }, own)
	if len(words) == 0 {
		return nil
	}
	if err := s.connect(ctx); err != nil {
		return err
	}
	if !takesAway(w.steps) && !slices.ContainsFunc(words, func(k kindName) bool { return k.kind == 0 }) {
		lacking, err := s.lacking(ctx, w.members, tail, needsOf(words), true)
		if err != nil || len(lacking) == 0 {
			return err
		}
	}
	c := &chain{facts: facts, parsed: &s.db.names, grows: s.grows(ctx)}
	needs := c.follow(w.steps)
	lacking, err := s.lacking(ctx, w.members, tail, needs, false)
	if err != nil {
		return err
	}
	refusals := make([]*engine.Error, len(needs))
	for _, i := range w.members {
		if n, lacks := lacking[i]; lacks {
			if refusals[n] == nil {
				refusals[n] = needs[n].refusal()
			}
			s.refused[i] = refusals[n]
		}
	}
	return nil
}

// grows returns a function that reports whether a statement runs functions or triggers, which may create any object.
func (s *screening) grows(ctx context.Context) func(*statementNames) bool {
	return func(n *statementNames) bool {
		if functions, err := s.database.hasFunctions(ctx, s.conn, n.calls); err != nil || functions {
			return true
		}
		if !n.writes {
			return false
		}
		if s.triggers == nil {
			results, err := s.conn.query(ctx, "SELECT EXISTS (SELECT FROM pg_catalog.pg_trigger WHERE NOT tgisinternal)")
			if err != nil {
				return true
			}
			there := firstValue(results[0]) == "t"
			s.triggers = &there
		}
		return *s.triggers
	}
}

// takesAway reports whether a step may drop, rename or move an object, by its words: then a tenant that has all names now may
// lack one later in the plan.
func takesAway(steps []bound) bool {
	return slices.ContainsFunc(steps, func(b bound) bool {
		return slices.ContainsFunc(b.statements, func(st revision.Statement) bool {
			t := &tokens{text: st.Text}
			switch t.word() {
			case "DROP":
				return true
			case "ALTER":
				return t.has("RENAME") || t.has("SCHEMA")
			}
			return false
		})
	})
}

func needsOf(words []kindName) []need {
	needs := make([]need, len(words))
	for i, k := range words {
		needs[i].lookup = lookup{kindName: k, args: anyArgs}
	}
	return needs
}

// lacking returns, by candidate, the first of the needs that the tenant lacks, without tenants that have all. With rough, the
// needs are words, and the first tenant found ends the search.
func (s *screening) lacking(ctx context.Context, who []int, tail []string, needs []need, rough bool) (map[int]int, error) {
	lacking := map[int]int{}
	if len(needs) == 0 {
		return lacking, nil
	}
	for chunk := range slices.Chunk(who, screenChunk) {
		var oids, places []string
		for _, i := range chunk {
			c := &s.candidates[i]
			if c.Standing.SchemaID.SchemaOID != 0 {
				oids, places = append(oids, oidText(c.Standing.SchemaID.SchemaOID)), append(places, strconv.Itoa(i))
			}
		}
		results, err := s.conn.query(ctx, lackingQuery(oids, places, tail, needs, rough))
		if err != nil {
			return nil, err
		}
		for _, row := range results[0].Rows {
			i, first := atoi(row[0]), atoi(row[1])
			lacking[i] = first
		}
		if rough && len(lacking) > 0 {
			break
		}
	}
	return lacking, nil
}

func atoi(b []byte) int {
	n, _ := strconv.Atoi(string(b)) // the server wrote it
	return n
}

// lackingQuery selects the places of schemas that lack a need, with the index of the first one. No schema has a need that the
// plan itself removes. With rough, the needs are words of which only the kind is known, and one place is enough.
func lackingQuery(oids, places, tail []string, needs []need, rough bool) string {
	var arms []string
	for i := range catalogs {
		c := &catalogs[i]
		var plain []int
		for n := range needs {
			switch {
			case needs[n].kind != c.kind || needs[n].dropped:
			case len(needs[n].unless) > 0 || needs[n].object.oid == 0 && !rough: // that of the tail is not there yet
				arms = append(arms, "SELECT t.place, w.nr FROM t CROSS JOIN "+lookups(needs, []int{n})+" WHERE NOT "+c.found("t.oid")+
					" AND t.oid NOT IN (SELECT oid FROM pg_catalog.pg_namespace WHERE nspname = ANY ("+array(needs[n].unless)+"::pg_catalog.name[]))")
			default:
				plain = append(plain, n)
			}
		}
		if plain == nil {
			continue
		}
		condition := c.lacked("t.oid", tail)
		if rough {
			condition = c.lackedRoughly("t.oid", tail)
		}
		arms = append(arms, "SELECT t.place, w.nr FROM t CROSS JOIN "+lookups(needs, plain)+" WHERE "+condition)
	}
	for n := range needs {
		if needs[n].dropped || needs[n].kind == 0 {
			arms = append(arms, "SELECT t.place, "+strconv.Itoa(n)+" AS nr FROM t WHERE "+absent(&needs[n]))
		}
	}
	sql := "WITH t AS MATERIALIZED (SELECT oid, place FROM ROWS FROM (pg_catalog.unnest(" + array(oids) + "::pg_catalog.oid[]), pg_catalog.unnest(" + array(places) +
		"::pg_catalog.int4[])) x(oid, place)), l AS (" + strings.Join(arms, "\nUNION ALL ") + ")\n"
	if rough {
		return sql + "SELECT place, nr FROM l LIMIT 1"
	}
	return sql + "SELECT place, pg_catalog.min(nr) FROM l GROUP BY place"
}

// absent is the condition that schema t has no object of a name whose kind is not known; true where the plan removes it.
func absent(n *need) string {
	if n.dropped {
		return "true"
	}
	var none []string
	for _, c := range catalogs {
		none = append(none, "NOT EXISTS (SELECT FROM pg_catalog."+c.table+" o WHERE o."+c.prefix+"namespace = t.oid AND o."+c.prefix+"name = "+literal(n.name)+"::pg_catalog.name)")
	}
	return strings.Join(none, " AND ")
}

// facts returns what is known of the tail, with what the config declares.
func (d *database) facts(touches []string) tailFacts {
	return tailFacts{d.tail, d.objects, d.builtin, d.operators, touches}
}

// without leaves out the schema of a tenant that is in the tail.
func (s tailFacts) without(own string) tailFacts {
	if own == "" {
		return s
	}
	rest := tailFacts{slices.DeleteFunc(slices.Clone(s.tail), func(t string) bool { return t == own }), map[string][]object{}, s.builtin, s.operators, s.touches}
	for name, objects := range s.objects {
		rest.objects[name] = slices.DeleteFunc(slices.Clone(objects), func(o object) bool { return o.schema == own })
	}
	return rest
}
