// Package gate has the meters of gates: what is measured after a wave, before the next one begins.
//
//	             ┌─ SQL         each tenant of the wave, or each of its servers ─┐
//	check ──▶ ───┼─ HTTP        an endpoint's status                             ├──▶ pass · fail · inconclusive
//	             ├─ Exec        a program's exit status                          │    and one line of evidence
//	             └─ Prometheus  every sample of a query                         ─┘
//
// A meter measures once. [plan.Check] and [plan.Gate] say how often, for how long and how many measures may fail.
// Whatever keeps a meter from an answer, such as a server that does not reply, is inconclusive and never a failure: it
// says nothing about the tenants. Evidence is
// one line of at most 400 bytes, and holds no secret that the meter was given.
package gate
