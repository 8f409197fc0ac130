package integration_test

import (
	"strings"
	"testing"

	"github.com/skeindb/skein/engine"
	"github.com/skeindb/skein/engine/postgres"
	"github.com/skeindb/skein/integration/pgtest"
)

// TestASharedFunctionIsNotRunWithTheTypesOfAnotherTenant: PL/pgSQL compiles a function once a session, and no reset takes
// that back.
func TestASharedFunctionIsNotRunWithTheTypesOfAnotherTenant(t *testing.T) {
	t.Parallel()
	const body = "CREATE TABLE seen AS SELECT public.first_name() AS name"
	f := newPgFleet(t, postgres.Server{MaxConnections: 1}, body)
	a, b := f.tenant(t, "a"), f.tenant(t, "b")
	pgtest.Exec(t, f.url, `CREATE TABLE a.users (name text, extra text); INSERT INTO a.users VALUES ('ann', 'x');
CREATE TABLE b.users (extra text, name text); INSERT INTO b.users VALUES ('x', 'bob');
SET search_path = a; CREATE FUNCTION public.first_name() RETURNS text LANGUAGE plpgsql AS $$ DECLARE v users%ROWTYPE; BEGIN SELECT * INTO v FROM users; RETURN v.name; END $$`)
	conn := pgtest.Connect(t, f.url)
	var got string
	if _, err := conn.Exec(t.Context(), "BEGIN; SET LOCAL search_path = a; SELECT public.first_name(); RESET ALL; DISCARD TEMP; DISCARD PLANS; COMMIT"); err != nil {
		t.Fatal(err)
	}
	if err := conn.QueryRow(t.Context(), "SELECT public.first_name() FROM (SELECT set_config('search_path', 'b', false) OFFSET 0) s").Scan(&got); err != nil || got != "x" {
		t.Fatalf("the server compiles the function each time (%q, %v): this test proves nothing", got, err)
	}

	f.up(t, a)
	f.up(t, b)
	if got := f.scalar(t, "SELECT (SELECT name FROM a.seen) || ' ' || (SELECT name FROM b.seen)"); got != "ann bob" {
		t.Errorf("the tenants saw %q", got)
	}

	f.db = openPostgres(t, postgres.Server{URL: newTransactionPooler(t, f.url), MaxConnections: 1})
	e := f.with(t, body).fails(t, f.tenant(t, "c"), engine.Revision)
	if !strings.Contains(e.Message, "public.first_name") || !strings.Contains(e.Advice, "direct_url") {
		t.Errorf("behind a pooler: %q, %q", e.Message, e.Advice)
	}
}
