//go:build unix

package gate

import (
	"os/exec"
	"syscall"
)

// ownGroup makes the end of the program's context the end of all that it has started.
func ownGroup(cmd *exec.Cmd) {
	cmd.SysProcAttr = &syscall.SysProcAttr{Setpgid: true}
	cmd.Cancel = func() error { return syscall.Kill(-cmd.Process.Pid, syscall.SIGKILL) }
}
