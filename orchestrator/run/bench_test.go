//go:build linux

// Linux only: Nanosleep is finer than time.Sleep, and Rusage tells the processor time.

package run_test

import (
	"context"
	"fmt"
	"path/filepath"
	"runtime"
	"syscall"
	"testing"
	"time"

	"github.com/skeindb/skein/engine"
	"github.com/skeindb/skein/orchestrator/plan"
	"github.com/skeindb/skein/orchestrator/rollout"
	"github.com/skeindb/skein/orchestrator/run"
	"github.com/skeindb/skein/orchestrator/store"
	"github.com/skeindb/skein/orchestrator/store/sqlite"
)

// sleepingEngine takes 0.2 ms for a tenant, without using the processor.
type sleepingEngine struct{ wait time.Duration }

func (b sleepingEngine) Apply(_ context.Context, job engine.Job) (engine.Result, error) {
	if b.wait > 0 {
		ts := syscall.NsecToTimespec(b.wait.Nanoseconds())
		_ = syscall.Nanosleep(&ts, nil)
	}
	return engine.Result{Done: []string{"a", "b", "c"}}, nil
}

// BenchmarkRun is the cost of the orchestrator itself: a fleet whose tenants take no time, or 0.2 ms.
func BenchmarkRun(b *testing.B) {
	stores := map[string]func(b *testing.B) rollout.FullStore{
		"memory": func(*testing.B) rollout.FullStore { return store.NewMemory() },
		"sqlite": func(b *testing.B) rollout.FullStore {
			s, err := sqlite.Open(b.Context(), filepath.Join(b.TempDir(), "state.db"))
			if err != nil {
				b.Fatal(err)
			}
			b.Cleanup(func() { _ = s.Close() })
			return s
		},
	}
	for _, store := range []string{"memory", "sqlite"} {
		for _, wait := range []time.Duration{0, 200 * time.Microsecond} {
			for _, n := range []int{1000, 10000} {
				b.Run(fmt.Sprintf("%s/%s/%d", store, wait, n), func(b *testing.B) {
					g := linearGraph(b)
					s := stores[store](b)
					tenants, standings := tenantsOn("s1", n), repeatStanding(n, standingAt(g))
					req := request()
					req.Rollout = ""
					i := 0
					var before syscall.Rusage
					_ = syscall.Getrusage(syscall.RUSAGE_SELF, &before)
					for b.Loop() {
						i++
						req.Rollout = fmt.Sprintf("r%d", i)
						p, err := plan.New(members(tenants, standings), g, req)
						if err != nil {
							b.Fatal(err)
						}
						r, err := run.Run(b.Context(), run.Config{Plan: p, Engine: sleepingEngine{wait}, Graph: g, Store: s})
						if err != nil || r.Count(plan.OutcomeDone) != n {
							b.Fatalf("%v, %v", err, r.Counts())
						}
					}
					var after syscall.Rusage
					_ = syscall.Getrusage(syscall.RUSAGE_SELF, &after)
					cpu := after.Utime.Nano() + after.Stime.Nano() - before.Utime.Nano() - before.Stime.Nano()
					b.ReportMetric(float64(b.Elapsed().Microseconds())/float64(b.N*n), "µs/tenant")
					b.ReportMetric(float64(cpu)/1000/float64(b.N*n), "cpu-µs/tenant")
				})
			}
		}
	}
}

func BenchmarkPlan(b *testing.B) {
	g := linearGraph(b)
	tenants, standings := tenantsOn("s1", 10000), repeatStanding(10000, standingAt(g))
	for b.Loop() {
		if _, err := plan.New(members(tenants, standings), g, request()); err != nil {
			b.Fatal(err)
		}
	}
}

// BenchmarkMemory reports the live heap that a run of 10,000 tenants leaves behind, by tenant.
func BenchmarkMemory(b *testing.B) {
	const n = 10000
	g := linearGraph(b)
	tenants, standings := tenantsOn("s1", n), repeatStanding(n, standingAt(g))
	for b.Loop() {
		var before, after runtime.MemStats
		runtime.GC()
		runtime.ReadMemStats(&before)
		p, err := plan.New(members(tenants, standings), g, request())
		if err != nil {
			b.Fatal(err)
		}
		r, err := run.Run(b.Context(), run.Config{Plan: p, Engine: sleepingEngine{}, Graph: g, Store: discardingStore{}})
		if err != nil {
			b.Fatal(err)
		}
		runtime.GC()
		runtime.ReadMemStats(&after)
		b.ReportMetric(float64(after.HeapAlloc-before.HeapAlloc)/n, "B/tenant")
		runtime.KeepAlive(p)
		runtime.KeepAlive(r)
	}
}

// discardingStore is a store that forgets.
type discardingStore struct{ rollout.FullStore }

func (discardingStore) Create(context.Context, *plan.Plan) error      { return nil }
func (discardingStore) Append(context.Context, []rollout.Event) error { return nil }
func (discardingStore) Since(context.Context, string, int64) ([]rollout.Command, error) {
	return nil, nil
}
