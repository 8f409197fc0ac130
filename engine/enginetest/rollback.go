package enginetest

import (
	"strings"
	"testing"

	"github.com/google/go-cmp/cmp"

	"github.com/skeindb/skein/engine"
	"github.com/skeindb/skein/engine/revision"
)

var rollbacks = []promise{
	{"a survey reads which rows a rollout wrote", surveyRollout},
	{"what a rollout applied is taken down", takeBack},
	{"what another rollout applied since is not taken down", takeBackOthers},
	{"a no-transaction revision that another rollout applied since is not taken down", takeBackOutside},
}

// by upgrades a tenant to the heads for a rollout.
func (w world) by(t *testing.T, location engine.Location, rollout string, want ...string) {
	t.Helper()
	job := w.job(t, location)
	job.Rollout = rollout
	w.run(t, job, want...)
}

// back is a job that takes down what a rollout applied, as its rows say now.
func (w world) back(t *testing.T, location engine.Location, rollout string) engine.Job {
	t.Helper()
	s := w.SurveyRollout(t.Context(), []engine.Location{location}, rollout)[0]
	var steps []*revision.Revision
	for _, id := range w.Graph().Sort(s.Applied.Of(rollout)) {
		steps = append([]*revision.Revision{w.Graph().Get(id)}, steps...)
	}
	plan := engine.NewPlan(s.Applied, revision.Down, steps, w.Mode())
	plan.Of = rollout
	return engine.Job{Location: location, Standing: s, Plan: plan, Attempt: 1, Rollout: "back"}
}

func surveyRollout(t *testing.T, d Dialect) {
	w, first, second := open(t, d, engine.Config{}, createUsers), d.New(t), d.New(t)
	w.by(t, first, "r1", "a1")
	w.by(t, second, "r2", "a1")
	w = w.with(t, engine.Config{}, chain...)
	w.by(t, first, "r2", "b2", "c3")
	w.by(t, second, "r1", "b2", "c3")
	none := d.New(t)
	for rollout, want := range map[string]string{"r1": "a1|b2 c3|", "r2": "b2 c3|a1|", "r3": "||", "": "||"} {
		var got []string
		for _, s := range w.SurveyRollout(t.Context(), []engine.Location{first, second, none}, rollout) {
			got = append(got, strings.Join(s.Applied.Of(rollout), " "))
		}
		if diff := cmp.Diff(want, strings.Join(got, "|")); diff != "" {
			t.Errorf("rollout %q (-want +got):\n%s", rollout, diff)
		}
	}
	s := w.Survey(t.Context(), []engine.Location{first, second})
	if s[0].Applied != s[1].Applied {
		t.Error("tenants whose tables differ only in who wrote them are two cohorts")
	}
	s = w.SurveyRollout(t.Context(), []engine.Location{first, second}, "r3")
	if s[0].Applied != s[1].Applied {
		t.Error("tenants of which the rollout wrote nothing are two cohorts")
	}
}

func takeBack(t *testing.T, d Dialect) {
	w, tenant := open(t, d, engine.Config{}, createUsers), d.New(t)
	w.by(t, tenant, "r1", "a1")
	w = w.with(t, engine.Config{}, chain...)
	w.by(t, tenant, "r2", "b2", "c3")
	w.run(t, w.back(t, tenant, "r2"), "c3", "b2")
	w.stand(t, tenant, engine.Behind, "a1")
}

// takeBackOthers has the tenant taken down and up again by another rollout between survey and change.
func takeBackOthers(t *testing.T, d Dialect) {
	for _, mode := range []engine.Mode{engine.PerTenant, engine.PerRevision} {
		w, tenant := open(t, d, engine.Config{Mode: mode}, chain...), d.New(t)
		w.by(t, tenant, "r'1", "a1", "b2", "c3")
		job := w.back(t, tenant, "r'1")
		other := w.down(t, tenant)
		w.run(t, other, "c3", "b2", "a1")
		w.by(t, tenant, "r2", "a1", "b2", "c3")
		w.fail(t.Context(), t, job, engine.Error{Class: engine.Stale, Revision: "c3"})
		w.stand(t, tenant, engine.Current, "c3")
		if _, err := w.Apply(t.Context(), job); !strings.Contains(asError(t, err).Message, "applied by rollout r2, not by r'1") {
			t.Errorf("the error does not say who applied it: %v", err)
		}
	}
}

func takeBackOutside(t *testing.T, d Dialect) {
	w, tenant := open(t, d, engine.Config{}, createUsers, rev{id: "n1", revises: "a1", downOptions: "no-transaction"}), d.New(t)
	w.by(t, tenant, "r1", "a1", "n1")
	job := w.back(t, tenant, "r1")
	d.Exec(t, tenant, "UPDATE skein_version SET rollout = NULL WHERE revision = 'n1'")
	w.fail(t.Context(), t, job, engine.Error{Class: engine.Stale, Revision: "n1"})
	w.stand(t, tenant, engine.Current, "n1")
	d.Exec(t, tenant, "UPDATE skein_version SET rollout = 'r1' WHERE revision = 'n1'")
	w.run(t, job, "n1", "a1")
}
