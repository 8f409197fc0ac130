package integration_test

import (
	"fmt"
	"strings"
	"testing"

	"github.com/skeindb/skein/integration/pgtest"
	"github.com/skeindb/skein/integration/skeintest"
)

// The error of a server that cannot be reached has the cause first, once, with the place of its URL in the config; and who does
// what the hint says succeeds.
func TestErrorsOfConnectionsBeginWithTheCause(t *testing.T) {
	t.Parallel()
	url, database := pgtest.Database(t, pgtest.Server(t))
	pgtest.Schemas(t, url, "t_", 1)
	role := "cannot_" + database
	pgtest.Exec(t, url, "CREATE ROLE "+role+" LOGIN PASSWORD 'x'", "REVOKE CONNECT ON DATABASE "+database+" FROM PUBLIC")
	t.Cleanup(func() { pgtest.Exec(t, url, "DROP OWNED BY "+role, "DROP ROLE "+role) })
	config := "fleet: acme\nservers: {main: {url: %q}}\ntenants: [{server: main, include_schemas: [\"t_*\"]}]\n"
	p := skeintest.New(t, fmt.Sprintf(config, url), nil)
	p.Write("migrations/r1_a.sql", revisionFile("r1", "none", "CREATE TABLE a (id int);", "DROP TABLE a;"))
	for _, c := range []struct{ name, url, message, hint string }{
		{"refused", "postgres://postgres@127.0.0.1:1/shop", "server main: connection refused at 127.0.0.1:1", "servers.main.url"},
		{"unknown host", "postgres://postgres@no-such-host.invalid/shop", "server main: unknown host no-such-host.invalid", "correct the host in servers.main.url"},
		{"no socket", "postgres:///shop?host=/no/such/folder&user=postgres", "server main: there is no such socket at /no/such/folder/.s.PGSQL.5432", "servers.main.url"},
		{"no TLS", asUser(url, "postgres", "x") + "&sslmode=require", "server main: server refused TLS connection", "sslmode in servers.main.url"},
		{"no database", strings.Replace(url, database, "nowhere_"+database, 1), fmt.Sprintf("server main: database \"nowhere_%s\" does not exist", database), "correct the database in servers.main.url"},
		{"no CONNECT", asUser(url, role, "x"), fmt.Sprintf("server main: permission denied for database %q", database), fmt.Sprintf("GRANT CONNECT ON DATABASE %q TO %q", database, role)},
	} {
		t.Run(c.name, func(t *testing.T) {
			p.Write("skein.yaml", fmt.Sprintf(config, c.url))
			message, hint := errorOf(p.Must(1, "upgrade", "--json"))
			wantText(t, "the error", message, c.message)
			wantText(t, "the hint", hint, c.hint)
			if strings.Count(message, c.message) != 1 || strings.Contains(hint, "surveyed") {
				t.Errorf("it says it more than once, or that of something else: %s (%s)", message, hint)
			}
		})
	}
	pgtest.Exec(t, url, "GRANT CONNECT ON DATABASE "+database+" TO "+role, "GRANT USAGE, CREATE ON SCHEMA t_0001 TO "+role)
	p.Must(0, "upgrade")
}
