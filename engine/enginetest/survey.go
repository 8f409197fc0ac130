package enginetest

import (
	"context"
	"slices"
	"testing"

	"github.com/google/go-cmp/cmp"

	"github.com/skeindb/skein/engine"
)

var surveys = []promise{
	{"an empty tenant has an empty set and no table", emptyStanding},
	{"a tenant with a revision that the graph lacks is ahead", ahead},
	{"an applied revision without its ancestors is unknown", gap},
	{"a version table that is something else is unknown", notOurTable},
	{"a body that changed since is refused, unless allowed", changed},
	{"a survey keeps order and length, with a missing tenant in the middle", missingInTheMiddle},
	{"a survey of no tenants is empty", surveyNone},
	{"a survey that was canceled says so of each tenant", surveyCanceled},
	{"tenants with equal tables share one applied set", shared},
	{"a settled session reads what is applied", settle},
}

// insertUnknown applies a revision that no graph of the suite has.
const insertUnknown = `INSERT INTO skein_version (revision, applied_at, duration_ms, tool)
VALUES ('feed', '2026-11-23T10:00:00Z', 0, 'other')`

func emptyStanding(t *testing.T, d Dialect) {
	w, tenant := open(t, d, engine.Config{}, chain...), d.New(t)
	s := w.survey(t, tenant)
	if s.State != engine.Empty || s.Applied == nil || len(s.Applied.Rows) != 0 || s.SchemaID.HasTable || s.Err != nil {
		t.Errorf("an empty tenant stands at %+v", s)
	}
}

func ahead(t *testing.T, d Dialect) {
	w, tenant := open(t, d, engine.Config{}, chain...), d.New(t)
	w.run(t, w.job(t, tenant), "a1", "b2", "c3")
	d.Exec(t, tenant, insertUnknown)
	w.stand(t, tenant, engine.Ahead, "c3", "feed")
}

func gap(t *testing.T, d Dialect) {
	w, tenant := open(t, d, engine.Config{}, chain...), d.New(t)
	w.run(t, w.job(t, tenant), "a1", "b2", "c3")
	d.Exec(t, tenant, "DELETE FROM skein_version WHERE revision = 'b2'")
	s := w.survey(t, tenant)
	if s.State != engine.Unknown || s.Err == nil {
		t.Errorf("the tenant is %s, error %v", s.State, s.Err)
	}
}

func notOurTable(t *testing.T, d Dialect) {
	w, tenant := open(t, d, engine.Config{}, chain...), d.New(t)
	planned := w.job(t, tenant)
	d.Exec(t, tenant, "CREATE TABLE skein_version (weight integer)")
	s := w.survey(t, tenant)
	if s.State != engine.Unknown || s.Applied != nil {
		t.Errorf("the tenant is %s with %v applied", s.State, s.Applied)
	}
	asError(t, s.Err)

	_, err := w.Apply(t.Context(), planned)
	asError(t, err)
	w.lacks(t, tenant, "users")
}

func changed(t *testing.T, d Dialect) {
	w, tenant := open(t, d, engine.Config{}, createUsers), d.New(t)
	w.run(t, w.job(t, tenant), "a1")
	edited := createUsers
	edited.up += "\nCREATE TABLE extra (id integer);"

	w = w.with(t, engine.Config{}, edited, addEmail)
	if s := w.survey(t, tenant); !slices.Equal(s.Changed, []string{"a1"}) {
		t.Errorf("changed are %v", s.Changed)
	}
	w.fail(t.Context(), t, w.job(t, tenant), engine.Error{Class: engine.Checksum, Revision: "a1", File: "a1_test.sql"})
	w.stand(t, tenant, engine.Behind, "a1")

	w = w.with(t, engine.Config{AllowChanged: true}, edited, addEmail)
	w.run(t, w.job(t, tenant), "b2")
	w.lacks(t, tenant, "extra")
}

func missingInTheMiddle(t *testing.T, d Dialect) {
	w := open(t, d, engine.Config{}, createUsers)
	tenants := []engine.Location{d.New(t), d.New(t), d.New(t), d.New(t), d.New(t)}
	w.run(t, w.job(t, tenants[0]), "a1")
	w.run(t, w.job(t, tenants[3]), "a1")
	d.Drop(t, tenants[2])

	var states []engine.State
	for _, s := range w.Survey(t.Context(), tenants) {
		states = append(states, s.State)
	}
	want := []engine.State{engine.Current, engine.Empty, engine.Missing, engine.Current, engine.Empty}
	if diff := cmp.Diff(want, states); diff != "" {
		t.Errorf("states (-want +got):\n%s", diff)
	}
}

func surveyNone(t *testing.T, d Dialect) {
	if got := open(t, d, engine.Config{}, chain...).Survey(t.Context(), nil); len(got) != 0 {
		t.Errorf("standings of no tenants: %v", got)
	}
}

func surveyCanceled(t *testing.T, d Dialect) {
	w := open(t, d, engine.Config{}, chain...)
	tenants := []engine.Location{d.New(t), d.New(t)}
	ctx, cancel := context.WithCancel(t.Context())
	cancel()
	for i, s := range w.Survey(ctx, tenants) {
		if s.State != engine.Unreachable || asError(t, s.Err).Class != engine.Canceled {
			t.Errorf("tenant %d is %s: %v", i, s.State, s.Err)
		}
	}
}

func shared(t *testing.T, d Dialect) {
	w := open(t, d, engine.Config{}, createUsers)
	tenants := []engine.Location{d.New(t), d.New(t), d.New(t), d.New(t)}
	w.run(t, w.job(t, tenants[0]), "a1")
	w.run(t, w.job(t, tenants[2]), "a1")
	s := w.Survey(t.Context(), tenants)
	if s[0].Applied != s[2].Applied || s[1].Applied != s[3].Applied {
		t.Error("tenants with equal tables have sets of their own")
	}
	if s[0].Applied == s[1].Applied {
		t.Error("tenants with different tables share a set")
	}
}

func settle(t *testing.T, d Dialect) {
	w, tenant := open(t, d, engine.Config{}, chain...), d.New(t)
	ask := func() ([]string, engine.SchemaID) {
		t.Helper()
		session, err := w.db.Open(t.Context(), tenant)
		if err != nil {
			t.Fatal(err)
		}
		defer session.Close()
		applied, mark, err := session.ResolveInDoubt(t.Context())
		if err != nil {
			t.Fatal(err)
		}
		return applied.IDs(), mark
	}
	if ids, mark := ask(); len(ids) > 0 || mark.HasTable {
		t.Errorf("an empty tenant is settled at %v, %+v", ids, mark)
	}
	w.run(t, w.job(t, tenant), "a1", "b2", "c3")
	ids, mark := ask()
	if !slices.Equal(ids, []string{"a1", "b2", "c3"}) || mark != w.survey(t, tenant).SchemaID {
		t.Errorf("settled at %v, %+v", ids, mark)
	}
	w.stand(t, tenant, engine.Current, "c3")
}
