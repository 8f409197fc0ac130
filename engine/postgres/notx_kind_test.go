package postgres

import "testing"

func TestRecognise(t *testing.T) {
	t.Parallel()
	for text, want := range map[string]noTxStatement{
		"CREATE INDEX CONCURRENTLY a ON users (name)": {createIndex, true, "a", "users", false, false},
		"create /* x /* y */ */ unique -- z\n index concurrently if not exists \"A \"\"b\" ON ONLY s.\"T\" USING gin (x)": {createIndex, true, `"A ""b"`, `s."T"`, true, false},
		"CREATE INDEX CONCURRENTLY ON users (name)":      {createIndex, true, "", "users", false, false},
		"CREATE INDEX a ON users (name)":                 {kind: inTx},
		"CREATE TABLE concurrently (id int)":             {kind: inTx},
		"DROP INDEX CONCURRENTLY IF EXISTS s.a":          {dropIndex, true, "s.a", "", true, false},
		"DROP INDEX a":                                   {kind: inTx},
		"REINDEX TABLE CONCURRENTLY users":               {repeatable, true, "", "", false, false},
		"REINDEX (VERBOSE) INDEX a":                      {kind: repeatable},
		"VACUUM ANALYZE users":                           {kind: repeatable},
		"ALTER TABLE p DETACH PARTITION q CONCURRENTLY":  {kind: opaque, concurrently: true},
		"ALTER TABLE p DETACH PARTITION q":               {kind: inTx},
		"ALTER TYPE s ADD VALUE 'concurrently'":          {kind: inTx},
		"CALL f()":                                       {kind: opaque, commits: true},
		"DO $$ BEGIN UPDATE t SET a = 1; END $$":         {kind: inTx},
		"DO $$ BEGIN UPDATE t SET a = 1; commit; END $$": {kind: opaque, commits: true},
		"UPDATE users SET name = 'x'":                    {kind: inTx},
		"CREATE DATABASE x":                              {kind: opaque},
	} {
		if got := recognise(text); got != want {
			t.Errorf("%s:\n got %+v\nwant %+v", text, got, want)
		}
	}
}
