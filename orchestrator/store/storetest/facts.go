package storetest

import (
	"fmt"
	"time"

	"github.com/skeindb/skein/engine"
	"github.com/skeindb/skein/engine/revision"
	"github.com/skeindb/skein/orchestrator/plan"
	"github.com/skeindb/skein/orchestrator/rollout"
	"github.com/skeindb/skein/tenant"
)

// Epoch is when the rollouts of the suite begin.
var Epoch = time.Date(2026, 11, 23, 10, 0, 0, 123456000, time.UTC)

var failure = plan.Failure{
	Class: engine.Data, SQLState: "23505", Revision: "27c6a30d7c24", File: "a/27c6a30d7c24_x.sql", Line: 7,
	Statement: "CREATE UNIQUE INDEX ON users (email)", Message: "duplicate key “ß” \\ \u0000 '\"\n", Hint: "find the duplicates",
}

// Facts returns one fact of each kind that stores hold, and some with empty and with absent lists.
func Facts() []rollout.Fact {
	return []rollout.Fact{
		rollout.Started{
			Run: 1, Fleet: "acme", Kind: plan.KindUpgrade, Target: "heads",
			Waves: []rollout.WavePlanned{{Name: "all", Tenants: 5}}, Host: "h", PID: 7, User: "u", Width: 8,
		},
		rollout.WaveStarted{Wave: "all"},
		rollout.TenantsDispatched{Tenants: []string{"a", "b", "c d", "ü"}},
		rollout.TenantRetrying{Tenant: "a", Attempt: 1, Wait: 1500 * time.Microsecond, Failure: failure},
		rollout.TenantDeferred{Tenant: "b", Attempt: 2, Failure: failure},
		rollout.TenantFinished{
			Tenant: "a", Wave: "all", Outcome: plan.OutcomeDone, From: []string{}, To: []string{"27c6a30d7c24"},
			Steps: 3, Attempt: 2, Duration: 1234567 * time.Nanosecond,
		},
		rollout.TenantFinished{Tenant: "b", Wave: "all", Outcome: plan.OutcomeFailed, State: engine.Missing, Failure: &failure},
		rollout.TenantFinished{Tenant: "c d", Wave: "all", Outcome: plan.OutcomeSkipped, Reason: "not applied"},
		rollout.TenantsRunning{Tenants: []string{"a", "b"}},
		rollout.TenantsWaiting{Server: "main", Waits: []rollout.TenantWait{{Tenant: "a", For: []engine.Holder{{PID: 7}}}}},
		rollout.ServerPaused{Server: "main", Failure: failure},
		rollout.ServerPaused{Server: "main", Failure: failure, Operator: true},
		rollout.ServerResumed{Server: "main"},
		rollout.WidthChanged{Server: "main", Width: 4, Reason: "too many connections"},
		rollout.Warned{Message: "pattern x* matches nothing"},
		rollout.TenantsJoined{
			Wave: "all",
			Cohorts: []plan.Cohort{
				{
					Action: plan.ActionMigrate, State: engine.Behind, From: []string{"1975ea83b712"}, To: []string{"27c6a30d7c24"}, Steps: []string{"27c6a30d7c24"},
					Sums: []string{"5891b5b5"}, Count: 1,
				},
				{Action: plan.ActionRefuse, State: engine.Missing, From: []string{}, To: []string{}, Steps: []string{}, Sums: []string{}, Count: 1, Failure: &failure},
			},
			Items: []plan.Item{
				{Tenant: tenant.Tenant{
					ID: "late/ü", Source: "1", Labels: map[string]string{"tier": "free"}, Position: tenant.Position{File: "tenants.csv", Line: 7},
					Location: engine.Location{Dialect: revision.Postgres, Server: "main", Database: "app", Schema: "late ü"},
				}},
				{Tenant: tenant.Tenant{ID: "lost", Source: "files", Location: engine.Location{Dialect: revision.SQLite, File: "/data/lost.db"}}, Cohort: 1},
			},
		},
		rollout.TenantsReplanned{
			Wave: "all",
			Cohorts: []plan.Cohort{{
				Action: plan.ActionMigrate, State: engine.Empty, From: []string{}, To: []string{"27c6a30d7c24"}, Steps: []string{"1975ea83b712", "27c6a30d7c24"},
				Sums: []string{"af5570f5", "5891b5b5"}, Count: 1,
			}},
			Items: []plan.Item{{Tenant: tenant.Tenant{ID: "late/ü", Source: "1", Location: engine.Location{Dialect: revision.Postgres, Server: "main", Database: "app", Schema: "late ü"}}}},
		},
		rollout.GateClosed{Wave: "all", Until: Epoch.Add(10 * time.Minute), Checks: []string{"rows", "errors"}, Approval: true},
		rollout.GateClosed{Wave: "all", Until: Epoch, Checks: []string{}}, // closed again by a later run
		rollout.GateMeasured{
			Wave: "all", Check: "rows", Verdict: plan.VerdictFail, Evidence: "2 of 5 tenants: got 0, want > 0: a, c d", Tenants: []string{"a", "c d"},
			Took: 1234567 * time.Nanosecond,
		},
		rollout.GateMeasured{Wave: "all", Check: "errors", Verdict: plan.VerdictInconclusive},
		rollout.GateMeasured{Wave: "all", Check: "rows", Verdict: plan.VerdictPass, Evidence: "5 tenants answered > 0", Took: time.Second},
		rollout.ApprovalAwaited{Wave: "all"},
		rollout.Commanded{Command: rollout.Command{
			Rollout: "r1", Seq: 1, Action: rollout.ActionSkip, Tenants: []string{"b", "late/ü"}, Reason: "they “move” <tomorrow>",
			User: "u", Host: "h", At: Epoch,
		}, Refused: "b is running"},
		rollout.Commanded{Command: rollout.Command{Rollout: "r1", Seq: 2, Action: rollout.ActionApprove, Wave: "all", User: "u", Host: "h", At: Epoch}},
		rollout.GateSettled{Wave: "all", Verdict: plan.VerdictFail, Reason: "rows: 2 of 5 tenants: got 0, want > 0: a, c d"},
		rollout.GateSettled{Wave: "all", Verdict: plan.VerdictPass},
		rollout.WaveFinished{Wave: "all"},
		rollout.Ended{State: rollout.StateHalted, Reason: "1 tenant failed"},
	}
}

// Events numbers facts from a number on.
func Events(id string, from int64, facts ...rollout.Fact) []rollout.Event {
	events := make([]rollout.Event, len(facts))
	for i, f := range facts {
		n := from + int64(i)
		events[i] = rollout.Event{Rollout: id, Seq: n, Time: Epoch.Add(time.Duration(n) * time.Microsecond), Fact: f}
	}
	return events
}

// Plan returns a plan of n tenants on two servers.
func Plan(rollout, fleet string, n int) *plan.Plan {
	p := &plan.Plan{
		Rollout: rollout, Fleet: fleet, Kind: plan.KindUpgrade, Target: "heads", Graph: "sum", Revisions: []string{"a", "b"},
		Tag: "v1", Of: "r0", Selectors: []string{"tier=gold,region in (eu-central-1)"}, Created: Epoch,
		Cohorts: []plan.Cohort{
			{Action: plan.ActionMigrate, State: engine.Behind, From: []string{"a"}, To: []string{"b"}, Steps: []string{"b"}, Sums: []string{"s"}, Count: n},
			{Action: plan.ActionRefuse, State: engine.Missing, From: []string{}, To: []string{}, Steps: []string{}, Sums: []string{}, Failure: &failure},
		},
		Waves: []plan.Wave{{
			Name: "all", Planned: n, Items: []plan.Item{},
			Gate: &plan.GatePlan{Bake: 10 * time.Minute, Checks: []string{"rows", "errors"}, Approval: true},
		}},
		Notes: []string{"2 tenants are held back: “year’s end”"},
	}
	for i := range n {
		p.Waves[0].Items = append(p.Waves[0].Items, plan.Item{Tenant: tenant.Tenant{
			ID: fmt.Sprintf("tenant_%05d", i), Source: "1", Labels: map[string]string{"tier": "gold", "region": "eu-central-1"},
			Location: engine.Location{
				Dialect: revision.Postgres, Server: fmt.Sprintf("db%d", i%2), Database: "app", Schema: fmt.Sprintf("tenant_%05d", i),
			},
		}})
	}
	return p
}
