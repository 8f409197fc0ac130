package revision

import (
	"errors"
	"fmt"
	"strings"
	"testing"
)

// mistakes parses a file of revision a and returns its errors, one a line.
func mistakes(t *testing.T, sections string, dialect Dialect) []*FileError {
	t.Helper()
	_, err := Parse("a_.sql", []byte("-- revision: a\n-- revises: none\n"+sections), dialect)
	return fileErrors(t, err)
}

// The DROP of the way down would run at the end of the way up.
func TestWhatLooksLikeAMarkerIsAMistake(t *testing.T) {
	t.Parallel()
	tests := map[string]string{ // what stands there → what the error says
		"-- downgrade;":                          "word downgrade",
		"-- downgrade.":                          "word downgrade",
		"-- downgrade --":                        "word downgrade",
		"-- downgrade (takes it back)":           "word downgrade",
		"-- downgrade: (takes it back":           "unknown option",
		"--- downgrade":                          "word downgrade",
		"-- Downgrade section":                   "word downgrade",
		"-- DOWNGRADE":                           "word downgrade",
		"--downgrade":                            "word downgrade",
		"  -- downgrade":                         "word downgrade",
		"\t-- downgrade":                         "word downgrade",
		"SELECT 1; -- downgrade":                 "word downgrade",
		"-- downgrade\u00a0":                     "word downgrade",
		"--\u00a0downgrade":                      "word downgrade",
		"--\u2003downgrade":                      "word downgrade",
		"-- \u200bdowngrade":                     "word downgrade",
		"-- down\u200bgrade":                     "word downgrade",
		"-- \ufeffdowngrade":                     "word downgrade",
		"--  downgrade":                          "word downgrade",
		"-- == downgrade ==":                     "word downgrade",
		"-- [downgrade]":                         "word downgrade",
		"-- @downgrade":                          "word downgrade",
		"-- #downgrade":                          "word downgrade",
		"-- — downgrade":                         "word downgrade",
		"-- ｄｏｗｎｇｒａｄｅ":                           "word downgrade",
		"-- upgrade the plan of old users":       "word upgrade",
		"-- upgrade, second part":                "word upgrade",
		"/* downgrade */":                        "word downgrade",
		"/* -- downgrade */":                     "word downgrade",
		"/* Downgrade section */":                "word downgrade",
		"-- down":                                `only "down"`,
		"-- Down:":                               `only "Down"`,
		"-- rollback":                            `only "rollback"`,
		"---- undo ----":                         `only "undo"`,
		"-- revert;":                             `only "revert"`,
		"-- down grade":                          `only "down grade"`,
		"#downgrade":                             "looks like the marker of the downgrade section",
		"# downgrade":                            "looks like the marker of the downgrade section",
		"- downgrade":                            "looks like the marker of the downgrade section",
		"downgrade;":                             "looks like the marker of the downgrade section",
		"\u2014\u2014 downgrade":                 "looks like the marker of the downgrade section",
		"\uff0d\uff0d downgrade":                 "looks like the marker of the downgrade section",
		"// downgrade":                           "looks like the marker of the downgrade section",
		"-- +goose Down":                         "goose",
		"-- +goose Up":                           "goose",
		"--+goose down":                          "goose",
		"  -- +goose StatementBegin":             "goose",
		"-- +goose NO TRANSACTION":               "goose",
		"-- +goose ENVSUB ON":                    "goose",
		"-- migrate:down":                        "dbmate",
		"-- migrate:up transaction:false":        "dbmate",
		"-- migrate: down":                       "dbmate",
		"-- +migrate Down":                       "sql-migrate",
		"-- +migrate StatementBegin":             "sql-migrate",
		"-- +migrate Up notransaction":           "sql-migrate",
		"---- create above / drop below ----":    "tern",
		"-- create above / drop below":           "tern",
		"---- tern: disable-tx ----":             "tern",
		"{{ template \"shared/v1.sql\" . }}":     "template's action",
		"-- flyway:executeInTransaction=false":   "Flyway",
		"--liquibase formatted sql":              "Liquibase",
		"--changeset nvoxland:1":                 "Liquibase",
		"-- changeset nvoxland:2 runOnChange:on": "Liquibase",
		"--rollback DROP TABLE foo;":             "Liquibase",
		"-- rollback drop table foo;":            "Liquibase",
		"--rollback not required":                "Liquibase",
		"-- Down Migration":                      "node-pg-migrate",
		"# --- !Downs":                           "",
		"-- --- !Downs":                          "Play",
		"-- //@UNDO":                             "MyBatis",
		"-- rambler down":                        "rambler",
		"-- atlas:txmode none":                   "Atlas",
		"-- Revert shop:users from pg":           "sqitch",
		"-- depends_on: b":                       "header key depends_on",
		"-- revises: b":                          "header key revises",
	}
	for mark, want := range tests {
		for _, dialect := range []Dialect{Postgres, SQLite} {
			if want == "" {
				continue // the server refuses it
			}
			errs := mistakes(t, "-- upgrade\nCREATE TABLE foo (id integer);\n\n"+mark+"\nDROP TABLE foo;\n", dialect)
			if len(errs) == 0 || errs[0].Line != 6 || !strings.Contains(errs[0].Message, want) || errs[0].Hint() == "" {
				t.Errorf("%s, %q: %v", dialect, mark, errs)
			}
		}
		if strings.HasPrefix(mark, "--") && !strings.HasPrefix(want, "header") && !strings.HasPrefix(want, "unknown") {
			for _, template := range []string{mark + "\n-- upgrade\n", "-- upgrade: template\n" + mark + "\n"} {
				if errs := mistakes(t, template, Postgres); len(errs) == 0 || errs[0].Line < 3 {
					t.Errorf("%q: %v", template, errs)
				}
			}
		}
	}
}

func TestWhatLooksLikeAHeaderKeyIsAMistake(t *testing.T) {
	t.Parallel()
	for line, key := range map[string]string{
		"-- Depends_On: b": "depends_on", "-- depends on: b": "depends_on", "-- depends-on: b": "depends_on", "-- depends_on = b": "depends_on",
		"-- depends_on b, c": "depends_on", "---- depends_on: b": "depends_on", "--\u00a0depends_on: b": "depends_on", "-- depends_on： b": "depends_on",
		"-- branch_labels billing": "branch_labels", "-- Branch Labels: billing": "branch_labels", "-- Message: x": "message", "-- MESSAGE : x": "message",
		"-- Created: today": "created", "-- Revises: b": "revises", "-- revises b": "revises", "-- \u200brevises: b": "revises", "-- Down-Revision: b": "revises",
	} {
		errs := mistakes(t, line+"\n-- upgrade\n", Postgres)
		if len(errs) != 1 || errs[0].Line != 3 || !strings.Contains(errs[0].Message, "header key "+key) {
			t.Errorf("%q: %v", line, errs)
		}
	}
	for _, line := range []string{"-- created by hand", "-- message of the day", "-- it depends on: the weather", "-- http://example.org", "-- revises nothing, in truth but one: a"} {
		if errs := mistakes(t, line+"\n-- upgrade\n", Postgres); len(errs) > 0 {
			t.Errorf("%q: %v", line, errs)
		}
	}
}

func TestFilesOfOtherToolsAreNamed(t *testing.T) {
	t.Parallel()
	for file, want := range map[string]string{
		"000001_users.up.sql": "golang-migrate", "000001_users.down.sql": "golang-migrate", "V1__users.sql": "Flyway", "U1.2__users.sql": "Flyway", "R__view.sql": "Flyway",
	} {
		_, err := Parse(file, []byte("CREATE TABLE users (id int);\n"), Postgres)
		found := false
		for _, fe := range fileErrors(t, err) {
			found = found || strings.Contains(fe.Hint(), want)
		}
		if !found {
			t.Errorf("%s: %v", file, err)
		}
	}
}

func TestSavepointsStayWithinTheirSection(t *testing.T) {
	t.Parallel()
	bad := []string{
		"ROLLBACK TO a", "RELEASE a", "ROLLBACK TO SAVEPOINT a", "RELEASE SAVEPOINT a", "ROLLBACK TRANSACTION TO a",
		"SAVEPOINT a; RELEASE a; ROLLBACK TO a", "SAVEPOINT a; RELEASE a; RELEASE a",
		"SAVEPOINT a; SAVEPOINT b; RELEASE a; ROLLBACK TO b", "SAVEPOINT a; SAVEPOINT b; ROLLBACK TO a; RELEASE b",
		"SAVEPOINT b; SAVEPOINT a; RELEASE b; RELEASE a", `SAVEPOINT a; ROLLBACK TO "b"`,
	}
	good := []string{
		"SAVEPOINT a; ROLLBACK TO a; ROLLBACK TO A; RELEASE a", "SAVEPOINT a; SAVEPOINT a; RELEASE a; ROLLBACK TO a; RELEASE a",
		"SAVEPOINT a; SAVEPOINT b; ROLLBACK TO a; RELEASE a", `SAVEPOINT "a"; RELEASE a`, "SAVEPOINT savepoint; RELEASE savepoint savepoint", "SAVEPOINT a",
	}
	for _, dialect := range []Dialect{Postgres, SQLite} {
		for _, text := range bad {
			if errs := mistakes(t, "-- upgrade\n"+text, dialect); len(errs) != 1 || errs[0].Line != 4 || !strings.Contains(errs[0].Message, "open savepoint") {
				t.Errorf("%s, %s: %v", dialect, text, errs)
			}
		}
		for _, text := range good {
			if errs := mistakes(t, "-- upgrade\n"+text, dialect); len(errs) > 0 {
				t.Errorf("%s, %s: %v", dialect, text, errs)
			}
		}
	}
	if errs := mistakes(t, "-- upgrade\nSAVEPOINT a;\n-- downgrade\nROLLBACK TO a;", Postgres); len(errs) != 1 {
		t.Errorf("from another section: %v", errs)
	}
	if errs := mistakes(t, `-- upgrade`+"\n"+`SAVEPOINT "A"; RELEASE a;`, Postgres); len(errs) != 1 {
		t.Errorf("quoted: %v", errs)
	}
	if errs := mistakes(t, "-- upgrade: no-transaction\nSAVEPOINT a; RELEASE a", Postgres); len(errs) == 0 {
		t.Error("a savepoint outside a transaction")
	}
	if errs := mistakes(t, "-- upgrade: no-transaction\nSAVEPOINT a; RELEASE a", SQLite); len(errs) == 0 {
		t.Error("a savepoint of SQLite outside a transaction")
	}
	_, err := body(t, "-- upgrade: template\nSAVEPOINT a;\n{{ if .X }}ROLLBACK TO b{{ end }}", Postgres).Upgrade.Render(map[string]bool{"X": true})
	if fe, ok := errors.AsType[*FileError](err); !ok || fe.Line != 5 || fe.Col != 12 {
		t.Errorf("in a template: %v", err)
	}
}

func TestBodiesDoNotMoveTheSearchPath(t *testing.T) {
	t.Parallel()
	for _, text := range []string{
		"SELECT pg_catalog.set_config('search_path', '', false)", "SELECT set_config('search_path', 'public', true)", "SELECT 1, set_config(E'Search_Path', x, y) FROM t",
		"SELECT set_config(setting_name => 'search_path', new_value => 'a', is_local => true)", `SELECT "set_config"('search_path'::text, 'a', true)`,
		"INSERT INTO t SELECT set_config($$search_path$$, 'a', false)", "WITH a AS (SELECT set_config ( /* why */ 'search_path', '', false)) SELECT 1",
		"SET LOCAL search_path = public", "SET LOCAL search_path TO a, b", "SET LOCAL SCHEMA 'a'", "SET search_path = a", `SET LOCAL "search_path" = a`, "SET SESSION search_path = a",
		"UPDATE pg_settings SET setting = '' WHERE name = 'search_path'", "UPDATE pg_catalog.pg_settings SET setting = ''", "CREATE TABLE t AS SELECT set_config('search_path', '', false)",
	} {
		if errs := mistakes(t, "-- upgrade\n"+text+";", Postgres); len(errs) != 1 || errs[0].Line != 4 || errs[0].Hint() == "" {
			t.Errorf("%s: %v", text, errs)
		}
	}
	for _, text := range []string{
		"CREATE FUNCTION f() RETURNS text LANGUAGE sql SET search_path = a BEGIN ATOMIC SELECT set_config('search_path', 'a', true); END", "ALTER FUNCTION f() SET search_path = a",
		"SELECT set_config('work_mem', '1MB', true)", "SELECT 'set_config(''search_path'')'", "SELECT current_setting('search_path')", "ALTER ROLE r SET search_path = a",
		"COMMENT ON TABLE t IS 'set_config(search_path)'", "UPDATE settings SET a = 1",
	} {
		if errs := mistakes(t, "-- upgrade\n"+text+";", Postgres); len(errs) > 0 {
			t.Errorf("%s: %v", text, errs)
		}
	}
}

func TestOutputOfPgDumpIsOneMistake(t *testing.T) {
	t.Parallel()
	const plain = "--\n-- PostgreSQL database dump\n--\n\n%s-- Dumped from database version 17.2\n\nSET statement_timeout = 0;\nSET client_encoding = 'UTF8';\n" +
		"SELECT pg_catalog.set_config('search_path', '', false);\nSET row_security = off;\n\n--\n-- Name: users; Type: TABLE; Schema: public; Owner: -\n--\n\nCREATE TABLE public.users (id integer);\n"
	for _, text := range []string{
		"SET statement_timeout = 0;\nSELECT pg_catalog.set_config('search_path', '', false);\nSET row_security = off;\nCREATE TABLE public.users (id int);",
		fmt.Sprintf(plain, ""), fmt.Sprintf(plain, "\\restrict abc\n\n"), "-- PostgreSQL database dump\nCREATE TABLE public.a (a int);\nCOPY public.a (a) FROM stdin;\n1\n\\.\n"} {
		errs := mistakes(t, "-- upgrade\n"+text, Postgres)
		if len(errs) != 1 || !strings.Contains(errs[0].Message, "output of pg_dump") || errs[0].Line < 4 || !strings.Contains(errs[0].Hint(), "--no-owner") {
			t.Errorf("%v", errs)
		}
	}
	if errs := mistakes(t, "-- upgrade\n-- PostgreSQL database dump\nCREATE TABLE users (id integer);\n", Postgres); len(errs) > 0 {
		t.Errorf("a dump that was made fit: %v", errs)
	}
}

func TestPragmasThatDoNothingAreMistakes(t *testing.T) {
	t.Parallel()
	for _, text := range []string{
		"PRAGMA journal_mode = WAL", "PRAGMA main.journal_mode=wal", "pragma Journal_Mode(wal)", "PRAGMA synchronous = 1", "PRAGMA auto_vacuum = 1", "PRAGMA page_size = 8192",
		"PRAGMA encoding = 'UTF-16'", "PRAGMA wal_checkpoint(TRUNCATE)", "PRAGMA wal_checkpoint", "PRAGMA foreign_keys = ON", `PRAGMA "journal_mode" = WAL`, "PRAGMA auto_vacuum = 1; VACUUM",
	} {
		if errs := mistakes(t, "-- upgrade\n"+text, SQLite); len(errs) == 0 || errs[0].Line != 4 || errs[0].Hint() == "" {
			t.Errorf("%s: %v", text, errs)
		}
	}
	for _, text := range []string{"PRAGMA journal_mode", "PRAGMA synchronous", "PRAGMA page_size", "PRAGMA user_version = 3", "PRAGMA secure_delete = 1", "PRAGMA encoding"} {
		if errs := mistakes(t, "-- upgrade\n"+text, SQLite); len(errs) > 0 {
			t.Errorf("%s: %v", text, errs)
		}
	}
	for text, bad := range map[string]bool{
		"PRAGMA journal_mode = WAL": false, "PRAGMA auto_vacuum = 1; VACUUM": false, "PRAGMA auto_vacuum = 1": true, "PRAGMA auto_vacuum = 1; VACUUM INTO 'x'": true, "VACUUM; PRAGMA page_size = 8192": true,
		"PRAGMA encoding = 'UTF-8'": true, "PRAGMA wal_checkpoint": false, "PRAGMA synchronous = 1": false,
	} {
		if errs := mistakes(t, "-- upgrade: no-transaction\n"+text, SQLite); (len(errs) > 0) != bad {
			t.Errorf("no-transaction, %s: %v", text, errs)
		}
	}
}
