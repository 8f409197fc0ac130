package pgtest

import (
	"os"
	"path/filepath"
	"slices"
	"testing"
)

// The harness pauses and kills a local server without ps, which a bare Debian lacks.
func TestChildrenAreReadFromProc(t *testing.T) {
	t.Parallel()
	proc := t.TempDir()
	for pid, stat := range map[string]string{
		"100": "100 (postgres) S 1 100 100 0 -1",
		"101": "101 (postgres: wal writer) S 100 101 101 0 -1",
		"102": "102 (odd) name() S 100 102 102 0 -1", // the name may hold parentheses
		"103": "103 (100) S 1 103 103 0 -1",
		"104": "cut off",
	} {
		if err := os.MkdirAll(filepath.Join(proc, pid), 0o700); err != nil {
			t.Fatal(err)
		}
		if err := os.WriteFile(filepath.Join(proc, pid, "stat"), []byte(stat), 0o600); err != nil {
			t.Fatal(err)
		}
	}
	got, err := childrenOf(proc, 100)
	if err != nil {
		t.Fatal(err)
	}
	slices.Sort(got)
	if want := []int{101, 102}; !slices.Equal(got, want) {
		t.Errorf("children of 100: %v, want %v", got, want)
	}
	if _, err := childrenOf(t.TempDir(), 100); err == nil {
		t.Error("without a process file system: no error")
	}
}
