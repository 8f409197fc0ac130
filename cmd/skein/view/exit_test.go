package view_test

import (
	"testing"

	"github.com/skeindb/skein/cmd/skein/view"
	"github.com/skeindb/skein/orchestrator/rollout"
)

func TestExitCodeOfEachEnd(t *testing.T) {
	t.Parallel()
	for state, want := range map[rollout.State]int{
		rollout.StateFinished: 0, rollout.StateInterrupted: 130,
		rollout.StateHalted: 3, rollout.StatePaused: 3, rollout.StateWaiting: 3, rollout.StateAborted: 3,
	} {
		if got := view.ExitCode(&rollout.Report{State: state}); got != want {
			t.Errorf("%s: exit code %d, want %d", state, got, want)
		}
	}
}
