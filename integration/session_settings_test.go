package integration_test

import (
	"fmt"
	"net/url"
	"os/exec"
	"slices"
	"strings"
	"testing"
	"testing/fstest"

	"github.com/google/go-cmp/cmp"

	"github.com/skeindb/skein/integration/pgtest"
	"github.com/skeindb/skein/integration/skeintest"
)

// unsettling are settings by which a role or a database would change what SQL means, or whether it lasts.
var unsettling = []string{
	"client_encoding = 'LATIN1'", "standard_conforming_strings = off", "backslash_quote = off", "DateStyle = 'German'", "IntervalStyle = 'iso_8601'",
	"synchronous_commit = off", "bytea_output = escape", "extra_float_digits = 0", "transform_null_equals = on", "array_nulls = off", "quote_all_identifiers = on",
	"xmloption = document", "xmlbinary = hex", "check_function_bodies = off", "gin_fuzzy_search_limit = 5", "row_security = on",
	"default_transaction_isolation = serializable", "default_transaction_read_only = on", "default_transaction_deferrable = on", "lock_timeout = 1", "statement_timeout = 1234",
}

// meanings is a body that writes down what its statements meant.
const meanings = `CREATE TABLE %[1]s (name text, value text);
INSERT INTO %[1]s VALUES ('backslash', 'a\b'), ('quote', E'it\'s'), ('character', 'café'), ('length', length('café')::text),
	('interval', (interval '1 day -2 hours')::text), ('date', (date '2026-03-04')::text), ('from', ('03/04/2026'::date - date '2026-01-01')::text),
	('bytes', '\x41'::bytea::text), ('number', (0.1::float8 + 0.2::float8)::text), ('nulls', (SELECT count(*) FROM (SELECT NULL::int AS x) q WHERE x = NULL)::text),
	('array', (('{NULL}'::text[])[1] IS NULL)::text), ('name', quote_ident('a')), ('xml', '<a/><b/>'::xml::text),
	('durable', current_setting('synchronous_commit')), ('bodies', current_setting('check_function_bodies')), ('triggers', current_setting('session_replication_role')),
	('all', current_setting('gin_fuzzy_search_limit')), ('rows', current_setting('row_security')), ('encoding', current_setting('client_encoding')),
	('isolation', current_setting('transaction_isolation')), ('zone', current_setting('TimeZone'));`

// meant is what those statements mean, but for the zone, which is the role's to say.
var meant = []string{
	`backslash|a\b`, "quote|it's", "character|café", "length|4", "interval|1 day -02:00:00", "date|2026-03-04", "from|62", `bytes|\x41`, "number|0.30000000000000004", "nulls|0",
	"array|true", "name|a", "xml|<a/><b/>", "durable|on", "bodies|on", "triggers|origin", "all|0", "rows|off", "encoding|UTF8", "isolation|read committed",
}

// TestRevisionsMeanTheSameWhateverRoleAndDatabaseSay runs the same revisions by an ordinary role, and by roles whose
// sessions begin with other settings, in transactions and outside, directly and through a pooler.
func TestRevisionsMeanTheSameWhateverRoleAndDatabaseSay(t *testing.T) {
	t.Parallel()
	server := pgtest.Server(t)
	for name, scope := range map[string]string{
		"plain": "", "role": "ROLE %[1]s", "database": "DATABASE %[2]s", "role in database": "ROLE %[1]s IN DATABASE %[2]s",
	} {
		t.Run(name, func(t *testing.T) {
			t.Parallel()
			raw, database := pgtest.Database(t, server)
			super := ordinary(t, raw)
			role := database + "_app"
			pgtest.Exec(t, super, "CREATE ROLE "+role+" LOGIN PASSWORD 'pw'", "CREATE SCHEMA tenant AUTHORIZATION "+role)
			t.Cleanup(func() {
				pgtest.Exec(t, super, "DROP SCHEMA tenant CASCADE; DROP OWNED BY "+role+"; DROP ROLE "+role)
			})
			if scope != "" {
				for _, s := range append([]string{"TimeZone = 'Asia/Tokyo'"}, unsettling...) {
					pgtest.Exec(t, super, "ALTER "+fmt.Sprintf(scope, role, database)+" SET "+s)
				}
			}
			at := asRole(t, raw, role)
			p := skeintest.New(t, fmt.Sprintf("servers:\n  main:\n    url: %s\n", at)+tenantsOf(`{server: main, include_schemas: ["tenant"]}`), fstest.MapFS{
				"a1_x.sql": {Data: []byte(revisionFile("a1", "none", fmt.Sprintf(meanings, "one"), "DROP TABLE one;"))},
				"b1_x.sql": {Data: []byte(revisionFile("b1", "a1", ": no-transaction\n"+fmt.Sprintf(meanings, "two"), "DROP TABLE two;"))},
				"c1_x.sql": {Data: []byte(revisionFile("c1", "b1", ": own-transaction\nSET LOCAL lock_timeout = '9s';\n"+fmt.Sprintf(meanings, "three"), "DROP TABLE three;"))},
			})
			wantCounts(t, p.Must(0, "upgrade", "--json").Report(), map[string]int{"done": 1})
			zone := pgtest.Scalar[string](t, super, "SELECT reset_val FROM pg_settings WHERE name = 'TimeZone'")
			if strings.Contains(scope, "ROLE") {
				zone = "Asia/Tokyo"
			}
			want := append(slices.Clone(meant), "zone|"+zone)
			for _, table := range []string{"one", "two", "three"} {
				got := pgtest.QueryRows(t, super, "SELECT name || '|' || value FROM tenant."+table)
				if diff := cmp.Diff(want, got); diff != "" {
					t.Errorf("%s (-want +got):\n%s", table, diff)
				}
			}
		})
	}
}

// newTenant makes a database with a schema `tenant` that a role of its own owns.
func newTenant(t *testing.T, create string) (super, role, database string) {
	t.Helper()
	server := pgtest.Server(t)
	raw, database := pgtest.Database(t, server)
	if create != "" {
		main := raw
		database += "_x"
		pgtest.Exec(t, main, "CREATE DATABASE "+database+" "+create)
		raw = server.DatabaseURL(database)
		t.Cleanup(func() { pgtest.Exec(t, main, "DROP DATABASE "+database+" WITH (FORCE)") })
	}
	super = ordinary(t, raw)
	role = database + "_app"
	pgtest.Exec(t, super, "CREATE ROLE "+role+" LOGIN PASSWORD 'pw'", "CREATE SCHEMA tenant AUTHORIZATION "+role)
	t.Cleanup(func() { pgtest.Exec(t, super, "DROP SCHEMA tenant CASCADE; DROP OWNED BY "+role+"; DROP ROLE "+role) })
	return super, role, database
}

// oneTenant is a project of that tenant.
func oneTenant(t *testing.T, at string, files map[string]string) *skeintest.Project {
	t.Helper()
	fsys := fstest.MapFS{}
	for name, text := range files {
		fsys[name] = &fstest.MapFile{Data: []byte(text)}
	}
	return skeintest.New(t, fmt.Sprintf("servers:\n  main:\n    url: %q\n", at)+tenantsOf(`{server: main, include_schemas: ["tenant"]}`), fsys)
}

func TestADatabaseWithoutTriggersIsRefusedWhereTheRoleMayNotTurnThemOn(t *testing.T) {
	t.Parallel()
	super, role, database := newTenant(t, "")
	pgtest.Exec(t, super, "ALTER DATABASE "+database+" SET session_replication_role = replica",
		`CREATE TABLE tenant.seen (word text); CREATE TABLE tenant.t (id int); CREATE FUNCTION tenant.f() RETURNS trigger LANGUAGE plpgsql AS 'BEGIN INSERT INTO tenant.seen VALUES (''ran''); RETURN NEW; END';
CREATE TRIGGER r BEFORE INSERT ON tenant.t FOR EACH ROW EXECUTE FUNCTION tenant.f(); GRANT ALL ON ALL TABLES IN SCHEMA tenant TO `+role)
	files := map[string]string{
		"a1_x.sql": revisionFile("a1", "none", "INSERT INTO t VALUES (1);", "DELETE FROM t;"),
		"b1_x.sql": revisionFile("b1", "a1", ": no-transaction\nINSERT INTO t VALUES (2);", "DELETE FROM t;"),
	}
	p := oneTenant(t, asRole(t, strings.Split(super, "?")[0], role), files)
	for _, args := range [][]string{{"plan"}, {"upgrade"}} {
		if out := p.Run(args...); out.Code == 0 || !strings.Contains(out.Stdout+out.Stderr, "session_replication_role is replica") {
			t.Errorf("%v: exit %d\n%s%s", args, out.Code, out.Stdout, out.Stderr)
		}
	}
	if n := pgtest.Scalar[int](t, super, "SELECT count(*) FROM tenant.t"); n != 0 {
		t.Errorf("%d rows", n)
	}
	p = oneTenant(t, strings.Split(super, "?")[0], files) // a superuser may
	wantCounts(t, p.Must(0, "upgrade", "--json").Report(), map[string]int{"done": 1})
	if n := pgtest.Scalar[int](t, super, "SELECT count(*) FROM tenant.seen"); n != 2 {
		t.Errorf("the trigger ran %d times, want 2", n)
	}
}

// TestSettledSessionsBehindAPooler has settings of the database behind a pooler that hands startup parameters on, and
// behind one that drops them.
func TestSettledSessionsBehindAPooler(t *testing.T) {
	t.Parallel()
	start := map[string]func(*testing.T, string) string{"drops them": newTransactionPooler}
	if path, err := exec.LookPath("pgbouncer"); err == nil {
		start["pgbouncer"] = func(t *testing.T, url string) string { return startPgBouncer(t, path, url) }
	}
	for name, pooler := range start {
		t.Run(name, func(t *testing.T) {
			t.Parallel()
			super, _, database := newTenant(t, "")
			files := map[string]string{"a1_x.sql": revisionFile("a1", "none", fmt.Sprintf(meanings, "one"), "DROP TABLE one;")}
			for _, s := range unsettling {
				if !strings.HasPrefix(s, "backslash_quote") {
					pgtest.Exec(t, super, "ALTER DATABASE "+database+" SET "+s)
				}
			}
			raw := strings.Split(super, "?")[0]
			p := oneTenant(t, pooler(t, raw), files)
			if name == "drops them" {
				out := p.Run("upgrade")
				wantText(t, "the error", out.Stdout+out.Stderr, "the session has client_encoding=LATIN1")
				if out.Code == 0 {
					t.Error("it ran")
				}
				return
			}
			wantCounts(t, p.Must(0, "upgrade", "--json").Report(), map[string]int{"done": 1})
			got := pgtest.QueryRows(t, super, "SELECT name || '|' || value FROM tenant.one WHERE name <> 'zone'")
			if diff := cmp.Diff(meant, got); diff != "" {
				t.Errorf("(-want +got):\n%s", diff)
			}
			pgtest.Exec(t, super, "ALTER DATABASE "+database+" SET backslash_quote = off")
			out := oneTenant(t, pooler(t, raw), files).Run("plan")
			wantText(t, "the error", out.Stdout+out.Stderr, "backslash_quote is off", "behind a pooler")
		})
	}
}

// TestErrorsAreOnTheirLineInEveryEncoding has characters before an error, which a server may count by bytes.
func TestErrorsAreOnTheirLineInEveryEncoding(t *testing.T) {
	t.Parallel()
	for encoding, word := range map[string]string{"UTF8": "ä€日本😀", "SQL_ASCII": "ä€日本😀", "LATIN1": "äöüé", "WIN1252": "ä€ö€", "EUC_JP": "日本語仮名", "LATIN9": "ä€ö€"} {
		t.Run(encoding, func(t *testing.T) {
			t.Parallel()
			super, role, _ := newTenant(t, "ENCODING '"+encoding+"' LC_COLLATE 'C' LC_CTYPE 'C' TEMPLATE template0")
			at := asRole(t, strings.Split(super, "?")[0], role)
			word := strings.Repeat(word, 20)
			p := oneTenant(t, at, map[string]string{
				"a1_x.sql": revisionFile("a1", "none", "CREATE TABLE kept (word text);\nINSERT INTO kept VALUES ('"+word+"');", "DROP TABLE kept;"),
			})
			wantCounts(t, p.Must(0, "upgrade", "--json").Report(), map[string]int{"done": 1})
			want := len([]rune(word))
			if encoding == "SQL_ASCII" {
				want = len(word)
			}
			if n := pgtest.Scalar[int](t, super, "SELECT length(word) FROM tenant.kept"); n != want {
				t.Errorf("the word has %d characters, want %d", n, want)
			}
			for id, body := range map[string]string{
				"b1": "SELECT '" + word + "';\nSELECT 1;\nSELECT '" + word + "' FRO x;\nSELECT '" + word + "';", // as it is read
				"c1": "SELECT '" + word + "';\nSELECT 1;\nSELECT '" + word + "' FROM nothing;\nSELECT '" + word + "';",
			} {
				p := oneTenant(t, at, map[string]string{"a1_x.sql": revisionFile("a1", "none", "SELECT 1;", "SELECT 1;"), id + "_x.sql": revisionFile(id, "a1", body, "SELECT 1;")})
				report := p.Must(3, "upgrade", "--json", "--allow-changed").Report()
				if len(report.Failed) != 1 || report.Failed[0].Line != 8 || report.Failed[0].Revision != id {
					t.Errorf("%s: %+v", id, report.Failed)
				}
			}
		})
	}
}

// TestACharacterThatADatabaseLacksIsFoundInItsFile has a server that refuses a message as it reads it.
func TestACharacterThatADatabaseLacksIsFoundInItsFile(t *testing.T) {
	t.Parallel()
	super, role, _ := newTenant(t, "ENCODING 'LATIN1' LC_COLLATE 'C' LC_CTYPE 'C' TEMPLATE template0")
	at := asRole(t, strings.Split(super, "?")[0], role)
	for name, options := range map[string]string{"in a transaction": "\n", "outside": ": no-transaction\n", "alone": ": own-transaction\n"} {
		p := oneTenant(t, at, map[string]string{
			"a1_x.sql": revisionFile("a1", "none", "SELECT 'café';", "SELECT 1;"),
			"b1_x.sql": revisionFile("b1", "a1", options+"SELECT 1;\nSELECT 'café',\n  '5 €';", "SELECT 1;"),
		})
		report := p.Must(3, "upgrade", "--json").Report()
		if len(report.Failed) != 1 {
			t.Fatalf("%s: %+v", name, report)
		}
		line := 7
		if options == "\n" {
			line = 8
		}
		if f := report.Failed[0]; f.Revision != "b1" || f.Line != line || !strings.HasSuffix(f.File, "b1_x.sql") || f.SQLState != "22P05" {
			t.Errorf("%s: %+v", name, f)
		}
	}
}

func TestDoctorSaysWhatIsUnusual(t *testing.T) {
	t.Parallel()
	super, role, database := newTenant(t, "ENCODING 'LATIN1' LC_COLLATE 'C' LC_CTYPE 'C' TEMPLATE template0")
	pgtest.Exec(t, super, "ALTER ROLE "+role+" SET synchronous_commit = off", "ALTER DATABASE "+database+" SET TimeZone = 'Asia/Tokyo'",
		"ALTER ROLE "+role+" IN DATABASE "+database+" SET search_path = elsewhere", "ALTER DATABASE "+database+" SET work_mem = '8MB'")
	p := oneTenant(t, asRole(t, strings.Split(super, "?")[0], role), map[string]string{"a1_x.sql": revisionFile("a1", "none", "SELECT 1;", "SELECT 1;")})
	var servers []struct {
		Health struct {
			Unusual []struct {
				Where, Name, Value, Note string
				Overruled                bool
			}
		}
	}
	p.Must(0, "doctor", "--json").JSON(&servers)
	got := map[string]bool{}
	for _, u := range servers[0].Health.Unusual {
		if strings.Contains(u.Where, database) || strings.Contains(u.Where, role) {
			got[u.Where+": "+u.Name+"="+u.Value] = u.Overruled
		}
	}
	want := map[string]bool{
		"database " + database + ": encoding=LATIN1": false, "database " + database + ": TimeZone=Asia/Tokyo": false, "role " + role + ": synchronous_commit=off": true,
		"role " + role + " in database " + database + ": search_path=elsewhere": true,
	}
	if diff := cmp.Diff(want, got); diff != "" {
		t.Errorf("(-want +got):\n%s", diff)
	}
	wantText(t, "doctor", p.Must(0, "doctor").Stdout, "~ role "+role+": synchronous_commit = off (skein runs with on)")
}

// asRole is a URL for a role with the password pw.
func asRole(t *testing.T, rawURL, role string) string {
	t.Helper()
	u, err := url.Parse(rawURL)
	if err != nil {
		t.Fatal(err)
	}
	u.User = url.UserPassword(role, "pw")
	return u.String()
}

// ordinary is a URL whose sessions are not those of role and database, for the test's own doings.
func ordinary(t *testing.T, rawURL string) string {
	t.Helper()
	u, err := url.Parse(rawURL)
	if err != nil {
		t.Fatal(err)
	}
	q := u.Query()
	for name, value := range map[string]string{
		"client_encoding": "UTF8", "standard_conforming_strings": "on", "default_transaction_read_only": "off", "default_transaction_isolation": "read committed",
		"statement_timeout": "0", "lock_timeout": "0", "DateStyle": "ISO",
	} {
		q.Set(name, value)
	}
	u.RawQuery = strings.ReplaceAll(q.Encode(), "+", "%20")
	return u.String()
}

// TestWhatTheStoreAcknowledgesLasts has a role that lets the server acknowledge a commit before it is on disk.
func TestWhatTheStoreAcknowledgesLasts(t *testing.T) {
	t.Parallel()
	super, role, database := newTenant(t, "")
	pgtest.Exec(t, super, "ALTER DATABASE "+database+" SET synchronous_commit = off", "ALTER DATABASE "+database+" SET client_encoding = 'LATIN1'",
		"GRANT CREATE ON DATABASE "+database+" TO "+role)
	at := asRole(t, strings.Split(super, "?")[0], role)
	p := oneTenant(t, at, map[string]string{"a1_é.sql": revisionFile("a1", "none", "SELECT 'é';", "SELECT 1;")})
	p.Write("skein.yaml", fmt.Sprintf("state: {store: %q}\nservers:\n  main: {url: %q}\n", at, at)+tenantsOf(`{server: main, include_schemas: ["tenant"], labels: {city: Köln}}`))
	p.Must(0, "upgrade")
	pgtest.Exec(t, super, `CREATE TABLE public.commits (relation text, durable text)`, "GRANT ALL ON public.commits TO "+role,
		`CREATE FUNCTION public.note() RETURNS trigger LANGUAGE plpgsql AS 'BEGIN INSERT INTO public.commits VALUES (TG_RELNAME, current_setting(''synchronous_commit'')); RETURN NULL; END'`)
	for _, table := range []string{"rollout", "plan", "fact", "command"} { // a deferred trigger sees what the commit will see
		pgtest.Exec(t, super, "CREATE CONSTRAINT TRIGGER note AFTER INSERT OR UPDATE ON skein."+table+" DEFERRABLE INITIALLY DEFERRED FOR EACH ROW EXECUTE FUNCTION public.note()")
	}
	p.Must(0, "downgrade", "base", "--yes")
	if got := pgtest.QueryRows(t, super, "SELECT DISTINCT relation || ' ' || durable FROM public.commits ORDER BY 1"); len(got) < 3 || strings.Contains(strings.Join(got, ","), "off") {
		t.Errorf("%q", got)
	}
	if n := pgtest.Scalar[int](t, super, "SELECT count(*) FROM skein.plan WHERE octet_length(body) > 0"); n != 2 {
		t.Errorf("%d plans", n)
	}
}
