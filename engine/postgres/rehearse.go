package postgres

import (
	"context"
	"errors"
	"fmt"
	"slices"

	"github.com/jackc/pgx/v5/pgconn"

	"github.com/skeindb/skein/engine"
)

// Rehearse implements [engine.Session]: one message, like that of Apply, that samples its own locks after each statement of
// a body (rehearse_samples.go) and ends with ROLLBACK.
func (s *session) Rehearse(ctx context.Context, work engine.Work) (engine.Rehearsal, error) {
	a, err := s.newApplier(ctx, &work)
	if err != nil {
		return engine.Rehearsal{}, err
	}
	a.rehearsal = true
	n := a.fitting(work.Parts)
	rest := work.Parts[n:]
	work.Parts = work.Parts[:n]
	r, err := a.rehearseUntilMeant(ctx)
	if err == nil && len(rest) > 0 && r.Why == "" {
		first := rest[0].Steps[0].Revision
		r.Why = fmt.Sprintf("revision %s (%s) would make the transaction larger than the server takes", first.ID, first.File)
	}
	if err == nil {
		r.Untried = append(r.Untried, stepsOf(rest)...)
	}
	return r, err
}

// rehearseUntilMeant sends the message again as long as all that the guard finds is declared or otherwise meant.
func (a *applier) rehearseUntilMeant(ctx context.Context) (engine.Rehearsal, error) {
	for range maxResends {
		r, err := a.rehearseOnce(ctx)
		if !a.resend {
			return r, err
		}
		a.resend = false
	}
	return a.rehearseOnce(ctx)
}

// rehearseOnce sends the message once.
func (a *applier) rehearseOnce(ctx context.Context) (engine.Rehearsal, error) {
	s, work := a.session, a.work
	m := a.newComposer()
	m.preset = slices.Equal(preamble(a.conn.endpoint, work.LockTimeout, a.database.assignments()), a.conn.settings) && !a.conn.endpoint.pooled
	m.samples = newSampleWriter(s.location.Schema)
	m.rehearse(a.guardQueries(), a.conn.endpoint.checksClient)
	a.conn.statements += min(len(m.pieces), longChain)
	a.conn.unclean = a.unclean || m.samples.prepared != ""
	if e := a.tooLarge(&m.message); e != nil {
		return engine.Rehearsal{}, e
	}
	seen := &lockSamples{}
	notices, stop := a.collect(&m.message)
	o := a.conn.send(ctx, &m.message, seen.take)
	stop()
	defer func() { a.deliver(notices, 0) }() // when it is known whether the message is sent again
	r := engine.Rehearsal{Locks: seen.locks(), Duration: seen.last}
	if o.err == nil {
		a.conn.unclean = false
		r.Steps = stepsOf(work.Parts)
		return r, nil
	}
	if why, from := a.untriedFrom(m, o); from > 0 {
		a.conn.rollback(ctx)
		r.Steps, r.Untried, r.Why = stepsOf(work.Parts[:from]), stepsOf(work.Parts[from:]), why
		return r, nil
	}
	e, at := a.explain(ctx, m, o)
	if o.completed > 0 { // else the server could not parse the message, and ran nothing of it
		r.Steps = append(stepsOf(work.Parts[:at.part]), stepsOf(work.Parts[at.part:])[:at.step]...)
	}
	if n := slices.Index(r.Steps, e.Revision); n >= 0 { // a guard comes after the steps of its part
		r.Steps = r.Steps[:n]
	}
	if e.Uncommitted {
		r.Untried, r.Why = stepsOf(work.Parts)[len(r.Steps):], untried(e)
		return r, nil
	}
	return r, e
}

func stepsOf(parts []engine.Part) []string {
	var ids []string
	for i := range parts {
		ids = append(ids, parts[i].IDs()...)
	}
	return ids
}

// guardQueries returns the guard of each part, or "". The locks of earlier parts are still held, so that what they may touch is
// allowed in later parts too.
func (a *applier) guardQueries() []string {
	guards := make([]string, len(a.guards))
	var all guardScope
	for i, v := range a.guards {
		all = all.join(v)
		if v.needed {
			guards[i] = all.query(a.session.location.Schema, a.database.tail)
		}
	}
	return guards
}

// rehearse writes all parts as one transaction that is rolled back.
//
// Where a part would commit, the deferred constraints are checked; then they are deferred again and settings are made again
// for the next part. Other effects of a commit need one: see commitErrors. Settings are made for the transaction only, since the
// rollback undoes those of the session.
func (c *composer) rehearse(guards []string, checks bool) {
	last := ""
	for i := range c.work.Parts {
		c.part, c.step = i, 0
		part := &c.work.Parts[i]
		if i > 0 {
			c.border()
			c.enter(part)
		} else {
			c.open(part)
			if checks {
				c.addOwn(kindSet, "SET LOCAL client_connection_check_interval = '2s'")
			}
			c.addOwn(kindSet, storeRelations(c.work.SchemaID.SchemaOID, c.table))
			c.addOwn(kindRows, storedRelations)
			c.addOwn(kindRows, c.samples.now)
		}
		last = c.steps(part, last)
		if guards[i] != "" {
			c.addOwn(kindGuard, guards[i])
		}
		c.end(part)
		c.addOwn(kindCommit, "SET CONSTRAINTS ALL IMMEDIATE")
	}
	c.addOwn(kindRows, c.samples.now)
	c.endSamples()
	c.addOwn(kindSet, "ROLLBACK")
}

// border takes the place of the end of one transaction and the beginning of the next.
func (c *composer) border() {
	c.unclean = false
	c.setLocals()
	c.addOwn(kindBorder, deferAgain)
}

// resetAgain is a RESET ALL that keeps the settings in which the rehearsal stores its own state.
const resetAgain = `DO $skein$
DECLARE
	kept text := pg_catalog.current_setting('skein.before', true);
	due text := pg_catalog.current_setting('skein.due', true);
BEGIN
	RESET ALL;
	PERFORM pg_catalog.set_config('skein.before', kept, true), pg_catalog.set_config('skein.due', due, true);
END $skein$`

// deferAgain undoes SET CONSTRAINTS ALL IMMEDIATE for the constraints that are INITIALLY DEFERRED.
const deferAgain = `DO $skein$
DECLARE names text;
BEGIN
	SELECT pg_catalog.string_agg(DISTINCT pg_catalog.format('%I.%I', n.nspname, c.conname), ', ') INTO names
	FROM pg_catalog.pg_constraint c JOIN pg_catalog.pg_namespace n ON n.oid = c.connamespace
	WHERE c.condeferred AND n.nspname = ANY (pg_catalog.current_schemas(false));
	IF names IS NOT NULL THEN EXECUTE 'SET CONSTRAINTS ' || names || ' DEFERRED'; END IF;
END $skein$`

// commitErrors are the errors that a statement may have because an earlier part is not committed yet. Each has lists of words: the
// body of an earlier part must have one word of each list.
var commitErrors = map[string][][]string{
	stateUnsafeEnum:     {{"type"}, {"add"}, {"value"}},
	stateObjectInUse:    {{"cursor"}},
	stateDuplicateTable: {{"temp", "temporary"}, {"commit"}},
}

// untriedFrom returns the first part that cannot be tried without a commit before it, and why; 0 where the error has another
// cause.
func (a *applier) untriedFrom(m *composer, o outcome) (why string, from int) {
	var pg *pgconn.PgError
	if !errors.As(o.err, &pg) || isFatal(pg) || o.completed >= len(m.pieces) {
		return "", 0
	}
	p := m.pieces[o.completed]
	if p.part == 0 || p.kind != kindBorder && (p.kind != kindBody || !a.needsCommit(pg.Code, p.part)) {
		return "", 0
	}
	step := a.work.Parts[p.part].Steps[p.step]
	at := step.Revision.File
	if p.kind == kindBody {
		at = fmt.Sprintf("%s:%d", at, a.bodies(step).statements[p.n].Line)
	}
	return fmt.Sprintf("revision %s (%s) can be tried only once what comes before it is committed: %s", step.Revision.ID, at, oneLine(pg.Message)), p.part
}

// needsCommit reports whether an error may come from the missing commit of an earlier part.
func (a *applier) needsCommit(state string, part int) bool {
	lists, known := commitErrors[state]
	if !known {
		return false
	}
	for _, before := range a.work.Parts[:part] {
		for _, step := range before.Steps {
			t := a.bodies(step).effects
			if !slices.ContainsFunc(lists, func(words []string) bool { return !t.hasWord(words...) }) {
				return true
			}
		}
	}
	return false
}
