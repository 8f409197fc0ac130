package integration_test

import (
	"fmt"
	"strings"
	"testing"

	"github.com/skeindb/skein/integration/pgtest"
	"github.com/skeindb/skein/integration/skeintest"
)

// TestStoreThatTwoMachinesShare keeps the rollouts in PostgreSQL. Two projects stand for two machines: they have
// nothing in common but the config, the revisions and the store.
func TestStoreThatTwoMachinesShare(t *testing.T) {
	t.Parallel()
	server := pgtest.Server(t)
	store, _ := pgtest.Database(t, server)
	url, _ := pgtest.Database(t, server)
	tenants := pgtest.Schemas(t, url, "tenant_", 12)
	others := pgtest.Schemas(t, url, "other_", 2)
	config := "state:\n  store: " + store + "\nrollout: {max_failures: 1, lock_timeout: 30s}\n" + oneServer(url, `{server: main, include_schemas: ["tenant_*"]}`)
	here, there := skeintest.New(t, config, nil), skeintest.New(t, config, nil)
	elsewhere := skeintest.New(t, strings.NewReplacer("fleet: acme", "fleet: other", "tenant_*", "other_*").Replace(config), nil)
	for _, p := range []*skeintest.Project{here, there, elsewhere} {
		p.Write("migrations/a1_users.sql", revisionFile("a1", "none", "CREATE TABLE users (id integer, email text);", usersDown))
	}
	wantCounts(t, here.Must(0, "upgrade", "--json", "--tag", "first").Report(), map[string]int{"done": 12})

	// One fails here, is repaired, and resumed there.
	for _, p := range []*skeintest.Project{here, there} {
		p.Write("migrations/b2_key.sql", revisionFile("b2", "a1", "CREATE UNIQUE INDEX users_email_key ON users (email);", "DROP INDEX users_email_key;"))
	}
	pgtest.Exec(t, url, "INSERT INTO tenant_0007.users VALUES (1, 'a'), (2, 'a')")
	failed := here.Must(2, "upgrade", "--json").Report()
	wantCounts(t, failed, map[string]int{"done": 11, "failed": 1})
	pgtest.Exec(t, url, "DELETE FROM tenant_0007.users WHERE id = 2")
	resumed := there.Must(0, "rollout", "resume", "--json").Report()
	wantCounts(t, resumed, map[string]int{"done": 12})
	if resumed.Rollout != failed.Rollout {
		t.Errorf("resumed %s in place of %s", resumed.Rollout, failed.Rollout)
	}
	wantEach(t, "revisions", "a1 b2", inEach(t, url, tenants, "SELECT string_agg(revision, ' ' ORDER BY revision) FROM %s.skein_version"))

	type line struct {
		ID, State, Target string
		Counts            map[string]int
	}
	var list []line
	there.Must(0, "rollout", "list", "--json").JSON(&list)
	if len(list) != 2 || list[0].ID != failed.Rollout || list[0].State != "finished" || list[0].Counts["done"] != 12 || list[1].Counts["done"] != 12 {
		t.Errorf("rollouts: %+v", list)
	}
	var mine []line
	elsewhere.Must(0, "rollout", "list", "--json").JSON(&mine)
	if len(mine) != 0 {
		t.Errorf("another fleet has the rollouts %+v", mine)
	}

	// A writer keeps the rollout here from ending.
	for _, p := range []*skeintest.Project{here, there} {
		p.Write("migrations/c3_name.sql", revisionFile("c3", "b2", "ALTER TABLE users ADD COLUMN name text;", "ALTER TABLE users DROP COLUMN name;"))
	}
	release := lockTable(t, urlInSchema(url, "tenant_0001"), "users")
	first := here.Start("upgrade", "--json")
	first.Await(`"tenant":"tenant_0001"`)
	for _, command := range [][]string{{"upgrade"}, {"downgrade", "base", "--yes"}, {"stamp", "base"}, {"rollout", "resume", failed.Rollout}} {
		message, hint := errorOf(there.Must(5, append(command, "--json")...))
		wantText(t, fmt.Sprint(command), message, "acme", "pid")
		if hint == "" {
			t.Errorf("%s: no hint", command)
		}
	}
	there.Must(0, "status", "--json") // reading is free
	wantCounts(t, elsewhere.Must(0, "upgrade", "--json").Report(), map[string]int{"done": 2})
	release()
	ended := first.Wait()
	ended.Want(0)
	wantCounts(t, ended.Report(), map[string]int{"done": 12})
	wantCounts(t, there.Must(0, "upgrade", "--json").Report(), map[string]int{"unchanged": 12})
	wantEach(t, "revisions", "a1 b2 c3", inEach(t, url, tenants, "SELECT string_agg(revision, ' ' ORDER BY revision) FROM %s.skein_version"))
	wantEach(t, "revisions", "a1", inEach(t, url, others, "SELECT string_agg(revision, ' ' ORDER BY revision) FROM %s.skein_version"))
	if n := pgtest.Scalar[int](t, store, "SELECT count(*) FROM pg_stat_activity WHERE datname = current_database() AND application_name LIKE 'skein%' AND state <> 'idle'"); n != 0 {
		t.Errorf("%d connections to the store are at work", n)
	}
}
