package postgres

import (
	"context"
	"errors"
	"fmt"
	"slices"
	"sync"

	"golang.org/x/sync/errgroup"

	"github.com/jackc/pgx/v5/pgconn"

	"github.com/skeindb/skein/engine"
)

const (
	surveyChunk   = 250 // tables a message; thousands in one statement exceed the server's stack
	surveyWorkers = 2   // connections a database
)

// Survey implements [engine.Database]. Databases are read side by side, each over at most two connections: first the catalog,
// then the version tables in chunks. A database with one tenant is read in one visit, or not at all where discovery has just
// visited it. What cannot be read does not affect the rest.
func (db *DB) Survey(ctx context.Context, locations []engine.Location, rollout string) []engine.Standing {
	standings := make([]engine.Standing, len(locations))
	db.Know(locations)
	places := map[dbKey][]int{}
	var order []dbKey
	for i, t := range locations {
		at := dbKey{t.Server, t.Database}
		if places[at] == nil {
			order = append(order, at)
		}
		places[at] = append(places[at], i)
	}
	cohorts, visits := newCohorts(), db.visits.take()
	var servers sync.WaitGroup
	for name, of := range groupBy(order, func(p dbKey) string { return p.server }) {
		servers.Go(func() {
			srv, err := db.server(name)
			if err != nil {
				for _, at := range of {
					fail := survey{locations: locations, standings: standings, mine: places[at]}
					fail.setAll(engine.Unreachable, err)
				}
				return
			}
			var group errgroup.Group
			group.SetLimit(cap(srv.slots))
			for _, at := range of {
				s := &survey{db: db, server: srv, cohorts: cohorts, locations: locations, standings: standings, mine: places[at], database: at.database, rollout: rollout}
				group.Go(func() error {
					if s.single() {
						s.readSingle(ctx, visits[at])
					} else {
						s.run(ctx)
					}
					return nil
				})
			}
			_ = group.Wait() // no one returns an error: each is a standing
		})
	}
	servers.Wait()
	return standings
}

func groupBy[T any, K comparable](values []T, key func(T) K) map[K][]T {
	groups := map[K][]T{}
	for _, v := range values {
		groups[key(v)] = append(groups[key(v)], v)
	}
	return groups
}

// survey reads the tenants of one database. The goroutines of one survey write different standings.
type survey struct {
	db        *DB
	server    *server
	cohorts   *cohorts
	database  string
	locations []engine.Location
	standings []engine.Standing
	mine      []int  // indexes of this database's locations
	rollout   string // whose rows are marked; "" = none
}

// setAll gives every tenant the same state and error.
func (s *survey) setAll(state engine.State, err error) {
	for _, i := range s.mine {
		s.standings[i] = engine.Standing{State: state, Err: err}
	}
}

// setUnread gives every tenant the error with which the database could not be read.
func (s *survey) setUnread(e *engine.Error) {
	state := engine.Unreachable
	switch e.Class {
	case engine.Gone:
		state = engine.Missing
	case engine.Revision: // the search path of the config is not possible
		state = engine.Unknown
	}
	s.setAll(state, e)
}

// single reports whether one visit is enough: for the only tenant of its database.
func (s *survey) single() bool {
	return len(s.mine) == 1 && s.rollout == "" && addressable(s.locations[s.mine[0]].Schema) == nil && len(s.db.tenantsOf(s.server, s.database)) == 1
}

// readSingle is run for the only tenant of a database; seen is an earlier visit, or the zero value.
func (s *survey) readSingle(ctx context.Context, seen visit) {
	location := s.locations[s.mine[0]]
	if !seen.isOf(location) {
		var err error
		if seen, err = s.db.visit(ctx, s.server, location, s.cohorts); err != nil {
			s.setUnread(classify(ctx, err))
			return
		}
	}
	s.standings[s.mine[0]] = seen.standing
}

func (s *survey) run(ctx context.Context) {
	tables, err := s.catalog(ctx)
	if err != nil {
		s.setUnread(classify(ctx, err))
		return
	}
	begun := slices.DeleteFunc(slices.Clone(tables), func(i int) bool { return !s.standings[i].SchemaID.HasSteps })
	s.chunks(ctx, begun, func(c *conn, chunk []int) { s.cutOffs(ctx, c, chunk, surveyLockTimeout) })
	tables = slices.DeleteFunc(tables, func(i int) bool { return s.standings[i].Err != nil })
	digests := make([]string, len(s.locations))
	s.chunks(ctx, tables, func(c *conn, chunk []int) { s.digest(ctx, c, chunk, digests, surveyLockTimeout) })
	tables = slices.DeleteFunc(tables, func(i int) bool { return s.standings[i].Err != nil })
	for _, i := range tables {
		if digests[i] == "" {
			s.standings[i].Applied = s.cohorts.empty
		}
	}
	tables = slices.DeleteFunc(tables, func(i int) bool { return digests[i] == "" })
	s.exemplars(ctx, tables, digests)
}

// catalog finds schemas, version tables and privileges by one query. It returns the locations whose table is
// to be read; the others' standings are complete.
func (s *survey) catalog(ctx context.Context) ([]int, error) {
	c, err := s.server.acquire(ctx, s.database)
	if err != nil {
		return nil, err
	}
	defer s.server.release(c)
	byName := map[string][]int{}
	var names []string
	for _, i := range s.mine {
		name := s.locations[i].Schema
		if err := addressable(name); err != nil {
			s.standings[i] = engine.Standing{State: engine.Unknown, Err: err}
			continue
		}
		if byName[name] == nil {
			names = append(names, name)
		}
		byName[name] = append(byName[name], i)
	}
	if _, err := s.db.readDatabase(ctx, s.server, c); err != nil {
		return nil, err
	}
	results, err := c.query(ctx, "SELECT n.nspname, n.oid, c.relkind IN ('r', 'p'), pg_catalog.has_schema_privilege(n.oid, 'USAGE'), pg_catalog.has_table_privilege(c.oid, 'SELECT') "+
		"FROM pg_catalog.unnest("+array(names)+"::pg_catalog.name[]) w(name) JOIN pg_catalog.pg_namespace n ON n.nspname = w.name "+
		"LEFT JOIN pg_catalog.pg_class c ON c.relnamespace = n.oid AND c.relname = "+literal(s.db.table.name)+
		"; SELECT n.nspname FROM pg_catalog.pg_class c JOIN pg_catalog.pg_namespace n ON n.oid = c.relnamespace "+
		"WHERE c.relname = "+literal(s.db.table.name+journalSuffix)+" AND n.nspname = ANY ("+array(names)+"::pg_catalog.name[])")
	if err != nil {
		return nil, err
	}
	var tables []int
	steps := firstColumn(results[1])
	slices.Sort(steps)
	for _, row := range results[0].Rows {
		name := string(row[0])
		for _, i := range byName[name] {
			if s.found(&s.standings[i], name, row) {
				tables = append(tables, i)
				_, s.standings[i].SchemaID.HasSteps = slices.BinarySearch(steps, name)
			}
		}
		delete(byName, name)
	}
	for _, missing := range byName {
		for _, i := range missing {
			s.standings[i] = engine.Standing{State: engine.Missing, Err: missingError(s.locations[i])}
		}
	}
	slices.Sort(tables)
	return tables, nil
}

// found fills in what the catalog says of a schema that is there, and reports whether its table is to be read.
func (s *survey) found(st *engine.Standing, name string, row [][]byte) bool {
	st.SchemaID.SchemaOID = parseOID(row[1])
	switch {
	case string(row[3]) != "t":
		st.State, st.Err = engine.Unknown, s.server.unreadable(name, "USAGE")
	case row[2] == nil:
		st.Applied = s.cohorts.empty
	case string(row[2]) != "t":
		message, advice := s.notVersionTable(name, "it is a view, or something else that is no table")
		st.State, st.Err = engine.Unknown, &engine.Error{Class: engine.Revision, Message: message, Advice: advice}
	case string(row[4]) != "t":
		st.State, st.Err = engine.Unknown, s.server.unreadable(name, "SELECT on the version table")
		st.SchemaID.HasTable = true
	default:
		st.SchemaID.HasTable = true
		return true
	}
	return false
}

func missingError(t engine.Location) *engine.Error {
	return &engine.Error{Class: engine.Gone, Message: fmt.Sprintf("schema %s is not there in database %s", ident(t.Schema), t.Database)}
}

// chunks calls read for each chunk of tables, by workers with a connection each.
func (s *survey) chunks(ctx context.Context, tables []int, read func(*conn, []int)) {
	queue := make(chan []int)
	var workers sync.WaitGroup
	for range min(surveyWorkers, (len(tables)+surveyChunk-1)/surveyChunk) {
		workers.Go(func() {
			var c *conn
			for chunk := range queue {
				if c == nil || c.pg.IsClosed() {
					s.release(c)
					var err error
					if c, err = s.server.acquire(ctx, s.database); err != nil {
						s.fail(chunk, engine.Unreachable, classify(ctx, err))
						continue
					}
				}
				read(c, chunk)
			}
			s.release(c)
		})
	}
	for chunk := range slices.Chunk(tables, surveyChunk) {
		queue <- chunk
	}
	close(queue)
	workers.Wait()
}

func (s *survey) release(c *conn) {
	if c != nil {
		s.server.release(c)
	}
}

func (s *survey) fail(chunk []int, state engine.State, err error) {
	for _, i := range chunk {
		s.standings[i].State, s.standings[i].Err = state, err
	}
}

// tableError says why one table alone cannot be read.
func (s *survey) tableError(ctx context.Context, c *conn, i int, err error) {
	st := &s.standings[i]
	e := *classify(ctx, err)
	if e.Class == engine.Gone { // something else is missing: the database is there
		e.Class, e.Advice = engine.Revision, ""
	}
	st.State, st.Err = engine.Unknown, &e
	switch {
	case hasState(err, stateUndefinedTable, stateUndefinedSchema): // the schema or the table was dropped since
		if oid, err := schemaOID(ctx, c, s.locations[i].Schema); err == nil && oid == 0 {
			st.State, st.Err = engine.Missing, goneError(s.locations[i])
			return
		}
		st.State = engine.Unreachable
		e.Class, e.Message, e.Advice = engine.Transient, "version table "+s.db.table.in(s.locations[i].Schema)+" changed while it was read: "+e.Message, adviceAgain
	case e.Class == engine.Busy || e.Class == engine.Timeout:
		st.State = engine.Unreachable
		e.Message = "version table " + s.db.table.in(s.locations[i].Schema) + " is locked: " + e.Message
	case hasState(err, stateUndefinedColumn):
		e.Message, e.Advice = s.notVersionTable(s.locations[i].Schema, e.Message)
	}
}

// notVersionTable says that a relation with the version table's name is not one.
func (s *survey) notVersionTable(schema, why string) (message, advice string) {
	return s.db.table.in(schema) + " is no version table of skein: " + why, "set state.version_table to another name"
}

// isArm reports whether an error may be about one table only.
func isArm(err error) bool {
	var pg *pgconn.PgError
	return errors.As(err, &pg) && isLocal(err)
}
