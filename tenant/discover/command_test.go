//go:build unix

package discover_test

import (
	"context"
	"errors"
	"os"
	"path/filepath"
	"strconv"
	"strings"
	"syscall"
	"testing"
	"time"

	"github.com/google/go-cmp/cmp"

	"github.com/skeindb/skein/tenant/discover"
)

// fromShell lists what a shell script prints.
func fromShell(t *testing.T, env discover.Env, script string) found {
	t.Helper()
	source, err := discover.NewCommand(discover.Command{
		Name: "1", Run: []string{"sh", "-c", script}, Defaults: discover.Defaults{Server: "main"},
	}, env)
	return list(t, source, err)
}

func TestCommandReadsJSONLines(t *testing.T) {
	t.Parallel()
	env, _ := world(t)
	got := fromShell(t, env, `
		echo looking around >&2
		echo '{"id":"acme","schema":"tenant_acme","labels":{"tier":"gold"}}'
		echo
		printf '{"id":"lite","file":"%s/lite.db"}' data`)
	want := found{Tenants: []string{"acme main/app/tenant_acme {tier=gold}", "lite " + filepath.Join(env.Dir, "data/lite.db")}}
	if diff := cmp.Diff(want, got); diff != "" {
		t.Error(diff)
	}
}

func TestCommandRunsInTheConfigsFolderWithoutAShell(t *testing.T) {
	t.Parallel()
	env, _ := world(t)
	script := "#!/bin/sh\nread input && exit 9\nprintf '{\"id\":\"%s\",\"schema\":\"%s\"}' \"$1\" \"$(basename \"$(pwd)\")\"\n"
	if err := os.Mkdir(filepath.Join(env.Dir, "bin"), 0o755); err != nil {
		t.Fatal(err)
	}
	if err := os.WriteFile(filepath.Join(env.Dir, "bin", "list-tenants"), []byte(script), 0o755); err != nil { //nolint:gosec // a program
		t.Fatal(err)
	}
	source, err := discover.NewCommand(discover.Command{
		Run: []string{"bin/list-tenants", "$HOME; *"}, Defaults: discover.Defaults{Server: "main"},
	}, env)
	want := found{Tenants: []string{"$HOME; * main/app/" + filepath.Base(env.Dir)}}
	if diff := cmp.Diff(want, list(t, source, err)); diff != "" {
		t.Error(diff)
	}
}

func TestCommandFails(t *testing.T) {
	t.Parallel()
	for _, c := range []struct {
		name, script string
		want         []string
	}{
		{"by its status, though it has printed tenants", `echo '{"id":"a"}'; echo "no route" >&2; echo "to host" >&2; exit 3`,
			[]string{`command "sh": exit status 3: no route; to host`}},
		{"by a signal", `kill -9 $$`, []string{`command "sh": signal: killed`}},
		{"without tenants", `true`, []string{`command "sh" lists no tenant`}},
		{"by what it prints", `echo '{"id":"a"}'; echo 'id: b'; echo '[{"id":"c"}]'`, []string{
			`output of sh:2: invalid character 'i' looking for beginning of value`,
			`output of sh:3: not an object {id: …} (one object a tenant, not a list of them)`,
		}},
		{"by a record", `echo; echo '{"id":"a","server":"mian"}'`, []string{
			`output of sh:2: tenant "a": there is no server "mian" in the config (did you mean main?)`,
		}},
	} {
		t.Run(c.name, func(t *testing.T) {
			t.Parallel()
			env, _ := world(t)
			if diff := cmp.Diff(found{Errors: c.want}, fromShell(t, env, c.script)); diff != "" {
				t.Error(diff)
			}
		})
	}
	env, _ := world(t)
	for _, run := range [][]string{nil, {""}} {
		if _, err := discover.NewCommand(discover.Command{Run: run}, env); err == nil {
			t.Errorf("%q is a command", run)
		}
	}
	source, err := discover.NewCommand(discover.Command{Run: []string{"bin/none"}}, env)
	if got := list(t, source, err); len(got.Errors) != 1 || !strings.Contains(got.Errors[0], "no such file") {
		t.Errorf("got %v", got)
	}
	long := fromShell(t, env, `for i in 1 2 3 4 5 6; do printf '%01000d' $i >&2; done; exit 1`)
	if text := long.Errors[0]; len(text) > 2200 || !strings.HasSuffix(text, "6") || !strings.Contains(text, "… 0") {
		t.Errorf("standard error is not cut to its end: %d bytes", len(text))
	}
}

func TestCommandIsKilledWithItsChildren(t *testing.T) {
	t.Parallel()
	for name, why := range map[string]string{"timeout": "not finished after ", "cancel": "context canceled"} {
		t.Run(name, func(t *testing.T) {
			t.Parallel()
			env, _ := world(t)
			pidFile := filepath.Join(env.Dir, "pid")
			ctx, cancel := context.WithCancel(t.Context())
			defer cancel()
			timeout := time.Minute
			if name == "timeout" {
				timeout = time.Second
			}
			source, err := discover.NewCommand(discover.Command{
				Run: []string{"sh", "-c", `sleep 600 & echo $! > pid.new; mv pid.new pid; echo working >&2; wait`}, Timeout: timeout,
			}, env)
			if err != nil {
				t.Fatal(err)
			}
			done := make(chan error, 1)
			go func() {
				_, _, err := source.List(ctx)
				done <- err
			}()
			child := waitForPID(t, pidFile)
			if name == "cancel" {
				cancel()
			}
			err = <-done
			if err == nil || !strings.Contains(err.Error(), why) || name == "timeout" && !strings.Contains(err.Error(), "working") {
				t.Errorf("got %v", err)
			}
			waitForEnd(t, child)
		})
	}
}

// waitForPID polls, since there is nothing to wait on across processes.
func waitForPID(t *testing.T, path string) int {
	t.Helper()
	for range 1000 {
		if text, err := os.ReadFile(path); err == nil {
			pid, err := strconv.Atoi(strings.TrimSpace(string(text)))
			if err != nil {
				t.Fatal(err)
			}
			return pid
		}
		time.Sleep(5 * time.Millisecond)
	}
	t.Fatal("the command did not start")
	return 0
}

func waitForEnd(t *testing.T, pid int) {
	t.Helper()
	for range 1000 {
		if errors.Is(syscall.Kill(pid, 0), syscall.ESRCH) || zombie(pid) {
			return
		}
		time.Sleep(5 * time.Millisecond)
	}
	t.Errorf("the child %d is still there", pid)
}

// zombie reports whether a process is dead and only waits for its parent to notice, which in a container
// without an init nobody does.
func zombie(pid int) bool {
	stat, err := os.ReadFile("/proc/" + strconv.Itoa(pid) + "/stat")
	return err == nil && strings.Contains(string(stat), ") Z ")
}

func TestCommandThatLeavesAChildBehindIsAnError(t *testing.T) {
	t.Parallel()
	env, _ := world(t)
	got := fromShell(t, env, `echo '{"id":"a"}'; sleep 4 & exit 0`)
	want := found{Errors: []string{`command "sh": ended, but a child process keeps its output open`}}
	if diff := cmp.Diff(want, got); diff != "" {
		t.Error(diff)
	}
}
