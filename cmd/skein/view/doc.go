// Package view draws what happens in a rollout: as a progress bar on a terminal, as plain lines in a pipe,
// as JSON lines for machines.
//
//	orchestrator ── Event ──▶ View.Observe ──▶ terminal | lines | JSON
//	             ── Report ─▶ View.Close
//
// A view decides nothing. It may be slow: the orchestrator does not wait for it on the way to a tenant.
package view
