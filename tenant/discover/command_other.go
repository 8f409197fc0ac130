//go:build !unix

package discover

import "os/exec"

// ownGroup does nothing: there are no process groups here, and the command alone is killed.
func ownGroup(*exec.Cmd) {}
