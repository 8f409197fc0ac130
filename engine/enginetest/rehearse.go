package enginetest

import (
	"context"
	"slices"
	"strings"
	"sync"
	"testing"
	"time"

	"github.com/google/go-cmp/cmp"

	"github.com/skeindb/skein/engine"
)

var rehearsals = []promise{
	{"a rehearsal of an empty tenant changes nothing, and the upgrade after it does", rehearseEmpty},
	{"a rehearsal of a tenant with rows changes nothing", rehearseRows},
	{"a rehearsal of a downgrade and of a stamp changes nothing", rehearseDown},
	{"a rehearsal reports which locks it held and for how long", rehearseLocks},
	{"a rehearsal finds the statement that fails, and changes nothing", rehearseFailing},
	{"a rehearsal tries the parts of a chain one after the other", rehearseParts},
	{"a rehearsal leaves out a no-transaction revision and all after it", rehearseOutside},
	{"a rehearsal that begins with a no-transaction revision runs nothing", rehearseOutsideFirst},
	{"a rehearsal of a locked tenant is busy", rehearseLocked},
	{"a rehearsal of a tenant that stands elsewhere is stale", rehearseStale},
	{"a rehearsal that takes too long is interrupted", rehearseTimeout},
	{"a canceled rehearsal leaves nothing, and the lock free", rehearseCanceled},
	{"a rehearsal of a tenant that was dropped is gone", rehearseDropped},
	{"twenty tenants are rehearsed at once", rehearseTwenty},
}

// rehearse demands that the tenant has the same in it before and afterwards.
func (w world) rehearse(ctx context.Context, t *testing.T, job engine.Job) (engine.Rehearsal, error) {
	t.Helper()
	before := w.d.Dump(t, job.Location)
	r, err := w.Rehearse(ctx, job)
	if diff := cmp.Diff(before, w.d.Dump(t, job.Location)); diff != "" {
		t.Errorf("the rehearsal changed the tenant (-before +after):\n%s", diff)
	}
	return r, err
}

// tried demands that a rehearsal goes well, and that these steps ran.
func (w world) tried(t *testing.T, job engine.Job, steps ...string) engine.Rehearsal {
	t.Helper()
	r, err := w.rehearse(t.Context(), t, job)
	if err != nil {
		t.Fatalf("rehearse %s: %v", job.Location, err)
	}
	if !slices.Equal(r.Steps, steps) {
		t.Errorf("the steps are %v, want %v", r.Steps, steps)
	}
	if (len(r.Untried) > 0) != (r.Why != "") {
		t.Errorf("untried are %v because of %q", r.Untried, r.Why)
	}
	return r
}

// refused demands that a rehearsal fails so: class, revision, file and line count.
func (w world) refused(t *testing.T, job engine.Job, want engine.Error) engine.Rehearsal {
	t.Helper()
	r, err := w.rehearse(t.Context(), t, job)
	got := asError(t, err)
	same := engine.Error{Class: got.Class, Revision: got.Revision, File: got.File, Line: got.Line}
	if diff := cmp.Diff(want, same); diff != "" {
		t.Errorf("the error is not the one that was expected (-want +got):\n%s\n%v", diff, err)
	}
	if len(r.Untried) > 0 || r.Why != "" {
		t.Errorf("with an error, %v are untried because of %q", r.Untried, r.Why)
	}
	return r
}

func rehearseEmpty(t *testing.T, d Dialect) {
	w, tenant := open(t, d, engine.Config{}, chain...), d.New(t)
	job := w.job(t, tenant)
	for range 2 {
		if r := w.tried(t, job, "a1", "b2", "c3"); r.Duration <= 0 || len(r.Untried) > 0 {
			t.Errorf("it took %s, untried %v", r.Duration, r.Untried)
		}
	}
	if w.survey(t, tenant).SchemaID.HasTable {
		t.Error("there is a version table")
	}
	w.run(t, job, "a1", "b2", "c3")
	w.stand(t, tenant, engine.Current, "c3")
}

func rehearseRows(t *testing.T, d Dialect) {
	w, tenant := open(t, d, engine.Config{}, createUsers), d.New(t)
	w.run(t, w.job(t, tenant), "a1")
	d.Exec(t, tenant, "INSERT INTO users (id, name) VALUES (1, 'Ada'), (2, 'Grace')")
	w = w.with(t, engine.Config{}, createUsers, rev{
		id: "b2", revises: "a1",
		up: "UPDATE users SET name = 'nobody';\nDELETE FROM users WHERE id = 2;\nALTER TABLE users RENAME TO people;\nCREATE INDEX people_name ON people (name);",
	})
	w.tried(t, w.job(t, tenant), "b2")
	w.stand(t, tenant, engine.Behind, "a1")
}

func rehearseDown(t *testing.T, d Dialect) {
	w, tenant := open(t, d, engine.Config{}, chain...), d.New(t)
	w.run(t, w.job(t, tenant), "a1", "b2", "c3")
	w.tried(t, w.down(t, tenant), "c3", "b2", "a1")
	stamp := w.job(t, tenant)
	stamp.Plan = engine.NewStamp(w.Graph(), stamp.Standing.Applied, []string{"a1"})
	w.tried(t, stamp, stamp.Plan.Parts[0].IDs()...)
	w.stand(t, tenant, engine.Current, "c3")
}

func rehearseLocks(t *testing.T, d Dialect) {
	w, tenant := open(t, d, engine.Config{}, createUsers), d.New(t)
	w.run(t, w.job(t, tenant), "a1")
	w = w.with(t, engine.Config{}, createUsers, addEmail)
	r := w.tried(t, w.job(t, tenant), "b2")
	if len(r.Locks) == 0 {
		t.Fatal("it held nothing")
	}
	for _, l := range r.Locks {
		if l.Object == "" || l.Mode == "" || l.For <= 0 || l.For > r.Duration || strings.Contains(l.Object, "skein") {
			t.Errorf("it held %+v, of %s", l, r.Duration)
		}
	}
}

func rehearseFailing(t *testing.T, d Dialect) {
	w := open(t, d, engine.Config{}, createUsers, uniqueNames)
	tenant := twins(t, w)
	job := w.job(t, tenant)
	w.refused(t, job, engine.Error{Class: engine.Data, Revision: "u1", File: "u1_test.sql", Line: bodyLine + 2})
	d.Exec(t, tenant, "DELETE FROM users WHERE id = 2")
	w.tried(t, job, "u1")

	w, tenant = w.with(t, engine.Config{}, createUsers, addEmail, nonsense), d.New(t)
	w.refused(t, w.job(t, tenant), engine.Error{Class: engine.Revision, Revision: "x1", File: "x1_test.sql", Line: bodyLine + 2})
}

// rehearseParts has a part that needs what the one before it made, and one that fails.
func rehearseParts(t *testing.T, d Dialect) {
	w, tenant := open(t, d, engine.Config{Mode: engine.PerRevision}, chain...), d.New(t)
	w.tried(t, w.job(t, tenant), "a1", "b2", "c3")

	fill := rev{id: "f1", revises: "b2", up: "INSERT INTO users (id, name) VALUES (1, 'Ada');\nINSERT INTO users (id, name) VALUES (1, 'Eve');"}
	w = w.with(t, engine.Config{Mode: engine.PerRevision}, createUsers, addEmail, fill)
	r := w.refused(t, w.job(t, tenant), engine.Error{Class: engine.Data, Revision: "f1", File: "f1_test.sql", Line: bodyLine + 1})
	if !slices.Equal(r.Steps, []string{"a1", "b2"}) {
		t.Errorf("before the failure ran %v", r.Steps)
	}
}

func rehearseOutside(t *testing.T, d Dialect) {
	w, tenant := open(t, d, engine.Config{}, createUsers), d.New(t)
	w.run(t, w.job(t, tenant), "a1")
	body := d.NoTx(t, tenant)
	second := rev{id: "n1", revises: "b2", options: "no-transaction", up: body.First + ";\n\n" + body.Second + ";"}
	third := createOrders
	third.revises = "n1"
	w = w.with(t, engine.Config{}, createUsers, addEmail, second, third)
	r := w.tried(t, w.job(t, tenant), "b2")
	if !slices.Equal(r.Untried, []string{"n1", "c3"}) || !strings.Contains(r.Why, "n1") || !strings.Contains(r.Why, "n1_test.sql") {
		t.Errorf("untried are %v because of %q", r.Untried, r.Why)
	}
}

func rehearseOutsideFirst(t *testing.T, d Dialect) {
	w, tenant := open(t, d, engine.Config{}, createUsers), d.New(t)
	w.run(t, w.job(t, tenant), "a1")
	body := d.NoTx(t, tenant)
	first := rev{id: "n1", revises: "a1", options: "no-transaction", up: body.First + ";\n\n" + body.Second + ";"}
	second := createOrders
	second.revises = "n1"
	w = w.with(t, engine.Config{}, createUsers, first, second)
	job := w.job(t, tenant)
	if r := w.tried(t, job); !slices.Equal(r.Untried, []string{"n1", "c3"}) {
		t.Errorf("untried are %v", r.Untried)
	}
	d.Exec(t, tenant, insertUnknown)
	w.refused(t, job, engine.Error{Class: engine.Stale})
}

func rehearseLocked(t *testing.T, d Dialect) {
	w, tenant := open(t, d, engine.Config{LockTimeout: 100 * time.Millisecond}, createUsers), d.New(t)
	w.run(t, w.job(t, tenant), "a1")
	w = w.with(t, engine.Config{LockTimeout: 100 * time.Millisecond}, chain...)
	job := w.job(t, tenant)
	release := d.Lock(t, tenant)
	_, err := w.Rehearse(t.Context(), job) // nothing can be dumped as long as it is locked
	release()
	if e := asError(t, err); e.Class != engine.Busy {
		t.Errorf("class %s: %v", e.Class, e)
	}
	w.stand(t, tenant, engine.Behind, "a1")
	w.tried(t, job, "b2", "c3")
}

func rehearseStale(t *testing.T, d Dialect) {
	w, tenant := open(t, d, engine.Config{}, createUsers), d.New(t)
	w.run(t, w.job(t, tenant), "a1")
	w = w.with(t, engine.Config{}, chain...)
	job := w.job(t, tenant)
	d.Exec(t, tenant, insertUnknown)
	w.refused(t, job, engine.Error{Class: engine.Stale})

	// Also one that stands at a later part of the plan, where Apply would continue.
	w, tenant = w.with(t, engine.Config{Mode: engine.PerRevision}, chain...), d.New(t)
	job = w.job(t, tenant)
	other := open(t, d, engine.Config{}, createUsers)
	other.run(t, other.job(t, tenant), "a1")
	w.refused(t, job, engine.Error{Class: engine.Stale})
}

func rehearseTimeout(t *testing.T, d Dialect) {
	slow := rev{id: "s1", revises: "a1", up: "CREATE TABLE notes (id integer);\n" + d.Slow + ";"}
	w, tenant := open(t, d, engine.Config{StatementTimeout: 200 * time.Millisecond}, createUsers, slow), d.New(t)
	w.refused(t, w.job(t, tenant), engine.Error{Class: engine.Timeout, Revision: "s1", File: "s1_test.sql", Line: bodyLine + 1})
}

func rehearseCanceled(t *testing.T, d Dialect) {
	slow := rev{id: "s1", revises: "a1", up: "CREATE TABLE notes (id integer);\n" + d.Slow + ";"}
	w, tenant := open(t, d, engine.Config{}, createUsers, slow), d.New(t)
	ctx, cancel := context.WithTimeout(t.Context(), 300*time.Millisecond)
	defer cancel()
	_, err := w.rehearse(ctx, t, w.job(t, tenant))
	if e := asError(t, err); e.Class != engine.Canceled {
		t.Errorf("class %s: %v", e.Class, e)
	}
	w = w.with(t, engine.Config{}, chain...)
	w.run(t, w.job(t, tenant), "a1", "b2", "c3")
}

func rehearseDropped(t *testing.T, d Dialect) {
	w, tenant := open(t, d, engine.Config{}, chain...), d.New(t)
	job := w.job(t, tenant)
	d.Drop(t, tenant)
	_, err := w.Rehearse(t.Context(), job)
	if e := asError(t, err); e.Class != engine.Gone {
		t.Errorf("class %s: %v", e.Class, e)
	}
	w.stand(t, tenant, engine.Missing)
}

func rehearseTwenty(t *testing.T, d Dialect) {
	w := open(t, d, engine.Config{}, chain...)
	locations := make([]engine.Location, 20)
	for i := range locations {
		locations[i] = d.New(t)
	}
	standings := w.Survey(t.Context(), locations)
	plan := w.plan(standings[0])
	var tenants sync.WaitGroup
	for i, location := range locations {
		tenants.Go(func() {
			r, err := w.Rehearse(t.Context(), engine.Job{Location: location, Standing: standings[i], Plan: plan, Attempt: 1})
			if err != nil || len(r.Steps) != 3 {
				t.Errorf("tenant %d: %v, %v", i, r.Steps, err)
			}
		})
	}
	tenants.Wait()
	for i, s := range w.Survey(t.Context(), locations) {
		if s.State != engine.Empty || s.SchemaID != standings[i].SchemaID {
			t.Errorf("tenant %d is %s, %+v", i, s.State, s.SchemaID)
		}
	}
}
