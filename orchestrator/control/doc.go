// Package control is an operator's hold on rollouts: it finds the rollout that is meant, reads it, and carries out what is
// asked of it, whether a process runs it or not.
//
//	Find ──▶ Load ──▶ check ──▶ is the fleet locked by a run of this rollout?
//	                              ├─ yes ─▶ store the command ──▶ wait until the run has acknowledged it
//	                              └─ no ──▶ take the lock ──▶ store the command ──▶ apply what is pending
//
// A run polls the store for commands. Without one, a skip and an abort are applied at once ([ApplyPending]), an approval is
// stored for the next run, and a pause is refused. Each command that was handled is a fact, also when it was refused.
package control
