package enginetest

import (
	"strconv"
	"sync"
	"testing"

	"github.com/google/go-cmp/cmp"

	"github.com/skeindb/skein/engine"
)

var applies = []promise{
	{"an empty tenant is brought to the heads", fromEmpty},
	{"a tenant at the heads has nothing to do", nothingToDo},
	{"a plan that was carried out already does nothing", planTwice},
	{"a tenant that is behind runs only what it lacks", fromBehind},
	{"a row holds checksum, rollout and tool", rowContents},
	{"a revision with an empty body is recorded", emptyBody},
	{"two branches run and merge", branches},
	{"a downgrade runs downgrade sections and removes rows", downgrade},
	{"a stamp writes rows and runs no body", stamp},
	{"a stamp removes rows, known and unknown", purge},
	{"a template sees the tenant's data", template},
	{"a hundred tenants are upgraded at once", hundred},
}

func fromEmpty(t *testing.T, d Dialect) {
	w, tenant := open(t, d, engine.Config{}, chain...), d.New(t)
	w.stand(t, tenant, engine.Empty)
	w.run(t, w.job(t, tenant), "a1", "b2", "c3")
	w.stand(t, tenant, engine.Current, "c3")
	d.Exec(t, tenant, "INSERT INTO users (id, name, email) VALUES (1, 'Ada', 'ada@example.org')")
	w.has(t, tenant, "SELECT id FROM orders", "1")
}

func nothingToDo(t *testing.T, d Dialect) {
	w, tenant := open(t, d, engine.Config{}, chain...), d.New(t)
	w.run(t, w.job(t, tenant), "a1", "b2", "c3")
	before := w.rows(t, tenant)
	job := w.job(t, tenant)
	if job.Plan.Len() != 0 {
		t.Errorf("the plan has %d steps", job.Plan.Len())
	}
	w.run(t, job)
	if diff := cmp.Diff(before, w.rows(t, tenant)); diff != "" {
		t.Errorf("the version table changed (-before +after):\n%s", diff)
	}
}

func planTwice(t *testing.T, d Dialect) {
	w, tenant := open(t, d, engine.Config{}, chain...), d.New(t)
	job := w.job(t, tenant)
	w.run(t, job, "a1", "b2", "c3")
	if again := w.run(t, job); !again.Resolved {
		t.Error("the second run did not ask the tenant")
	}
	w.has(t, tenant, "SELECT id FROM orders", "1")
}

func fromBehind(t *testing.T, d Dialect) {
	w, tenant := open(t, d, engine.Config{}, createUsers), d.New(t)
	w.run(t, w.job(t, tenant), "a1")
	w = w.with(t, engine.Config{}, chain...)
	w.stand(t, tenant, engine.Behind, "a1")
	w.run(t, w.job(t, tenant), "b2", "c3")
	w.stand(t, tenant, engine.Current, "c3")
}

func rowContents(t *testing.T, d Dialect) {
	w, tenant := open(t, d, engine.Config{Tool: "skein of the test"}, createUsers, addEmail), d.New(t)
	job := w.job(t, tenant)
	job.Rollout = "rollout-7"
	w.run(t, job, "a1", "b2")
	w = w.with(t, engine.Config{}, chain...)
	job = w.job(t, tenant)
	job.Rollout = ""
	w.run(t, job, "c3")
	want := [][]string{
		w.row("a1", "rollout-7", "skein of the test"),
		w.row("b2", "rollout-7", "skein of the test"),
		w.row("c3", "NULL", "skein"),
	}
	if diff := cmp.Diff(want, w.rows(t, tenant)); diff != "" {
		t.Errorf("the version table (-want +got):\n%s", diff)
	}
}

func emptyBody(t *testing.T, d Dialect) {
	w, tenant := open(t, d, engine.Config{}, rev{id: "a1", revises: "none"}), d.New(t)
	w.run(t, w.job(t, tenant), "a1")
	w.stand(t, tenant, engine.Current, "a1")
	w.run(t, w.down(t, tenant), "a1")
	w.stand(t, tenant, engine.Empty)
}

func branches(t *testing.T, d Dialect) {
	left := rev{id: "l1", revises: "a1", up: "CREATE TABLE lefts (id integer);", down: "DROP TABLE lefts;"}
	right := rev{id: "r1", revises: "a1", up: "CREATE TABLE rights (id integer);", down: "DROP TABLE rights;"}
	merge := rev{id: "m1", revises: "l1, r1"}
	w, tenant := open(t, d, engine.Config{}, createUsers, left, right), d.New(t)
	w.run(t, w.job(t, tenant), "a1", "l1", "r1")
	w.stand(t, tenant, engine.Current, "l1", "r1")

	w = w.with(t, engine.Config{}, createUsers, left, right, merge)
	w.stand(t, tenant, engine.Behind, "l1", "r1")
	w.run(t, w.job(t, tenant), "m1")
	w.stand(t, tenant, engine.Current, "m1")
	w.run(t, w.down(t, tenant), "m1", "r1", "l1", "a1")
	w.stand(t, tenant, engine.Empty)
}

func downgrade(t *testing.T, d Dialect) {
	w, tenant := open(t, d, engine.Config{}, chain...), d.New(t)
	w.run(t, w.job(t, tenant), "a1", "b2", "c3")
	w.run(t, w.down(t, tenant), "c3", "b2", "a1")
	w.stand(t, tenant, engine.Empty)
	w.lacks(t, tenant, "users")
	w.lacks(t, tenant, "orders")
	if !w.survey(t, tenant).SchemaID.HasTable {
		t.Error("the version table did not stay at base")
	}
	w.run(t, w.job(t, tenant), "a1", "b2", "c3")
}

func stamp(t *testing.T, d Dialect) {
	w, tenant := open(t, d, engine.Config{}, chain...), d.New(t)
	job := w.job(t, tenant)
	job.Plan = engine.NewStamp(w.Graph(), job.Standing.Applied, []string{"a1", "b2"})
	w.run(t, job, "a1", "b2")
	w.stand(t, tenant, engine.Behind, "b2")
	w.lacks(t, tenant, "users")
	want := [][]string{w.row("a1", "r1", "skein"), w.row("b2", "r1", "skein")}
	if diff := cmp.Diff(want, w.rows(t, tenant)); diff != "" {
		t.Errorf("the version table (-want +got):\n%s", diff)
	}
	w.has(t, tenant, "SELECT sum(duration_ms) FROM skein_version", "0")
}

func purge(t *testing.T, d Dialect) {
	w, tenant := open(t, d, engine.Config{}, chain...), d.New(t)
	w.run(t, w.job(t, tenant), "a1", "b2", "c3")
	d.Exec(t, tenant, insertUnknown)
	job := w.job(t, tenant)
	job.Plan = engine.NewStamp(w.Graph(), job.Standing.Applied, []string{"a1"})
	if _, err := w.Apply(t.Context(), job); err != nil {
		t.Fatal(err)
	}
	w.stand(t, tenant, engine.Behind, "a1")
	w.has(t, tenant, "SELECT id FROM orders", "1")
}

func template(t *testing.T, d Dialect) {
	w := open(t, d, engine.Config{}, rev{
		id: "a1", revises: "none", options: "template",
		up: "CREATE TABLE {{ ident .Table }} (id integer);\nINSERT INTO {{ ident .Table }} (id) VALUES ({{ raw .Value }});",
	})
	for _, table := range []string{"north", "south; east"} {
		tenant := d.New(t)
		job := w.job(t, tenant)
		job.Data = map[string]any{"Table": table, "Value": 7}
		w.run(t, job, "a1")
		w.has(t, tenant, `SELECT id FROM "`+table+`"`, "7")
	}

	tenant := d.New(t)
	job := w.job(t, tenant)
	job.Data = map[string]any{"Table": "west", "Value": "nowhere"}
	w.fail(t.Context(), t, job, engine.Error{Class: engine.Revision, Revision: "a1", File: "a1_test.sql", Line: bodyLine + 1})
	w.lacks(t, tenant, "west")
}

func hundred(t *testing.T, d Dialect) {
	w := open(t, d, engine.Config{}, chain...)
	locations := make([]engine.Location, 100)
	for i := range locations {
		locations[i] = d.New(t)
	}
	standings := w.Survey(t.Context(), locations)
	plan := w.plan(standings[0])
	var tenants sync.WaitGroup
	for i, location := range locations {
		tenants.Go(func() {
			job := engine.Job{Location: location, Standing: standings[i], Plan: plan, Attempt: 1, Rollout: strconv.Itoa(i)}
			if _, err := w.Apply(t.Context(), job); err != nil {
				t.Errorf("tenant %d: %v", i, err)
			}
		})
	}
	tenants.Wait()
	for i, s := range w.Survey(t.Context(), locations) {
		if s.State != engine.Current {
			t.Errorf("tenant %d is %s: %v", i, s.State, s.Err)
		}
	}
}
