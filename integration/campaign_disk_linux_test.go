package integration_test

import (
	"syscall"
	"testing"

	"github.com/skeindb/skein/integration/pgtest"
)

// onSmallDisk has the store on a disk of its own that can be filled.
func onSmallDisk(t *testing.T, n int) *disturbedFleet {
	t.Helper()
	disk := t.TempDir()
	if err := syscall.Mount("none", disk, "tmpfs", 0, "size=16m"); err != nil {
		t.Skipf("only root can mount a small disk: %v", err)
	}
	t.Cleanup(func() {
		if err := syscall.Unmount(disk, syscall.MNT_DETACH); err != nil {
			t.Error(err)
		}
	})
	f := newDisturbed(t, pgtest.Server(t), n, "state: {store: "+disk+"/state.db}\n")
	f.disk = disk
	return f
}
