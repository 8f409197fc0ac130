package revision

import (
	"errors"
	"strings"
	"testing"

	"github.com/google/go-cmp/cmp"
)

// texts splits and returns the statements' texts.
func texts(t *testing.T, sql string, dialect Dialect) []string {
	t.Helper()
	statements, err := Split(sql, dialect, 1)
	if err != nil {
		t.Fatalf("%q: %v", sql, err)
	}
	got := []string{}
	for _, s := range statements {
		got = append(got, s.Text)
	}
	return got
}

// The expectations were compared with what a PostgreSQL 15 server makes of each text as one message.
func TestSplitPostgres(t *testing.T) {
	t.Parallel()
	tests := []struct {
		name string
		sql  string
		want []string
	}{
		{"nothing", "", []string{}},
		{"only comments and semicolons", ";; -- a;\n/* ; */ ;", []string{}},
		{"the last semicolon is optional", "SELECT 1;SELECT 2", []string{"SELECT 1", "SELECT 2"}},
		{"outer comments go, inner ones stay", "/* a */ SELECT /* b */ 1 -- c\n; -- d", []string{"SELECT /* b */ 1"}},
		{"a parenthesis may begin a statement", "(SELECT 1);VALUES (1)", []string{"(SELECT 1)", "VALUES (1)"}},
		{"strings", `SELECT 'a;b', '', 'it''s; fine'; SELECT 2`, []string{`SELECT 'a;b', '', 'it''s; fine'`, "SELECT 2"}},
		{"a backslash is nothing special", `SELECT '\'; SELECT 'b;'`, []string{`SELECT '\'`, `SELECT 'b;'`}},
		{"doubled quotes in escape strings", `SELECT E'it''s;'; SELECT 2`, []string{`SELECT E'it''s;'`, "SELECT 2"}},
		{"escape strings", `SELECT E'a\';', e'\\'; SELECT 2`, []string{`SELECT E'a\';', e'\\'`, "SELECT 2"}},
		{"an escape string goes on after a line end", "SELECT E'a' -- '\n 'b\\';'; SELECT 2", []string{"SELECT E'a' -- '\n 'b\\';'", "SELECT 2"}},
		{"and not on the same line", `SELECT E'a' 'b\'; SELECT 2`, []string{`SELECT E'a' 'b\'`, "SELECT 2"}},
		{"a name that ends in e makes no escape string", `SELECT fee'\'; SELECT 2`, []string{`SELECT fee'\'`, "SELECT 2"}},
		{"other prefixes", `SELECT B'01', x'1f', n'it'';', U&'d\0061t;' UESCAPE '!'; SELECT 2`, []string{`SELECT B'01', x'1f', n'it'';', U&'d\0061t;' UESCAPE '!'`, "SELECT 2"}},
		{"quoted names", `SELECT 1 AS "a;""b", U&"\0061;" FROM t; SELECT 2`, []string{`SELECT 1 AS "a;""b", U&"\0061;" FROM t`, "SELECT 2"}},
		{"dollar quotes", `SELECT $$;'$$, $a$ $$ ; $b$ $a$, $ü_1$;$ü_1$; SELECT 2`, []string{`SELECT $$;'$$, $a$ $$ ; $b$ $a$, $ü_1$;$ü_1$`, "SELECT 2"}},
		{"a tag within a tag", `SELECT $a$ $ab$ $a$; SELECT $a$$$a$`, []string{`SELECT $a$ $ab$ $a$`, `SELECT $a$$$a$`}},
		{"a dollar in a name", `SELECT 1 AS a$$; SELECT 2 AS b$$;`, []string{"SELECT 1 AS a$$", "SELECT 2 AS b$$"}},
		{"parameters", `SELECT $1; SELECT $2 $; SELECT 3`, []string{"SELECT $1", "SELECT $2 $", "SELECT 3"}},
		{"comments nest", "SELECT 1 /* a /* ; */ ' ; */; SELECT 2", []string{"SELECT 1", "SELECT 2"}},
		{"comments within operators", "SELECT @-- ;\n5; SELECT 1 */**/ 2; SELECT 3 -/*;*/- 1", []string{"SELECT @-- ;\n5", "SELECT 1 */**/ 2", "SELECT 3 -/*;*/- 1"}},
		{"a carriage return ends a comment", "SELECT 1 -- a\r; SELECT 2", []string{"SELECT 1", "SELECT 2"}},
		{"rules", "CREATE RULE r AS ON INSERT TO t DO ALSO (SELECT 1; SELECT ';'); SELECT 2", []string{"CREATE RULE r AS ON INSERT TO t DO ALSO (SELECT 1; SELECT ';')", "SELECT 2"}},
		{"a closing parenthesis too many", "SELECT 1); SELECT 2", []string{"SELECT 1)", "SELECT 2"}},
		{
			"atomic bodies",
			"CREATE OR REPLACE FUNCTION begin(begin int) RETURNS int BEGIN ATOMIC; SELECT CASE WHEN a THEN CASE a WHEN 1 THEN 2 END END; SELECT 1 AS end; SELECT 2 end; END; SELECT 3",
			[]string{"CREATE OR REPLACE FUNCTION begin(begin int) RETURNS int BEGIN ATOMIC; SELECT CASE WHEN a THEN CASE a WHEN 1 THEN 2 END END; SELECT 1 AS end; SELECT 2 end; END", "SELECT 3"},
		},
		{"atomic with comments between", "create procedure p() begin/**/atomic/*;*/ CALL q(); end; CALL p()", []string{"create procedure p() begin/**/atomic/*;*/ CALL q(); end", "CALL p()"}},
		{"atomic within atomic", "CREATE FUNCTION f() RETURNS int BEGIN ATOMIC CREATE FUNCTION g() RETURNS int BEGIN ATOMIC SELECT 1; END; END; SELECT 2", []string{"CREATE FUNCTION f() RETURNS int BEGIN ATOMIC CREATE FUNCTION g() RETURNS int BEGIN ATOMIC SELECT 1; END; END", "SELECT 2"}},
		{"BEGIN ATOMIC that opens nothing", "SELECT begin atomic FROM t; CREATE TABLE begin (atomic int); SELECT 2", []string{"SELECT begin atomic FROM t", "CREATE TABLE begin (atomic int)", "SELECT 2"}},
		{"BEGIN ATOMIC as a default", "CREATE FUNCTION f(a text DEFAULT ') BEGIN ATOMIC') RETURNS int RETURN 1; SELECT 2", []string{"CREATE FUNCTION f(a text DEFAULT ') BEGIN ATOMIC') RETURNS int RETURN 1", "SELECT 2"}},
		{"schema elements", "CREATE SCHEMA s CREATE TABLE a (x int) CREATE VIEW v AS SELECT 1; SELECT 2", []string{"CREATE SCHEMA s CREATE TABLE a (x int) CREATE VIEW v AS SELECT 1", "SELECT 2"}},
		{"copy from a file or a query", "COPY t FROM '/stdin'; COPY (SELECT a FROM stdin) TO 'f'", []string{"COPY t FROM '/stdin'", "COPY (SELECT a FROM stdin) TO 'f'"}},
	}
	for _, tt := range tests {
		t.Run(tt.name, func(t *testing.T) {
			t.Parallel()
			if diff := cmp.Diff(tt.want, texts(t, tt.sql, Postgres)); diff != "" {
				t.Errorf("%s\n(-want +got):\n%s", tt.sql, diff)
			}
		})
	}
}

// The expectations were compared with what SQLite 3.40 takes as one statement.
func TestSplitSQLite(t *testing.T) {
	t.Parallel()
	const (
		trigger = "CREATE TRIGGER x AFTER INSERT ON t WHEN CASE WHEN new.a THEN 1 END BEGIN INSERT INTO l VALUES (CASE WHEN 1 THEN 'end;' END); SELECT 1; END"
		named   = "create temporary trigger if not exists begin before delete on t begin /* end; */ delete from l; -- end;\n end"
	)
	tests := []struct {
		name string
		sql  string
		want []string
	}{
		{"quotes", "SELECT 'a\\', 'it''s;', \"a\"\";\", `b``;`, [c';]; SELECT x'00'", []string{"SELECT 'a\\', 'it''s;', \"a\"\";\", `b``;`, [c';]", "SELECT x'00'"}},
		{"comments do not nest", "SELECT 1 /* a /* b */; SELECT 2", []string{"SELECT 1", "SELECT 2"}},
		{"a carriage return does not end a comment", "SELECT 1 -- a\r; SELECT 2\n;SELECT 3", []string{"SELECT 1", "SELECT 3"}},
		{"no dollar quotes", "SELECT $$; SELECT $a$; SELECT 2", []string{"SELECT $$", "SELECT $a$", "SELECT 2"}},
		{"no escape strings", `SELECT e'\'; SELECT 2`, []string{`SELECT e'\'`, "SELECT 2"}},
		{"parentheses hold nothing together", "SELECT (1; SELECT 2", []string{"SELECT (1", "SELECT 2"}},
		{"triggers", trigger + "; SELECT 2", []string{trigger, "SELECT 2"}},
		{"a trigger called begin", named + "; SELECT 2", []string{named, "SELECT 2"}},
		{"BEGIN elsewhere opens nothing", `CREATE TABLE begin(a); SELECT 2`, []string{"CREATE TABLE begin(a)", "SELECT 2"}},
		{"a dot at the beginning of a line", "SELECT t\n.a FROM t", []string{"SELECT t\n.a FROM t"}},
	}
	for _, tt := range tests {
		t.Run(tt.name, func(t *testing.T) {
			t.Parallel()
			if diff := cmp.Diff(tt.want, texts(t, tt.sql, SQLite)); diff != "" {
				t.Errorf("%s\n(-want +got):\n%s", tt.sql, diff)
			}
		})
	}
}

func TestSplitTellsWhereStatementsBegin(t *testing.T) {
	t.Parallel()
	got, err := Split("-- a\n  SELECT 1; /* ü */ SELECT\n'\n';\r\n\tSELECT 3", Postgres, 10)
	if err != nil {
		t.Fatal(err)
	}
	want := []Statement{{"SELECT 1", 11, 3}, {"SELECT\n'\n'", 11, 22}, {"SELECT 3", 14, 2}}
	if diff := cmp.Diff(want, got); diff != "" {
		t.Error(diff)
	}
}

func TestSplitFaultsPointToTheirBeginning(t *testing.T) {
	t.Parallel()
	tests := []struct {
		name    string
		dialect Dialect
		sql     string
		line    int
		col     int
		message string
	}{
		{"string", Postgres, "SELECT 1;\n SELECT 'it''s;\n", 2, 9, "quote ' is never closed"},
		{"escape string", Postgres, `SELECT E'a\'`, 1, 8, "quote ' is never closed"},
		{"escape string that goes on", Postgres, "SELECT E'a'\n'b\\'", 1, 8, "quote ' is never closed"},
		{"quoted name", Postgres, `SELECT "a`, 1, 8, `quote " is never closed`},
		{"dollar quote", Postgres, "DO $a$ $A$", 1, 4, "dollar quote $a$ is never closed"},
		{"comment", Postgres, "SELECT 1 /* /* */", 1, 10, "comment /* is never closed"},
		{"comment of three bytes", SQLite, "/*/", 1, 1, "comment /* is never closed"},
		{"inner atomic body", Postgres, "CREATE FUNCTION f() BEGIN ATOMIC\nCREATE FUNCTION g() BEGIN ATOMIC SELECT 1; SELECT END;", 2, 21, "BEGIN ATOMIC is never closed"},
		{"trigger", SQLite, "CREATE TRIGGER x AFTER INSERT ON t\nBEGIN SELECT 1;", 2, 1, "the trigger's BEGIN is never closed"},
		{"parenthesis", Postgres, "SELECT (1), ((2);", 1, 13, "parenthesis ( is never closed"},
		{"psql", Postgres, "SELECT 1 \\gexec", 1, 10, "a backslash outside quotes: psql commands are no SQL"},
		{"copy in", Postgres, "copy binary s.t (a) from /* */ stdin;\nit's\n\\.", 1, 1, "COPY … FROM STDIN cannot stand in a revision"},
		{"copy out", Postgres, "COPY (SELECT 1) TO STDOUT", 1, 1, "COPY … TO STDOUT cannot stand in a revision"},
		{"sqlite3 shell", SQLite, "SELECT 1;\n.read x", 2, 1, "a command of the sqlite3 shell is no SQL"},
	}
	for _, tt := range tests {
		t.Run(tt.name, func(t *testing.T) {
			t.Parallel()
			statements, err := Split(tt.sql, tt.dialect, 1)
			fe, ok := errors.AsType[*FileError](err)
			if !ok || statements != nil {
				t.Fatalf("statements %v, error %v", statements, err)
			}
			if fe.Line != tt.line || fe.Col != tt.col || fe.Message != tt.message || fe.Kind != KindSyntax {
				t.Errorf("%d:%d %s: %s", fe.Line, fe.Col, fe.Kind, fe.Message)
			}
		})
	}
}

func BenchmarkSplit(b *testing.B) {
	const some = `-- a comment
CREATE TABLE "users" (id bigint GENERATED ALWAYS AS IDENTITY PRIMARY KEY, name text NOT NULL DEFAULT 'it''s');
INSERT INTO users (name) VALUES ('a;b'), ('some longer text that stands for data'), (E'\n');
CREATE FUNCTION f() RETURNS trigger LANGUAGE plpgsql AS $$ BEGIN RETURN NEW; END; $$;
CREATE INDEX /* why */ users_name ON users (lower(name)) WHERE name <> '' AND id > 100;
`
	text := strings.Repeat(some, 10<<20/len(some))
	for _, dialect := range []Dialect{Postgres, SQLite} {
		b.Run(string(dialect), func(b *testing.B) {
			b.SetBytes(int64(len(text)))
			b.ReportAllocs()
			for b.Loop() {
				if _, err := Split(text, dialect, 1); err != nil {
					b.Fatal(err)
				}
			}
		})
	}
	b.Run("parse", func(b *testing.B) {
		file := []byte("-- revision: a\n-- revises: none\n-- upgrade\n" + text)
		b.SetBytes(int64(len(file)))
		for b.Loop() {
			if _, err := Parse("a_.sql", file, Postgres); err != nil {
				b.Fatal(err)
			}
		}
	})
}
