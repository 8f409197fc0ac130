package integration_test

import (
	"fmt"
	"testing"

	"github.com/google/go-cmp/cmp"

	"github.com/skeindb/skein/engine/revision"
)

// TestRecreatedTenants drops tenants and makes them again under the same name, as they stood, earlier, or empty: before
// their wave, in it, and when they were done.
func TestRecreatedTenants(t *testing.T) { inBothDialects(t, testRecreatedTenants) }

func testRecreatedTenants(t *testing.T, d revision.Dialect) {
	const tenants, head, width = 24, 4, 2
	bodies, lockTimeout := steps(head), "50s"
	if d == revision.Postgres {
		bodies[2], lockTimeout = gate+bodies[2], "0"
	}
	f := newFleet(t, d, tenants, inFiles(bodies), fmt.Sprintf("rollout: {lock_timeout: %s, concurrency: %d, waves: [{name: canary, size: 5, gate: %s}]}\n", lockTimeout, width, gatesOnFiles("canary")))
	m := f.mover(bodies)
	f.twoSteps(m)
	order, what := f.order(), map[string]string{}
	recreate := func(when string, ids ...string) {
		m.remove(ids...)
		for revisions, id := range ids {
			what[id] = fmt.Sprintf("recreated %s with %d revisions", when, revisions)
			m.makeAt(revisions, id)
		}
	}
	first := order[5 : 5+width] // of the last wave
	p := f.start("upgrade", "--json")
	p.atDoor("canary")
	recreate("before its wave", order[10:13]...)
	open := f.block(first)
	openDoor(t, f.Project, "canary")
	f.blocked(p, "rest", first)
	recreate("when it was done", order[:3]...)
	recreate("in its wave", order[14:17]...)
	open()
	r := p.end()

	got := map[string]string{}
	ended, there := outcomes(r), f.backend.look(f.ids, true)
	dumps := f.backend.reference(bodies)
	for _, id := range f.ids {
		got[id] = ended[id]
		if err := there[id].check(dumps, []int{head}); err != nil {
			got[id] = fmt.Sprintf("%s: %v", ended[id], err)
		}
	}
	for _, id := range f.ids {
		if got[id] != "done" {
			t.Errorf("%s, %s, is %s", id, what[id], got[id])
		}
	}
	if r.Code != 0 {
		t.Errorf("exit %d: %s", r.Code, tailOf(r.Stdout))
	}
	if diff := cmp.Diff("finished", r.Report().State); diff != "" {
		t.Error(diff)
	}
	wantCounts(t, r.Report(), map[string]int{"done": tenants})
}
