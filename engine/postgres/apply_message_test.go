package postgres

import (
	"flag"
	"os"
	"path/filepath"
	"slices"
	"strings"
	"testing"
	"time"

	"github.com/google/go-cmp/cmp"

	"github.com/skeindb/skein/engine"
	"github.com/skeindb/skein/engine/revision"
)

var update = flag.Bool("update", false, "write the golden files")

const schema = `Weird"Name-é`

func section(t *testing.T, text string, o revision.Options) *revision.Section {
	t.Helper()
	statements, err := revision.Split(text, revision.Postgres, 7)
	if err != nil {
		t.Fatal(err)
	}
	return &revision.Section{Line: 6, Raw: "-- upgrade\n" + text, Options: o, Statements: statements}
}

func step(t *testing.T, id, up, down string, o revision.Options, dir revision.Direction) engine.Step {
	t.Helper()
	r := &revision.Revision{ID: id, File: id + "_x.sql", Upgrade: section(t, up, o), Downgrade: section(t, down, o)}
	return engine.Step{Revision: r, Direction: dir}
}

func compose(t *testing.T, work *engine.Work, plain bool, guards ...string) *composer {
	t.Helper()
	var cache effectsCache
	after(work)
	if guards == nil {
		guards = make([]string, len(work.Parts))
	}
	bodies := cache.bodies(work)
	c := &composer{
		leavesState: func(part, step int) bool { return !bodies(work.Parts[part].Steps[step]).effects.harmless }, checksClient: true, triggers: true,
		table: versionTable{"skein_version"}, schema: schema, tail: []string{"ext", schema}, work: work,
		bodies: bodies, lock: lockKey("app", schema, "skein_version"), preset: plain,
	}
	if plain {
		c.compose(guards, nil)
	} else {
		c.compose(guards, preamble(endpoint{checksClient: true}, work.LockTimeout, nil))
	}
	return c
}

// after fills in what is applied after each part.
func after(work *engine.Work) {
	for i := range work.Parts {
		part := &work.Parts[i]
		part.After = slices.Clone(part.Before)
		for _, s := range part.Steps {
			if id := s.Revision.ID; s.Direction == revision.Down {
				part.After = slices.DeleteFunc(part.After, func(have string) bool { return have == id })
			} else {
				part.After = append(part.After, id)
			}
		}
	}
}

func golden(t *testing.T, name, got string) {
	t.Helper()
	path := filepath.Join("testdata", name+".sql")
	if *update {
		if err := os.WriteFile(path, []byte(got+"\n"), 0o644); err != nil {
			t.Fatal(err)
		}
		return
	}
	want, err := os.ReadFile(path)
	if err != nil {
		t.Fatal(err)
	}
	if diff := cmp.Diff(string(want), got+"\n"); diff != "" {
		t.Errorf("%s (-want +got; -update writes it):\n%s", path, diff)
	}
}

func sqlOf(c *composer) string { return strings.Join(c.texts(), "") }

func TestMessages(t *testing.T) {
	t.Parallel()
	patient := 30 * time.Second
	first := step(t, "a1", "CREATE TABLE users (id int);\nCREATE FUNCTION f() RETURNS int LANGUAGE sql AS $a$ SELECT 1; $a$; -- the end", "DROP TABLE users", revision.Options{}, revision.Up)
	second := step(t, "b2", "ALTER TABLE users ADD COLUMN x int -- no semicolon\n", "ALTER TABLE users DROP COLUMN x", revision.Options{LockTimeout: &patient}, revision.Up)
	sets := step(t, "c3", "SET LOCAL ROLE owner; SELECT 1", "SELECT 1", revision.Options{}, revision.Up)
	stamp := first
	stamp.Stamp = true
	down := second
	down.Direction = revision.Down
	mark := engine.SchemaID{SchemaOID: 16400, HasTable: true}
	for name, c := range map[string]struct {
		work  engine.Work
		plain bool
	}{
		"first_connection_first_table": {engine.Work{SchemaID: engine.SchemaID{SchemaOID: 16400}, Parts: []engine.Part{{Steps: []engine.Step{first, second}}}}, false},
		"small":                        {engine.Work{SchemaID: mark, Parts: []engine.Part{{Steps: []engine.Step{second}, Before: []string{"a1"}}}}, true},
		"two_transactions": {engine.Work{SchemaID: engine.SchemaID{SchemaOID: 16400}, Parts: []engine.Part{
			{Steps: []engine.Step{first}}, {Steps: []engine.Step{second}, Before: []string{"a1"}},
		}}, true},
		"downgrade":     {engine.Work{SchemaID: mark, Parts: []engine.Part{{Steps: []engine.Step{down}, Before: []string{"a1", "b2"}}}}, true},
		"stamp":         {engine.Work{SchemaID: mark, Parts: []engine.Part{{Steps: []engine.Step{stamp}}}}, true},
		"sets_settings": {engine.Work{SchemaID: mark, Parts: []engine.Part{{Steps: []engine.Step{sets, second}}}}, true},
	} {
		t.Run(name, func(t *testing.T) {
			t.Parallel()
			c.work.LockTimeout, c.work.Rollout, c.work.Tool = 2*time.Second, "2026-11-23.1", "skein"
			golden(t, name, sqlOf(compose(t, &c.work, c.plain)))
		})
	}
}

func TestMessageOfARehearsal(t *testing.T) {
	t.Parallel()
	work := &engine.Work{
		SchemaID: engine.SchemaID{SchemaOID: 16400}, LockTimeout: 2 * time.Second, Tool: "skein",
		Parts: []engine.Part{
			{Steps: []engine.Step{step(t, "a1", "CREATE TABLE users (id int); SET LOCAL work_mem = 1", "", revision.Options{}, revision.Up)}},
			{Steps: []engine.Step{step(t, "b2", "SELECT 1", "", revision.Options{}, revision.Up)}, Before: []string{"a1"}},
			{Steps: []engine.Step{step(t, "a1", "", "SELECT 2; -- end", revision.Options{}, revision.Down)}, Before: []string{"a1", "b2"}},
		},
	}
	c := compose(t, work, true)
	c.message, c.preset, c.samples = message{}, false, &sampleWriter{now: "SELECT 'look'"}
	c.rehearse([]string{"", "SELECT 'guard'", ""}, true)
	golden(t, "rehearsal", sqlOf(c))
	statements, err := revision.Split(sqlOf(c), revision.Postgres, 1)
	if err != nil {
		t.Fatal(err)
	}
	if len(statements) != len(c.pieces) {
		t.Errorf("%d statements, %d pieces", len(statements), len(c.pieces))
	}
	if strings.Contains(sqlOf(c), "\nCOMMIT") || statements[len(statements)-1].Text != "ROLLBACK" {
		t.Error("it does not end with the one ROLLBACK")
	}
}

func TestMessageFindsThePieceOfAPosition(t *testing.T) {
	t.Parallel()
	work := &engine.Work{Tool: "skein", Parts: []engine.Part{{Steps: []engine.Step{
		step(t, "ä1", "SELECT 'ö'; SELECT 'ü', nonsense", "", revision.Options{}, revision.Up),
	}}}}
	c := compose(t, work, true)
	text := sqlOf(c)
	position := int32(len([]rune(text[:strings.Index(text, "nonsense")])) + 1)
	p, within := c.at(position, "UTF8")
	if p.kind != kindBody || p.n != 1 || within != len("SELECT 'ü', ") {
		t.Errorf("%v at %d", p, within)
	}
	if p, _ := c.at(1, "UTF8"); p.kind != kindSet {
		t.Errorf("the first character is in %v", p)
	}
	if p, _ := c.at(int32(len(text))+10, "UTF8"); p.kind != kindCommit {
		t.Errorf("beyond the end is %v", p)
	}
}

func TestEachStatementOfAMessageIsOnePiece(t *testing.T) {
	t.Parallel()
	body := "CREATE FUNCTION f() RETURNS int LANGUAGE sql BEGIN ATOMIC SELECT 1; SELECT 2; END; /* ; */ SELECT ';', $$;$$ -- ;\n; SELECT \";\""
	work := &engine.Work{Tool: "it's; -- me", Rollout: `back\slash;`, Parts: []engine.Part{
		{Steps: []engine.Step{step(t, "a1", body, "", revision.Options{}, revision.Up), step(t, "b2", body, "", revision.Options{}, revision.Up)}},
		{Steps: []engine.Step{step(t, "c3", body, "SELECT 1", revision.Options{}, revision.Down)}},
	}}
	c := compose(t, work, false, "SELECT 'guard'", "")
	statements, err := revision.Split(sqlOf(c), revision.Postgres, 1)
	if err != nil {
		t.Fatal(err)
	}
	if len(statements) != len(c.pieces) {
		t.Errorf("%d statements, %d pieces", len(statements), len(c.pieces))
	}
}

func TestMarkedReadsOurErrorsInAnyLanguage(t *testing.T) {
	t.Parallel()
	for text, want := range map[string]string{
		`invalid input syntax for type integer: "skein:busy"`:                                 markBusy,
		`ungültige Eingabesyntax für Typ integer: »skein:stale«`:                              markStale,
		"invalid input syntax for type integer: \"skein:guard:public.plans, public.a b\x1e\"": "skein:guard:public.plans, public.a b",
		`invalid input syntax for type integer: "x"`:                                          "",
	} {
		if got := marked(text); got != want {
			t.Errorf("%s: %q, want %q", text, got, want)
		}
	}
}

func TestMillisecondsRoundUp(t *testing.T) {
	t.Parallel()
	for d, want := range map[time.Duration]string{0: "0", time.Nanosecond: "1", time.Second: "1000", 1500 * time.Microsecond: "2"} {
		if got := milliseconds(d); got != want {
			t.Errorf("%v is %s", d, got)
		}
	}
}

func TestRehearsalPlansTheLooksOfALongChainOnce(t *testing.T) {
	t.Parallel()
	part := engine.Part{}
	for range 300 {
		part.Steps = append(part.Steps, step(t, "a1", "CREATE TABLE a (id int); CREATE TABLE b (id int)", "", revision.Options{}, revision.Up))
	}
	c := compose(t, &engine.Work{Tool: "skein", Parts: []engine.Part{part}}, true)
	c.message, c.samples = message{}, newSampleWriter("a")
	c.rehearse([]string{""}, true)
	text := sqlOf(c)
	if n := strings.Count(text, "pg_locks"); n > samplesAlways+5 {
		t.Errorf("%d looks are planned", n)
	}
	if n := strings.Count(text, "EXECUTE "+c.samples.prepared); n != 600-samplesAlways {
		t.Errorf("%d looks are prepared", n)
	}
}
