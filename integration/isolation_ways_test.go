package integration_test

import (
	"fmt"
	"strings"
)

// The ways on which a revision of the isolation matrix reaches an object.

// reachWay is one way. setup is what the tenant has, or what an earlier revision of the chain makes; body is what the
// revision under test does. ok is false where the way does not lead to such an action.
type reachWay struct {
	name  string
	build func(k isolationKind, a isolationAction) (setup, body string, ok bool)
}

// named puts the object's name, and what stands for it in an expression, into SQL.
func named(sql, object, operator string) string {
	return strings.NewReplacer("{o}", object, "{op}", operator).Replace(sql)
}

// bare is SQL with the unqualified name.
func (k isolationKind) bare(sql string) string { return named(sql, k.object, k.object) }

// qualified is SQL with the name in public.
func (k isolationKind) qualified(sql string) string {
	return named(sql, "public."+k.object, "OPERATOR(public."+k.object+")")
}

// in is SQL that makes something in a schema: of the tenant's own, or one with secrets.
func (k isolationKind) in(sql, schema string, own bool) string {
	r := strings.NewReplacer("{s}", schema, "{v}", "SECRET", "{n}", "700001", "{language}", "english", "{accept}", "false", "{collation}", "provider = icu, locale = 'en'")
	if own {
		r = strings.NewReplacer("{s}", schema, "{v}", "own", "{n}", "1", "{language}", "simple", "{accept}", "true", "{collation}", "locale = 'C'")
	}
	return r.Replace(sql)
}

// plainWay is a statement of the revision itself.
var plainWay = reachWay{"plain", func(k isolationKind, a isolationAction) (string, string, bool) { return "", k.bare(a.sql), true }}

// hiddenWays are those on which the revision's own text does not show what happens, or not all of it.
var hiddenWays = []reachWay{
	{"DO with dynamic SQL", func(k isolationKind, a isolationAction) (string, string, bool) {
		half := len(k.object) / 2
		split := "' || '" + k.object[:half] + "' || '" + k.object[half:] + "' || '"
		return "", "DO $do$ BEGIN EXECUTE '" + named(strings.ReplaceAll(a.sql, "'", "''"), split, split) + "'; END $do$", true
	}},
	{"PREPARE", func(k isolationKind, a isolationAction) (string, string, bool) {
		if !changesRows(a.sql) {
			return "", "", false
		}
		return "", "PREPARE act AS " + k.bare(a.sql) + "; EXECUTE act; DEALLOCATE act", true
	}},
	{"plpgsql function", func(k isolationKind, a isolationAction) (string, string, bool) {
		return actFunction(k, a), "SELECT act()", true
	}},
	{"SQL function", func(k isolationKind, a isolationAction) (string, string, bool) {
		return "SET LOCAL check_function_bodies = off; CREATE FUNCTION act() RETURNS void LANGUAGE sql AS $act$ " + k.bare(a.sql) + " $act$", "SELECT act()", true
	}},
	{"procedure", func(k isolationKind, a isolationAction) (string, string, bool) {
		return "CREATE PROCEDURE act() LANGUAGE plpgsql AS $act$ BEGIN " + k.bare(a.sql) + "; END $act$", "CALL act()", true
	}},
	{"trigger", func(k isolationKind, a isolationAction) (string, string, bool) {
		return "CREATE TABLE bell (n integer); CREATE FUNCTION ring() RETURNS trigger LANGUAGE plpgsql AS $act$ BEGIN " + k.bare(a.sql) + "; RETURN NULL; END $act$;" +
			"CREATE TRIGGER ring AFTER INSERT ON bell FOR EACH ROW EXECUTE FUNCTION ring()", "INSERT INTO bell VALUES (1)", true
	}},
	{"event trigger", func(k isolationKind, a isolationAction) (string, string, bool) {
		return "CREATE FUNCTION ring() RETURNS event_trigger LANGUAGE plpgsql AS $act$ BEGIN " + k.bare(a.sql) + "; END $act$;" +
				"CREATE EVENT TRIGGER ring ON ddl_command_end WHEN TAG IN ('CREATE CAST') EXECUTE FUNCTION ring(); CREATE TYPE apple AS (n integer); CREATE FUNCTION core(apple) RETURNS bigint LANGUAGE sql AS 'SELECT 1::bigint'",
			"CREATE CAST (apple AS bigint) WITH FUNCTION core(apple)", true
	}},
	{"rule", func(k isolationKind, a isolationAction) (string, string, bool) {
		return "CREATE TABLE bell (n integer); CREATE RULE ring AS ON INSERT TO bell DO ALSO " + k.bare(a.sql), "INSERT INTO bell VALUES (1)", changesRows(a.sql)
	}},
	{"view", func(k isolationKind, a isolationAction) (string, string, bool) {
		read, ok := strings.CutPrefix(a.sql, readInto)
		return "CREATE VIEW peek (v) AS SELECT " + k.bare(read), "INSERT INTO sink SELECT v FROM peek", ok
	}},
	{"default", func(k isolationKind, a isolationAction) (string, string, bool) {
		return actFunction(k, a) + "; CREATE FUNCTION zero() RETURNS integer LANGUAGE plpgsql AS 'BEGIN PERFORM act(); RETURN 0; END'; CREATE TABLE bell (id integer, n integer DEFAULT zero())",
			"INSERT INTO bell (id) VALUES (1)", true
	}},
	{"domain check", func(k isolationKind, a isolationAction) (string, string, bool) {
		return actFunction(k, a) + "; CREATE FUNCTION good(integer) RETURNS boolean LANGUAGE plpgsql AS 'BEGIN PERFORM act(); RETURN true; END'; CREATE DOMAIN fruit AS integer CHECK (good(VALUE))",
			"SELECT 1::fruit", true
	}},
	{"generated column", func(k isolationKind, a isolationAction) (string, string, bool) {
		read, ok := strings.CutPrefix(a.sql, readInto)
		return "CREATE FUNCTION peek(integer) RETURNS text IMMUTABLE LANGUAGE plpgsql AS $act$ BEGIN RETURN (SELECT " + k.bare(read) + "); END $act$;" +
			"CREATE TABLE made (id integer, x text GENERATED ALWAYS AS (peek(id)) STORED)", "INSERT INTO made (id) VALUES (1)", ok
	}},
	{"check constraint", func(k isolationKind, a isolationAction) (string, string, bool) {
		return actFunction(k, a) + "; CREATE FUNCTION good(integer) RETURNS boolean LANGUAGE plpgsql AS 'BEGIN PERFORM act(); RETURN true; END'; CREATE TABLE bell (n integer CHECK (good(n)))",
			"UPDATE nums SET n = n; INSERT INTO bell VALUES (1)", true
	}},
	{"operator of its own", func(k isolationKind, a isolationAction) (string, string, bool) {
		return actFunction(k, a) + "; CREATE FUNCTION pairing(integer, integer) RETURNS integer LANGUAGE plpgsql AS 'BEGIN PERFORM act(); RETURN 0; END'; CREATE OPERATOR ## (LEFTARG = integer, RIGHTARG = integer, FUNCTION = pairing)",
			"SELECT 1 ## 2", true
	}},
}

func actFunction(k isolationKind, a isolationAction) string {
	return "CREATE FUNCTION act() RETURNS void LANGUAGE plpgsql AS $act$ BEGIN " + k.bare(a.sql) + "; END $act$"
}

// changesRows reports whether a statement can be that of a rule or PREPARE.
func changesRows(sql string) bool {
	word, _, _ := strings.Cut(sql, " ")
	return word == "INSERT" || word == "UPDATE" || word == "DELETE"
}

// drop is the statement that drops the object; "" where there is none.
func (k isolationKind) drop() string {
	for _, a := range k.actions {
		if a.name == "drop" && strings.HasPrefix(a.sql, "DROP ") && !strings.Contains(a.sql, " ON ") {
			return k.bare(a.sql) + " CASCADE"
		}
	}
	return ""
}

// isolationCase is one combination of the matrix.
type isolationCase struct {
	kind   isolationKind
	action isolationAction
	way    string
	mode   string // transaction, chain, own transaction, no transaction, pooler
	state  string // of the tenant: has, lacks, makes, loses; or how its author means it: qualified, declared
	setup  string // run in the tenant before, by others; empty in a chain
	bodies []string
	split  bool // the first revision is committed by itself
}

func (c isolationCase) String() string {
	return strings.Join([]string{c.kind.name, c.action.name, c.way, c.mode, c.state}, " / ")
}

// passes reports whether the revision has to be applied: it means what it reaches.
func (c isolationCase) passes() bool { return c.state != "lacks" && c.state != "loses" }

// isolationCases are all combinations for one kind of object.
func isolationCases(k isolationKind) []isolationCase {
	var all []isolationCase
	add := func(a isolationAction, way, mode, state, setup, body string) {
		c := isolationCase{kind: k, action: a, way: way, mode: mode, state: state}
		first := "CREATE TABLE first (n integer)"
		switch state {
		case "makes":
			first = k.in(strings.ReplaceAll(k.make, "{s}.", ""), "", true)
		case "loses":
			first = k.drop()
		case "declared":
			body = "-- skein:touches public." + k.object + "\n" + body
		}
		if k.also != "" && (state == "declared" || state == "qualified") {
			body = "-- skein:touches " + k.also + "\n" + body
		}
		switch mode {
		case "transaction", "pooler":
			c.setup, c.bodies = setup, []string{body + ";"}
		case "no transaction":
			c.setup, c.bodies = setup, []string{"[no-transaction]\n" + body + ";"}
		case "chain":
			c.bodies = []string{first + ";\n" + setup + ";", body + ";"}
		case "own transaction":
			c.bodies, c.split = []string{first + ";\n" + setup + ";", "[own-transaction]\n" + body + ";"}, true
		default:
			panic(fmt.Sprintf("no mode %q", mode))
		}
		all = append(all, c)
	}
	for n, a := range k.actions {
		_, plain, _ := plainWay.build(k, a)
		for _, state := range []string{"has", "lacks"} {
			modes := []string{"transaction", "no transaction", "own transaction", "pooler"}
			switch {
			case a.way == outside:
				modes = []string{"no transaction"}
			case a.way == inside:
				modes = []string{"transaction", "own transaction", "pooler"}
			case !wholeMatrix():
				modes = []string{"transaction", modes[1+n%3]}
			}
			for _, mode := range modes {
				add(a, "plain", mode, state, "", plain)
			}
		}
		meant := "transaction"
		if a.way == outside {
			meant = "no transaction"
		}
		add(a, "qualified name", meant, "qualified", "", k.qualified(a.sql))
		if a.way != allWays {
			continue
		}
		add(a, "plain", meant, "declared", "", plain)
		add(a, "plain", "chain", "makes", "", plain)
		add(a, "plain", "own transaction", "makes", "", plain)
		if k.drop() != "" {
			add(a, "plain", "chain", "loses", "", plain)
			add(a, "plain", "own transaction", "loses", "", plain)
		}
		for w, way := range hiddenWays {
			setup, body, ok := way.build(k, a)
			if !ok {
				continue
			}
			for s, state := range []string{"has", "lacks"} {
				for m, mode := range []string{"transaction", "chain", "own transaction", "no transaction", "pooler"} {
					if wholeMatrix() || m == (n+w+s)%5 && (n+w/5+s)%2 == 0 {
						add(a, way.name, mode, state, setup, body)
					}
				}
			}
		}
	}
	return all
}
