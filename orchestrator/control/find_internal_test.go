package control

import (
	"errors"
	"testing"

	"github.com/google/go-cmp/cmp"

	"github.com/skeindb/skein/orchestrator/plan"
	"github.com/skeindb/skein/orchestrator/rollout"
)

// rolled is a rollout of which so many tenants were done.
func rolled(id string, kind plan.Kind, state rollout.State, done int) rollout.Summary {
	s := rollout.Summary{ID: id, Kind: kind, State: state, Counts: map[plan.Outcome]int{plan.OutcomePending: 1}}
	if done > 0 {
		s.Counts[plan.OutcomeDone] = done
	}
	return s
}

func TestWhichRolloutIsMeant(t *testing.T) {
	t.Parallel()
	halted := rolled("old", plan.KindUpgrade, rollout.StateHalted, 2)
	waiting := rolled("old", plan.KindUpgrade, rollout.StateWaiting, 2)
	resume, abort := criteriaOf(rollout.ActionSkip), criteriaOf(rollout.ActionAbort)
	for _, test := range []struct {
		name string
		want criteria
		all  []rollout.Summary // the latest first
		id   string
		says string // in place of an id
	}{
		{name: "the latest", want: resume, all: []rollout.Summary{rolled("new", plan.KindRollback, rollout.StateHalted, 1), halted}, id: "new"},
		{
			name: "none behind a release that came after", want: resume, all: []rollout.Summary{rolled("new", plan.KindUpgrade, rollout.StateFinished, 1), halted},
			says: "the latest rollout that fits is old, but new came after it: an upgrade that changed 1 tenant",
		},
		{
			name: "none that was taken back", want: resume, all: []rollout.Summary{rolled("new", plan.KindRollback, rollout.StateFinished, 2), halted},
			says: "the latest rollout that fits is old, but new came after it: a rollback that changed 2 tenants",
		},
		{
			name: "none that is known to be taken back", want: resume,
			all:  []rollout.Summary{{ID: "new", Kind: plan.KindRollback, Target: "old", State: rollout.StateFinished}, halted},
			says: "rollout old was taken back by new",
		},
		{
			name: "none behind one that did, far behind", want: abort,
			all: []rollout.Summary{
				rolled("newest", plan.KindUpgrade, rollout.StateFinished, 0), rolled("new", plan.KindDowngrade, rollout.StateFinished, 3), halted,
			},
			says: "the latest rollout that fits is old, but new came after it: a downgrade that changed 3 tenants",
		},
		{name: "behind one that did nothing", want: resume, all: []rollout.Summary{rolled("new", plan.KindUpgrade, rollout.StateFinished, 0), halted}, id: "old"},
		{name: "behind a stamp", want: resume, all: []rollout.Summary{rolled("new", plan.KindStamp, rollout.StateFinished, 3), halted}, id: "old"},
		{
			name: "abort said twice", want: abort, all: []rollout.Summary{rolled("new", plan.KindUpgrade, rollout.StateAborted, 0), halted},
			says: "the latest rollout that fits is old, but new came after it: an upgrade that was aborted",
		},
		{
			name: "none fits", want: resume, all: []rollout.Summary{rolled("new", plan.KindUpgrade, rollout.StateAborted, 0)},
			says: "no rollout has anything left to do; the latest, new, is aborted",
		},
		{
			name: "an approval goes to the one that waits", want: criteriaOf(rollout.ActionApprove),
			all: []rollout.Summary{rolled("new", plan.KindUpgrade, rollout.StateRunning, 1), waiting}, id: "old",
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
			if usage, ok := errors.AsType[*Error](err); err != nil && (!ok || usage.Advice == "") {
				t.Errorf("%v does not say what to do", err)
			}
		})
	}
}
