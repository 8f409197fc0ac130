package postgres

import (
	"context"
	"regexp"
	"slices"
	"strings"
	"time"

	"github.com/skeindb/skein/engine/revision"
)

// Some bodies do more than their text shows: they call functions, or cause triggers, rules, views, defaults and the like to
// run. Which of those a database has is asked once, and again after a second, and after each work that may have created any.

// codeTime is how long that answer holds for a database; where the query takes long, codeShare times its duration.
const (
	codeTime  = time.Second
	codeShare = 20
)

// code says which statements may do more than their text shows in a database, and because of what.
type code struct {
	writes bool // by INSERT, UPDATE, DELETE, MERGE, TRUNCATE, COPY: triggers, rules, views, foreign keys, defaults
	reads  bool // by SELECT: functions behind views, operators, casts, policies
	ddl    bool // by any command: event triggers, tables that inherit from tables of another schema

	rows  bool // writes and reads were asked for, too
	until time.Time
}

// bareQuery asks whether anything could make code.ddl true; it is cheap for a new backend too.
const bareQuery = `SELECT EXISTS (SELECT FROM pg_catalog.pg_inherits) OR EXISTS (SELECT FROM pg_catalog.pg_event_trigger)`

// ddlQuery asks for code.ddl alone; it is cheap with any number of objects.
const ddlQuery = `SELECT EXISTS (SELECT FROM pg_catalog.pg_inherits i JOIN pg_catalog.pg_class a ON a.oid = i.inhrelid JOIN pg_catalog.pg_class b ON b.oid = i.inhparent
		WHERE a.relnamespace <> b.relnamespace)
	OR EXISTS (SELECT FROM pg_catalog.pg_event_trigger WHERE evtenabled <> 'D' AND NOT EXISTS (SELECT FROM pg_catalog.pg_depend d
		WHERE d.classid = 'pg_catalog.pg_proc'::pg_catalog.regclass AND d.objid = evtfoid AND d.deptype = 'e'))`

// codeQuery asks for all of code. Functions that came with an extension are trusted.
const codeQuery = `WITH trusted AS MATERIALIZED (
	SELECT objid FROM pg_catalog.pg_depend WHERE classid = 'pg_catalog.pg_proc'::pg_catalog.regclass AND deptype = 'e'
), runs AS MATERIALIZED (
	SELECT EXISTS (SELECT FROM pg_catalog.pg_depend d WHERE d.refclassid = 'pg_catalog.pg_proc'::pg_catalog.regclass AND d.deptype <> 'e'
		AND d.classid IN ('pg_catalog.pg_attrdef'::pg_catalog.regclass, 'pg_catalog.pg_constraint'::pg_catalog.regclass, 'pg_catalog.pg_rewrite'::pg_catalog.regclass,
			'pg_catalog.pg_class'::pg_catalog.regclass, 'pg_catalog.pg_policy'::pg_catalog.regclass, 'pg_catalog.pg_operator'::pg_catalog.regclass,
			'pg_catalog.pg_cast'::pg_catalog.regclass, 'pg_catalog.pg_type'::pg_catalog.regclass)
		AND d.refobjid >= 16384 AND d.refobjid NOT IN (SELECT objid FROM trusted)) AS code
), bred AS MATERIALIZED (
	SELECT EXISTS (SELECT FROM pg_catalog.pg_inherits i JOIN pg_catalog.pg_class a ON a.oid = i.inhrelid JOIN pg_catalog.pg_class b ON b.oid = i.inhparent
		WHERE a.relnamespace <> b.relnamespace) AS apart
)
SELECT runs.code OR bred.apart
	OR EXISTS (SELECT FROM pg_catalog.pg_trigger WHERE NOT tgisinternal)
	OR EXISTS (SELECT FROM pg_catalog.pg_rewrite WHERE ev_type <> '1' AND oid >= 16384)
	OR EXISTS (SELECT FROM pg_catalog.pg_constraint k JOIN pg_catalog.pg_class a ON a.oid = k.conrelid JOIN pg_catalog.pg_class b ON b.oid = k.confrelid
		WHERE k.contype = 'f' AND a.relnamespace <> b.relnamespace AND (k.confdeltype IN ('c', 'n', 'd') OR k.confupdtype IN ('c', 'n', 'd')))
	OR EXISTS (SELECT FROM pg_catalog.pg_rewrite w JOIN pg_catalog.pg_class v ON v.oid = w.ev_class
		JOIN pg_catalog.pg_depend d ON d.classid = 'pg_catalog.pg_rewrite'::pg_catalog.regclass AND d.objid = w.oid AND d.refclassid = 'pg_catalog.pg_class'::pg_catalog.regclass
		JOIN pg_catalog.pg_class r ON r.oid = d.refobjid
		WHERE w.oid >= 16384 AND r.oid >= 16384 AND v.relnamespace <> r.relnamespace),
	runs.code,
	bred.apart OR EXISTS (SELECT FROM pg_catalog.pg_event_trigger WHERE evtenabled <> 'D' AND evtfoid NOT IN (SELECT objid FROM trusted))
FROM runs, bred`

// codeNow returns the current code, or asks for it; writes and reads only if rows. d.mu is held.
func (d *database) codeNow(ctx context.Context, c *conn, rows bool) (code, error) {
	if k := d.code; k != nil && time.Now().Before(k.until) && (k.rows || !rows) {
		return *k, nil
	}
	d.forgetCode()
	query := bareQuery
	if rows {
		query = codeQuery
	}
	results, err := c.query(ctx, query)
	if err == nil && !rows && firstValue(results[0]) == "t" {
		results, err = c.query(ctx, ddlQuery)
	}
	if err != nil {
		return code{}, err
	}
	row := results[0].Rows[0]
	known := code{ddl: string(row[len(row)-1]) == "t", rows: rows, until: time.Now().Add(max(codeTime, codeShare*time.Since(d.asked)))}
	if rows {
		known.writes, known.reads = string(row[0]) == "t", string(row[1]) == "t"
	}
	d.code = &known
	return known, nil
}

// forgetCode makes the next call ask the server. d.mu is held.
func (d *database) forgetCode() {
	d.code, d.asked = nil, time.Now()
	clear(d.functions)
	clear(d.installed)
}

// codeChanged records that a body ran that may have created functions, triggers and the like.
func (d *database) codeChanged() {
	d.mu.Lock()
	defer d.mu.Unlock()
	d.forgetCode()
	d.keeper = nil
}

// hasFunctions reports whether one of the names is a function, in any schema, that came neither with the server nor with an
// extension: the body that calls it does not show what it does.
func (d *database) hasFunctions(ctx context.Context, c *conn, names []string) (bool, error) {
	d.mu.Lock()
	defer d.mu.Unlock()
	if time.Since(d.asked) > codeTime {
		d.forgetCode()
	}
	var ask []string
	for _, n := range names {
		there, known := d.functions[n]
		if there {
			return true, nil
		}
		if !known {
			ask = append(ask, n)
		}
	}
	if len(ask) == 0 {
		return false, nil
	}
	results, err := c.query(ctx, `SELECT DISTINCT p.proname FROM pg_catalog.pg_proc p WHERE p.proname = ANY (`+array(ask)+`::pg_catalog.name[])
AND p.pronamespace NOT IN (SELECT oid FROM pg_catalog.pg_namespace WHERE nspname IN ('pg_catalog', 'information_schema'))
AND NOT EXISTS (SELECT FROM pg_catalog.pg_depend d WHERE d.classid = 'pg_catalog.pg_proc'::pg_catalog.regclass AND d.objid = p.oid AND d.deptype = 'e')`)
	if err != nil {
		return false, err
	}
	for _, n := range ask {
		d.functions[n] = false
	}
	for _, n := range firstColumn(results[0]) {
		d.functions[n] = true
	}
	return len(results[0].Rows) > 0, nil
}

// runsAtDDL reports whether any command may run code: event triggers do.
func (d *database) runsAtDDL(ctx context.Context, c *conn) (bool, error) {
	d.mu.Lock()
	defer d.mu.Unlock()
	known, err := d.codeNow(ctx, c, false)
	return known.ddl, err
}

// hasTriggers reports whether changing rows of some table of the database may run code: see [code].
func (d *database) hasTriggers(ctx context.Context, c *conn) (bool, error) {
	d.mu.Lock()
	defer d.mu.Unlock()
	known, err := d.codeNow(ctx, c, true)
	return known.writes, err
}

// hidden reports whether a body may do more than its words show. made: an earlier step of the plan may have created functions,
// triggers and the like.
func (d *database) hidden(ctx context.Context, c *conn, t *bodyEffects, made bool) (bool, error) {
	writes := t.hasWord(writing...)
	reads := t.reads
	switch {
	case len(t.idents.Dynamic) > 0, t.cascades, made && (writes || reads || len(t.idents.Calls) > 0):
		return true, nil
	}
	var calls []string
	for _, n := range t.idents.Calls {
		calls = append(calls, n.Name)
	}
	if yes, err := d.hasFunctions(ctx, c, calls); yes || err != nil {
		return yes, err
	}
	d.mu.Lock()
	defer d.mu.Unlock()
	known, err := d.codeNow(ctx, c, writes || reads)
	return known.ddl || writes && known.writes || reads && known.reads, err
}

var writing = []string{"insert", "update", "delete", "merge", "truncate", "copy"}

// making are words of commands after which statements may do more than their text shows.
var making = []string{
	"function", "procedure", "routine", "trigger", "rule", "view", "domain", "operator", "cast", "aggregate", "policy", "extension",
	"inherit", "inherits", "partition", "event", "foreign",
}

// createsCode reports whether a body may create such code.
func (t *bodyEffects) createsCode() bool { return len(t.idents.Dynamic) > 0 || t.hasWord(making...) }

var keyAction = regexp.MustCompile(`(?i)\bON\s+(DELETE|UPDATE)\s+CASCADE\b`)

// cascading reports whether a statement reaches what depends on what it names, or what a role owns.
func cascading(text string) bool {
	switch firstWord(text) {
	case "DROP", "ALTER", "TRUNCATE", "REASSIGN":
		words := revision.Identifiers(keyAction.ReplaceAllString(text, ""), revision.Postgres).Names
		return slices.Contains(words, "cascade") || slices.Contains(words, "owned")
	}
	return strings.EqualFold(firstWord(text), "IMPORT")
}
