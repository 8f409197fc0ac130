package integration_test

import (
	"fmt"
	"os"
	"strings"
	"testing"

	"github.com/skeindb/skein/integration/pgtest"
	"github.com/skeindb/skein/integration/skeintest"
)

// twoServers is a fleet of three tenants on server db1 and two on db3, which is reached through a proxy.
func twoServers(t *testing.T) (p *skeintest.Project, db3 *pgtest.NetProxy, url1 string) {
	t.Helper()
	server := pgtest.Server(t)
	url1, _ = pgtest.Database(t, server)
	url3, _ := pgtest.Database(t, server)
	pgtest.Schemas(t, url1, "a_", 3)
	pgtest.Schemas(t, url3, "c_", 2)
	db3 = pgtest.Proxy(t, server)
	p = skeintest.New(t, fmt.Sprintf(`fleet: acme
servers: {db1: {url: %q}, db3: {url: %q}}
guards: {min_tenants: 5}
tenants:
  - {server: db1, include_schemas: ["a_*"], labels: {tier: gold}}
  - {server: db3, include_schemas: ["c_*"], labels: {tier: free}, name: third}
rollout: {server_patience: 1s}
`, url1, db3.Through(url3)), nil)
	p.Write("migrations/r1_users.sql", revisionFile("r1", "none", "CREATE TABLE users (id int);", "DROP TABLE users;"))
	return p, db3, url1
}

// Tenants of servers that live are upgraded while another is down, by any selector that leaves that out.
func TestUpgradeContinuesWithoutADeadServer(t *testing.T) {
	t.Parallel()
	p, db3, _ := twoServers(t)
	db3.Disable()
	for _, selector := range []string{"server!=db3", "server=db1", "tier=gold", "source!=third", "!frozen,tier!=free", "server in (db1)"} {
		r := p.Must(0, "upgrade", "-t", selector)
		wantText(t, selector, r.Stdout, " of 3")
		wantText(t, selector, p.Must(0, "status", "-t", selector).Stdout, "3")
	}
	p.Must(1, "upgrade")
	p.Must(1, "upgrade", "-t", "server=db3")
	p.Must(2, "status")
	p.Must(1, "upgrade", "-t", "server=db1,tier=free") // none
	db3.Enable()
	wantText(t, "with all", p.Must(0, "upgrade").Stdout, "2 done", "3 unchanged")
}

// A source may be left out while its server is down; what the guards ask for still holds.
func TestSourceOfADeadServerIsLeftOutWithAWarning(t *testing.T) {
	t.Parallel()
	p, db3, _ := twoServers(t)
	text := readFile(t, p.Path("skein.yaml"))
	p.Write("skein.yaml", strings.Replace(text, "name: third", "name: third, on_unreachable: warn", 1))
	db3.Disable()
	wantText(t, "the guard", p.Must(1, "upgrade").Stderr, "guards.min_tenants", "source third: its tenants are left out")
	p.Write("skein.yaml", strings.Replace(readFile(t, p.Path("skein.yaml")), "guards: {min_tenants: 5}\n", "", 1))
	r := p.Must(0, "upgrade")
	wantText(t, "the warning", r.Stderr, "source third: its tenants are left out", "db3")
	wantText(t, "the report", r.Stdout, "3 done of 3")
	db3.Enable()
	wantText(t, "with all", p.Must(0, "upgrade").Stdout, "2 done", "3 unchanged")
}

// A rollout is resumed for the servers that live; those of the dead one are failed, not gone, and resumed later.
func TestResumeContinuesWithoutADeadServer(t *testing.T) {
	t.Parallel()
	p, db3, url1 := twoServers(t)
	pgtest.Exec(t, url1, "CREATE TABLE a_0001.users ()", "CREATE TABLE a_0002.users ()", "CREATE TABLE a_0003.users ()")
	p.Must(3, "upgrade", "--per-server", "1", "--concurrency", "1")
	pgtest.Exec(t, url1, "DROP TABLE a_0001.users, a_0002.users, a_0003.users")
	db3.Disable()
	r := p.Must(3, "rollout", "resume", "--json")
	report := r.Report()
	if report.Counts["gone"] != 0 || report.Counts["failed"] == 0 || report.Counts["done"]+report.Counts["unchanged"]+report.Counts["failed"] != 5 {
		t.Errorf("%+v", report)
	}
	wantEach(t, "revisions", "1", inEach(t, url1, []string{"a_0001", "a_0002", "a_0003"}, "SELECT count(*) FROM %s.skein_version"))
	db3.Enable()
	if report := p.Must(0, "rollout", "resume", "--json").Report(); report.Counts["done"] != 5 {
		t.Errorf("%+v", report)
	}
}

func readFile(t *testing.T, path string) string {
	t.Helper()
	text, err := os.ReadFile(path)
	if err != nil {
		t.Fatal(err)
	}
	return string(text)
}
