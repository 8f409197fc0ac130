// Package run executes a plan: a loop migrates the tenants of a rollout, wave by wave, and asks the gates.
//
//	report, err := run.Run(ctx, run.Config{Plan: p, Engine: eng, Graph: g, Store: store})
//
// Most programs use package orchestrator, which discovers, plans, locks and calls Run.
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
// Where an error's class leads is in disposition.go, and what is planned again in recreated.go. What a run has begun and
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
//	look at the fleet ──▶ running tenants ─────▶ through ──▶ its gate is closed ──▶ open: the next wave
//	  not before a run's    until all have come    within
//	  first wave            to an end              the budget
//
//	the gate bakes, and its checks are measured
//	 ├─ bake over, all checks pass ─┬─ no approval needed, or given ──────▶ pass
//	 │                              └─ waiting (for it) ── approve ───────▶ pass
//	 ├─ a check fails more often than is allowed ─────────────────────────▶ fail: the rollout halts
//	 └─ a check is inconclusive more often in a row than is allowed ──────▶ inconclusive: it pauses
//
// Before a wave its tenants are surveyed and planned again, and tenants that are new in the fleet join the last wave; they also
// do before the end, for at most ten rounds. Then tenants are tried again that were gone and are back, or that were done and have
// been recreated or restored since. A gate passes at once when nothing was done before it and nothing is left to do after it; when
// no tenant of its wave stands at the target, it is inconclusive, or asks for its approval. A gate that passed is not asked again.
// One that did not is asked again by the next run, with the bake counted from its wave's last upgrade; if it failed, it needs a
// new approval.
//
// # Phases
//
//	starting ──▶ ┌▶ discovering ──▶ migrating ──▶ replanning ──▶ gate ─┐ ──▶ rechecking ──▶ over
//	             │  not before a    │  ▲           tenants that are     │     tenants that were gone or done,
//	             │  run's first     ▼  │           not those that were  │     and are not what they were
//	             │  wave           late│           planned: once more   │
//	             └──────────────── next wave ◀─────────────────────────┘
//
// Any phase but starting is left for over when something stops the run. In replanning a tenant is not planned again; in over
// the tenants that run are waited for.
package run
