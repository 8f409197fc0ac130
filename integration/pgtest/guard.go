package pgtest

import (
	"fmt"
	"io"
	"os/exec"
	"syscall"
)

// guard is a shell that waits for the end of this process and then runs a script. It holds the reading end
// of a pipe without a writer; the kernel closes the other end however the process ends.
type guard struct {
	pipe io.WriteCloser
	cmd  *exec.Cmd
}

func startGuard(script string) (*guard, error) {
	cmd := exec.Command("sh", "-c", "read -r released || { "+script+"; }")
	cmd.SysProcAttr = &syscall.SysProcAttr{Setsid: true} // an interrupt from the terminal must not reach it
	pipe, err := cmd.StdinPipe()
	if err != nil {
		return nil, err
	}
	if err := cmd.Start(); err != nil {
		return nil, fmt.Errorf("start the guard: %w", err)
	}
	return &guard{pipe: pipe, cmd: cmd}, nil
}

// release ends the guard without running its script.
func (g *guard) release() {
	_, _ = io.WriteString(g.pipe, "released\n")
	_ = g.pipe.Close()
	_ = g.cmd.Wait()
}
