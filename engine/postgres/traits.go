package postgres

import (
	"slices"
	"strings"
	"sync"

	"github.com/skeindb/skein/engine"
	"github.com/skeindb/skein/engine/revision"
)

// traits are what a body's words give away about its effects on the session.
type traits struct {
	idents   revision.Idents
	sets     bool // may change settings of the transaction: they are set again for the next revision
	role     bool // may change the role, which may not be allowed to write our rows
	cascades bool // reaches what depends on what it names
	taints   bool // may leave something in the session: temporary tables, prepared statements, session locks
}

// traitsCache keeps what was read of a section for all tenants; rendered templates are read anew, as each may be
// different.
type traitsCache struct{ sections sync.Map } // *revision.Section → *traits

func (t *traitsCache) of(step engine.Step, statements []revision.Statement) *traits {
	if step.Stamp {
		return &traits{}
	}
	sec := step.Revision.Section(step.Direction)
	if sec.Options.Template {
		return readTraits(statements)
	}
	if known, ok := t.sections.Load(sec); ok {
		return known.(*traits)
	}
	known, _ := t.sections.LoadOrStore(sec, readTraits(statements))
	return known.(*traits)
}

// bodies returns what a work's steps run. The function is for one goroutine.
func (t *traitsCache) bodies(work *engine.Work) func(engine.Step) body {
	known := map[engine.Step]body{}
	return func(step engine.Step) body {
		b, ok := known[step]
		if !ok {
			b.statements = work.Statements(step)
			b.traits = t.of(step, b.statements)
			known[step] = b
		}
		return b
	}
}

func readTraits(statements []revision.Statement) *traits {
	texts := make([]string, len(statements))
	t := &traits{}
	for i, s := range statements {
		texts[i] = s.Text
		t.sets = t.sets || firstWord(s.Text) == "SET"
		t.cascades = t.cascades || cascading(s.Text)
	}
	t.idents = revision.Identifiers(strings.Join(texts, ";\n"), revision.Postgres)
	t.sets = t.sets || len(t.idents.Dynamic) > 0 || t.names("set_config")
	t.role = t.sets && t.names("role", "authorization", "session_authorization")
	t.taints = t.names("temp", "temporary", "pg_temp", "prepare", "listen", "set_config", "hold", "load", "session",
		"pg_advisory_lock", "pg_advisory_lock_shared", "pg_try_advisory_lock", "pg_try_advisory_lock_shared")
	return t
}

func (t *traits) names(words ...string) bool {
	return slices.ContainsFunc(words, func(w string) bool {
		_, found := slices.BinarySearch(t.idents.Names, w)
		return found
	})
}

// firstWord returns the first word of a statement in upper case; a statement begins with one.
func firstWord(text string) string {
	end := strings.IndexFunc(text, func(r rune) bool {
		return !(r == '_' || r >= 'a' && r <= 'z' || r >= 'A' && r <= 'Z')
	})
	if end < 0 {
		end = len(text)
	}
	return strings.ToUpper(text[:end])
}
