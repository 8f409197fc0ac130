package enginetest

import (
	"context"
	"errors"
	"fmt"
	"slices"
	"strings"
	"testing"
	"testing/fstest"

	"github.com/google/go-cmp/cmp"

	"github.com/skeindb/skein/engine"
	"github.com/skeindb/skein/engine/revision"
)

// rev is a revision of a test. Its upgrade body begins in line bodyLine of its file.
type rev struct {
	id, revises string
	options     string // of the upgrade section, as after its colon
	downOptions string // of the downgrade section
	up, down    string
}

const bodyLine = 6

func (r rev) file() string { return r.id + "_test.sql" }

func (r rev) text() string {
	return fmt.Sprintf("-- revision: %s\n-- revises: %s\n-- message: test\n\n%s\n%s\n\n%s\n%s\n",
		r.id, r.revises, marker("-- upgrade", r.options), r.up, marker("-- downgrade", r.downOptions), r.down)
}

func marker(section, options string) string {
	if options == "" {
		return section
	}
	return section + ": " + options
}

// The chain that most tests use. createUsers makes the table that [Dialect.Lock] locks.
var (
	createUsers = rev{
		id: "a1", revises: "none",
		up:   "CREATE TABLE users (id integer PRIMARY KEY, name text NOT NULL);",
		down: "DROP TABLE users;",
	}
	addEmail = rev{
		id: "b2", revises: "a1",
		up:   "ALTER TABLE users ADD COLUMN email text;",
		down: "ALTER TABLE users DROP COLUMN email;",
	}
	createOrders = rev{
		id: "c3", revises: "b2",
		up:   "CREATE TABLE orders (id integer PRIMARY KEY);\nINSERT INTO orders (id) VALUES (1);",
		down: "DROP TABLE orders;",
	}
)

var chain = []rev{createUsers, addEmail, createOrders}

// world is a database with an engine over it.
type world struct {
	*engine.Engine
	d  Dialect
	db engine.Database
}

// open makes an engine over a fresh Database.
func open(t *testing.T, d Dialect, cfg engine.Config, revs ...rev) world {
	t.Helper()
	db := d.Open(t)
	t.Cleanup(func() {
		if err := db.Close(); err != nil {
			t.Errorf("close the database: %v", err)
		}
	})
	return world{Engine: engine.New(db, load(t, d, revs), cfg), d: d, db: db}
}

// with makes an engine over the same Database with other revisions.
func (w world) with(t *testing.T, cfg engine.Config, revs ...rev) world {
	t.Helper()
	w.Engine = engine.New(w.db, load(t, w.d, revs), cfg)
	return w
}

func load(t *testing.T, d Dialect, revs []rev) *revision.Graph {
	t.Helper()
	files := fstest.MapFS{}
	for _, r := range revs {
		files[r.file()] = &fstest.MapFile{Data: []byte(r.text())}
	}
	graph, err := revision.Load(files, d.Name)
	if err != nil {
		t.Fatalf("load the revisions: %v", err)
	}
	return graph
}

// survey reads where one tenant stands.
func (w world) survey(t *testing.T, location engine.Location) engine.Standing {
	t.Helper()
	all := w.Survey(t.Context(), []engine.Location{location})
	if len(all) != 1 {
		t.Fatalf("a survey of one tenant has %d standings", len(all))
	}
	return all[0]
}

// stand fails the test unless the tenant stands at state with heads.
func (w world) stand(t *testing.T, location engine.Location, state engine.State, heads ...string) {
	t.Helper()
	got := w.survey(t, location)
	if got.State != state || !slices.Equal(got.Heads, heads) {
		t.Errorf("the tenant is %s at %v, want %s at %v (error: %v)", got.State, got.Heads, state, heads, got.Err)
	}
}

// job plans the way of a tenant, as surveyed now, to the heads.
func (w world) job(t *testing.T, location engine.Location) engine.Job {
	t.Helper()
	s := w.survey(t, location)
	if s.Err != nil {
		t.Fatalf("survey %s: %v", location, s.Err)
	}
	return engine.Job{Location: location, Standing: s, Plan: w.plan(s), Attempt: 1, Rollout: "r1"}
}

func (w world) plan(s engine.Standing) *engine.Plan {
	have := s.Applied.IDs()
	pending := slices.DeleteFunc(w.Graph().All(), func(r *revision.Revision) bool { return slices.Contains(have, r.ID) })
	return engine.NewPlan(s.Applied, revision.Up, pending, w.Mode())
}

// down plans the way of a tenant, as surveyed now, to base.
func (w world) down(t *testing.T, location engine.Location) engine.Job {
	t.Helper()
	job := w.job(t, location)
	all := w.Graph().All()
	slices.Reverse(all)
	job.Plan = engine.NewPlan(job.Standing.Applied, revision.Down, all, w.Mode())
	return job
}

// run upgrades and demands that exactly the steps with these ids are done.
func (w world) run(t *testing.T, job engine.Job, want ...string) engine.Result {
	t.Helper()
	result, err := w.Apply(t.Context(), job)
	if err != nil {
		t.Fatalf("upgrade %s: %v", job.Location, err)
	}
	if !slices.Equal(result.Done, want) {
		t.Errorf("done are %v, want %v", result.Done, want)
	}
	return result
}

// fail upgrades and demands the error want, of which class, revision, file and line count, and the steps
// that are done before it.
func (w world) fail(ctx context.Context, t *testing.T, job engine.Job, want engine.Error, done ...string) *engine.Error {
	t.Helper()
	result, err := w.Apply(ctx, job)
	got := asError(t, err)
	same := engine.Error{Class: got.Class, Revision: got.Revision, File: got.File, Line: got.Line}
	if diff := cmp.Diff(want, same); diff != "" {
		t.Errorf("the error is not the one that was expected (-want +got):\n%s\n%v", diff, err)
	}
	if !slices.Equal(result.Done, done) {
		t.Errorf("done are %v, want %v", result.Done, done)
	}
	return got
}

func asError(t *testing.T, err error) *engine.Error {
	t.Helper()
	var e *engine.Error
	if !errors.As(err, &e) {
		t.Fatalf("the error is %T %v, want an *engine.Error", err, err)
	}
	return e
}

// rows reads the version table: revision, checksum, rollout and tool of each row.
func (w world) rows(t *testing.T, location engine.Location) [][]string {
	t.Helper()
	return w.d.Query(t, location, `SELECT revision, checksum, rollout, tool FROM skein_version
WHERE applied_at IS NOT NULL AND duration_ms >= 0 ORDER BY revision`)
}

// row is what rows returns for a revision that w applied in a rollout.
func (w world) row(id, rollout, tool string) []string {
	return []string{id, w.Graph().Get(id).Checksum(), rollout, tool}
}

// has fails the test unless a query finds rows of these values, one column each.
func (w world) has(t *testing.T, location engine.Location, query string, want ...string) {
	t.Helper()
	var got []string
	for _, row := range w.d.Query(t, location, query) {
		got = append(got, strings.Join(row, ","))
	}
	if diff := cmp.Diff(want, got); diff != "" {
		t.Errorf("%s (-want +got):\n%s", query, diff)
	}
}

// lacks fails the test when the tenant has a table of this name: it makes one, which then must work.
func (w world) lacks(t *testing.T, location engine.Location, table string) {
	t.Helper()
	w.d.Exec(t, location, "CREATE TABLE "+table+" (id integer)")
	w.d.Exec(t, location, "DROP TABLE "+table)
}
