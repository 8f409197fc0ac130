package orchestrator_test

import (
	"context"
	"fmt"
	"log"

	"github.com/skeindb/skein/orchestrator"
	"github.com/skeindb/skein/orchestrator/control"
	"github.com/skeindb/skein/orchestrator/plan"
	"github.com/skeindb/skein/orchestrator/rollout"
	"github.com/skeindb/skein/orchestrator/store"
	"github.com/skeindb/skein/tenant"
)

// crash is a source that ends the program's run when it is asked a second time: before the second wave.
type crash struct {
	tenant.Source
	asked *int
	end   func()
}

func (c crash) List(ctx context.Context) ([]tenant.Tenant, []string, error) {
	if *c.asked++; *c.asked > 1 {
		c.end()
		return nil, nil, ctx.Err()
	}
	return c.Source.List(ctx)
}

// A rollout whose process died is resumed: each tenant is asked where it stands, and those that are done are left alone.
func Example_resume() {
	cfg, remove := shop()
	defer remove()
	cfg.Store = store.NewMemory() // of a program that ends: that of store/sqlite or store/postgres
	cfg.Policy.Waves = []plan.WaveSpec{{Name: "one", Size: plan.Size{Count: 1}}, {Name: "rest"}}

	dying, end := context.WithCancel(context.Background())
	source := cfg.Sources[0]
	cfg.Sources = []tenant.Source{crash{source, new(int), end}}
	first, err := orchestrator.New(cfg)
	if err != nil {
		log.Fatal(err)
	}
	report, err := first.Apply(dying, orchestrator.UpgradeTo("heads"))
	if err != nil {
		log.Fatal(err)
	}
	fmt.Println("run", report.Run, report.State, report.Counts())

	ctx := context.Background()
	cfg.Sources = []tenant.Source{source}
	o, err := orchestrator.New(cfg)
	if err != nil {
		log.Fatal(err)
	}
	id, err := o.Find(ctx, rollout.ActionResume)
	if err != nil {
		log.Fatal(err)
	}
	report, err = o.Resume(ctx, id, control.By{Reason: "the machine is back"})
	if err != nil {
		log.Fatal(err)
	}
	fmt.Println("run", report.Run, report.State, report.Counts())
	// Output:
	// run 1 interrupted map[done:1 pending:2]
	// run 2 finished map[done:3]
}
