package view_test

import (
	"bytes"
	"encoding/json"
	"strings"
	"testing"
	"time"

	"github.com/google/go-cmp/cmp"

	"github.com/skeindb/skein/cmd/skein/view"
	"github.com/skeindb/skein/engine"
	"github.com/skeindb/skein/orchestrator/plan"
	"github.com/skeindb/skein/orchestrator/rollout"
)

// docs/cli.md lists these keys.
func TestKeysOfLinesAboutTenantsAndServers(t *testing.T) {
	t.Parallel()
	failure := plan.Failure{Class: engine.Busy, Message: "locked", Hint: "wait"}
	for name, test := range map[string]struct {
		fact rollout.Fact
		want map[string]any
	}{
		"started": {
			rollout.TenantStarted{Tenant: "t1", Attempt: 1, From: []string{"a1"}},
			map[string]any{"kind": "tenant", "tenant": "t1", "outcome": "running", "attempt": 1.0, "error": nil, "from": []any{"a1"}, "to": []any{}},
		},
		"retrying": {
			rollout.TenantRetrying{Tenant: "t1", Attempt: 1, Failure: failure, Wait: 200 * time.Millisecond},
			map[string]any{"kind": "tenant", "tenant": "t1", "outcome": "retrying", "attempt": 1.0, "error": "locked", "wait_ms": 200.0, "from": []any{}, "to": []any{}},
		},
		"failed": {
			rollout.TenantFinished{Tenant: "t1", Wave: "all", Outcome: plan.OutcomeFailed, Attempt: 2, Failure: &failure, Duration: time.Second},
			map[string]any{"kind": "tenant", "tenant": "t1", "outcome": "failed", "attempt": 2.0, "error": "locked", "class": "busy", "from": []any{}, "to": []any{}, "steps": 0.0, "duration_ms": 1000.0},
		},
		"skipped": {
			rollout.TenantFinished{Tenant: "t1", Wave: "all", Outcome: plan.OutcomeSkipped, Reason: "pinned"},
			map[string]any{"kind": "tenant", "tenant": "t1", "outcome": "skipped", "attempt": 0.0, "error": nil, "reason": "pinned", "from": []any{}, "to": []any{}, "steps": 0.0, "duration_ms": 0.0},
		},
		"server paused": {
			rollout.ServerPaused{Server: "main", Failure: failure},
			map[string]any{"kind": "warning", "server": "main", "message": "server paused: locked", "hint": "wait"},
		},
		"concurrency": {
			rollout.WidthChanged{Server: "main", Width: 4, Reason: "it is full"},
			map[string]any{"kind": "warning", "server": "main", "message": "width changed: it is full", "width": 4.0},
		},
		"warning": {
			rollout.Warned{Message: "look"},
			map[string]any{"kind": "warning", "message": "look"},
		},
	} {
		t.Run(name, func(t *testing.T) {
			t.Parallel()
			var out bytes.Buffer
			view.NewJSON(&out, "v1", view.Options{}).Observe(rollout.Event{Rollout: "r1", Seq: 1, Time: start, Fact: test.fact})
			lines := strings.Split(strings.TrimSpace(out.String()), "\n")
			var got map[string]any
			if err := json.Unmarshal([]byte(lines[len(lines)-1]), &got); err != nil {
				t.Fatal(err)
			}
			delete(got, "seq")
			delete(got, "time")
			if diff := cmp.Diff(test.want, got); diff != "" {
				t.Errorf("-want +got\n%s", diff)
			}
		})
	}
}

func TestStateOfAWave(t *testing.T) {
	t.Parallel()
	events := gated()
	for name, test := range map[string]struct {
		events int // of the rollout, before it is read
		ended  bool
		want   string // of the canary
	}{
		"not started":           {1, false, "pending"},
		"started":               {2, false, "running"},
		"started, then stopped": {2, true, "stopped"},
		"finished":              {4, false, "finished"},
	} {
		t.Run(name, func(t *testing.T) {
			t.Parallel()
			r := &rollout.Report{}
			for _, e := range events[:test.events] {
				r.Apply(e)
			}
			if test.ended {
				r.Apply(rollout.Event{Rollout: "r1", Seq: 99, Time: start, Fact: rollout.Ended{State: rollout.StatePaused}})
			}
			if got := view.WaveState(r, &r.Waves[0]); got != test.want {
				t.Errorf("got %s, want %s", got, test.want)
			}
		})
	}
}
