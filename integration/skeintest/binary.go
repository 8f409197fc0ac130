package skeintest

import (
	"fmt"
	"os"
	"os/exec"
	"path/filepath"
	"sync"
	"sync/atomic"
	"testing"
)

// folder is where the binary is, a string; empty before its first use.
var folder atomic.Value

var built = sync.OnceValues(func() (string, error) {
	dir, err := os.MkdirTemp("", "skein-binary-")
	if err != nil {
		return "", err
	}
	folder.Store(dir)
	path := filepath.Join(dir, "skein")
	out, err := exec.Command("go", "build", "-o", path, "github.com/skeindb/skein/cmd/skein").CombinedOutput()
	if err != nil {
		return "", fmt.Errorf("go build: %w\n%s", err, out)
	}
	return path, nil
})

// Binary builds skein once a test process and returns its path.
func Binary(t testing.TB) string {
	t.Helper()
	path, err := built()
	if err != nil {
		t.Fatal(err)
	}
	return path
}

// Clean removes the binary, if a test has asked for it. A TestMain calls it after the tests.
func Clean() {
	if dir, ok := folder.Load().(string); ok {
		_ = os.RemoveAll(dir)
	}
}
