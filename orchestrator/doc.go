// Package orchestrator upgrades many tenants in waves under a policy, and remembers what happened to each.
//
//	Survey ──▶ Arrange (pure) ──▶ Plan ──▶ Run ──▶ facts ──▶ journal ──▶ Store
//	             Rearrange (resume)           │                 └──▶ observers
//	                                          └──▶ Report (fold)
//
// Run is one loop, the only writer of the rollout's state. Workers, probes and the journal are goroutines
// of its own, which it feeds with values and waits for.
//
// # A tenant
//
//	              dispatched: durable in the store        taken up by a worker
//	┌─────────┐  before anything is touched  ┌─────────┐      ┌─────────┐
//	│ pending │ ───────────────────────────▶ │ pending │ ───▶ │ running │
//	└─────────┘                              │ (named) │ ◀─── │         │
//	   │ nothing to do, refused,             └─────────┘      └─────────┘
//	   │ not applied, not in the fleet            ▲   returned:    │
//	   ▼                                          │   full, lost,  │
//	 unchanged  failed  skipped  gone             │   cancelled;   │
//	                                              │   no attempt   │
//	                      retrying ───────────────┤ ◀── transient ─┤
//	                      deferred ───────────────┘ ◀── busy,      │
//	                       (end of the wave)            timeout    │
//	                                                               ▼
//	                                        done  unchanged  failed  gone
//
// Where the words of an error's class lead is in verdict.go, once. What a run has begun and not ended is
// pending again when the run ends; the next run asks the tenant itself, and never the store, how far it is.
//
// # A server
//
//	well ── lost; full at width 1 ──▶ probing ── answers ──▶ well
//	 │                                  └── patience over ──▶ away: its tenants fail, the budget applies
//	 └── disk full, auth, read-only ──▶ blocked: its tenants stay pending, the rollout halts in the end
//
// # A rollout
//
//	              all tenants have come to an end
//	running ───────────────────────────────────────────▶ finished
//	 │  ▲  │
//	 │  │  └─ failures exceed the budget, a server is blocked,
//	 │  │     the store or the lock is lost ──▶ drain ──▶ halted ──────┐
//	 │  │                                                              │
//	 │  └──────────────────── resume: a new run ◀──────────────────────┤
//	 │                                                                 │
//	 └─ first signal ──▶ drain, second ──▶ cancel ──▶ interrupted ─────┘
//
// paused, waiting and aborted come with the gates between waves. A drain begins no tenant and lets those
// under work finish: no sibling is cancelled in the middle of its DDL because another tenant failed.
package orchestrator
