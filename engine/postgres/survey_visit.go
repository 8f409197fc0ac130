package postgres

import (
	"cmp"
	"context"
	"crypto/sha256"
	"maps"
	"slices"
	"strings"
	"sync"
	"time"

	"github.com/skeindb/skein/engine"
)

// A database with one tenant is read in one visit: the query for the tenant's schema also reads where the tenant stands, so
// that discovery and survey connect once. A new backend costs the server 5 ms, and each plain query that reads catalogs for
// the first time about 1 ms more, so a visit uses functions that read the system caches.
//
// The result of a visit waits for the survey that follows. Like any survey it may be out of date when the tenant is changed:
// everything is checked again under the tenant's lock.

// visitTime is how long a survey uses the result of a visit.
const visitTime = time.Minute

// visits are the results of visits that no survey has taken yet. It is safe for concurrent use.
type visits struct {
	mu      sync.Mutex
	by      map[dbKey]visit  // guarded by mu
	schemas map[dbKey]string // in which the role creates objects, of databases that were visited; guarded by mu
	cohorts *cohorts         // that the visits share; guarded by mu
}

type visit struct {
	location engine.Location
	standing engine.Standing
	at       time.Time
}

// put stores a visit, in place of an earlier one of the database.
func (v *visits) put(seen visit) {
	v.mu.Lock()
	defer v.mu.Unlock()
	if v.by == nil {
		v.by = map[dbKey]visit{}
	}
	if v.schemas == nil {
		v.schemas = map[dbKey]string{}
	}
	at := dbKey{seen.location.Server, seen.location.Database}
	v.by[at], v.schemas[at] = seen, seen.location.Schema
}

// schema returns the schema that a visit found in a database; "" where there was no visit.
func (v *visits) schema(at dbKey) string {
	v.mu.Lock()
	defer v.mu.Unlock()
	return v.schemas[at]
}

// forget removes the visits of a server's databases.
func (v *visits) forget(server string) {
	v.mu.Lock()
	defer v.mu.Unlock()
	maps.DeleteFunc(v.by, func(at dbKey, _ visit) bool { return at.server == server })
	maps.DeleteFunc(v.schemas, func(at dbKey, _ string) bool { return at.server == server })
}

// shared returns the cohorts that the visits share.
func (v *visits) shared() *cohorts {
	v.mu.Lock()
	defer v.mu.Unlock()
	if v.cohorts == nil {
		v.cohorts = newCohorts()
	}
	return v.cohorts
}

// take returns all visits, and removes them.
func (v *visits) take() map[dbKey]visit {
	v.mu.Lock()
	defer v.mu.Unlock()
	all := v.by
	v.by, v.cohorts = nil, nil
	return all
}

// isOf reports whether a visit says where a tenant stands.
func (v visit) isOf(t engine.Location) bool { return v.location == t && time.Since(v.at) < visitTime }

// visitQuery asks, of a schema: its name, OID and whether it is on the path of the session; whether there is something of the
// version table's name in it, whether that is a table, and whether it may be read; whether there is a journal; the required settings;
// and whether any extension lies outside of pg_catalog. A schema of "" is the session's current_schema().
func (v versionTable) visitQuery(schema string) string {
	name := "pg_catalog.current_schema()"
	if schema != "" {
		name = literal(schema)
	}
	settings := make([]string, len(requiredSettings))
	for i, s := range requiredSettings {
		settings[i] = "pg_catalog.current_setting('" + s.name + "', true)"
	}
	return strings.NewReplacer("$name", name, "$table", literal("."+ident(v.name)), "$journal", literal("."+ident(v.name+journalSuffix)), "$settings", strings.Join(settings, ", ")).Replace(
		`SELECT s.name, s.oid, s.usable, t.oid, (SELECT c.relkind IN ('r', 'p') FROM pg_catalog.pg_class c WHERE c.oid = t.oid), pg_catalog.has_table_privilege(t.oid, 'SELECT'),
EXISTS (SELECT FROM pg_catalog.pg_extension WHERE extnamespace <> 'pg_catalog'::pg_catalog.regnamespace),
CASE WHEN s.usable THEN pg_catalog.to_regclass(pg_catalog.quote_ident(s.name) || $journal) IS NOT NULL END, $settings
FROM (SELECT n.name, n.oid, pg_catalog.has_schema_privilege(n.oid, 'USAGE') AS usable FROM (SELECT $name::text AS name, pg_catalog.to_regnamespace(pg_catalog.quote_ident($name))::pg_catalog.oid AS oid OFFSET 0) n OFFSET 0) s,
LATERAL (SELECT CASE WHEN s.usable THEN pg_catalog.to_regclass(pg_catalog.quote_ident(s.name) || $table)::pg_catalog.oid END AS oid OFFSET 0) t`)
}

// Columns of visitQuery.
const (
	visitName = iota
	visitOID
	visitUsable
	visitTable
	visitIsTable
	visitReadable
	visitExtensions
	visitJournal
	visitSettings // and all columns after it
)

// visit reads where a tenant stands that has its database for itself. A location without a schema means the one in which the
// role creates objects; the result has its name, or "" where there is none. An error is that of the connection.
func (db *DB) visit(ctx context.Context, srv *server, location engine.Location, cohorts *cohorts) (visit, error) {
	c, err := srv.acquire(ctx, location.Database)
	if err != nil {
		return visit{}, err
	}
	defer srv.release(c)
	defer c.rollback(ctx)
	c.reserved = true
	results, err := c.query(ctx, db.table.visitQuery(location.Schema))
	if err != nil {
		return visit{}, classify(ctx, err)
	}
	row := results[0].Rows[0]
	if location.Schema == "" {
		location.Schema = string(row[visitName])
	}
	seen := visit{location: location, at: time.Now()}
	if location.Schema == "" {
		return seen, nil
	}
	db.Know([]engine.Location{location})
	s := &survey{db: db, server: srv, cohorts: cohorts, database: location.Database, locations: []engine.Location{location}, standings: make([]engine.Standing, 1), mine: []int{0}}
	s.visited(ctx, c, row)
	seen.standing = s.standings[0]
	return seen, nil
}

// visited fills in the standing of the only tenant.
func (s *survey) visited(ctx context.Context, c *conn, row [][]byte) {
	st := &s.standings[0]
	if row[visitOID] == nil {
		*st = engine.Standing{State: engine.Missing, Err: missingError(s.locations[0])}
		return
	}
	if err := s.facts(ctx, c, row); err != nil {
		s.setUnread(classify(ctx, err))
		return
	}
	var kind []byte
	if row[visitTable] != nil {
		kind = row[visitIsTable]
	}
	if !s.found(st, s.locations[0].Schema, [][]byte{row[visitName], row[visitOID], kind, row[visitUsable], row[visitReadable]}) {
		return
	}
	if st.SchemaID.HasSteps = isTrue(row[visitJournal]); st.SchemaID.HasSteps {
		if s.cutOffs(ctx, c, s.mine, surveyLockTimeout); st.Err != nil {
			return
		}
	}
	results, err := s.read(ctx, c, surveyLockTimeout, "SELECT revision, checksum FROM "+s.db.table.in(s.locations[0].Schema))
	switch {
	case err == nil:
		st.Applied = s.cohorts.of(results[0].Rows)
	case isArm(err):
		s.tableError(ctx, c, 0, err)
	default:
		s.fail(s.mine, engine.Unreachable, classify(ctx, err))
	}
}

// facts stores what the visit says about the database, or makes the next session read it. In an ordinary database only the
// tenant's schema is on the search path, and no setting deviates.
func (s *survey) facts(ctx context.Context, c *conn, row [][]byte) error {
	fresh := c.statements == 0 && c.settings == nil // the session has the settings that it began with
	switch {
	case len(s.server.cfg.SearchPath) > 0, c.endpoint.pooled, fresh && len(visitDeviations(row[visitSettings:])) > 0:
		_, err := s.db.readDatabase(ctx, s.server, c)
		return err
	case fresh && s.server.cfg.AutoSearchPath && !isTrue(row[visitExtensions]):
		s.db.storeDatabase(s.server, newDatabase(nil, nil), c.database)
	default:
		s.db.forgetDatabase(dbKey{s.server.name, c.database})
	}
	return nil
}

// visitDeviations returns the deviations among the settings of a visit.
func visitDeviations(values [][]byte) []deviation {
	var rows [][][]byte
	for i, value := range values {
		if value != nil { // nil: the server does not know it
			rows = append(rows, [][]byte{[]byte(requiredSettings[i].name), value})
		}
	}
	return deviations(rows)
}

// of returns the Applied of the rows of a version table, given in any order.
func (k *cohorts) of(rows [][][]byte) *engine.Applied {
	if len(rows) == 0 {
		return k.empty
	}
	slices.SortFunc(rows, func(a, b [][]byte) int { return cmp.Compare(string(a[0]), string(b[0])) })
	hash := sha256.New()
	for _, r := range rows {
		for _, value := range r {
			hash.Write(value)
			hash.Write([]byte{1})
		}
		hash.Write([]byte{2})
	}
	return k.put("rows "+string(hash.Sum(nil)), rows)
}
