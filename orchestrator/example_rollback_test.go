package orchestrator_test

import (
	"context"
	"fmt"
	"log"

	"github.com/skeindb/skein/orchestrator"
)

// A rollback takes back what one rollout did, tenant by tenant, and nothing else: here the second revision only.
func Example_rollback() {
	ctx := context.Background()
	cfg, remove := shop()
	defer remove()
	o, err := orchestrator.New(cfg)
	if err != nil {
		log.Fatal(err)
	}
	if _, err := o.Apply(ctx, orchestrator.UpgradeTo("27c6a30d7c24")); err != nil {
		log.Fatal(err)
	}
	release, err := o.Apply(ctx, orchestrator.UpgradeTo("heads"))
	if err != nil {
		log.Fatal(err)
	}
	report, err := o.Rollback(ctx, release.Rollout)
	if err != nil {
		log.Fatal(err)
	}
	t := report.Transitions()[0]
	fmt.Println(report.State, t.Tenants, t.From, "to", t.To)
	// Output: finished 3 [1975ea83b712] to [27c6a30d7c24]
}
