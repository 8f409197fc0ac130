package postgres

import (
	"context"
	"errors"
	"regexp"
	"slices"
	"strings"

	"github.com/jackc/pgx/v5/pgconn"

	"github.com/skeindb/skein/engine/revision"
)

// findings explain what the guard found.
type findings struct {
	causes []string // possible causes, of which one is right; empty = not known
	plain  bool     // the statement itself, by its text
	fell   bool     // by a name that the tenant lacks
	meant  []string // names of hits that were meant
}

// investigate asks what a statement may run, and tries it without the schemas of what it touched.
func (a *applier) investigate(ctx context.Context, at trace, all []hit) findings {
	var f findings
	if at.step < 0 || at.n < 0 {
		return f
	}
	step := a.work.Parts[at.part].Steps[at.step]
	statement := a.bodies(step).statements[at.n].Text
	idents := revision.Identifiers(statement, revision.Postgres)
	if a.runBefore(ctx, at) {
		f.causes = a.causes(ctx, statement, idents, all)
	}
	a.conn.rollback(ctx)
	frames := ""
	for _, h := range all {
		schema, name, _ := strings.Cut(h.name, ".")
		if !slices.Contains(a.database.tail, schema) || schema == a.session.location.Schema {
			continue
		}
		switch frame, how := a.runWithout(ctx, at, statement, schema, name, h); how {
		case fellThrough:
			f.fell = true
			frames = frame
		case wasMeant:
			if h.read {
				f.meant = append(f.meant, h.name)
			}
		}
	}
	switch {
	case f.fell && frames != "":
		f.causes = called(frames, f.causes)
	case f.fell && len(idents.Dynamic) == 0 && slices.ContainsFunc(all, func(h hit) bool {
		_, name, _ := strings.Cut(h.name, ".")
		return slices.Contains(idents.Names, name)
	}):
		f.causes, f.plain = nil, true
	case len(f.causes) == 0 && len(idents.Dynamic) == 0 && len(all) > 0 && slices.ContainsFunc(idents.Names, func(n string) bool { return strings.HasSuffix(all[0].name, "."+n) }):
		f.plain = true
	}
	return f
}

// runBefore runs all statements before one, in a transaction that it leaves open; false where that failed.
func (a *applier) runBefore(ctx context.Context, at trace) bool {
	a.conn.rollback(ctx)
	m := a.newComposer()
	first := at.part
	if a.rehearsal {
		first = 0
	}
	m.retrace(first, at.part, "", &at)
	return a.conn.send(ctx, &m.message, nil).err == nil
}

type outcomeWithout uint8

const (
	notKnown outcomeWithout = iota
	fellThrough
	wasMeant
)

// runWithout runs a statement without a schema on the search path: what it then lacks, or does not touch any more, was found
// there by its bare name. frame is the function that named it; "" = the statement itself, or not known.
func (a *applier) runWithout(ctx context.Context, at trace, statement, schema, name string, h hit) (frame string, how outcomeWithout) {
	defer a.conn.rollback(ctx)
	if !a.runBefore(ctx, at) {
		return "", notKnown
	}
	tail := slices.DeleteFunc(slices.Clone(a.database.tail), func(t string) bool { return t == schema })
	err := a.conn.run(ctx, "SET LOCAL search_path = "+searchPath(a.session.location.Schema, tail))
	if err == nil {
		err = a.conn.run(ctx, statement)
	}
	var pg *pgconn.PgError
	switch {
	case errors.As(err, &pg):
		lacks := hasState(err, stateUndefinedTable, stateUndefinedFunction, stateUndefinedObject) &&
			(strings.Contains(pg.Message, `"`+name+`"`) || strings.Contains(pg.Message, name+"("))
		if lacks {
			return frameOf(pg.Where), fellThrough
		}
		return "", notKnown
	case err != nil:
		return "", notKnown
	}
	err = a.conn.run(ctx, a.guards[at.part].query(a.session.location.Schema, a.database.tail))
	if !errors.As(err, &pg) {
		return "", fellThrough
	}
	for _, other := range hits(strings.TrimPrefix(marked(pg.Message), markGuard)) {
		if other.name == h.name && h.oids == "" || other.oids != "" && other.oids == h.oids {
			return "", wasMeant
		}
	}
	return "", fellThrough
}

var (
	plpgsqlFrame = regexp.MustCompile(`^PL/pgSQL\S* \S+ (?:\S+\.)?"?([^\s(."]+)"?\(`)
	sqlFrame     = regexp.MustCompile(`^SQL\S* \S+ "([^"\s]+)"`)
)

// frameOf returns the innermost function of an error's context, which is in the server's language: its bare name, or doBlock.
func frameOf(where string) string {
	for line := range strings.SplitSeq(where, "\n") {
		if m := plpgsqlFrame.FindStringSubmatch(line); m != nil {
			return m[1]
		}
		if strings.Contains(line, "inline_code_block") {
			return doBlock
		}
		if m := sqlFrame.FindStringSubmatch(line); m != nil {
			return m[1]
		}
	}
	return ""
}

// called returns the causes that run a function of that name, or else the function itself.
func called(function string, causes []string) []string {
	if function == doBlock {
		return []string{doBlock}
	}
	var known []string
	for _, c := range causes {
		if strings.HasSuffix(c, "."+function+"()") || strings.HasSuffix(c, "."+function+")") {
			known = append(known, c)
		}
	}
	if known == nil {
		return []string{"function " + function + "()"}
	}
	return known
}

const doBlock = "a DO block of the section"

// suspect is something that a statement may run.
type suspect struct {
	label    string
	function string // oid; "0" = it needs none
}

// causes returns the ways by which the statement may have reached the hits: those that name them, or else those that run
// dynamic SQL.
func (a *applier) causes(ctx context.Context, statement string, idents revision.Idents, all []hit) []string {
	suspects := a.suspects(ctx, statement, idents, all)
	functions := a.sources(ctx, suspects)
	var sure, possible []string
	for _, s := range suspects {
		if s.function == "0" {
			sure = append(sure, s.label)
			continue
		}
		switch functions.reaches(s.function, all, map[string]bool{}) {
		case certain:
			sure = append(sure, s.label)
		case maybe:
			possible = append(possible, s.label)
		}
	}
	if firstWord(statement) == "DO" {
		if mentions(statement, all) {
			sure = append(sure, doBlock)
		} else if strings.Contains(strings.ToLower(statement), "execute") {
			possible = append(possible, doBlock)
		}
	}
	if len(sure) == 0 {
		sure = possible
	}
	slices.Sort(sure)
	return slices.Compact(sure)
}

// suspects lists triggers, rules, views and the like of the tables that a statement names, and the functions that it calls.
func (a *applier) suspects(ctx context.Context, statement string, idents revision.Idents, all []hit) []suspect {
	schemas := append([]string{a.session.location.Schema}, a.database.tail...)
	for _, q := range idents.Qualified {
		schemas = append(schemas, q.Schema)
	}
	var calls, targets []string
	for _, call := range idents.Calls {
		calls = append(calls, call.Name)
	}
	for _, h := range all {
		targets = append(targets, h.name)
	}
	ddl := "false"
	switch firstWord(statement) {
	case "INSERT", "UPDATE", "DELETE", "MERGE", "TRUNCATE", "COPY":
	default:
		ddl = "true"
	}
	results, err := a.conn.query(ctx, strings.NewReplacer(
		"$schemas", array(schemas)+"::pg_catalog.name[]", "$names", array(idents.Names)+"::pg_catalog.name[]", "$calls", array(calls)+"::pg_catalog.name[]",
		"$targets", array(targets)+"::text[]", "$ddl", ddl).Replace(suspectsQuery))
	if err != nil {
		return nil
	}
	var found []suspect
	for _, row := range results[0].Rows {
		found = append(found, suspect{string(row[0]), string(row[1])})
	}
	return found
}

const suspectsQuery = `WITH RECURSIVE named AS MATERIALIZED (
	SELECT c.oid, c.relname, c.relkind FROM pg_catalog.pg_class c JOIN pg_catalog.pg_namespace n ON n.oid = c.relnamespace
	WHERE c.relname = ANY ($names) AND n.nspname = ANY ($schemas)
), target AS MATERIALIZED (
	SELECT c.oid FROM pg_catalog.pg_class c JOIN pg_catalog.pg_namespace n ON n.oid = c.relnamespace WHERE n.nspname || '.' || c.relname = ANY ($targets)
), parts(oid, parent) AS (
	SELECT oid, relname FROM named
	UNION SELECT i.inhrelid, p.parent FROM pg_catalog.pg_inherits i JOIN parts p ON i.inhparent = p.oid
), runs AS (
	SELECT pg_catalog.format('trigger %s of table %s (function %s.%s)', t.tgname, r.parent, fn.nspname, f.proname) AS label, t.tgfoid AS function
	FROM parts r JOIN pg_catalog.pg_trigger t ON t.tgrelid = r.oid AND NOT t.tgisinternal AND t.tgenabled <> 'D'
		JOIN pg_catalog.pg_proc f ON f.oid = t.tgfoid JOIN pg_catalog.pg_namespace fn ON fn.oid = f.pronamespace
	UNION ALL
	SELECT pg_catalog.format(CASE WHEN w.ev_type = '1' THEN 'view %2$s' ELSE 'rule %1$s of table %2$s' END, w.rulename, r.relname), 0
	FROM named r JOIN pg_catalog.pg_rewrite w ON w.ev_class = r.oid
		JOIN pg_catalog.pg_depend d ON d.classid = 'pg_catalog.pg_rewrite'::pg_catalog.regclass AND d.objid = w.oid AND d.refclassid = 'pg_catalog.pg_class'::pg_catalog.regclass
	WHERE d.refobjid IN (SELECT oid FROM target) AND d.refobjid <> r.oid
	UNION ALL
	SELECT pg_catalog.format('%s %s of table %s (function %s.%s)', CASE d.classid WHEN 'pg_catalog.pg_attrdef'::pg_catalog.regclass THEN 'default of column' WHEN 'pg_catalog.pg_constraint'::pg_catalog.regclass THEN 'constraint'
		WHEN 'pg_catalog.pg_policy'::pg_catalog.regclass THEN 'policy' WHEN 'pg_catalog.pg_rewrite'::pg_catalog.regclass THEN 'rule or view' ELSE 'index' END, o.name, o.relname, fn.nspname, f.proname), f.oid
	FROM (
		SELECT 'pg_catalog.pg_attrdef'::pg_catalog.regclass AS classid, a.oid, c.attname AS name, r.relname FROM named r JOIN pg_catalog.pg_attrdef a ON a.adrelid = r.oid JOIN pg_catalog.pg_attribute c ON c.attrelid = r.oid AND c.attnum = a.adnum
		UNION ALL SELECT 'pg_catalog.pg_constraint'::pg_catalog.regclass, k.oid, k.conname, r.relname FROM named r JOIN pg_catalog.pg_constraint k ON k.conrelid = r.oid
		UNION ALL SELECT 'pg_catalog.pg_policy'::pg_catalog.regclass, p.oid, p.polname, r.relname FROM named r JOIN pg_catalog.pg_policy p ON p.polrelid = r.oid
		UNION ALL SELECT 'pg_catalog.pg_rewrite'::pg_catalog.regclass, w.oid, w.rulename, r.relname FROM named r JOIN pg_catalog.pg_rewrite w ON w.ev_class = r.oid
		UNION ALL SELECT 'pg_catalog.pg_class'::pg_catalog.regclass, i.indexrelid, x.relname, r.relname FROM named r JOIN pg_catalog.pg_index i ON i.indrelid = r.oid JOIN pg_catalog.pg_class x ON x.oid = i.indexrelid
	) o JOIN pg_catalog.pg_depend d ON d.classid = o.classid AND d.objid = o.oid AND d.refclassid = 'pg_catalog.pg_proc'::pg_catalog.regclass
		JOIN pg_catalog.pg_proc f ON f.oid = d.refobjid JOIN pg_catalog.pg_namespace fn ON fn.oid = f.pronamespace
	UNION ALL
	SELECT pg_catalog.format('%s %s (function %s.%s)', CASE WHEN k.oid IS NULL THEN 'default of domain' ELSE 'check of domain' END, t.typname, fn.nspname, f.proname), f.oid
	FROM (SELECT DISTINCT a.atttypid FROM named r JOIN pg_catalog.pg_attribute a ON a.attrelid = r.oid AND a.attnum > 0
		UNION SELECT y.oid FROM pg_catalog.pg_type y JOIN pg_catalog.pg_namespace yn ON yn.oid = y.typnamespace WHERE y.typname = ANY ($names) AND yn.nspname = ANY ($schemas)) a
		JOIN pg_catalog.pg_type t ON t.oid = a.atttypid AND t.typtype = 'd'
		LEFT JOIN pg_catalog.pg_constraint k ON k.contypid = t.oid
		JOIN pg_catalog.pg_depend d ON (d.classid = 'pg_catalog.pg_constraint'::pg_catalog.regclass AND d.objid = k.oid OR d.classid = 'pg_catalog.pg_type'::pg_catalog.regclass AND d.objid = t.oid)
			AND d.refclassid = 'pg_catalog.pg_proc'::pg_catalog.regclass
		JOIN pg_catalog.pg_proc f ON f.oid = d.refobjid JOIN pg_catalog.pg_namespace fn ON fn.oid = f.pronamespace
	UNION ALL
	SELECT pg_catalog.format('foreign key %s of table %s', k.conname, k.conrelid::pg_catalog.regclass), 0
	FROM pg_catalog.pg_constraint k JOIN named r ON k.confrelid = r.oid WHERE k.contype = 'f' AND k.conrelid IN (SELECT oid FROM target)
	UNION ALL
	SELECT pg_catalog.format('table %s, of which that is a part,', p.parent), 0 FROM parts p JOIN target t ON t.oid = p.oid WHERE NOT EXISTS (SELECT FROM named r WHERE r.oid = p.oid)
	UNION ALL
	SELECT pg_catalog.format('function %s.%s()', fn.nspname, f.proname), f.oid FROM pg_catalog.pg_proc f JOIN pg_catalog.pg_namespace fn ON fn.oid = f.pronamespace
	WHERE f.proname = ANY ($calls) AND fn.nspname NOT IN ('pg_catalog', 'information_schema') AND fn.nspname = ANY ($schemas)
	UNION ALL
	SELECT pg_catalog.format('event trigger %s (function %s.%s)', e.evtname, fn.nspname, f.proname), e.evtfoid
	FROM pg_catalog.pg_event_trigger e JOIN pg_catalog.pg_proc f ON f.oid = e.evtfoid JOIN pg_catalog.pg_namespace fn ON fn.oid = f.pronamespace WHERE $ddl AND e.evtenabled <> 'D'
) SELECT label, function::text FROM runs`
