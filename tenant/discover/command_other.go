//go:build !unix

package discover

import "os/exec"

// ownGroup does nothing: without process groups only the command itself is killed.
func ownGroup(*exec.Cmd) {}
