package postgres

import (
	"context"
	"fmt"
	"slices"
	"strings"

	"github.com/skeindb/skein/engine"
)

// What the guard finds is explained by running the part again and rolling back: first with a guard after each statement,
// which finds the statement; then up to that statement, where the catalogs say what it may run; and then the statement
// without the touched object's schema on the search path. What is not touched then was found by a name that the tenant
// lacks; what is still touched was meant.

// guardError makes the error of what the guard found. Where all of it was meant, it returns nil and sets a.again: the part is to
// be sent again.
func (a *applier) guardError(ctx context.Context, p piece, list string) *engine.Error {
	all := a.nameDropped(ctx, hits(list))
	at := a.trace(ctx, p)
	if len(at.hits) > 0 {
		all = a.nameDropped(ctx, at.hits)
	}
	if a.droppedKeys(ctx, p.part, all) {
		a.resend = true
		return nil
	}
	if names, rest := a.declaredMembers(ctx, p.part, all); len(names) > 0 {
		if all = rest; !slices.ContainsFunc(all, func(h hit) bool { return h.key == "" }) {
			a.allow(p.part, names)
			return nil
		}
	}
	writes := slices.ContainsFunc(all, func(h hit) bool { return h.key == "" && !h.read })
	all = slices.DeleteFunc(all, func(h hit) bool { return h.key != "" || writes && h.read }) // reads count only where nothing was changed
	found := a.investigate(ctx, at, all)
	if len(found.meant) > 0 && len(found.meant) == len(all) {
		a.allow(p.part, found.meant)
		return nil
	}
	all = slices.DeleteFunc(all, func(h hit) bool { return slices.Contains(found.meant, h.name) })
	e := a.refusal(all, found)
	a.locateGuard(e, at)
	return e
}

// allow exempts names from the guard of a part, which is then sent again.
func (a *applier) allow(part int, names []string) {
	v := &a.guards[part]
	v.exempt = append(slices.Clip(v.exempt), names...)
	a.resend = true
}

// locateGuard records the statement in e, as far as it is known.
func (a *applier) locateGuard(e *engine.Error, at trace) {
	if at.step < 0 {
		return
	}
	step := a.work.Parts[at.part].Steps[at.step]
	if at.n >= 0 {
		locate(e, nil, step, a.bodies, at.n, 0)
		return
	}
	e.Revision, e.File = step.Revision.ID, step.Revision.File
	if !step.Stamp {
		e.Line = step.Revision.Section(step.Direction).Line
	}
}

// refusal is the error that says what was touched and by what.
func (a *applier) refusal(all []hit, found findings) *engine.Error {
	var names []string
	read := true
	for _, h := range all {
		if !slices.Contains(names, h.name) {
			names = append(names, h.name)
		}
		read = read && h.read && !h.both
	}
	did := "changed "
	if read {
		did = "read "
	}
	by := "it "
	switch {
	case len(found.causes) == 1:
		by = found.causes[0] + " "
	case len(found.causes) > 1:
		by = "one of " + strings.Join(found.causes, "; ") + " "
	case !found.plain:
		by = "code that the statement runs "
	}
	text := strings.Join(names, ", ")
	e := &engine.Error{
		Class:   engine.Guard,
		Message: by + did + text + ", which is outside of schema " + ident(a.session.location.Schema),
		Advice: fmt.Sprintf("if that is meant, note `-- skein:touches %s` above the first section, which leaves the checksum as it is, or for the whole fleet add touches: [%s] below guards in skein.yaml",
			text, text),
	}
	if found.fell {
		e.Message += ": a name that the tenant lacks was found further along the search path"
		e.Advice = "create it in the tenant first; if the shared one is meant, qualify the name or note `-- skein:touches " + text + "` above the first section"
	}
	return e
}

// nameDropped rolls back and looks up the names of dropped objects, which then exist again.
func (a *applier) nameDropped(ctx context.Context, all []hit) []hit {
	a.conn.rollback(ctx)
	for i, h := range all {
		class, object, ok := strings.Cut(h.oids, "/")
		if !ok {
			continue
		}
		all[i].name = "object " + object
		results, err := a.conn.query(ctx, strings.NewReplacer("$c", class, "$o", object).Replace(`
SELECT COALESCE((SELECT pg_catalog.format('%s.%s', n.nspname, t.typname) FROM pg_catalog.pg_constraint k JOIN pg_catalog.pg_type t ON t.oid = k.contypid
	JOIN pg_catalog.pg_namespace n ON n.oid = t.typnamespace WHERE $c = 'pg_catalog.pg_constraint'::pg_catalog.regclass::oid AND k.oid = $o),
	(SELECT CASE WHEN i.type = 'schema' THEN i.name || '.schema' WHEN i.name IS NULL THEN i.identity ELSE i.schema || '.' || i.name END FROM pg_catalog.pg_identify_object($c, $o, 0) i))`))
		if err == nil && firstValue(results[0]) != "" {
			all[i].name = strings.ReplaceAll(firstValue(results[0]), `"`, "")
		}
		a.conn.rollback(ctx)
	}
	return all
}

// trace is the statement after which the guard found something.
type trace struct {
	part, step, n int // -1 = not known; n = -1: when deferred triggers ran
	hits          []hit
}

// trace runs the part again with a guard after each statement; in a rehearsal also the parts before it, which are not
// committed.
func (a *applier) trace(ctx context.Context, p piece) trace {
	a.conn.rollback(ctx)
	first := p.part
	v := a.guards[p.part]
	if a.rehearsal {
		first = 0
		for _, before := range a.guards[:p.part] {
			v = v.join(before)
		}
	}
	m := a.newComposer()
	m.retrace(first, p.part, v.query(a.session.location.Schema, a.database.tail), nil)
	o := a.conn.send(ctx, &m.message, nil)
	at := trace{part: p.part, step: -1, n: -1}
	if o.err != nil && o.completed < len(m.pieces) && m.pieces[o.completed].kind == kindGuard {
		q := m.pieces[o.completed]
		at.part, at.step, at.n = q.part, q.step, q.n
		at.hits = hits(strings.TrimPrefix(marked(o.err.Error()), markGuard))
	} else if len(a.work.Parts[p.part].Steps) == 1 {
		at.step = 0
	}
	a.conn.rollback(ctx)
	return at
}

// retrace writes the bodies of some parts without version rows, with a guard after each statement and a ROLLBACK. With an end
// it stops before that statement, and leaves the transaction open.
func (c *composer) retrace(first, last int, guard string, end *trace) {
	c.part = first
	c.open(&c.work.Parts[first])
	for part := first; part <= last; part++ {
		c.part = part
		for k, step := range c.work.Parts[part].Steps {
			if step.Stamp {
				continue
			}
			c.step = k
			c.limits(wanted(c.work, step))
			for n, s := range c.bodies(step).statements {
				if end != nil && end.part == part && end.step == k && end.n == n {
					return
				}
				c.add(piece{kind: kindBody, part: part, step: k, n: n}, s.Text)
				if guard != "" {
					c.add(piece{kind: kindGuard, part: part, step: k, n: n}, guard)
				}
			}
			c.resetAfter(k)
		}
	}
	if guard != "" {
		c.add(piece{kind: kindSet, part: last, step: c.step}, "SET CONSTRAINTS ALL IMMEDIATE")
		c.add(piece{kind: kindGuard, part: last, step: len(c.work.Parts[last].Steps) - 1, n: -1}, guard)
		c.addOwn(kindSet, "ROLLBACK")
	}
}

// droppedKeys records the tables that dropped foreign keys of the tenant referred to, which locks them like a change. It reports
// whether one of them was not recorded yet.
func (a *applier) droppedKeys(ctx context.Context, part int, all []hit) bool {
	var keys []string
	for _, h := range all {
		if h.key != "" {
			keys = append(keys, h.key)
		}
	}
	if len(keys) == 0 {
		return false
	}
	results, err := a.conn.query(ctx, `SELECT DISTINCT n.nspname || '.' || c.relname FROM pg_catalog.pg_constraint k JOIN pg_catalog.pg_class c ON c.oid = k.confrelid
JOIN pg_catalog.pg_namespace n ON n.oid = c.relnamespace WHERE k.contype = 'f' AND k.oid = ANY (`+array(keys)+`::pg_catalog.oid[])
AND k.connamespace = (SELECT oid FROM pg_catalog.pg_namespace WHERE nspname = `+literal(a.session.location.Schema)+`)`)
	if err != nil {
		return false
	}
	more := false
	v := &a.guards[part]
	for _, name := range firstColumn(results[0]) {
		hit := slices.ContainsFunc(all, func(h hit) bool { return h.name == name })
		if hit && !slices.Contains(v.keys, name) {
			v.keys = append(slices.Clip(v.keys), name)
			more = true
		}
	}
	return more
}
