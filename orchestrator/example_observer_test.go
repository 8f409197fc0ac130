package orchestrator_test

import (
	"context"
	"fmt"
	"log"

	"github.com/skeindb/skein/orchestrator"
	"github.com/skeindb/skein/orchestrator/plan"
	"github.com/skeindb/skein/orchestrator/rollout"
)

// printer is an observer: it is shown each fact once it is stored, and decides nothing.
type printer struct{}

func (printer) Observe(e rollout.Event) {
	switch f := e.Fact.(type) {
	case rollout.WaveStarted:
		fmt.Println("wave", f.Wave)
	case rollout.TenantFinished:
		fmt.Println(f.Tenant, f.Outcome)
	case rollout.Ended:
		fmt.Println(f.State)
	}
}

// An observer shows what happens while it happens.
func Example_observer() {
	cfg, remove := shop()
	defer remove()
	cfg.Observers = []rollout.Observer{printer{}}
	cfg.Policy = plan.Policy{Concurrency: 1, Waves: []plan.WaveSpec{{Name: "all", Order: plan.OrderSmallFirst}}}

	o, err := orchestrator.New(cfg)
	if err != nil {
		log.Fatal(err)
	}
	c := orchestrator.UpgradeTo("heads")
	c.Selectors = []string{"id=acme"}
	if _, err := o.Apply(context.Background(), c); err != nil {
		log.Fatal(err)
	}
	// Output:
	// wave all
	// acme done
	// finished
}
