package enginetest

import (
	"context"
	"fmt"
	"testing"
	"time"

	"github.com/google/go-cmp/cmp"
	"github.com/google/go-cmp/cmp/cmpopts"

	"github.com/skeindb/skein/engine"
)

var queries = []promise{
	{"each tenant answers for itself, in order", askEach},
	{"an answer is the first value, NULL or not, and the number of rows", askValues},
	{"the error of one tenant leaves the others' answers alone", askIsolated},
	{"a query cannot write", askReadOnly},
	{"a query that is not one statement is refused for all", askRefused},
	{"a canceled query is canceled for each tenant", askCanceled},
	{"a query ends with its context", askSlow},
	{"a query of no tenants has no answers", askNone},
	{"the size of a tenant grows with its rows", sizesGrow},
	{"the size of a tenant that does not exist is unknown", sizesMissing},
}

// users makes tenants of which the n-th has n users.
func users(t *testing.T, w world, n int) []engine.Location {
	t.Helper()
	locations := make([]engine.Location, n)
	for i := range locations {
		locations[i] = w.d.New(t)
		w.run(t, w.job(t, locations[i]), "a1")
		for k := range i {
			w.d.Exec(t, locations[i], fmt.Sprintf("INSERT INTO users (id, name) VALUES (%d, 'user %d')", k, k))
		}
	}
	return locations
}

func askEach(t *testing.T, d Dialect) {
	w := open(t, d, engine.Config{}, createUsers)
	locations := users(t, w, 4)
	locations[1], locations[2] = locations[2], locations[1]
	want := []engine.QueryResult{{Text: "0", Rows: 1}, {Text: "2", Rows: 1}, {Text: "1", Rows: 1}, {Text: "3", Rows: 1}}
	if diff := cmp.Diff(want, w.QueryEach(t.Context(), locations, "SELECT count(*) FROM users -- all of them")); diff != "" {
		t.Errorf("replies (-want +got):\n%s", diff)
	}
}

func askValues(t *testing.T, d Dialect) {
	w := open(t, d, engine.Config{}, createUsers)
	tenant := users(t, w, 4)[3]
	for query, want := range map[string]engine.QueryResult{
		"SELECT name, id FROM users ORDER BY id": {Text: "user 0", Rows: 3},
		"SELECT name FROM users WHERE id < 0":    {Null: true},
		"SELECT NULL UNION ALL SELECT NULL":      {Null: true, Rows: 2},
		"SELECT ''":                              {Rows: 1},
		"SELECT 'é; ''x'''":                      {Text: "é; 'x'", Rows: 1},
		"VALUES (-7, 8)":                         {Text: "-7", Rows: 1},
		"SELECT 0.5":                             {Text: "0.5", Rows: 1},
		"WITH x AS (SELECT max(id) AS m FROM users) SELECT m FROM x;":                    {Text: "2", Rows: 1},
		"SELECT a.id FROM users a, users b, users c, users d, users e, users f, users g": {Text: "0", Rows: engine.MaxRows},
	} {
		got := w.QueryEach(t.Context(), []engine.Location{tenant}, query)
		if len(got) != 1 || got[0].Text != want.Text && want.Rows < engine.MaxRows || got[0].Null != want.Null || got[0].Rows != want.Rows || got[0].Err != nil {
			t.Errorf("%s: %+v, want %+v", query, got, want)
		}
	}
}

func askIsolated(t *testing.T, d Dialect) {
	w := open(t, d, engine.Config{}, createUsers)
	locations := append(users(t, w, 3), d.New(t), d.New(t), d.New(t))
	d.Drop(t, locations[4])
	w.run(t, w.job(t, locations[5]), "a1")
	got := w.QueryEach(t.Context(), locations, "SELECT count(*) FROM users")
	want := []engine.QueryResult{{Text: "0", Rows: 1}, {Text: "1", Rows: 1}, {Text: "2", Rows: 1}, {}, {}, {Text: "0", Rows: 1}}
	if diff := cmp.Diff(want, got, cmpopts.IgnoreFields(engine.QueryResult{}, "Err")); diff != "" {
		t.Errorf("replies (-want +got):\n%s", diff)
	}
	for i, class := range []engine.Class{"", "", "", engine.Revision, engine.Gone, ""} {
		if class == "" && got[i].Err != nil || class != "" && asError(t, got[i].Err).Class != class {
			t.Errorf("tenant %d: %v, want %q", i, got[i].Err, class)
		}
	}
}

func askReadOnly(t *testing.T, d Dialect) {
	w := open(t, d, engine.Config{}, createUsers)
	locations := users(t, w, 2)
	before := d.Dump(t, locations[1])
	for _, query := range []string{
		"INSERT INTO users (id, name) VALUES (9, 'Eve')",
		"DELETE FROM users",
		"CREATE TABLE notes (id integer)",
		"WITH x AS (SELECT 1) INSERT INTO users (id, name) SELECT 9, 'Eve' FROM x",
		"PRAGMA user_version = 7",
	} {
		for i, r := range w.QueryEach(t.Context(), locations, query) {
			if e := asError(t, r.Err); e.Class != engine.Revision {
				t.Errorf("%s of tenant %d: class %s: %v", query, i, e.Class, e)
			}
		}
	}
	if diff := cmp.Diff(before, d.Dump(t, locations[1])); diff != "" {
		t.Errorf("a query changed the tenant (-before +after):\n%s", diff)
	}
	w.run(t, w.down(t, locations[1]), "a1") // and leaves no connection that cannot write
}

func askRefused(t *testing.T, d Dialect) {
	w := open(t, d, engine.Config{}, createUsers)
	locations := []engine.Location{d.New(t), d.New(t)}
	for _, query := range []string{"", ";", "SELECT 1; SELECT 2", "COMMIT", "SELECT 'x", "SELECT FROM WHERE"} {
		for i, r := range w.QueryEach(t.Context(), locations, query) {
			if e := asError(t, r.Err); e.Class != engine.Revision || e.Message == "" {
				t.Errorf("%q of tenant %d: class %s: %v", query, i, e.Class, e)
			}
		}
	}
}

func askCanceled(t *testing.T, d Dialect) {
	w := open(t, d, engine.Config{}, createUsers)
	ctx, cancel := context.WithCancel(t.Context())
	cancel()
	for i, r := range w.QueryEach(ctx, []engine.Location{d.New(t), d.New(t)}, "SELECT 1") {
		if e := asError(t, r.Err); e.Class != engine.Canceled {
			t.Errorf("tenant %d: class %s: %v", i, e.Class, e)
		}
	}
}

func askSlow(t *testing.T, d Dialect) {
	w := open(t, d, engine.Config{}, createUsers)
	locations := []engine.Location{d.New(t), d.New(t), d.New(t)}
	ctx, cancel := context.WithTimeout(t.Context(), 300*time.Millisecond)
	defer cancel()
	for i, r := range w.QueryEach(ctx, locations, d.Slow) {
		if e := asError(t, r.Err); e.Class != engine.Canceled {
			t.Errorf("tenant %d: class %s: %v", i, e.Class, e)
		}
	}
	if r := w.QueryEach(t.Context(), locations, "SELECT 1")[2]; r.Text != "1" {
		t.Errorf("afterwards: %+v", r)
	}
}

func askNone(t *testing.T, d Dialect) {
	w := open(t, d, engine.Config{}, createUsers)
	if got := w.QueryEach(t.Context(), nil, "SELECT 1"); len(got) != 0 {
		t.Errorf("replies of no tenants: %v", got)
	}
	if got := w.Sizes(t.Context(), nil); len(got) != 0 {
		t.Errorf("sizes of no tenants: %v", got)
	}
}

func sizesGrow(t *testing.T, d Dialect) {
	w := open(t, d, engine.Config{}, createUsers)
	locations := []engine.Location{d.New(t), d.New(t), d.New(t)}
	if got := w.Sizes(t.Context(), locations); got[1] < 0 || got[1] > 1<<20 {
		t.Errorf("empty tenants have %v bytes", got)
	}
	for _, location := range locations {
		w.run(t, w.job(t, location), "a1")
	}
	before := w.Sizes(t.Context(), locations)
	d.Exec(t, locations[1], `WITH RECURSIVE n (i) AS (SELECT 1 UNION ALL SELECT i + 1 FROM n WHERE i < 20000)
INSERT INTO users (id, name) SELECT i, 'a name of some length that takes its place' FROM n`)
	after := w.Sizes(t.Context(), locations)
	if after[0] != before[0] || after[2] != before[2] || after[1] < before[1]+500_000 {
		t.Errorf("sizes %v became %v", before, after)
	}
}

func sizesMissing(t *testing.T, d Dialect) {
	w := open(t, d, engine.Config{}, createUsers)
	locations := []engine.Location{d.New(t), d.New(t), d.New(t)}
	d.Drop(t, locations[1])
	if got := w.Sizes(t.Context(), locations); got[0] < 0 || got[1] != -1 || got[2] < 0 {
		t.Errorf("sizes %v", got)
	}
}
