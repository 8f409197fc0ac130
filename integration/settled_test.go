package integration_test

import (
	"fmt"
	"net/url"
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
			want := []string{
				`backslash|a\b`, "quote|it's", "character|café", "length|4", "interval|1 day -02:00:00", "date|2026-03-04", "from|62", `bytes|\x41`, "number|0.30000000000000004", "nulls|0",
				"array|true", "name|a", "xml|<a/><b/>", "durable|on", "bodies|on", "triggers|origin", "all|0", "rows|off", "encoding|UTF8", "isolation|read committed", "zone|" + zone,
			}
			for _, table := range []string{"one", "two", "three"} {
				got := pgtest.QueryRows(t, super, "SELECT name || '|' || value FROM tenant."+table)
				if diff := cmp.Diff(want, got); diff != "" {
					t.Errorf("%s (-want +got):\n%s", table, diff)
				}
			}
		})
	}
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
