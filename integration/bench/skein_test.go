package bench

import (
	"bytes"
	"fmt"
	"os"
	"os/exec"
	"path/filepath"
	"slices"
	"strconv"
	"strings"
	"syscall"
	"testing"
	"time"

	"github.com/skeindb/skein/engine"
	"github.com/skeindb/skein/engine/postgres"
	"github.com/skeindb/skein/engine/revision"
	"github.com/skeindb/skein/engine/sqlite"
	"github.com/skeindb/skein/integration/skeintest"
	"github.com/skeindb/skein/orchestrator/plan"
	"github.com/skeindb/skein/orchestrator/rollout"
	"github.com/skeindb/skein/orchestrator/run"
	sqlitestore "github.com/skeindb/skein/orchestrator/store/sqlite"
	"github.com/skeindb/skein/tenant"
)

// library does what `skein upgrade` does once it knows the tenants: it reads the revisions, opens the store,
// locks the fleet, surveys, plans and runs.
type library struct {
	t     testing.TB
	store string
}

func newLibrary(t testing.TB) *library {
	t.Helper()
	return &library{t: t, store: filepath.Join(t.TempDir(), "state.db")}
}

// postgres upgrades schemas of one database to the heads of history(extra).
func (l *library) postgres(url, database string, schemas []string, extra int) {
	l.t.Helper()
	tenants := make([]tenant.Tenant, len(schemas))
	for i, s := range schemas {
		tenants[i] = tenant.Tenant{ID: s, Location: engine.Location{Dialect: revision.Postgres, Server: "main", Database: database, Schema: s}}
	}
	l.upgrade(l.open(url), load(l.t, history(l.t, revision.Postgres, extra), revision.Postgres), tenants)
}

// open is a DB of one server with defaults throughout.
func (l *library) open(url string) *postgres.DB {
	l.t.Helper()
	db, err := postgres.New(postgres.Config{
		Servers:     []postgres.Server{{Name: "main", URL: url, AutoSearchPath: true}},
		Application: "skein/bench",
	})
	if err != nil {
		l.t.Fatal(err)
	}
	return db
}

func (l *library) sqlite(paths []string, extra int) {
	l.t.Helper()
	db, err := sqlite.New(sqlite.Config{})
	if err != nil {
		l.t.Fatal(err)
	}
	tenants := make([]tenant.Tenant, len(paths))
	for i, p := range paths {
		tenants[i] = tenant.Tenant{ID: p, Location: engine.Location{Dialect: revision.SQLite, File: p}}
	}
	l.upgrade(db, load(l.t, history(l.t, revision.SQLite, extra), revision.SQLite), tenants)
}

func (l *library) upgrade(db engine.Database, g *revision.Graph, tenants []tenant.Tenant) {
	l.t.Helper()
	defer db.Close()
	ctx := l.t.Context()
	clock := newPhases()
	store, err := sqlitestore.Open(ctx, l.store)
	if err != nil {
		l.t.Fatal(err)
	}
	defer store.Close()
	id := plan.NewID(time.Now())
	lease, err := store.Lock(ctx, "bench", rollout.Holder{Rollout: id, PID: os.Getpid()})
	if err != nil {
		l.t.Fatal(err)
	}
	clock.mark("store")
	e := engine.New(db, g, engine.Config{})
	members := run.Survey(ctx, e, tenants)
	clock.mark("survey")
	plan, err := plan.New(members, g, plan.Options{
		Rollout: id, Fleet: "bench", Kind: plan.KindUpgrade, Targets: []string{"heads"}, Created: time.Now(),
	})
	if err != nil {
		l.t.Fatal(err)
	}
	clock.mark("arrange")
	report, err := run.Run(ctx, run.Config{Plan: plan, Engine: e, Graph: g, Store: store, Lease: lease})
	if err != nil || report.End() != rollout.EndComplete {
		l.t.Fatalf("skein: %v, %v", err, report)
	}
	clock.mark("run")
	if err := lease.Release(ctx); err != nil {
		l.t.Error(err)
	}
	clock.print(l.t)
}

// phases says where the time goes, when SKEIN_BENCH_PHASES is set.
type phases struct {
	at    time.Time
	lines []string
}

func newPhases() *phases { return &phases{at: time.Now()} }

func (p *phases) mark(name string) {
	p.lines = append(p.lines, fmt.Sprintf("%s %v", name, time.Since(p.at).Round(100*time.Microsecond)))
	p.at = time.Now()
}

func (p *phases) print(t testing.TB) {
	t.Helper()
	if os.Getenv("SKEIN_BENCH_PHASES") != "" {
		fmt.Fprintf(os.Stderr, "%s: %s\n", t.Name(), strings.Join(p.lines, ", "))
	}
}

// binary is the built program in a folder of its own.
type binary struct {
	t       testing.TB
	project *skeintest.Project
	dialect revision.Dialect
}

func newBinary(t testing.TB, dialect revision.Dialect, config string) *binary {
	t.Helper()
	skeintest.Binary(t) // built before anything is timed
	return &binary{t: t, project: skeintest.New(t, config, nil), dialect: dialect}
}

const schemasConfig = `fleet: bench
revisions: {dir: migrations}
servers:
  main:
    url: {env: BENCH_URL}
tenants:
  - server: main
    include_schemas: ["t_*"]
`

const filesConfig = `fleet: bench
revisions: {dir: migrations}
tenants:
  - glob: %q
`

// write brings the revisions into the folder.
func (s *binary) write(extra int) {
	for name, file := range history(s.t, s.dialect, extra) {
		s.project.Write("migrations/"+name, string(file.Data))
	}
}

// upgrade runs `skein upgrade`. url is the server's, "" where there is none.
func (s *binary) upgrade(url string) used {
	s.t.Helper()
	cmd := exec.Command(skeintest.Binary(s.t), "upgrade", "--yes")
	cmd.Dir = s.project.Dir
	cmd.Env = append(slices.DeleteFunc(os.Environ(), func(v string) bool { return strings.HasPrefix(v, "SKEIN_") }), "BENCH_URL="+url)
	var out bytes.Buffer
	cmd.Stdout, cmd.Stderr = &out, &out
	if err := cmd.Start(); err != nil {
		s.t.Fatal(err)
	}
	watch := watchPeak(cmd.Process.Pid)
	if err := cmd.Wait(); err != nil {
		s.t.Fatalf("skein upgrade: %v\n%s", err, out.String())
	}
	u := cmd.ProcessState.SysUsage().(*syscall.Rusage)
	return used{process: true, cpu: time.Duration(u.Utime.Nano() + u.Stime.Nano()), peak: watch.end()}
}

// peakWatch reads a process's high-water mark until it ends. Its rusage would not do: there the mark begins with
// that of the process which forked it.
type peakWatch struct {
	stop chan struct{}
	peak chan int64
}

func watchPeak(pid int) *peakWatch {
	w := &peakWatch{stop: make(chan struct{}), peak: make(chan int64, 1)}
	go func() {
		most := int64(0)
		ticker := time.NewTicker(5 * time.Millisecond)
		defer ticker.Stop()
		for {
			most = max(most, highWater(pid))
			select {
			case <-w.stop:
				w.peak <- most
				return
			case <-ticker.C:
			}
		}
	}()
	return w
}

func (w *peakWatch) end() int64 {
	close(w.stop)
	return <-w.peak
}

// highWater is 0 where there is no /proc, and for a process that has not begun its own program yet.
func highWater(pid int) int64 {
	folder := fmt.Sprintf("/proc/%d/", pid)
	if exe, err := os.Readlink(folder + "exe"); err != nil || filepath.Base(exe) != "skein" {
		return 0
	}
	text, err := os.ReadFile(folder + "status")
	if err != nil {
		return 0
	}
	for line := range strings.Lines(string(text)) {
		if rest, ok := strings.CutPrefix(line, "VmHWM:"); ok {
			kB, _ := strconv.ParseInt(strings.TrimSpace(strings.TrimSuffix(strings.TrimSpace(rest), "kB")), 10, 64)
			return kB << 10
		}
	}
	return 0
}
