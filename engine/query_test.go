package engine

import (
	"errors"
	"strings"
	"testing"

	"github.com/google/go-cmp/cmp"

	"github.com/skeindb/skein/engine/revision"
)

func TestQuestions(t *testing.T) {
	t.Parallel()
	for query, want := range map[string]string{
		"SELECT 1":                             "SELECT 1",
		"  -- how many\n select ';' -- ;\n ; ": "select ';'",
		"(SELECT 1) UNION (SELECT 2);":         "(SELECT 1) UNION (SELECT 2)",
		"with x as (select 1) select * from x": "with x as (select 1) select * from x",
		"VALUES(1)":                            "VALUES(1)",
		"table orders":                         "table orders",
		"SHOW work_mem":                        "SHOW work_mem",
		"EXPLAIN SELECT 1":                     "EXPLAIN SELECT 1",
	} {
		got, err := ReadOnlyQuery(query, revision.Postgres)
		if err != nil || got != want {
			t.Errorf("%q: %q, %v", query, got, err)
		}
	}
	for query, message := range map[string]string{
		"":                       "the query is empty",
		" ; -- nothing":          "the query is empty",
		"SELECT 1; SELECT 2":     "the query has 2 statements, and has to be one",
		"SELECT 1; COMMIT; END":  "the query has 3 statements, and has to be one",
		"DELETE FROM orders":     `the query begins with "DELETE", and a query only reads`,
		"copy x to program 'rm'": `the query begins with "COPY", and a query only reads`,
		"selection":              `the query begins with "SELECTION", and a query only reads`,
		"call":                   `the query begins with "CALL", and a query only reads`,
		"SELECT 'a\x00b'":        "the query has a NUL byte",
		"SELECT 'it never ends":  "the query cannot be read: ",
	} {
		text, err := ReadOnlyQuery(query, revision.Postgres)
		e, ok := errors.AsType[*Error](err)
		if !ok || e.Class != Revision || text != "" || len(e.Message) < len(message) || e.Message[:len(message)] != message {
			t.Errorf("%q: %q, %v", query, text, err)
		}
	}
}

// TestQuestionsThatWrite are refused by their text, before any tenant is asked.
func TestQuestionsThatWrite(t *testing.T) {
	t.Parallel()
	for query, what := range map[string]string{
		"WITH x AS (INSERT INTO t VALUES (1) RETURNING a) SELECT count(*) FROM x":          "INSERT",
		"with x as materialized (select 1), y AS NOT MATERIALIZED (delete from t) TABLE y": "DELETE",
		"WITH x (a) AS (SELECT 1) /* then */ UPDATE t SET a = 1":                           "UPDATE",
		"WITH x AS (VALUES (1)) MERGE INTO t USING x ON true WHEN MATCHED THEN DELETE":     "MERGE",
		"SELECT a INTO b FROM t":                             "SELECT INTO",
		"SELECT a FROM t FOR UPDATE":                         "FOR UPDATE",
		"SELECT (SELECT a FROM t LIMIT 1 FOR NO KEY UPDATE)": "FOR NO KEY UPDATE",
		"SELECT a FROM t FOR KEY SHARE NOWAIT":               "FOR KEY SHARE",
		"SELECT nextval ('s')":                               "nextval()",
		"SELECT pg_catalog.setval('s', 1)":                   "setval()",
		"EXPLAIN ANALYZE VERBOSE DELETE FROM t":              "DELETE",
		"EXPLAIN (COSTS, ANALYZE) UPDATE t SET a = 1":        "UPDATE",
		"EXPLAIN ANALYZE WITH x AS (DELETE FROM t) SELECT":   "DELETE",
	} {
		_, err := ReadOnlyQuery(query, revision.Postgres)
		if want := "the query has " + what + ", and a query only reads"; err == nil || !strings.HasPrefix(err.Error(), want) {
			t.Errorf("%q: %v, want %s", query, err, want)
		}
	}
	for _, query := range []string{
		`SELECT "insert", update FROM "into" WHERE a = 'FOR UPDATE' -- DELETE`,
		"WITH insert AS (SELECT 1 AS delete), update (merge) AS (SELECT 2) SELECT (delete) update FROM insert",
		"SELECT my.nextval(1), nextval FROM t",
		"SELECT substring('abc' FROM 1 FOR 2)",
		"EXPLAIN DELETE FROM t", "EXPLAIN (ANALYZE OFF) DELETE FROM t", "EXPLAIN (SELECT 1)",
		"SELECT replace(a, 'b', 'c') FROM t",
		"WITH RECURSIVE x AS (SELECT 1 UNION ALL SELECT * FROM x) SELECT * FROM x",
	} {
		if _, err := ReadOnlyQuery(query, revision.Postgres); err != nil {
			t.Errorf("%q: %v", query, err)
		}
	}
	for query, good := range map[string]bool{
		"WITH x AS (SELECT 1) INSERT INTO t SELECT * FROM x":  false,
		"WITH x AS (SELECT 1) REPLACE INTO t SELECT * FROM x": false,
		"SELECT [a] FROM [for update]":                        true,
		"EXPLAIN QUERY PLAN DELETE FROM t":                    true,
		"TABLE t":                                             false, "SHOW x": false, "(SELECT 1)": false,
	} {
		if _, err := ReadOnlyQuery(query, revision.SQLite); (err == nil) != good {
			t.Errorf("SQLite: %q: %v", query, err)
		}
	}
}

func TestQuestionKnowsItsDialect(t *testing.T) {
	t.Parallel()
	const query = "SELECT [a;b] FROM c"
	if text, err := ReadOnlyQuery(query, revision.SQLite); err != nil || text != query {
		t.Errorf("%q, %v", text, err)
	}
	if _, err := ReadOnlyQuery(query, revision.Postgres); err == nil {
		t.Error("PostgreSQL has no names in brackets")
	}
}

func TestAskAndSizesAreTheDatabases(t *testing.T) {
	t.Parallel()
	f := newFake(t)
	e := New(f, line(t, "a1"), Config{})
	if diff := cmp.Diff([]QueryResult{{Text: "SELECT 1", Rows: 1}, {Text: "SELECT 1", Rows: 1}}, e.QueryEach(t.Context(), make([]Location, 2), "SELECT 1")); diff != "" {
		t.Error(diff)
	}
	if diff := cmp.Diff([]int64{0, 1}, e.Sizes(t.Context(), make([]Location, 2))); diff != "" {
		t.Error(diff)
	}
	if f.calls() != "ask, sizes" {
		t.Errorf("calls %s", f.calls())
	}
}
