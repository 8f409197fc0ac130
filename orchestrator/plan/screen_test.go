package plan_test

import (
	"context"
	"testing"

	"github.com/google/go-cmp/cmp"

	"github.com/skeindb/skein/engine"
	"github.com/skeindb/skein/orchestrator/plan"
	"github.com/skeindb/skein/orchestrator/run"
)

// refuser refuses the tenants of some schemas.
type refuser map[string]*engine.Error

func (r refuser) Screen(_ context.Context, jobs []engine.Job) []error {
	refused := make([]error, len(jobs))
	for i, job := range jobs {
		if e := r[job.Location.Schema]; e != nil {
			refused[i] = e
		}
	}
	return refused
}

func TestScreenRefusesTenantsByReasonAndLeavesTheOthers(t *testing.T) {
	t.Parallel()
	g := linear(t, "a", "b")
	tenants := people(1, 5)
	for i := range tenants {
		tenants[i].Location.Schema = tenants[i].ID
	}
	p, err := plan.New(members(tenants, stand(g, "a", "a", "a", "a b", "")), g, plan.Options{Rollout: "r1", Kind: plan.KindUpgrade, Targets: []string{"heads"}})
	if err != nil {
		t.Fatal(err)
	}
	lacks := &engine.Error{Class: engine.Guard, Revision: "b", Message: "plans"}
	run.Screen(t.Context(), refuser{
		"t1": lacks, "t3": {Class: engine.Guard, Revision: "b", Message: "plans"}, "t4": lacks, "t5": lacks,
	}, p, nil)
	if diff := cmp.Diff([]string{"t1 refused: guard", "t2 → b", "t3 refused: guard", "t4 → ", "t5 refused: guard"}, fates(t, p.Stored(), 0)); diff != "" {
		t.Error(diff)
	}
	counted(t, p.Stored())
	if len(p.Cohorts) != 4 { // b; nothing to do; two places where refused ones stand
		t.Errorf("%d cohorts", len(p.Cohorts))
	}
}
