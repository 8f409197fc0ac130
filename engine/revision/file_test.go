package revision

import (
	"fmt"
	"strings"
	"testing"
	"time"

	"github.com/google/go-cmp/cmp"
)

// example is the one of the manual, with every optional key.
const example = `-- revision: 27c6a30d7c24
-- revises: 1975ea83b712
-- depends_on: 3cac04ae8714, billing
-- branch_labels: shop
-- message: add status to users
-- created: 2026-11-23T10:00:00Z

-- upgrade
ALTER TABLE users ADD COLUMN status text;

-- downgrade
ALTER TABLE users DROP COLUMN status;
`

const exampleFile = "sub/27c6a30d7c24_add_status_to_users.sql"

func parseOK(t *testing.T, file, text string, dialect Dialect) *Revision {
	t.Helper()
	r, err := Parse(file, []byte(text), dialect)
	if err != nil {
		t.Fatal(err)
	}
	return r
}

// body parses a file of revision a that has only these sections.
func body(t *testing.T, sections string, dialect Dialect) *Revision {
	t.Helper()
	return parseOK(t, "a_.sql", "-- revision: a\n-- revises: none\n"+sections, dialect)
}

func statementTexts(s *Section) []string {
	var list []string
	for _, st := range s.Statements {
		list = append(list, st.Text)
	}
	return list
}

func TestParseReadsTheWholeFile(t *testing.T) {
	t.Parallel()
	got := parseOK(t, exampleFile, example, Postgres)
	const up, down = "-- upgrade\nALTER TABLE users ADD COLUMN status text;\n\n", "-- downgrade\nALTER TABLE users DROP COLUMN status;\n"
	want := &Revision{
		ID: "27c6a30d7c24", Revises: []string{"1975ea83b712"}, DependsOn: []string{"3cac04ae8714", "billing"},
		Labels: []string{"shop"}, Message: "add status to users", Created: "2026-11-23T10:00:00Z",
		File: exampleFile, Line: 1,
		Upgrade: &Section{
			File: exampleFile, Line: 8, Dialect: Postgres, Raw: up, Checksum: checksum(up),
			Statements: []Statement{{"ALTER TABLE users ADD COLUMN status text", 9, 1}},
		},
		Downgrade: &Section{
			File: exampleFile, Line: 11, Dialect: Postgres, Raw: down, Checksum: checksum(down),
			Statements: []Statement{{"ALTER TABLE users DROP COLUMN status", 12, 1}},
		},
	}
	if diff := cmp.Diff(want, got); diff != "" {
		t.Error(diff)
	}
}

func TestParseToleratesOtherCommentsInTheHeader(t *testing.T) {
	t.Parallel()
	got := parseOK(t, "a_.sql", `-- Copyright: the authors
-- https://example.org/a, see there
--------------------------------
/* created: no key, being in a block comment */
  --   revision:a
-- Author: the people, created by hand
-- revision history: see the wiki
--message:  what it does: a thing
-- revises:	b , c

-- upgrade`, Postgres)
	want := &Revision{ID: "a", Revises: []string{"b", "c"}, Message: "what it does: a thing", File: "a_.sql", Line: 5, Upgrade: got.Upgrade}
	if diff := cmp.Diff(want, got); diff != "" {
		t.Error(diff)
	}
}

func TestSectionsMayComeInEitherOrder(t *testing.T) {
	t.Parallel()
	r := body(t, "-- downgrade\nSELECT 2;\n-- upgrade\nSELECT 1;\n", Postgres)
	if diff := cmp.Diff([]string{"SELECT 1"}, statementTexts(r.Upgrade)); diff != "" {
		t.Error(diff)
	}
	if diff := cmp.Diff([]string{"SELECT 2"}, statementTexts(r.Downgrade)); diff != "" {
		t.Error(diff)
	}
}

func TestMissingDowngradeIsIrreversibleAndEmptyIsAStep(t *testing.T) {
	t.Parallel()
	if r := body(t, "-- upgrade", Postgres); r.Downgrade != nil || r.Upgrade == nil || r.Upgrade.Statements != nil {
		t.Errorf("%+v", r)
	}
	if r := body(t, "-- upgrade\n-- downgrade\n-- nothing to do\n", Postgres); r.Downgrade == nil || r.Downgrade.Statements != nil {
		t.Errorf("%+v", r)
	}
}

func TestMarkersCountOnlyAtColumnOneOutsideQuotes(t *testing.T) {
	t.Parallel()
	tests := []struct {
		name    string
		dialect Dialect
		text    string
	}{
		{"string", Postgres, "SELECT '\n-- downgrade\n';"},
		{"escape string", Postgres, "SELECT E'\\'\n-- downgrade\n';"},
		{"dollar quote", Postgres, "DO $$\n-- downgrade\n$$;"},
		{"block comment", Postgres, "/* /*\n-- downgrade\n*/\n-- downgrade: alone\n*/"},
		{"quoted name", Postgres, "SELECT 1 AS \"\n-- downgrade\n\";"},
		{"other words", Postgres, "-- the downgrade of users\n-- upgrades\n-- down the road\n-- \"upgrade\" is a column\n-- downgraded: no\n-- up_to_date\n-- rollback the balance\n-- undo marks what is taken back"},
		{"block of prose", Postgres, "/* upgrade the plan of old users */ SELECT 1; /* down */ SELECT 2; SELECT 3 /* undo */;"},
		{"brackets", SQLite, "SELECT [\n-- downgrade\n];"},
		{"backticks", SQLite, "SELECT `\n-- downgrade\n`;"},
		{"template comment", Postgres, "{{/*\n-- downgrade\n*/}} SELECT 1;"},
	}
	for _, tt := range tests {
		t.Run(tt.name, func(t *testing.T) {
			t.Parallel()
			marker := "-- upgrade\n"
			if strings.HasPrefix(tt.text, "{{") {
				marker = "-- upgrade: template\n"
			}
			r := body(t, marker+tt.text+"\n", tt.dialect)
			if r.Downgrade != nil {
				t.Errorf("a downgrade section: %q", r.Downgrade.Raw)
			}
			if want := marker + tt.text + "\n"; r.Upgrade.Raw != want {
				t.Errorf("upgrade section %q", r.Upgrade.Raw)
			}
		})
	}
}

func TestMarkersTolerateTrailingSpaceAndTakeOptions(t *testing.T) {
	t.Parallel()
	five, zero := 5*time.Second, time.Duration(0)
	tests := map[string]Options{
		"-- upgrade":                   {},
		"-- upgrade \t":                {},
		"-- upgrade:":                  {},
		"-- upgrade : alone":           {Alone: true},
		"-- upgrade:no-transaction":    {NoTransaction: true},
		"-- upgrade:  own-transaction": {OwnTransaction: true},
		"-- upgrade: lock_timeout = 5s ,statement_timeout=0, concurrency=12": {LockTimeout: &five, StatementTimeout: &zero, Concurrency: 12},
		"-- upgrade: lock_timeout=5000ms, alone, template":                   {LockTimeout: &five, Alone: true, Template: true},
	}
	for marker, want := range tests {
		r := body(t, marker+"\r\nSELECT 1;\n", Postgres)
		if diff := cmp.Diff(want, r.Upgrade.Options); diff != "" {
			t.Errorf("%s:\n%s", marker, diff)
		}
		again := body(t, "-- upgrade: "+want.String()+"\n", Postgres)
		if diff := cmp.Diff(want, again.Upgrade.Options); diff != "" {
			t.Errorf("%s, written as %s:\n%s", marker, want, diff)
		}
	}
}

func TestNotesBelongToTheirSectionAndThoseOfTheHeaderToAll(t *testing.T) {
	t.Parallel()
	r := parseOK(t, "a_.sql", `-- revision: a
-- revises: none
-- skein:ignore drop-column: gone since spring
-- upgrade
-- skein:touches public.plans, billing.*
SELECT 1;
  -- skein:ignore index-not-concurrent: the table is small: 10 rows
SELECT '
-- skein:touches no.note';
-- downgrade
-- skein:touches public.plans
`, Postgres)
	if diff := cmp.Diff([]string{"public.plans", "billing.*"}, r.Upgrade.Touches); diff != "" {
		t.Error(diff)
	}
	wantIgnores := []Ignore{{"drop-column", "gone since spring", 3}, {"index-not-concurrent", "the table is small: 10 rows", 7}}
	if diff := cmp.Diff(wantIgnores, r.Upgrade.Ignores); diff != "" {
		t.Error(diff)
	}
	if diff := cmp.Diff([]string{"public.plans"}, r.Downgrade.Touches); diff != "" {
		t.Error(diff)
	}
	if diff := cmp.Diff(wantIgnores[:1], r.Downgrade.Ignores); diff != "" {
		t.Error(diff)
	}
}

// crlf gives a text Windows' line ends and the mark that its editors like to put in front.
func crlf(text string) string { return "\uFEFF" + strings.ReplaceAll(text, "\n", "\r\n") }

func TestByteOrderMarkAndCRLFChangeNothing(t *testing.T) {
	t.Parallel()
	for _, dialect := range []Dialect{Postgres, SQLite} {
		lf, win := parseOK(t, exampleFile, example, dialect), parseOK(t, exampleFile, crlf(example), dialect)
		if diff := cmp.Diff(lf, win); diff != "" {
			t.Error(diff)
		}
	}
}

func TestStatementsAreKeptByteForByteApartFromLineEnds(t *testing.T) {
	t.Parallel()
	const statement = "INSERT INTO t VALUES ('a\r\nb \t\n', $$\r\n$$ /* c\r */ ,  1)"
	r := body(t, "-- upgrade\r\n"+statement+"  \r\n;", Postgres)
	want := strings.ReplaceAll(statement, "\r\n", "\n")
	if diff := cmp.Diff([]string{want}, statementTexts(r.Upgrade)); diff != "" {
		t.Error(diff)
	}
}

func TestHarmlessStatementsMayStand(t *testing.T) {
	t.Parallel()
	tests := map[Dialect]string{
		Postgres: `-- upgrade
CREATE FUNCTION f() RETURNS void LANGUAGE plpgsql AS $$ BEGIN COMMIT; SET x = 1; RESET ALL; END $$;
DO $$ BEGIN ROLLBACK; END $$;
CREATE TABLE begin (commit int); CREATE TABLE "set" ("end" int); ALTER TABLE begin RENAME commit TO rollback;
CREATE INDEX concurrently_i ON t (a); DROP INDEX "concurrently"; ALTER TABLE t DETACH PARTITION p; ALTER TABLE t DETACH PARTITION p FINALIZE;
REINDEX TABLE t; REINDEX (CONCURRENTLY off) INDEX i; CLUSTER t; CLUSTER VERBOSE t; REFRESH MATERIALIZED VIEW CONCURRENTLY m;
UPDATE t SET a = 1; ALTER DATABASE d SET x = 1; ALTER ROLE r SET search_path = a; PREPARE p AS SELECT 1;
SAVEPOINT a; ROLLBACK TO a; ROLLBACK TRANSACTION TO SAVEPOINT a; RELEASE SAVEPOINT a;
SET LOCAL lock_timeout = '1s'; SET CONSTRAINTS ALL IMMEDIATE; COPY t FROM '/tmp/x'; PRAGMA foreign_keys;
-- downgrade: no-transaction
VACUUM t; CREATE INDEX CONCURRENTLY i ON t (a); DROP INDEX CONCURRENTLY i; REINDEX TABLE CONCURRENTLY t;`,
		SQLite: `-- upgrade
PRAGMA user_version = 3; PRAGMA foreign_key_check; PRAGMA legacy_alter_table = ON; SAVEPOINT a; ROLLBACK TO a; RELEASE a;
CREATE TRIGGER x AFTER INSERT ON t BEGIN SELECT 1; END;
-- downgrade: no-transaction
PRAGMA foreign_keys = OFF; VACUUM;`,
	}
	for dialect, text := range tests {
		if _, err := Parse("a_.sql", []byte("-- revision: a\n-- revises: none\n"+text), dialect); err != nil {
			t.Errorf("%s: %v", dialect, err)
		}
	}
}

func TestManyMistakesAreCutShort(t *testing.T) {
	t.Parallel()
	_, err := Parse("a_.sql", []byte("-- revision: a\n-- revises: none\n-- upgrade\n"+strings.Repeat("COMMIT;\n", 200_000)), Postgres)
	if n := len(fileErrors(t, err)); n != maxErrors {
		t.Errorf("%d errors", n)
	}
}

func TestChecksumIsOfTheUpgradeSection(t *testing.T) {
	t.Parallel()
	want := parseOK(t, exampleFile, example, Postgres).Checksum()
	// printf -- '-- upgrade\nALTER TABLE users ADD COLUMN status text;' | sha256sum
	if want != "ef41d6f6883a8b5561ef2b078e530a62acf9800a0de99b2593f7dace2556445d" {
		t.Errorf("checksum %s", want)
	}
	up, down, _ := strings.Cut(example, "-- downgrade")
	header, up, _ := strings.Cut(up, "-- upgrade")
	same := map[string]string{
		"CRLF and mark":         crlf(example),
		"another message":       strings.Replace(example, "add status", "give a status", 1),
		"another downgrade":     example + "SELECT 1;\n",
		"no downgrade":          header + "-- upgrade" + up,
		"no blank line behind":  header + "-- upgrade" + strings.TrimRight(up, "\n"),
		"another order":         header + "-- downgrade" + down + "\n-- upgrade" + up,
		"options of the run":    strings.Replace(example, "-- upgrade\n", "-- upgrade: own-transaction, alone, lock_timeout=1s, statement_timeout=0, concurrency=3\n", 1),
		"isolation":             strings.Replace(example, "-- upgrade\n", "-- upgrade: isolation=serializable\n", 1),
		"other trailing spaces": header + "-- upgrade" + up + " \n\t\n-- downgrade",
	}
	for name, text := range same {
		if got := parseOK(t, exampleFile, text, Postgres).Checksum(); got != want {
			t.Errorf("%s changed the checksum", name)
		}
	}
	for _, change := range []string{"-- upgrade: no-transaction\n", "-- upgrade: template\n", "-- upgrade\n\n", "-- upgrade\n-- why\n", "-- upgrade\n "} {
		text := strings.Replace(example, "-- upgrade\n", change, 1)
		if got := parseOK(t, exampleFile, text, Postgres).Checksum(); got == want {
			t.Errorf("%q did not change the checksum", change)
		}
	}
	inMemory := &Revision{ID: "a", Upgrade: &Section{Raw: "-- upgrade" + up}}
	if got := inMemory.Checksum(); got != want {
		t.Errorf("in memory %s, in a file %s", got, want)
	}
}

func ExampleParse() {
	r, err := Parse("27c6a30d7c24_add_status_to_users.sql", []byte(example), Postgres)
	if err != nil {
		fmt.Println(err)
		return
	}
	fmt.Println(r.ID, "revises", r.Revises)
	for _, s := range r.Upgrade.Statements {
		fmt.Printf("%d:%d %s\n", s.Line, s.Col, s.Text)
	}
	// Output:
	// 27c6a30d7c24 revises [1975ea83b712]
	// 9:1 ALTER TABLE users ADD COLUMN status text
}
