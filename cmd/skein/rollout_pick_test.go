package main

import (
	"errors"
	"testing"

	"github.com/google/go-cmp/cmp"

	"github.com/skeindb/skein/orchestrator"
)

// rolled is a rollout of which so many tenants were done.
func rolled(id string, kind orchestrator.Kind, state orchestrator.State, done int) orchestrator.Summary {
	s := orchestrator.Summary{ID: id, Kind: kind, State: state, Counts: map[orchestrator.Outcome]int{orchestrator.Pending: 1}}
	if done > 0 {
		s.Counts[orchestrator.Done] = done
	}
	return s
}

func TestWhichRolloutIsMeant(t *testing.T) {
	t.Parallel()
	halted := rolled("old", orchestrator.Upgrade, orchestrator.StateHalted, 2)
	waiting := rolled("old", orchestrator.Upgrade, orchestrator.StateWaiting, 2)
	resume, abort := steerable(orchestrator.ActionSkip), steerable(orchestrator.ActionAbort)
	for _, test := range []struct {
		name string
		want wanted
		all  []orchestrator.Summary // the latest first
		id   string
		says string // in place of an id
	}{
		{name: "the latest", want: resume, all: []orchestrator.Summary{rolled("new", orchestrator.Rollback, orchestrator.StateHalted, 1), halted}, id: "new"},
		{
			name: "none behind a release that came after", want: resume, all: []orchestrator.Summary{rolled("new", orchestrator.Upgrade, orchestrator.StateFinished, 1), halted},
			says: "the latest rollout that fits is old, but new came after it: an upgrade that changed 1 tenant",
		},
		{
			name: "none that was taken back", want: resume, all: []orchestrator.Summary{rolled("new", orchestrator.Rollback, orchestrator.StateFinished, 2), halted},
			says: "the latest rollout that fits is old, but new came after it: a rollback that changed 2 tenants",
		},
		{
			name: "none that is known to be taken back", want: resume,
			all:  []orchestrator.Summary{{ID: "new", Kind: orchestrator.Rollback, Target: "old", State: orchestrator.StateFinished}, halted},
			says: "rollout old was taken back by new",
		},
		{
			name: "none behind one that did, far behind", want: abort,
			all: []orchestrator.Summary{
				rolled("newest", orchestrator.Upgrade, orchestrator.StateFinished, 0), rolled("new", orchestrator.Downgrade, orchestrator.StateFinished, 3), halted,
			},
			says: "the latest rollout that fits is old, but new came after it: a downgrade that changed 3 tenants",
		},
		{name: "behind one that did nothing", want: resume, all: []orchestrator.Summary{rolled("new", orchestrator.Upgrade, orchestrator.StateFinished, 0), halted}, id: "old"},
		{name: "behind a stamp", want: resume, all: []orchestrator.Summary{rolled("new", orchestrator.Stamp, orchestrator.StateFinished, 3), halted}, id: "old"},
		{
			name: "abort said twice", want: abort, all: []orchestrator.Summary{rolled("new", orchestrator.Upgrade, orchestrator.StateAborted, 0), halted},
			says: "the latest rollout that fits is old, but new came after it: an upgrade that was aborted",
		},
		{
			name: "none fits", want: resume, all: []orchestrator.Summary{rolled("new", orchestrator.Upgrade, orchestrator.StateAborted, 0)},
			says: "no rollout has anything left to do; the latest, new, is aborted",
		},
		{
			name: "an approval goes to the one that waits", want: steerable(orchestrator.ActionApprove),
			all: []orchestrator.Summary{rolled("new", orchestrator.Upgrade, orchestrator.StateRunning, 1), waiting}, id: "old",
		},
	} {
		t.Run(test.name, func(t *testing.T) {
			t.Parallel()
			id, err := test.want.pick(test.all)
			says := ""
			if err != nil {
				says = err.Error()
			}
			if diff := cmp.Diff([]string{test.id, test.says}, []string{id, says}); diff != "" {
				t.Errorf("-want +got\n%s", diff)
			}
			if usage, ok := errors.AsType[*usageError](err); err != nil && (!ok || usage.hint == "") {
				t.Errorf("%v does not say what to do", err)
			}
		})
	}
}
