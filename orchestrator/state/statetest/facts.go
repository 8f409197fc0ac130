package statetest

import (
	"fmt"
	"time"

	"github.com/skeindb/skein/engine"
	"github.com/skeindb/skein/engine/revision"
	"github.com/skeindb/skein/orchestrator"
	"github.com/skeindb/skein/tenant"
)

// Epoch is when the rollouts of the suite begin.
var Epoch = time.Date(2026, 11, 23, 10, 0, 0, 123456000, time.UTC)

var failure = orchestrator.Failure{
	Class: engine.Data, SQLState: "23505", Revision: "27c6a30d7c24", File: "a/27c6a30d7c24_x.sql", Line: 7,
	Statement: "CREATE UNIQUE INDEX ON users (email)", Message: "duplicate key “ß” \\ \u0000 '\"\n", Hint: "find the duplicates",
}

// Facts returns one fact of each kind that stores hold, and some with empty and with absent lists.
func Facts() []orchestrator.Fact {
	return []orchestrator.Fact{
		orchestrator.RolloutStarted{
			Run: 1, Fleet: "acme", Kind: orchestrator.Upgrade, Target: "heads",
			Waves: []orchestrator.WavePlanned{{Name: "all", Tenants: 5}}, Host: "h", PID: 7, User: "u", Width: 8,
		},
		orchestrator.WaveStarted{Wave: "all"},
		orchestrator.TenantsDispatched{Tenants: []string{"a", "b", "c d", "ü"}},
		orchestrator.TenantRetrying{Tenant: "a", Attempt: 1, Wait: 1500 * time.Microsecond, Failure: failure},
		orchestrator.TenantDeferred{Tenant: "b", Attempt: 2, Failure: failure},
		orchestrator.TenantFinished{
			Tenant: "a", Wave: "all", Outcome: orchestrator.Done, From: []string{}, To: []string{"27c6a30d7c24"},
			Steps: 3, Attempt: 2, Duration: 1234567 * time.Nanosecond,
		},
		orchestrator.TenantFinished{Tenant: "b", Wave: "all", Outcome: orchestrator.Failed, State: engine.Missing, Failure: &failure},
		orchestrator.TenantFinished{Tenant: "c d", Wave: "all", Outcome: orchestrator.Skipped, Reason: "not applied"},
		orchestrator.ServerPaused{Server: "main", Failure: failure},
		orchestrator.ServerPaused{Server: "main", Failure: failure, Operator: true},
		orchestrator.ServerResumed{Server: "main"},
		orchestrator.WidthChanged{Server: "main", Width: 4, Reason: "too many connections"},
		orchestrator.Warned{Message: "pattern x* matches nothing"},
		orchestrator.TenantsJoined{
			Wave: "all",
			Cohorts: []orchestrator.Cohort{
				{
					State: engine.Behind, From: []string{"1975ea83b712"}, To: []string{"27c6a30d7c24"}, Steps: []string{"27c6a30d7c24"},
					Sums: []string{"5891b5b5"}, Count: 1,
				},
				{State: engine.Missing, From: []string{}, To: []string{}, Steps: []string{}, Sums: []string{}, Count: 1, Refused: &failure},
			},
			Items: []orchestrator.Item{
				{Tenant: tenant.Tenant{
					ID: "late/ü", Source: "1", Labels: map[string]string{"tier": "free"}, Place: tenant.Place{File: "tenants.csv", Line: 7},
					Location: engine.Location{Dialect: revision.Postgres, Server: "main", Database: "app", Schema: "late ü"},
				}},
				{Tenant: tenant.Tenant{ID: "lost", Source: "files", Location: engine.Location{Dialect: revision.SQLite, File: "/data/lost.db"}}, Cohort: 1},
			},
		},
		orchestrator.TenantsReplanned{
			Wave: "all",
			Cohorts: []orchestrator.Cohort{{
				State: engine.Empty, From: []string{}, To: []string{"27c6a30d7c24"}, Steps: []string{"1975ea83b712", "27c6a30d7c24"},
				Sums: []string{"af5570f5", "5891b5b5"}, Count: 1,
			}},
			Items: []orchestrator.Item{{Tenant: tenant.Tenant{ID: "late/ü", Source: "1", Location: engine.Location{Dialect: revision.Postgres, Server: "main", Database: "app", Schema: "late ü"}}}},
		},
		orchestrator.GateClosed{Wave: "all", Until: Epoch.Add(10 * time.Minute), Checks: []string{"rows", "errors"}, Approval: true},
		orchestrator.GateClosed{Wave: "all", Until: Epoch, Checks: []string{}}, // closed anew by a later run
		orchestrator.GateMeasured{
			Wave: "all", Check: "rows", Verdict: orchestrator.Fail, Evidence: "2 of 5 tenants: got 0, want > 0: a, c d", Tenants: []string{"a", "c d"},
			Took: 1234567 * time.Nanosecond,
		},
		orchestrator.GateMeasured{Wave: "all", Check: "errors", Verdict: orchestrator.Inconclusive},
		orchestrator.GateMeasured{Wave: "all", Check: "rows", Verdict: orchestrator.Pass, Evidence: "5 tenants answered > 0", Took: time.Second},
		orchestrator.ApprovalAwaited{Wave: "all"},
		orchestrator.Commanded{Command: orchestrator.Command{
			Rollout: "r1", Seq: 1, Action: orchestrator.ActionSkip, Tenants: []string{"b", "late/ü"}, Reason: "they “move” <tomorrow>",
			User: "u", Host: "h", At: Epoch,
		}, Refused: "b is under work"},
		orchestrator.Commanded{Command: orchestrator.Command{Rollout: "r1", Seq: 2, Action: orchestrator.ActionApprove, Wave: "all", User: "u", Host: "h", At: Epoch}},
		orchestrator.GateSettled{Wave: "all", Verdict: orchestrator.Fail, Reason: "rows: 2 of 5 tenants: got 0, want > 0: a, c d"},
		orchestrator.GateSettled{Wave: "all", Verdict: orchestrator.Pass},
		orchestrator.WaveFinished{Wave: "all"},
		orchestrator.RolloutEnded{State: orchestrator.StateHalted, Reason: "1 tenant failed"},
	}
}

// Events numbers facts from a number on.
func Events(rollout string, from int64, facts ...orchestrator.Fact) []orchestrator.Event {
	events := make([]orchestrator.Event, len(facts))
	for i, f := range facts {
		n := from + int64(i)
		events[i] = orchestrator.Event{Rollout: rollout, Seq: n, Time: Epoch.Add(time.Duration(n) * time.Microsecond), Fact: f}
	}
	return events
}

// Plan returns a plan of n tenants on two servers.
func Plan(rollout, fleet string, n int) *orchestrator.Plan {
	p := &orchestrator.Plan{
		Rollout: rollout, Fleet: fleet, Kind: orchestrator.Upgrade, Target: "heads", Graph: "sum", Revisions: []string{"a", "b"},
		Tag: "v1", Of: "r0", Selectors: []string{"tier=gold,region in (eu-central-1)"}, Created: Epoch,
		Cohorts: []orchestrator.Cohort{
			{State: engine.Behind, From: []string{"a"}, To: []string{"b"}, Steps: []string{"b"}, Sums: []string{"s"}, Count: n},
			{State: engine.Missing, From: []string{}, To: []string{}, Steps: []string{}, Sums: []string{}, Refused: &failure},
		},
		Waves: []orchestrator.Wave{{
			Name: "all", Planned: n, Items: []orchestrator.Item{},
			Gate: &orchestrator.GatePlan{Bake: 10 * time.Minute, Checks: []string{"rows", "errors"}, Approval: true},
		}},
		Notes: []string{"2 tenants are held back: “year’s end”"},
	}
	for i := range n {
		p.Waves[0].Items = append(p.Waves[0].Items, orchestrator.Item{Tenant: tenant.Tenant{
			ID: fmt.Sprintf("tenant_%05d", i), Source: "1", Labels: map[string]string{"tier": "gold", "region": "eu-central-1"},
			Location: engine.Location{
				Dialect: revision.Postgres, Server: fmt.Sprintf("db%d", i%2), Database: "app", Schema: fmt.Sprintf("tenant_%05d", i),
			},
		}})
	}
	return p
}
