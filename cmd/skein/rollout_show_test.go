package main

import (
	"testing"
	"time"

	"github.com/google/go-cmp/cmp"

	"github.com/skeindb/skein/orchestrator"
)

func TestAuditSaysWhatIsNotKnownYet(t *testing.T) {
	t.Parallel()
	started := orchestrator.Event{Rollout: "r1", Seq: 1, Time: time.Unix(1, 0), Fact: orchestrator.RolloutStarted{Run: 1}}
	r := &record{plan: &orchestrator.Plan{Rollout: "r1", Kind: orchestrator.Upgrade}, events: []orchestrator.Event{started}}
	r.report = reportOf(r.plan, r.events)
	refused := orchestrator.Command{Rollout: "r1", Seq: 1, Action: orchestrator.ActionSkip, Tenants: []string{"c1"}}
	taken := orchestrator.Command{Rollout: "r1", Seq: 2, Action: orchestrator.ActionSkip, Tenants: []string{"c2"}}
	pending := orchestrator.Command{Rollout: "r1", Seq: 3, Action: orchestrator.ActionApprove, Wave: "canary"}
	r.commands = []orchestrator.Command{refused, taken, pending}
	for i, f := range []orchestrator.Fact{orchestrator.Commanded{Command: refused, Refused: "it is done"}, orchestrator.Commanded{Command: taken}} {
		e := orchestrator.Event{Rollout: "r1", Seq: int64(i) + 2, Time: time.Unix(1, 0), Fact: f}
		r.events = append(r.events, e)
		r.report.Apply(e)
	}
	var got []any
	for _, line := range auditJSON(audit(*r)) {
		got = append(got, line["refused"], line["taken"] != nil)
	}
	want := []any{"", true, "it is done", true, "", true, nil, false}
	if diff := cmp.Diff(want, got); diff != "" {
		t.Errorf("-want +got\n%s", diff)
	}
}
