package run_test

import (
	"context"
	"testing"

	"github.com/google/go-cmp/cmp"

	"github.com/skeindb/skein/engine"
	"github.com/skeindb/skein/orchestrator/plan"
	"github.com/skeindb/skein/orchestrator/run"
)

// sizes are what a database says of tenants.
type sizes []int64

func (s sizes) Sizes(context.Context, []engine.Location) []int64 { return s }

// An empty file has a size, too: 0 would mean that nothing was asked.
func TestSizesOfMembersAreThoseThatTheDatabaseSays(t *testing.T) {
	t.Parallel()
	members := make([]plan.Member, 3)
	run.SetSizes(t.Context(), sizes{0, -1, 500}, members)
	got := []int64{members[0].Size, members[1].Size, members[2].Size}
	if diff := cmp.Diff([]int64{1, -1, 500}, got); diff != "" {
		t.Errorf("-want +got\n%s", diff)
	}
}
