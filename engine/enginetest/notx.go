package enginetest

import (
	"testing"

	"github.com/skeindb/skein/engine"
)

var noTx = []promise{
	{"a no-transaction revision splits the chain and is resumed after a failure in its middle", resumed},
	{"a no-transaction revision is not run for a tenant that stands elsewhere", noTxStale},
}

// resumed has a chain of three, the second of which is no-transaction and fails in its second statement.
func resumed(t *testing.T, d Dialect) {
	w, tenant := open(t, d, engine.Config{}, createUsers), d.New(t)
	w.run(t, w.job(t, tenant), "a1")
	body := d.NoTx(t, tenant)
	second := rev{id: "n1", revises: "b2", options: "no-transaction", up: body.First + ";\n\n" + body.Second + ";"}
	third := createOrders
	third.revises = "n1"

	w = w.with(t, engine.Config{}, createUsers, addEmail, second, third)
	job := w.job(t, tenant)
	w.fail(t.Context(), t, job, failure(body, "n1"), "b2")
	w.stand(t, tenant, engine.Behind, "b2")
	w.fail(t.Context(), t, w.job(t, tenant), failure(body, "n1")) // and once more

	body.Repair()
	w.run(t, job, "n1", "c3")
	w.stand(t, tenant, engine.Current, "c3")
	w.lacks(t, tenant, "skein_version_steps")
}

// failure is the error of the second statement of a body. Its class is the dialect's affair.
func failure(body NoTxBody, id string) engine.Error {
	return engine.Error{Class: body.Class, Revision: id, File: id + "_test.sql", Line: bodyLine + 2}
}

func noTxStale(t *testing.T, d Dialect) {
	w, tenant := open(t, d, engine.Config{}, createUsers), d.New(t)
	w.run(t, w.job(t, tenant), "a1")
	body := d.NoTx(t, tenant)
	body.Repair()
	second := rev{id: "n1", revises: "a1", options: "no-transaction", up: body.First + ";\n" + body.Second + ";"}
	w = w.with(t, engine.Config{}, createUsers, second)
	job := w.job(t, tenant)
	d.Exec(t, tenant, insertUnknown)
	w.fail(t.Context(), t, job, engine.Error{Class: engine.Stale})
	d.Exec(t, tenant, "DELETE FROM skein_version WHERE revision = 'feed'")
	w.run(t, job, "n1")
}
