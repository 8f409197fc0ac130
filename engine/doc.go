// Package engine migrates one tenant along a revision graph, and reads where many tenants stand at once.
//
//	Survey ──▶ Standing (per tenant) ──▶ Plan (per cohort) ──▶ Apply ──▶ Result
//	   │                                                         │
//	   └── Database (engine/postgres, engine/sqlite) ────────────┘
//
// By itself it is an Alembic for Go, and knows neither fleets nor rollouts:
//
//	e := engine.New(db, graph, engine.Config{})
//	result, err := e.Migrate(ctx, location, "heads")
//
// [Engine.Migrate] is one call for one tenant. A program with many tenants takes the steps one by one: [Engine.Survey] reads
// where they stand, [Engine.Plan] finds what to run, once for all that stand at the same revisions, and [Engine.Apply] runs it
// in each. [Engine.Screen] and [Engine.Rehearse] find out before whether a plan will run.
//
// The algorithm is here, once; a dialect only surveys, and applies what it is given. The version table inside the tenant is
// the only truth about where the tenant stands, and every change of it is decided under the tenant's lock. An Engine is safe
// for concurrent use.
package engine
