package enginetest

import (
	"errors"
	"slices"
	"sync"
	"sync/atomic"
	"testing"
	"time"

	"github.com/google/go-cmp/cmp"

	"github.com/skeindb/skein/engine"
)

var locking = []promise{
	{"a tenant that another session locks is busy and stays as it is", locked},
	{"who waits long enough gets the lock", waits},
	{"a plan is stale when another session applied something else", staleByOther},
	{"a plan is stale when another session stopped in the middle of it", staleByHalf},
	{"of eight who upgrade one tenant one does it", eight},
}

func locked(t *testing.T, d Dialect) {
	w, tenant := open(t, d, engine.Config{LockTimeout: 100 * time.Millisecond}, createUsers), d.New(t)
	w.run(t, w.job(t, tenant), "a1")
	w = w.with(t, engine.Config{LockTimeout: 100 * time.Millisecond}, chain...)
	job := w.job(t, tenant)
	release := d.Lock(t, tenant)
	_, err := w.Apply(t.Context(), job)
	release()
	if e := asError(t, err); e.Class != engine.Busy {
		t.Errorf("class %s: %v", e.Class, e)
	}
	w.stand(t, tenant, engine.Behind, "a1")
	w.lacks(t, tenant, "orders")
	w.run(t, job, "b2", "c3")
}

func waits(t *testing.T, d Dialect) {
	w, tenant := open(t, d, engine.Config{}, createUsers), d.New(t)
	w.run(t, w.job(t, tenant), "a1")
	w = w.with(t, engine.Config{LockTimeout: -1}, chain...)
	job := w.job(t, tenant)
	release := d.Lock(t, tenant)
	timer := time.AfterFunc(300*time.Millisecond, release)
	defer timer.Stop()
	w.run(t, job, "b2", "c3")
}

func staleByOther(t *testing.T, d Dialect) {
	w, tenant := open(t, d, engine.Config{}, createUsers), d.New(t)
	w.run(t, w.job(t, tenant), "a1")
	w = w.with(t, engine.Config{}, chain...)
	job := w.job(t, tenant)
	d.Exec(t, tenant, insertUnknown)
	w.fail(t.Context(), t, job, engine.Error{Class: engine.Stale})
	w.stand(t, tenant, engine.Ahead, "a1", "feed")
	w.lacks(t, tenant, "orders")
}

func staleByHalf(t *testing.T, d Dialect) {
	w, tenant := open(t, d, engine.Config{}, chain...), d.New(t)
	job := w.job(t, tenant) // all three in one transaction
	other := open(t, d, engine.Config{}, createUsers)
	other.run(t, other.job(t, tenant), "a1")
	w.fail(t.Context(), t, job, engine.Error{Class: engine.Stale})
	w.stand(t, tenant, engine.Behind, "a1")

	w = w.with(t, engine.Config{Mode: engine.PerRevision}, chain...)
	perRevision := job
	perRevision.Plan = w.plan(job.Standing)
	if result := w.run(t, perRevision, "b2", "c3"); !result.Resolved { // continues from where the other stopped
		t.Error("the tenant was not asked")
	}
}

// eight upgrades one tenant from two Databases, as two processes would.
func eight(t *testing.T, d Dialect) {
	tenant := d.New(t)
	worlds := []world{open(t, d, engine.Config{}, chain...), open(t, d, engine.Config{}, chain...)}
	job := worlds[0].job(t, tenant)
	var winners atomic.Int32
	var workers sync.WaitGroup
	for i := range 8 {
		workers.Go(func() {
			result, err := worlds[i%2].Apply(t.Context(), job)
			switch {
			case err == nil && slices.Equal(result.Done, []string{"a1", "b2", "c3"}):
				winners.Add(1)
			case err == nil && len(result.Done) == 0 && result.Resolved:
			case isClass(err, engine.Busy), isClass(err, engine.Stale):
			default:
				t.Errorf("worker %d did %v, settled %v: %v", i, result.Done, result.Resolved, err)
			}
		})
	}
	workers.Wait()
	if winners.Load() != 1 {
		t.Errorf("%d workers did it", winners.Load())
	}
	w := worlds[0]
	want := [][]string{w.row("a1", "r1", "skein"), w.row("b2", "r1", "skein"), w.row("c3", "r1", "skein")}
	if diff := cmp.Diff(want, w.rows(t, tenant)); diff != "" {
		t.Errorf("the version table (-want +got):\n%s", diff)
	}
	w.has(t, tenant, "SELECT id FROM orders", "1")
}

func isClass(err error, class engine.Class) bool {
	var e *engine.Error
	return errors.As(err, &e) && e.Class == class
}
