package view

import (
	"slices"
	"testing"

	"github.com/skeindb/skein/orchestrator/rollout"
	"github.com/skeindb/skein/orchestrator/store/storetest"
)

// A fact without a line is one of which other lines say all.
func TestEachFactHasALineOrIsLeftOutOnPurpose(t *testing.T) {
	t.Parallel()
	silent := []string{"tenants_dispatched", "tenant_returned", "tenants_replanned", "tenants_under_work"}
	for _, e := range storetest.Events("r1", 1, storetest.Facts()...) {
		if name, l := e.Fact.Name(), describe(e, Options{}); (l == nil) != slices.Contains(silent, name) {
			t.Errorf("the line of the fact %s is %v", name, l)
		}
	}
	if l := describe(rollout.Event{Fact: rollout.TenantStarted{}}, Options{}); l.header().Kind != "tenant" {
		t.Errorf("the line of a tenant that started has the kind %q", l.header().Kind)
	}
}
