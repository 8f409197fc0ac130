package sqlite_test

import (
	"bufio"
	"context"
	"errors"
	"fmt"
	"os"
	"os/exec"
	"path/filepath"
	"strings"
	"testing"
	"time"

	"github.com/skeindb/skein/orchestrator/rollout"
	"github.com/skeindb/skein/orchestrator/store/sqlite"
	"github.com/skeindb/skein/orchestrator/store/storetest"
)

// TestMain makes the test binary a process that holds a lock until it is killed.
func TestMain(m *testing.M) {
	if path := os.Getenv("SKEIN_TEST_HOLD"); path != "" {
		hold(path)
	}
	os.Exit(m.Run())
}

var held rollout.Lease // where the garbage collector does not find it: closing the file would unlock

func hold(path string) {
	ctx := context.Background()
	s, err := sqlite.Open(ctx, path)
	if err == nil {
		held, err = s.Lock(ctx, "acme", rollout.Holder{Rollout: "r1", Host: "h", PID: os.Getpid(), User: "u", Since: storetest.Epoch})
	}
	fmt.Println("held:", err)
	select {}
}

func TestKilledProcessHoldsNoLock(t *testing.T) {
	t.Parallel()
	path := filepath.Join(t.TempDir(), "state.db")
	s := openSQLite(t, path)
	child := exec.CommandContext(t.Context(), os.Args[0])
	child.Env = append(os.Environ(), "SKEIN_TEST_HOLD="+path)
	out, err := child.StdoutPipe()
	if err != nil {
		t.Fatal(err)
	}
	if err := child.Start(); err != nil {
		t.Fatal(err)
	}
	line, err := bufio.NewReader(out).ReadString('\n')
	if err != nil || line != "held: <nil>\n" {
		t.Fatalf("%q %v", line, err)
	}

	me := rollout.Holder{Rollout: "r2", Host: "h", PID: os.Getpid(), User: "me", Since: storetest.Epoch.Add(time.Hour)}
	_, err = s.Lock(t.Context(), "acme", me)
	held, ok := errors.AsType[*rollout.LockedError](err)
	if !ok || held.Holder.PID != child.Process.Pid {
		t.Fatalf("%v, want to hear of process %d", err, child.Process.Pid)
	}
	for _, word := range []string{"rollout r1", `"acme"`, "u on h", fmt.Sprint("pid ", child.Process.Pid), "2026-11-23T10:00:00Z"} {
		if !strings.Contains(err.Error(), word) {
			t.Errorf("%q does not say %q", err, word)
		}
	}

	if err := child.Process.Kill(); err != nil {
		t.Fatal(err)
	}
	_ = child.Wait()
	lease, err := s.Lock(t.Context(), "acme", me)
	if err != nil {
		t.Fatalf("after the holder was killed: %v", err)
	}
	if err := lease.Release(t.Context()); err != nil {
		t.Error(err)
	}
}
