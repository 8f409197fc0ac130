package integration_test

import (
	"os"
	"path/filepath"
	"syscall"
	"testing"

	"github.com/skeindb/skein/engine/revision"
)

// smallDisk mounts a disk of 16 MB.
func smallDisk(t *testing.T) string {
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
	return disk
}

// TestDiskOfTheStoreIsFull is TestStoreFillsUp with a disk that is really full.
func TestDiskOfTheStoreIsFull(t *testing.T) {
	t.Parallel()
	disk := smallDisk(t)
	const tenants = 150
	f := newFleet(t, revision.Postgres, tenants, inFiles(slowLastStep()), "state: {store: "+disk+"/state.db}\n")
	f.Must(0, "upgrade", "r001")
	ballast := filepath.Join(disk, "ballast")
	p := f.start("upgrade", "--json")
	p.must(isDone, 20)
	fill(t, ballast)
	r := p.end()
	r.Want(3)
	wantHaltedByStore(t, f, r, "full")
	if err := os.Remove(ballast); err != nil {
		t.Fatal(err)
	}
	f.Must(0, "rollout", "resume")
	f.want(nil, 2)
}
