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
// A run is one loop, the only writer of the rollout's state. Workers, probes, meters, the command poller and the journal are
// goroutines of its own, which it feeds with values and waits for.
//
// # A tenant
//
//	              dispatched: durable in the store        taken up by a worker
//	┌─────────┐  before anything is touched  ┌─────────┐      ┌─────────┐
//	│ pending │ ───────────────────────────▶ │ pending │ ───▶ │ running │
//	└─────────┘                              │ (named) │ ◀─── │         │
//	   │ nothing to do, refused, skipped,    └─────────┘      └─────────┘
//	   │ not applied, not in the fleet            ▲   returned:    │
//	   ▼                                          │   full, lost,  │
//	 unchanged  failed  skipped  gone             │   cancelled;   │
//	                                              │   no attempt   │
//	                      retrying ───────────────┤ ◀── transient ─┤
//	                      deferred ───────────────┘ ◀── busy,      │
//	                       (end of the wave)            timeout;   │
//	                                                    stale, gone: once a wave, planned again
//	                                                               ▼
//	                                        done  unchanged  failed  gone
//
// Where an error's class leads is in run/disposition.go, and what is planned again in run/recreated.go. What a run has begun and
// not ended is pending again when the run ends; the next run asks the tenant itself, and never the store, how far it is.
//
// # A server
//
//	well ── lost; full at width 1 ──▶ probing ── answers ──▶ well
//	 │                                  └── patience over ──▶ away: its tenants fail, the budget applies
//	 └── disk full, auth, read-only; so many failures alike in a row, here only
//	       ──▶ blocked: its tenants stay pending, the rollout halts in the end
//
// # A wave
//
//	look at the fleet ──▶ tenants under work ──▶ through ──▶ its gate is closed ──▶ open: the next wave
//	  not before a run's    until all have come    within
//	  first wave            to an end              the budget
//
//	the gate bakes, and its checks are measured
//	 ├─ bake over, all checks pass ─┬─ no approval needed, or given ──────▶ pass
//	 │                              └─ waiting (for it) ── approve ───────▶ pass
//	 ├─ a check fails more often than is allowed ─────────────────────────▶ fail: the rollout halts
//	 └─ a check cannot tell more often in a row than is allowed ──────────▶ inconclusive: it pauses
//
// Before a wave its tenants are surveyed and planned again, and tenants that are new in the fleet join the last wave; they also
// do before the end, for at most ten rounds. Then tenants are tried again that were gone and are back, or that were done and have
// been recreated or restored since. A gate passes at once when nothing was done before it and nothing is left to do after it; when
// no tenant of its wave stands at the target, it is inconclusive, or asks for its approval. A gate that passed is not asked again.
// One that did not is asked again by the next run, with the bake counted from its wave's last upgrade; if it failed, it needs a
// new approval.
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
//	             │            ├─ pause; a gate cannot tell ──────────────────────────────────▶ paused
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
