package revision

import (
	"os"
	"path/filepath"
	"strings"
	"testing"
	"unicode/utf8"
)

func dialectOf(sqlite bool) Dialect {
	if sqlite {
		return SQLite
	}
	return Postgres
}

// FuzzSplit: whatever the text, Split does not panic, loses nothing but separators and comments, and finds the
// same statements again in each of them and in all of them together.
func FuzzSplit(f *testing.F) {
	for _, seed := range []string{
		"SELECT 1; -- a\nSELECT 'it''s;' /* ; */", `E'\'' "a""b" U&"x" $$;$$ $a$;$a$ $1`, "CREATE RULE r AS ON INSERT TO t DO (a; b)",
		"CREATE FUNCTION f() BEGIN ATOMIC SELECT CASE WHEN a THEN 1 END; END; x", "CREATE TRIGGER t BEGIN SELECT 1; END; [a] `b`",
		"E'a'\n--x\n'b\\''", "COPY t FROM STDIN;", "\\d x", "/* /* */ */ 1..2 1.5e3",
	} {
		f.Add(seed, false)
		f.Add(seed, true)
	}
	f.Fuzz(func(t *testing.T, text string, sqlite bool) {
		dialect := dialectOf(sqlite)
		Identifiers(text, dialect)
		statements, err := Split(text, dialect, 1)
		if err != nil {
			return
		}
		var alone []string
		at := 0
		for _, s := range statements {
			start := offset(text, s.Line, s.Col)
			if start < at || !strings.HasPrefix(text[start:], s.Text) {
				t.Fatalf("%q is not at %d:%d", s.Text, s.Line, s.Col)
			}
			separator(t, text[at:start], dialect)
			at = start + len(s.Text)
			if again := texts(t, s.Text, dialect); len(again) != 1 || again[0] != s.Text {
				t.Fatalf("%q alone is split into %q", s.Text, again)
			}
			alone = append(alone, s.Text)
		}
		separator(t, text[at:], dialect)
		if again := texts(t, strings.Join(alone, ";\n"), dialect); strings.Join(again, "\x00") != strings.Join(alone, "\x00") {
			t.Fatalf("%q together are split into %q", alone, again)
		}
	})
}

func separator(t *testing.T, text string, dialect Dialect) {
	t.Helper()
	if lost := texts(t, text, dialect); len(lost) > 0 {
		t.Fatalf("lost %q", lost)
	}
}

func offset(text string, line, col int) int {
	at := 0
	for ; line > 1; line-- {
		at += strings.IndexByte(text[at:], '\n') + 1
	}
	return at + col - 1
}

// FuzzParse: whatever the bytes, Parse does not panic, puts every mistake inside the file, and reads the same
// again with Windows' line ends and from what Format makes of it.
func FuzzParse(f *testing.F) {
	f.Add([]byte(example), false)
	f.Add([]byte("-- revision: a\n-- revises: none\n-- upgrade\nCREATE EXTENSION a; DROP TABLE a, public.b; DO $$CREATE EXTENSION b SCHEMA$$; GRANT a ON SCHEMA b, c; ALTER TABLE t RENAME TO U&\"\\00e9\""), false)
	f.Add([]byte("-- revision: a\n-- revises: none\n-- upgrade: template\nDO $a${{ ident .X }}$a$ '{{ raw .X }}' {{ literal .X | printf }}"), false)
	f.Add([]byte("-- revision: a\n-- revises: none\n-- upgrade: template\n{{ if .X }}'{{ end }}'\n-- downgrade: lock_timeout=1s\n"), true)
	for _, dir := range []string{"testdata/bad", "testdata/bad-sqlite"} {
		files, err := filepath.Glob(dir + "/*.sql")
		if err != nil || len(files) == 0 {
			f.Fatalf("%s: %d files, %v", dir, len(files), err)
		}
		for _, file := range files {
			text, err := os.ReadFile(file)
			if err != nil {
				f.Fatal(err)
			}
			f.Add(text, dir != "testdata/bad")
		}
	}
	f.Fuzz(func(t *testing.T, text []byte, sqlite bool) {
		dialect := dialectOf(sqlite)
		_, err := Parse("27c6a30d7c24_.sql", text, dialect)
		lines := strings.Count(string(text), "\n") + 1
		for _, fe := range fileErrors(t, err) {
			if fe.Line < 1 || fe.Line > lines || fe.Col < 0 {
				t.Fatalf("%v, in a text of %d lines", fe, lines)
			}
		}
		revision, _, _ := strings.Cut(strings.TrimPrefix(string(text), "\uFEFF"), "\n")
		id := strings.TrimSpace(strings.TrimPrefix(revision, "-- revision: "))
		r, err := Parse(id+"_.sql", text, dialect)
		if err != nil {
			return
		}
		sameWithCRLF(t, r, string(text), dialect)
		again, err := Parse(r.File, Format(r), dialect)
		if err != nil {
			t.Fatalf("%v\n%s", err, Format(r))
		}
		if again.Checksum() != r.Checksum() || len(again.Upgrade.Statements) != len(r.Upgrade.Statements) || again.Message != r.Message {
			t.Fatalf("%s\nis read as\n%s", Format(r), Format(again))
		}
		for _, f := range Lint(r, schemaFleet) {
			if f.Line < 1 || f.Line > lines {
				t.Fatalf("%+v, in a text of %d lines", f, lines)
			}
		}
		if r.Upgrade.Options.Template {
			if _, err := r.Upgrade.Render(values()); err != nil {
				fileErrors(t, err)
			}
		}
	})
}

func sameWithCRLF(t *testing.T, r *Revision, text string, dialect Dialect) {
	t.Helper()
	if strings.Contains(text, "\r") || strings.Contains(text, "\uFEFF") || !utf8.ValidString(text) {
		return
	}
	win, err := Parse(r.File, []byte(crlf(text)), dialect)
	if err != nil {
		t.Fatal(err)
	}
	if win.Checksum() != r.Checksum() || len(win.Upgrade.Statements) != len(r.Upgrade.Statements) {
		t.Fatalf("CRLF makes a difference: %d and %d statements", len(win.Upgrade.Statements), len(r.Upgrade.Statements))
	}
}
