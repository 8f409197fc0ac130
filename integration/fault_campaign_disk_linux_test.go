package integration_test

import (
	"testing"

	"github.com/skeindb/skein/integration/pgtest"
)

// onSmallDisk has the store on a disk of its own that can be filled.
func onSmallDisk(t *testing.T, n int) *disturbedFleet {
	t.Helper()
	disk := smallDisk(t)
	f := newDisturbed(t, pgtest.Server(t), n, "state: {store: "+disk+"/state.db}\n")
	f.disk = disk
	return f
}
