package integration_test

import (
	"fmt"
	"slices"
	"strings"
	"testing"
	"time"

	"github.com/google/go-cmp/cmp"

	"github.com/skeindb/skein/engine"
	"github.com/skeindb/skein/engine/postgres"
	"github.com/skeindb/skein/engine/revision"
	"github.com/skeindb/skein/integration/pgtest"
)

// TestPostgresReadsTheProgressOfManySections has the journals of 1,000 tenants read, some of which cannot be, by a few messages.
func TestPostgresReadsTheProgressOfManySections(t *testing.T) {
	t.Parallel()
	f := newPgFleet(t, postgres.Server{MaxConnections: 3}, "CREATE TABLE users (id int)", "CREATE TABLE orders (id int)")
	var targets []engine.Location
	var sql strings.Builder
	for i, n := range pgtest.Schemas(t, f.url, "s", 1000) {
		targets = append(targets, pgTarget(f.database, n))
		fmt.Fprintf(&sql, "CREATE TABLE %[1]s.skein_version (revision text PRIMARY KEY, checksum text); INSERT INTO %[1]s.skein_version VALUES ('r1', NULL);\n", n)
		if i == 700 {
			continue
		}
		fmt.Fprintf(&sql, "CREATE TABLE %[1]s.skein_version_steps (revision text, direction text, statement int, sum text, started_at timestamptz, done_at timestamptz);\n", n)
		switch {
		case i == 600: // empty
		case i < 500:
			fmt.Fprintf(&sql, "INSERT INTO %[1]s.skein_version_steps VALUES ('r1', 'down', 1), ('r1', 'down', 2);\n", n)
		default:
			fmt.Fprintf(&sql, "INSERT INTO %[1]s.skein_version_steps VALUES ('r2', 'up', 1);\n", n)
		}
	}
	for part := range slices.Chunk(strings.SplitAfter(sql.String(), "\n"), 200) { // all at once are more locks than the server has room for
		pgtest.Exec(t, f.url, strings.Join(part, ""))
	}
	pgtest.Exec(t, f.url, "DROP TABLE s0900.skein_version_steps", "CREATE TABLE s0900.skein_version_steps (x int)")
	locker := pgtest.Connect(t, f.url)
	if _, err := locker.Exec(t.Context(), "BEGIN; LOCK TABLE s0800.skein_version_steps"); err != nil {
		t.Fatal(err)
	}
	start := time.Now()
	count := map[string]int{}
	standings := f.Survey(t.Context(), targets)
	t.Logf("1,000 journals with a locked and a broken one in %v", time.Since(start))
	for _, s := range standings {
		count[fmt.Sprint(s.State, " ", s.CutOff, " ", s.SchemaID.HasSteps)]++
	}
	want := map[string]int{"unknown [{r1 down}] true": 500, "behind [{r2 up}] true": 496, "behind [] true": 1, "behind [] false": 1, "unreachable [] true": 1, "unknown [] true": 1}
	if diff := cmp.Diff(want, count); diff != "" {
		t.Errorf("standings (-want +got):\n%s", diff)
	}
	for n, says := range map[int]string{799: `"s0800"."skein_version_steps"`, 899: `"s0900"."skein_version_steps"`} {
		if err := standings[n].Err; err == nil || !strings.Contains(err.Error(), says) {
			t.Errorf("%s: the error does not name %s: %v", targets[n], says, err)
		}
	}
}

// TestPostgresVisitSeesWhatWasCutOff where a database is one tenant's.
func TestPostgresVisitSeesWhatWasCutOff(t *testing.T) {
	t.Parallel()
	f := newPgFleet(t, postgres.Server{}, "CREATE TABLE users (id int)")
	target := f.tenant(t, "a")
	f.up(t, target)
	pgtest.Exec(t, f.url, "CREATE TABLE a.skein_version_steps (revision text, direction text, statement int, sum text, started_at timestamptz, done_at timestamptz)",
		"INSERT INTO a.skein_version_steps VALUES ('r1', 'down', 1)")
	s := f.Survey(t.Context(), []engine.Location{target})[0]
	if diff := cmp.Diff([]engine.CutOff{{Revision: "r1", Direction: revision.Down}}, s.CutOff); diff != "" || s.State != engine.Unknown || !s.SchemaID.HasSteps {
		t.Errorf("the tenant is %s, want unknown (-want +got):\n%s", s.State, diff)
	}
}
