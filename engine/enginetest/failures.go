package enginetest

import (
	"context"
	"strings"
	"testing"
	"time"

	"github.com/skeindb/skein/engine"
)

var failures = []promise{
	{"rows that forbid a change are a data error with its place", dataError},
	{"bad SQL is an error of the revision with its place", syntaxError},
	{"a failure in a downgrade names its place", downgradeError},
	{"in mode tenant a failure leaves nothing", modeTenant},
	{"in mode revision a failure leaves what came before", modeRevision},
	{"an own-transaction revision commits what came before a failure", ownTransaction},
	{"a corrected tenant is upgraded from where it stopped", repaired},
	{"a statement that takes too long is interrupted", statementTimeout},
	{"a canceled upgrade leaves nothing, and the lock free", canceled},
	{"a tenant dropped after the survey is gone and is not created again", dropped},
}

// uniqueNames fails for a tenant in which two users have one name.
var uniqueNames = rev{
	id: "u1", revises: "a1",
	up:   "CREATE TABLE notes (id integer);\n\nCREATE UNIQUE INDEX users_name ON users (name);",
	down: "DROP INDEX users_name;\nDROP TABLE notes;",
}

// nonsense fails everywhere, in its third line.
var nonsense = rev{id: "x1", revises: "b2", up: "CREATE TABLE notes (id integer);\n-- not this:\nCREATE TABEL notes (id integer);"}

// twins makes a tenant in which two users have one name.
func twins(t *testing.T, w world) engine.Location {
	t.Helper()
	tenant := w.d.New(t)
	w.with(t, engine.Config{}, createUsers).run(t, w.with(t, engine.Config{}, createUsers).job(t, tenant), "a1")
	w.d.Exec(t, tenant, "INSERT INTO users (id, name) VALUES (1, 'Ada'), (2, 'Ada')")
	return tenant
}

func dataError(t *testing.T, d Dialect) {
	w := open(t, d, engine.Config{}, createUsers, uniqueNames)
	tenant := twins(t, w)
	e := w.fail(t.Context(), t, w.job(t, tenant),
		engine.Error{Class: engine.Data, Revision: "u1", File: "u1_test.sql", Line: bodyLine + 2})
	if !strings.HasPrefix(e.Statement, "CREATE UNIQUE INDEX") || e.SQLState == "" || e.Col != 1 {
		t.Errorf("statement %q, state %q, column %d", e.Statement, e.SQLState, e.Col)
	}
	w.stand(t, tenant, engine.Behind, "a1")
	w.lacks(t, tenant, "notes")
}

func syntaxError(t *testing.T, d Dialect) {
	w, tenant := open(t, d, engine.Config{}, createUsers, addEmail, nonsense), d.New(t)
	e := w.fail(t.Context(), t, w.job(t, tenant),
		engine.Error{Class: engine.Revision, Revision: "x1", File: "x1_test.sql", Line: bodyLine + 2})
	if e.Statement != "CREATE TABEL notes (id integer)" {
		t.Errorf("statement %q", e.Statement)
	}
}

func downgradeError(t *testing.T, d Dialect) {
	oneWay := rev{id: "a1", revises: "none", up: "CREATE TABLE users (id integer);", down: "DROP TABLE users;\nDROP TABLE nobody;"}
	w, tenant := open(t, d, engine.Config{}, oneWay), d.New(t)
	w.run(t, w.job(t, tenant), "a1")
	w.fail(t.Context(), t, w.down(t, tenant),
		engine.Error{Class: engine.Revision, Revision: "a1", File: "a1_test.sql", Line: bodyLine + 4})
	w.stand(t, tenant, engine.Current, "a1")
	w.has(t, tenant, "SELECT id FROM users")
}

func modeTenant(t *testing.T, d Dialect) {
	w, tenant := open(t, d, engine.Config{}, createUsers, addEmail, nonsense), d.New(t)
	w.fail(t.Context(), t, w.job(t, tenant),
		engine.Error{Class: engine.Revision, Revision: "x1", File: "x1_test.sql", Line: bodyLine + 2})
	w.stand(t, tenant, engine.Empty)
	w.lacks(t, tenant, "users")
}

func modeRevision(t *testing.T, d Dialect) {
	w, tenant := open(t, d, engine.Config{Mode: engine.PerRevision}, createUsers, addEmail, nonsense), d.New(t)
	w.fail(t.Context(), t, w.job(t, tenant),
		engine.Error{Class: engine.Revision, Revision: "x1", File: "x1_test.sql", Line: bodyLine + 2}, "a1", "b2")
	w.stand(t, tenant, engine.Behind, "b2")
	w.lacks(t, tenant, "notes")
}

func ownTransaction(t *testing.T, d Dialect) {
	own := addEmail
	own.options = "own-transaction"
	w, tenant := open(t, d, engine.Config{}, createUsers, own, nonsense), d.New(t)
	w.fail(t.Context(), t, w.job(t, tenant),
		engine.Error{Class: engine.Revision, Revision: "x1", File: "x1_test.sql", Line: bodyLine + 2}, "a1", "b2")
	w.stand(t, tenant, engine.Behind, "b2")
}

func repaired(t *testing.T, d Dialect) {
	w := open(t, d, engine.Config{}, createUsers, uniqueNames)
	tenant := twins(t, w)
	job := w.job(t, tenant)
	w.fail(t.Context(), t, job, engine.Error{Class: engine.Data, Revision: "u1", File: "u1_test.sql", Line: bodyLine + 2})
	d.Exec(t, tenant, "DELETE FROM users WHERE id = 2")
	w.run(t, job, "u1")
	w.stand(t, tenant, engine.Current, "u1")
}

func statementTimeout(t *testing.T, d Dialect) {
	slow := rev{id: "s1", revises: "a1", up: "CREATE TABLE notes (id integer);\n" + d.Slow + ";"}
	w, tenant := open(t, d, engine.Config{StatementTimeout: 200 * time.Millisecond}, createUsers, slow), d.New(t)
	w.fail(t.Context(), t, w.job(t, tenant),
		engine.Error{Class: engine.Timeout, Revision: "s1", File: "s1_test.sql", Line: bodyLine + 1})
	w.stand(t, tenant, engine.Empty)

	slow.options = "statement_timeout=100ms" // in place of the engine's
	w = w.with(t, engine.Config{}, createUsers, slow)
	w.fail(t.Context(), t, w.job(t, tenant),
		engine.Error{Class: engine.Timeout, Revision: "s1", File: "s1_test.sql", Line: bodyLine + 1})
	w.lacks(t, tenant, "users")
}

func canceled(t *testing.T, d Dialect) {
	slow := rev{id: "s1", revises: "a1", up: "CREATE TABLE notes (id integer);\n" + d.Slow + ";"}
	w, tenant := open(t, d, engine.Config{}, createUsers, slow), d.New(t)
	ctx, cancel := context.WithTimeout(t.Context(), 300*time.Millisecond)
	defer cancel()
	result, err := w.Apply(ctx, w.job(t, tenant))
	if e := asError(t, err); e.Class != engine.Canceled || len(result.Done) > 0 {
		t.Errorf("done are %v, error %s: %v", result.Done, e.Class, e)
	}
	w.stand(t, tenant, engine.Empty)
	w = w.with(t, engine.Config{}, chain...)
	w.run(t, w.job(t, tenant), "a1", "b2", "c3")
}

func dropped(t *testing.T, d Dialect) {
	w, tenant := open(t, d, engine.Config{}, chain...), d.New(t)
	job := w.job(t, tenant)
	d.Drop(t, tenant)
	w.fail(t.Context(), t, job, engine.Error{Class: engine.Gone})
	w.stand(t, tenant, engine.Missing)
}
