package postgres

import (
	"maps"
	"slices"
	"strconv"
	"strings"

	"github.com/skeindb/skein/engine"
)

// TenantSchemas describes the schemas that a source takes for tenants, now and in future. As in [DB.Schemas], All leaves out
// public, and schemas that belong to extensions never count.
type TenantSchemas struct {
	Databases engine.NameFilter // zero: the database of the server's URL
	Schemas   engine.NameFilter // the zero value names none
}

// reads reports whether the source reads a database; own is that of the server's URL.
func (t TenantSchemas) reads(own, database string) bool {
	if !t.Databases.All && len(t.Databases.Include) == 0 {
		return database == own && !matchesAny(t.Databases.Exclude, database)
	}
	return picks(t.Databases, database)
}

// picks reports whether a filter selects a name, as nameCondition does on the server.
func picks(f engine.NameFilter, name string) bool {
	return (f.All || matchesAny(f.Include, name)) && !matchesAny(f.Exclude, name)
}

func matchesAny(globs []string, name string) bool {
	return slices.ContainsFunc(globs, func(g string) bool { return matches(g, name) })
}

// address identifies a database under all names in the config: two servers of a config may be the same.
type address struct {
	server   string // host and port
	database string
}

func (s *server) address(database string) address {
	return address{s.base.Host + " " + strconv.Itoa(int(s.base.Port)), database}
}

// Know records tenants of the fleet, so that none of their schemas gets onto the search path of another. A survey records the
// tenants that it reads; a caller that surveys only part of a fleet passes all of it here first. Tenants are never forgotten:
// one that left the fleet keeps its rows. Locations on servers that the DB does not know are ignored.
func (db *DB) Know(locations []engine.Location) {
	db.mu.Lock()
	defer db.mu.Unlock()
	for _, t := range locations {
		srv := db.servers[t.Server]
		if srv == nil || t.Schema == "" {
			continue
		}
		if t.Database == "" {
			t.Database = srv.database
		}
		at := srv.address(t.Database)
		if db.tenants[at] == nil {
			db.tenants[at] = map[string]bool{}
		}
		if db.tenants[at][t.Schema] {
			continue
		}
		db.tenants[at][t.Schema] = true
		for where, d := range db.databases { // what was read before may have it on the path
			if where.database == t.Database && slices.Contains(d.tail, t.Schema) {
				delete(db.databases, where)
			}
		}
	}
}

// tenantsOf returns the schemas of a database that are known as tenants, sorted.
func (db *DB) tenantsOf(srv *server, database string) []string {
	db.mu.Lock()
	defer db.mu.Unlock()
	return slices.Sorted(maps.Keys(db.tenants[srv.address(database)]))
}

// databasesOfSeveral returns the database of the server's URL, and those with several known tenants, sorted.
func (db *DB) databasesOfSeveral(srv *server) []string {
	db.mu.Lock()
	defer db.mu.Unlock()
	found := map[string]bool{srv.database: true}
	for at, schemas := range db.tenants {
		if at == srv.address(at.database) && len(schemas) > 1 {
			found[at.database] = true
		}
	}
	return slices.Sorted(maps.Keys(found))
}

// isSourced reports whether a source takes a schema for a tenant, by whatever name of the server.
func (db *DB) isSourced(srv *server, database, schema string) bool {
	return slices.ContainsFunc(db.sources(srv, database), func(f engine.NameFilter) bool {
		return !(f.All && schema == "public") && picks(f, schema)
	})
}

// mayHaveSeveral reports whether sources may find more than one tenant in the database, even if there is only one now.
func (db *DB) mayHaveSeveral(srv *server, database string) bool {
	sources := db.sources(srv, database)
	return len(sources) > 1 || len(sources) == 1 &&
		(sources[0].All || len(sources[0].Include) > 1 || len(sources[0].Include) == 1 && strings.ContainsAny(sources[0].Include[0], "*?"))
}

// sources are the filters of schemas that count for a database.
func (db *DB) sources(srv *server, database string) []engine.NameFilter {
	db.mu.Lock()
	defer db.mu.Unlock()
	var found []engine.NameFilter
	for _, s := range db.servers {
		if s.address(database) != srv.address(database) {
			continue
		}
		for _, t := range s.cfg.Tenants {
			if f := t.Schemas; (f.All || len(f.Include) > 0) && t.reads(s.database, database) {
				found = append(found, f)
			}
		}
	}
	return found
}
