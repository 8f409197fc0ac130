package orchestrator_test

import (
	"context"
	"fmt"
	"log"

	"github.com/skeindb/skein/orchestrator"
	"github.com/skeindb/skein/orchestrator/control"
	"github.com/skeindb/skein/orchestrator/plan"
	"github.com/skeindb/skein/orchestrator/rollout"
)

// errorRate is a check of a gate: it asks the program's own monitoring about the tenants that were upgraded.
type errorRate struct{ most, now float64 }

func (e errorRate) Measure(_ context.Context, subject plan.Subject) plan.Measure {
	seen := fmt.Sprintf("%d tenant at %.1f %% errors", len(subject.Tenants), e.now)
	if e.now > e.most {
		return plan.Measure{Verdict: plan.VerdictFail, Evidence: seen}
	}
	return plan.Measure{Verdict: plan.VerdictPass, Evidence: seen}
}

// One tenant goes first. A check of the program's own stands between it and the others, and then a person: without one to wait
// for, the run ends, and the approval is given before the next.
func Example_canary() {
	ctx := context.Background()
	cfg, remove := shop()
	defer remove()
	cfg.NoWait = true
	cfg.Policy.Waves = []plan.WaveSpec{
		{Name: "canary", Size: plan.Size{Count: 1}, Gate: plan.Gate{
			Checks: []plan.Check{{Name: "errors", Meter: errorRate{most: 1, now: 0.2}}}, Approval: true,
		}},
		{Name: "rest"},
	}

	o, err := orchestrator.New(cfg)
	if err != nil {
		log.Fatal(err)
	}
	report, err := o.Apply(ctx, orchestrator.UpgradeTo("heads"))
	if err != nil {
		log.Fatal(err)
	}
	check := report.Waves[0].Gate.Checks[0]
	fmt.Println(report.State, report.Counts(), check.Name, check.Evidence)

	if _, err := o.Approve(ctx, report.Rollout, "canary", control.By{User: "alice", Reason: "looks good"}); err != nil {
		log.Fatal(err)
	}
	if report, err = o.Resume(ctx, report.Rollout, control.By{User: "alice"}); err != nil {
		log.Fatal(err)
	}
	fmt.Println(report.State, report.Counts(), report.State == rollout.StateFinished)
	// Output:
	// waiting map[done:1 pending:2] errors 1 tenant at 0.2 % errors
	// finished map[done:3] true
}
