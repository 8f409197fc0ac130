package main

import (
	"testing"
	"time"

	"github.com/google/go-cmp/cmp"

	"github.com/skeindb/skein/cmd/skein/view"
	"github.com/skeindb/skein/orchestrator/control"
	"github.com/skeindb/skein/orchestrator/plan"
	"github.com/skeindb/skein/orchestrator/rollout"
)

func TestAuditSaysWhatIsNotKnownYet(t *testing.T) {
	t.Parallel()
	started := rollout.Event{Rollout: "r1", Seq: 1, Time: time.Unix(1, 0), Fact: rollout.Started{Run: 1}}
	r := &control.Record{Plan: &plan.Plan{Rollout: "r1", Kind: plan.KindUpgrade}, Events: []rollout.Event{started}}
	r.Report = control.ReportOf(r.Plan, r.Events)
	refused := rollout.Command{Rollout: "r1", Seq: 1, Action: rollout.ActionSkip, Tenants: []string{"c1"}}
	taken := rollout.Command{Rollout: "r1", Seq: 2, Action: rollout.ActionSkip, Tenants: []string{"c2"}}
	pending := rollout.Command{Rollout: "r1", Seq: 3, Action: rollout.ActionApprove, Wave: "canary"}
	r.Commands = []rollout.Command{refused, taken, pending}
	for i, f := range []rollout.Fact{rollout.Commanded{Command: refused, Refused: "it is done"}, rollout.Commanded{Command: taken}} {
		e := rollout.Event{Rollout: "r1", Seq: int64(i) + 2, Time: time.Unix(1, 0), Fact: f}
		r.Events = append(r.Events, e)
		r.Report.Apply(e)
	}
	var got []any
	for _, line := range view.AuditJSON(r.Audit()) {
		var refused any
		if line.Refused != nil {
			refused = *line.Refused
		}
		got = append(got, refused, line.Taken != nil)
	}
	want := []any{"", true, "it is done", true, "", true, nil, false}
	if diff := cmp.Diff(want, got); diff != "" {
		t.Errorf("-want +got\n%s", diff)
	}
}
