package postgres

import (
	"context"
	"errors"
	"strings"

	"github.com/jackc/pgx/v5/pgconn"

	"github.com/skeindb/skein/engine"
	"github.com/skeindb/skein/engine/revision"
)

// noTxGuard is the guard of those statements of a no-transaction section that run in a transaction; the others have none.
// Nil = no guard is needed.
type noTxGuard struct {
	verdict  guardScope
	database *database
	schema   string
	resent   int
}

// newGuard returns the guard, or nil.
func (o *noTxRun) newGuard(ctx context.Context) (*noTxGuard, error) {
	s := o.session
	d, err := s.db.databaseOf(ctx, s.server, o.conn)
	if err != nil {
		return nil, err
	}
	b := s.db.effects.bodies(o.work)(o.step)
	v, err := d.decideGuard(ctx, o.conn, s.location.Schema, o.step, b, false, s.ownsDatabase(), s.db.cfg.Touches)
	if err != nil || !v.needed {
		return nil, err
	}
	if v, err = s.withDependents(ctx, o.conn, o.step, b.effects, v); err != nil {
		return nil, err
	}
	return &noTxGuard{verdict: v, database: d, schema: s.location.Schema}, nil
}

// changed forgets which code the database has where the revision may have created any.
func (o *noTxRun) changed() {
	s := o.session
	if !s.db.effects.of(o.step, o.work.Statements(o.step)).createsCode() {
		return
	}
	s.db.mu.Lock()
	d := s.db.databases[dbKey{s.server.name, o.conn.database}]
	s.db.mu.Unlock()
	if d != nil {
		d.codeChanged()
	}
}

// query is the SQL of the guard, before COMMIT.
func (g *noTxGuard) query() string {
	if g == nil {
		return ""
	}
	return "SET CONSTRAINTS ALL IMMEDIATE; " + g.verdict.query(g.schema, g.database.tail) + "; "
}

// explain explains an error of the guard; nil for any other error. again: all that it found was meant.
func (g *noTxGuard) explain(ctx context.Context, o *noTxRun, stmt revision.Statement, err error) (e *engine.Error, again bool) {
	var pg *pgconn.PgError
	if g == nil || !errors.As(err, &pg) || !strings.HasPrefix(marked(pg.Message), markGuard) {
		return nil, false
	}
	work := *o.work
	work.SchemaID.HasTable = work.SchemaID.HasTable || o.made
	one := body{statements: []revision.Statement{stmt}, effects: readEffects([]revision.Statement{stmt})}
	a := &applier{
		session: o.session, work: &work, conn: o.conn, database: g.database, guards: []guardScope{g.verdict},
		bodies: func(engine.Step) body { return one },
	}
	e = a.guardError(ctx, piece{kind: kindGuard}, strings.TrimPrefix(marked(pg.Message), markGuard))
	g.verdict = a.guards[0]
	if g.resent++; e == nil && g.resent > maxResends {
		return classify(ctx, err), false
	}
	return e, e == nil
}
