package enginetest

import (
	"strings"
	"testing"

	"github.com/skeindb/skein/engine"
	"github.com/skeindb/skein/engine/revision"
)

var ownRows = []promise{
	{"a version table that keeps a row out fails the upgrade, with its body", upgradeUnrecorded},
	{"a version table that keeps a row in fails the downgrade, with its body", downgradeUnrecorded},
	{"a version table that keeps a row out or in fails the stamp", stampUnrecorded},
	{"a no-transaction revision that cannot be recorded is not reported as done, and is resumed", noTxUnrecorded},
}

// refusals runs a check for each way in which a version table refuses rows of skein's.
func refusals(t *testing.T, d Dialect, deletes bool, check func(*testing.T, Refusal)) {
	for _, r := range d.Refusals {
		if r.Delete != deletes {
			continue
		}
		t.Run(r.Name, func(t *testing.T) {
			t.Parallel()
			check(t, r)
		})
	}
}

// unrecorded upgrades and demands an error about our own row of that revision.
func (w world) unrecorded(t *testing.T, job engine.Job, r Refusal, id string) {
	t.Helper()
	result, err := w.Apply(t.Context(), job)
	e := asError(t, err)
	if e.Class == engine.Gone || e.Class == engine.Stale || e.Revision != id || !strings.Contains(e.Message, r.Says) || !strings.Contains(e.Advice, "skein_version") {
		t.Errorf("the error is of class %s, of revision %s: %v — %s", e.Class, e.Revision, e, e.Advice)
	}
	if len(result.Done) > 0 {
		t.Errorf("done are %v", result.Done)
	}
}

// refusing is a tenant with a1 and b2 whose version table refuses.
func refusing(t *testing.T, d Dialect, r Refusal) (world, engine.Location) {
	t.Helper()
	w, tenant := open(t, d, engine.Config{}, createUsers, addEmail), d.New(t)
	w.run(t, w.job(t, tenant), "a1", "b2")
	for _, sql := range r.Make {
		d.Exec(t, tenant, sql)
	}
	return w.with(t, engine.Config{}, chain...), tenant
}

func upgradeUnrecorded(t *testing.T, d Dialect) {
	refusals(t, d, false, func(t *testing.T, r Refusal) {
		w, tenant := refusing(t, d, r)
		w.unrecorded(t, w.job(t, tenant), r, "c3")
		w.stand(t, tenant, engine.Behind, "b2")
		w.lacks(t, tenant, "orders")
	})
}

func downgradeUnrecorded(t *testing.T, d Dialect) {
	refusals(t, d, true, func(t *testing.T, r Refusal) {
		w, tenant := refusing(t, d, r)
		job := w.job(t, tenant)
		job.Plan = engine.NewPlan(job.Standing.Applied, revision.Down, []*revision.Revision{w.Graph().Get("b2")}, w.Mode())
		w.unrecorded(t, job, r, "b2")
		w.stand(t, tenant, engine.Behind, "b2")
		d.Exec(t, tenant, "UPDATE users SET email = NULL")
	})
}

func stampUnrecorded(t *testing.T, d Dialect) {
	for _, deletes := range []bool{false, true} {
		refusals(t, d, deletes, func(t *testing.T, r Refusal) {
			w, tenant := refusing(t, d, r)
			job, id, want := w.job(t, tenant), "c3", []string{"a1", "b2", "c3"}
			if deletes {
				id, want = "b2", []string{"a1"}
			}
			job.Plan = engine.NewStamp(w.Graph(), job.Standing.Applied, want)
			w.unrecorded(t, job, r, id)
			w.stand(t, tenant, engine.Behind, "b2")
		})
	}
}

func noTxUnrecorded(t *testing.T, d Dialect) {
	refusals(t, d, false, func(t *testing.T, r Refusal) {
		w, tenant := refusing(t, d, r)
		body := d.NoTx(t, tenant)
		body.Repair()
		w = w.with(t, engine.Config{}, createUsers, addEmail, rev{id: "n1", revises: "b2", options: "no-transaction", up: body.First + ";"})
		w.unrecorded(t, w.job(t, tenant), r, "n1")
		w.stand(t, tenant, engine.Behind, "b2")
	})
}
