package integration_test

import (
	"encoding/json"
	"fmt"
	"os"
	"path/filepath"
	"slices"
	"strings"
	"testing"

	"github.com/google/go-cmp/cmp"

	"github.com/skeindb/skein/engine/revision"
	"github.com/skeindb/skein/integration/pgtest"
	"github.com/skeindb/skein/integration/shop"
	"github.com/skeindb/skein/integration/skeintest"
	"github.com/skeindb/skein/integration/sqlitetest"
)

// awkward are names that PostgreSQL and file systems allow.
var awkward = []string{
	`Weird"Name-é`, `"`, `it's`, `UPPER`, `with spaces`, ` `, `a.dot`, `dollar$1`, `$body$`, `select`, `user`, `semi;colon`, `back\slash`,
	`per%cent`, `%s`, `what?`, `star*`, `-1`, `--x`, `/*`, `{{x}}`, `日本`, "tab\there", `a,b=c`, `(x)`, `null`, `пользователь`, `é`,
}

// tenantLine is a tenant of `tenants --json`.
type tenantLine struct {
	ID, Source, Server, Database, Schema, File string
	Labels                                     map[string]string
}

func tenantsJSON(t testing.TB, p *skeintest.Project, args ...string) []tenantLine {
	t.Helper()
	var all []tenantLine
	p.Must(0, append([]string{"tenants", "--json"}, args...)...).JSON(&all)
	return all
}

func TestSchemasOfAnyName(t *testing.T) {
	t.Parallel()
	url, database := pgtest.Database(t, pgtest.Server(t))
	long := strings.Repeat("é", 31) + "x" // 63 bytes
	names := append(slices.Clone(awkward), long, long[:len(long)-1], "tenant", "Tenant")
	for _, name := range names {
		pgtest.Exec(t, url, "CREATE SCHEMA "+pgtest.Quote(name))
	}
	pgtest.Exec(t, url, "CREATE SCHEMA plain")
	slices.Sort(names)
	p := skeintest.New(t, oneServer(url, `{server: main, include_schemas: true, exclude_schemas: [plain]}`), shop.FS(revision.Postgres))

	var want []tenantLine
	for _, name := range names {
		want = append(want, tenantLine{ID: name, Source: "1", Server: "main", Database: database, Schema: name, Labels: map[string]string{}})
	}
	if diff := cmp.Diff(want, tenantsJSON(t, p)); diff != "" {
		t.Errorf("tenants (-want +got):\n%s", diff)
	}
	wantCounts(t, p.Must(0, "upgrade", "s03", "--json").Report(), map[string]int{"done": len(names)})
	r := p.Must(0, "upgrade", "--json")
	wantCounts(t, r.Report(), map[string]int{"done": len(names)})
	done := map[string]bool{}
	for _, e := range r.Events() {
		if e["kind"] == "tenant" && e["outcome"] == "done" {
			done[fmt.Sprint(e["tenant"])] = true
		}
	}
	for _, name := range names {
		if !done[name] {
			t.Errorf("no event says that %q is done", name)
		}
	}
	pgtest.Exec(t, urlInSchema(url, "plain"), upgradesOf(t, shop.FS(revision.Postgres))...)
	wantSchemas(t, url, "plain", names)
	wantEach(t, "applied revisions", checksumsOf(t, shop.FS(revision.Postgres), revision.Postgres), inEach(t, url, names, appliedInSchema))
	wantNothingInPublic(t, url)

	for _, name := range []string{"UPPER", "with spaces", long, "tenant"} {
		if got := tenantsJSON(t, p, "-t", `id="`+name+`"`); len(got) != 1 || got[0].ID != name {
			t.Errorf("-t id=%s chooses %v", name, got)
		}
	}
	wantCounts(t, p.Must(0, "downgrade", "base", "--yes", "--json").Report(), map[string]int{"done": len(names)})
	wantEach(t, "structure", "", pgtest.DumpAll(t, url, names))
}

func wantNothingInPublic(t testing.TB, url string) {
	t.Helper()
	if got := pgtest.Dump(t, url, "public"); got != "" {
		t.Errorf("it landed in public:\n%s", got)
	}
	if n := pgtest.Scalar[int](t, url, "SELECT count(*) FROM pg_class WHERE relnamespace = 'public'::regnamespace"); n != 0 {
		t.Errorf("public has %d relations", n)
	}
}

func TestDatabasesOfAnyName(t *testing.T) {
	t.Parallel()
	server := pgtest.Server(t)
	home, prefix := pgtest.Database(t, server)
	var names []string
	for _, name := range awkward {
		if strings.ContainsAny(name, "\n\r") {
			continue
		}
		names = append(names, prefix+name)
	}
	for _, name := range names {
		pgtest.Exec(t, server.URL, "CREATE DATABASE "+pgtest.Quote(name)+" TEMPLATE template0")
		t.Cleanup(func() { pgtest.Exec(t, server.URL, "DROP DATABASE "+pgtest.Quote(name)+" WITH (FORCE)") })
	}
	slices.Sort(names)
	p := skeintest.New(t, oneServer(home, `{server: main, include_databases: ["`+prefix+`?*"]}`), nil)
	p.Write("migrations/a1_users.sql", revisionFile("a1", "none", "CREATE TABLE users (id integer);", "DROP TABLE users;"))
	var want []tenantLine
	for _, name := range names {
		want = append(want, tenantLine{ID: name, Source: "1", Server: "main", Database: name, Schema: "public", Labels: map[string]string{}})
	}
	if diff := cmp.Diff(want, tenantsJSON(t, p)); diff != "" {
		t.Errorf("tenants (-want +got):\n%s", diff)
	}
	wantCounts(t, p.Must(0, "upgrade", "--json").Report(), map[string]int{"done": len(names)})
	for _, name := range names {
		// The driver's own way from a name to a database, not ours by way of a URL.
		if got := tablesOfDatabase(t, server, name); !slices.Equal(got, []string{"skein_version", "users"}) {
			t.Errorf("database %q has %q", name, got)
		}
	}
}

// tablesOfDatabase are the tables in public of a database.
func tablesOfDatabase(t testing.TB, server *pgtest.Instance, name string) []string {
	t.Helper()
	return pgtest.QueryRows(t, server.DatabaseURL(name), `SELECT tablename FROM pg_tables WHERE schemaname = 'public' ORDER BY 1`)
}

func TestFilesOfAnyName(t *testing.T) {
	t.Parallel()
	p := skeintest.New(t, "fleet: acme\ntenants:\n  - glob: \"data/**/*.db\"\n", shop.FS(revision.SQLite))
	blank := sqlitetest.Files(t, t.TempDir(), 1)[0]
	header, err := os.ReadFile(blank)
	if err != nil {
		t.Fatal(err)
	}
	var want []tenantLine
	var paths []string
	for _, name := range append([]string{"%20", "%2e%2e", "a#b", "a?mode=memory", "a&b=c", "file:x", ":memory:", "a.db", "x~y", "[x]", "deep/and deeper/é #1"}, awkward...) {
		if strings.Contains(name, "/*") { // the only one that is no file's
			continue
		}
		path := p.Path("data/" + name + ".db")
		p.Write("data/"+name+".db", string(header))
		paths = append(paths, path)
		want = append(want, tenantLine{ID: name, Source: "1", File: path, Labels: map[string]string{}})
	}
	slices.SortFunc(want, func(a, b tenantLine) int { return strings.Compare(a.ID, b.ID) })
	if diff := cmp.Diff(want, tenantsJSON(t, p)); diff != "" {
		t.Errorf("tenants (-want +got):\n%s", diff)
	}
	wantCounts(t, p.Must(0, "upgrade", "--json").Report(), map[string]int{"done": len(paths)})

	sqlitetest.Exec(t, blank, upgradesOf(t, shop.FS(revision.SQLite))...)
	end := sqlitetest.Dump(t, blank)
	dumps := map[string]string{}
	for _, path := range paths {
		dumps[path] = sqlitetest.Dump(t, path)
		sqlitetest.Check(t, path)
	}
	wantEach(t, "structure", end, dumps)

	var there []string
	err = filepath.WalkDir(p.Path("data"), func(path string, entry os.DirEntry, err error) error {
		if err == nil && !entry.IsDir() {
			there = append(there, path)
		}
		return err
	})
	if err != nil {
		t.Fatal(err)
	}
	slices.Sort(there)
	slices.Sort(paths)
	if diff := cmp.Diff(paths, there); diff != "" {
		t.Errorf("files (-want +got):\n%s", diff)
	}
}

// TestTenantsThatCannotBe has, among good ones, tenants that are missing, that the role may not use, and whose names
// PostgreSQL would cut or understand otherwise. Public is open to every role, so that what goes to the wrong schema lands there.
func TestTenantsThatCannotBe(t *testing.T) {
	t.Parallel()
	server := pgtest.Server(t)
	var role string
	t.Cleanup(func() { pgtest.Exec(t, server.URL, "DROP ROLE "+role) }) // after the database that it owns things in
	url, database := pgtest.Database(t, server)
	role = "role_" + database
	pgtest.Exec(t, url, `
		CREATE ROLE `+role+` LOGIN PASSWORD 'secret';
		GRANT ALL ON SCHEMA public TO PUBLIC;
		CREATE SCHEMA good AUTHORIZATION `+role+`;
		CREATE SCHEMA closed;
		CREATE SCHEMA readonly; GRANT USAGE ON SCHEMA readonly TO `+role+`;
		CREATE SCHEMA foreign_table AUTHORIZATION `+role+`;
		CREATE TABLE foreign_table.skein_version (weight integer); ALTER TABLE foreign_table.skein_version OWNER TO `+role)
	list := `list: [{id: good, server: main, schema: good}, {id: ghost, server: main, schema: nowhere}, {id: shut, server: main, schema: closed},
      {id: reader, server: main, schema: readonly}, {id: strange, server: main, schema: foreign_table}, {id: no database, server: main, database: no_such_database, schema: x}]`
	p := skeintest.New(t, oneServer(asUser(url, role, "secret"), list), nil)
	p.Write("migrations/a1_users.sql", revisionFile("a1", "none", "CREATE TABLE users (id integer);", "DROP TABLE users;"))

	var standings []struct{ Tenant, State string }
	p.Run("current", "--json").JSON(&standings)
	states := map[string]string{}
	for _, s := range standings {
		states[s.Tenant] = s.State
	}
	if diff := cmp.Diff(map[string]string{
		"good": "empty", "ghost": "missing", "shut": "unknown", "reader": "empty", "strange": "unknown", "no database": "missing",
	}, states); diff != "" {
		t.Errorf("states (-want +got):\n%s", diff)
	}

	report := p.Must(2, "upgrade", "--json", "--max-failures", "5").Report()
	wantCounts(t, report, map[string]int{"done": 1, "failed": 5})
	failed := map[string]skeintest.Failed{}
	for _, f := range report.Failed {
		failed[f.Tenant] = f
	}
	grant := func(schema string) string { return `GRANT USAGE, CREATE ON SCHEMA "` + schema + `" TO "` + role + `"` }
	wantText(t, "the error of shut", failed["shut"].Error, "USAGE", `"closed"`, role)
	wantText(t, "the hint of shut", failed["shut"].Hint, grant("closed"))
	wantText(t, "the error of reader", failed["reader"].Error, "CREATE", `"readonly"`, role)
	wantText(t, "the hint of reader", failed["reader"].Hint, grant("readonly"))
	wantText(t, "the error of ghost", failed["ghost"].Error, `"nowhere"`)
	wantText(t, "the error of no database", failed["no database"].Error, `no_such_database`)
	wantText(t, "the error of strange", failed["strange"].Error, `skein_version`)
	wantNothingInPublic(t, url)
	if got := pgtest.QueryRows(t, url, `SELECT n.nspname || '.' || c.relname FROM pg_class c JOIN pg_namespace n ON n.oid = c.relnamespace
		WHERE n.nspname !~ '^(pg_|information_schema)' AND c.relkind = 'r' ORDER BY 1`); !slices.Equal(got, []string{"foreign_table.skein_version", "good.skein_version", "good.users"}) {
		t.Errorf("tables: %q", got)
	}

	// What the hint says does help.
	pgtest.Exec(t, url, grant("readonly"), grant("closed"), "CREATE SCHEMA nowhere AUTHORIZATION "+role)
	report = p.Must(2, "rollout", "resume", "--json", "--max-failures", "5").Report()
	wantEach(t, "revisions", "a1", inEach(t, url, []string{"good", "closed", "readonly", "nowhere"}, "SELECT string_agg(revision, ',') FROM %s.skein_version"))
	if len(report.Failed) != 2 {
		t.Errorf("failed: %+v", report.Failed)
	}
	wantNothingInPublic(t, url)
}

func TestNamesThatAreNone(t *testing.T) {
	t.Parallel()
	url, _ := pgtest.Database(t, pgtest.Server(t))
	pgtest.Exec(t, url, `CREATE SCHEMA "$user"`, "CREATE SCHEMA good", "CREATE SCHEMA "+strings.Repeat("x", 63))
	revisions := revisionFile("a1", "none", "CREATE TABLE users (id integer);", "DROP TABLE users;")
	quoted := func(s string) string {
		text, err := json.Marshal(s)
		if err != nil {
			t.Fatal(err)
		}
		return string(text)
	}
	for _, test := range []struct{ id, schema, want string }{
		{"long", strings.Repeat("x", 64), "64 bytes"}, // PostgreSQL would cut it and take the one of 63
		{"user", "$user", "$user"},
		{"temp", "pg_temp", "pg_temp"},
		{"", "good", "id"},
		{strings.Repeat("i", 256), "good", "256 bytes"},
		{"two\nlines", "good", "newline"},
	} {
		p := skeintest.New(t, oneServer(url, "list: [{id: "+quoted(test.id)+", server: main, schema: "+quoted(test.schema)+"}]"), nil)
		p.Write("migrations/a1_users.sql", revisions)
		r := p.Run("upgrade", "--json")
		if r.Code == 0 {
			t.Errorf("%q, %q: it was upgraded", test.id, test.schema)
		}
		wantText(t, "the error of "+test.id, r.Stdout, test.want)
	}
	if n := pgtest.Scalar[int](t, url, "SELECT count(*) FROM pg_class WHERE relname IN ('users', 'skein_version') AND relkind = 'r'"); n != 0 {
		t.Errorf("%d tables were made", n)
	}
	wantNothingInPublic(t, url)
}
