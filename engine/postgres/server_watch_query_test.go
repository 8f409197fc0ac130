package postgres

import "testing"

func TestQueriesAreShownWithoutValues(t *testing.T) {
	t.Parallel()
	for query, want := range map[string]string{
		"SELECT * FROM public.queue WHERE id = 42 AND t1.name = 'O''Brien'": "SELECT * FROM public.queue WHERE id = ? AND t1.name = ?",
		"UPDATE \"Users 2\" SET note = E'it\\'s secret', n = -1.5e10":       `UPDATE "Users 2" SET note = E?, n = -?`,
		"DO $x$ it's $y$ 7 $x$; SELECT $1, a$b, $$7":                        "DO ?; SELECT $1, a$b, ?",
		"INSERT INTO t VALUES ('cut off":                                    "INSERT INTO t VALUES (?",
		"SELECT a -- it's\nFROM t WHERE n = 'secret'":                       "SELECT a FROM t WHERE n = ?",
		"/* don't /* it's */ 'x */ SELECT 'secret', b":                      "SELECT ?, b",
		"SELECT a FROM t WHERE n = 'secret' /* cut 'off":                    "SELECT a FROM t WHERE n = ?",
		"SELECT 1 - -2 --":                                   "SELECT ? - -?",
		`SELECT 'C:\', 'secret', b`:                          "SELECT ?",
		`SELECT 'C:\temp', "a""b", e'\\', 'secret', b`:       `SELECT ?, "a""b", e?, ?, b`,
		`SELECT 'it\'s secret', b`:                           "SELECT ?",
		`SELECT namee'\n', U&'\0061', "it's", 'x'`:           `SELECT namee?, U&?, "it's", ?`,
		`SELECT "cut off 'secret'`:                           "SELECT ?",
		"SELECT $a$ it's $b$ 'x' $a$, 'secret', $ß$ ' $ß$ c": "SELECT ?, ?, ? c",
		"SELECT\n\t1":                                        "SELECT ?",
		"":                                                   "",
	} {
		if got := withoutValues(query); got != want {
			t.Errorf("%q: %q, want %q", query, got, want)
		}
	}
}
