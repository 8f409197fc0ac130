package integration_test

import (
	"fmt"
	"strings"
	"testing"

	"github.com/google/go-cmp/cmp"

	"github.com/skeindb/skein/engine/revision"
	"github.com/skeindb/skein/integration/pgtest"
	"github.com/skeindb/skein/integration/skeintest"
)

// compatibility is the document of `compat --json`.
type compatibility struct {
	Compatible bool
	Min, Max   *string
	Tenants    int
	Counts     map[string]int
	Outside    []struct {
		Tenant string
		Heads  []string
		Why    string
		Error  *string
	}
}

// compat runs it, and writes down what it says: `code counts: outside`.
func compat(t testing.TB, p *skeintest.Project, args ...string) string {
	t.Helper()
	r := p.Run(append([]string{"compat", "--json"}, args...)...)
	if r.Code == 1 {
		message, _ := errorOf(r)
		return "1 " + message
	}
	var doc compatibility
	r.JSON(&doc)
	if doc.Outside == nil || doc.Compatible != (len(doc.Outside) == 0) {
		t.Errorf("compat %v: %s", args, r.Stdout)
	}
	out := []string{}
	sum := 0
	for _, o := range doc.Outside {
		out = append(out, fmt.Sprintf("%s %s %v", o.Tenant, o.Why, o.Heads))
		if (o.Why == "unreadable") != (o.Error != nil) {
			t.Errorf("compat %v: %s is %s, and its error %v", args, o.Tenant, o.Why, o.Error)
		}
	}
	for _, n := range doc.Counts {
		sum += n
	}
	if sum != doc.Tenants {
		t.Errorf("compat %v: %v of %d tenants", args, doc.Counts, doc.Tenants)
	}
	plain := p.Run(append([]string{"compat"}, args...)...)
	if plain.Code != r.Code {
		t.Errorf("compat %v: exit %d, but %d with --json", args, plain.Code, r.Code)
	}
	wantText(t, "compat for people", plain.Stdout, fmt.Sprintf("%d of %d tenant", doc.Counts["in"], doc.Tenants))
	return fmt.Sprintf("%d %d of %d: %s", r.Code, doc.Counts["in"], doc.Tenants, strings.Join(out, ", "))
}

// TestCompatAnswersByItsExitCode asks a mixed fleet on PostgreSQL: at the head, behind, empty, ahead of the graph, not
// there, on a server that is not there.
func TestCompatAnswersByItsExitCode(t *testing.T) {
	t.Parallel()
	url, _ := pgtest.Database(t, pgtest.Server(t))
	pgtest.Exec(t, url, "CREATE SCHEMA a", "CREATE SCHEMA b", "CREATE SCHEMA c", "CREATE SCHEMA d", "CREATE SCHEMA e")
	list := func(ids ...string) string {
		var b strings.Builder
		fmt.Fprintf(&b, "fleet: acme\nservers:\n  main: {url: %q}\n  dead: {url: \"postgres://nobody@127.0.0.1:1/none\"}\ntenants:\n  - list:\n", url)
		for _, id := range ids {
			server := "main"
			if id == "lost" {
				server = "dead"
			}
			fmt.Fprintf(&b, "      - {id: %s, server: %s, schema: %s}\n", id, server, id)
		}
		return b.String()
	}
	p := skeintest.New(t, list("a", "b", "c", "d", "e"), inFiles(steps(3)))
	p.Must(0, "upgrade", "r001", "-t", "id in (b,c,d,e)")
	p.Must(0, "upgrade", "r002", "-t", "id in (c,d,e)")
	p.Must(0, "upgrade", "r003", "-t", "id in (d,e)")
	pgtest.Exec(t, url, "INSERT INTO e.skein_version SELECT 'r999', checksum, applied_at, duration_ms, rollout, tool FROM e.skein_version LIMIT 1")
	check := func(want string, args ...string) {
		t.Helper()
		if diff := cmp.Diff(want, compat(t, p, args...)); diff != "" {
			t.Errorf("compat %v (-want +got):\n%s", args, diff)
		}
	}

	check("0 5 of 5: ", "--min", "base")
	check("4 4 of 5: a below []", "--min", "r001")
	check("4 3 of 5: a below [], b below [r001]", "--min", "r002")
	check("4 4 of 5: e above [r003 r999]", "--max", "heads")
	check("4 3 of 5: d above [r003], e above [r003 r999]", "--max", "r002")
	check("4 1 of 5: a below [], b below [r001], d above [r003], e above [r003 r999]", "--min", "r002", "--max", "r002")
	check("0 2 of 2: ", "--min", "r001", "--max", "r002", "-t", "id in (b,c)")
	check("0 1 of 1: ", "--min", "heads", "--max", "heads", "-t", "id=d")
	check("1 no tenant matches \"id=nobody\"", "--min", "r001", "-t", "id=nobody")
	for _, bad := range [][]string{{}, {"--min", "r009"}, {"--max", "nope"}, {"--min", ""}} {
		if got := compat(t, p, bad...); !strings.HasPrefix(got, "1 ") {
			t.Errorf("compat %v: %s, want exit 1", bad, got)
		}
	}

	// Who cannot be read outweighs who is outside, because their state is not known.
	p.Write("skein.yaml", list("c", "d", "ghost"))
	check("2 2 of 3: ghost unreadable []", "--min", "r002")
	p.Write("skein.yaml", list("c", "d", "lost"))
	check("2 1 of 3: d above [r003], lost unreadable []", "--min", "r001", "--max", "r002")
	p.Write("skein.yaml", list("c", "d"))
	check("0 2 of 2: ", "--min", "r002", "--max", "r003")

	// A deployment waits for it: nothing is written anywhere.
	if got := listRollouts(p); strings.Count(got, `"id"`) != 3 {
		t.Errorf("compat is in the list of rollouts: %s", got)
	}
}

// TestCompatFollowsTheGraph has two branches: what lies beside the range is outside of it.
func TestCompatFollowsTheGraph(t *testing.T) {
	t.Parallel()
	f := newFleet(t, revision.SQLite, 3, nil, "revisions: {heads: many}\n")
	f.Write("migrations/m1_main.sql", revisionFile("m1", "none", "CREATE TABLE m (id integer);", "DROP TABLE m;"))
	f.Write("migrations/m2_main.sql", revisionFile("m2", "m1", "CREATE TABLE n (id integer);", "DROP TABLE n;"))
	f.Write("migrations/s1_side.sql", strings.Replace(revisionFile("s1", "m1", "CREATE TABLE s (id integer);", "DROP TABLE s;"), "-- message", "-- branch_labels: side\n-- message", 1))
	f.Must(0, "upgrade", "m2", "-t", "id=tenant_0001")
	f.Must(0, "upgrade", "s1", "-t", "id=tenant_0002")
	f.Must(0, "upgrade", "heads", "-t", "id=tenant_0003")
	for _, test := range []struct {
		args []string
		want string
	}{
		{[]string{"--min", "m1"}, "0 3 of 3: "},
		{[]string{"--min", "m2"}, "4 2 of 3: tenant_0002 below [s1]"},
		{[]string{"--max", "m2"}, "4 1 of 3: tenant_0002 above [s1], tenant_0003 above [m2 s1]"},
		{[]string{"--max", "side@head"}, "4 1 of 3: tenant_0001 above [m2], tenant_0003 above [m2 s1]"},
		{[]string{"--min", "heads"}, "4 1 of 3: tenant_0001 below [m2], tenant_0002 below [s1]"},
		{[]string{"--max", "heads"}, "0 3 of 3: "},
	} {
		if diff := cmp.Diff(test.want, compat(t, f.Project, test.args...)); diff != "" {
			t.Errorf("compat %v (-want +got):\n%s", test.args, diff)
		}
	}
}
