// Package orchestrator upgrades many tenants in waves under a policy, and remembers what happened to each.
//
//	o, err := orchestrator.New(orchestrator.Config{
//		Fleet: "shop", Engine: eng, Sources: sources, Store: store,
//		Policy: plan.Policy{Waves: []plan.WaveSpec{{Name: "canary", Size: plan.Size{Count: 5}}, {Name: "rest"}}},
//	})
//	p, err := o.Plan(ctx, orchestrator.UpgradeTo("heads")) // who, from where, to where; nothing is touched
//	report, err := o.Run(ctx, p)                           // takes the fleet's lock, and returns what came of it
//	report, err = o.Resume(ctx, report.Rollout, control.By{})
//	report, err = o.Rollback(ctx, report.Rollout)
//
// [Orchestrator.Apply] plans and runs under one lock. [Orchestrator.Pause], Approve, Skip and Abort steer a rollout from any
// process that reaches the store; [Orchestrator.Show] and List read it.
//
//	Sources ──▶ Survey ──▶ plan.New (pure) ──▶ Plan ──▶ run.Run ──▶ facts ──▶ journal ──▶ Store
//	                       plan.Resume                     │                    └──▶ observers
//	                       plan.NewRollback                └──▶ Report (fold of the facts)
//
// The parts are packages of their own: plan decides, and does no I/O; rollout has the facts, the report, and the interfaces
// of a store; run is the loop; control finds and steers; gate, notify and the stores are what can be plugged in.
//
// What happens to a tenant, a server and a wave is drawn in package run.
//
// # A rollout
//
//	         ┌───────────┐   all waves are through, and their gates open
//	start ─▶ │  running  │ ──────────────────────────────────────────────────▶ finished
//	         │   │   ▲   │
//	         │   ▼   │   │   what ends a run, when the running tenants finished:
//	         │  waiting  │    ├─ failures exceed the budget, or are systemic
//	         └───────────┘    │  a gate fails; a server waits for an operator
//	             ▲            │  the fleet shrank too much; the store or the lock is lost ──▶ halted
//	             │            ├─ pause; a gate is inconclusive ──────────────────────────────▶ paused
//	             │            ├─ the first signal; the second cancels running tenants ──────▶ interrupted
//	             │            ├─ an approval is awaited, and the run does not wait (NoWait) ─▶ waiting
//	             │            └─ abort, also when no process runs the rollout ───────────────▶ aborted: for good
//	             │                                                                                │
//	             └── resume: a new run, of all but aborted ◀──────────────────────────────────────┘
//
// Of several reasons the first counts, but what people ask for outweighs what happened, and an abort outweighs all.
// A process that is killed leaves the rollout running or waiting in the store: the fleet's lock then shows that no process runs
// it, and it is resumed like any other. A drain dispatches no more tenants and lets the running ones finish: no tenant is
// cancelled in the middle of its DDL because another one failed.
//
// # Commands
//
// Operators ask by appending commands to the store, from wherever they are. A run polls for them; for a rollout that no process
// runs, package control applies them. Each command that was handled is a fact, also when it was refused: the audit log.
package orchestrator
