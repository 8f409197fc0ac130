package store_test

import (
	"testing"

	"github.com/skeindb/skein/orchestrator/rollout"
	"github.com/skeindb/skein/orchestrator/store"
	"github.com/skeindb/skein/orchestrator/store/storetest"
)

func TestMemory(t *testing.T) {
	t.Parallel()
	storetest.Run(t, func(*testing.T) func() rollout.FullStore {
		m := store.NewMemory()
		return func() rollout.FullStore { return m }
	})
}
