package integration_test

import (
	"fmt"
	"os"
	"slices"
	"strings"
	"testing"

	"github.com/google/go-cmp/cmp"

	"github.com/skeindb/skein/engine"
	"github.com/skeindb/skein/engine/postgres"
	"github.com/skeindb/skein/engine/revision"
	"github.com/skeindb/skein/integration/pgtest"
	"github.com/skeindb/skein/integration/skeintest"
)

// contrib returns the URL of a new database, on a server that has citext and hstore.
func contrib(t *testing.T) string {
	t.Helper()
	url, _ := pgtest.Database(t, pgtest.Server(t))
	if pgtest.Scalar[int](t, url, "SELECT count(*) FROM pg_available_extensions WHERE name IN ('citext', 'hstore')") != 2 {
		const why = "this server came without contrib, of which citext and hstore are needed"
		if os.Getenv("CI") != "" { // a database test that is skipped there proves nothing
			t.Fatal(why)
		}
		t.Skip(why)
	}
	return url
}

// owners makes schemas with a table users of one row, which says whose it is.
func owners(t *testing.T, url string, schemas ...string) {
	t.Helper()
	for _, s := range schemas {
		pgtest.Exec(t, url, fmt.Sprintf("CREATE SCHEMA IF NOT EXISTS %[1]s; CREATE TABLE %[1]s.users (id int, email text); INSERT INTO %[1]s.users VALUES (1, 'of %[1]s')", s))
	}
}

func emails(t *testing.T, url, table string) string {
	t.Helper()
	return strings.Join(pgtest.QueryRows(t, url, "SELECT email FROM "+table+" ORDER BY 1"), " ")
}

func failedTenants(r skeintest.Report) string {
	var ids []string
	for _, f := range r.Failed {
		ids = append(ids, f.Tenant)
	}
	slices.Sort(ids)
	return strings.Join(ids, " ")
}

// TestNoTenantFindsTheTablesOfOneThatHoldsAnExtension has an extension in the schema of a tenant, and another tenant
// that lacks a table which that one has.
func TestNoTenantFindsTheTablesOfOneThatHoldsAnExtension(t *testing.T) {
	t.Parallel()
	for name, source := range map[string]string{
		"patterns":                    `{server: main, include_schemas: ["t_*"]}`,
		"names":                       `{server: main, include_schemas: [t_a, t_b, t_c]}`,
		"all":                         `{server: main, include_schemas: true}`,
		"list":                        `list: [{id: t_a, server: main, schema: t_a}, {id: t_b, server: main, schema: t_b}, {id: t_c, server: main, schema: t_c}]`,
		"query":                       `query: {server: main, sql: "SELECT nspname AS id, nspname AS schema FROM pg_namespace WHERE nspname LIKE 't\\_%'"}`,
		"command":                     `command: [printf, '{"id":"t_a","server":"main","schema":"t_a"}\n{"id":"t_b","server":"main","schema":"t_b"}\n{"id":"t_c","server":"main","schema":"t_c"}\n']`,
		"without the holder":          `list: [{id: t_b, server: main, schema: t_b}, {id: t_c, server: main, schema: t_c}]`, // t_a is called like them
		"the holder is excluded":      `{server: main, include_schemas: ["t_*"], exclude_schemas: [t_a]}`,
		"the holder is in public":     `{server: main, include_schemas: ["t_*", public]}`,
		"another server's name":       `{server: main, include_schemas: [t_b, t_c]}` + "\n  - {server: again, include_schemas: [t_a]}",
		"a record with its own URL":   `list: [{id: t_a, url_env: OWN_URL, schema: t_a}, {id: t_b, server: main, schema: t_b}, {id: t_c, server: main, schema: t_c}]`,
		"a former tenant, other name": `list: [{id: t_b, server: main, schema: t_b}, {id: t_c, server: main, schema: t_c}]`,
	} {
		t.Run(name, func(t *testing.T) {
			t.Parallel()
			url := contrib(t)
			holder := "t_a"
			switch name {
			case "the holder is in public":
				holder = "public"
			case "a former tenant, other name":
				holder = "acme"
			}
			owners(t, url, "t_a", "t_b", "t_c")
			if holder != "t_a" {
				owners(t, url, holder)
			}
			if holder == "acme" {
				pgtest.Exec(t, url, "CREATE TABLE acme.skein_version (revision text)")
			}
			config := oneServer(url, source)
			if strings.Contains(source, "again") {
				config = strings.Replace(config, "tenants:", "  again:\n    url: "+url+"\ntenants:", 1)
			}
			p := skeintest.New(t, config+"rollout: {max_failures: 9}\n", nil)
			p.Env = append(p.Env, "OWN_URL="+url)
			pgtest.Exec(t, url, "CREATE EXTENSION citext SCHEMA "+holder, "DROP TABLE t_b.users")
			p.Write("migrations/a1_x.sql", revisionFile("a1", "none", "CREATE TABLE own (id int);", ""))
			p.Must(0, "upgrade", "--yes")
			before := emails(t, url, holder+".users")

			for _, up := range []string{
				"CREATE TABLE emails AS SELECT email FROM users;",
				"UPDATE users SET email = upper(email) || '!';",
				": no-transaction\nCREATE INDEX CONCURRENTLY IF NOT EXISTS users_email ON users (email);\nUPDATE users SET email = upper(email) || '!';",
				": no-transaction\nUPDATE users SET email = upper(email) || '!';",
				"DO $$ BEGIN EXECUTE 'DELETE FROM us' || 'ers'; END $$;",
			} {
				p.Write("migrations/b2_x.sql", revisionFile("b2", "a1", up, ""))
				for _, args := range [][]string{
					{"upgrade", "--yes", "--json", "--rehearse=all", "-t", "id=t_b"},
					{"upgrade", "--yes", "--json", "-t", "id=t_b"},
				} {
					report := p.Run(args...).Report()
					if strings.HasPrefix(up, ": no-transaction") && slices.Contains(args, "--rehearse=all") {
						continue // cannot be tried
					}
					if got := failedTenants(report); got != "t_b" {
						t.Fatalf("%s: %v: failed: %q, want t_b; %+v", up, args, got, report)
					}
				}
				if after := emails(t, url, holder+".users"); after != before {
					t.Fatalf("%s: %s.users has %q, had %q", up, holder, after, before)
				}
				if there := pgtest.Scalar[bool](t, url, "SELECT to_regclass('t_b.emails') IS NOT NULL"); there {
					t.Fatalf("%s: t_b has read %s", up, emails(t, url, "t_b.emails"))
				}
			}

			p.Write("migrations/b2_x.sql", revisionFile("b2", "a1", "CREATE TABLE emails AS SELECT email FROM users;", ""))
			report := p.Run("upgrade", "--yes", "--json").Report()
			if got := failedTenants(report); got != "t_b" {
				t.Errorf("failed: %q, want t_b alone", got)
			}
			if name != "another server's name" { // by which a retry would find its own connections, and wait for them
				report = p.Run("rollout", "retry", "t_b", "--rollout", report.Rollout, "--json").Report()
				if got := failedTenants(report); got != "t_b" {
					t.Errorf("retry: failed: %q, want t_b", got)
				}
			}
			if got := emails(t, url, "t_c.emails"); got != "of t_c" {
				t.Errorf("t_c.emails: %q", got)
			}
		})
	}
}

// TestExtensionsOfTenantsAreReported has citext in one tenant and hstore in another, which cannot be relied on.
func TestExtensionsOfTenantsAreReported(t *testing.T) {
	t.Parallel()
	url := contrib(t)
	owners(t, url, "t_a", "t_b")
	pgtest.Exec(t, url, "CREATE EXTENSION citext SCHEMA t_a")
	p := skeintest.New(t, oneServer(url, `{server: main, id: "c-{schema}", include_schemas: ["t_*"]}`)+"rollout: {max_failures: 9}\n", nil)
	p.Write("migrations/a1_x.sql", revisionFile("a1", "none", "CREATE TABLE own (id int);\nALTER TABLE users ADD COLUMN nick citext;", ""))
	const said = "extension citext lies in schema \"t_a\" of database "
	const advice = "ALTER EXTENSION citext SET SCHEMA extensions;"
	type extension struct{ Extension, Server, Database, Schema, Tenant, Advice string }
	check := func(what string, got []extension) {
		t.Helper()
		if len(got) != 1 || got[0].Extension != "citext" || got[0].Server != "main" || got[0].Schema != "t_a" || got[0].Tenant != "c-t_a" || !strings.Contains(got[0].Advice, advice) {
			t.Errorf("%s: %+v", what, got)
		}
	}
	for _, args := range [][]string{{"plan"}, {"plan", "-t", "id=c-t_b"}} {
		if r := p.Must(0, args...); !strings.Contains(r.Stderr, "skein: warning: "+said) || !strings.Contains(r.Stderr, "(c-t_a)") || !strings.Contains(r.Stderr, advice) {
			t.Errorf("%v: %s", args, r.Stderr)
		}
	}
	var plan struct{ Extensions []extension }
	p.Must(0, "plan", "--json").JSON(&plan)
	check("plan", plan.Extensions)
	if r := p.Must(0, "doctor"); !strings.Contains(r.Stdout, "  ! "+said) || !strings.Contains(r.Stdout, advice) {
		t.Error(r.Stdout)
	}
	var doctor []struct{ Extensions []extension }
	p.Must(0, "doctor", "--json").JSON(&doctor)
	check("doctor", doctor[0].Extensions)

	report := p.Run("upgrade", "--yes", "--json").Report() // t_a itself has it
	if failedTenants(report) != "c-t_b" || report.Failed[0].SQLState != "42704" || !strings.Contains(report.Failed[0].Hint, said) || !strings.Contains(report.Failed[0].Hint, advice) {
		t.Errorf("%+v", report.Failed)
	}
	pgtest.Exec(t, url, "CREATE SCHEMA extensions", strings.TrimSuffix(advice, ";"))
	p.Must(0, "upgrade", "--yes")
	if r := p.Must(0, "plan"); strings.Contains(r.Stderr, "citext") {
		t.Error(r.Stderr)
	}
	if r := p.Must(0, "doctor"); strings.Contains(r.Stdout, "citext") {
		t.Error(r.Stdout)
	}
}

// TestExtensionsAreNotMadeInATenant runs statements about extensions for three tenants of one database.
func TestExtensionsAreNotMadeInATenant(t *testing.T) {
	t.Parallel()
	for _, c := range []struct{ name, before, up, want string }{ // want is part of the error; "" = done
		{"without a schema", "", "CREATE EXTENSION citext;", "without SCHEMA puts it into the schema of one tenant"},
		{"if not exists", "", "CREATE EXTENSION IF NOT EXISTS citext WITH VERSION '1.6' CASCADE;", "without SCHEMA"},
		{"outside a transaction", "", ": no-transaction\nCREATE EXTENSION citext;", "without SCHEMA"},
		{"in a DO block", "", "DO $$ BEGIN IF NOT EXISTS (SELECT FROM pg_extension WHERE extname = 'citext') THEN CREATE EXTENSION citext; END IF; END $$;", "without SCHEMA"},
		{"by a string", "", "DO $$ BEGIN EXECUTE 'CREATE EXTENSION citext'; END $$;", "without SCHEMA"},
		{"in a later tenant", "", "CREATE TABLE own (id int);\n/* a */ CREATE /* b */ EXTENSION \"citext\" SCHEMA t_c;", `into schema "t_c", which is a tenant's`},
		{"in one to come", "", "CREATE EXTENSION citext SCHEMA t_zz;", `into schema "t_zz", which is a tenant's`},
		{"by a template", "", ": template\nCREATE EXTENSION IF NOT EXISTS citext SCHEMA {{ ident .Tenant.Schema }};", "which is a tenant's"},
		{"it lies in a tenant", "CREATE EXTENSION citext SCHEMA t_b", "CREATE EXTENSION IF NOT EXISTS citext SCHEMA public;", `citext lies in schema "t_b"`},
		{"moved into a tenant", "CREATE EXTENSION citext SCHEMA public", "ALTER EXTENSION citext SET SCHEMA t_a;", "move extension citext"},
		{"dropped with columns", "CREATE EXTENSION citext SCHEMA public; CREATE TABLE t_c.d (x public.citext)", "DROP EXTENSION IF EXISTS citext CASCADE;", "CASCADE takes the columns"},

		{"in public", "", "CREATE EXTENSION IF NOT EXISTS citext WITH SCHEMA public;\nCREATE TABLE own (x citext);", ""},
		{"in a schema that they share", "CREATE SCHEMA extensions", "CREATE EXTENSION IF NOT EXISTS citext SCHEMA extensions;\nCREATE TABLE own (x citext);", ""},
		{"in a schema of its own chain", "", "-- skein:touches extensions.schema\nCREATE SCHEMA IF NOT EXISTS extensions;\nCREATE EXTENSION IF NOT EXISTS citext SCHEMA extensions;\nCREATE TABLE own (x citext);", ""},
		{"it is there", "CREATE EXTENSION citext SCHEMA public", "CREATE EXTENSION IF NOT EXISTS citext;\nCREATE TABLE own (x citext);", ""},
		{"its schema is fixed", "", "CREATE EXTENSION IF NOT EXISTS plpgsql;", ""},
		{"no statement at all", "", "CREATE TABLE own (x text DEFAULT 'CREATE EXTENSION citext'); -- CREATE EXTENSION citext", ""},
		{"a comment in a DO block", "", "DO $$ BEGIN -- CREATE EXTENSION citext\nPERFORM 1; END $$;", ""},
		{"updated", "CREATE EXTENSION citext SCHEMA public", "ALTER EXTENSION citext UPDATE;", ""},
	} {
		t.Run(c.name, func(t *testing.T) {
			t.Parallel()
			url := contrib(t)
			owners(t, url, "t_a", "t_b", "t_c")
			if c.before != "" {
				pgtest.Exec(t, url, c.before)
			}
			p := skeintest.New(t, oneServer(url, `{server: main, include_schemas: ["t_*"]}`)+"rollout: {max_failures: 9}\n", nil)
			p.Write("migrations/a1_x.sql", revisionFile("a1", "none", "CREATE TABLE first (id int);", ""))
			p.Write("migrations/b2_x.sql", revisionFile("b2", "a1", c.up, ""))
			p.Write("migrations/c3_x.sql", revisionFile("c3", "b2", ": no-transaction\nCREATE TABLE later (id int);", ""))
			if c.want == "" {
				if strings.Contains(c.up, "own (x citext)") {
					p.Write("migrations/c3_x.sql", revisionFile("c3", "b2", ": no-transaction\nCREATE TABLE later (x citext);", ""))
				}
				p.Must(0, "upgrade", "--yes")
				return
			}
			all := func() []string {
				return pgtest.QueryRows(t, url, "SELECT oid::regclass::text FROM pg_class WHERE relnamespace::regnamespace::text LIKE 't\\_%' UNION ALL SELECT extname || extnamespace::regnamespace FROM pg_extension ORDER BY 1")
			}
			was := all()
			var plan struct{ Cohorts []struct{ Refused *string } }
			p.Run("plan", "--json").JSON(&plan)
			for _, cohort := range plan.Cohorts {
				if cohort.Refused == nil || !strings.Contains(*cohort.Refused, c.want) {
					t.Errorf("plan: %v, want %q", cohort.Refused, c.want)
				}
			}
			report := p.Run("upgrade", "--yes", "--json").Report()
			if failedTenants(report) != "t_a t_b t_c" {
				t.Fatalf("%+v", report)
			}
			for _, f := range report.Failed {
				if f.Class != "guard" || f.Revision != "b2" || f.File != "migrations/b2_x.sql" || f.Line == 0 || !strings.Contains(f.Error, c.want) || f.Hint == "" {
					t.Errorf("got %+v\nwant Class guard, Revision b2, File migrations/b2_x.sql, Line above 0, Error with %q, a Hint", f, c.want)
				}
			}
			if diff := cmp.Diff(was, all()); diff != "" {
				t.Errorf("something was touched: %s", diff)
			}
		})
	}
}

// TestATenantThatHasItsDatabaseForItselfHoldsExtensions makes them where they always went.
func TestATenantThatHasItsDatabaseForItselfHoldsExtensions(t *testing.T) {
	t.Parallel()
	for name, source := range map[string]string{
		"by its default schema": `{server: main}`,
		"by a name":             `{server: main, include_schemas: [public]}`,
		"by a list":             `list: [{id: a, server: main, schema: public}]`,
		"with search_path":      `{server: main}`,
	} {
		t.Run(name, func(t *testing.T) {
			t.Parallel()
			url := contrib(t)
			config := oneServer(url, source)
			if name == "with search_path" {
				config = strings.Replace(config, "    url:", "    search_path: [public]\n    url:", 1)
			}
			p := skeintest.New(t, config, nil)
			p.Write("migrations/a1_x.sql", revisionFile("a1", "none", "CREATE EXTENSION citext;\nCREATE TABLE own (x citext);", ""))
			p.Write("migrations/b2_x.sql", revisionFile("b2", "a1", ": no-transaction\nCREATE TABLE later (x citext);", ""))
			p.Must(0, "upgrade", "--yes")
			p.Write("migrations/c3_x.sql", revisionFile("c3", "b2", "CREATE TABLE last (x citext);", "DROP TABLE last;"))
			p.Must(0, "upgrade", "--yes")
			if r := p.Must(0, "doctor"); strings.Contains(r.Stdout, "citext") {
				t.Error(r.Stdout)
			}
		})
	}
}

// TestASearchPathThatNamesATenantIsRefused cannot be seen in the config: the tenants are in a table.
func TestASearchPathThatNamesATenantIsRefused(t *testing.T) {
	t.Parallel()
	url := contrib(t)
	owners(t, url, "t_a", "t_b", "t_old", "shared")
	pgtest.Exec(t, url, "CREATE TABLE t_old.skein_version (revision text); CREATE TABLE shared.skein_version (revision text); CREATE TABLE public.skein_version (revision text)")
	source := `query: {server: main, sql: "SELECT nspname AS id, nspname AS schema FROM pg_namespace WHERE nspname IN ('t_a', 't_b')"}`
	for searchPath, bad := range map[string]string{
		"[public, t_a]": "t_a", "[t_old]": "t_old", "[public, shared, nothing]": "",
	} {
		p := skeintest.New(t, strings.Replace(oneServer(url, source), "    url:", "    search_path: "+searchPath+"\n    url:", 1)+"rollout: {max_failures: 9}\n", nil)
		p.Write("migrations/a1_x.sql", revisionFile("a1", "none", "CREATE TABLE x"+fmt.Sprint(len(searchPath))+" (id int);", ""))
		if bad == "" {
			p.Must(0, "plan")
			continue
		}
		report := p.Run("upgrade", "--yes", "--json").Report()
		if failedTenants(report) != "t_a t_b" {
			t.Fatalf("%s: %+v", searchPath, report)
		}
		for _, f := range report.Failed {
			if !strings.Contains(f.Error, `servers.main.search_path names schema "`+bad+`", which is a tenant`) || !strings.Contains(f.Hint, "remove "+bad+" from") {
				t.Errorf("%s: %+v", searchPath, f)
			}
		}
	}
}

// TestTheLibraryKeepsTenantsOffThePathByItself knows of no sources, and of each tenant when it is surveyed.
func TestTheLibraryKeepsTenantsOffThePathByItself(t *testing.T) {
	t.Parallel()
	url := contrib(t)
	owners(t, url, "t_a", "t_b", "t_c", "extensions")
	pgtest.Exec(t, url, "CREATE EXTENSION citext SCHEMA t_a", "CREATE EXTENSION hstore SCHEMA extensions", "DROP TABLE t_b.users")
	f := newPgFleet(t, postgres.Server{URL: url, AutoSearchPath: true}, "CREATE TABLE own (h hstore)", "CREATE TABLE emails AS SELECT email FROM users WHERE NOT EXISTS (SELECT FROM users WHERE email LIKE '%extensions')")
	database := pgtest.Scalar[string](t, url, "SELECT current_database()")
	target := func(schema string) engine.Location {
		return engine.Location{Dialect: revision.Postgres, Server: "main", Database: database, Schema: schema}
	}
	f.up(t, target("t_c"))
	f.up(t, target("t_a"))
	if got := f.db.Misplaced(); len(got) != 1 || got[0].Name != "citext" || got[0].Schema != "t_a" {
		t.Errorf("%v", got)
	}
	f.Survey(t.Context(), []engine.Location{target("t_b")})
	if got := emails(t, url, "t_a.emails"); got != "of t_a" {
		t.Errorf("t_a.emails: %q", got)
	}
}
