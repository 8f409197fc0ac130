// Package plan decides what a rollout does with each tenant. It is pure: it does no I/O and touches nothing.
//
//	p, err := plan.New(members, graph, plan.Options{
//		Rollout: plan.NewID(now), Fleet: "shop", Kind: plan.KindUpgrade, Targets: []string{"heads"}, Created: now,
//		Policy: plan.Policy{Waves: []plan.WaveSpec{{Name: "canary", Size: plan.Size{Percent: 5}}, {Name: "rest"}}},
//	})
//
//	Member (tenant, standing, size)
//	   │  Options, Policy, revision.Graph
//	   ▼
//	New, Resume, NewRollback ──▶ Runnable ──▶ package run
//	   ▲                           │ Stored
//	   │                           ▼
//	   └── History, Change ◀──── Plan ──▶ stores, Write, Differences
//	                               ├─ Cohorts: tenants that take the same path, and the Action: migrate, none, skip, refuse, gone
//	                               └─ Waves: Items (tenant, cohort), in the order in which they are migrated; a gate
//
// A [Plan] is printed, stored and compared; only a [Runnable] runs, since it also has what the engine runs and where each tenant
// stood. [Resume] makes a Runnable of a stored plan and a new survey: the tenants themselves say how far they are, never the
// store. While a rollout runs, [Replan] plans a wave again before its turn, and [Join] plans tenants that are new in the fleet;
// the stored plan never changes, [Plan.Amend] applies the changes.
package plan
