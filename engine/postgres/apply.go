package postgres

import (
	"context"
	"math/rand/v2"
	"slices"
	"strings"
	"unicode/utf8"

	"github.com/jackc/pgx/v5/pgconn"

	"github.com/skeindb/skein/engine"
)

// Apply implements [engine.Session]: all parts go out as one message.
func (s *session) Apply(ctx context.Context, work engine.Work) (int, error) {
	if len(work.Parts) == 0 {
		return 0, nil
	}
	a, err := s.newApplier(ctx, &work)
	if err != nil {
		return 0, err
	}
	work.Parts = work.Parts[:a.fitting(work.Parts)]
	defer a.forgetDatabase()
	if slices.ContainsFunc(work.Parts, func(p engine.Part) bool {
		return slices.ContainsFunc(p.Steps, func(s engine.Step) bool { return a.bodies(s).effects.createsCode() })
	}) {
		defer a.database.codeChanged()
	}
	return a.run(ctx)
}

// forgetDatabase makes the next session read the database again where the work may have changed the search path.
func (a *applier) forgetDatabase() {
	for _, part := range a.work.Parts {
		for _, step := range part.Steps {
			if a.bodies(step).effects.hasWord("extension") {
				a.session.db.forgetDatabase(dbKey{a.session.server.name, a.conn.database})
				return
			}
		}
	}
}

// applier is one call of Apply, or of Rehearse.
type applier struct {
	session    *session
	work       *engine.Work
	conn       *conn
	bodies     func(engine.Step) body
	database   *database
	guards     []guardScope // one a part
	leaves     [][]bool     // may a body leave something in the session; by part and step
	triggers   bool         // the database may have triggers
	unclean    bool         // some body may leave something in the session
	keepsState bool         // some body may run code that keeps state which cannot be reset
	loads      bool         // some body loads such code, or makes custom settings
	skipped    int          // parts that are committed and not sent again
	rehearsal  bool         // it is a rehearsal: nothing is committed
	progress   progress     // of no-transaction sections in the tenant
	resend     bool         // send the message again: what the guard found was meant, or statements have to be parsed first
	facts      tailFacts
	names      *nameChecks // of the last message; nil = no name to check
	exact      bool        // parse statements to check their names
}

// newApplier opens the connection and prepares a call; it refuses a work that contradicts itself.
func (s *session) newApplier(ctx context.Context, work *engine.Work) (*applier, error) {
	if !work.SchemaID.HasTable && len(work.Parts[0].Before) > 0 {
		return nil, staleError()
	}
	c, err := s.connection(ctx)
	if err != nil {
		return nil, err
	}
	a := &applier{session: s, work: work, conn: c, bodies: s.db.effects.bodies(work)}
	if err := a.prepare(ctx); err != nil {
		c.rollback(ctx)
		return nil, classify(ctx, err)
	}
	if err := a.isolateSession(ctx); err != nil {
		return nil, classify(ctx, err)
	}
	return a, nil
}

// isolateSession keeps a session for this tenant alone where the bodies may leave state in it that cannot be reset.
func (a *applier) isolateSession(ctx context.Context) error {
	if !a.keepsState && !a.loads {
		return nil
	}
	s := a.session
	function := ""
	if a.keepsState {
		var err error
		if function, err = s.db.stateKeeper(ctx, s.server, a.conn, a.database); err != nil {
			return err
		}
	}
	switch {
	case function == "" && !a.loads:
	case !a.conn.endpoint.pooled:
		a.conn.tainted = true
	case s.server.direct != nil:
		s.releaseConn() // the direct connection takes its place
		c, err := s.server.takeDirectConn(ctx, s.location.Database)
		if err != nil {
			return err
		}
		s.conn, a.conn = c, c
		if c.endpoint.pooled {
			return poolerError(s.server.name)
		}
		c.tainted = true
		return c.setBackslashQuote(ctx, a.database.deviations)
	case function != "":
		return keepsError(s.server.name, function, a.work.Parts[0].Steps[0].Revision.ID)
	}
	return nil
}

// prepare decides where guards and resets are needed. It asks the server only for what is not known of the database yet.
func (a *applier) prepare(ctx context.Context) (err error) {
	if a.progress, err = a.session.progress(ctx, a.conn, a.work); err != nil {
		return err
	}
	if a.database, err = a.session.db.databaseOf(ctx, a.session.server, a.conn); err != nil {
		return err
	}
	into, err := a.session.db.mayChangeExtensions(ctx, a.session, a.conn, a.work)
	if err != nil {
		return err
	}
	if len(into) > 0 {
		if a.database, err = a.session.db.loadDatabase(ctx, a.session.server, a.conn, into); err != nil {
			return err
		}
	}
	if err = a.conn.setBackslashQuote(ctx, a.database.deviations); err != nil {
		return err
	}
	if a.facts, err = a.session.db.currentTail(ctx, a.conn, a.database, a.work, a.bodies); err != nil {
		return err
	}
	a.database.noteTailGrowth(a.work, a.bodies)
	a.guards = make([]guardScope, len(a.work.Parts))
	a.leaves = make([][]bool, len(a.work.Parts))
	alone := a.session.ownsDatabase()
	made := false // an earlier step may have created functions, triggers and the like
	for i, part := range a.work.Parts {
		for _, step := range part.Steps {
			b := a.bodies(step)
			v, err := a.database.decideGuard(ctx, a.conn, a.session.location.Schema, step, b, made, alone, a.session.db.cfg.Touches)
			if err != nil {
				return err
			}
			if v, err = a.session.withDependents(ctx, a.conn, step, b.effects, v); err != nil {
				return err
			}
			runs, err := a.database.runsCode(ctx, a.conn, b, made)
			if err != nil {
				return err
			}
			ddl, err := a.database.runsAtDDL(ctx, a.conn)
			if err != nil {
				return err
			}
			made = made || b.effects.createsCode()
			a.guards[i] = a.guards[i].join(v)
			leaves := b.effects.leavesState(ddl, a.unclean)
			a.leaves[i] = append(a.leaves[i], leaves)
			a.unclean = a.unclean || leaves
			a.keepsState = a.keepsState || runs || ddl
			a.loads = a.loads || b.effects.loads
		}
	}
	if a.triggers = made; a.unclean && !made {
		a.triggers, err = a.database.hasTriggers(ctx, a.conn)
	}
	return err
}

func (a *applier) newComposer() *composer {
	s := a.session
	a.names = s.db.newNameChecks(a.facts, a.work, a.bodies, s.location.Schema, a.exact)
	return &composer{names: a.names, table: s.db.table, schema: s.location.Schema, tail: a.database.tail, work: a.work, bodies: a.bodies, lock: s.lockKey(), assignments: a.database.assignments(),
		progress: a.progress, leavesState: a.leavesState, checksClient: a.conn.endpoint.checksClient, seed: rand.Float64(), triggers: a.triggers}
}

// leavesState reports whether the body of a step may leave something in the session; false for a statement of a no-transaction
// section, whose session ends with the section.
func (a *applier) leavesState(part, step int) bool {
	return part < len(a.leaves) && step < len(a.leaves[part]) && a.leaves[part][step]
}

// run sends all parts. The server parses a message as a whole before it runs any of it, so that a syntax error in a later part
// keeps the earlier parts from running; then those are sent again without it.
func (a *applier) run(ctx context.Context) (int, error) {
	committed, unread, err := a.sendOnce(ctx)
	for range maxResends {
		if !a.resend {
			break
		}
		var more int
		a.skipCommitted(committed)
		more, unread, err = a.sendOnce(ctx)
		committed += more
	}
	if unread == 0 || committed > 0 {
		return committed, asError(err)
	}
	a.work.Parts = a.work.Parts[:unread]
	committed, _, earlier := a.sendOnce(ctx)
	if earlier != nil {
		return committed, earlier
	}
	return committed, err
}

// maxResends bounds how often a message is sent again because what the guard found was meant.
const maxResends = 8

// skipCommitted leaves out the first parts, which are committed.
func (a *applier) skipCommitted(parts int) {
	done := parts - a.skipped
	a.resend, a.skipped = false, parts
	a.work.Parts, a.guards, a.leaves = a.work.Parts[done:], a.guards[done:], a.leaves[done:]
	a.work.SchemaID.HasTable = a.work.SchemaID.HasTable || parts > 0
}

// asError keeps a nil *engine.Error from becoming a non-nil error.
func asError(e *engine.Error) error {
	if e == nil {
		return nil
	}
	return e
}

// sendOnce sends one message. unread is the index of the part that the server could not parse; 0 = none, or the first.
func (a *applier) sendOnce(ctx context.Context) (committed, unread int, e *engine.Error) {
	guards := make([]string, len(a.guards))
	for i, v := range a.guards {
		if v.needed {
			guards[i] = v.query(a.session.location.Schema, a.database.tail)
		}
	}
	m := a.newComposer()
	sets := preamble(a.conn.endpoint, a.work.LockTimeout, a.database.assignments())
	m.preset = sets != nil && slices.Equal(sets, a.conn.settings)
	if m.preset {
		m.compose(guards, nil)
	} else {
		m.compose(guards, sets)
	}
	if e := a.tooLarge(&m.message); e != nil {
		return 0, 0, e
	}
	a.conn.statements += min(len(m.pieces), longChain)
	a.conn.unclean = a.unclean
	notices, stop := a.collect(&m.message)
	o := a.conn.send(ctx, &m.message, nil)
	stop()
	if o.err == nil {
		a.conn.unclean = false
	}
	switch {
	case a.unclean:
		a.conn.settings = nil // they were reset
	case o.committed > 0:
		a.conn.settings = sets
	}
	if o.err == nil {
		a.deliver(notices, o.committed)
		return o.committed, 0, nil
	}
	e, at := a.explain(ctx, m, o)
	a.deliver(notices, o.committed)
	if o.completed == 0 && !a.conn.pg.IsClosed() {
		unread = at.part
	}
	return o.committed, unread, e
}

// outcome is how far a message got.
type outcome struct {
	completed int        // statements
	committed int        // transactions
	unwritten *lostPiece // the first version row that was not written; nil = all were
	err       error
}

// send sends a message and counts the results. see is called with the rows of each piece of kindRows; it may be nil where there is none.
func (c *conn) send(ctx context.Context, m *message, see func(piece, [][][]byte)) outcome {
	var o outcome
	for _, p := range m.pieces {
		if strings.Contains(p.sql, "\x00") { // it would end the message; in files it is refused before
			o.err = &engine.Error{Class: engine.Revision, Message: "a NUL byte in a body", Advice: "remove it: SQL text cannot contain one"}
			return o
		}
	}
	c.completed = 0
	reader := c.exec(ctx, m.texts()...)
	for reader.NextResult() {
		var p piece
		if o.completed < len(m.pieces) {
			p = m.pieces[o.completed]
		}
		tag, err := m.read(reader.ResultReader(), p, see)
		if err != nil {
			break
		}
		switch {
		case p.kind == kindCommit && tag.String() == "COMMIT":
			o.committed++
		case p.kind == kindRow && !rowTag(tag) && o.unwritten == nil:
			o.unwritten = &lostPiece{p, tag.String()}
		}
		o.completed++
		c.completed = o.completed
	}
	o.err = reader.Close()
	return o
}

// read reads the rows of a piece of kindRows, and skips those of any other.
func (m *message) read(r *pgconn.ResultReader, p piece, see func(piece, [][][]byte)) (pgconn.CommandTag, error) {
	if p.kind != kindRows {
		return r.Close()
	}
	result := r.Read()
	if result.Err == nil {
		see(p, result.Rows)
	}
	return result.CommandTag, result.Err
}

// cut shortens a statement to about 200 bytes of whole characters.
func cut(text string) string { return cutTo(text, 200) }

func cutTo(text string, most int) string {
	if len(text) <= most {
		return text
	}
	end := most
	for end > 0 && !utf8.RuneStart(text[end]) {
		end--
	}
	return text[:end] + "…"
}

func firstRune(text string) (rune, int) { return utf8.DecodeRuneInString(text) }
