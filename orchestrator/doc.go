// Package orchestrator upgrades many tenants in waves under a policy, and remembers what happened to each.
//
//	Survey ──▶ Arrange (pure) ──▶ Plan ──▶ Run ──▶ facts ──▶ journal ──▶ Store
//	             Rearrange (resume)           │                 └──▶ observers
//	                                          └──▶ Report (fold)
//
// Run is one loop, the only writer of the rollout's state. Workers, probes, meters, the inbox and the journal are
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
//	                                                    stale, gone: once a wave, planned anew
//	                                                               ▼
//	                                        done  unchanged  failed  gone
//
// Where the words of an error's class lead is in verdict.go, and of those that are planned anew in anew.go. What a run has begun and not ended is
// pending again when the run ends; the next run asks the tenant itself, and never the store, how far it is.
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
//	 ├─ bake over, all checks pass ─┬─ no approval wanted, or given ──────▶ pass
//	 │                              └─ waiting (for it) ── approve ───────▶ pass
//	 ├─ a check fails more often than is borne ───────────────────────────▶ fail: the rollout halts
//	 └─ a check cannot tell more often in a row than is borne ────────────▶ inconclusive: it pauses
//
// Before a wave its tenants are surveyed and planned afresh, and tenants that are new in the fleet join the last wave;
// so they do before the end, for ten rounds at most. Then tenants are taken up again that were gone and are back, or
// that were done and have been made anew or restored since. A gate behind which nothing is left to do, and before which
// nothing was done, lets through; one that no tenant of its wave stands for is inconclusive, or asks for its approval. A
// gate that passed is behind the rollout. One that did not is asked afresh by the next run, with the bake counted from
// its wave's last upgrade; if it failed, it wants a new approval.
//
// # A rollout
//
//	         ┌───────────┐   all waves are through, and their gates open
//	start ─▶ │  running  │ ──────────────────────────────────────────────────▶ finished
//	         │   │   ▲   │
//	         │   ▼   │   │   what ends a run, when those under work have finished:
//	         │  waiting  │    ├─ failures exceed the budget, or are systemic
//	         └───────────┘    │  a gate fails; a server waits for an operator
//	             ▲            │  the fleet shrank too much; the store or the lock is lost ──▶ halted
//	             │            ├─ pause; a gate cannot tell ──────────────────────────────────▶ paused
//	             │            ├─ the first signal; the second cancels those under work ──────▶ interrupted
//	             │            ├─ an approval is awaited, and nobody waits for it (NoWait) ───▶ waiting
//	             │            └─ abort, also when nobody runs the rollout ───────────────────▶ aborted: for good
//	             │                                                                                │
//	             └── resume: a new run, of all but aborted ◀──────────────────────────────────────┘
//
// Of several reasons the first counts, but what people ask for outweighs what happened, and an abort outweighs all.
// A process that is killed leaves the rollout running or waiting in the store: then nobody runs it, which the fleet's
// lock tells, and it is resumed like any other. A drain begins no tenant and lets those under work finish: no sibling
// is cancelled in the middle of its DDL because another tenant failed.
//
// # Commands
//
// Operators ask by appending to the store, from wherever they are. A run polls for it, [ApplyPending] does it for a rollout that
// nobody runs. Each command that is taken in is a fact, which says also when nothing came of it: both are the audit log.
package orchestrator
