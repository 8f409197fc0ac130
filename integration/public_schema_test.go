package integration_test

import (
	"fmt"
	"slices"
	"strings"
	"testing"

	"github.com/google/go-cmp/cmp"

	"github.com/skeindb/skein/integration/pgtest"
	"github.com/skeindb/skein/integration/skeintest"
)

// publicTables are what all tenants share. users and orders have the names of tables that each tenant has too.
const publicTables = `
	CREATE TABLE public.users (id integer PRIMARY KEY, name text);
	INSERT INTO public.users VALUES (1, 'shared'), (2, 'by all');
	CREATE TABLE public.orders (id integer PRIMARY KEY, user_id integer REFERENCES public.users);
	INSERT INTO public.orders VALUES (1, 1);
	CREATE TABLE public.plans (id bigint GENERATED ALWAYS AS IDENTITY PRIMARY KEY, name text);
	CREATE TYPE public.mood AS ENUM ('fine');
	CREATE FUNCTION public.touch_users() RETURNS void LANGUAGE sql AS 'DELETE FROM public.users WHERE id = 2'`

// TestNothingFallsThroughToPublic runs bodies that lack a table in one tenant, or in all, and would find one of that
// name in public.
func TestNothingFallsThroughToPublic(t *testing.T) {
	t.Parallel()
	t.Run("search_path is a list", func(t *testing.T) {
		t.Parallel()
		url, _ := pgtest.Database(t, pgtest.Server(t))
		fallThrough(t, url, "[public]")
	})
	t.Run("search_path is auto", func(t *testing.T) {
		t.Parallel()
		url, _ := pgtest.Database(t, pgtest.Server(t))
		if pgtest.Scalar[int](t, url, "SELECT count(*) FROM pg_available_extensions WHERE name = 'citext'") == 1 {
			pgtest.Exec(t, url, "CREATE EXTENSION citext SCHEMA public")
		} else { // a server without contrib: the extension that is always there brings public onto the path as well
			pgtest.Exec(t, url, "CREATE FUNCTION public.part_of_extension() RETURNS void LANGUAGE sql AS ''", "ALTER EXTENSION plpgsql ADD FUNCTION public.part_of_extension()")
		}
		fallThrough(t, url, "auto")
	})
}

func fallThrough(t *testing.T, url, searchPath string) {
	pgtest.Exec(t, url, publicTables)
	tenants := pgtest.Schemas(t, url, "tenant_", 5)
	const poor = "tenant_0003" // lacks what the others have
	p := skeintest.New(t, strings.Replace(oneServer(url, `{server: main, include_schemas: ["tenant_*"]}`), "    url:", "    search_path: "+searchPath+"\n    url:", 1)+
		"rollout: {max_failures: 5}\n", nil)
	p.Write("migrations/a1_users.sql", revisionFile("a1", "none",
		"CREATE TABLE users (id integer PRIMARY KEY, name text);\nCREATE TABLE orders (id integer PRIMARY KEY, user_id integer REFERENCES users);\nINSERT INTO users VALUES (7, 'mine');",
		"DROP TABLE orders;\nDROP TABLE users;"))
	wantCounts(t, p.Must(0, "upgrade", "--json").Report(), map[string]int{"done": 5})
	pgtest.Exec(t, url, "DROP TABLE "+poor+".orders, "+poor+".users")

	state := func() string {
		t.Helper()
		return pgtest.Dump(t, url, "public") + "\n" + strings.Join(pgtest.QueryRows(t, url,
			"SELECT id, name FROM public.users UNION ALL SELECT id, user_id::text FROM public.orders UNION ALL SELECT count(*), 'plans' FROM public.plans ORDER BY 1, 2"), "\n")
	}
	before := state()

	// Each of these has one of its own in four tenants, and none in the fifth.
	for _, body := range []string{
		"ALTER TABLE users ADD COLUMN flag boolean",
		"UPDATE users SET name = 'changed'",
		"INSERT INTO users VALUES (99, 'new')",
		"DELETE FROM orders",
		"TRUNCATE users CASCADE",
		"DROP TABLE orders",
		"DROP TABLE IF EXISTS orders",
		"ALTER TABLE users RENAME TO people",
		"CREATE INDEX users_name_idx ON users (name)",
		"COMMENT ON TABLE users IS 'whose?'",
		"GRANT SELECT ON users TO PUBLIC",
		"GRANT SELECT (name) ON users TO PUBLIC",
		"DO $$ BEGIN BEGIN EXECUTE 'GRANT SELECT ON users TO PUBLIC'; EXCEPTION WHEN division_by_zero THEN NULL; END; END $$",
		"LOCK TABLE users IN ACCESS EXCLUSIVE MODE",
		"CREATE TABLE notes (user_id integer REFERENCES users)",
		"DO $$ BEGIN EXECUTE 'DELETE FROM ' || 'users WHERE id = 2'; END $$",
		"DO $$ BEGIN EXECUTE 'ALTER TABLE us' || 'ers ADD COLUMN flag boolean'; END $$",
	} {
		p.Write("migrations/b2_body.sql", revisionFile("b2", "a1", "CREATE TABLE before_it (id integer);\n"+body+";", ""))
		report := p.Run("upgrade", "--json", "-t", "id="+poor).Report()
		if len(report.Failed) != 1 {
			t.Errorf("%s: %v", body, report.Counts)
		} else if f := report.Failed[0]; f.Class != "guard" || f.Revision != "b2" || f.File != "migrations/b2_body.sql" {
			t.Errorf("%s: failed with %+v", body, f)
		}
		if after := state(); after != before {
			t.Fatalf("%s: public was changed (-before +after):\n%s", body, cmp.Diff(strings.Split(before, "\n"), strings.Split(after, "\n")))
		}
	}

	// Each of these is public's alone: no revision may touch it by accident.
	for _, body := range []string{
		"INSERT INTO plans (name) VALUES ('by accident')",
		"ALTER TABLE plans ADD COLUMN x integer",
		"DROP TABLE plans",
		"ALTER TYPE mood ADD VALUE 'sad'",
		"DROP FUNCTION touch_users()",
		"ALTER FUNCTION touch_users() COST 7",
		"GRANT ALL ON TYPE mood TO PUBLIC",
		"SELECT touch_users()",
		"SELECT nextval('plans_id_seq')",
		"CREATE TABLE copy_of_plans AS TABLE plans",
		"CREATE TABLE notes (mood mood)",
	} {
		p.Write("migrations/b2_body.sql", revisionFile("b2", "a1", body+";", ""))
		report := p.Run("upgrade", "--json").Report()
		wantCounts(t, report, map[string]int{"failed": 5})
		for _, f := range report.Failed {
			if f.Class != "guard" || f.Revision != "b2" {
				t.Errorf("%s: %s failed with %+v", body, f.Tenant, f)
			}
		}
		if after := state(); after != before {
			t.Fatalf("%s: public was changed (-before +after):\n%s", body, cmp.Diff(strings.Split(before, "\n"), strings.Split(after, "\n")))
		}
	}

	t.Run("the other tenants are upgraded", func(t *testing.T) {
		p.Write("migrations/b2_body.sql", revisionFile("b2", "a1", "ALTER TABLE users ADD COLUMN flag boolean;", "ALTER TABLE users DROP COLUMN flag;"))
		wantCounts(t, p.Must(2, "upgrade", "--json").Report(), map[string]int{"done": 4, "failed": 1})
		if after := state(); after != before {
			t.Errorf("public was changed (-before +after):\n%s", cmp.Diff(before, after))
		}
		pgtest.Exec(t, url, "CREATE TABLE "+poor+".users (id integer PRIMARY KEY, name text)")
		wantCounts(t, p.Must(0, "rollout", "resume", "--json").Report(), map[string]int{"done": 5})
		wantEach(t, "columns", "id name flag", inEach(t, url, tenants, "SELECT string_agg(attname, ' ' ORDER BY attnum) FROM pg_attribute WHERE attrelid = '%s.users'::regclass AND attnum > 0"))
		wantCounts(t, p.Must(0, "downgrade", "a1", "--yes", "--json").Report(), map[string]int{"done": 5})
		if after := state(); after != before {
			t.Errorf("public was changed (-before +after):\n%s", cmp.Diff(before, after))
		}
	})

	t.Run("the guilty one of a chain is named", func(t *testing.T) {
		p.Write("migrations/b2_body.sql", revisionFile("b2", "a1", "CREATE TABLE b2_notes (id integer);", "DROP TABLE b2_notes;"))
		p.Write("migrations/c3_body.sql", revisionFile("c3", "b2", "INSERT INTO plans (name) VALUES ('by accident');", ""))
		p.Write("migrations/d4_body.sql", revisionFile("d4", "c3", "CREATE TABLE d4_notes (id integer);", ""))
		report := p.Must(2, "upgrade", "--json", "-t", "id=tenant_0001").Report()
		if f := report.Failed; len(f) != 1 || f[0].Class != "guard" || f[0].Revision != "c3" || !strings.Contains(f[0].Error, "public.plans") || !strings.Contains(f[0].Hint, "skein:touches public.plans") {
			t.Errorf("failed: %+v", f)
		}
		p.Remove("migrations/d4_body.sql")
		p.Remove("migrations/c3_body.sql")
	})

	t.Run("what is declared or qualified is allowed", func(t *testing.T) {
		p.Write("migrations/b2_body.sql", revisionFile("b2", "a1",
			"-- skein:touches public.plans\nINSERT INTO plans (name) VALUES ('declared');\nCREATE TABLE notes (id integer);", "DROP TABLE notes;"))
		p.Write("migrations/c3_body.sql", revisionFile("c3", "b2", "INSERT INTO public.plans (name) VALUES ('qualified');", ""))
		p.Write("migrations/d4_body.sql", revisionFile("d4", "c3", "ALTER TABLE notes ADD COLUMN mood public.mood DEFAULT 'fine';\nINSERT INTO notes (id) SELECT id::integer FROM public.plans LIMIT 1;", ""))
		wantCounts(t, p.Must(0, "upgrade", "--json").Report(), map[string]int{"done": 5})
		if got := pgtest.QueryRows(t, url, "SELECT name, count(*) FROM public.plans GROUP BY 1 ORDER BY 1"); !slices.Equal(got, []string{"declared|5", "qualified|5"}) {
			t.Errorf("plans: %q", got)
		}
		wantEach(t, "notes", "1 fine", inEach(t, url, tenants, "SELECT count(*) || ' ' || string_agg(mood::text, ',') FROM %s.notes"))
	})

	t.Run("a declaration is for its own chain", func(t *testing.T) {
		p.Write("migrations/e5_body.sql", revisionFile("e5", "d4", "INSERT INTO plans (name) VALUES ('by accident');", ""))
		report := p.Must(2, "upgrade", "--json").Report()
		wantCounts(t, report, map[string]int{"failed": 5})
		if n := pgtest.Scalar[int](t, url, "SELECT count(*) FROM public.plans"); n != 10 {
			t.Errorf("%d plans", n)
		}
	})

	// What a table of public lacks as well, is the author's mistake and no breach.
	p.Write("migrations/e5_body.sql", revisionFile("e5", "d4", "ALTER TABLE nobody_has_it ADD COLUMN x integer;", ""))
	report := p.Run("upgrade", "--json").Report()
	for _, f := range report.Failed {
		if f.Class != "revision" || f.SQLState != "42P01" {
			t.Errorf("a table that is nowhere: %+v", f)
		}
	}
	if len(report.Failed) == 0 {
		t.Error(fmt.Sprint("a table that is nowhere was altered: ", report.Counts))
	}
}
