package enginetest

import (
	"slices"
	"testing"

	"github.com/google/go-cmp/cmp"

	"github.com/skeindb/skein/engine"
	"github.com/skeindb/skein/engine/revision"
)

var cutOff = []promise{
	{"nothing is taken down below a no-transaction revision that was cut off", cutOffUpgrade},
	{"nothing is applied where a no-transaction downgrade was cut off", cutOffDowngrade},
	{"a no-transaction revision that was cut off is finished after others of other branches", cutOffBranch},
	{"a no-transaction revision that was cut off is not resumed where what it builds on was taken down", cutOffBelow},
	{"a stamp ends no-transaction revisions that were cut off", cutOffStamp},
}

// to plans the way of a tenant through revisions, as surveyed now.
func (w world) to(t *testing.T, location engine.Location, dir revision.Direction, ids ...string) engine.Job {
	t.Helper()
	s := w.survey(t, location)
	var steps []*revision.Revision
	for _, id := range ids {
		steps = append(steps, w.Graph().Get(id))
	}
	return engine.Job{Location: location, Standing: s, Plan: engine.NewPlan(s.Applied, dir, steps, w.Mode()), Attempt: 1, Rollout: "r1"}
}

// halfDone fails the test unless a survey finds exactly these sections cut off.
func (w world) halfDone(t *testing.T, location engine.Location, state engine.State, want ...engine.CutOff) {
	t.Helper()
	s := w.survey(t, location)
	if diff := cmp.Diff(want, s.CutOff); diff != "" {
		t.Errorf("sections that were cut off (-want +got):\n%s", diff)
	}
	if s.State != state || (s.Err != nil) != (state == engine.Unknown) {
		t.Errorf("the tenant is %s, want %s (error: %v)", s.State, state, s.Err)
	}
	if state == engine.Unknown && asError(t, s.Err).Revision != want[0].Revision {
		t.Errorf("the error is not about revision %s: %v", want[0].Revision, s.Err)
	}
}

// cutOffBy runs a job until the second statement of the body fails.
func (w world) cutOffBy(t *testing.T, job engine.Job, body NoTxBody, done ...string) {
	t.Helper()
	result, err := w.Apply(t.Context(), job)
	if e := asError(t, err); e.Class != body.Class || !slices.Equal(result.Done, done) {
		t.Fatalf("done are %v, want %v; want the class %s: %v", result.Done, done, body.Class, err)
	}
}

func cutOffUpgrade(t *testing.T, d Dialect) {
	for _, options := range []string{"", "no-transaction"} {
		w, tenant := open(t, d, engine.Config{}, createUsers), d.New(t)
		w.run(t, w.job(t, tenant), "a1")
		body := d.NoTx(t, tenant)
		second := addEmail
		second.downOptions = options
		third := rev{id: "n1", revises: "b2", options: "no-transaction", up: body.First + ";\n" + body.Second + ";"}
		w = w.with(t, engine.Config{}, createUsers, second, third)
		w.run(t, w.to(t, tenant, revision.Up, "b2"), "b2")
		early := w.to(t, tenant, revision.Down, "b2", "a1")
		w.cutOffBy(t, w.job(t, tenant), body)
		w.halfDone(t, tenant, engine.Behind, engine.CutOff{Revision: "n1", Direction: revision.Up})

		before := d.Dump(t, tenant)
		refused := engine.Error{Class: engine.Revision, Revision: "n1"}
		w.fail(t.Context(), t, w.to(t, tenant, revision.Down, "b2", "a1"), refused)
		w.fail(t.Context(), t, early, refused) // surveyed before the section began
		if options == "" {
			if _, err := w.Rehearse(t.Context(), w.to(t, tenant, revision.Down, "b2", "a1")); asError(t, err).Revision != "n1" {
				t.Errorf("the rehearsal is refused for another reason: %v", err)
			}
		}
		if diff := cmp.Diff(before, d.Dump(t, tenant)); diff != "" {
			t.Errorf("what was refused changed the tenant (-before +after):\n%s", diff)
		}

		body.Repair()
		w.run(t, w.job(t, tenant), "n1")
		w.run(t, w.to(t, tenant, revision.Down, "n1", "b2"), "n1", "b2")
		w.stand(t, tenant, engine.Behind, "a1")
		w.lacks(t, tenant, "skein_version_steps")
	}
}

func cutOffDowngrade(t *testing.T, d Dialect) {
	w, tenant := open(t, d, engine.Config{}, createUsers), d.New(t)
	w.run(t, w.job(t, tenant), "a1")
	body := d.NoTx(t, tenant)
	second := rev{id: "n1", revises: "a1", downOptions: "no-transaction", down: body.First + ";\n" + body.Second + ";"}
	third := createOrders
	third.revises = "n1"
	w = w.with(t, engine.Config{}, createUsers, second, third)
	w.run(t, w.to(t, tenant, revision.Up, "n1"), "n1")
	early := w.to(t, tenant, revision.Up, "c3")
	w.cutOffBy(t, w.to(t, tenant, revision.Down, "n1", "a1"), body)
	w.halfDone(t, tenant, engine.Unknown, engine.CutOff{Revision: "n1", Direction: revision.Down})

	refused := engine.Error{Class: engine.Revision, Revision: "n1"}
	w.fail(t.Context(), t, w.to(t, tenant, revision.Up, "c3"), refused)
	w.fail(t.Context(), t, early, refused)
	w.cutOffBy(t, w.to(t, tenant, revision.Down, "n1", "a1"), body) // it continues, and fails as before

	body.Repair()
	w.run(t, w.to(t, tenant, revision.Down, "n1", "a1"), "n1", "a1")
	w.stand(t, tenant, engine.Empty)
	w.lacks(t, tenant, "skein_version_steps")
}

func cutOffBranch(t *testing.T, d Dialect) {
	w, tenant := open(t, d, engine.Config{}, createUsers), d.New(t)
	w.run(t, w.job(t, tenant), "a1")
	body := d.NoTx(t, tenant)
	w = w.with(t, engine.Config{}, createUsers,
		rev{id: "n1", revises: "a1", options: "no-transaction", up: body.First + ";\n" + body.Second + ";"},
		rev{id: "m1", revises: "a1", options: "no-transaction", up: "CREATE TABLE m (id integer);"},
		rev{id: "t1", revises: "a1", up: "CREATE TABLE t (id integer);"})
	early := w.to(t, tenant, revision.Up, "t1")
	w.cutOffBy(t, w.to(t, tenant, revision.Up, "n1"), body)
	w.run(t, w.to(t, tenant, revision.Up, "m1"), "m1")
	w.halfDone(t, tenant, engine.Behind, engine.CutOff{Revision: "n1", Direction: revision.Up})
	w.fail(t.Context(), t, early, engine.Error{Class: engine.Stale}) // m1 was applied since
	w.run(t, w.to(t, tenant, revision.Up, "t1"), "t1")
	w.halfDone(t, tenant, engine.Behind, engine.CutOff{Revision: "n1", Direction: revision.Up})
	body.Repair()
	w.run(t, w.to(t, tenant, revision.Up, "n1"), "n1")
	w.stand(t, tenant, engine.Current, "m1", "n1", "t1")
	w.lacks(t, tenant, "skein_version_steps")
}

// cutOffBelow is what a version of skein left that took down what the section builds on.
func cutOffBelow(t *testing.T, d Dialect) {
	w, tenant := open(t, d, engine.Config{}, createUsers), d.New(t)
	w.run(t, w.job(t, tenant), "a1")
	body := d.NoTx(t, tenant)
	third := rev{id: "n1", revises: "b2", options: "no-transaction", up: body.First + ";\n" + body.Second + ";"}
	w = w.with(t, engine.Config{}, createUsers, addEmail, third)
	w.cutOffBy(t, w.job(t, tenant), body, "b2")
	d.Exec(t, tenant, "DELETE FROM skein_version WHERE revision = 'b2'")
	w.halfDone(t, tenant, engine.Unknown, engine.CutOff{Revision: "n1", Direction: revision.Up})
}

func cutOffStamp(t *testing.T, d Dialect) {
	for name, want := range map[string][]string{"as applied": {"a1", "n1"}, "as never applied": {"a1"}, "from base": nil} {
		for _, dir := range []revision.Direction{revision.Up, revision.Down} {
			w, tenant := open(t, d, engine.Config{}, createUsers), d.New(t)
			w.run(t, w.job(t, tenant), "a1")
			body := d.NoTx(t, tenant)
			two, second := body.First+";\n"+body.Second+";", rev{id: "n1", revises: "a1", options: "no-transaction", downOptions: "no-transaction"}
			if dir == revision.Up {
				second.up = two
			} else {
				second.down = two
			}
			w = w.with(t, engine.Config{}, createUsers, second)
			if dir == revision.Down {
				w.run(t, w.job(t, tenant), "n1")
			}
			w.cutOffBy(t, w.to(t, tenant, dir, "n1"), body)
			job := w.to(t, tenant, dir)
			if job.Plan = engine.NewStamp(w.Graph(), job.Standing.Applied, want, job.Standing.CutOff...); len(job.Plan.Parts) == 0 {
				continue // what is half applied is recorded as not applied already: its journal stays
			}
			if _, err := w.Apply(t.Context(), job); err != nil {
				t.Fatalf("stamp %s: %v", name, err)
			}
			if s := w.survey(t, tenant); s.Err != nil || s.CutOff != nil || !slices.Equal(s.Applied.IDs(), want) {
				t.Errorf("after a stamp %s (%s) %v are applied and %v were cut off (error: %v)", name, dir, s.Applied.IDs(), s.CutOff, s.Err)
			}
			w.lacks(t, tenant, "skein_version_steps")
		}
	}
}
