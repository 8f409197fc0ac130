// Command library upgrades a folder of SQLite tenants with skein as a library:
//
//	library DIR
//
// Each DIR/*.db is a tenant. What happened to them is remembered in DIR/.skein/state.db.
package main

import (
	"context"
	"embed"
	"fmt"
	"io"
	"io/fs"
	"os"
	"os/signal"
	"path/filepath"

	"github.com/skeindb/skein/engine"
	"github.com/skeindb/skein/engine/revision"
	"github.com/skeindb/skein/engine/sqlite"
	"github.com/skeindb/skein/orchestrator"
	"github.com/skeindb/skein/orchestrator/plan"
	"github.com/skeindb/skein/orchestrator/rollout"
	sqlitestore "github.com/skeindb/skein/orchestrator/store/sqlite"
	"github.com/skeindb/skein/tenant"
	"github.com/skeindb/skein/tenant/discover"
)

//go:embed revisions
var files embed.FS

func main() {
	if len(os.Args) != 2 {
		fmt.Fprintln(os.Stderr, "usage: library DIR")
		os.Exit(64)
	}
	// An interrupt begins no more tenants and lets the running ones finish; a second one ends the program.
	interrupted, stop := signal.NotifyContext(context.Background(), os.Interrupt)
	context.AfterFunc(interrupted, stop)
	report, err := upgrade(context.Background(), os.Args[1], interrupted.Done())
	if err != nil {
		fmt.Fprintln(os.Stderr, err)
		os.Exit(1)
	}
	show(os.Stdout, report)
	os.Exit(exit(report))
}

// upgrade brings all tenants in dir to the heads of the revisions.
func upgrade(ctx context.Context, dir string, stop <-chan struct{}) (*rollout.Report, error) {
	folder, err := fs.Sub(files, "revisions")
	if err != nil {
		return nil, err
	}
	graph, err := revision.Load(folder, revision.SQLite) // mistakes in revisions end here, before anything is touched
	if err != nil {
		return nil, err
	}
	db, err := sqlite.New(sqlite.Config{})
	if err != nil {
		return nil, err
	}
	defer db.Close()
	tenants, err := discover.NewGlob(discover.Glob{Name: "files", Pattern: filepath.ToSlash(filepath.Join(dir, "*.db"))}, discover.Env{})
	if err != nil {
		return nil, err
	}
	store, err := sqlitestore.Open(ctx, filepath.Join(dir, ".skein", "state.db"))
	if err != nil {
		return nil, err
	}
	defer store.Close()
	o, err := orchestrator.New(orchestrator.Config{
		Fleet: "library", Engine: engine.New(db, graph, engine.Config{}), Sources: []tenant.Source{tenants}, Store: store,
		Policy: plan.Policy{OnFailure: plan.OnFailureContinue}, // one broken file does not hold up the others
		Drain:  stop,
	})
	if err != nil {
		return nil, err
	}
	return o.Apply(ctx, orchestrator.UpgradeTo("heads"))
}

func show(w io.Writer, report *rollout.Report) {
	fmt.Fprintf(w, "%s: %d upgraded, %d unchanged, %d failed, %d left\n", report.State,
		report.Count(plan.OutcomeDone), report.Count(plan.OutcomeUnchanged), report.Count(plan.OutcomeFailed), report.Left())
	for _, t := range report.Failed() {
		fmt.Fprintf(w, "%s: %s\n", t.Tenant, t.Failure.Message)
	}
}

// exit is 0 when all tenants are at the heads.
func exit(report *rollout.Report) int {
	if report.State != rollout.StateFinished || report.Count(plan.OutcomeFailed) > 0 {
		return 2
	}
	return 0
}
