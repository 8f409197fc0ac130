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
		Tag: "v1", Created: Epoch,
		Cohorts: []orchestrator.Cohort{
			{State: engine.Behind, From: []string{"a"}, To: []string{"b"}, Steps: []string{"b"}, Sums: []string{"s"}, Count: n},
			{State: engine.Missing, From: []string{}, To: []string{}, Steps: []string{}, Sums: []string{}, Refused: &failure},
		},
		Waves: []orchestrator.Wave{{Name: "all", Planned: n, Items: []orchestrator.Item{}}},
	}
	for i := range n {
		p.Waves[0].Items = append(p.Waves[0].Items, orchestrator.Item{Tenant: tenant.Tenant{
			ID: fmt.Sprintf("tenant_%05d", i), Source: "1", Labels: map[string]string{"tier": "gold", "region": "eu-central-1"},
			Target: engine.Target{
				Dialect: revision.Postgres, Server: fmt.Sprintf("db%d", i%2), Database: "app", Schema: fmt.Sprintf("tenant_%05d", i),
			},
		}})
	}
	return p
}
