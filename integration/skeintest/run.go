package skeintest

import (
	"bufio"
	"bytes"
	"encoding/json"
	"errors"
	"os"
	"os/exec"
	"slices"
	"strings"
	"sync"
	"syscall"
	"testing"
	"time"
)

// Result is the result of a command.
type Result struct {
	t      testing.TB
	Args   []string
	Code   int // exit code; -1 when a signal ended it
	Stdout string
	Stderr string
}

// Run runs a command to its end.
func (p *Project) Run(args ...string) Result {
	p.t.Helper()
	return p.Start(args...).Wait()
}

// Must is Run, and fails the test unless the exit code is want.
func (p *Project) Must(want int, args ...string) Result {
	p.t.Helper()
	r := p.Run(args...)
	r.Want(want)
	return r
}

// Want fails the test unless the exit code is want.
func (r Result) Want(code int) {
	r.t.Helper()
	if r.Code != code {
		r.t.Fatalf("skein %s: exit %d, want %d\nstdout:\n%s\nstderr:\n%s", strings.Join(r.Args, " "), r.Code, code, tail(r.Stdout), tail(r.Stderr))
	}
}

// JSON decodes stdout, one document, into v.
func (r Result) JSON(v any) {
	r.t.Helper()
	if err := json.Unmarshal([]byte(r.Stdout), v); err != nil {
		r.t.Fatalf("skein %s: stdout is no JSON document: %v\n%s", strings.Join(r.Args, " "), err, tail(r.Stdout))
	}
}

// Report is the last line of a stream.
type Report struct {
	Rollout string         `json:"rollout"`
	State   string         `json:"state"`
	Reason  string         `json:"reason"`
	Exit    int            `json:"exit"`
	Counts  map[string]int `json:"counts"`
	Failed  []Failed       `json:"failed"`
	Next    string         `json:"next"`
}

// Failed is a tenant of a report.
type Failed struct {
	Tenant    string `json:"tenant"`
	Revision  string `json:"revision"`
	File      string `json:"file"`
	Line      int    `json:"line"`
	Statement string `json:"statement"`
	Class     string `json:"class"`
	SQLState  string `json:"sqlstate"`
	Error     string `json:"error"`
	Hint      string `json:"hint"`
}

// Event is a line of a stream; its fields depend on its kind.
type Event map[string]any

// Events decodes the lines of a stream.
func (r Result) Events() []Event {
	r.t.Helper()
	var events []Event
	lines := bufio.NewScanner(strings.NewReader(r.Stdout))
	lines.Buffer(nil, 64<<20)
	for lines.Scan() {
		var e Event
		if err := json.Unmarshal(lines.Bytes(), &e); err != nil {
			r.t.Fatalf("skein %s: %v in line %q", strings.Join(r.Args, " "), err, lines.Text())
		}
		events = append(events, e)
	}
	return events
}

// Report decodes the last line of a stream, and fails the test when it is no report or not the only one.
func (r Result) Report() Report {
	r.t.Helper()
	lines := strings.Split(strings.TrimSpace(r.Stdout), "\n")
	if n := strings.Count(r.Stdout, `"kind":"report"`); n != 1 {
		r.t.Fatalf("skein %s: %d reports, want 1\nstdout:\n%s\nstderr:\n%s", strings.Join(r.Args, " "), n, tail(r.Stdout), tail(r.Stderr))
	}
	var report Report
	if err := json.Unmarshal([]byte(lines[len(lines)-1]), &report); err != nil {
		r.t.Fatal(err)
	}
	return report
}

// Process is a command that runs.
type Process struct {
	p        *Project
	cmd      *exec.Cmd
	args     []string
	out, err buffer
}

// Start begins a command. The test has to Wait for it.
func (p *Project) Start(args ...string) *Process {
	p.t.Helper()
	r := &Process{p: p, args: args, cmd: exec.Command(Binary(p.t), args...)}
	r.cmd.Dir = p.Dir
	r.cmd.Env = append(slices.DeleteFunc(os.Environ(), func(v string) bool { return strings.HasPrefix(v, "SKEIN_") }), p.Env...)
	r.cmd.Stdout, r.cmd.Stderr = &r.out, &r.err
	if err := r.cmd.Start(); err != nil {
		p.t.Fatal(err)
	}
	return r
}

// Signal sends a signal: os.Interrupt drains, os.Kill is kill -9.
func (r *Process) Signal(s os.Signal) {
	r.p.t.Helper()
	if err := r.cmd.Process.Signal(s); err != nil && !errors.Is(err, os.ErrProcessDone) {
		r.p.t.Fatal(err)
	}
}

// Stdout is what it has printed so far.
func (r *Process) Stdout() string { return r.out.String() }

// Stderr is what it has printed there so far.
func (r *Process) Stderr() string { return r.err.String() }

// Await waits until stdout has text, and fails the test when the process ends or a minute passes before.
func (r *Process) Await(text string) {
	r.p.t.Helper()
	deadline := time.Now().Add(time.Minute)
	for !strings.Contains(r.out.String(), text) {
		if time.Now().After(deadline) || errors.Is(r.cmd.Process.Signal(syscall.Signal(0)), os.ErrProcessDone) {
			r.p.t.Fatalf("skein %s never printed %q\nstdout:\n%s\nstderr:\n%s", strings.Join(r.args, " "), text, tail(r.out.String()), tail(r.err.String()))
		}
		time.Sleep(5 * time.Millisecond)
	}
}

// Wait waits for the end.
func (r *Process) Wait() Result {
	r.p.t.Helper()
	err := r.cmd.Wait()
	var exit *exec.ExitError
	if err != nil && !errors.As(err, &exit) {
		r.p.t.Fatal(err)
	}
	return Result{t: r.p.t, Args: r.args, Code: r.cmd.ProcessState.ExitCode(), Stdout: r.out.String(), Stderr: r.err.String()}
}

// buffer is a bytes.Buffer that can be read while it is written.
type buffer struct {
	mu sync.Mutex
	b  bytes.Buffer // guarded by mu
}

func (b *buffer) Write(p []byte) (int, error) {
	b.mu.Lock()
	defer b.mu.Unlock()
	return b.b.Write(p)
}

func (b *buffer) String() string {
	b.mu.Lock()
	defer b.mu.Unlock()
	return b.b.String()
}

// tail is the end of what may be very long.
func tail(s string) string {
	const most = 6000
	if len(s) > most {
		return "…" + s[len(s)-most:]
	}
	return s
}
