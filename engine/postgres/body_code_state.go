package postgres

import (
	"context"
	"fmt"
	"slices"
	"strings"

	"github.com/skeindb/skein/engine"
	"github.com/skeindb/skein/engine/revision"
)

// Some code keeps state for the whole session, and no reset removes it. PL/pgSQL compiles a function once a session: a
// variable declared as `users%ROWTYPE` in a shared function keeps the type of the tenant for which it ran first
// (PostgreSQL's manual, "PL/pgSQL under the Hood"). PL/Perl, PL/Python and PL/Tcl have variables that all functions of a
// session share. Where a database has such code, a connection serves no other tenant after a body that may have run it.

// stateKeeper returns a function that keeps state in its session; "" where there is none.
func (db *DB) stateKeeper(ctx context.Context, srv *server, c *conn, d *database) (string, error) {
	d.mu.Lock()
	defer d.mu.Unlock()
	if d.keeper != nil {
		return *d.keeper, nil
	}
	results, err := c.query(ctx, `SELECT n.nspname || '.' || p.proname, l.lanname, p.prosrc
FROM pg_catalog.pg_proc p JOIN pg_catalog.pg_language l ON l.oid = p.prolang JOIN pg_catalog.pg_namespace n ON n.oid = p.pronamespace
	LEFT JOIN pg_catalog.unnest(`+array(db.tenantsOf(srv, c.database))+`::pg_catalog.name[]) t(name) ON t.name = n.nspname
WHERE l.lanname NOT IN ('internal', 'c', 'sql', 'plpgsql')
	OR l.lanname = 'plpgsql' AND t.name IS NULL AND p.prosrc ILIKE '%declare%' AND p.oid >= 16384
		AND NOT EXISTS (SELECT FROM pg_catalog.pg_depend d WHERE d.classid = 'pg_catalog.pg_proc'::pg_catalog.regclass AND d.objid = p.oid AND d.deptype = 'e')
ORDER BY 1`)
	if err != nil {
		return "", err
	}
	found := ""
	for _, r := range results[0].Rows {
		if string(r[1]) != "plpgsql" || declaresByName(string(r[2])) {
			found = string(r[0])
			break
		}
	}
	d.keeper = &found
	return found, nil
}

// declaresByName reports whether a PL/pgSQL function has a variable of a type that is found along the search path.
func declaresByName(source string) bool {
	declaring := false
	var words []string // of the declaration being read
	check := func() bool {
		named := len(words) > 1 && foundByPath(words[1:])
		words = words[:0]
		return named
	}
	tokens, _ := revision.Tokens(source)
	for _, t := range tokens {
		switch word := strings.ToLower(t); {
		case word == "declare" && !declaring:
			declaring, words = true, words[:0]
		case !declaring:
		case word == "begin":
			if check() {
				return true
			}
			declaring = false
		case word == ";":
			if check() {
				return true
			}
		default:
			words = append(words, word)
		}
	}
	return declaring
}

// foundByPath reports whether the type of a declaration, given as the words after the variable's name, is found along the
// search path. An unknown type counts as found there.
func foundByPath(words []string) bool {
	if words[0] == "constant" {
		words = words[1:]
	}
	if len(words) == 0 {
		return true
	}
	switch words[0] {
	case "alias", "record", "cursor", "refcursor", "scroll", "no":
		return false
	}
	qualified := len(words) > 2 && words[1] == "." // schema.type, or table.column%TYPE
	if i := slices.Index(words, "%"); i >= 0 {
		return !(qualified && (slices.Contains(words[i:], "rowtype") || len(words) > 4 && words[3] == "."))
	}
	return !qualified && !isBuiltinType(words[0])
}

// indirect are words of bodies that run SQL from a string, or install code.
var indirect = []string{"extension", "query_to_xml", "query_to_xmlschema", "query_to_xml_and_xmlschema", "ts_stat", "ts_rewrite"}

// knownCommands are the first words of statements that run no user code by themselves.
var knownCommands = []string{
	"ALTER", "ANALYZE", "CLUSTER", "COMMENT", "COPY", "CREATE", "DELETE", "DROP", "GRANT", "INSERT", "LOCK", "MERGE", "REASSIGN",
	"REFRESH", "REINDEX", "RELEASE", "REVOKE", "ROLLBACK", "SAVEPOINT", "SELECT", "TABLE", "TRUNCATE", "UPDATE", "VALUES", "WITH",
}

// runsByText reports whether a body may run code that users wrote, by its text alone.
func runsByText(t *bodyEffects, statements []revision.Statement) bool {
	unknown := func(s revision.Statement) bool {
		text := strings.TrimLeft(s.Text, "( \t\r\n")
		return !slices.Contains(knownCommands, firstWord(text))
	}
	stateful := func(name string) bool { return strings.HasPrefix(name, "dblink") }
	return len(t.idents.Dynamic) > 0 || slices.ContainsFunc(statements, unknown) || t.hasWord(indirect...) || slices.ContainsFunc(t.idents.Names, stateful)
}

// runsCode reports whether a body may run code that users wrote, or load a library. made: an earlier step of the plan may have
// created functions, triggers and the like.
func (d *database) runsCode(ctx context.Context, c *conn, b body, made bool) (bool, error) {
	t := b.effects
	switch {
	case t.harmless:
		return false, nil
	case t.runsCode, made && len(t.idents.Calls) > 0:
		return true, nil
	}
	if hidden, err := d.hidden(ctx, c, t, made); hidden || err != nil {
		return hidden, err
	}
	return d.callsExtensions(ctx, c, t)
}

// callsExtensions reports whether a body calls a function that came with an extension: it may keep state of its own.
func (d *database) callsExtensions(ctx context.Context, c *conn, t *bodyEffects) (bool, error) {
	d.mu.Lock()
	defer d.mu.Unlock()
	var ask []string
	for _, n := range t.idents.Calls {
		there, known := d.installed[n.Name]
		if there {
			return true, nil
		}
		if !known {
			ask = append(ask, n.Name)
		}
	}
	if len(ask) == 0 {
		return false, nil
	}
	results, err := c.query(ctx, `SELECT DISTINCT p.proname FROM pg_catalog.pg_proc p WHERE p.proname = ANY (`+array(ask)+`::pg_catalog.name[])
AND p.pronamespace <> 'pg_catalog'::pg_catalog.regnamespace`)
	if err != nil {
		return false, err
	}
	for _, n := range ask {
		d.installed[n] = false
	}
	for _, n := range firstColumn(results[0]) {
		d.installed[n] = true
	}
	return len(results[0].Rows) > 0, nil
}

// keepsError refuses a body that may leave state in a session that a pooler gives to others.
func keepsError(server, function, step string) *engine.Error {
	why := "the revision sets or loads what cannot be reset"
	if function != "" {
		why = fmt.Sprintf("function %s keeps state, or types of the tenant for which it was compiled, as long as its session lasts", function)
	}
	return &engine.Error{
		Class:    engine.Revision,
		Revision: step,
		Message:  why + ", and server " + server + " is behind a pooler that hands the session on",
		Advice:   "set servers." + server + ".direct_url to the server itself, which skein then uses for such revisions; or qualify the types that the function declares",
	}
}
