package postgres

import "strings"

// mine is the condition that a row version with that xmin was written by this transaction.
func mine(xmin string) string {
	return "CASE WHEN pg_catalog.age(" + xmin + ") <= 0 THEN pg_catalog.pg_xact_status(((SELECT xid FROM now) - pg_catalog.age(" + xmin + "))::text::pg_catalog.xid8) = 'in progress' ELSE false END"
}

// counted is the condition that this transaction may have changed rows of a catalog. It always holds with track_counts off.
func counted(table string) string {
	t := "'pg_catalog." + table + "'::pg_catalog.regclass"
	return "pg_catalog.pg_stat_get_xact_tuples_inserted(" + t + ") + pg_catalog.pg_stat_get_xact_tuples_updated(" + t + ") + pg_catalog.pg_stat_get_xact_tuples_deleted(" + t + ") > 0" +
		" OR pg_catalog.current_setting('track_counts') = 'off'"
}

// written is a catalog that this transaction may have changed.
type written struct {
	table string // in pg_catalog; the query runs only if it was changed
	query string // selects classid, objid, namespace and name of the objects whose rows this transaction wrote
}

// changedArms are the arguments of concat: the query of each catalog that was changed.
var changedArms = func() string {
	var arms []string
	for _, w := range writtenCatalogs() {
		arms = append(arms, "CASE WHEN "+counted(w.table)+" THEN "+literal(" UNION ALL "+w.query)+" END")
	}
	return strings.Join(arms, ",\n		")
}()

func writtenCatalogs() []written {
	class := func(table string) string { return "'pg_catalog." + table + "'::pg_catalog.regclass::pg_catalog.oid" }
	// Members of the schemas of the tail, found by the index of pg_depend.
	member := func(table string) string {
		return "FROM shared n JOIN pg_catalog.pg_depend m ON m.refclassid = 'pg_catalog.pg_namespace'::pg_catalog.regclass AND m.refobjid = n.oid AND m.classid = " + class(table)
	}
	all := []written{
		{"pg_class", "SELECT m.classid, c.oid, c.relnamespace, c.relname " + member("pg_class") + " JOIN pg_catalog.pg_class c ON c.oid = m.objid WHERE " + mine("c.xmin")},
		{"pg_attribute", "SELECT m.classid, c.oid, c.relnamespace, c.relname " + member("pg_class") + " JOIN pg_catalog.pg_class c ON c.oid = m.objid JOIN pg_catalog.pg_attribute a ON a.attrelid = c.oid WHERE " +
			"(SELECT pg_catalog.pg_stat_get_xact_tuples_updated('pg_catalog.pg_attribute'::pg_catalog.regclass) > 0 OR pg_catalog.current_setting('track_counts') = 'off') AND " + mine("a.xmin")},
		{"pg_type", "SELECT m.classid, t.oid, t.typnamespace, t.typname " + member("pg_type") + " JOIN pg_catalog.pg_type t ON t.oid = m.objid WHERE " + mine("t.xmin")},
		{"pg_constraint", "SELECT m.classid, t.oid, t.typnamespace, t.typname " + member("pg_type") + " JOIN pg_catalog.pg_type t ON t.oid = m.objid JOIN pg_catalog.pg_constraint k ON k.contypid = t.oid WHERE t.typtype = 'd' AND " + mine("k.xmin")},
		{"pg_enum", "SELECT " + class("pg_type") + ", t.oid, t.typnamespace, t.typname FROM pg_catalog.pg_enum e JOIN pg_catalog.pg_type t ON t.oid = e.enumtypid WHERE " + mine("e.xmin")},
		{"pg_ts_config_map", "SELECT " + class("pg_ts_config") + ", c.oid, c.cfgnamespace, c.cfgname FROM pg_catalog.pg_ts_config c WHERE EXISTS (SELECT FROM pg_catalog.pg_depend x WHERE x.classid = " +
			class("pg_ts_config") + " AND x.objid = c.oid AND " + mine("x.xmin") + ")"}, // a mapping that was dropped left no row but these
		{"pg_amop", "SELECT " + class("pg_opfamily") + ", f.oid, f.opfnamespace, f.opfname FROM pg_catalog.pg_amop x JOIN pg_catalog.pg_opfamily f ON f.oid = x.amopfamily WHERE " + mine("x.xmin")},
		{"pg_amproc", "SELECT " + class("pg_opfamily") + ", f.oid, f.opfnamespace, f.opfname FROM pg_catalog.pg_amproc x JOIN pg_catalog.pg_opfamily f ON f.oid = x.amprocfamily WHERE " + mine("x.xmin")},
		{"pg_namespace", "SELECT " + class("pg_namespace") + ", n.oid, n.oid, 'schema' FROM pg_catalog.pg_namespace n WHERE " + mine("n.xmin")},
		{"pg_default_acl", "SELECT " + class("pg_default_acl") + ", a.oid, a.defaclnamespace, 'default privileges' FROM pg_catalog.pg_default_acl a WHERE a.defaclnamespace <> 0 AND " + mine("a.xmin")},
	}
	for _, of := range catalogs {
		if of.kind != kindRelation && of.kind != kindType {
			all = append(all, written{of.table, "SELECT " + class(of.table) + ", o.oid, o." + of.prefix + "namespace, o." + of.prefix + "name FROM pg_catalog." + of.table + " o WHERE " + mine("o.xmin")})
		}
	}
	return all
}
