package postgres

import (
	"context"
	"errors"
	"strings"

	"github.com/jackc/pgx/v5/pgconn"

	"github.com/skeindb/skein/engine"
	"github.com/skeindb/skein/engine/revision"
)

// outsideGuard is the guard of those statements of a no-transaction section that run in a transaction; the others have none.
// Nil = no guard is needed.
type outsideGuard struct {
	verdict  verdict
	database *database
	schema   string
	resent   int
}

// newGuard returns the guard, or nil.
func (o *outside) newGuard(ctx context.Context) (*outsideGuard, error) {
	s := o.session
	d, err := s.db.known(ctx, s.server, o.conn)
	if err != nil {
		return nil, err
	}
	b := s.db.traits.bodies(o.work)(o.step)
	v, err := d.judge(ctx, o.conn, s.target.Schema, o.step, b, false, s.alone(), s.db.cfg.Touches)
	if err != nil || !v.on {
		return nil, err
	}
	if v, err = s.withDependents(ctx, o.conn, o.step, b.traits, v); err != nil {
		return nil, err
	}
	return &outsideGuard{verdict: v, database: d, schema: s.target.Schema}, nil
}

// changed forgets which code the database has where the revision may have created any.
func (o *outside) changed() {
	s := o.session
	if !s.db.traits.of(o.step, o.work.Statements(o.step)).makes() {
		return
	}
	s.db.mu.Lock()
	d := s.db.databases[place{s.server.name, o.conn.database}]
	s.db.mu.Unlock()
	if d != nil {
		d.changed()
	}
}

// query is the SQL of the guard, before COMMIT.
func (g *outsideGuard) query() string {
	if g == nil {
		return ""
	}
	return "SET CONSTRAINTS ALL IMMEDIATE; " + g.verdict.query(g.schema, g.database.tail) + "; "
}

// breach explains an error of the guard; nil for any other error. again: all that it found was meant.
func (g *outsideGuard) breach(ctx context.Context, o *outside, stmt revision.Statement, err error) (e *engine.Error, again bool) {
	var pg *pgconn.PgError
	if g == nil || !errors.As(err, &pg) || !strings.HasPrefix(marked(pg.Message), markGuard) {
		return nil, false
	}
	work := *o.work
	work.SchemaID.HasTable = work.SchemaID.HasTable || o.made
	one := body{statements: []revision.Statement{stmt}, traits: readTraits([]revision.Statement{stmt})}
	a := &application{
		session: o.session, work: &work, conn: o.conn, database: g.database, verdicts: []verdict{g.verdict},
		bodies: func(engine.Step) body { return one },
	}
	e = a.breach(ctx, piece{kind: kindGuard}, strings.TrimPrefix(marked(pg.Message), markGuard))
	g.verdict = a.verdicts[0]
	if g.resent++; e == nil && g.resent > meantMost {
		return classify(ctx, err), false
	}
	return e, e == nil
}
