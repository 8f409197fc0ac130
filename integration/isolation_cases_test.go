package integration_test

import (
	"fmt"
	"net/url"
	"os"
	"path/filepath"
	"slices"
	"strings"
	"testing"

	"github.com/skeindb/skein/integration/pgtest"
	"github.com/skeindb/skein/integration/skeintest"
	"github.com/skeindb/skein/integration/sqlitetest"
)

// What users saw of one tenant touching another, each by inputs of its kind, through the built binary.

const fewSchemas = `{server: main, include_schemas: ["tenant_*"]}`

// schemasOf is a project over n schemas of a database, in which tail follows them on the search path. Each revision
// revises the one before; r1, r2 … are their ids.
func schemasOf(t *testing.T, n int, tail, shared string, bodies ...string) (p *skeintest.Project, url string, tenants []string) {
	t.Helper()
	url, _ = pgtest.Database(t, pgtest.Server(t))
	if shared != "" {
		pgtest.Exec(t, url, shared)
	}
	tenants = pgtest.Schemas(t, url, "tenant_", n)
	p = skeintest.New(t, projectAt(url, tail), nil)
	writeChain(p, bodies...)
	return p, url, tenants
}

// projectAt runs tenants one after another on one connection, and continues after failures.
func projectAt(url, tail string) string {
	config := oneServer(url, fewSchemas)
	if tail != "" {
		config = strings.Replace(config, "    url:", "    search_path: "+tail+"\n    url:", 1)
	}
	return config + "rollout: {max_failures: 100%, systemic: 0, per_server: 1, retry: {attempts: 1}}\n"
}

func writeChain(p *skeintest.Project, bodies ...string) {
	before := "none"
	for n, body := range bodies {
		id := fmt.Sprintf("r%d", n+1)
		p.Write("migrations/"+id+"_step.sql", revisionFile(id, before, body, "SELECT 1;"))
		before = id
	}
}

// wantRefused fails the test unless exactly these tenants failed, by the guard or for want of the object.
func wantRefused(t *testing.T, r skeintest.Report, tenants ...string) {
	t.Helper()
	var failed []string
	for _, f := range r.Failed {
		failed = append(failed, f.Tenant)
		if f.Class != "guard" && (f.Class != "revision" || !slices.Contains(undefinedStates, f.SQLState)) {
			t.Errorf("%s failed with %s %s: %s", f.Tenant, f.Class, f.SQLState, f.Error)
		}
	}
	slices.Sort(failed)
	for n, f := range failed {
		failed[n] = f[strings.LastIndexByte(f, '/')+1:]
	}
	if !slices.Equal(failed, tenants) {
		t.Errorf("refused: %q, want %q", failed, tenants)
	}
}

// reportOf is the report of an upgrade. A plan that is refused before anything is touched has none; then message is the
// error.
func reportOf(r skeintest.Result) (report skeintest.Report, message string) {
	if !strings.Contains(r.Stdout, `"kind":"report"`) {
		return skeintest.Report{Exit: r.Code}, r.Stdout + r.Stderr
	}
	report = r.Report()
	for _, f := range report.Failed {
		message += f.Error + " " + f.Hint + "\n"
	}
	return report, message
}

// wantOneLine fails the test unless a query has this one row.
func wantOneLine(t *testing.T, url, what, sql, want string) {
	t.Helper()
	if got := strings.Join(pgtest.QueryRows(t, url, sql), "\n"); got != want {
		t.Errorf("%s: %q, want %q", what, got, want)
	}
}

func TestTextIsStoredAsTheFileHasIt(t *testing.T) {
	t.Parallel()
	server := pgtest.Server(t)
	base, name := pgtest.Database(t, server)
	var urls []string
	for _, encoding := range []string{"LATIN1", "UTF8"} {
		db := name + "_" + strings.ToLower(encoding)
		pgtest.Exec(t, base, fmt.Sprintf("CREATE DATABASE %s TEMPLATE template0 ENCODING '%s' LC_COLLATE 'C' LC_CTYPE 'C'", db, encoding),
			"ALTER DATABASE "+db+" SET client_encoding = 'LATIN1'")
		t.Cleanup(func() { pgtest.Exec(t, base, "DROP DATABASE "+db+" WITH (FORCE)") })
		urls = append(urls, server.DatabaseURL(db)+"&client_encoding=UTF8")
	}
	p := skeintest.New(t, oneServer(base, fmt.Sprintf(`{server: main, include_databases: ["%s_*"]}`, name))+"rollout: {max_failures: 100%, systemic: 0}\n", nil)
	writeChain(p, "CREATE TABLE words (w text);\nINSERT INTO words VALUES ('smörgåsbord');")
	p.Must(0, "upgrade", "--json")
	for _, u := range urls {
		wantOneLine(t, u, "the word", "SELECT w, length(w) FROM words", "smörgåsbord|11")
	}

	p.Write("migrations/r2_step.sql", revisionFile("r2", "r1", "SELECT 1;\n\nINSERT INTO words VALUES ('雪');", ""))
	report := p.Must(2, "upgrade", "--json").Report()
	if len(report.Failed) != 1 || report.Failed[0].Revision != "r2" || report.Failed[0].Line != 8 {
		t.Errorf("a character that LATIN1 lacks: %+v, want it in line 8 of r2", report.Failed)
	}
	wantOneLine(t, urls[1], "in UTF8", "SELECT w, length(w) FROM words WHERE length(w) = 1", "雪|1")
}

func TestAnErrorHasItsLineWhateverTheEncoding(t *testing.T) {
	t.Parallel()
	server := pgtest.Server(t)
	base, name := pgtest.Database(t, server)
	db := name + "_ascii"
	pgtest.Exec(t, base, "CREATE DATABASE "+db+" TEMPLATE template0 ENCODING 'SQL_ASCII' LC_COLLATE 'C' LC_CTYPE 'C'")
	t.Cleanup(func() { pgtest.Exec(t, base, "DROP DATABASE "+db+" WITH (FORCE)") })
	p := skeintest.New(t, oneServer(base, fmt.Sprintf(`{server: main, include_databases: ["%s"]}`, db)), nil)
	writeChain(p, "CREATE TABLE words (w text);\nINSERT INTO words VALUES ('Žluťoučký kůň úpěl ďábelské ódy');\n\n\nSELEC 1;\n\nSELECT 2;\nSELECT 3;")
	report, message := reportOf(p.Run("upgrade", "--json"))
	if len(report.Failed) != 1 || report.Failed[0].Line != 10 {
		t.Errorf("%+v, want line 10\n%s", report.Failed, message)
	}
}

func TestNothingOfTheWayDownRunsOnTheWayUp(t *testing.T) {
	t.Parallel()
	for n, marker := range []string{
		"-- downgrade!", "-- downgrade:;", "-- downgrade -- undo", "-- DOWNGRADE (the way back)", "---downgrade", "\t-- downgrade",
		"-- downgrade\u00a0\u00a0", "-- downgrade section", "-- +goose Down", "-- migrate:down", "-- +migrate Down", "---- create above / drop below ----",
	} {
		t.Run(fmt.Sprint(n), func(t *testing.T) {
			t.Parallel()
			dir := filepath.Join(t.TempDir(), "data")
			file := sqlitetest.Files(t, dir, 1)[0]
			p := skeintest.New(t, "fleet: acme\ntenants:\n  - {glob: \""+filepath.ToSlash(dir)+"/*.db\"}\n", nil)
			p.Write("migrations/r1_step.sql", "-- revision: r1\n-- revises: none\n\n-- upgrade\nCREATE TABLE kept (id integer PRIMARY KEY);\n\n"+marker+"\nDROP TABLE kept;\n")
			check, upgrade := p.Run("check"), p.Run("upgrade", "-q")
			if check.Code == 0 {
				if got := sqlitetest.QueryRows(t, file, "SELECT count(*) FROM sqlite_schema WHERE name = 'kept'"); upgrade.Code != 0 || got[0] != "1" {
					t.Errorf("%q: check is content, upgrade ends with %d, and %s tables are there", marker, upgrade.Code, got)
				}
				return
			}
			if check.Code != 1 || upgrade.Code != 1 || !strings.Contains(check.Stderr+check.Stdout, "r1_step.sql:7") {
				t.Errorf("%q: check %d, upgrade %d, want 1 and line 7:\n%s", marker, check.Code, upgrade.Code, check.Stderr+check.Stdout)
			}
		})
	}
}

func TestQualifiedNameDoesNotExcuseTheBareOne(t *testing.T) {
	t.Parallel()
	p, url, tenants := schemasOf(t, 3, "[public]", "CREATE TABLE public.prices (id integer, eur integer); INSERT INTO public.prices VALUES (1, 10)",
		"UPDATE prices AS p SET eur = q.eur + 1 FROM public.prices AS q WHERE q.id = p.id;")
	pgtest.Exec(t, url, "CREATE TABLE tenant_0002.prices (id integer, eur integer); INSERT INTO tenant_0002.prices VALUES (1, 1)")
	report, _ := reportOf(p.Run("upgrade", "--json"))
	wantRefused(t, report, tenants[0], tenants[2])
	wantOneLine(t, url, "public", "SELECT eur FROM public.prices", "10")
	wantOneLine(t, url, "the tenant", "SELECT eur FROM tenant_0002.prices", "11")
}

func TestNoTenantIsOnTheSearchPathOfAnother(t *testing.T) {
	t.Parallel()
	if pgtest.Scalar[int](t, pgtest.Server(t).URL, "SELECT count(*) FROM pg_available_extensions WHERE name = 'lo'") == 0 {
		t.Fatal("the server has no extensions of contrib: install them")
	}
	t.Run("an extension of a revision does not go into the first tenant", func(t *testing.T) {
		t.Parallel()
		p, url, _ := schemasOf(t, 3, "auto", "", "CREATE EXTENSION IF NOT EXISTS lo;")
		check, upgrade := p.Run("check"), p.Run("upgrade", "--json")
		if check.Code == 0 || upgrade.Code == 0 {
			t.Errorf("check ends with %d, upgrade with %d", check.Code, upgrade.Code)
		}
		wantText(t, "the advice", check.Stdout+check.Stderr, "lo", "r1_step.sql", "SCHEMA")
		wantOneLine(t, url, "where it is", "SELECT extnamespace::regnamespace FROM pg_extension WHERE extname = 'lo'", "")
	})
	t.Run("an extension that is in a tenant lends its tables to no other", func(t *testing.T) {
		t.Parallel()
		p, url, tenants := schemasOf(t, 3, "auto", "", "CREATE TABLE mailing AS SELECT email FROM users;", ": no-transaction\nUPDATE users SET email = 'changed';")
		pgtest.Exec(t, url, "CREATE EXTENSION lo SCHEMA tenant_0002; CREATE TABLE tenant_0001.users (email text); CREATE TABLE tenant_0002.users (email text); INSERT INTO tenant_0002.users VALUES ('SECRET')")
		plan := p.Run("plan")
		wantText(t, "the plan", plan.Stdout+plan.Stderr, "lo", "tenant_0002")
		report, message := reportOf(p.Run("upgrade", "--json"))
		if report.Exit == 0 {
			t.Errorf("tenant_0003 has no users, and the upgrade ends with 0: %s", message)
		}
		for _, tenant := range []string{tenants[0], tenants[2]} {
			if pgtest.Scalar[bool](t, url, "SELECT to_regclass($1) IS NOT NULL", tenant+".mailing") {
				wantOneLine(t, url, tenant, "SELECT count(*) FROM "+tenant+".mailing WHERE email = 'SECRET'", "0")
			}
		}
		wantOneLine(t, url, "rows", "SELECT count(*) FROM tenant_0002.users WHERE email NOT IN ('SECRET', 'changed')", "0")
	})
}

func TestATriggerThatNamesItsTableIsNamed(t *testing.T) {
	t.Parallel()
	const shared = `CREATE SCHEMA audit; CREATE TABLE audit.trail (what text); CREATE TABLE public.plans (id integer);
		CREATE FUNCTION audit.note_it() RETURNS trigger LANGUAGE plpgsql AS $$ BEGIN INSERT INTO audit.trail VALUES (TG_TABLE_SCHEMA); RETURN NEW; END $$`
	p, url, _ := schemasOf(t, 1, "[public]", shared, "INSERT INTO goods VALUES (1);")
	pgtest.Exec(t, url, "CREATE TABLE tenant_0001.goods (id integer); CREATE TRIGGER on_goods AFTER INSERT ON tenant_0001.goods FOR EACH ROW EXECUTE FUNCTION audit.note_it()")
	if report, message := reportOf(p.Run("upgrade", "--json")); report.Exit != 0 {
		wantText(t, "the error", message, "audit.trail", "on_goods")
		if strings.Contains(message, "a name that the tenant lacks") {
			t.Errorf("no name is lacking: %s", message)
		}
	}
	p.Write("skein.yaml", projectAt(url, "[public]")+"guards: {touches: [\"audit.*\"]}\n")
	p.Must(0, "upgrade")
	wantOneLine(t, url, "the trail", "SELECT * FROM audit.trail", "tenant_0001")
}

func TestALaterTransactionIsGuardedAsTheFirst(t *testing.T) {
	t.Parallel()
	for name, marker := range map[string]string{"own-transaction": ": own-transaction", "no-transaction": ": no-transaction"} {
		t.Run(name, func(t *testing.T) {
			t.Parallel()
			p, url, tenants := schemasOf(t, 2, "[public]", "CREATE TABLE public.journal (line text)",
				"CREATE FUNCTION write_it() RETURNS void LANGUAGE plpgsql AS $$ BEGIN INSERT INTO journal VALUES ('x'); END $$;",
				marker+"\nSELECT write_it();")
			report, _ := reportOf(p.Run("upgrade", "--json"))
			wantRefused(t, report, tenants...)
			wantOneLine(t, url, "the journal", "SELECT count(*) FROM public.journal", "0")
		})
	}
}

func TestSharedObjectsOfEveryKindAreLeftAlone(t *testing.T) {
	t.Parallel()
	const shared = `CREATE DOMAIN public.percent AS integer CONSTRAINT small CHECK (VALUE < 101); CREATE COLLATION public.ordering (LOCALE = 'C');
		CREATE TABLE public.pairs (a integer, b integer); CREATE STATISTICS public.of_pairs ON a, b FROM public.pairs; CREATE TEXT SEARCH CONFIGURATION public.lookup (COPY = pg_catalog.simple)`
	for n, body := range []string{
		"ALTER DOMAIN percent DROP CONSTRAINT small;", "DROP DOMAIN IF EXISTS percent;", "DROP COLLATION IF EXISTS ordering;",
		"DROP STATISTICS IF EXISTS of_pairs;", "ALTER TEXT SEARCH CONFIGURATION lookup DROP MAPPING FOR word;", "DROP TEXT SEARCH CONFIGURATION IF EXISTS lookup;",
	} {
		t.Run(fmt.Sprint(n), func(t *testing.T) {
			t.Parallel()
			p, url, tenants := schemasOf(t, 1, "[public]", shared, body)
			before := pgtest.Dump(t, url, "public")
			report, _ := reportOf(p.Run("upgrade", "--json"))
			wantRefused(t, report, tenants...)
			if after := pgtest.Dump(t, url, "public"); after != before {
				t.Errorf("%s changed public", body)
			}
		})
	}
}

func TestStatementsOutsideATransactionStayInTheTenant(t *testing.T) {
	t.Parallel()
	p, url, tenants := schemasOf(t, 2, "[public]", "CREATE TABLE public.people (email text); CREATE INDEX people_email ON public.people (email); INSERT INTO public.people VALUES ('a@b')",
		": no-transaction\nDROP INDEX CONCURRENTLY IF EXISTS people_email;\nCREATE INDEX CONCURRENTLY people_lower ON people (lower(email));\nUPDATE people SET email = 'gone';")
	pgtest.Exec(t, url, "CREATE TABLE tenant_0001.people (email text); CREATE INDEX people_email ON tenant_0001.people (email); INSERT INTO tenant_0001.people VALUES ('c@d')")
	before := dumpWithRows(t, url, "public")
	report, _ := reportOf(p.Run("upgrade", "--json"))
	wantRefused(t, report, tenants[1])
	if after := dumpWithRows(t, url, "public"); after != before {
		t.Errorf("public was changed:\n%s\nwas\n%s", after, before)
	}
	wantOneLine(t, url, "the tenant", "SELECT email, (SELECT string_agg(indexname, ' ') FROM pg_indexes WHERE schemaname = 'tenant_0001' AND tablename = 'people') FROM tenant_0001.people", "gone|people_lower")
}

func TestReadsDoNotFallThrough(t *testing.T) {
	t.Parallel()
	for n, body := range []string{
		"CREATE TABLE report AS SELECT * FROM staff;", "CREATE TABLE report (id bigint DEFAULT nextval('ticket_seq'));", "CREATE TABLE report (name text);\nINSERT INTO report SELECT name FROM staff;",
		"CREATE VIEW report AS SELECT * FROM staff;", "CREATE TABLE report (id bigint);\nINSERT INTO report SELECT nextval('ticket_seq'::regclass);",
	} {
		t.Run(fmt.Sprint(n), func(t *testing.T) {
			t.Parallel()
			p, url, tenants := schemasOf(t, 2, "[public]", "CREATE TABLE public.staff (name text); INSERT INTO public.staff VALUES ('SECRET'); CREATE SEQUENCE public.ticket_seq", body)
			pgtest.Exec(t, url, "CREATE TABLE tenant_0002.staff (name text); CREATE SEQUENCE tenant_0002.ticket_seq")
			report, _ := reportOf(p.Run("upgrade", "--json"))
			wantRefused(t, report, tenants[0])
			wantOneLine(t, url, "tenant_0001.report", "SELECT to_regclass('tenant_0001.report')", "")
			wantOneLine(t, url, "the sequence", "SELECT is_called FROM public.ticket_seq", "f")
			wantOneLine(t, url, "tenant_0002.report", "SELECT to_regclass('tenant_0002.report') IS NOT NULL", "t")
		})
	}
}

func TestTheSchemaOfAnotherTenantIsRefused(t *testing.T) {
	t.Parallel()
	for name, body := range map[string]string{
		"rows":  "UPDATE tenant_0002.customers SET name = 'changed';",
		"index": "CREATE INDEX by_name ON tenant_0002.customers (name);",
		"read":  "CREATE TABLE copied AS SELECT * FROM tenant_0002.customers;",
	} {
		t.Run(name, func(t *testing.T) {
			t.Parallel()
			p, url, tenants := schemasOf(t, 2, "", "", "CREATE TABLE IF NOT EXISTS made (id integer);\n"+body)
			pgtest.Exec(t, url, "CREATE TABLE tenant_0001.customers (name text); CREATE TABLE tenant_0002.customers (name text); INSERT INTO tenant_0002.customers VALUES ('kept')")
			report, _ := reportOf(p.Run("upgrade", "--json", "--max-failures", "100%", "-t", "id="+tenants[0]))
			wantRefused(t, report, tenants[0])
			wantOneLine(t, url, "the other tenant's row", "SELECT name FROM tenant_0002.customers", "kept")
			wantOneLine(t, url, "the other tenant's indexes", "SELECT count(*) FROM pg_indexes WHERE schemaname = 'tenant_0002'", "0")
			wantOneLine(t, url, "tenant_0001.copied", "SELECT to_regclass('tenant_0001.copied')", "")
		})
	}
}

// It shows a limit that SECURITY.md states.
func TestWhatAFunctionOrDefaultNamesItselfIsMeant(t *testing.T) {
	t.Parallel()
	p, url, _ := schemasOf(t, 2, "", "", "INSERT INTO seen SELECT look();\nINSERT INTO drawn DEFAULT VALUES;")
	for _, schema := range []string{"tenant_0001", "tenant_0002"} {
		pgtest.Exec(t, url, strings.ReplaceAll("CREATE TABLE $s.seen (name text); CREATE TABLE $s.names (name text); INSERT INTO $s.names VALUES ('$s'); CREATE SEQUENCE $s.nr; "+
			"CREATE FUNCTION $s.look() RETURNS text LANGUAGE sql SET search_path = tenant_0001 AS 'SELECT name FROM names'; CREATE TABLE $s.drawn (n bigint DEFAULT nextval('tenant_0001.nr'))", "$s", schema))
	}
	report, _ := reportOf(p.Run("upgrade", "--json"))
	wantRefused(t, report)
	wantOneLine(t, url, "what the function saw", "SELECT name FROM tenant_0002.seen", "tenant_0001")
	wantOneLine(t, url, "what was drawn", "SELECT last_value FROM tenant_0001.nr", "2")
}

func TestOutputOfPgDumpIsNoticed(t *testing.T) {
	t.Parallel()
	const table = "CREATE TABLE public.customers (id integer);\nALTER TABLE public.customers OWNER TO CURRENT_USER;"
	for name, body := range map[string]string{
		"with its search path": "SELECT pg_catalog.set_config('search_path', '', false);\n" + table,
		"without":              table,
	} {
		t.Run(name, func(t *testing.T) {
			t.Parallel()
			p, url, _ := schemasOf(t, 2, "", "", body, "CREATE TABLE orders (id integer);")
			check := p.Run("check")
			wantText(t, "what check says", check.Stdout+check.Stderr, "r1_step.sql:6")
			if check.Code == 0 {
				wantText(t, "what check says", check.Stdout+check.Stderr, "public.customers")
			}
			p.Run("upgrade", "--json")
			wantOneLine(t, url, "tables that are not where they belong", "SELECT count(*) FROM pg_tables WHERE tablename = 'orders' AND schemaname NOT LIKE 'tenant%'", "0")
			recorded := pgtest.Scalar[int](t, url, "SELECT count(*) FROM pg_tables WHERE tablename = 'skein_version'")
			if tables := pgtest.Scalar[int](t, url, "SELECT count(*) FROM pg_tables WHERE tablename = 'customers'"); tables == 1 && recorded == 2 {
				t.Error("two tenants are recorded, and there is one table, in public")
			}
		})
	}
}

func TestNothingIsLeftBehindAPooler(t *testing.T) {
	t.Parallel()
	url, _ := pgtest.Database(t, pgtest.Server(t))
	tenants := pgtest.Schemas(t, url, "tenant_", 12)
	for _, tenant := range tenants {
		pgtest.Exec(t, url, "CREATE TABLE "+tenant+".goods (id integer, name text); INSERT INTO "+tenant+".goods VALUES (1, 'old')")
	}
	pooled := newTransactionPooler(t, url)
	p := skeintest.New(t, oneServer(pooled, fewSchemas)+"rollout: {max_failures: 100%, systemic: 0}\n", nil)
	writeChain(p, "CREATE TEMP TABLE pick AS SELECT id FROM goods;\nUPDATE goods SET name = 'new' WHERE id IN (SELECT id FROM pick);",
		"DO $$ BEGIN CREATE TEMP TABLE pick2 AS SELECT id FROM goods; PERFORM set_config('work_mem', '5MB', false); END $$;")
	report, message := reportOf(p.Run("upgrade", "--json"))
	switch {
	case report.Exit == 0:
		wantEach(t, "names", "new", inEach(t, url, tenants, "SELECT string_agg(name, ',') FROM %s.goods"))
	case report.Exit == 1:
		wantText(t, "the way out", message, "direct_url")
		wantEach(t, "names", "old", inEach(t, url, tenants, "SELECT string_agg(name, ',') FROM %s.goods"))
	default:
		t.Errorf("%d: %s", report.Exit, message)
	}
	wantOneLine(t, url, "temporary tables", "SELECT count(*) FROM pg_class WHERE relpersistence = 't'", "0")
	wantCleanSessions(t, pooled)
}

func TestTheRoleIsPutBackAfterARevision(t *testing.T) {
	t.Parallel()
	p, url, tenants := schemasOf(t, 2, "", "", "", "")
	role := "r_" + pgtest.Scalar[string](t, url, "SELECT current_database()")
	pgtest.Exec(t, url, "CREATE ROLE "+role)
	t.Cleanup(func() { pgtest.Exec(t, url, "DROP OWNED BY "+role, "DROP ROLE "+role) })
	for _, tenant := range tenants {
		pgtest.Exec(t, url, "GRANT ALL ON SCHEMA "+tenant+" TO "+role)
	}
	writeChain(p, "SET LOCAL SESSION AUTHORIZATION "+role+";\nCREATE TABLE theirs (id integer);", "CREATE TABLE ours (id integer);", "DO $$ BEGIN SET ROLE "+role+"; END $$;", "CREATE TABLE ours2 (id integer);")
	p.Must(0, "upgrade", "--json")
	wantEach(t, "owners", "ours ours2", inEach(t, url, tenants, "SELECT string_agg(relname, ' ' ORDER BY relname) FROM pg_class WHERE relkind = 'r' AND relname LIKE 'ours%%' AND relnamespace = '%s'::regnamespace AND relowner <> '"+role+"'::regrole"))
}

func TestTheSearchPathIsPutBackAfterARevision(t *testing.T) {
	t.Parallel()
	for name, marker := range map[string]string{"chain": "", "own transaction": ": own-transaction\n", "no transaction": ": no-transaction\n"} {
		t.Run(name, func(t *testing.T) {
			t.Parallel()
			p, url, tenants := schemasOf(t, 2, "", "", "SELECT wander(false);", marker+"CREATE TABLE IF NOT EXISTS carts (id integer);", "SELECT wander(true);", marker+"CREATE TABLE IF NOT EXISTS bags (id integer);")
			for _, tenant := range tenants {
				pgtest.Exec(t, url, "CREATE FUNCTION "+tenant+".wander(local boolean) RETURNS text LANGUAGE plpgsql AS $$ BEGIN RETURN set_config('search_path', 'public', local); END $$")
			}
			p.Must(0, "upgrade", "--json")
			wantOneLine(t, url, "tables", "SELECT string_agg(schemaname || '.' || tablename, ' ' ORDER BY 1) FROM (SELECT schemaname, tablename FROM pg_tables WHERE tablename IN ('carts', 'bags') ORDER BY 1, 2) AS x",
				"tenant_0001.bags tenant_0001.carts tenant_0002.bags tenant_0002.carts")
		})
	}
}

func TestSettingsDoNotReachTheNextTenant(t *testing.T) {
	t.Parallel()
	for name, body := range map[string]string{
		"DO":       "DO $$ BEGIN SET session_replication_role = replica; END $$;",
		"function": "CREATE FUNCTION quiet() RETURNS text LANGUAGE sql AS $$ SELECT set_config('session_replication_role', 'replica', false) $$;\nSELECT quiet();",
		"default":  "CREATE TABLE odd (id integer, s text DEFAULT set_config('session_replication_role', 'replica', false));\nINSERT INTO odd (id) VALUES (1);",
		"trigger":  "CREATE TABLE odd (id integer);\nCREATE FUNCTION quiet() RETURNS trigger LANGUAGE plpgsql AS $$ BEGIN SET session_replication_role = replica; RETURN NEW; END $$;\nCREATE TRIGGER q BEFORE INSERT ON odd FOR EACH ROW EXECUTE FUNCTION quiet();\nINSERT INTO odd VALUES (1);",
		"limits":   "DO $$ BEGIN SET statement_timeout = '1ms'; SET default_transaction_read_only = on; SET session_replication_role = replica; END $$;",
	} {
		t.Run(name, func(t *testing.T) {
			t.Parallel()
			p, url, tenants := schemasOf(t, 3, "", "", body)
			for _, tenant := range tenants {
				pgtest.Exec(t, url, "CREATE TABLE "+tenant+".heads (id integer PRIMARY KEY); CREATE TABLE "+tenant+".tails (h integer REFERENCES "+tenant+".heads)")
			}
			p.Must(0, "upgrade", "-t", "id="+tenants[0])
			p.Write("migrations/r2_step.sql", revisionFile("r2", "r1", ": own-transaction\nINSERT INTO tails VALUES (999);", ""))
			report := p.Must(2, "upgrade", "--json").Report()
			if len(report.Failed) != 3 || slices.ContainsFunc(report.Failed, func(f skeintest.Failed) bool { return f.SQLState != "23503" }) {
				t.Errorf("failed: %+v, want three with 23503", report.Failed)
			}
			wantEach(t, "orphans", "0", inEach(t, url, tenants, "SELECT count(*) FROM %s.tails"))
		})
	}
}

func TestTemporaryTablesDoNotReachTheNextTenant(t *testing.T) {
	t.Parallel()
	p, url, tenants := schemasOf(t, 4, "", "", "CREATE TABLE letters (addressee text);\nSELECT gather();", ": own-transaction\nSELECT gather();")
	for _, tenant := range tenants {
		pgtest.Exec(t, urlInSchema(url, tenant), "CREATE TABLE clients (name text); INSERT INTO clients VALUES ('"+tenant+"')",
			"CREATE FUNCTION gather() RETURNS void LANGUAGE plpgsql AS $$ BEGIN CREATE TEMP TABLE IF NOT EXISTS basket AS SELECT name FROM clients; INSERT INTO letters SELECT name FROM basket; END $$")
	}
	p.Must(0, "upgrade")
	for tenant, got := range inEach(t, url, tenants, "SELECT string_agg(DISTINCT addressee, ' ') FROM %s.letters") {
		if got != tenant {
			t.Errorf("%s writes to %q", tenant, got)
		}
	}
}

func TestNoFileIsLeftOutInSilence(t *testing.T) {
	t.Parallel()
	dir := filepath.Join(t.TempDir(), "data")
	sqlitetest.Files(t, dir, 1)
	p := skeintest.New(t, "fleet: acme\ntenants:\n  - {glob: \""+filepath.ToSlash(dir)+"/*.db\"}\n", nil)
	writeChain(p, "CREATE TABLE a (id integer);")
	p.Write("elsewhere/s1_ships.sql", revisionFile("s1", "none", "CREATE TABLE ships (id integer);", ""))
	p.Write("migrations/t1_trains.SQL", revisionFile("t1", "r1", "CREATE TABLE trains (id integer);", ""))
	if err := os.Symlink(p.Path("elsewhere"), p.Path("migrations/more")); err != nil {
		t.Fatal(err)
	}
	check, heads := p.Run("check"), p.Run("heads")
	for id, name := range map[string]string{"s1": "more", "t1": "t1_trains.SQL"} {
		if !strings.Contains(heads.Stdout, id) && !strings.Contains(check.Stdout+check.Stderr, name) {
			t.Errorf("%s is neither a head nor named:\n%s\n%s", id, heads.Stdout, check.Stdout+check.Stderr)
		}
	}
}

func TestPragmasThatDoNothingInATransactionAreRefused(t *testing.T) {
	t.Parallel()
	for n, pragma := range []string{"PRAGMA journal_mode = WAL;", "PRAGMA main.journal_mode(wal);", "pragma Journal_Mode='wal';"} {
		t.Run(fmt.Sprint(n), func(t *testing.T) {
			t.Parallel()
			dir := filepath.Join(t.TempDir(), "data")
			file := sqlitetest.Files(t, dir, 1)[0]
			p := skeintest.New(t, "fleet: acme\ntenants:\n  - {glob: \""+filepath.ToSlash(dir)+"/*.db\"}\n", nil)
			writeChain(p, pragma+"\nCREATE TABLE a (id integer);")
			r := p.Run("upgrade")
			if mode := sqlitetest.QueryRows(t, file, "PRAGMA journal_mode")[0]; r.Code == 0 && mode != "wal" {
				t.Errorf("done, and the mode is %s", mode)
			} else if r.Code != 0 {
				wantText(t, "the error", r.Stdout+r.Stderr, "no-transaction")
			}
			writeChain(p, ": no-transaction\n"+pragma)
			p.Must(0, "upgrade")
			if mode := sqlitetest.QueryRows(t, file, "PRAGMA journal_mode")[0]; mode != "wal" {
				t.Errorf("the mode is %s", mode)
			}
		})
	}
}

func TestAURLThatCannotBeReadShowsNoPassword(t *testing.T) {
	t.Parallel()
	for n, secret := range []string{"Zanz1bar@Qu1to/Lima", "Zanz1bar/Qu1to@Lima", "Zanz1bar@Qu1to", "Zanz1bar/Qu1to", "Zanz1bar#Qu1to", "Zanz1bar?Qu1to"} {
		t.Run(fmt.Sprint(n), func(t *testing.T) {
			t.Parallel()
			p := skeintest.New(t, oneServer("'postgres://app:"+secret+"@127.0.0.1:1/shop?connect_timeout=2'", fewSchemas), nil)
			writeChain(p, "SELECT 1;")
			for _, args := range [][]string{{"check"}, {"config", "show"}, {"tenants"}, {"plan"}, {"doctor"}} {
				r := p.Run(args...)
				if r.Code == 0 && args[0] == "tenants" {
					t.Errorf("%q ends with 0", args)
				}
				for _, part := range []string{"Zanz1bar", "Qu1to", "Lima", "anz1bar", "u1to"} {
					if strings.Contains(r.Stdout+r.Stderr, part) {
						t.Errorf("%q prints %s: %s", args, part, r.Stdout+r.Stderr)
					}
				}
			}
			if r := p.Run("check"); r.Code != 1 {
				t.Errorf("check ends with %d", r.Code)
			}
		})
	}
}

func TestALabelIsNoSQL(t *testing.T) {
	t.Parallel()
	p, rawURL, tenants := schemasOf(t, 1, "", "CREATE TABLE public.keys (k text)")
	const town = `Coeur d'Alene'); DROP TABLE public.keys; --`
	label := strings.ReplaceAll(town, "'", "''")
	p.Write("skein.yaml", oneServer(rawURL, fmt.Sprintf(`{list: [{id: a, server: main, schema: %s, labels: {town: '%s'}}]}`, tenants[0], label)))
	writeChain(p, ": template\nCREATE TABLE place (town text);\nINSERT INTO place VALUES ('{{ .Tenant.Labels.town }}');")
	r := p.Run("upgrade")
	wantOneLine(t, rawURL, "the keys", "SELECT to_regclass('public.keys')", "keys")
	if r.Code == 0 {
		wantOneLine(t, rawURL, "the town", "SELECT town FROM tenant_0001.place", town)
	} else {
		wantText(t, "the advice", r.Stdout+r.Stderr, "literal", "r1_step.sql")
	}
	writeChain(p, ": template\nCREATE TABLE {{ ident .Tenant.Labels.town }} (town text);\nINSERT INTO {{ ident .Tenant.Labels.town }} VALUES ({{ literal .Tenant.Labels.town }});")
	if r.Code != 0 {
		p.Must(0, "upgrade")
		wantOneLine(t, rawURL, "the town", `SELECT town FROM tenant_0001."`+town+`"`, town)
	}
}

func TestANameThatTheServerCutsIsNoChangeByHand(t *testing.T) {
	t.Parallel()
	const long = "warehouse_location_bin_assignment_by_supplier_and_delivery_date_"
	p, _, _ := schemasOf(t, 1, "", "", "CREATE TABLE bins (a integer, b integer);\nCREATE INDEX "+long+"one ON bins (a);\nCREATE INDEX "+long+"two ON bins (b);")
	check, upgrade := p.Run("check"), p.Run("upgrade")
	for _, r := range []skeintest.Result{check, upgrade} {
		if text := r.Stdout + r.Stderr; r.Code == 0 && r.Args[0] == "upgrade" || strings.Contains(text, "by hand") || r.Code != 0 && !strings.Contains(text, "63") {
			t.Errorf("%q ends with %d and says\n%s", r.Args, r.Code, text)
		}
	}
}

// A commit that was acknowledged is on disk, whatever role or database say.
func TestACommitIsDurableWhateverTheDatabaseSays(t *testing.T) {
	t.Parallel()
	url1, name := pgtest.Database(t, pgtest.Server(t))
	pgtest.Exec(t, url1, "ALTER DATABASE "+name+" SET synchronous_commit = off", "ALTER DATABASE "+name+" SET standard_conforming_strings = off", "ALTER DATABASE "+name+" SET IntervalStyle = 'sql_standard'")
	tenants := pgtest.Schemas(t, url1, "tenant_", 2)
	u, err := url.Parse(url1)
	if err != nil {
		t.Fatal(err)
	}
	p := skeintest.New(t, projectAt(u.String(), ""), nil)
	writeChain(p, `CREATE TABLE seen AS SELECT current_setting('synchronous_commit') AS c, 'a\tb' AS s;`)
	p.Must(0, "upgrade", "--json")
	wantEach(t, "what a revision sees", `on|a\tb`, inEach(t, url1, tenants, `SELECT c || '|' || s FROM %s.seen`))
}
