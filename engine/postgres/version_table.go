package postgres

import (
	"fmt"
	"strconv"

	"github.com/skeindb/skein/engine"
)

// versionTable writes the SQL for the table that holds a tenant's applied revisions. Its name is always qualified, so that a
// body which changes the search path cannot divert the rows.
type versionTable struct{ name string }

// maxName is NAMEDATALEN-1: the server cuts longer names.
const maxName = 63

// journalSuffix makes the journal's name of the version table's.
const journalSuffix = engine.StepsSuffix

func newVersionTable(name string) (versionTable, error) {
	switch {
	case name == "":
		name = "skein_version"
	case name == "alembic_version":
		return versionTable{}, fmt.Errorf("version_table alembic_version is not supported yet: adopt the fleet into skein_version instead")
	case len(name)+len(journalSuffix) > maxName:
		return versionTable{}, fmt.Errorf("version_table %q is too long: at most %d bytes", name, maxName-len(journalSuffix))
	}
	return versionTable{name: name}, nil
}

func (v versionTable) in(schema string) string      { return qualified(schema, v.name) }
func (v versionTable) journal(schema string) string { return qualified(schema, v.name+journalSuffix) }

// names returns the names of skein's own tables in a tenant.
func (v versionTable) names() []string { return []string{v.name, v.name + journalSuffix} }

func (v versionTable) create(schema string) string {
	return "CREATE TABLE " + v.in(schema) + " (revision text PRIMARY KEY, checksum text, applied_at timestamptz NOT NULL, " +
		"duration_ms bigint NOT NULL, rollout text, tool text NOT NULL)"
}

// row is a row of the version table. id and duration are SQL, the rest are values.
type row struct {
	id, duration            string
	checksum, rollout, tool string
}

// versionColumns are those of the version table.
const versionColumns = "revision, checksum, applied_at, duration_ms, rollout, tool"

func (v versionTable) insert(schema string, r row) string {
	return "INSERT INTO " + v.in(schema) + " (" + versionColumns + ") VALUES (" +
		r.id + ", " + optional(r.checksum) + ", pg_catalog.clock_timestamp(), " + r.duration + ", " +
		optional(r.rollout) + ", " + literal(r.tool) + ")"
}

func (v versionTable) delete(schema, id string) string {
	return "DELETE FROM " + v.in(schema) + " WHERE revision OPERATOR(pg_catalog.=) " + literal(id)
}

// since is the SQL of the milliseconds on the server's clock since an instant.
//
// All statements here use functions and qualified operators: the server caches the lookup of an unqualified operator by search
// path, which differs from tenant to tenant.
func since(instant string) string {
	return "pg_catalog.float8mul(1000, pg_catalog.date_part('epoch', pg_catalog.timestamptz_mi(pg_catalog.clock_timestamp(), " + instant + ")))"
}

// appliedAt is the SQL of the time at which a revision's row was written.
func (v versionTable) appliedAt(schema, id string) string {
	return "(SELECT applied_at FROM " + v.in(schema) + " WHERE revision OPERATOR(pg_catalog.=) " + literal(id) + ")"
}

// has selects whether a revision is applied.
func (v versionTable) has(schema, id string) string {
	return "SELECT EXISTS (SELECT FROM " + v.in(schema) + " WHERE revision OPERATOR(pg_catalog.=) " + literal(id) + ")"
}

// rows selects what is applied, in the order of engine.Applied.
func (v versionTable) rows(schema string) string {
	return "SELECT revision, checksum, rollout FROM " + v.in(schema) + ` ORDER BY revision COLLATE "C"`
}

// schemaIs is the SQL of whether the schema still has that name and OID.
func schemaIs(schema string, oid uint32) string {
	return "pg_catalog.to_regnamespace(" + literal(ident(schema)) + ") OPERATOR(pg_catalog.=) '" + strconv.FormatUint(uint64(oid), 10) + "'"
}

// leads is the SQL of whether the schema is the first of the search path that the role may use.
func leads(schema string) string {
	return "pg_catalog.current_schema() OPERATOR(pg_catalog.=) " + literal(schema)
}

// keep prevents other sessions from writing a row until the end of the transaction. Above READ COMMITTED all statements use
// the snapshot of the first that reads; LOCK does not read, so the check that follows sees all that was committed before.
func (v versionTable) keep(schema string) string {
	return "LOCK TABLE ONLY " + v.in(schema) + " IN SHARE ROW EXCLUSIVE MODE"
}

// standsAt is the check under the lock, which fails with markStale: exactly part.Before is applied, and the rollout of applied
// the revisions that are removed, unless of is "".
func (v versionTable) standsAt(schema string, part *engine.Part, of string) string {
	set := holds(part.Before)
	if of != "" {
		set = "(" + set + " AND pg_catalog.bool_and(revision OPERATOR(pg_catalog.<>) ALL (" + array(part.IDs()) + ") OR (rollout OPERATOR(pg_catalog.=) " + literal(of) + ") IS TRUE))"
	}
	return fail("WHEN "+set+" IS NOT TRUE THEN '"+markStale+"'") + " FROM " + v.in(schema)
}

// endsAt is the check before the commit, which fails with markGone or markRows: the schema still has that name and OID, and
// the table holds exactly ids. So a body that ran in another schema because of a rename, and rows that a rule, a trigger or a
// savepoint removed, are never committed.
func (v versionTable) endsAt(schema string, oid uint32, ids []string) string {
	return fail("WHEN "+schemaIs(schema, oid)+" IS NOT TRUE THEN '"+markGone+"' WHEN "+holds(ids)+" IS NOT TRUE THEN '"+markRows+"'") + " FROM " + v.in(schema)
}

// holds is the SQL, over the version table, of whether its rows are exactly those of ids.
func holds(ids []string) string {
	set := "pg_catalog.count(*) OPERATOR(pg_catalog.=) " + strconv.Itoa(len(ids))
	if len(ids) > 0 {
		set += " AND pg_catalog.bool_and(revision OPERATOR(pg_catalog.=) ANY (" + array(ids) + "))"
	}
	return "(" + set + ")"
}
