package postgres

import (
	"fmt"
	"strconv"
	"strings"
)

// object is a named object of a schema that tenants share.
type object struct {
	schema, name string
	kind         byte // one of the kinds below
	oid          uint32
}

// kindName is what is looked up along a search path: a name among the objects of one kind.
type kindName struct {
	kind byte
	name string
}

// The kinds of objects that are found along a search path. Each kind has names of its own, except that a table's row type has
// the name of the table.
const (
	kindRelation      = 'r' // table, view, sequence, index, composite type: all of pg_class
	kindType          = 't' // domains, enums and ranges are types
	kindFunction      = 'f' // procedures and aggregates are functions
	kindOperator      = 'o'
	kindCollation     = 'c'
	kindStatistics    = 's'
	kindConfiguration = 'g' // of text search, as the next three
	kindDictionary    = 'd'
	kindParser        = 'p'
	kindTemplate      = 'e'
	kindConversion    = 'v'
	kindClass         = 'O' // operator class
	kindFamily        = 'F' // operator family
)

// catalogOf is the catalog that holds the objects of a kind.
type catalogOf struct {
	kind    byte
	word    string // in messages
	table   string // in pg_catalog
	prefix  string // of its columns for name and namespace
	filter  string // condition on o of the rows that count; "" = all
	owner   string // oid of the object that can be a member of an extension in place of o; "" = o's own
	accepts string // of kinds with overloaded names: the condition that lookup w may find o; "" = by name only
	same    string // of kinds with overloaded names: the condition that o and p differ in their schemas only
	joins   string // that owner needs
}

// catalogs are the kinds in the order in which they are listed.
var catalogs = []catalogOf{
	{kind: kindRelation, word: "relation", table: "pg_class", prefix: "rel", filter: "o.relkind <> 't' AND o.relname <> ALL ($own) AND (o.relkind <> 'c' OR NOT EXISTS (SELECT FROM $depend m " +
		"WHERE m.classid = 'pg_catalog.pg_type'::pg_catalog.regclass AND m.objid = o.reltype AND m.deptype = 'e'))",

		joins: "LEFT JOIN pg_catalog.pg_index i ON i.indexrelid = o.oid", owner: "COALESCE(i.indrelid, o.oid)"},
	{kind: kindType, word: "type", table: "pg_type", prefix: "typ", filter: "o.typrelid = 0 AND (o.typelem = 0 OR o.typtype = 'd')"},
	{kind: kindFunction, word: "function", table: "pg_proc", prefix: "pro", same: "o.proargtypes = p.proargtypes",
		accepts: "(w.args < 0 OR CASE WHEN w.signature THEN o.pronargs = w.args ELSE w.args >= o.pronargs - o.pronargdefaults AND (w.args <= o.pronargs OR o.provariadic <> 0) END)"},
	{kind: kindOperator, word: "operator", table: "pg_operator", prefix: "opr", same: "o.oprleft = p.oprleft AND o.oprright = p.oprright", accepts: "(w.args < 0 OR (o.oprkind = 'l') = (w.args = 1))"},
	{kind: kindCollation, word: "collation", table: "pg_collation", prefix: "coll"},
	{kind: kindStatistics, word: "statistics object", table: "pg_statistic_ext", prefix: "stx"},
	{kind: kindConfiguration, word: "text search configuration", table: "pg_ts_config", prefix: "cfg"},
	{kind: kindDictionary, word: "text search dictionary", table: "pg_ts_dict", prefix: "dict"},
	{kind: kindParser, word: "text search parser", table: "pg_ts_parser", prefix: "prs"},
	{kind: kindTemplate, word: "text search template", table: "pg_ts_template", prefix: "tmpl"},
	{kind: kindConversion, word: "conversion", table: "pg_conversion", prefix: "con"},
	{kind: kindClass, word: "operator class", table: "pg_opclass", prefix: "opc"},
	{kind: kindFamily, word: "operator family", table: "pg_opfamily", prefix: "opf"},
}

// catalog returns the catalog of a kind.
func catalog(kind byte) *catalogOf {
	for i := range catalogs {
		if catalogs[i].kind == kind {
			return &catalogs[i]
		}
	}
	panic(fmt.Sprintf("postgres: %q is no kind of object", kind))
}

// member is the condition that object o belongs to no extension; $depend is the relation in which members are looked up.
func (c *catalogOf) member() string {
	owner := c.owner
	if owner == "" {
		owner = "o.oid"
	}
	return "NOT EXISTS (SELECT FROM $depend m WHERE m.classid = 'pg_catalog." + c.table + "'::pg_catalog.regclass AND m.objid = " + owner + " AND m.deptype = 'e')"
}

// builtin is the condition that pg_catalog, which comes first in every path, has an object of that name.
func (c *catalogOf) builtin(name string) string {
	return "EXISTS (SELECT FROM pg_catalog." + c.table + " b WHERE b." + c.prefix + "name = " + name +
		" AND b." + c.prefix + "namespace = 'pg_catalog'::pg_catalog.regnamespace)"
}

// list selects schema, kind, name, oid and two conditions of the objects in the namespaces n: pg_catalog has one of that
// kind and name, and pg_catalog has a type of that name.
func (c *catalogOf) list() string {
	name := "o." + c.prefix + "name"
	typed := "false"
	if c.kind == kindRelation {
		typed = catalog(kindType).builtin(name)
	}
	sql := "SELECT n.nspname, '" + string(c.kind) + "', " + name + ", o.oid, " + c.builtin(name) + ", " + typed +
		"\nFROM n JOIN pg_catalog." + c.table + " o ON o." + c.prefix + "namespace = n.oid " + c.joins + "\nWHERE " + c.member()
	if c.filter != "" {
		sql += " AND " + c.filter
	}
	return sql
}

// objectsQuery lists the objects of the tail that belong to no extension: schema, kind, name, oid, and whether pg_catalog has
// one of that kind and name, or a type of that name. Array and row types are left out, as they belong to elements and tables,
// and so are skein's own tables. Nil names = all.
func (db *DB) objectsQuery(tail, names []string) string {
	lists := make([]string, len(catalogs))
	for i := range catalogs {
		lists[i] = catalogs[i].list()
		if names != nil {
			lists[i] += " AND o." + catalogs[i].prefix + "name = ANY ($names)"
		}
	}
	return strings.NewReplacer(
		"$tail", array(tail)+"::pg_catalog.name[]",
		"$own", array(db.table.names())+"::pg_catalog.name[]",
		"$names", array(names)+"::pg_catalog.name[]",
		"$depend", "pg_catalog.pg_depend",
	).Replace("WITH n AS MATERIALIZED (SELECT oid, nspname FROM pg_catalog.pg_namespace WHERE nspname = ANY ($tail))\n" +
		strings.Join(lists, "\nUNION ALL "))
}

// lookups writes some of the needs as a relation w(name, nr, args, signature), where nr is the index of the need.
func lookups(needs []need, places []int) string {
	var names, numbers, args, signatures []string
	for _, n := range places {
		names, numbers = append(names, needs[n].name), append(numbers, strconv.Itoa(n))
		args, signatures = append(args, strconv.Itoa(needs[n].args)), append(signatures, strconv.FormatBool(needs[n].signature))
	}
	return "ROWS FROM (pg_catalog.unnest(" + array(names) + "::pg_catalog.name[]), pg_catalog.unnest(" + array(numbers) + "::pg_catalog.int4[]), pg_catalog.unnest(" +
		array(args) + "::pg_catalog.int4[]), pg_catalog.unnest(" + array(signatures) + "::pg_catalog.bool[])) w(name, nr, args, signature)"
}

// found is the condition that a namespace has what w looks for.
func (c *catalogOf) found(namespace string) string {
	sql := "EXISTS (SELECT FROM pg_catalog." + c.table + " o WHERE o." + c.prefix + "namespace = " + namespace + " AND o." + c.prefix + "name = w.name"
	if c.accepts != "" {
		sql += " AND " + c.accepts
	}
	return sql + ")"
}

// tailed selects the objects o of the tail that w may find and that belong to no extension.
func (c *catalogOf) tailed(tail []string) string {
	sql := "SELECT FROM pg_catalog." + c.table + " o JOIN pg_catalog.pg_namespace n ON n.oid = o." + c.prefix + "namespace " + c.joins +
		" WHERE o." + c.prefix + "name = w.name AND n.nspname = ANY (" + array(tail) + "::pg_catalog.name[]) AND " + strings.ReplaceAll(c.member(), "$depend", "pg_catalog.pg_depend")
	if c.accepts != "" {
		sql += " AND " + c.accepts
	}
	return sql
}

// lacked is the condition that a namespace lacks what w looks for, while the tail has it.
func (c *catalogOf) lacked(namespace string, tail []string) string {
	return "NOT " + c.found(namespace) + " AND EXISTS (" + c.tailed(tail) + ")"
}

// lackedRoughly is lacked for a name with an unknown number of arguments: the namespace must have the same overloads as the
// tail.
func (c *catalogOf) lackedRoughly(namespace string, tail []string) string {
	if c.same == "" {
		return c.lacked(namespace, tail)
	}
	return "EXISTS (" + c.tailed(tail) + " AND NOT EXISTS (SELECT FROM pg_catalog." + c.table + " p WHERE p." + c.prefix + "namespace = " + namespace +
		" AND p." + c.prefix + "name = o." + c.prefix + "name AND " + c.same + "))"
}
