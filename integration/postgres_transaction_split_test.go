package integration_test

import (
	"slices"
	"strings"
	"testing"

	"github.com/google/go-cmp/cmp"

	"github.com/skeindb/skein/engine"
	"github.com/skeindb/skein/engine/postgres"
	"github.com/skeindb/skein/integration/pgtest"
)

// chainsWithBorders are chains of which each revision goes well by itself, and which one transaction cannot run.
var chainsWithBorders = map[string][]string{
	"a new enum value": {
		"CREATE TYPE mood AS ENUM ('ok'); CREATE TABLE m (v mood)",
		"ALTER TYPE mood ADD VALUE 'sad'",
		"INSERT INTO m VALUES ('sad')",
	},
	"two of them, used in an index, a default and a check": {
		"CREATE TYPE mood AS ENUM ('ok'); CREATE TABLE m (id int, v mood)",
		"ALTER TYPE mood ADD VALUE 'sad'",
		"CREATE INDEX m_sad ON m (id) WHERE v = 'sad'",
		"ALTER TYPE mood ADD VALUE IF NOT EXISTS 'glad' AFTER 'ok'",
		"ALTER TABLE m ALTER v SET DEFAULT 'glad', ADD CHECK (v <> 'sad')",
	},
	"in a DO block": {
		"CREATE TYPE mood AS ENUM ('ok'); CREATE TABLE m (v mood)",
		"DO $$ BEGIN ALTER TYPE mood ADD VALUE 'sad'; END $$",
		"UPDATE m SET v = 'sad'; SELECT 'sad'::mood",
	},
	"in a DO block that puts it together": { // nothing of it is in the text
		"CREATE TYPE mood AS ENUM ('ok'); CREATE TABLE m (v mood)",
		"DO $$ BEGIN EXECUTE 'ALTER TYPE mood ADD ' || 'VALUE ''sad'''; END $$",
		"INSERT INTO m VALUES ('sad')",
	},
	"in a function that was there before": {
		"CREATE TYPE mood AS ENUM ('ok'); CREATE TABLE m (v mood); CREATE FUNCTION more() RETURNS void LANGUAGE plpgsql AS $$ BEGIN EXECUTE 'ALTER TYPE mood ADD ' || 'VALUE ''sad'''; END $$",
		"SELECT more()",
		"INSERT INTO m VALUES ('sad')",
	},
	"rows that a deferred constraint is yet to check": {
		"CREATE TABLE a (id int PRIMARY KEY); INSERT INTO a VALUES (1); CREATE TABLE b (a int REFERENCES a DEFERRABLE INITIALLY DEFERRED)",
		"INSERT INTO b VALUES (1)",
		"ALTER TABLE b ADD COLUMN x int",
	},
}

// A revision never goes well for one tenant and fails for another by how far apart they stood.
func TestPostgresLongChainEndsLikeShortOnes(t *testing.T) {
	t.Parallel()
	for name, bodies := range chainsWithBorders {
		t.Run(name, func(t *testing.T) {
			t.Parallel()
			f := newPgFleet(t, postgres.Server{SearchPath: []string{"public"}}, bodies...)
			near, far := f.tenant(t, "near"), f.tenant(t, "far")
			for i := range bodies {
				f.with(t, bodies[:i+1]...).up(t, near)
			}
			job := f.job(t, far)
			result, err := f.Apply(t.Context(), job)
			if err != nil {
				t.Fatal(err)
			}
			if want := firstSteps(len(bodies)); !slices.Equal(result.Done, want) {
				t.Errorf("done are %v, want %v", result.Done, want)
			}
			if diff := cmp.Diff(pgtest.Dump(t, f.url, "near"), strings.ReplaceAll(pgtest.Dump(t, f.url, "far"), "far", "near")); diff != "" {
				t.Errorf("near and far are not the same (-near +far):\n%s", diff)
			}
		})
	}
}

// firstSteps are r1 to rN.
func firstSteps(n int) []string {
	all := []string{"r1", "r2", "r3", "r4", "r5", "r6"}
	return all[:n]
}

// From version 17 on, a value may be used at once where the transaction made its type, too: a rehearsal, whose steps share
// one, then tries all of it.
func TestPostgresRehearsalEndsAtABorder(t *testing.T) {
	t.Parallel()
	all := pgtest.Server(t).Major >= 17
	for name, tried := range map[string][]string{
		"a new enum value":                                {"r1", "r2"},
		"in a DO block that puts it together":             {"r1", "r2"},
		"rows that a deferred constraint is yet to check": {"r1", "r2"},
	} {
		t.Run(name, func(t *testing.T) {
			t.Parallel()
			f := newPgFleet(t, postgres.Server{SearchPath: []string{"public"}}, chainsWithBorders[name]...)
			if all && !strings.Contains(name, "deferred") {
				f.tried(t, f.tenant(t, "a"), "r1", "r2", "r3")
				return
			}
			r := f.tried(t, f.tenant(t, "a"), tried...)
			if !slices.Equal(r.Untried, []string{"r3"}) || !strings.Contains(r.Why, "can be tried only once what comes before it is committed") {
				t.Errorf("untried are %v, why %q", r.Untried, r.Why)
			}
		})
	}
}

// What adds a value and uses it fails for every tenant, and the hint says what helps: it is followed.
func TestPostgresEnumValueIsUsedInALaterRevision(t *testing.T) {
	t.Parallel()
	const enum = "CREATE TYPE mood AS ENUM ('ok'); CREATE TABLE m (v mood)"
	f := newPgFleet(t, postgres.Server{SearchPath: []string{"public"}}, enum, "ALTER TYPE mood ADD VALUE 'sad'; INSERT INTO m VALUES ('sad')")
	near, far := f.tenant(t, "near"), f.tenant(t, "far")
	f.with(t, enum).up(t, near)
	for _, target := range []engine.Location{near, far} {
		if e := f.fails(t, target, engine.Revision); !strings.Contains(e.Advice, "use it in a later revision") || e.Revision != "r2" || e.Line != 5 {
			t.Errorf("got %+v\nwant Advice with %q, Revision r2, Line 5", e, "use it in a later revision")
		}
	}
	followed := f.with(t, enum, "ALTER TYPE mood ADD VALUE 'sad'", "INSERT INTO m VALUES ('sad')")
	followed.up(t, near)
	followed.up(t, far)
}

// A body that adds a deferred check of rows and then changes the table is wrong for every tenant.
func TestPostgresPendingTriggerEventsAreTheRevisionsDoing(t *testing.T) {
	t.Parallel()
	const base = "CREATE TABLE a (id int PRIMARY KEY); INSERT INTO a VALUES (1); CREATE TABLE b (a int REFERENCES a DEFERRABLE INITIALLY DEFERRED)"
	f := newPgFleet(t, postgres.Server{SearchPath: []string{"public"}}, base)
	target := f.tenant(t, "t")
	f.up(t, target)
	e := f.with(t, base, "INSERT INTO b VALUES (1);\nALTER TABLE b ADD COLUMN x int").fails(t, target, engine.Revision)
	if e.SQLState != "55006" || e.Line != 6 || !strings.Contains(e.Advice, "write SET CONSTRAINTS ALL IMMEDIATE before this statement") {
		t.Errorf("got %+v\nwant SQLState 55006, Line 6, Advice with %q", e, "write SET CONSTRAINTS ALL IMMEDIATE before this statement")
	}
	f.with(t, base, "INSERT INTO b VALUES (1); SET CONSTRAINTS ALL IMMEDIATE; ALTER TABLE b ADD COLUMN x int").up(t, target)

	cursor := "[own-transaction]DECLARE c CURSOR FOR SELECT * FROM b;\nFETCH c;\nALTER TABLE b ADD COLUMN y int"
	bodies := []string{base, "INSERT INTO b VALUES (1); SET CONSTRAINTS ALL IMMEDIATE; ALTER TABLE b ADD COLUMN x int"}
	if e := f.with(t, append(bodies, cursor)...).fails(t, target, engine.Revision); !strings.Contains(e.Advice, "an open cursor (CLOSE it)") {
		t.Errorf("%+v", e)
	}
	f.with(t, append(bodies, strings.Replace(cursor, "FETCH c", "CLOSE c", 1))...).up(t, target)
}
