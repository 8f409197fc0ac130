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
	"time"

	"github.com/skeindb/skein/engine"
	"github.com/skeindb/skein/engine/revision"
	"github.com/skeindb/skein/engine/sqlite"
	"github.com/skeindb/skein/orchestrator/plan"
	"github.com/skeindb/skein/orchestrator/rollout"
	"github.com/skeindb/skein/orchestrator/run"
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
	// An interrupt begins no more tenants and lets those under work finish; a second one ends the program.
	interrupted, stop := signal.NotifyContext(context.Background(), os.Interrupt)
	context.AfterFunc(interrupted, stop)
	report, err := upgrade(context.Background(), os.Args[1], interrupted.Done())
	if err != nil {
		fmt.Fprintln(os.Stderr, err)
		os.Exit(1)
	}
	show(os.Stdout, report)
	os.Exit(report.ExitCode())
}

// upgrade brings all tenants in dir to the heads of the revisions.
func upgrade(ctx context.Context, dir string, stop <-chan struct{}) (*rollout.Report, error) {
	// 1. The revisions, from the program itself. Mistakes in them end here, before anything is touched.
	folder, err := fs.Sub(files, "revisions")
	if err != nil {
		return nil, err
	}
	graph, err := revision.Load(folder, revision.SQLite)
	if err != nil {
		return nil, err
	}

	// 2. The store remembers rollouts, and its lock keeps two of them from running at once.
	store, err := sqlitestore.Open(ctx, filepath.Join(dir, ".skein", "state.db"))
	if err != nil {
		return nil, err
	}
	defer store.Close()
	id := plan.NewID(time.Now())
	holder := rollout.Holder{Rollout: id, PID: os.Getpid(), Since: time.Now()}
	lease, err := store.Lock(ctx, "library", holder)
	if err != nil {
		return nil, err
	}
	defer func() { _ = lease.Release(context.WithoutCancel(ctx)) }() // the lock ends with the program at the latest

	// 3. The tenants. A fleet that is suspiciously small would be an error; see tenant.Guards.
	source, err := discover.NewGlob(discover.Glob{Name: "files", Pattern: filepath.ToSlash(filepath.Join(dir, "*.db"))}, discover.Env{})
	if err != nil {
		return nil, err
	}
	tenants, _, err := tenant.Gather(ctx, []tenant.Source{source}, tenant.Guards{MinTenants: 1})
	if err != nil {
		return nil, err
	}

	// 4. Where does each stand, and which way does it go? A plan is a value: it can be printed before it is run.
	db, err := sqlite.New(sqlite.Config{})
	if err != nil {
		return nil, err
	}
	defer db.Close()
	upgrader := engine.New(db, graph, engine.Config{})
	policy := plan.Policy{OnFailure: plan.OnFailureContinue} // one broken file does not hold up the others
	plan, err := plan.New(run.Survey(ctx, upgrader, tenants), graph, plan.Options{
		Rollout: id, Fleet: "library", Kind: plan.KindUpgrade, Targets: []string{"heads"},
		Created: time.Now(), Policy: policy,
	})
	if err != nil {
		return nil, err
	}

	// 5. Go. Each tenant is upgraded in a transaction of its own; the store is written as it goes.
	return run.Run(ctx, run.Config{
		Plan: plan, Policy: policy, Engine: upgrader, Graph: graph,
		Store: store, Lease: lease, Holder: holder, Drain: stop,
	})
}

func show(w io.Writer, report *rollout.Report) {
	fmt.Fprintf(w, "%s: %d upgraded, %d unchanged, %d failed, %d left\n", report.State,
		report.Count(plan.OutcomeDone), report.Count(plan.OutcomeUnchanged), report.Count(plan.OutcomeFailed), report.Left())
	for _, t := range report.Failed() {
		fmt.Fprintf(w, "%s: %s\n", t.Tenant, t.Failure.Message)
	}
}
