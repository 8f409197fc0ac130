package run

import (
	"fmt"
	"slices"
	"testing"
	"time"

	"github.com/skeindb/skein/orchestrator/plan"
)

func TestWaitsStayWithinTheirBounds(t *testing.T) {
	t.Parallel()
	r := plan.Retry{}.WithDefaults()
	bounds := []time.Duration{200 * time.Millisecond, 400 * time.Millisecond, 800 * time.Millisecond, 1600 * time.Millisecond}
	for i, bound := range bounds {
		for range 1000 {
			if w := r.Wait(i + 1); w < 0 || w > bound {
				t.Fatalf("wait(%d) = %s", i+1, w)
			}
			if w := r.Deferral(i + 1); w < 4*bound || w > 8*bound {
				t.Fatalf("deferral(%d) = %s", i+1, w)
			}
			if w := probeWait(i + 1); w < probeBase/2 || w > probeMax {
				t.Fatalf("probeWait(%d) = %s", i+1, w)
			}
		}
	}
	if w := r.Wait(1000); w > 30*time.Second {
		t.Errorf("wait(1000) = %s", w)
	}
}

func TestDroppedTenantIsInNoQueue(t *testing.T) {
	t.Parallel()
	items := make([]plan.Item, 600)
	for i := range items {
		items[i].Tenant.ID = fmt.Sprint("t", i)
	}
	cohorts := []plan.Cohort{{Action: plan.ActionMigrate, Steps: []string{"a"}}}
	w := newWave(&plan.Wave{Name: "all", Planned: len(items)}, items, cohorts, newLimits(cohorts), plan.Policy{}.WithDefaults())
	s := w.servers[0]
	w.nextWindow()
	w.namedSeq = 1
	named, planned := w.named[3], s.planned[3]
	before := s.naming
	w.remove(named)
	w.remove(planned)
	if s.naming != before-1 || slices.Contains(w.named, named) || slices.Contains(s.planned, planned) {
		t.Errorf("%d are being named, want %d", s.naming, before-1)
	}
	w.mayStart()
	ready := s.ready[5]
	w.remove(ready)
	resting := s.ready[0]
	s.ready = s.ready[1:]
	w.wait(resting, time.Now())
	w.remove(resting)
	deferred := s.ready[0]
	s.ready, s.deferred = s.ready[1:], []int32{deferred}
	w.remove(deferred)
	all := w.untouched(s)
	if slices.Sort(all); len(all) != len(items)-5 || len(slices.Compact(all)) != len(all) {
		t.Errorf("%d are left of %d", len(all), len(items))
	}
	for _, t5 := range []int32{named, planned, ready, resting, deferred} {
		if slices.Contains(all, t5) {
			t.Errorf("%d is still there", t5)
		}
	}
}
