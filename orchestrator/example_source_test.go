package orchestrator_test

import (
	"context"
	"fmt"
	"log"
	"os"
	"path/filepath"

	"github.com/skeindb/skein/engine"
	"github.com/skeindb/skein/engine/revision"
	"github.com/skeindb/skein/orchestrator"
	"github.com/skeindb/skein/tenant"
)

// customers is a source of the program's own: it knows the tenants from wherever it likes, with labels to select them by.
type customers struct{ dir string }

func (customers) Name() string { return "customers" }

func (c customers) List(context.Context) (tenants []tenant.Tenant, warnings []string, err error) {
	for id, plan := range map[string]string{"acme": "gold", "globex": "free", "initech": "free"} {
		tenants = append(tenants, tenant.Tenant{
			ID: id, Labels: map[string]string{"plan": plan},
			Location: engine.Location{Dialect: revision.SQLite, File: filepath.Join(c.dir, id+".db")},
		})
	}
	return tenants, nil, nil
}

// The tenants come from a source of the program's own, and those of one plan are upgraded first.
func Example_source() {
	ctx := context.Background()
	cfg, remove := shop()
	defer remove()
	dir := newFolder("acme.db", "globex.db", "initech.db")
	defer os.RemoveAll(dir)
	cfg.Sources = []tenant.Source{customers{dir}}

	o, err := orchestrator.New(cfg)
	if err != nil {
		log.Fatal(err)
	}
	free := orchestrator.UpgradeTo("heads")
	free.Selectors = []string{"plan=free"}
	report, err := o.Apply(ctx, free)
	if err != nil {
		log.Fatal(err)
	}
	fmt.Println(report.State, report.Counts())
	left, err := o.Tenants(ctx, "plan=gold", "heads=base")
	if err != nil {
		log.Fatal(err)
	}
	fmt.Println("left:", left[0].ID)
	// Output:
	// finished map[done:2]
	// left: acme
}
