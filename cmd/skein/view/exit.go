package view

import "github.com/skeindb/skein/orchestrator/rollout"

// ExitCode is that of a process whose run ended so, as documented in docs/cli.md.
func ExitCode(r *rollout.Report) int {
	switch r.End() {
	case rollout.EndInterrupted:
		return 130
	case rollout.EndStopped:
		return 3
	case rollout.EndFailed:
		return 2
	}
	return 0
}
