//go:build unix

package gate

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

	"github.com/skeindb/skein/orchestrator/plan"
)

func sh(script string) Exec { return Exec{Run: []string{"sh", "-c", script}} }

func TestExecJudgesByExitStatus(t *testing.T) {
	t.Parallel()
	for _, test := range []struct {
		script   string
		verdict  plan.Verdict
		evidence string
	}{
		{"true", pass, "exit status 0"},
		{"echo first; echo last; echo", pass, "last"},
		{"echo out; echo err >&2; exit 3", fail, "exit status 3: err"},
		{"exit 1", fail, "exit status 1"},
		{"echo try later; exit 75", inconclusive, "exit status 75: try later"},
		{"echo bye; kill -9 $$", inconclusive, "signal: killed: bye"},
		{`printf 'a\rb\r\n\033[31mred'; exit 2`, fail, "exit status 2: \x1b[31mred"},
		{`i=0; while [ $i -lt 2000 ]; do echo "line $i"; i=$((i+1)); done; printf '%0300d\n' 7; exit 2`, fail,
			"exit status 2: " + strings.Repeat("0", lineShown-3) + "…"},
	} {
		measured(t, sh(test.script).Measure(t.Context(), wave(nil, 3)), plan.Measure{Verdict: test.verdict, Evidence: test.evidence})
	}
}

func TestExecKnowsTheWave(t *testing.T) {
	t.Parallel()
	e := sh(`echo "$SKEIN_ROLLOUT $SKEIN_FLEET $SKEIN_TARGET $SKEIN_WAVE $SKEIN_TENANTS $MORE $(tr '\n' '+')"`)
	e.Env = []string{"MORE=and", "SKEIN_WAVE=another"}
	measured(t, e.Measure(t.Context(), wave(nil, 3)), plan.Measure{Verdict: pass, Evidence: "r1 acme heads canary 3 and t_00+t_01+t_02+"})

	// More than a pipe holds, which no process reads.
	measured(t, sh(`echo ignored`).Measure(t.Context(), wave(nil, 30000)), plan.Measure{Verdict: pass, Evidence: "ignored"})
}

// TestMain makes the test binary a program that says how it was called.
func TestMain(m *testing.M) {
	if os.Getenv("SKEIN_TEST_CHECK") != "" {
		dir, err := os.Getwd()
		if err != nil {
			panic(err)
		}
		_, _ = os.Stdout.WriteString(strings.Join(os.Args[1:], "|") + " in " + filepath.Base(dir) + "\n")
		os.Exit(4)
	}
	os.Exit(m.Run())
}

func TestExecRunsInItsFolderWithoutAShell(t *testing.T) {
	t.Parallel()
	dir := filepath.Join(t.TempDir(), "project")
	if err := os.MkdirAll(filepath.Join(dir, "bin"), 0o755); err != nil {
		t.Fatal(err)
	}
	self, err := os.Executable()
	if err != nil {
		t.Fatal(err)
	}
	if err := os.Symlink(self, filepath.Join(dir, "bin", "check")); err != nil {
		t.Fatal(err)
	}
	e := Exec{Run: []string{"bin/check", "$HOME; *", ""}, Dir: dir, Env: []string{"SKEIN_TEST_CHECK=1"}}
	want := plan.Measure{Verdict: fail, Evidence: "exit status 4: $HOME; *| in project"}
	measured(t, e.Measure(t.Context(), wave(nil, 1)), want)
	if here, err := os.Getwd(); err != nil {
		t.Fatal(err)
	} else if e.Dir, err = filepath.Rel(here, dir); err != nil {
		t.Fatal(err)
	}
	measured(t, e.Measure(t.Context(), wave(nil, 1)), want)
}

func TestExecThatCannotBeStarted(t *testing.T) {
	t.Parallel()
	for name, e := range map[string]Exec{
		"nothing":   {},
		"no name":   {Run: []string{""}},
		"no file":   {Run: []string{"bin/none", "sesame"}, Dir: t.TempDir()},
		"no such":   {Run: []string{"skein-no-such-program", "sesame"}},
		"no folder": {Run: []string{"sh", "-c", "true", "sesame"}, Dir: filepath.Join(t.TempDir(), "none")},
		"a folder":  {Run: []string{t.TempDir(), "sesame"}},
	} {
		if m := e.Measure(t.Context(), wave(nil, 1)); m.Verdict != inconclusive || m.Evidence == "" || strings.Contains(m.Evidence, "sesame") {
			t.Errorf("%s: %+v", name, m)
		}
	}
}

func TestExecEvidenceHoldsNoSecretOfItsEnvironment(t *testing.T) {
	t.Parallel()
	e := sh(`echo "refused: $TOKEN"; exit 1`)
	e.Env = []string{"TOKEN=swordfish"}
	measured(t, e.Measure(t.Context(), wave(nil, 1)), plan.Measure{Verdict: fail, Evidence: "exit status 1: refused: ***"})
}

func TestExecIsKilledWithItsChildren(t *testing.T) {
	t.Parallel()
	for name, says := range map[string]string{"timeout": "no answer in time: working", "cancel": "the measure was cut off: working"} {
		t.Run(name, func(t *testing.T) {
			t.Parallel()
			ctx, cancel := context.WithCancel(t.Context())
			if name == "timeout" {
				ctx, cancel = context.WithTimeout(t.Context(), 2*time.Second)
			}
			defer cancel()
			e := sh(`sleep 600 & echo working; echo $! > pid.new; mv pid.new pid; wait`)
			e.Dir = t.TempDir()
			done := make(chan plan.Measure, 1)
			go func() { done <- e.Measure(ctx, wave(nil, 1)) }()
			child := waitForPID(t, filepath.Join(e.Dir, "pid"))
			if name == "cancel" {
				cancel()
			}
			measured(t, <-done, plan.Measure{Verdict: inconclusive, Evidence: says})
			waitForEnd(t, child)
		})
	}
}

func TestExecEndsLeftoverChildren(t *testing.T) {
	t.Parallel()
	e := sh(`sleep 600 & echo $! > pid; echo well`)
	e.Dir = t.TempDir()
	measured(t, e.Measure(t.Context(), wave(nil, 1)), plan.Measure{Verdict: pass, Evidence: "well"})
	waitForEnd(t, waitForPID(t, filepath.Join(e.Dir, "pid")))
}

// waitForPID polls, since there is nothing to wait on across processes.
func waitForPID(t *testing.T, path string) int {
	t.Helper()
	for range 2000 {
		if text, err := os.ReadFile(path); err == nil {
			pid, err := strconv.Atoi(strings.TrimSpace(string(text)))
			if err != nil {
				t.Fatal(err)
			}
			return pid
		}
		time.Sleep(5 * time.Millisecond)
	}
	t.Fatal("the program did not start")
	return 0
}

func waitForEnd(t *testing.T, pid int) {
	t.Helper()
	for range 2000 {
		if errors.Is(syscall.Kill(pid, 0), syscall.ESRCH) || zombie(pid) {
			return
		}
		time.Sleep(5 * time.Millisecond)
	}
	t.Errorf("the child %d is still there", pid)
}

// zombie reports whether a process is dead and only waits for its parent to notice, which in a container
// without an init no process does.
func zombie(pid int) bool {
	stat, err := os.ReadFile("/proc/" + strconv.Itoa(pid) + "/stat")
	return err == nil && strings.Contains(string(stat), ") Z ")
}
