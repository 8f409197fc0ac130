package revision

import (
	"fmt"
	"strings"
	"testing"

	"github.com/google/go-cmp/cmp"
)

var schemaFleet = Scope{Schemas: true, Tenant: func(s string) bool { return strings.HasPrefix(s, "t_") }}

// lintOf returns rule:line:col of each finding.
func lintOf(t *testing.T, sections string, scope Scope) []string {
	t.Helper()
	var got []string
	for _, f := range Lint(body(t, sections, Postgres), scope) {
		if f.Revision != "a" || f.File != "a_.sql" || f.Message == "" || f.Advice == "" {
			t.Errorf("%+v", f)
		}
		got = append(got, fmt.Sprintf("%s:%d:%d", f.Rule, f.Line, f.Col))
	}
	return got
}

func TestLintFindsWhatReachesFurtherThanATenant(t *testing.T) {
	t.Parallel()
	for rule, statements := range map[string][]string{
		RuleServerWide: {
			"CREATE ROLE r", "ALTER ROLE r SET a = 1", "DROP USER r", "CREATE GROUP g", "ALTER DATABASE d SET a = 1", "COMMENT ON DATABASE d IS ''", "COMMENT ON ROLE r IS ''",
			"GRANT a TO b", "REVOKE a FROM b", "GRANT CONNECT ON DATABASE d TO r",
		},
		RuleDatabaseWide: {
			"CREATE EVENT TRIGGER e ON ddl_command_end EXECUTE FUNCTION f()", "CREATE PUBLICATION p FOR TABLE t", "DROP SUBSCRIPTION s", "CREATE SERVER s FOREIGN DATA WRAPPER w",
			"CREATE FOREIGN DATA WRAPPER w", "CREATE USER MAPPING FOR r SERVER s", "CREATE TRUSTED LANGUAGE l", "CREATE OR REPLACE PROCEDURAL LANGUAGE l", "CREATE CAST (a AS b) WITHOUT FUNCTION",
			"ALTER DEFAULT PRIVILEGES GRANT SELECT ON TABLES TO r", "REASSIGN OWNED BY a TO b", "DROP OWNED BY a", "SECURITY LABEL ON TABLE t IS 'x'", "CREATE SCHEMA s", "DROP SCHEMA IF EXISTS s",
			"ALTER EXTENSION e UPDATE", "DROP EXTENSION e",
		},
		RuleQualifiedName: {
			"CREATE TABLE public.t (a int)", "CREATE UNLOGGED TABLE IF NOT EXISTS public.t (a int)", "ALTER TABLE ONLY public.t ADD a int", "CREATE UNIQUE INDEX i ON public.t (a)",
			"CREATE OR REPLACE FUNCTION public.f() RETURNS int LANGUAGE sql RETURN 1", "CREATE TRIGGER g BEFORE INSERT ON public.t EXECUTE FUNCTION f()", "DROP TABLE a, public.b",
			"CREATE VIEW other.v AS SELECT 1", "CREATE MATERIALIZED VIEW public.v AS SELECT 1", `CREATE TYPE "public".e AS ENUM ()`, "ALTER TABLE t SET SCHEMA public", "CREATE SEQUENCE public.s",
			"COMMENT ON TABLE public.t IS ''", "COMMENT ON COLUMN public.t.a IS ''", "GRANT SELECT ON public.t TO r", "GRANT USAGE ON SCHEMA public TO r", "GRANT SELECT ON ALL TABLES IN SCHEMA public TO r",
			"CREATE OPERATOR public.+ (FUNCTION = f)", "CREATE POLICY p ON public.t", "CREATE DOMAIN public.d AS int", "DROP INDEX CONCURRENTLY public.i", "CREATE TEXT SEARCH CONFIGURATION public.c (PARSER = x)",
			"ALTER DEFAULT PRIVILEGES IN SCHEMA public GRANT SELECT ON TABLES TO r", "CREATE RULE r AS ON INSERT TO t DO ALSO NOTHING; DROP TABLE public.t",
		},
		RuleExtensionSchema: {
			"CREATE EXTENSION citext", "CREATE EXTENSION IF NOT EXISTS citext CASCADE", "CREATE EXTENSION citext WITH SCHEMA t_1", `CREATE EXTENSION "uuid-ossp" SCHEMA "t_2"`,
			"DO $$ BEGIN CREATE EXTENSION IF NOT EXISTS citext; END $$",
		},
	} {
		for _, text := range statements {
			marker := "-- upgrade\n"
			if strings.Contains(text, "CONCURRENTLY") {
				marker = "-- upgrade: no-transaction\n"
			}
			got := lintOf(t, marker+text, schemaFleet)
			if len(got) != 1 || !strings.HasPrefix(got[0], rule+":4:") {
				t.Errorf("%s: %v, want %s", text, got, rule)
			}
			if got := lintOf(t, marker+text, Scope{}); len(got) > 0 {
				t.Errorf("%s, where tenants are databases: %v", text, got)
			}
		}
	}
}

func TestLintLeavesAloneWhatBelongsToTheTenant(t *testing.T) {
	t.Parallel()
	for _, text := range []string{
		"CREATE TABLE t (a int REFERENCES public.plans, b public.citext)", "CREATE VIEW v AS SELECT * FROM public.plans", "ALTER TABLE t ADD a int", "CREATE EXTENSION citext WITH SCHEMA extensions",
		"CREATE EXTENSION IF NOT EXISTS citext SCHEMA public VERSION '1'", "INSERT INTO public.audit VALUES (1)", "CREATE TEMP TABLE x (a int)", "CREATE TABLE pg_temp.x (a int)", "GRANT SELECT ON t TO r",
		"CREATE TABLE text (a int)", "DROP TABLE a, b", "COMMENT ON TABLE t IS 'public.t'", "CREATE TRIGGER g BEFORE INSERT ON t EXECUTE FUNCTION public.f()", "CREATE INDEX i ON t (public.f(a))",
		"DO $$ BEGIN PERFORM 'CREATE'; END $$", "-- CREATE ROLE r\nSELECT 'CREATE ROLE r'",
	} {
		if got := lintOf(t, "-- upgrade\n"+text, schemaFleet); len(got) > 0 {
			t.Errorf("%s: %v", text, got)
		}
	}
	if got := lintOf(t, "-- upgrade: template\nALTER TABLE {{ ident .Tenant.Schema }}.t ADD a int;\n  DROP TABLE public.a", schemaFleet); !cmp.Equal(got, []string{"qualified-name:5:14"}) {
		t.Errorf("template: %v", got)
	}
}

func TestNotesSilenceFindingsAndUnusedOnesAreFindings(t *testing.T) {
	t.Parallel()
	got := lintOf(t, `-- skein:ignore server-wide: the role is ours
-- skein:ignore database-wide: nothing here
-- upgrade
CREATE ROLE r;
CREATE TABLE public.t (a int);
-- skein:ignore qualified-name: one for all
-- skein:ignore drop-column: old rule
-- downgrade
-- skein:touches public.*
DROP ROLE r; DROP TABLE public.t;
`, schemaFleet)
	if diff := cmp.Diff([]string{"unused-ignore:4:0", "unused-ignore:9:0"}, got); diff != "" {
		t.Error(diff)
	}
	if got := lintOf(t, "-- skein:ignore server-wide: x\n-- upgrade\n", Scope{}); len(got) > 0 {
		t.Errorf("a rule that is not asked: %v", got)
	}
	if got := lintOf(t, "-- skein:ignore extension-schema: relocated by hand\n-- upgrade\nCREATE EXTENSION x", schemaFleet); len(got) > 0 {
		t.Errorf("an error that is meant: %v", got)
	}
}

func TestNamesThatTheServerCutsAreErrors(t *testing.T) {
	t.Parallel()
	long, fits := strings.Repeat("n", 64), strings.Repeat("n", 63)
	wide := strings.Repeat("é", 32) // 64 bytes in 32 characters
	for _, text := range []string{
		"CREATE TABLE %s (a int)", "CREATE TABLE t (%s int)", "CREATE INDEX %s ON t (a)", "ALTER TABLE t ADD CONSTRAINT %s CHECK (a > 0)", "ALTER TABLE t ADD COLUMN %s int", "ALTER TABLE t RENAME TO %s",
		"ALTER TABLE t RENAME a TO %s", "CREATE FUNCTION %s() RETURNS int LANGUAGE sql RETURN 1", "CREATE TYPE %s AS (a int)", "ALTER TYPE t RENAME VALUE 'a' TO 'b'; CREATE SEQUENCE %s",
		"CREATE POLICY %s ON t", "CREATE TRIGGER %s BEFORE INSERT ON t EXECUTE FUNCTION f()", "CREATE VIEW v AS SELECT 1 AS %s", "ALTER INDEX i RENAME TO %s",
	} {
		for name, bad := range map[string]bool{
			long: true, fits: false, `"` + long + `"`: true, `"` + fits + `"`: false, wide: true, `U&"` + strings.Repeat(`\00e9`, 31) + `"`: false, `U&"` + strings.Repeat(`\00e9`, 32) + `"`: true,
			`"` + strings.Repeat(`""`, 40) + `"`: false,
		} {
			for _, scope := range []Scope{{}, schemaFleet} {
				got := lintOf(t, "-- upgrade\n"+fmt.Sprintf(text, name), scope)
				if bad != (len(got) == 1 && strings.HasPrefix(got[0], "long-name:4:")) {
					t.Errorf("%s: %v", fmt.Sprintf(text, name), got)
				}
			}
		}
	}
	for _, text := range []string{
		"COMMENT ON TABLE t IS '%s'", "-- %s\nSELECT 1", "CREATE TABLE t (a text DEFAULT '%s')", "ALTER TABLE t DROP CONSTRAINT %s", "ALTER TABLE t RENAME %s TO short", "DROP TABLE %s",
		"CREATE FUNCTION f() RETURNS int LANGUAGE sql AS $$ SELECT 1 AS %s $$", "SELECT 1 AS %s",
	} {
		if got := lintOf(t, "-- upgrade\n"+fmt.Sprintf(text, long), Scope{}); len(got) > 0 {
			t.Errorf("%s: %v", text, got)
		}
	}
	f := Lint(body(t, "-- upgrade\nCREATE INDEX\n  "+long+" ON t (a)", Postgres), Scope{})
	if len(f) != 1 || !f[0].Error || f[0].Line != 5 || f[0].Col != 3 || !strings.Contains(f[0].Message, fits+`"`) || !strings.Contains(f[0].Message, "64 bytes") {
		t.Errorf("%+v", f)
	}
	if r := body(t, "-- upgrade\nCREATE TABLE "+long+" (a int)", SQLite); len(Lint(r, Scope{})) > 0 {
		t.Error("SQLite keeps names whole")
	}
}

func TestCreatedExtensionsHaveTheSchemaThatIsNamed(t *testing.T) {
	t.Parallel()
	for text, want := range map[string][]Name{
		"CREATE EXTENSION Citext": {{"", "citext"}}, `CREATE EXTENSION "A-b" WITH SCHEMA "S" CASCADE`: {{"S", "A-b"}}, "SELECT 'CREATE EXTENSION x'": nil,
		"DO $$BEGIN CREATE EXTENSION a; CREATE EXTENSION b SCHEMA s; END$$": {{"", "a"}, {"s", "b"}},
	} {
		var got []Name
		for _, e := range extensions(text, 0) {
			got = append(got, Name{Schema: e.schema, Name: e.name})
		}
		if diff := cmp.Diff(want, got); diff != "" {
			t.Errorf("%s: %s", text, diff)
		}
	}
}

func TestLintFindsActionsOutsideOfTemplates(t *testing.T) {
	t.Parallel()
	for text, want := range map[string][]string{
		"INSERT INTO t VALUES ('{{ .Tenant.ID }}')":                  {"template-option:4:24"},
		"SELECT 1,\n  {{ literal .X.key }}":                          {"template-option:5:3"},
		"INSERT INTO t VALUES ('{{1,2},{3,4}}'), ('{{ mustache }}')": nil,
	} {
		if diff := cmp.Diff(want, lintOf(t, "-- upgrade\n"+text, Scope{})); diff != "" {
			t.Errorf("%s:\n%s", text, diff)
		}
	}
}
