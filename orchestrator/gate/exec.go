package gate

import (
	"bytes"
	"cmp"
	"context"
	"errors"
	"fmt"
	"os"
	"os/exec"
	"path/filepath"
	"strconv"
	"strings"
	"time"

	"github.com/skeindb/skein/orchestrator/plan"
)

// Exec runs a program, without a shell. Its exit status is the answer: 0 is a pass, 75 (EX_TEMPFAIL) is
// inconclusive, any other is a failure. One that cannot be started, was killed or is not finished in time is
// inconclusive. The last line that it writes is the evidence, which webhooks get, too: it should hold
// no values of rows.
//
// It reads the ids of the wave's tenants from its standard input, one a line, and finds SKEIN_ROLLOUT,
// SKEIN_FLEET, SKEIN_TARGET, SKEIN_WAVE and SKEIN_TENANTS, which is how many they are, in its environment. On Unix
// what it has started is killed with it when the time is up.
type Exec struct {
	Run []string // program and arguments; a path with a slash is relative to Dir; required
	Dir string   // where it runs; "" = where skein does
	Env []string // NAME=value, added to the environment; values are not shown
}

var _ plan.Meter = Exec{}

const (
	tempFail  = 75              // EX_TEMPFAIL of sysexits.h
	execGrace = 2 * time.Second // for children that hold the output open after the program has ended
)

// Measure implements [plan.Meter].
func (e Exec) Measure(ctx context.Context, subject plan.Subject) plan.Measure {
	if len(e.Run) == 0 || e.Run[0] == "" {
		return unknown("there is no program to run")
	}
	cmd, err := e.command(ctx, subject)
	if err != nil {
		return unknown("%s cannot be started: %v", e.Run[0], err)
	}
	var out tail
	cmd.Stdout, cmd.Stderr = &out, &out
	err = cmd.Run()
	if errors.Is(err, exec.ErrWaitDelay) { // it has ended well, and left a child behind that holds its output
		_ = cmd.Cancel()
		err = nil
	}
	var v veil
	for _, entry := range e.Env {
		_, value, _ := strings.Cut(entry, "=")
		v.hide(value)
	}
	if cmd.ProcessState == nil {
		return unknown("%s cannot be started: %v", e.Run[0], err)
	}
	return answer(ctx, cmd.ProcessState, err, shorten(v.over(out.lastLine()), lineShown))
}

func (e Exec) command(ctx context.Context, subject plan.Subject) (*exec.Cmd, error) {
	program := filepath.FromSlash(e.Run[0])
	if strings.ContainsRune(program, filepath.Separator) && !filepath.IsAbs(program) {
		var err error
		if program, err = filepath.Abs(filepath.Join(e.Dir, program)); err != nil {
			return nil, err
		}
	}
	cmd := exec.CommandContext(ctx, program, e.Run[1:]...)
	cmd.Dir = e.Dir
	cmd.WaitDelay = execGrace
	ownGroup(cmd)
	cmd.Env = append(append(os.Environ(), e.Env...),
		"SKEIN_ROLLOUT="+subject.Rollout, "SKEIN_FLEET="+subject.Fleet, "SKEIN_TARGET="+subject.Target, "SKEIN_WAVE="+subject.Wave,
		"SKEIN_TENANTS="+strconv.Itoa(len(subject.Tenants)))
	var ids strings.Builder
	for _, t := range subject.Tenants {
		ids.WriteString(t.ID)
		ids.WriteByte('\n')
	}
	cmd.Stdin = strings.NewReader(ids.String())
	return cmd, nil
}

// answer says what the end of a program means.
func answer(ctx context.Context, state *os.ProcessState, err error, said string) plan.Measure {
	m := plan.Measure{Verdict: plan.VerdictInconclusive}
	switch {
	case err == nil:
		return plan.Measure{Verdict: plan.VerdictPass, Evidence: cmp.Or(said, "exit status 0")}
	case ctx.Err() != nil:
		m.Evidence = late(ctx.Err())
	case state.Exited():
		m.Evidence = fmt.Sprintf("exit status %d", state.ExitCode())
		if state.ExitCode() != tempFail {
			m.Verdict = plan.VerdictFail
		}
	default:
		m.Evidence = state.String() // signal: killed
	}
	if said != "" {
		m.Evidence += ": " + said
	}
	return m
}

// tail keeps the end of what is written to it. The zero value is empty.
type tail struct {
	kept []byte
}

const tailKept = 8 << 10 // bytes

func (t *tail) Write(p []byte) (int, error) {
	t.kept = append(t.kept, p...)
	if over := len(t.kept) - tailKept; over > tailKept {
		t.kept = append(t.kept[:0], t.kept[over:]...)
	}
	return len(p), nil
}

// lastLine returns the last line that is not empty.
func (t *tail) lastLine() string {
	text := bytes.TrimSpace(t.kept)
	return string(text[bytes.LastIndexAny(text, "\r\n")+1:])
}
