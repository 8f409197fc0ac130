package integration_test

import (
	"context"
	"fmt"
	"strings"
	"testing"

	"github.com/skeindb/skein/integration/pgtest"
	"github.com/skeindb/skein/integration/skeintest"
)

// An index build waits for every older snapshot. Which sessions hold them is in the stream, by `rollout show` and its JSON, while it
// lasts, and `doctor` does not take what is being built for the remains of a failed build.
func TestRunningTenantsNameTheSessionsTheyWaitFor(t *testing.T) {
	t.Parallel()
	url, database := pgtest.Database(t, pgtest.Server(t))
	pgtest.Schemas(t, url, "t_", 2)
	pgtest.Exec(t, url, "CREATE TABLE public.queue (id int)")
	p := skeintest.New(t, fmt.Sprintf("fleet: acme\nservers: {main: {url: %q}}\ntenants: [{server: main, include_schemas: [\"t_*\"]}]\n", url), nil)
	p.Write("migrations/r1_items.sql", revisionFile("r1", "none", "CREATE TABLE items (id int);", "DROP TABLE items;"))
	p.Must(0, "upgrade")
	p.Write("migrations/r2_index.sql", revisionFile("r2", "r1", ": no-transaction\nCREATE INDEX CONCURRENTLY items_idx ON items (id);", "DROP INDEX items_idx;"))

	worker := pgtest.Connect(t, url+"&application_name=worker")
	if _, err := worker.Exec(t.Context(), "BEGIN ISOLATION LEVEL REPEATABLE READ; SELECT id FROM public.queue WHERE id = 4711"); err != nil {
		t.Fatal(err)
	}
	pid := fmt.Sprint(worker.PgConn().PID())
	r := startProcess(t, p, "upgrade", "--json")
	r.Await(`"kind":"waiting"`)
	const lasts = "t_0001 and t_0002 under work"
	var show struct {
		Counts  map[string]int
		Running []struct {
			Tenant string
			Waits  []struct {
				PID         int
				Application string
				State       string
				Age         int `json:"age_ms"`
				Query       string
			} `json:"waits_for"`
		}
	}
	waitUntil(t, lasts, func() bool {
		p.Must(0, "rollout", "show", "--json").JSON(&show)
		return show.Counts["running"] == 2 && len(show.Running) == 2 && len(show.Running[0].Waits) > 0 && len(show.Running[1].Waits) > 0
	})
	for _, x := range show.Running {
		w := x.Waits[0]
		if fmt.Sprint(w.PID) != pid || w.Application != "worker" || w.State != "idle in transaction" || w.Age <= 0 || !strings.HasSuffix(w.Query, "FROM public.queue WHERE id = ?") {
			t.Errorf("%+v", x)
		}
	}
	wantText(t, "rollout show", p.Must(0, "rollout", "show").Stdout, "2 running of 2", "2 tenants running", "waits for pid "+pid+" (worker, ", "idle in transaction", "SELECT id FROM")
	doctor := p.Must(0, "doctor").Stdout
	wantText(t, "doctor", doctor, "index "+database+"/t_0001.items_idx is being built or dropped by pid ")
	if strings.Contains(doctor, "left by a failed build") {
		t.Errorf("doctor: %s", doctor)
	}
	if _, err := worker.Exec(context.Background(), "COMMIT"); err != nil {
		t.Fatal(err)
	}
	r.end().Want(0)
	show.Counts, show.Running = nil, nil
	p.Must(0, "rollout", "show", "--json").JSON(&show)
	if show.Counts["running"] != 0 || show.Counts["done"] != 2 || len(show.Running) != 0 {
		t.Errorf("at the end: %+v", show)
	}
}
