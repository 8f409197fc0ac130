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
		kind, _ := describe(e)
		if name := e.Fact.Name(); (kind == "") != slices.Contains(silent, name) {
			t.Errorf("the line of the fact %s has the kind %q", name, kind)
		}
	}
	if kind, _ := describe(rollout.Event{Fact: rollout.TenantStarted{}}); kind != "tenant" {
		t.Errorf("the line of a tenant that started has the kind %q", kind)
	}
}
