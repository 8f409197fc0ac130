package postgres

import (
	"regexp"
	"slices"
	"strings"
	"sync"

	"github.com/skeindb/skein/engine"
	"github.com/skeindb/skein/engine/revision"
)

// bodyEffects are the possible effects of a body, by its words.
type bodyEffects struct {
	idents   revision.Idents
	harmless bool // leaves nothing in the session, unless any command runs code
	runsCode bool // may run code that users wrote, by its text alone
	cascades bool // reaches what depends on what it names
	reads    bool // evaluates queries, by its words
	loads    bool // may leave what cannot be reset: a library, a custom setting
}

// effectsCache keeps the effects of each section for all tenants, and for a template those of the last rendered text, since
// tenants with the same text share the statements.
type effectsCache struct {
	sections  sync.Map // *revision.Section → *bodyEffects
	templates sync.Map // *revision.Section → renderedEffects
}

type renderedEffects struct {
	first *revision.Statement
	*bodyEffects
}

func (t *effectsCache) of(step engine.Step, statements []revision.Statement) *bodyEffects {
	if step.Stamp {
		return &bodyEffects{harmless: true}
	}
	sec := step.Revision.Section(step.Direction)
	if sec.Options.Template {
		return t.ofTemplate(sec, statements)
	}
	if known, ok := t.sections.Load(sec); ok {
		return known.(*bodyEffects)
	}
	known, _ := t.sections.LoadOrStore(sec, readEffects(statements))
	return known.(*bodyEffects)
}

func (t *effectsCache) ofTemplate(sec *revision.Section, statements []revision.Statement) *bodyEffects {
	if len(statements) == 0 {
		return readEffects(nil)
	}
	if known, ok := t.templates.Load(sec); ok && known.(renderedEffects).first == &statements[0] {
		return known.(renderedEffects).bodyEffects
	}
	read := readEffects(statements)
	t.templates.Store(sec, renderedEffects{&statements[0], read})
	return read
}

// bodies returns a function that returns the body of a step of a work. It is for one goroutine.
func (t *effectsCache) bodies(work *engine.Work) func(engine.Step) body {
	known := map[engine.Step]body{}
	return func(step engine.Step) body {
		b, ok := known[step]
		if !ok {
			b.statements = work.Statements(step)
			b.effects = t.of(step, b.statements)
			known[step] = b
		}
		return b
	}
}

func readEffects(statements []revision.Statement) *bodyEffects {
	texts := make([]string, len(statements))
	t := &bodyEffects{}
	for i, s := range statements {
		texts[i] = s.Text
		t.cascades = t.cascades || cascading(s.Text)
		t.reads = t.reads || slices.Contains([]string{"TABLE", "VALUES"}, firstWord(s.Text))
	}
	t.idents = revision.Identifiers(strings.Join(texts, ";\n"), revision.Postgres)
	t.reads = t.reads || t.hasWord(evaluating...) || t.hasWord("default") && len(t.idents.Calls) > 0
	t.harmless = !slices.ContainsFunc(statements, func(s revision.Statement) bool { return !harmless(s.Text) })
	t.runsCode = runsByText(t, statements)
	t.loads = slices.ContainsFunc(statements, func(s revision.Statement) bool {
		switch firstWord(s.Text) {
		case "LOAD":
			return true
		case "SET":
			return len(revision.Identifiers(s.Text, revision.Postgres).Qualified) > 0
		}
		return t.hasWord("set_config") && placeholderForm.MatchString(s.Text)
	})
	return t
}

// placeholderForm matches a string with the name of a custom setting.
var placeholderForm = regexp.MustCompile(`(?i)'[a-z_][a-z0-9_$]*\.[a-z_]`)

// evaluating are words of commands that run queries, or that rewrite or check a table and so evaluate its generated columns,
// checks and index expressions.
var evaluating = []string{
	"select", "refresh", "type", "check", "validate", "constraint", "generated", "stored", "attach", "index", "reindex", "cluster",
	"unique", "primary", "exclude", "logged", "unlogged", "tablespace", "serial", "bigserial", "smallserial", "identity", "method",
}

func (t *bodyEffects) hasWord(words ...string) bool {
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
