package rollout

import (
	"maps"
	"slices"
	"testing"

	"github.com/google/go-cmp/cmp"
)

// Stores hold these names: one that is changed here makes stores unreadable.
func TestFactsHaveTheNamesThatStoresHold(t *testing.T) {
	t.Parallel()
	want := []string{
		"approval_awaited", "commanded", "gate_closed", "gate_measured", "gate_settled", "rollout_ended", "rollout_started",
		"server_paused", "server_resumed", "tenant_deferred", "tenant_finished", "tenant_retrying", "tenant_returned",
		"tenant_started", "tenants_dispatched", "tenants_joined", "tenants_replanned", "tenants_under_work",
		"tenants_waiting", "warned", "wave_finished", "wave_started", "width_changed",
	}
	if diff := cmp.Diff(want, slices.Sorted(maps.Keys(typeNamed))); diff != "" {
		t.Errorf("-want +got\n%s", diff)
	}
	if len(factTypes()) != len(want) {
		t.Errorf("%d types of facts, want %d", len(factTypes()), len(want))
	}
}
