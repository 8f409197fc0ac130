package enginetest

import (
	"slices"
	"testing"

	"github.com/skeindb/skein/engine"
)

var migrations = []promise{
	{"one call migrates a tenant up and down", migrateBothWays},
	{"one call on a tenant that does not exist is gone", migrateDropped},
	{"one call resumes a no-transaction revision that was cut off", migrateCutOff},
}

func migrateBothWays(t *testing.T, d Dialect) {
	w, tenant := open(t, d, engine.Config{}, chain...), d.New(t)
	for _, step := range []struct {
		target string
		done   []string
	}{
		{"heads", []string{"a1", "b2", "c3"}},
		{"heads", nil},
		{"a1", []string{"c3", "b2"}},
		{"+1", []string{"b2"}},
		{"base", []string{"b2", "a1"}},
		{"b2", []string{"a1", "b2"}},
		{"-1", []string{"b2"}},
	} {
		result, err := w.Migrate(t.Context(), tenant, step.target)
		if err != nil || !slices.Equal(result.Done, step.done) {
			t.Fatalf("to %s: done %v, error %v, want %v", step.target, result.Done, err, step.done)
		}
	}
	w.stand(t, tenant, engine.Behind, "a1")
	w.lacks(t, tenant, "orders")
}

func migrateDropped(t *testing.T, d Dialect) {
	w, tenant := open(t, d, engine.Config{}, chain...), d.New(t)
	d.Drop(t, tenant)
	if _, err := w.Migrate(t.Context(), tenant, "heads"); !isClass(err, engine.Gone) {
		t.Errorf("error %v, want class gone", err)
	}
}

func migrateCutOff(t *testing.T, d Dialect) {
	w, tenant := open(t, d, engine.Config{}, createUsers), d.New(t)
	w.run(t, w.job(t, tenant), "a1")
	body := d.NoTx(t, tenant)
	second := rev{id: "n1", revises: "a1", options: "no-transaction", up: body.First + ";\n\n" + body.Second + ";"}
	w = w.with(t, engine.Config{}, createUsers, second)
	if _, err := w.Migrate(t.Context(), tenant, "heads"); !isClass(err, body.Class) {
		t.Fatalf("error %v, want class %s", err, body.Class)
	}
	if _, err := w.Migrate(t.Context(), tenant, "base"); !isClass(err, engine.Revision) {
		t.Errorf("to base: error %v, want that n1 is half applied", err)
	}
	body.Repair()
	result, err := w.Migrate(t.Context(), tenant, "heads")
	if err != nil || !slices.Equal(result.Done, []string{"n1"}) {
		t.Errorf("done %v, error %v, want n1", result.Done, err)
	}
}
